//! A delay, for tasks and threads.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use counterpoint_base::prim::futex::{Futex, Slept};
use counterpoint_base::prim::time::{self, Duration, Instant};

use super::TimerNode;

/// A future that is ready at a deadline, made by [`sleep_until`] and [`sleep`].
///
/// # Panics
/// If it is polled after it was ready.
#[must_use = "a sleep does nothing until it is awaited or waited for"]
pub struct SleepUntil {
    node: TimerNode,
    /// `None`: too far away for the clock, so never.
    deadline: Option<Instant>,
    done: bool,
}

/// Waits until `deadline`: in a task by `.await`, on a thread by [`SleepUntil::wait`].
///
/// To give an operation a deadline use the operation's own forms, not a race against a sleep.
///
/// # Cancel safety
/// Dropping it disarms its timer.
///
/// # Cost
/// No allocation. In a task one timer node in the future ([`TimerNode`]); on a thread one sleep in
/// the kernel.
///
/// # Examples
/// ```
/// use counterpoint_wait::timer::sleep_until;
/// use std::time::{Duration, Instant};
///
/// let deadline = Instant::now() + Duration::from_millis(5);
/// sleep_until(deadline).wait();
/// assert!(Instant::now() >= deadline);
/// ```
pub fn sleep_until(deadline: Instant) -> SleepUntil {
    SleepUntil {
        node: TimerNode::new(),
        deadline: Some(deadline),
        done: false,
    }
}

/// Waits for `duration`, counted from this call. See [`sleep_until`]; one too long for the clock
/// never ends.
///
/// # Examples
/// ```
/// use counterpoint_wait::timer::sleep;
/// use std::time::Duration;
///
/// sleep(Duration::from_millis(5)).wait();
/// ```
pub fn sleep(duration: Duration) -> SleepUntil {
    SleepUntil {
        node: TimerNode::new(),
        deadline: time::deadline(duration),
        done: false,
    }
}

impl SleepUntil {
    /// When it ends; `None` means never.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// True once it was ready: it must not be polled again.
    pub fn is_terminated(&self) -> bool {
        self.done
    }

    /// Blocks the thread until the deadline, without the timer thread.
    ///
    /// Under a model checker, where time stands still, it returns at once.
    pub fn wait(self) {
        if super::CHECKED {
            counterpoint_base::prim::thread::yield_now();
            return;
        }
        // A word of its own, which nobody else knows: no token meant for an operation around this
        // one is taken.
        let word = Futex::new(0);
        while !self.deadline.is_some_and(time::reached) {
            let _: Slept = word.wait(0, self.deadline);
        }
    }
}

impl Future for SleepUntil {
    type Output = ();

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: `node` is never moved out of `self`; the other fields are not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        assert!(!this.done, "SleepUntil polled after it was ready");
        let Some(deadline) = this.deadline else {
            return Poll::Pending;
        };
        // SAFETY: `self` was pinned, and `node` lives and dies in it.
        let node = unsafe { Pin::new_unchecked(&mut this.node) };
        let polled = node.poll(deadline, cx);
        this.done = polled.is_ready();
        polled
    }
}

#[cfg(feature = "futures")]
impl futures_core::FusedFuture for SleepUntil {
    fn is_terminated(&self) -> bool {
        self.done
    }
}

impl fmt::Debug for SleepUntil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SleepUntil")
            .field("deadline", &self.deadline)
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}
