//! The scenarios, a file for each thing. A new file needs a line here.

use crate::book::Book;

macro_rules! rooms {
    ($($name:ident),* $(,)?) => {
        $(pub(crate) mod $name;)*

        /// Enters all scenarios.
        pub(crate) fn enter(book: &mut Book) {
            $($name::enter(book);)*
        }
    };
}

rooms! {
    base,
    base_atomic_cell,
    lockfree_queue,
    lockfree_spsc,
    lockfree_deque,
    lockfree_epoch,
    sync_mutex,
    sync_contended_mutex,
    sync_rwlock,
    sync_semaphore,
    sync_notify,
    sync_barrier,
    sync_once,
    sync_condvar,
    sync_sharded_lock,
    sync_buf_mutex,
    sync_rendezvous,
    sync_stage,
    wait_parker,
    wait_select,
    atlas,
}
