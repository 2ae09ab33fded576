//! Read-write locks, barriers, places that are filled once, and the mutex that counts.

use counterpoint::sync::{Barrier, ContendedMutex, OnceCell, RwLock};

use super::Ours;
use crate::book::{Book, OURS};
use crate::rooms::sync_barrier::{self, AsyncMeeting, Meeting};
use crate::rooms::sync_contended_mutex;
use crate::rooms::sync_mutex::Lock;
use crate::rooms::sync_once::{self, Place};
use crate::rooms::sync_rwlock::{self, AsyncReadWrite, ReadWrite};

/// The mutex that counts.
struct Counts;

pub(super) fn enter(book: &mut Book) {
    sync_rwlock::for_threads::<Ours>(book, OURS);
    sync_rwlock::for_tasks::<Ours>(book, OURS);
    sync_barrier::for_threads::<Ours>(book, OURS);
    sync_barrier::for_tasks::<Ours>(book, sync_barrier::OURS_IN_TASKS);
    sync_once::places::<Ours>(book, OURS);
    sync_contended_mutex::both::<Counts, Ours>(book, OURS);
}

impl Lock for Counts {
    type Mutex = ContendedMutex<u64>;
    const BYTES: usize = size_of::<ContendedMutex<()>>();
    fn new() -> ContendedMutex<u64> {
        ContendedMutex::new(0)
    }
    fn with(mutex: &ContendedMutex<u64>, change: impl FnOnce(&mut u64)) {
        change(&mut mutex.lock());
    }
}

impl ReadWrite for Ours {
    type Lock = RwLock<u64>;
    const BYTES: usize = size_of::<RwLock<()>>();
    fn new() -> RwLock<u64> {
        RwLock::new(0)
    }
    fn read(lock: &RwLock<u64>, look: impl FnOnce(&u64)) {
        look(&lock.read());
    }
    fn write(lock: &RwLock<u64>, change: impl FnOnce(&mut u64)) {
        change(&mut lock.write());
    }
}

impl AsyncReadWrite for Ours {
    type Lock = RwLock<u64>;
    fn new() -> RwLock<u64> {
        RwLock::new(0)
    }
    async fn read(lock: &RwLock<u64>) -> u64 {
        *lock.read_async().await
    }
    async fn write(lock: &RwLock<u64>) {
        *lock.write_async().await += 1;
    }
}

impl Meeting for Ours {
    type Barrier = Barrier;
    fn new(parties: usize) -> Barrier {
        Barrier::new(parties)
    }
    fn wait(barrier: &Barrier) -> bool {
        barrier.wait().is_leader()
    }
}

impl AsyncMeeting for Ours {
    type Barrier = Barrier;
    fn new(parties: usize) -> Barrier {
        Barrier::new(parties)
    }
    async fn wait(barrier: &Barrier) -> bool {
        barrier.wait_async().await.is_leader()
    }
}

impl Place for Ours {
    type Cell = OnceCell<u64>;
    fn filled(value: u64) -> OnceCell<u64> {
        OnceCell::from(value)
    }
    fn get(cell: &OnceCell<u64>) -> Option<&u64> {
        cell.get()
    }
}
