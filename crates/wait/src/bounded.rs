//! An operation bound by deadlines, tokens and other futures.
//!
//! # Invariants
//! * I1: the operation is polled before its bounds are looked at, so a grant that came first
//!   wins (W1); only a token that is cancelled before the first poll prevents the attempt (W4).
//! * I2: a bound stops the operation by `Operation::stop`, which decides against a grant.
//!
//! # Cancel
//! Dropping it drops the operation, its timer and its place in the token's queue; each leaves no
//! trace.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use counterpoint_base::prim::time::{Duration, Instant, deadline, reached};

use crate::cancel::{Cancelled, Ctl};
use crate::hooks;
use crate::op::{Enable, Key, Op, Operation, Stop, inherent_methods};
use crate::queue::ArmRef;
use crate::timer::TimerNode;

/// What may stop an operation besides a deadline.
pub trait Stops {
    /// True if no foreign code runs in `poll_stop`.
    #[doc(hidden)]
    const COMMITTED: bool;
    /// True if it stops the operation before its first attempt.
    #[doc(hidden)]
    fn stopped_already(&self) -> bool;
    /// Ready when it stops the operation.
    #[doc(hidden)]
    fn poll_stop(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()>;
}

impl Stops for () {
    const COMMITTED: bool = true;

    fn stopped_already(&self) -> bool {
        false
    }

    fn poll_stop(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl<A: Stops, B: Stops> Stops for (A, B) {
    const COMMITTED: bool = A::COMMITTED && B::COMMITTED;

    fn stopped_already(&self) -> bool {
        self.0.stopped_already() || self.1.stopped_already()
    }

    fn poll_stop(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: both parts are pinned with the pair and not moved.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        if unsafe { Pin::new_unchecked(&mut this.0) }
            .poll_stop(cx)
            .is_ready()
        {
            return Poll::Ready(());
        }
        // SAFETY: as above.
        unsafe { Pin::new_unchecked(&mut this.1) }.poll_stop(cx)
    }
}

/// Stops when the token of a [`Ctl`] is cancelled.
#[derive(Debug)]
pub struct CtlStop<'c>(Option<Cancelled<'c>>);

impl<'c> CtlStop<'c> {
    #[cfg_attr(feature = "hooks", track_caller)]
    pub(crate) fn new(ctl: &Ctl<'c>) -> CtlStop<'c> {
        // No closure: it would hide the caller.
        match ctl.cancel {
            Some(token) => CtlStop(Some(token.cancelled())),
            None => CtlStop(None),
        }
    }
}

impl Stops for CtlStop<'_> {
    const COMMITTED: bool = true;

    fn stopped_already(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|cancelled| cancelled.verb().token().is_cancelled())
    }

    fn poll_stop(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the operation inside is pinned with this and not moved.
        let this = unsafe { self.map_unchecked_mut(|this| &mut this.0) };
        match this.as_pin_mut() {
            Some(cancelled) => cancelled.poll(cx).map(drop),
            None => Poll::Pending,
        }
    }
}

/// Stops when a future is ready.
#[derive(Debug)]
pub struct UntilStop<F>(F);

impl<F> UntilStop<F> {
    pub(crate) fn new(future: F) -> UntilStop<F> {
        UntilStop(future)
    }
}

impl<F: Future> Stops for UntilStop<F> {
    const COMMITTED: bool = false;

    fn stopped_already(&self) -> bool {
        false
    }

    fn poll_stop(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the future is pinned with this and not moved.
        unsafe { self.map_unchecked_mut(|this| &mut this.0) }
            .poll(cx)
            .map(drop)
    }
}

/// An operation with bounds, made by `.timeout`, `.deadline`, `.with` and `.until`, which it has
/// again. Yields the operation's stoppable result.
///
/// # Cancel safety
/// As for the operation itself: dropping it leaves no trace.
///
/// # Cost
/// No allocation. A thread that waits sleeps until the deadline without a timer; a task uses a
/// timer node inside this value.
#[must_use = "an operation does nothing unless you `.await` it or `.wait()` for it"]
pub struct Bounded<O, S = ()> {
    operation: O,
    stops: S,
    deadline: Option<Instant>,
    timer: TimerNode,
    /// A thread waits, so the deadline is the end of its sleep and not a timer.
    blocking: bool,
    expired: bool,
    begun: bool,
    done: bool,
}

impl<O: Operation, S> fmt::Debug for Bounded<O, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounded")
            .field("deadline", &self.deadline)
            .field("terminated", &self.done)
            .finish_non_exhaustive()
    }
}

