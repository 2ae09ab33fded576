//! [`ContendedMutex`]: a mutex that counts how it is used, if the feature `lock-metrics` is on.
//!
//! # Fields
//! The counts are in the mutex, beside its word; a guard remembers since when it holds, an operation
//! since when it waits. Without the feature none of these has a size, and none of the calls a body.

mod guard;
#[cfg(not(feature = "lock-metrics"))]
mod off;
#[cfg(feature = "lock-metrics")]
mod on;
mod verb;

#[cfg(not(feature = "lock-metrics"))]
use off as chosen;
#[cfg(feature = "lock-metrics")]
use on as chosen;

use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_base::prim::thread::panicking;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::hooks;
use counterpoint_wait::hooks::Site;
use std::sync::Arc;

pub use guard::{
    ContendedMutexGuard, MappedContendedMutexGuard, OwnedContendedMutexGuard,
    OwnedMappedContendedMutexGuard,
};
pub use verb::{ContendedLock, ContendedLockOwned, ContendedOwnedVerb, ContendedVerb};

use crate::mutex::{LockError, Mutex, TryLockError};
use crate::show::show;
use crate::telemetry::Telemetry;
use chosen::{Metrics, Watch};

/// How a [`ContendedMutex`] was used so far; all zero without the feature `lock-metrics`.
///
/// All counts are of one instant: what happens meanwhile is in all of them or in none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct LockMetricsSnapshot {
    /// How often it was taken.
    pub acquisitions: u64,
    /// How many of these did not succeed at the first attempt.
    pub contended: u64,
    /// How many of these had to queue.
    pub waits: u64,
    /// How long those waits took together.
    pub wait_total: Duration,
    /// The longest of them.
    pub wait_max: Duration,
    /// For how long it was held, by guards that have let go.
    pub hold_total: Duration,
    /// The longest hold.
    pub hold_max: Duration,
    /// How many operations ended at their deadline.
    pub timeouts: u64,
    /// How many were cancelled, by a token or the future given to `until`.
    pub cancels: u64,
    /// How many were dropped after they had queued, as losing arms of a select are.
    pub dropped: u64,
    /// How many wait now.
    pub waiters: usize,
}

/// A [`Mutex`] that counts how it is used: to find the lock that a program waits for.
///
/// With the feature `lock-metrics` each lock and unlock reads the clock and changes counts under a
/// small lock of their own; without it this is a [`Mutex`] with one method more, of the same size and
/// speed, whose [`snapshot`](Self::snapshot) is all zero. Use it where you would use a `Mutex` that
/// you suspect; of others it measures nothing.
///
/// # Fairness, Poison, Deadlocks
/// As of [`Mutex`].
///
/// # Cost
/// Off: that of the mutex. On: 112 bytes and the value; two looks at the clock and two small locks for
/// each hold, some 70 ns.
///
/// ```
/// use counterpoint_sync::ContendedMutex;
///
/// let mutex = ContendedMutex::new(1);
/// *mutex.lock() += 1;
/// let seen = mutex.snapshot();
/// // One with the feature, none without.
/// assert!(seen.acquisitions <= 1 && seen.contended == 0);
/// assert_eq!(mutex.into_inner(), 2);
/// ```
pub struct ContendedMutex<T: ?Sized> {
    metrics: Metrics,
    mutex: Mutex<T>,
}

/// How a lock was had.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Had {
    AtOnce,
    AfterSpinning,
}

impl<T> ContendedMutex<T> {
    const_fn! {
        /// A free mutex around `value`.
        #[inline]
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn new(value: T) -> ContendedMutex<T> {
            ContendedMutex { metrics: Metrics::new(), mutex: Mutex::new(value) }
        }

        /// A free mutex that serves strictly in the order of arrival, as [`Mutex::fair`] does.
        #[inline]
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn fair(value: T) -> ContendedMutex<T> {
            ContendedMutex { metrics: Metrics::new(), mutex: Mutex::fair(value) }
        }
    }

    /// The value back.
    pub fn into_inner(self) -> T {
        self.mutex.into_inner()
    }
}

