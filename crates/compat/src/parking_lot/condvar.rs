//! A condition variable for the guards of `lock_api`.

use core::fmt;
use core::time::Duration;
use counterpoint_base::prim::time::{Instant, deadline};
use counterpoint_sync::condvar::WaitTimeoutResult;

use super::MutexGuard;

/// Waits, with a [`Mutex`](super::Mutex) given back, until what it guards has changed; see
/// [`counterpoint_sync::Condvar`].
#[derive(Default)]
pub struct Condvar(counterpoint_sync::Condvar);

impl Condvar {
    /// One that nobody waits for.
    #[inline]
    pub const fn new() -> Condvar {
        Condvar(counterpoint_sync::Condvar::new())
    }

    /// Wakes the one that waits longest. Returns whether anybody waited.
    #[inline]
    pub fn notify_one(&self) -> bool {
        self.0.notify_one()
    }

    /// Wakes all that wait. Returns how many it were.
    #[inline]
    pub fn notify_all(&self) -> usize {
        self.0.notify_all()
    }

    /// Gives the mutex back, blocks this thread until it is notified, and takes the mutex again.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait<T: ?Sized>(&self, guard: &mut MutexGuard<'_, T>) {
        self.wait_bounded(guard, None);
    }

    /// As [`wait`](Self::wait), at most until `deadline`.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_until<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        deadline: Instant,
    ) -> WaitTimeoutResult {
        self.wait_bounded(guard, Some(deadline))
    }

    /// As [`wait`](Self::wait), at most for `timeout`.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_for<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        timeout: Duration,
    ) -> WaitTimeoutResult {
        self.wait_bounded(guard, deadline(timeout))
    }

    /// Waits as long as `condition` is true; looks first.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_while<T: ?Sized, F: FnMut(&mut T) -> bool>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        condition: F,
    ) {
        self.wait_while_bounded(guard, condition, None);
    }

    /// As [`wait_while`](Self::wait_while), at most until `deadline`; the condition is not looked at
    /// again then.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_while_until<T: ?Sized, F: FnMut(&mut T) -> bool>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        condition: F,
        deadline: Instant,
    ) -> WaitTimeoutResult {
        self.wait_while_bounded(guard, condition, Some(deadline))
    }

    /// As [`wait_while`](Self::wait_while), at most for `timeout`; the condition is not looked at again
    /// then.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_while_for<T: ?Sized, F: FnMut(&mut T) -> bool>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        condition: F,
        timeout: Duration,
    ) -> WaitTimeoutResult {
        self.wait_while_bounded(guard, condition, deadline(timeout))
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    fn wait_bounded<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        deadline: Option<Instant>,
    ) -> WaitTimeoutResult {
        // SAFETY: it is not unlocked through this but by the wait, which takes it again.
        let raw = unsafe { MutexGuard::mutex(guard).raw() };
        // SAFETY: the guard holds the lock, and is borrowed exclusively.
        unsafe { raw.wait_for(&self.0, deadline) }.into()
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    fn wait_while_bounded<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        mut condition: impl FnMut(&mut T) -> bool,
        deadline: Option<Instant>,
    ) -> WaitTimeoutResult {
        let mut result = WaitTimeoutResult::from(Ok(()));
        while !result.timed_out() && condition(&mut *guard) {
            result = self.wait_bounded(guard, deadline);
        }
        result
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").finish_non_exhaustive()
    }
}
