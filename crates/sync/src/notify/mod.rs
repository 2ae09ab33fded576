//! [`Notify`]: says that something happened, without saying what.

mod raw;
mod until;
mod verb;

use crate::telemetry::Telemetry;
use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::Stop;
use counterpoint_wait::hooks;
use counterpoint_wait::queue::End;
use std::sync::Arc;

pub use raw::Wish;
pub use until::WaitUntil;
pub use verb::{Notified, NotifiedOwned, NotifiedVerb, Source};

use raw::RawNotify;

/// Wakes threads and tasks that wait for something to happen.
///
/// It carries no data: the state that changed is elsewhere, and is looked at again after each
/// wake-up. What was written before a notification is seen by who received it.
///
/// [`notify_one`](Self::notify_one) wakes one waiter; if nobody waits it stores one notification,
/// and the next to wait takes it at once. [`notify_all`](Self::notify_all) wakes every
/// [`Notified`] created before it, polled or not, and stores nothing.
///
/// Do not use it to hand over values (use a channel), or to count (use `Semaphore`): of several
/// notifications without a waiter one remains.
///
/// # Cancel safety
/// A [`Notified`] that is dropped after `notify_one` chose it passes the notification on to the
/// next waiter from the same end, or stores it. A broadcast is not passed on.
///
/// # Cost
/// Without waiters one exchange; a wait allocates nothing.
///
/// ```
/// use counterpoint_sync::Notify;
///
/// let notify = Notify::new();
/// assert_eq!(notify.notify_one(), 0);
/// notify.wait();
///
/// let early = notify.notified();
/// notify.notify_all();
/// early.wait();
/// ```
pub struct Notify {
    raw: RawNotify,
}

impl Notify {
    const_fn! {
        /// One that nobody waits for, with nothing stored.
        #[inline]
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn new() -> Notify {
            Notify { raw: RawNotify::new() }
        }
    }

    /// Wakes the one that waits longest; if nobody waits, stores a notification, unless one is
    /// stored already. Returns how many it woke.
    ///
    /// # Cost
    /// Without waiters one exchange, no lock.
    #[inline]
    pub fn notify_one(&self) -> usize {
        self.raw.notify_one(End::First)
    }

    /// Wakes the one that came last; if nobody waits, stores a notification, unless one is stored
    /// already. Returns how many it woke.
    ///
    /// Use it where the last waiter is the best one: its data is still in the cache. Do not use it
    /// where each must be served at some time.
    pub fn notify_last(&self) -> usize {
        self.raw.notify_one(End::Last)
    }

    /// Wakes up to `count` of those who wait, in order. Stores nothing. Returns how many it woke.
    pub fn notify_n(&self, count: usize) -> usize {
        self.raw.notify_n(count)
    }

    /// Wakes every [`Notified`] that was created before this call. Stores nothing, and leaves a
    /// stored notification alone. Returns how many were woken; those not polled yet, which will be
    /// ready at their first poll, are not counted.
    pub fn notify_all(&self) -> usize {
        self.raw.notify_all()
    }

