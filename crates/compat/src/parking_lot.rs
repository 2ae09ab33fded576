//! `parking_lot` 0.12: `Mutex`, `FairMutex`, `ReentrantMutex`, `RwLock`, `Condvar`, `Once`.
//!
//! The locks are `lock_api`'s over [`counterpoint_sync::lock_api`], as parking_lot's are over its own
//! raw locks, so every method and guard is there. What differs: guards are `Send`, as with its feature
//! `send_guard`; a `Condvar` may be used with several mutexes at a time, where parking_lot panics;
//! unlocking may look at the lock for a moment after another thread has it, so unsafe code must not
//! free it as soon as it has locked it for the last time (an `Arc` around it is right).
//!
//! Not here: `deadlock`, since what the hooks tell finds deadlocks of all primitives, and
//! `owning_ref`.
//!
//! ```
//! use counterpoint_compat::parking_lot::{Condvar, Mutex, RwLock, RwLockUpgradableReadGuard};
//! use std::time::Duration;
//!
//! static COUNT: Mutex<u32> = Mutex::new(0);
//! *COUNT.lock() += 1;
//! assert!(COUNT.try_lock_for(Duration::from_millis(1)).is_some());
//!
//! let lock = RwLock::new(5);
//! let read = lock.upgradable_read();
//! *RwLockUpgradableReadGuard::upgrade(read) += 1;
//! assert_eq!(lock.into_inner(), 6);
//!
//! let changed = Condvar::new();
//! let wait = changed.wait_for(&mut COUNT.lock(), Duration::from_millis(1));
//! assert!(wait.timed_out());
//! ```

mod condvar;
mod once;

pub use ::lock_api;
use ::lock_api::RawMutex as _;

pub use self::lock_api::{
    ArcMutexGuard, ArcReentrantMutexGuard, ArcRwLockReadGuard, ArcRwLockUpgradableReadGuard,
    ArcRwLockWriteGuard,
};
pub use condvar::Condvar;
pub use counterpoint_sync::condvar::WaitTimeoutResult;
pub use counterpoint_sync::lock_api::{RawFairMutex, RawMutex, RawRwLock, RawThreadId};
pub use once::{Once, OnceState};

/// A mutex; see [`counterpoint_sync::Mutex`].
pub type Mutex<T> = lock_api::Mutex<RawMutex, T>;
/// Holds a [`Mutex`] until dropped.
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMutex, T>;
/// Holds a [`Mutex`] until dropped, and shows a part of its value.
pub type MappedMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawMutex, T>;

/// A mutex that serves strictly in the order of arrival; see [`counterpoint_sync::Mutex::fair`].
pub type FairMutex<T> = lock_api::Mutex<RawFairMutex, T>;
/// Holds a [`FairMutex`] until dropped.
pub type FairMutexGuard<'a, T> = lock_api::MutexGuard<'a, RawFairMutex, T>;
/// Holds a [`FairMutex`] until dropped, and shows a part of its value.
pub type MappedFairMutexGuard<'a, T> = lock_api::MappedMutexGuard<'a, RawFairMutex, T>;

/// A mutex that its thread may take again.
pub type ReentrantMutex<T> = lock_api::ReentrantMutex<RawMutex, RawThreadId, T>;
/// Holds a [`ReentrantMutex`] until dropped.
pub type ReentrantMutexGuard<'a, T> = lock_api::ReentrantMutexGuard<'a, RawMutex, RawThreadId, T>;
/// Holds a [`ReentrantMutex`] until dropped, and shows a part of its value.
pub type MappedReentrantMutexGuard<'a, T> =
    lock_api::MappedReentrantMutexGuard<'a, RawMutex, RawThreadId, T>;

/// A read-write lock; see [`counterpoint_sync::RwLock`].
pub type RwLock<T> = lock_api::RwLock<RawRwLock, T>;
/// Reads a [`RwLock`] until dropped.
pub type RwLockReadGuard<'a, T> = lock_api::RwLockReadGuard<'a, RawRwLock, T>;
/// Writes a [`RwLock`] until dropped.
pub type RwLockWriteGuard<'a, T> = lock_api::RwLockWriteGuard<'a, RawRwLock, T>;
/// Reads a [`RwLock`] until dropped, and may become the one who writes.
pub type RwLockUpgradableReadGuard<'a, T> = lock_api::RwLockUpgradableReadGuard<'a, RawRwLock, T>;
/// Reads a part of the value of a [`RwLock`] until dropped.
pub type MappedRwLockReadGuard<'a, T> = lock_api::MappedRwLockReadGuard<'a, RawRwLock, T>;
/// Writes a part of the value of a [`RwLock`] until dropped.
pub type MappedRwLockWriteGuard<'a, T> = lock_api::MappedRwLockWriteGuard<'a, RawRwLock, T>;

/// A free mutex around `value`, in a constant.
pub const fn const_mutex<T>(value: T) -> Mutex<T> {
    Mutex::const_new(RawMutex::INIT, value)
}

/// A free mutex that serves in order around `value`, in a constant.
pub const fn const_fair_mutex<T>(value: T) -> FairMutex<T> {
    FairMutex::const_new(RawFairMutex::INIT, value)
}

/// A free mutex that its thread may take again around `value`, in a constant.
pub const fn const_reentrant_mutex<T>(value: T) -> ReentrantMutex<T> {
    let id = <RawThreadId as lock_api::GetThreadId>::INIT;
    ReentrantMutex::const_new(RawMutex::INIT, id, value)
}

/// A free read-write lock around `value`, in a constant.
pub const fn const_rwlock<T>(value: T) -> RwLock<T> {
    RwLock::const_new(<RawRwLock as lock_api::RawRwLock>::INIT, value)
}
