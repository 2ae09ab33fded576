//! The sync room of counterpoint: locks, permits, signals and groups, for threads and tasks alike.
//!
//! Every verb that waits has one operation behind it: `x.lock()` blocks, `x.lock_async()` is a
//! future that also waits, times out, is cancelled and selected. Users reach these names through
//! the `counterpoint` facade.
//!
//! # What can fail, and how
//! *Bounded* are the forms with a timeout or a deadline, and operations bounded by `.timeout`,
//! `.deadline`, `.with(&ctl)` or `.until(future)`; `Cancelled` comes only from the last two.
//!
//! | call | error | variants that can occur |
//! |---|---|---|
//! | `Mutex::try_lock` | `TryLockError` | `WouldBlock` |
//! | `ReentrantMutex::try_lock`, `ContendedMutex::try_lock` | `TryLockError` | `WouldBlock` |
//! | `Mutex::lock`, `ReentrantMutex::lock`, `ContendedMutex::lock`, bounded | `LockError` | `TimedOut`, `Cancelled` |
//! | `RwLock::try_read`, `try_read_recursive`, `try_upgradable_read` | `TryReadError` | `WouldBlock`, `TooManyReaders` |
//! | `RwLock::try_write` | `TryWriteError` | `WouldBlock` |
//! | `RwLock::read`, `write` and their kin, bounded | `RwLockError` | `TimedOut`, `Cancelled` |
//! | `RwLockUpgradableReadGuard::try_upgrade` | the guard | |
//! | `RwLockUpgradableReadGuard::upgrade`, bounded | `UpgradeError` | `TimedOut`, `Cancelled`, each with the guard |
//! | `ShardedLock::try_read`, `try_write` | `TryLockError` | `WouldBlock` |
//! | `ShardedLock::read`, `write`, bounded | `LockError` | `TimedOut`, `Cancelled` |
//! | `Semaphore::try_acquire` and its kin | `TryAcquireError` | `NoPermits`, `Closed`, `TooMany` |
//! | `Semaphore::acquire` and its kin | `AcquireError` | `Closed`, `TooMany`; bounded also `TimedOut`, `Cancelled` |
//! | `Barrier::wait` | none | `is_broken` of the result tells of a break or a reset |
//! | `Barrier::wait`, `Arrival::wait`, bounded | `BarrierWaitError` | `Broken`, `TimedOut`, `Cancelled` |
//! | `OnceCell::set` | `SetError` | `AlreadyInit`, `Initializing`, each with the value |
//! | `OnceCell::claim` | `OnceCellError` | `Reentrant`; bounded also `TimedOut`, `Cancelled` |
//! | `OnceCell::get_or_init`, `Once::call_once`, `LazyCell::force`, bounded | `OnceCellError` | `Reentrant`, `TimedOut`, `Cancelled` |
//! | `OnceCell::get_or_try_init` | `OnceCellError<E>` | `Init`, `Reentrant`; bounded also `TimedOut`, `Cancelled` |
//! | `Condvar::wait`, `wait_while`, bounded | `Stop`, beside the guard | `TimedOut`, `Cancelled` |
//! | `Notify::wait`, `wait_until`, `WaitGroup::wait_ref`, `OnceCell::wait`, `ManualResetEvent::wait`, `AutoResetEvent::wait`, `Latch::wait`, bounded | `Stop` | `TimedOut`, `Cancelled` |
//! | `WaitGroup::wait`, bounded | `WaitGroupError` | `TimedOut`, `Cancelled`, each with the handle |
//! | `Exchanger::exchange`, bounded | `ExchangeError` | `TimedOut`, `Cancelled`, each with the value |
//! | `BufMutex::wait_idle` and that of its kin, bounded | `Stop` | `TimedOut`, `Cancelled` |
//! | `Rendezvous::wait_checked`, `RendezvousData::swap_checked`, `RendezvousGroup::wait_checked` | `Disconnected` | |
//! | `Rendezvous::try_wait`, `RendezvousData::try_swap`, `RendezvousGroup::try_wait` | `TryRendezvousError` | `WouldBlock`, `Disconnected` |
//! | `Rendezvous::wait`, `RendezvousData::swap`, `RendezvousGroup::wait`, bounded | `RendezvousError` | `Disconnected`, `TimedOut`, `Cancelled` |
//! | `Stage::notify_with`, `Director::notify_with` | `NotifyError` | `Unknown`, `Full`, each with the value |
//!
//! Without the `std` feature the crate is `no_std` and holds [`rendezvous::Meeting`], which spins.
#![cfg_attr(not(feature = "std"), no_std)]

