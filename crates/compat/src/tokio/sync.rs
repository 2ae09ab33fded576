//! `tokio::sync`: `Mutex`, `RwLock`, `Semaphore`, `Barrier`, `Notify`, `OnceCell`, `SetOnce`.
//!
//! Plain verbs are futures, and every lock serves strictly in the order of arrival, as tokio's do;
//! they need no runtime, and go along with any. What differs:
//! - Verbs that begin with `blocking` block wherever they are called, where tokio panics inside a
//!   runtime.
//! - A wait at a `Barrier` that is dropped takes its arrival back. A batch that waits for a `Semaphore`
//!   takes no permits before it can have all of them.
//! - A first in line that does not come for a millisecond while others stand behind it is passed
//!   over: a future that nobody polls holds nobody up.
//! - Whoever asks for a cell, and is polled on the thread that runs its initializer at that moment,
//!   panics, where in tokio it waits: as a rule for ever.
//! - A `Semaphore` that is closed after a permit was granted to somebody who has not looked yet gives
//!   it all the same; until then that permit counts as available.
//! - After a writer has gone and a reader that waited was let in, others read once that one was polled,
//!   or after a millisecond.
//! - At most [`counterpoint_sync::RwLock::MAX_READERS`] read at once, whatever `with_max_readers` says; and
//!   `Semaphore::MAX_PERMITS` is smaller than tokio's, so `usize::MAX >> 3`, written out, panics.
//! - A `Notified` that is dropped after `enable` took a stored notification puts it back, where tokio's loses it.
//!
//! Not here: `mpsc`, `oneshot`, `broadcast` and `watch`.
//!
//! ```
//! use counterpoint_compat::tokio::sync::{Mutex, Notify, Semaphore};
//! use counterpoint_wait::block_on;
//! use std::sync::Arc;
//!
//! block_on(async {
//!     let mutex = Arc::new(Mutex::new(1));
//!     *mutex.clone().lock_owned().await += 1;
//!     assert_eq!(*mutex.lock().await, 2);
//!
//!     let slots = Semaphore::new(3);
//!     let two = slots.acquire_many(2).await.unwrap();
//!     assert_eq!((two.num_permits(), slots.available_permits()), (2, 1));
//!
//!     let notify = Notify::new();
//!     notify.notify_one();
//!     notify.notified().await;
//! });
//! ```

mod barrier;
mod mutex;
mod notify;
mod once_cell;
mod rwlock;
mod semaphore;
mod set_once;

pub use barrier::Barrier;
pub use counterpoint_sync::BarrierWaitResult;
pub use mutex::{
    MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard, TryLockError,
};
pub use notify::Notify;
pub use once_cell::{OnceCell, SetError};
pub use rwlock::{
    OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock,
    RwLockMappedWriteGuard, RwLockReadGuard, RwLockWriteGuard,
};
pub use semaphore::{
    AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit, TryAcquireError,
};
pub use set_once::{SetOnce, SetOnceError};

/// The futures by name.
pub mod futures {
    pub use super::notify::{Notified, OwnedNotified};
}