impl<T: ?Sized> ContendedMutex<T> {
    /// Blocks this thread until it has the lock.
    ///
    /// # Deadlocks
    /// As of [`Mutex::lock`].
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn lock(&self) -> ContendedMutexGuard<'_, T> {
        let (site, mut had) = (Site::here(), Had::AtOnce);
        let mut spins = || {
            had = Had::AfterSpinning;
            self.mutex.raw.spin()
        };
        if self.mutex.raw.try_lock() || spins() {
            return self.guard(site, had);
        }
        self.lock_async().made_at(site).wait()
    }

    /// Takes the lock if that needs no wait.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if it is held, or kept for somebody who waits.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_lock(&self) -> Result<ContendedMutexGuard<'_, T>, TryLockError> {
        match self.mutex.raw.try_lock() {
            true => Ok(self.guard(Site::here().trying(), Had::AtOnce)),
            false => Err(TryLockError::WouldBlock),
        }
    }

    /// Blocks this thread until it has the lock, at most for `timeout`; zero tries once.
    ///
    /// # Errors
    /// [`LockError::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn lock_timeout(&self, timeout: Duration) -> Result<ContendedMutexGuard<'_, T>, LockError> {
        self.lock_async().timeout(timeout).wait()
    }

    /// Blocks this thread until it has the lock, at most until `deadline`; one in the past tries
    /// once.
    ///
    /// # Errors
    /// [`LockError::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn lock_deadline(
        &self,
        deadline: Instant,
    ) -> Result<ContendedMutexGuard<'_, T>, LockError> {
        self.lock_async().deadline(deadline).wait()
    }

    /// The operation that takes the lock; yields the guard.
    ///
    /// # Cancel safety
    /// Dropping it gives up its place in line; it is counted as dropped if it had queued.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn lock_async(&self) -> ContendedLock<'_, T> {
        verb::lock(self)
    }

    /// Blocks this thread until it has the lock; the guard keeps the mutex alive.
    ///
    /// # Deadlocks
    /// As of [`Mutex::lock_owned`].
    ///
    /// ```
    /// use counterpoint_sync::ContendedMutex;
    /// use std::sync::Arc;
    ///
    /// let mutex = Arc::new(ContendedMutex::new(1));
    /// let mut guard = mutex.lock_owned();
    /// std::thread::spawn(move || *guard += 1).join().unwrap();
    /// assert_eq!(*mutex.lock(), 2);
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn lock_owned(self: &Arc<Self>) -> OwnedContendedMutexGuard<T> {
        let site = Site::here();
        if self.mutex.raw.try_lock() {
            return self.owned_guard(site, Had::AtOnce);
        }
        if self.mutex.raw.spin() {
            return self.owned_guard(site, Had::AfterSpinning);
        }
        self.lock_owned_async().made_at(site).wait()
    }

    /// Takes the lock if that needs no wait; the guard keeps the mutex alive.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if it is held, or kept for somebody who waits.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_lock_owned(self: &Arc<Self>) -> Result<OwnedContendedMutexGuard<T>, TryLockError> {
        match self.mutex.raw.try_lock() {
            true => Ok(self.owned_guard(Site::here().trying(), Had::AtOnce)),
            false => Err(TryLockError::WouldBlock),
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
    ) -> Result<OwnedContendedMutexGuard<T>, LockError> {
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
    ) -> Result<OwnedContendedMutexGuard<T>, LockError> {
        self.lock_owned_async().deadline(deadline).wait()
    }

    /// The operation that takes the lock; the operation and the guard keep the mutex alive.
    ///
    /// # Cancel safety
    /// As of [`lock_async`](Self::lock_async).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn lock_owned_async(self: &Arc<Self>) -> ContendedLockOwned<T> {
        verb::lock_owned(self.clone())
    }

    /// How it was used so far, all of one instant; all zero without the feature `lock-metrics`.
    ///
    /// # Cost
    /// Holds up those who queue, and those who lock and unlock, while it copies.
    pub fn snapshot(&self) -> LockMetricsSnapshot {
        self.metrics.snapshot(self.mutex.raw.queue())
    }

    /// What state it is in; see [`Mutex::telemetry`].
    pub fn telemetry(&self) -> Telemetry {
        self.mutex.telemetry()
    }

    /// The value, through exclusive access; locks nothing.
    pub fn get_mut(&mut self) -> &mut T {
        self.mutex.get_mut()
    }

    /// True if it is held at this moment; may be wrong at the next.
    pub fn is_locked(&self) -> bool {
        self.mutex.is_locked()
    }

    /// True if a holder panicked since the flag was last cleared.
    pub fn is_poisoned(&self) -> bool {
        self.mutex.is_poisoned()
    }

    /// Clears the flag that [`is_poisoned`](Self::is_poisoned) reads.
    pub fn clear_poison(&self) {
        self.mutex.clear_poison();
    }

    /// Names the mutex in what the hooks tell, as [`Mutex::named`] does.
    #[inline(always)]
    pub fn named(&self, name: &'static str) {
        self.mutex.named(name);
    }

    /// Gives the mutex a rank in the order of locks, as [`Mutex::ranked`] does.
    #[inline(always)]
    pub fn ranked(&self, rank: u32) {
        self.mutex.ranked(rank);
    }

    /// Those who wait for it at this instant, in the order of their places.
    #[cfg(feature = "hooks")]
    pub fn waiters(&self) -> Vec<hooks::Waiter> {
        self.mutex.waiters()
    }

    #[inline(always)]
    fn guard(&self, site: Site, had: Had) -> ContendedMutexGuard<'_, T> {
        let since = self.metrics.had(had == Had::AfterSpinning);
        ContendedMutexGuard::new(self, self.mutex.guard(site), since)
    }

    #[inline(always)]
    fn owned_guard(self: &Arc<Self>, site: Site, had: Had) -> OwnedContendedMutexGuard<T> {
        let since = self.metrics.had(had == Had::AfterSpinning);
        let queue = self.mutex.raw.queue();
        let hold = hooks::held("OwnedContendedMutexGuard", queue, site, 1);
        OwnedContendedMutexGuard::new(self.clone(), panicking(), hold, since)
    }
}

impl<T: Default> Default for ContendedMutex<T> {
    #[cfg_attr(feature = "hooks", track_caller)]
    fn default() -> ContendedMutex<T> {
        ContendedMutex::new(T::default())
    }
}

impl<T> From<T> for ContendedMutex<T> {
    #[cfg_attr(feature = "hooks", track_caller)]
    fn from(value: T) -> ContendedMutex<T> {
        ContendedMutex::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for ContendedMutex<T> {
    /// Never blocks and counts nothing; shows `<locked>` in place of a value it could not lock.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(
            f,
            "ContendedMutex",
            self.mutex.try_lock().ok(),
            self.is_poisoned(),
        )
    }
}
