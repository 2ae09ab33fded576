//! The sync room of counterpoint: locks, permits, signals and groups, for threads and tasks alike.
//!
//! Every verb that waits has one operation behind it: `x.lock()` blocks, `x.lock_async()` is a
//! future that also waits, times out, is cancelled and selected. Users reach these names through
//! the `counterpoint` facade.

pub mod buf_mutex;
mod fairness;
pub mod mutex;
pub mod notify;
pub mod rwlock;
pub mod semaphore;
pub mod wait_group;

pub use buf_mutex::{BufMutex, OwnedSharedBufMutex, SharedBufMutex};
pub use mutex::{
    LockError, MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard,
    TryLockError,
};
pub use notify::{Notified, NotifiedOwned, Notify};
pub use rwlock::{
    MappedRwLockReadGuard, MappedRwLockWriteGuard, OwnedMappedRwLockReadGuard,
    OwnedMappedRwLockWriteGuard, OwnedRwLockReadGuard, OwnedRwLockUpgradableReadGuard,
    OwnedRwLockWriteGuard, RwLock, RwLockError, RwLockReadGuard, RwLockUpgradableReadGuard,
    RwLockWriteGuard, TryReadError, TryWriteError, UpgradeError,
};
pub use semaphore::{
    AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit, TryAcquireError,
};
pub use wait_group::{WaitGroup, WaitGroupError};
