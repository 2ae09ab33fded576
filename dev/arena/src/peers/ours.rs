//! counterpoint.

use counterpoint::sync::Mutex;

use crate::book::{Book, OURS};
use crate::rooms::sync_mutex::{self, AsyncLock, Lock};

struct Ours;

pub(crate) fn enter(book: &mut Book) {
    sync_mutex::for_threads::<Ours>(book, OURS);
    sync_mutex::for_tasks::<Ours>(book, OURS);
    sync_mutex::for_hand_off(book, OURS, || Mutex::new(0u64), Mutex::lock_async);
}

impl Lock for Ours {
    type Mutex = Mutex<u64>;
    const BYTES: usize = size_of::<Mutex<()>>();
    fn new() -> Mutex<u64> {
        Mutex::new(0)
    }
    fn with(mutex: &Mutex<u64>, change: impl FnOnce(&mut u64)) {
        change(&mut mutex.lock());
    }
}

impl AsyncLock for Ours {
    type Mutex = Mutex<u64>;
    const BYTES: usize = size_of::<Mutex<()>>();
    fn new() -> Mutex<u64> {
        Mutex::new(0)
    }
    async fn with(mutex: &Mutex<u64>, change: impl FnOnce(&mut u64) + Send) {
        change(&mut *mutex.lock_async().await);
    }
}
