//! .

use ;

use crate::book::Book;
use crate::rooms::sync_mutex::{self, Lock};

struct Peer;

pub(crate) fn enter(book: &mut Book) {
    sync_mutex::for_threads::<Peer>(book, "");
}

impl Lock for Peer {
    type Mutex = Mutex<u64>;
    const BYTES: usize = size_of::<Mutex<()>>();
    fn new() -> Mutex<u64> {
        Mutex::new(0)
    }
    fn with(mutex: &Mutex<u64>, change: impl FnOnce(&mut u64)) {
        change(&mut mutex.lock());
    }
}
