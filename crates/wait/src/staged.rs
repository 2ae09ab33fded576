//! Waits of more than one stage, bounded as a whole: the seam for primitives whose wait is an
//! operation, then something else, then perhaps another operation.
//!
//! Such a wait is a future that polls its operations one after the other, and beside the one that
//! may be stopped its [`Limit`]; [`wait_staged`] has a thread wait for it as for an operation.
//!
//! # From
//! The awaiting of a condition, which java.util.concurrent divides into a wait that may be
//! interrupted and the taking of the lock, which may not.
//!
//! # State
//! None of its own.
//!
//! # Invariants
//! * I1: a limit stands in no queue of a primitive: it has a deadline, a place in a token's queue,
//!   or a future.
//!
//! # Edges
//! None.
//!
//! # Waiting
//! As in `block.rs` and `bounded.rs`.
//!
//! # Cancel
//! A limit says why to stop, [`Operation::stop`] of the stage decides against a grant.
//!
//! # Panic
//! As of a bounded operation.
//!
//! # Rejected
//! * An operation with bounds for each stage, and what is left of them handed on: a future given to
//!   `until` cannot be begun twice.
//!
//! # Checked by
//! dev/model tests/condvar.rs; crates/sync tests/condvar.rs.

use core::convert::Infallible;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use counterpoint_base::prim::time::{Duration, Instant, deadline};

use crate::block::{How, drive_bounded};
use crate::bounded::{Bounded, CtlStop, Stops, UntilStop};
use crate::cancel::Ctl;
use crate::hooks;
use crate::op::sealed::Sealed;
use crate::op::{Key, Operation, Stop};
use crate::queue::ArmRef;

/// A wait of more than one stage, for which a thread can wait.
pub trait Staged: Future {
    /// True if a thread that waits for it looks each time it is woken, without running foreign
    /// code first.
    const COMMITTED: bool;

    /// Whether a thread waits for it and minds [`wake_at`](Self::wake_at); to be told to each stage.
    fn set_blocking(self: Pin<&mut Self>, blocking: bool);

    /// The moment at which it wants to be polled at the latest, if a thread waits for it.
    fn wake_at(&self) -> Option<Instant>;

    /// The thread slept until `at`.
    fn expire(self: Pin<&mut Self>, at: Instant);
}

/// Blocks this thread until `future` is ready, without a timer for its deadlines.
///
/// # Deadlocks
/// Inside a task this blocks the executor's thread.
pub fn wait_staged<F: Staged>(future: Pin<&mut F>) -> F::Output {
    let how = How {
        committed: F::COMMITTED,
        lingers: true,
        mixed: hooks::Mixed::YES,
    };
    drive_bounded(future, how, F::set_blocking, F::wake_at, F::expire)
}

/// Waits for nothing: an operation that only its bounds end, and that then yields why.
///
/// ```
/// use counterpoint_wait::Stop;
/// use counterpoint_wait::staged::Never;
/// use std::time::Duration;
///
/// let why = Never::new().timeout(Duration::from_millis(1)).wait();
/// assert_eq!(why, Stop::TimedOut);
/// ```
#[derive(Debug)]
#[must_use = "an operation does nothing unless you `.await` it or `.wait()` for it"]
pub struct Never(());

impl Never {
    /// One without bounds.
    pub const fn new() -> Never {
        Never(())
    }

    /// Stops after `timeout`; a time too long for the clock never comes.
    pub fn timeout(self, timeout: Duration) -> Bounded<Never> {
        Bounded::new(self, (), deadline(timeout))
    }

    /// Stops at `deadline`.
    pub fn deadline(self, deadline: Instant) -> Bounded<Never> {
        Bounded::new(self, (), Some(deadline))
    }

    /// Stops when the token of `ctl` is cancelled or at its deadline.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn with<'c>(self, ctl: &Ctl<'c>) -> Bounded<Never, ((), CtlStop<'c>)> {
        Bounded::new(self, ((), CtlStop::new(ctl)), ctl.deadline)
    }

    /// Stops, as if cancelled, when `stop` is ready.
    pub fn until<F: Future>(self, stop: F) -> Bounded<Never, ((), UntilStop<F>)> {
        Bounded::new(self, ((), UntilStop::new(stop)), None)
    }
}

impl Default for Never {
    fn default() -> Never {
        Never::new()
    }
}

impl Future for Never {
    type Output = Infallible;

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Infallible> {
        Poll::Pending
    }
}

impl Sealed for Never {}