#[cfg(feature = "std")]
pub mod barrier;
#[cfg(feature = "std")]
pub mod buf_mutex;
#[cfg(feature = "std")]
pub mod condvar;
#[cfg(feature = "std")]
pub mod contended;
#[cfg(feature = "std")]
pub mod exchanger;
#[cfg(feature = "std")]
mod fairness;
#[cfg(feature = "std")]
pub mod latch;
// Its constants are no constants under a checker.
#[cfg(all(feature = "lock_api", not(counterpoint_loom)))]
pub mod lock_api;
#[cfg(feature = "std")]
pub mod mutex;
#[cfg(feature = "std")]
pub mod notify;
#[cfg(feature = "std")]
pub mod once;
#[cfg(feature = "std")]
pub mod poison;
#[cfg(feature = "std")]
pub mod reentrant;
pub mod rendezvous;
#[cfg(feature = "std")]
pub mod reset_event;
#[cfg(feature = "std")]
pub mod rwlock;
#[cfg(feature = "std")]
pub mod semaphore;
#[cfg(feature = "std")]
pub mod sharded_lock;
#[cfg(feature = "std")]
mod show;
#[cfg(feature = "std")]
pub mod stage;
#[cfg(feature = "std")]
pub mod telemetry;
#[cfg(feature = "std")]
pub mod wait_group;

#[cfg(feature = "std")]
pub use barrier::{Arrival, Barrier, BarrierWaitError, BarrierWaitResult, OnStop};
#[cfg(feature = "std")]
pub use buf_mutex::{BufMutex, OwnedSharedBufMutex, SharedBufMutex};
#[cfg(feature = "std")]
pub use condvar::{Condvar, CondvarWait, WaitTimeoutResult};
#[cfg(feature = "std")]
pub use contended::{
    ContendedMutex, ContendedMutexGuard, LockMetricsSnapshot, MappedContendedMutexGuard,
    OwnedContendedMutexGuard, OwnedMappedContendedMutexGuard,
};
#[cfg(feature = "std")]
pub use exchanger::Exchanger;
#[cfg(feature = "std")]
pub use latch::Latch;
#[cfg(feature = "std")]
pub use mutex::{
    LockError, MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard,
    TryLockError,
};
#[cfg(feature = "std")]
pub use notify::{Notified, NotifiedOwned, Notify};
#[cfg(feature = "std")]
pub use once::{Claim, LazyCell, Once, OnceCell, OnceCellError, OnceInit, SetError};
#[cfg(feature = "std")]
pub use reentrant::{MappedReentrantMutexGuard, ReentrantMutex, ReentrantMutexGuard};
#[cfg(feature = "std")]
pub use rendezvous::{Rendezvous, RendezvousData, RendezvousGroup};
#[cfg(feature = "std")]
pub use reset_event::{AutoResetEvent, ManualResetEvent};
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
pub use sharded_lock::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};
#[cfg(feature = "std")]
pub use stage::{Director, Entered, Exit, Stage, Ticket};
#[cfg(feature = "std")]
pub use telemetry::Telemetry;
#[cfg(feature = "std")]
pub use wait_group::{WaitGroup, WaitGroupError};
