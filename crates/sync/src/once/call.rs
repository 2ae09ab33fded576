//! Something that is done once.

use core::future::Future;
use counterpoint_base::const_fn;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::Stop;

use super::{GetOrInit, Make, OnceCell, OnceCellError, WaitOnce};

/// Something that is done once, by whoever comes first; the others wait until it is done.
///
/// It is a [`OnceCell`] without a value: what is said there holds here. In particular a call that
/// panics or is cancelled has not been done, and the next one does its own; std's `Once` refuses all
/// further calls instead.
///
/// ```
/// use counterpoint_sync::Once;
///
/// static START: Once = Once::new();
/// START.call_once(|| println!("once"));
/// START.call_once(|| unreachable!());
/// assert!(START.is_completed());
/// ```
#[derive(Debug, Default)]
pub struct Once(OnceCell<()>);

impl Once {
    const_fn! {
        /// Not done yet.
        #[inline]
        #[must_use]
        pub const fn new() -> Once {
            Once(OnceCell::new())
        }
    }

    /// Calls `f` on this thread, unless another call was done; blocks while one is under way. What
    /// it did is seen by the caller.
    ///
    /// # Panics
    /// If `f` does, or calls this; it is not done then.
    ///
    /// # Deadlocks
    /// Inside a task it blocks the executor's thread: use
    /// [`call_once_async`](Self::call_once_async) there.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn call_once(&self, f: impl FnOnce()) {
        self.0.get_or_init(f);
    }

    /// As [`call_once`](Self::call_once), waiting for another call at most for `timeout`.
    ///
    /// # Errors
    /// [`OnceCellError::TimedOut`] or [`OnceCellError::Reentrant`].
    ///
    /// # Panics
    /// If `f` does; it is not done then.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn call_once_timeout(
        &self,
        timeout: Duration,
        f: impl FnOnce(),
    ) -> Result<(), OnceCellError> {
        self.0.get_or_init_timeout(timeout, f).copied()
    }

    /// As [`call_once`](Self::call_once), waiting for another call at most until `deadline`.
    ///
    /// # Errors
    /// [`OnceCellError::TimedOut`] or [`OnceCellError::Reentrant`].
    ///
    /// # Panics
    /// If `f` does; it is not done then.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn call_once_deadline(
        &self,
        deadline: Instant,
        f: impl FnOnce(),
    ) -> Result<(), OnceCellError> {
        self.0.get_or_init_deadline(deadline, f).copied()
    }

    /// The future that runs what `f` makes, unless another call was done.
    ///
    /// # Cancel safety
    /// Dropping it drops the future of `f`; it is not done then.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn call_once_async<F, Fut>(&self, f: F) -> GetOrInit<'_, (), Make<F, Fut>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = ()>,
    {
        self.0.get_or_init_async(f)
    }

    /// True if a call was done.
    #[inline]
    pub fn is_completed(&self) -> bool {
        self.0.is_initialized()
    }

    /// Blocks this thread until a call was done.
    ///
    /// # Deadlocks
    /// Inside a task use [`wait_async`](Self::wait_async).
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait(&self) {
        self.0.wait();
    }

    /// Blocks this thread until a call was done, at most for `timeout`; zero looks once.
    ///
    /// # Errors
    /// [`Stop::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_timeout(&self, timeout: Duration) -> Result<(), Stop> {
        self.0.wait_timeout(timeout).copied()
    }

    /// Blocks this thread until a call was done, at most until `deadline`; one in the past looks
    /// once.
    ///
    /// # Errors
    /// [`Stop::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_deadline(&self, deadline: Instant) -> Result<(), Stop> {
        self.0.wait_deadline(deadline).copied()
    }

    /// The operation that waits until a call was done.
    ///
    /// # Cancel safety
    /// Dropping it leaves nothing behind.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_async(&self) -> WaitOnce<'_, ()> {
        self.0.wait_async()
    }

    /// Names it in what the hooks tell. The name belongs to its place: name it where it stays.
    /// Without the feature `hooks` this does nothing.
    #[inline(always)]
    pub fn named(&self, name: &'static str) {
        self.0.named(name);
    }

    /// Those who wait for it at this instant, in the order of their places.
    #[cfg(feature = "hooks")]
    pub fn waiters(&self) -> Vec<counterpoint_wait::hooks::Waiter> {
        self.0.waiters()
    }
}
