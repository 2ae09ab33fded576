//! A value made by one future that whoever waits for it drives.
//!
//! # Invariants
//! * I1: the slot is reached by the holder of the cell's claim only; raw.rs E2 hands it from one to
//!   the next.
//!
//! # Cancel
//! Who stops driving gives the claim up; the future stays in the slot, and the next one goes on.
//!
//! # Panic
//! A future that panics is dropped; the next one starts another.

use core::convert::Infallible;
use core::fmt;
use core::future::Future;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::pin::Pin;
use core::task::{Context, Poll};
use counterpoint_base::const_fn;
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::Stop;

use super::future::{Sealed, poll_or_spend};
use super::{GetOrInit, OnceCell, OnceCellError, Source, WaitOnce};

/// How the value is made, and what is under way.
struct Slot<F, Fut> {
    make: F,
    run: Option<Pin<Box<Fut>>>,
}

/// A value that is made when it is first asked for, by an asynchronous initializer that goes on.
///
/// Whoever asks first starts the initializer and drives it while others wait. If that one is
/// dropped or timed out, the next one goes on **with the same future**: what it has achieved so far
/// is not lost. Only a panic drops it; then the next one starts anew.
///
/// Use [`OnceCell`] if each caller brings its own initializer, or for a blocking one.
///
/// # Re-entrance, deadlocks
/// As of [`OnceCell`]: an initializer that asks for its own value panics, or gets an error from the
/// forms that return one.
///
/// # Cancel safety
/// Every future it makes may be dropped at any point.
///
/// # Cost
/// One allocation, for the initializer's future. Reading is one load.
///
/// ```
/// use counterpoint_sync::LazyCell;
/// use std::time::Duration;
///
/// let cell = LazyCell::new(async || 7);
/// assert_eq!(cell.get(), None);
/// assert_eq!(cell.force_async().timeout(Duration::from_secs(60)).wait(), Ok(&7));
/// assert_eq!(cell.get(), Some(&7));
/// ```
pub struct LazyCell<T, Fut, F = fn() -> Fut> {
    cell: OnceCell<T>,
    slot: UnsafeCell<Slot<F, Fut>>,
}

// SAFETY: all it holds goes along.
unsafe impl<T: Send, Fut: Send, F: Send> Send for LazyCell<T, Fut, F> {}
// SAFETY: one at a time reaches the slot (I1), from any thread; the value is shared.
unsafe impl<T: Send + Sync, Fut: Send, F: Send> Sync for LazyCell<T, Fut, F> {}

// A future that panicked is dropped, and not seen again.
impl<T: UnwindSafe, Fut, F: UnwindSafe> UnwindSafe for LazyCell<T, Fut, F> {}
impl<T: UnwindSafe + RefUnwindSafe, Fut, F: UnwindSafe> RefUnwindSafe for LazyCell<T, Fut, F> {}

impl<T, Fut: Future<Output = T>, F: FnMut() -> Fut> LazyCell<T, Fut, F> {
    const_fn! {
        /// A value that `make` will make. It is called once, and once more after each panic.
        pub const fn new(make: F) -> LazyCell<T, Fut, F> {
            LazyCell {
                cell: OnceCell::new(),
                slot: UnsafeCell::new(Slot { make, run: None }),
            }
        }
    }

    /// Blocks this thread until the value is there; drives the initializer here if nobody else does.
    ///
    /// # Panics
    /// If the initializer does, or asks for its own value.
    ///
    /// # Deadlocks
    /// Inside a task it blocks the executor's thread: use [`force_async`](Self::force_async) there.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn force(&self) -> &T {
        match self.get() {
            Some(value) => value,
            None => self.force_async().wait(),
        }
    }

    /// As [`force`](Self::force), at most for `timeout`. What was done stays.
    ///
    /// # Errors
    /// [`OnceCellError::TimedOut`] or [`OnceCellError::Reentrant`].
    ///
    /// # Panics
    /// If the initializer does.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn force_timeout(&self, timeout: Duration) -> Result<&T, OnceCellError> {
        self.force_async().timeout(timeout).wait()
    }

    /// As [`force`](Self::force), at most until `deadline`. What was done stays.
    ///
    /// # Errors
    /// [`OnceCellError::TimedOut`] or [`OnceCellError::Reentrant`].
    ///
    /// # Panics
    /// If the initializer does.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn force_deadline(&self, deadline: Instant) -> Result<&T, OnceCellError> {
        self.force_async().deadline(deadline).wait()
    }

    /// The future that yields the value, and drives the initializer if nobody else does.
    ///
    /// # Deadlocks
    /// Once it drives the initializer it holds up all others until it is polled to its end or
    /// dropped.
    ///
    /// # Cancel safety
    /// Dropping it leaves the initializer as far as it came; the next one goes on.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn force_async(&self) -> GetOrInit<'_, T, Resume<'_, Fut, F>> {
        GetOrInit::new(&self.cell, Resume { slot: &self.slot })
    }
}

