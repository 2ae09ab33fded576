//! async-lock. Its documentation names no executor, so it runs on the usual one.

use async_lock::{Barrier, Mutex, OnceCell, RwLock, Semaphore};

use crate::book::Book;
use crate::rooms::sync_barrier::{self, AsyncMeeting};
use crate::rooms::sync_mutex::{self, AsyncLock};
use crate::rooms::sync_once::{self, Place};
use crate::rooms::sync_rwlock::{self, AsyncReadWrite};
use crate::rooms::sync_semaphore::{self, Permits};

struct Peer;

pub(crate) fn enter(book: &mut Book) {
    sync_mutex::for_tasks::<Peer>(book, "async-lock");
    sync_mutex::for_tasks_contended::<Peer>(book, "async-lock");
    sync_mutex::for_hand_off(book, "async-lock", || Mutex::new(0u64), Mutex::lock);
    sync_rwlock::for_tasks::<Peer>(book, "async-lock");
    sync_barrier::for_tasks::<Peer>(book, "async-lock");
    sync_once::places::<Peer>(book, "async-lock");
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

impl AsyncReadWrite for Peer {
    type Lock = RwLock<u64>;
    fn new() -> RwLock<u64> {
        RwLock::new(0)
    }
    async fn read(lock: &RwLock<u64>) -> u64 {
        *lock.read().await
    }
    async fn write(lock: &RwLock<u64>) {
        *lock.write().await += 1;
    }
}

impl AsyncMeeting for Peer {
    type Barrier = Barrier;
    fn new(parties: usize) -> Barrier {
        Barrier::new(parties)
    }
    async fn wait(barrier: &Barrier) -> bool {
        barrier.wait().await.is_leader()
    }
}

impl Place for Peer {
    type Cell = OnceCell<u64>;
    fn filled(value: u64) -> OnceCell<u64> {
        OnceCell::from(value)
    }
    fn get(cell: &OnceCell<u64>) -> Option<&u64> {
        cell.get()
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
