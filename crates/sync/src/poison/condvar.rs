//! A condition variable whose waits fail after a panic with the mutex.

use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_base::prim::time::{Duration, deadline};

use super::{LockResult, MutexGuard, WaitTimeoutResult, checked};

/// Waits, with a [`Mutex`](super::Mutex) given back, until what it guards has changed.
///
/// See [`crate::Condvar`], which it is: it may be used with several mutexes at a time, and needs no
/// second look for wake-ups without reason, though one is good style.
///
/// ```
/// use counterpoint_sync::poison::{Condvar, Mutex};
/// use std::time::Duration;
///
/// let (mutex, changed) = (Mutex::new(false), Condvar::new());
/// let done = mutex.lock().unwrap();
/// let (done, wait) = changed
///     .wait_timeout_while(done, Duration::from_millis(1), |done| !*done)
///     .unwrap();
/// assert!(!*done && wait.timed_out());
/// ```
#[derive(Default)]
pub struct Condvar(crate::Condvar);

/// Waits with a guard that was made before and is dropped after: where the thread began to panic in between, it
/// poisons at its end and not at the wait, in which it gives the mutex back.
fn as_one_hold<T: ?Sized, R>(
    guard: &mut MutexGuard<'_, T>,
    wait: impl FnOnce(&mut crate::MutexGuard<'_, T>) -> R,
) -> R {
    let before = core::mem::replace(guard.guard.panicking_mut(), true);
    let result = wait(&mut guard.guard);
    *guard.guard.panicking_mut() = before;
    result
}

impl Condvar {
    const_fn! {
        /// One that nobody waits for.
        #[inline]
        pub const fn new() -> Condvar {
            Condvar(crate::Condvar::new())
        }
    }

    /// Wakes the one that waits longest.
    #[inline]
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all that wait.
    #[inline]
    pub fn notify_all(&self) {
        self.0.notify_all();
    }

    /// Gives the mutex back, blocks this thread until it is notified, and takes the mutex again.
    ///
    /// # Errors
    /// The guard as well, if a holder panicked.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait<'a, T: ?Sized>(
        &self,
        mut guard: MutexGuard<'a, T>,
    ) -> LockResult<MutexGuard<'a, T>> {
        as_one_hold(&mut guard, |guard| self.0.wait(guard));
        checked(guard.is_poisoned(), guard)
    }

    /// Waits as long as `condition` is true; looks first.
    ///
    /// # Errors
    /// The guard as well, if a holder panicked; found out after a wait.
    ///
    /// # Panics
    /// If `condition` does; the mutex is given back, and poisoned.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_while<'a, T: ?Sized, F: FnMut(&mut T) -> bool>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: F,
    ) -> LockResult<MutexGuard<'a, T>> {
        while condition(&mut *guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// As [`wait`](Self::wait), at most for `timeout`; then it takes the mutex again, however long
    /// that takes.
    ///
    /// # Errors
    /// The guard and the result as well, if a holder panicked.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_timeout<'a, T: ?Sized>(
        &self,
        mut guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let result = as_one_hold(&mut guard, |guard| self.0.wait_for(guard, timeout));
        checked(guard.is_poisoned(), (guard, result))
    }

    /// As [`wait_timeout`](Self::wait_timeout), in milliseconds; true if it was notified.
    ///
    /// # Errors
    /// The guard and the result as well, if a holder panicked.
    #[deprecated(note = "use `wait_timeout`")]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_timeout_ms<'a, T: ?Sized>(
        &self,
        mut guard: MutexGuard<'a, T>,
        milliseconds: u32,
    ) -> LockResult<(MutexGuard<'a, T>, bool)> {
        let timeout = Duration::from_millis(u64::from(milliseconds));
        let result = as_one_hold(&mut guard, |guard| self.0.wait_for(guard, timeout));
        checked(guard.is_poisoned(), (guard, !result.timed_out()))
    }

    /// Waits as long as `condition` is true, at most for `timeout`; looks first, and once more when
    /// the time is over. It timed out if the condition was true to the last.
    ///
    /// # Errors
    /// The guard and the result as well, if a holder panicked; found out after a wait.
    ///
    /// # Panics
    /// If `condition` does; the mutex is given back, and poisoned.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_timeout_while<'a, T: ?Sized, F: FnMut(&mut T) -> bool>(
        &self,
        mut guard: MutexGuard<'a, T>,
        timeout: Duration,
        mut condition: F,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let end = deadline(timeout);
        let mut result = Ok(());
        while condition(&mut *guard) {
            if result.is_err() {
                return Ok((guard, result.into()));
            }
            as_one_hold(&mut guard, |guard| match end {
                Some(end) => result = self.0.wait_deadline(guard, end),
                None => self.0.wait(guard),
            });
            if guard.is_poisoned() {
                return checked(true, (guard, result.into()));
            }
        }
        Ok((guard, Ok(()).into()))
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
