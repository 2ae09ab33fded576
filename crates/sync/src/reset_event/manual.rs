//! [`ManualResetEvent`]: a gate that is open or closed.

use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::Stop;
use counterpoint_wait::hooks;

use crate::telemetry::Telemetry;

use super::raw_manual::{self, ManualResetWait, RawManual};

/// A gate: while it is set everybody goes through, while it is reset everybody waits.
///
/// [`set`](Self::set) opens it and lets through all who wait, [`reset`](Self::reset) closes it. Who
/// waited as it was set goes through, also if it is reset before it looked. (A select whose own
/// patience ends at that moment may not look any more.)
///
/// Do not use it to let one through for each `set` ([`AutoResetEvent`](super::AutoResetEvent)), or for
/// something that happens once and counts (`Latch`).
///
/// # Cancel safety
/// Dropping a wait leaves nothing behind.
///
/// # Cost
/// 16 bytes. Waiting while it is set is one load; setting it an exchange, and the lock of the queue
/// once for every 32 that wait. A wait allocates nothing.
///
/// ```
/// use counterpoint_sync::ManualResetEvent;
///
/// let ready = ManualResetEvent::new(false);
/// std::thread::scope(|scope| {
///     scope.spawn(|| ready.wait());
///     scope.spawn(|| ready.wait());
///     ready.set();
/// });
/// assert!(ready.reset() && !ready.is_set());
/// ```
pub struct ManualResetEvent {
    pub(super) raw: RawManual,
}

impl ManualResetEvent {
    const_fn! {
        /// One that is open if `set`.
        #[inline]
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn new(set: bool) -> ManualResetEvent {
            ManualResetEvent { raw: RawManual::new(set) }
        }
    }

    /// Opens it, and lets through all who wait. Returns whether it was closed before.
    ///
    /// What was done before is seen by whom it lets through.
    pub fn set(&self) -> bool {
        self.raw.set()
    }

    /// Closes it. Returns whether it was open; if so, what was done before it was set is seen here:
    /// to be called before a look whether there is something to do.
    pub fn reset(&self) -> bool {
        self.raw.reset()
    }

    /// True while it is open; may be wrong at the next moment.
    pub fn is_set(&self) -> bool {
        self.raw.is_set()
    }

    /// Blocks this thread until it is set.
    ///
    /// # Deadlocks
    /// Inside a task it blocks the executor's thread: use [`wait_async`](Self::wait_async) there.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait(&self) {
        self.wait_async().wait();
    }

    /// Blocks this thread until it is set, at most for `timeout`; zero looks once.
    ///
    /// # Errors
    /// [`Stop::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_timeout(&self, timeout: Duration) -> Result<(), Stop> {
        self.wait_async().timeout(timeout).wait()
    }

    /// Blocks this thread until it is set, at most until `deadline`; one in the past looks once.
    ///
    /// # Errors
    /// [`Stop::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_deadline(&self, deadline: Instant) -> Result<(), Stop> {
        self.wait_async().deadline(deadline).wait()
    }

    /// The operation that waits until it is set.
    ///
    /// # Cancel safety
    /// Dropping it leaves nothing behind.
    ///
    /// ```
    /// use counterpoint_sync::ManualResetEvent;
    /// use counterpoint_wait::{Stop, block_on};
    /// use std::time::Duration;
    ///
    /// let event = ManualResetEvent::new(false);
    /// let soon = event.wait_async().timeout(Duration::from_millis(1));
    /// assert_eq!(block_on(soon), Err(Stop::TimedOut));
    /// ```
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_async(&self) -> ManualResetWait<'_> {
        raw_manual::wait(self)
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

impl Default for ManualResetEvent {
    /// One that is closed.
    #[cfg_attr(feature = "hooks", track_caller)]
    fn default() -> ManualResetEvent {
        ManualResetEvent::new(false)
    }
}

impl fmt::Debug for ManualResetEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualResetEvent")
            .field("set", &self.is_set())
            .finish_non_exhaustive()
    }
}
