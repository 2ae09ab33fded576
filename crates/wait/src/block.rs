//! How a thread waits for an operation: it polls with a waker that leaves a token in its own
//! record, and sleeps in between.
//!
//! # Invariants
//! * I1: a wait inside another wait of the same thread (in a future given to `until`, in a waker)
//!   may take the token meant for the outer one; so an inner one that took any leaves one when it
//!   ends.
//! * I2: tokens that come again and again do not put off a deadline.
//!
//! # Edges
//! Those of `token.rs`.

use core::cell::Cell;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use counterpoint_base::prim::atomic::RELAXED;
use counterpoint_base::prim::time::{Instant, now};
use counterpoint_base::record::{self, Record};

#[cfg(feature = "hooks")]
use crate::hooks::Driving;
use crate::hooks::Mixed;
use crate::op::Operation;
use crate::token::{self, UnparkReason};
use crate::waker;

/// Counts the waits of this thread that are nested in each other.
struct Nested<'r> {
    record: &'r Record,
    /// It took a token, perhaps one that was meant for the wait around it (I1).
    took: Cell<bool>,
}

impl<'r> Nested<'r> {
    fn enter(record: &'r Record) -> Nested<'r> {
        // Relaxed: only the record's own thread reads and writes it.
        let depth = record.depth().load(RELAXED);
        record.depth().store(depth + 1, RELAXED);
        Nested {
            record,
            took: Cell::new(false),
        }
    }
}

impl Drop for Nested<'_> {
    fn drop(&mut self) {
        // Relaxed: as in `enter`.
        let depth = self.record.depth().load(RELAXED);
        self.record.depth().store(depth - 1, RELAXED);
        if depth > 1 && self.took.get() {
            token::unpark(self.record.futex());
        }
    }
}

/// Blocks this thread until `operation` completes.
pub(crate) fn drive<O: Operation>(operation: Pin<&mut O>) -> O::Output {
    let how = How {
        committed: O::COMMITTED,
        lingers: O::LINGERS,
        mixed: Mixed::NO,
    };
    drive_bounded(operation, how, O::set_blocking, O::wake_at, O::expire)
}

/// Blocks this thread until `future` is ready, which is told so and minds its deadlines by itself.
pub(crate) fn drive_bounded<F: Future>(
    future: Pin<&mut F>,
    how: How,
    set_blocking: fn(Pin<&mut F>, bool),
    wake_at: fn(&F) -> Option<Instant>,
    expire: fn(Pin<&mut F>, Instant),
) -> F::Output {
    /// Also after a panic a task may poll it, and then needs timers.
    struct Blocking<'f, F>(Pin<&'f mut F>, fn(Pin<&mut F>, bool));
    impl<F> Drop for Blocking<'_, F> {
        fn drop(&mut self) {
            (self.1)(self.0.as_mut(), false);
        }
    }
    let mut blocking = Blocking(future, set_blocking);
    set_blocking(blocking.0.as_mut(), true);
    drive_with(blocking.0.as_mut(), how, wake_at, expire)
}

/// How a thread waits.
#[derive(Clone, Copy)]
pub(crate) struct How {
    /// No foreign code runs in the poll.
    pub(crate) committed: bool,
    /// It looks for a token for a moment before it sleeps.
    pub(crate) lingers: bool,
    /// It polls a future of the user's, or several operations.
    #[cfg_attr(
        not(feature = "hooks"),
        expect(dead_code, reason = "for the hooks alone")
    )]
    pub(crate) mixed: Mixed,
}

/// Blocks this thread until `future` is ready, polling it when woken and at `wake_at`, after
/// `expire`.
pub(crate) fn drive_with<F: Future>(
    mut future: Pin<&mut F>,
    how: How,
    wake_at: impl Fn(&F) -> Option<Instant>,
    expire: impl Fn(Pin<&mut F>, Instant),
) -> F::Output {
    record::with(|record| {
        let nested = Nested::enter(record);
        // Without the hooks this, and the one below, would be of no size, and yet cost two instructions.
        #[cfg(feature = "hooks")]
        let _driving = Driving::enter();
        let waker = if how.committed {
            waker::committed(record)
        } else {
            waker::loose(record)
        };
        let mut cx = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return output;
            }
            let until = wake_at(&future);
            let timed_out = {
                #[cfg(feature = "hooks")]
                let _asleep = how.mixed.sleeps();
                if how.lingers {
                    token::linger(record.futex(), until);
                }
                token::park(record.futex(), until) == UnparkReason::Timeout
            };
            if !timed_out {
                nested.took.set(true);
            }
            if let Some(until) = until {
                let now = now();
                if timed_out || until <= now {
                    expire(future.as_mut(), until.max(now)); // I2
                }
            }
        }
    })
}

/// Blocks this thread until `future` is ready: the smallest executor.
///
/// Use it to wait for one future in a thread of your own; inside a task it would block the
/// executor's thread. It waits as every blocking form here does, so it may be nested and used in
/// thread-local destructors.
///
/// ```
/// assert_eq!(counterpoint_wait::block_on(async { 1 + 1 }), 2);
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    let how = How {
        committed: false,
        lingers: true,
        mixed: Mixed::YES,
    };
    drive_with(core::pin::pin!(future), how, |_| None, |_, _| ())
}
