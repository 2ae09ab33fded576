//! [`Latch`]: a gate that opens for good when enough has happened.

mod raw;

use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::Stop;
use counterpoint_wait::hooks;

pub use raw::{LatchVerb, LatchWait};

use crate::telemetry::Telemetry;
use raw::RawLatch;

/// A gate that opens once a number of things have happened, and stays open.
///
/// Who waits and who counts down need not be the same; one may count down more than once. For parties
/// that meet again and again use `Barrier`, for an unknown number of them `WaitGroup`.
///
/// # Cancel safety
/// Dropping a wait leaves nothing behind. What was counted down stays so.
///
/// # Cost
/// 24 bytes. Waiting when it is open is one load; counting down an exchange. A wait allocates nothing.
///
/// ```
/// use counterpoint_sync::Latch;
///
/// let done = Latch::new(2);
/// std::thread::scope(|scope| {
///     scope.spawn(|| done.count_down());
///     scope.spawn(|| done.arrive_and_wait());
///     done.wait();
/// });
/// assert!(done.is_open());
/// ```
pub struct Latch {
    pub(crate) raw: RawLatch,
}

impl Latch {
    const_fn! {
        /// One that opens after `count`; open from the beginning if that is none.
        ///
        /// # Panics
        /// If `count` is more than half of what a `usize` holds.
        #[inline]
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn new(count: usize) -> Latch {
            Latch { raw: RawLatch::new(count) }
        }
    }

    /// Counts down by one. Returns true if that opened it; if it is open already, nothing happens.
    ///
    /// What was done before is seen by whom it lets through.
    pub fn count_down(&self) -> bool {
        self.raw.count_down(1)
    }

    /// Counts down by `n`, at most to none. Returns true if that opened it.
    pub fn count_down_by(&self, n: usize) -> bool {
        self.raw.count_down(n)
    }

    /// What is left; may be wrong at the next moment.
    pub fn count(&self) -> usize {
        self.raw.count()
    }

    /// True if it is open.
    pub fn is_open(&self) -> bool {
        self.raw.is_open()
    }

    /// True if it is open: the form of [`wait`](Self::wait) that does not wait.
    #[must_use]
    pub fn try_wait(&self) -> bool {
        self.raw.is_open()
    }

    /// Blocks this thread until it is open.
    ///
    /// # Deadlocks
    /// Inside a task it blocks the executor's thread: use [`wait_async`](Self::wait_async) there.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait(&self) {
        self.wait_async().wait();
    }

    /// Blocks this thread until it is open, at most for `timeout`; zero looks once.
    ///
    /// # Errors
    /// [`Stop::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_timeout(&self, timeout: Duration) -> Result<(), Stop> {
        self.wait_async().timeout(timeout).wait()
    }

    /// Blocks this thread until it is open, at most until `deadline`; one in the past looks once.
    ///
    /// # Errors
    /// [`Stop::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_deadline(&self, deadline: Instant) -> Result<(), Stop> {
        self.wait_async().deadline(deadline).wait()
    }

    /// The operation that waits until it is open.
    ///
    /// # Cancel safety
    /// Dropping it leaves nothing behind.
    ///
    /// ```
    /// use counterpoint_sync::Latch;
    /// use counterpoint_wait::{Stop, block_on};
    /// use std::time::Duration;
    ///
    /// let latch = Latch::new(1);
    /// let soon = latch.wait_async().timeout(Duration::from_millis(1));
    /// assert_eq!(block_on(soon), Err(Stop::TimedOut));
    /// assert!(latch.count_down());
    /// block_on(latch.wait_async());
    /// ```
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_async(&self) -> LatchWait<'_> {
        raw::wait(self, false)
    }

    /// Counts down by one and blocks this thread until it is open.
    ///
    /// # Deadlocks
    /// Inside a task it blocks the executor's thread: use
    /// [`arrive_and_wait_async`](Self::arrive_and_wait_async) there.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn arrive_and_wait(&self) {
        self.arrive_and_wait_async().wait();
    }

    /// The operation that counts down by one, at its first poll, and waits until it is open.
    ///
    /// # Cancel safety
    /// Dropping it before its first poll counts nothing, later it leaves what was counted; so does a
    /// bound that ends the wait.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn arrive_and_wait_async(&self) -> LatchWait<'_> {
        raw::wait(self, true)
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

impl fmt::Debug for Latch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latch")
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}