impl<T, Fut, F> LazyCell<T, Fut, F> {
    /// The value, if it is there. Starts nothing.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.cell.get()
    }

    /// The value, through exclusive access, if it is there.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.cell.get_mut()
    }

    /// The value back, if it is there.
    pub fn into_inner(self) -> Option<T> {
        self.cell.into_inner()
    }

    /// Blocks this thread until the value is there, and drives nothing.
    ///
    /// # Deadlocks
    /// Waits for ever if nobody else drives the initializer.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait(&self) -> &T {
        self.cell.wait()
    }

    /// Blocks this thread until the value is there, at most for `timeout`; zero looks once.
    ///
    /// # Errors
    /// [`Stop::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_timeout(&self, timeout: Duration) -> Result<&T, Stop> {
        self.cell.wait_timeout(timeout)
    }

    /// Blocks this thread until the value is there, at most until `deadline`; one in the past looks
    /// once.
    ///
    /// # Errors
    /// [`Stop::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_deadline(&self, deadline: Instant) -> Result<&T, Stop> {
        self.cell.wait_deadline(deadline)
    }

    /// The operation that waits until the value is there, and drives nothing.
    ///
    /// # Cancel safety
    /// Dropping it leaves nothing behind.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_async(&self) -> WaitOnce<'_, T> {
        self.cell.wait_async()
    }

    /// Names it in what the hooks tell. The name belongs to its place: name it where it stays.
    /// Without the feature `hooks` this does nothing.
    #[inline(always)]
    pub fn named(&self, name: &'static str) {
        self.cell.named(name);
    }

    /// Those who wait for it at this instant, in the order of their places.
    #[cfg(feature = "hooks")]
    pub fn waiters(&self) -> Vec<counterpoint_wait::hooks::Waiter> {
        self.cell.waiters()
    }
}

impl<T: fmt::Debug, Fut, F> fmt::Debug for LazyCell<T, Fut, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_tuple("LazyCell");
        match self.get() {
            Some(value) => debug.field(value),
            None => debug.field(&format_args!("<empty>")),
        };
        debug.finish()
    }
}

/// The initializer of a [`LazyCell`], driven by the holder of the claim.
pub struct Resume<'a, Fut, F> {
    slot: &'a UnsafeCell<Slot<F, Fut>>,
}

// SAFETY: the slot is reached by the holder of the claim only (I1), which may move.
unsafe impl<Fut: Send, F: Send> Send for Resume<'_, Fut, F> {}
// SAFETY: a shared reference to it does nothing.
unsafe impl<Fut: Send, F: Send> Sync for Resume<'_, Fut, F> {}

impl<Fut, F: UnwindSafe> UnwindSafe for Resume<'_, Fut, F> {}
impl<Fut, F: UnwindSafe> RefUnwindSafe for Resume<'_, Fut, F> {}

impl<Fut, F> fmt::Debug for Resume<'_, Fut, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resume").finish_non_exhaustive()
    }
}

impl<Fut, F> Sealed for Resume<'_, Fut, F> {}

impl<T, Fut: Future<Output = T>, F: FnMut() -> Fut> Source<T> for Resume<'_, Fut, F> {
    type Error = Infallible;

    fn poll_value(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Infallible>> {
        self.slot.with_mut(|slot| {
            // SAFETY: the caller holds the claim (I1), and asks not again from within.
            let Slot { make, run } = unsafe { &mut *slot };
            let poll = |run: &mut Option<Pin<Box<Fut>>>| {
                let run = run.get_or_insert_with(|| Box::pin(make()));
                run.as_mut().poll(cx)
            };
            let polled = poll_or_spend(run, poll, |run| *run = None);
            if polled.is_ready() {
                *run = None;
            }
            polled.map(Ok)
        })
    }
}
