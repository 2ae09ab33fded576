//! saa.

use saa::{Mutex, lock_async};

use crate::book::Book;
use crate::rooms::sync_mutex::{self, AsyncLock};

struct Peer;

pub(crate) fn enter(book: &mut Book) {
    sync_mutex::for_tasks::<Peer>(book, "saa");
}

impl AsyncLock for Peer {
    type Mutex = Mutex<u64>;
    const BYTES: usize = size_of::<Mutex<()>>();
    fn new() -> Mutex<u64> {
        Mutex::new(0)
    }
    async fn with(mutex: &Mutex<u64>, change: impl FnOnce(&mut u64) + Send) {
        change(&mut *lock_async(mutex).await);
    }
}
