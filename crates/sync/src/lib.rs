//! The sync room of counterpoint: locks, permits, signals and groups, for threads and tasks alike.
//!
//! Every verb that waits has one operation behind it: `x.lock()` blocks, `x.lock_async()` is a
//! future that also waits, times out, is cancelled and selected. Users reach these names through
//! the `counterpoint` facade.
//!
//! Without the `std` feature the crate is `no_std` and holds [`rendezvous::Meeting`], which spins.
#![cfg_attr(not(feature = "std"), no_std)]

#[cfg(feature = "std")]
pub mod buf_mutex;
#[cfg(feature = "std")]
pub mod exchanger;
#[cfg(feature = "std")]
mod fairness;
#[cfg(feature = "std")]
pub mod mutex;
#[cfg(feature = "std")]
pub mod notify;
pub mod rendezvous;
#[cfg(feature = "std")]
pub mod rwlock;
#[cfg(feature = "std")]
pub mod semaphore;
#[cfg(feature = "std")]
pub mod wait_group;

#[cfg(feature = "std")]
pub use buf_mutex::{BufMutex, OwnedSharedBufMutex, SharedBufMutex};
#[cfg(feature = "std")]
pub use exchanger::Exchanger;
#[cfg(feature = "std")]
pub use mutex::{
    LockError, MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard,
    TryLockError,
};
#[cfg(feature = "std")]
pub use notify::{Notified, NotifiedOwned, Notify};
#[cfg(feature = "std")]
pub use rendezvous::{Rendezvous, RendezvousData, RendezvousGroup};
#[cfg(feature = "std")]
pub use rwlock::{
    MappedRwLockReadGuard, MappedRwLockWriteGuard, OwnedMappedRwLockReadGuard,
    OwnedMappedRwLockWriteGuard, OwnedRwLockReadGuard, OwnedRwLockUpgradableReadGuard,
    OwnedRwLockWriteGuard, RwLock, RwLockError, RwLockReadGuard, RwLockUpgradableReadGuard,
    RwLockWriteGuard, TryReadError, TryWriteError, UpgradeError,
};
#[cfg(feature = "std")]
pub use semaphore::{
    AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit, TryAcquireError,
};
#[cfg(feature = "std")]
pub use wait_group::{WaitGroup, WaitGroupError};
