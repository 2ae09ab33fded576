//! [`Mutex`]: one value, one holder at a time, for threads and tasks alike.

#[cfg(doctest)]
mod compile_fail;
mod guard;
pub(crate) mod raw;
pub(crate) mod verb;

use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::thread::panicking;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::hooks::{self, Site};
use std::sync::Arc;

pub use guard::{MappedMutexGuard, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard};
pub(crate) use guard::{obligations, release};
pub use raw::Baton;
pub use verb::{Lock, LockOwned, LockOwnedVerb, LockVerb};

use crate::show::show;
use crate::telemetry::Telemetry;
use raw::RawMutex;

/// The lock is held, or kept for somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TryLockError {
    /// Locking would have to wait.
    WouldBlock,
}

impl fmt::Display for TryLockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the lock is held by another thread or task")
    }
}

impl core::error::Error for TryLockError {}

/// Why a bounded wait for a lock ended without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockError {
    /// The deadline came first.
    TimedOut,
    /// The token was cancelled, or the future given to `until` was ready.
    Cancelled,
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LockError::TimedOut => "the lock was not free before the deadline",
            LockError::Cancelled => "cancelled while waiting for the lock",
        })
    }
}

impl core::error::Error for LockError {}

/// A value that one thread or task at a time may use.
///
/// `lock` blocks the thread; `lock_async` is an operation: `.await` it, `.wait()` for it, bound it
/// by `.timeout`, `.deadline`, `.with(&ctl)` or `.until(future)`, or make it an arm of a `select!`.
/// The guard may be held across an `.await` and moved to another thread.
///
/// Do not use it for a number that only grows (an atomic, or `BufMutex`), or where readers
/// dominate.
///
/// # Fairness
/// A newcomer may take a free lock before a waiter that was just woken. A waiter that has lost for
/// half a millisecond gets the next unlock reserved. [`Mutex::fair`] serves strictly in order. A
/// wake-up never transfers the lock, so a future that was granted it and is not polled does not
/// hold it; a reservation for such a future ends a millisecond after somebody queues behind it.
///
/// # Poison
/// A panic while the guard is held unlocks and sets a flag: [`is_poisoned`](Self::is_poisoned).
/// Locking never fails because of it.
///
/// # Deadlocks
/// Locking again while holding the guard waits for ever.
///
/// # Cost
/// 16 bytes and the value. Free: one exchange each way. A wait allocates nothing.
///
/// ```
/// use counterpoint_sync::Mutex;
///
/// let mutex = Mutex::new(1);
/// *mutex.lock() += 1;
/// assert_eq!(mutex.into_inner(), 2);
/// ```
pub struct Mutex<T: ?Sized> {
    pub(crate) raw: RawMutex,
    data: UnsafeCell<T>,
}

// SAFETY: the data goes from thread to thread with the lock; raw.rs I1 makes it exclusive.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}

impl<T: ?Sized> core::panic::UnwindSafe for Mutex<T> {}
impl<T: ?Sized> core::panic::RefUnwindSafe for Mutex<T> {}

impl<T> Mutex<T> {
    const_fn! {
        /// A free mutex around `value`.
        #[inline]
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn new(value: T) -> Mutex<T> {
            Mutex { raw: RawMutex::new(false), data: UnsafeCell::new(value) }
        }

        /// A free mutex that serves strictly in the order of arrival: nobody overtakes, and
        /// `try_lock` fails while anyone waits.
        ///
        /// Costs a context switch per unlock under contention. A first in line that does not claim
        /// for a millisecond while somebody queues behind it is passed over.
        #[inline]
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn fair(value: T) -> Mutex<T> {
            Mutex { raw: RawMutex::new(true), data: UnsafeCell::new(value) }
        }
    }

    /// The value back.
    pub fn into_inner(self) -> T {
        self.data.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Blocks this thread until it has the lock.
    ///
    /// # Deadlocks
    /// Waits for ever if this thread holds the guard already. Inside a task it blocks the
    /// executor's thread: use [`lock_async`](Self::lock_async) there.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.lock_at(Site::here())
    }

