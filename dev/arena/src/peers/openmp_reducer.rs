//! openmp-reducer.

use openmp_reducer::Reducer;

use crate::book::Book;
use crate::rooms::sync_buf_mutex;

struct Peer;

pub(crate) fn enter(book: &mut Book) {
    sync_buf_mutex::shares::<Peer>(book, "openmp-reducer");
}

impl sync_buf_mutex::Reducer for Peer {
    type Total = Reducer<u64>;
    fn new() -> Self::Total {
        Reducer::new(0, |global, local| *global += *local)
    }
    fn sum(total: &Self::Total) -> u64 {
        total.peek()
    }
    fn share(total: &Self::Total, work: impl FnOnce(&mut u64)) {
        let mut share = total.share();
        work(share.as_mut());
    }
}
