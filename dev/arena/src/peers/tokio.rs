//! tokio.

use tokio::sync::{Barrier, Mutex, Notify, OnceCell, RwLock, Semaphore};

use crate::book::Book;
use crate::rooms::sync_barrier::{self, AsyncMeeting};
use crate::rooms::sync_mutex::{self, AsyncLock};
use crate::rooms::sync_notify::{self, Signal};
use crate::rooms::sync_once::{self, Place};
use crate::rooms::sync_rwlock::{self, AsyncReadWrite};
use crate::rooms::sync_semaphore::{self, Permits};
use crate::rooms::wait_select::{self, TaskSelect};

struct Peer;

pub(crate) fn enter(book: &mut Book) {
    sync_mutex::for_tasks::<Peer>(book, "tokio");
    sync_mutex::for_tasks_contended::<Peer>(book, "tokio");
    sync_mutex::for_hand_off(book, "tokio", || Mutex::new(0u64), Mutex::lock);
    sync_rwlock::for_tasks::<Peer>(book, "tokio");
    sync_barrier::for_tasks::<Peer>(book, "tokio");
    sync_once::places::<Peer>(book, "tokio");
    sync_semaphore::for_tasks::<Peer>(book, "tokio");
    sync_notify::for_tasks::<Peer>(book, "tokio");
    wait_select::for_tasks::<Peer>(book, "tokio");
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
        OnceCell::new_with(Some(value))
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
        drop(permit.expect("nobody closes it"));
    }
}

impl Signal for Peer {
    type Signal = Notify;
    fn new() -> Notify {
        Notify::new()
    }
    fn send(signal: &Notify) {
        signal.notify_one();
    }
    async fn wait(signal: &Notify) {
        signal.notified().await;
    }
}

impl TaskSelect for Peer {
    type Two = (Notify, Notify);
    fn new() -> Self::Two {
        (Notify::new(), Notify::new())
    }
    fn send(two: &Self::Two, first: bool) {
        if first { &two.0 } else { &two.1 }.notify_one();
    }
    async fn take(two: &Self::Two) -> bool {
        tokio::select! {
            () = two.0.notified() => true,
            () = two.1.notified() => false,
        }
    }
}