impl Operation for Never {
    type Stoppable = Stop;

    const COMMITTED: bool = true;
    const LINGERS: bool = false;
    const NAME: &'static str = "Never";

    fn is_terminated(&self) -> bool {
        false
    }

    fn is_idle(&self) -> bool {
        true
    }

    fn finish(output: Infallible) -> Stop {
        match output {}
    }

    fn stop(self: Pin<&mut Self>, why: Stop) -> Stop {
        why
    }

    fn wake_at(&self) -> Option<Instant> {
        None
    }

    fn set_blocking(self: Pin<&mut Self>, _blocking: bool) {}

    fn expire(self: Pin<&mut Self>, _at: Instant) {}

    fn arm_try(self: Pin<&mut Self>, _: Key) -> Option<Infallible> {
        None
    }

    fn arm_soft(self: Pin<&mut Self>, _cx: &mut Context<'_>, _joins: bool) -> Option<Infallible> {
        None
    }

    fn arm_end(self: Pin<&mut Self>, _: Key) -> Option<Infallible> {
        None
    }

    fn has_soft(&self) -> bool {
        false
    }

    fn arm_register(self: Pin<&mut Self>, waker: Waker, _arm: ArmRef, _: Key) -> bool {
        drop(waker);
        false
    }

    fn arm_unregister(self: Pin<&mut Self>, _: Key) {}

    fn arm_claim(self: Pin<&mut Self>, _: Key) -> Option<Infallible> {
        None
    }

    fn arm_forfeit(self: Pin<&mut Self>, _: Key) {}
}

/// What bounds a wait of more than one stage: [`Unlimited`], or bounds of [`Never`].
pub trait Limit: Sealed {
    /// What the wait yields, made of its result by [`finish`](Self::finish).
    type Output<R>;

    /// True if no foreign code runs in `poll_limit`.
    #[doc(hidden)]
    const COMMITTED: bool;
    /// Polls a stage that it may stop.
    #[doc(hidden)]
    fn bounds<R>(stage: impl FnOnce() -> R) -> R;
    /// True if it stops the wait before anything is tried.
    #[doc(hidden)]
    fn stopped_already(&self) -> bool;
    /// Ready when it stops the wait; not to be polled after that.
    #[doc(hidden)]
    fn poll_limit(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Stop>;
    #[doc(hidden)]
    fn finish<R>(result: R, stopped: Option<Stop>) -> Self::Output<R>;
    #[doc(hidden)]
    fn set_blocking(self: Pin<&mut Self>, blocking: bool);
    #[doc(hidden)]
    fn wake_at(&self) -> Option<Instant>;
    #[doc(hidden)]
    fn expire(self: Pin<&mut Self>, at: Instant);
}

/// No bounds.
#[derive(Clone, Copy, Debug)]
pub struct Unlimited;

impl Sealed for Unlimited {}

impl Limit for Unlimited {
    type Output<R> = R;
    const COMMITTED: bool = true;

    #[inline(always)]
    fn bounds<R>(stage: impl FnOnce() -> R) -> R {
        stage()
    }

    fn stopped_already(&self) -> bool {
        false
    }

    fn poll_limit(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Stop> {
        Poll::Pending
    }

    fn finish<R>(result: R, _stopped: Option<Stop>) -> R {
        result
    }

    fn set_blocking(self: Pin<&mut Self>, _blocking: bool) {}

    fn wake_at(&self) -> Option<Instant> {
        None
    }

    fn expire(self: Pin<&mut Self>, _at: Instant) {}
}

impl<S: Stops> Limit for Bounded<Never, S> {
    type Output<R> = (R, Result<(), Stop>);
    const COMMITTED: bool = S::COMMITTED;

    #[inline(always)]
    fn bounds<R>(stage: impl FnOnce() -> R) -> R {
        hooks::bounded(stage)
    }

    fn stopped_already(&self) -> bool {
        Bounded::stopped_already(self)
    }

    fn poll_limit(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Stop> {
        self.poll(cx)
    }

    fn finish<R>(result: R, stopped: Option<Stop>) -> Self::Output<R> {
        (result, stopped.map_or(Ok(()), Err))
    }

    fn set_blocking(self: Pin<&mut Self>, blocking: bool) {
        Operation::set_blocking(self, blocking);
    }

    fn wake_at(&self) -> Option<Instant> {
        Operation::wake_at(self)
    }

    fn expire(self: Pin<&mut Self>, at: Instant) {
        Operation::expire(self, at);
    }
}
