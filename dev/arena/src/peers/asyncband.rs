//! Apache asyncband, formerly mea.

use asyncband::mutex::Mutex;

use crate::book::Book;
use crate::rooms::sync_mutex::{self, AsyncLock};

struct Peer;

pub(crate) fn enter(book: &mut Book) {
    sync_mutex::for_tasks::<Peer>(book, "asyncband");
    sync_mutex::for_hand_off(book, "asyncband", || Mutex::new(0u64), Mutex::lock);
}

impl AsyncLock for Peer {
    type Mutex = Mutex<u64>;
    const BYTES: usize = size_of::<Mutex<()>>();
    fn new() -> Mutex<u64> {
        Mutex::new(0)
    }
    async fn with(mutex: &Mutex<u64>, change: impl FnOnce(&mut u64) + Send) {
        change(&mut *mutex.lock().await);
    }
}
