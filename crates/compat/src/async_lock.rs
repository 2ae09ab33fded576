//! `async-lock` 3: `Mutex`, `RwLock`, `Semaphore`, `Barrier`, `OnceCell`.
//!
//! Plain verbs are futures, those that end in `_blocking` block. What differs: a future that is
//! dropped while it waits at a `Barrier` takes its arrival back; whoever asks for a cell, and is polled
//! on the thread that runs its initializer at that moment, panics in place of waiting, as a rule for
//! ever; a semaphore has [`counterpoint_sync::Semaphore::MAX_PERMITS`] at most, so `usize::MAX`, for "no limit", panics; as
//! many as [`counterpoint_sync::RwLock::MAX_READERS`] read at once; the future of `write` and its guard are `Send` only
//! if the value is `Sync` as well, since a guard that writes may become one that reads.
//!
//! ```
//! use counterpoint_compat::async_lock::{Mutex, RwLock, Semaphore};
//! use counterpoint_wait::block_on;
//! use std::sync::Arc;
//!
//! block_on(async {
//!     let mutex = Arc::new(Mutex::new(1));
//!     *mutex.lock_arc().await += 1;
//!     assert_eq!(*mutex.lock().await, 2);
//!
//!     let (lock, slots) = (RwLock::new(5), Semaphore::new(1));
//!     let slot = slots.acquire().await;
//!     assert_eq!(*lock.read().await, 5);
//!     assert!(slots.try_acquire().is_none());
//!     drop(slot);
//! });
//! assert_eq!(*Mutex::new(7).lock_blocking(), 7);
//! ```

mod barrier;
mod mutex;
mod once_cell;
mod rwlock;
mod semaphore;

pub use barrier::Barrier;
pub use counterpoint_sync::BarrierWaitResult;
pub use mutex::{Mutex, MutexGuard, MutexGuardArc};
pub use once_cell::OnceCell;
pub use rwlock::{
    RwLock, RwLockReadGuard, RwLockReadGuardArc, RwLockUpgradableReadGuard,
    RwLockUpgradableReadGuardArc, RwLockWriteGuard, RwLockWriteGuardArc,
};
pub use semaphore::{Semaphore, SemaphoreGuard, SemaphoreGuardArc};

/// The futures by name.
pub mod futures {
    pub use super::barrier::BarrierWait;
    pub use super::mutex::{Lock, LockArc};
    pub use super::rwlock::{
        Read, ReadArc, UpgradableRead, UpgradableReadArc, Upgrade, UpgradeArc, Write, WriteArc,
    };
    pub use super::semaphore::{Acquire, AcquireArc};
}