pub(crate) fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

impl<O: Operation, S: Stops> Bounded<O, S> {
    inherent_methods!();

    pub(crate) fn new(operation: O, stops: S, deadline: Option<Instant>) -> Bounded<O, S> {
        Bounded {
            operation,
            stops,
            deadline,
            timer: TimerNode::new(),
            blocking: false,
            expired: false,
            begun: false,
            done: false,
        }
    }

    /// Bounds it further: stops after `timeout` at the latest.
    pub fn timeout(self, timeout: Duration) -> Bounded<O, S> {
        let deadline = earlier(self.deadline, deadline(timeout));
        Bounded { deadline, ..self }
    }

    /// Bounds it further: stops at `deadline` at the latest.
    pub fn deadline(self, deadline: Instant) -> Bounded<O, S> {
        Bounded {
            deadline: earlier(self.deadline, Some(deadline)),
            ..self
        }
    }

    /// Bounds it further: stops also when the token of `ctl` is cancelled, or at its deadline.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn with<'c>(self, ctl: &Ctl<'c>) -> Bounded<O, (S, CtlStop<'c>)> {
        let deadline = earlier(self.deadline, ctl.deadline);
        Bounded::new(self.operation, (self.stops, CtlStop::new(ctl)), deadline)
    }

    /// Bounds it further: stops also when `stop` is ready.
    pub fn until<F: Future>(self, stop: F) -> Bounded<O, (S, UntilStop<F>)> {
        Bounded::new(
            self.operation,
            (self.stops, UntilStop::new(stop)),
            self.deadline,
        )
    }

    /// True if a bound stops it before its first attempt (W4).
    pub(crate) fn stopped_already(&self) -> bool {
        self.stops.stopped_already()
    }

    fn operation(self: Pin<&mut Self>) -> Pin<&mut O> {
        // SAFETY: the operation is pinned with this and not moved.
        unsafe { self.map_unchecked_mut(|this| &mut this.operation) }
    }

    fn flags(self: Pin<&mut Self>) -> (&mut bool, &mut bool, &mut bool) {
        // SAFETY: plain flags, not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        (&mut this.begun, &mut this.expired, &mut this.done)
    }

    /// A bound that holds before the first attempt (W4).
    fn begin(mut self: Pin<&mut Self>) -> Option<O::Stoppable> {
        if core::mem::replace(self.as_mut().flags().0, true) || !self.stopped_already() {
            return None;
        }
        Some(self.halt(Stop::Cancelled))
    }

    /// The first attempt, where a deadline may have passed already: then it is the only one (W4).
    fn try_once(mut self: Pin<&mut Self>) -> Option<O::Stoppable> {
        if let Some(output) = self.as_mut().operation().arm_try(Key(())) {
            *self.flags().2 = true;
            return Some(O::finish(output));
        }
        let late = self.deadline.is_some_and(reached);
        late.then(|| self.halt(Stop::TimedOut))
    }

    fn halt(mut self: Pin<&mut Self>, why: Stop) -> O::Stoppable {
        *self.as_mut().flags().2 = true;
        self.operation().stop(why)
    }

    /// The bounds, after the operation was found waiting.
    fn poll_bounds(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Option<Stop> {
        // A thread may have waited for it before a task does: then there is no timer.
        if self.expired || self.blocking && self.deadline.is_some_and(reached) {
            return Some(Stop::TimedOut);
        }
        if let Some(deadline) = self.deadline.filter(|_| !self.blocking) {
            // SAFETY: the timer is pinned with this and not moved.
            let timer = unsafe { self.as_mut().map_unchecked_mut(|this| &mut this.timer) };
            if timer.poll(deadline, cx).is_ready() {
                return Some(Stop::TimedOut);
            }
        }
        // SAFETY: the stops are pinned with this and not moved.
        let stops = unsafe { self.map_unchecked_mut(|this| &mut this.stops) };
        stops.poll_stop(cx).is_ready().then_some(Stop::Cancelled)
    }
}

impl<V: Enable, S: Stops> Bounded<Op<V>, S> {
    /// Takes its place in line now, without waiting, whatever its bounds say: see [`Op::enable`].
    ///
    /// # Cancel safety
    /// Dropping it passes on what it was granted, as after a poll.
    pub fn enable(self: Pin<&mut Self>) -> bool {
        self.operation().enable()
    }
}