    /// The operation that waits for a notification.
    ///
    /// It receives every [`notify_all`](Self::notify_all) from now on. It stands in line for
    /// [`notify_one`](Self::notify_one) from its first poll, or from
    /// [`enable`](counterpoint_wait::Op::enable).
    ///
    /// # Cancel safety
    /// Dropping it leaves nothing behind; see [`Notify`] for what it was handed.
    ///
    /// ```
    /// use counterpoint_sync::Notify;
    /// use std::pin::pin;
    ///
    /// let notify = Notify::new();
    /// let mut notified = pin!(notify.notified());
    /// assert!(!notified.as_mut().enable());
    /// assert_eq!(notify.notify_one(), 1);
    /// assert!(notified.as_mut().enable());
    /// counterpoint_wait::block_on(notified);
    /// ```
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn notified(&self) -> Notified<'_> {
        verb::notified(self)
    }

    /// As [`notified`](Self::notified); the operation keeps the `Notify` alive.
    ///
    /// # Cancel safety
    /// Dropping it leaves nothing behind; see [`Notify`] for what it was handed.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn notified_owned(self: &Arc<Self>) -> NotifiedOwned {
        verb::notified(self.clone())
    }

    /// Blocks this thread until it is notified.
    ///
    /// # Deadlocks
    /// Inside a task it blocks the executor's thread: use [`notified`](Self::notified) there.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait(&self) {
        self.notified().wait();
    }

    /// Blocks this thread until it is notified, at most for `timeout`; zero looks once.
    ///
    /// # Errors
    /// [`Stop::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_timeout(&self, timeout: Duration) -> Result<(), Stop> {
        self.notified().timeout(timeout).wait()
    }

    /// Blocks this thread until it is notified, at most until `deadline`; one in the past looks
    /// once.
    ///
    /// # Errors
    /// [`Stop::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_deadline(&self, deadline: Instant) -> Result<(), Stop> {
        self.notified().deadline(deadline).wait()
    }

    /// Blocks this thread until `ready` returns true: looks now and after each notification that
    /// reaches this thread.
    ///
    /// Whoever makes it true must notify afterwards: all, if those who wait wait for different
    /// things.
    ///
    /// # Panics
    /// If `ready` does; the notification that made it look is taken. `notify_n` stores nothing for
    /// one that is looking just then: notify it with `notify_one` or `notify_all`.
    ///
    /// ```
    /// use counterpoint_sync::Notify;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    ///
    /// let (notify, done) = (Notify::new(), AtomicBool::new(false));
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         done.store(true, Ordering::Relaxed);
    ///         notify.notify_all();
    ///     });
    ///     notify.wait_until(|| done.load(Ordering::Relaxed));
    /// });
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_until(&self, ready: impl FnMut() -> bool) {
        self.wait_until_async(ready).wait();
    }

    /// Blocks this thread until `ready` returns true, at most for `timeout`; zero looks once.
    ///
    /// # Errors
    /// [`Stop::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_until_timeout(
        &self,
        timeout: Duration,
        ready: impl FnMut() -> bool,
    ) -> Result<(), Stop> {
        until::wait(
            self,
            counterpoint_base::prim::time::deadline(timeout),
            ready,
        )
    }

    /// Blocks this thread until `ready` returns true, at most until `deadline`; one in the past
    /// looks once.
    ///
    /// # Errors
    /// [`Stop::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_until_deadline(
        &self,
        deadline: Instant,
        ready: impl FnMut() -> bool,
    ) -> Result<(), Stop> {
        until::wait(self, Some(deadline), ready)
    }

    /// A future that is ready when `ready` returns true: looks at its first poll and after each
    /// notification that reaches it.
    ///
    /// # Cancel safety
    /// Dropping it leaves nothing behind; a notification for one that it was handed is passed on.
    ///
    /// # Panics
    /// If `ready` does; the notification that made it look is taken. `notify_n` stores nothing for
    /// one that is looking just then: notify it with `notify_one` or `notify_all`.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_until_async<F: FnMut() -> bool>(&self, ready: F) -> WaitUntil<'_, F> {
        WaitUntil::new(self, ready)
    }
}

impl Notify {
    /// Names it in what the hooks tell. The name belongs to its place: name it where it stays.
    /// Without the feature `hooks` this does nothing.
    #[inline(always)]
    pub fn named(&self, name: &'static str) {
        hooks::name(self.raw.queue(), name);
    }

    /// What state it is in, all of one instant; see [`Telemetry`].
    pub fn telemetry(&self) -> Telemetry {
        self.raw.telemetry()
    }

    /// Those who wait at this instant, in the order of their places.
    #[cfg(feature = "hooks")]
    pub fn waiters(&self) -> Vec<hooks::Waiter> {
        hooks::visit(self.raw.queue())
    }
}

impl Default for Notify {
    #[cfg_attr(feature = "hooks", track_caller)]
    fn default() -> Notify {
        Notify::new()
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}
