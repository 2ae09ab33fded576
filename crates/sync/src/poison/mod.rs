//! std's signatures: locks that say at each call whether a holder panicked.
//!
//! The types here are those of this crate under the names and signatures of `std::sync`: change the
//! `use` line of a program and keep the rest. `lock`, `read`, `write` and `wait` return a
//! [`LockResult`], and the errors are std's own, so conversions written for them go on working. As
//! std's, the guards stay on their thread, a [`Once`] or [`LazyLock`] whose closure panicked refuses
//! further calls.
//!
//! What std's have not is one step away: [`Mutex::plain`] and [`RwLock::plain`] are the locks
//! underneath, with timeouts, tokens, `…_async` and `select!`.
//!
//! Do not use them in new code that has no wish for poison: [`crate::Mutex`] tells the same by
//! [`is_poisoned`](crate::Mutex::is_poisoned) and spares everybody the `unwrap`.
//!
//! | call | error | variants that can occur |
//! |---|---|---|
//! | `Mutex::lock`, `into_inner`, `get_mut`; the same of `RwLock`, with `read` and `write` | `PoisonError` | with the guard or the value |
//! | `Mutex::try_lock`, `RwLock::try_read`, `try_write` | `TryLockError` | `Poisoned`, `WouldBlock` |
//! | `Condvar::wait` and its kin | `PoisonError` | with the guard, and what else the call returns |
//! | `OnceLock::set` | the value | if there is one already |
//!
//! ```
//! use counterpoint_sync::poison::{Condvar, Mutex};
//!
//! let (mutex, changed) = (Mutex::new(0), Condvar::new());
//! std::thread::scope(|scope| {
//!     scope.spawn(|| {
//!         *mutex.lock().unwrap() = 7;
//!         changed.notify_all();
//!     });
//!     let value = changed.wait_while(mutex.lock().unwrap(), |value| *value == 0).unwrap();
//!     assert_eq!(*value, 7);
//! });
//! ```

mod condvar;
mod lazy_lock;
mod mutex;
mod once;
mod once_lock;
mod rwlock;

// std's own: a word that an error was converted to stays the same word.
pub use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

pub use crate::barrier::{Barrier, BarrierWaitResult};
pub use crate::condvar::WaitTimeoutResult;
pub use condvar::Condvar;
pub use lazy_lock::LazyLock;
pub use mutex::{Mutex, MutexGuard};
pub use once::{Once, OnceState};
pub use once_lock::OnceLock;
pub use rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// What a lock yields: an error if a holder panicked.
#[inline]
fn checked<G>(poisoned: bool, held: G) -> LockResult<G> {
    match poisoned {
        false => Ok(held),
        true => Err(PoisonError::new(held)),
    }
}