impl<O: Operation, S: Stops> Future for Bounded<O, S> {
    type Output = O::Stoppable;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O::Stoppable> {
        assert!(
            !self.done,
            "counterpoint: {} polled after completion",
            O::NAME
        );
        let first = !self.begun;
        if let Some(stopped) = self.as_mut().begin() {
            return Poll::Ready(stopped);
        }
        if first && self.deadline.is_some() && self.operation.is_idle() {
            if let Some(result) = self.as_mut().try_once() {
                return Poll::Ready(result);
            }
        }
        if let Poll::Ready(output) = hooks::bounded(|| self.as_mut().operation().poll(cx)) {
            *self.flags().2 = true;
            return Poll::Ready(O::finish(output));
        }
        match self.as_mut().poll_bounds(cx) {
            Some(why) => Poll::Ready(self.halt(why)),
            None => Poll::Pending,
        }
    }
}

#[cfg(feature = "futures")]
impl<O: Operation, S: Stops> futures_core::FusedFuture for Bounded<O, S> {
    fn is_terminated(&self) -> bool {
        self.done
    }
}

impl<O: Operation, S: Stops> crate::op::sealed::Sealed for Bounded<O, S> {}

impl<O: Operation, S: Stops> Operation for Bounded<O, S> {
    type Stoppable = O::Stoppable;

    const COMMITTED: bool = O::COMMITTED && S::COMMITTED;
    const LINGERS: bool = O::LINGERS;
    const NAME: &'static str = O::NAME;

    fn is_terminated(&self) -> bool {
        self.done
    }

    fn is_idle(&self) -> bool {
        !self.begun && self.operation.is_idle()
    }

    fn finish(output: O::Stoppable) -> O::Stoppable {
        output
    }

    fn stop(self: Pin<&mut Self>, why: Stop) -> O::Stoppable {
        self.halt(why)
    }

    fn wake_at(&self) -> Option<Instant> {
        // A task has a timer for the deadline.
        let deadline = self.deadline.filter(|_| self.blocking);
        earlier(deadline, self.operation.wake_at())
    }

    fn set_blocking(mut self: Pin<&mut Self>, blocking: bool) {
        self.as_mut().operation().set_blocking(blocking);
        // SAFETY: a plain flag, not pinned.
        unsafe { self.get_unchecked_mut() }.blocking = blocking;
    }

    fn expire(mut self: Pin<&mut Self>, at: Instant) {
        if self.deadline.is_some_and(|deadline| deadline <= at) {
            *self.as_mut().flags().1 = true;
        }
        self.operation().expire(at);
    }

    fn arm_try(mut self: Pin<&mut Self>, key: Key) -> Option<O::Stoppable> {
        if let Some(stopped) = self.as_mut().begin() {
            return Some(stopped);
        }
        let output = self.as_mut().operation().arm_try(key)?;
        *self.flags().2 = true;
        Some(O::finish(output))
    }

    fn arm_soft(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        joins: bool,
    ) -> Option<O::Stoppable> {
        if let Some(output) = hooks::bounded(|| self.as_mut().operation().arm_soft(cx, joins)) {
            *self.flags().2 = true;
            return Some(O::finish(output));
        }
        let why = self.as_mut().poll_bounds(cx)?;
        Some(self.halt(why))
    }

    fn has_soft(&self) -> bool {
        true
    }

    fn arm_end(mut self: Pin<&mut Self>, key: Key) -> Option<O::Stoppable> {
        let output = self.as_mut().operation().arm_end(key)?;
        *self.flags().2 = true;
        Some(O::finish(output))
    }

    fn arm_register(self: Pin<&mut Self>, waker: Waker, arm: ArmRef, key: Key) -> bool {
        hooks::bounded(|| self.operation().arm_register(waker, arm, key))
    }

    fn arm_unregister(self: Pin<&mut Self>, key: Key) {
        self.operation().arm_unregister(key);
    }

    fn arm_claim(mut self: Pin<&mut Self>, key: Key) -> Option<O::Stoppable> {
        let output = self.as_mut().operation().arm_claim(key)?;
        *self.flags().2 = true;
        Some(O::finish(output))
    }

    fn arm_forfeit(self: Pin<&mut Self>, key: Key) {
        self.operation().arm_forfeit(key);
    }
}