    #[inline(always)]
    fn lock_at(&self, site: Site) -> MutexGuard<'_, T> {
        if self.raw.try_lock() || self.raw.spin() {
            return self.guard(site);
        }
        self.lock_async().made_at(site).wait()
    }

    /// Takes the lock if that needs no wait.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if it is held, or kept for somebody who waits.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>, TryLockError> {
        if self.raw.try_lock() {
            Ok(self.guard(Site::here().trying()))
        } else {
            Err(TryLockError::WouldBlock)
        }
    }

    /// Blocks this thread until it has the lock, at most for `timeout`; zero tries once.
    ///
    /// # Errors
    /// [`LockError::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn lock_timeout(&self, timeout: Duration) -> Result<MutexGuard<'_, T>, LockError> {
        if self.raw.try_lock() {
            return Ok(self.guard(Site::here()));
        }
        if timeout.is_zero() {
            return Err(LockError::TimedOut);
        }
        self.lock_async().timeout(timeout).wait()
    }

    /// Blocks this thread until it has the lock, at most until `deadline`; one in the past tries
    /// once.
    ///
    /// # Errors
    /// [`LockError::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn lock_deadline(&self, deadline: Instant) -> Result<MutexGuard<'_, T>, LockError> {
        self.lock_async().deadline(deadline).wait()
    }

    /// The operation that takes the lock; yields the guard.
    ///
    /// # Cancel safety
    /// Dropping it gives up its place in line and leaves nothing behind.
    ///
    /// ```
    /// use counterpoint_sync::{LockError, Mutex};
    /// use std::time::Duration;
    ///
    /// let mutex = Mutex::new(());
    /// let held = mutex.lock();
    /// let second = mutex.lock_async().timeout(Duration::from_millis(1)).wait();
    /// assert_eq!(second.err(), Some(LockError::TimedOut));
    /// drop(held);
    /// ```
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn lock_async(&self) -> Lock<'_, T> {
        verb::lock(self)
    }

    /// Blocks this thread until it has the lock; the guard keeps the mutex alive.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn lock_owned(self: &Arc<Self>) -> OwnedMutexGuard<T> {
        if self.raw.try_lock() || self.raw.spin() {
            return self.owned_guard(Site::here());
        }
        self.lock_owned_async().wait()
    }

    /// Takes the lock if that needs no wait; the guard keeps the mutex alive.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if it is held, or kept for somebody who waits.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_lock_owned(self: &Arc<Self>) -> Result<OwnedMutexGuard<T>, TryLockError> {
        if self.raw.try_lock() {
            Ok(self.owned_guard(Site::here().trying()))
        } else {
            Err(TryLockError::WouldBlock)
        }
    }

    /// Blocks this thread until it has the lock, at most for `timeout`; zero tries once. The guard
    /// keeps the mutex alive.
    ///
    /// # Errors
    /// [`LockError::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn lock_owned_timeout(
        self: &Arc<Self>,
        timeout: Duration,
    ) -> Result<OwnedMutexGuard<T>, LockError> {
        self.lock_owned_async().timeout(timeout).wait()
    }

    /// Blocks this thread until it has the lock, at most until `deadline`; one in the past tries
    /// once. The guard keeps the mutex alive.
    ///
    /// # Errors
    /// [`LockError::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn lock_owned_deadline(
        self: &Arc<Self>,
        deadline: Instant,
    ) -> Result<OwnedMutexGuard<T>, LockError> {
        self.lock_owned_async().deadline(deadline).wait()
    }

    /// The operation that takes the lock; the operation and the guard keep the mutex alive.
    ///
    /// # Cancel safety
    /// Dropping it gives up its place in line and leaves nothing behind.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn lock_owned_async(self: &Arc<Self>) -> LockOwned<T> {
        verb::lock_owned(self.clone())
    }

    /// The value, through exclusive access; locks nothing.
    pub fn get_mut(&mut self) -> &mut T {
        self.data.get_mut()
    }

    /// True if a holder panicked since the flag was last cleared.
    pub fn is_poisoned(&self) -> bool {
        self.raw.is_poisoned()
    }

    /// Clears the flag that [`is_poisoned`](Self::is_poisoned) reads.
    pub fn clear_poison(&self) {
        self.raw.clear_poison();
    }

    /// Names the mutex in what the hooks tell. The name belongs to its place: name it where it
    /// stays. Without the feature `hooks` this does nothing.
    #[inline(always)]
    pub fn named(&self, name: &'static str) {
        hooks::name(self.raw.queue(), name);
    }

    /// Gives the mutex a rank in the order of locks, for whoever keeps the book that the hooks tell:
    /// see `hooks::rank`. It belongs to its place, as a name does. Without the feature `hooks` this
    /// does nothing.
    #[inline(always)]
    pub fn ranked(&self, rank: u32) {
        hooks::rank(self.raw.queue(), rank);
    }

    /// Those who wait for it at this instant, in the order of their places.
    #[cfg(feature = "hooks")]
    pub fn waiters(&self) -> Vec<hooks::Waiter> {
        hooks::visit(self.raw.queue())
    }

    /// What state it is in, all of one instant; see [`Telemetry`].
    pub fn telemetry(&self) -> Telemetry {
        self.raw.telemetry("Mutex")
    }

    /// True if it is held at this moment; may be wrong at the next.
    pub fn is_locked(&self) -> bool {
        self.raw.is_locked()
    }

    /// The value, for the guards of a mutex that has this one in it.
    #[inline(always)]
    pub(crate) fn data(&self) -> &UnsafeCell<T> {
        &self.data
    }

    #[inline(always)]
    pub(crate) fn guard(&self, site: Site) -> MutexGuard<'_, T> {
        let hold = hooks::held("MutexGuard", self.raw.queue(), site, 1);
        MutexGuard::new(self, panicking(), hold)
    }

    #[inline(always)]
    fn owned_guard(self: &Arc<Self>, site: Site) -> OwnedMutexGuard<T> {
        let hold = hooks::held("OwnedMutexGuard", self.raw.queue(), site, 1);
        OwnedMutexGuard::new(self.clone(), panicking(), hold)
    }
}

impl<T: Default> Default for Mutex<T> {
    #[cfg_attr(feature = "hooks", track_caller)]
    fn default() -> Mutex<T> {
        Mutex::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    #[cfg_attr(feature = "hooks", track_caller)]
    fn from(value: T) -> Mutex<T> {
        Mutex::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    /// Never blocks; shows `<locked>` in place of a value it could not lock.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, "Mutex", self.try_lock().ok(), self.is_poisoned())
    }
}

#[cfg(test)]
mod tests;
