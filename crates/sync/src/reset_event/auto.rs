//! [`AutoResetEvent`]: lets one through each time it is set.

use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::Stop;
use counterpoint_wait::hooks;

use crate::telemetry::Telemetry;

use super::raw_auto::{self, AutoResetWait, RawAuto};

/// A turnstile: each [`set`](Self::set) lets one through, and that one resets it.
///
/// If nobody waits it stays set, and the next to wait goes through at once. Setting it again before
/// that changes nothing: of several one remains.
///
/// Do not use it to let all through ([`ManualResetEvent`](super::ManualResetEvent)), or to count
/// (`Semaphore`). It differs from `Notify` in that it can be reset and looked at, and has no broadcast.
///
/// # Cancel safety
/// A wait that is dropped after it was let through lets the next one through, or leaves the event
/// set.
///
/// # Fairness
/// Strictly in the order in which they came: it stays set only where nobody waits.
///
/// # Cost
/// 16 bytes. Without waiters an exchange to set it and one to go through. A wait allocates nothing.
///
/// ```
/// use counterpoint_sync::AutoResetEvent;
///
/// let turn = AutoResetEvent::new(false);
/// turn.set();
/// turn.wait();
/// assert!(!turn.is_set());
/// ```
pub struct AutoResetEvent {
    pub(super) raw: RawAuto,
}

impl AutoResetEvent {
    const_fn! {
        /// One that lets the first through at once if `set`.
        #[inline]
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn new(set: bool) -> AutoResetEvent {
            AutoResetEvent { raw: RawAuto::new(set) }
        }
    }

    /// Lets the one through that waits longest, and returns true; or stays set for the next one.
    ///
    /// What was done before is seen by whom it lets through.
    pub fn set(&self) -> bool {
        self.raw.set()
    }

    /// Takes back what was set and has let nobody through. Returns whether there was something; if
    /// so, what was done before it was set is seen here.
    pub fn reset(&self) -> bool {
        self.raw.try_take()
    }

    /// True if the next one goes through at once; may be wrong at the next moment.
    pub fn is_set(&self) -> bool {
        self.raw.is_set()
    }

    /// Goes through if that needs no wait: the same as [`reset`](Self::reset).
    #[must_use]
    pub fn try_wait(&self) -> bool {
        self.raw.try_take()
    }

    /// Blocks this thread until it is let through.
    ///
    /// # Deadlocks
    /// Inside a task it blocks the executor's thread: use [`wait_async`](Self::wait_async) there.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait(&self) {
        self.wait_async().wait();
    }

    /// Blocks this thread until it is let through, at most for `timeout`; zero looks once.
    ///
    /// # Errors
    /// [`Stop::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_timeout(&self, timeout: Duration) -> Result<(), Stop> {
        self.wait_async().timeout(timeout).wait()
    }

    /// Blocks this thread until it is let through, at most until `deadline`; one in the past looks once.
    ///
    /// # Errors
    /// [`Stop::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_deadline(&self, deadline: Instant) -> Result<(), Stop> {
        self.wait_async().deadline(deadline).wait()
    }

    /// The operation that waits until it is let through.
    ///
    /// # Cancel safety
    /// Dropping it leaves nothing behind; see [`AutoResetEvent`] for what it was granted.
    ///
    /// ```
    /// use counterpoint_sync::AutoResetEvent;
    /// use counterpoint_wait::block_on;
    ///
    /// let event = AutoResetEvent::new(true);
    /// block_on(event.wait_async());
    /// assert!(!event.is_set());
    /// ```
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_async(&self) -> AutoResetWait<'_> {
        raw_auto::wait(self)
    }

    /// What state it is in at this instant.
    pub fn telemetry(&self) -> Telemetry {
        self.raw.telemetry()
    }

    /// Names it in what the hooks tell. The name belongs to its place: name it where it stays.
    /// Without the feature `hooks` this does nothing.
    #[inline(always)]
    pub fn named(&self, name: &'static str) {
        hooks::name(self.raw.queue(), name);
    }

    /// Those who wait at this instant, in the order of their places.
    #[cfg(feature = "hooks")]
    pub fn waiters(&self) -> Vec<hooks::Waiter> {
        hooks::visit(self.raw.queue())
    }
}

impl Default for AutoResetEvent {
    /// One that lets nobody through.
    #[cfg_attr(feature = "hooks", track_caller)]
    fn default() -> AutoResetEvent {
        AutoResetEvent::new(false)
    }
}

impl fmt::Debug for AutoResetEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AutoResetEvent")
            .field("set", &self.is_set())
            .finish_non_exhaustive()
    }
}
