//! The subjects, a file for each library. A new file needs a line here.

use crate::book::Book;

macro_rules! peers {
    ($($name:ident),* $(,)?) => {
        $(mod $name;)*

        /// Enters all subjects into the scenarios they take part in.
        pub(crate) fn enter(book: &mut Book) {
            $($name::enter(book);)*
        }
    };
}

peers! {
    ours,
    plain,
    std,
    parking_lot_12,
    parking_lot_13,
    tokio,
    async_lock,
    event_listener,
    crossbeam,
    crossbeam_cells,
    crossbeam_epoch,
    crossbeam_lockfree,
    portable_atomic,
    concurrent_queue,
    rtrb,
    st3,
    seize,
    sdd,
    flume,
    openmp_reducer,
    rendezvous_swap,
    asyncband,
    saa,
    atlas_twin,
    reader_thread,
}
