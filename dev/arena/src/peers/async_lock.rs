//! async-lock. Its documentation names no executor, so it runs on the usual one.

use async_lock::{Mutex, Semaphore};

use crate::book::Book;
use crate::rooms::sync_mutex::{self, AsyncLock};
use crate::rooms::sync_semaphore::{self, Permits};

struct Peer;

pub(crate) fn enter(book: &mut Book) {
    sync_mutex::for_tasks::<Peer>(book, "async-lock");
    sync_mutex::for_tasks_contended::<Peer>(book, "async-lock");
    sync_mutex::for_hand_off(book, "async-lock", || Mutex::new(0u64), Mutex::lock);
    sync_semaphore::for_tasks::<Peer>(book, "async-lock");
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

impl Permits for Peer {
    type Semaphore = Semaphore;
    fn new(permits: usize) -> Semaphore {
        Semaphore::new(permits)
    }
    async fn with(semaphore: &Semaphore, work: impl FnOnce() + Send) {
        let permit = semaphore.acquire().await;
        work();
        drop(permit);
    }
}
