//! How a thread waits for an operation: it polls with a waker that leaves a token in its own
//! record, and sleeps in between.
//!
//! # Invariants
//! * I1: a wait inside another wait of the same thread (in a future given to `until`, in a waker)
//!   may take the token meant for the outer one; so the inner one leaves a token when it ends.
//!
//! # Edges
//! Those of `token.rs`.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use counterpoint_base::prim::atomic::RELAXED;
use counterpoint_base::prim::time::{Instant, now};
use counterpoint_base::record::{self, Record};

use crate::op::Operation;
use crate::token::{self, UnparkReason};
use crate::waker;

/// Counts the waits of this thread that are nested in each other.
struct Nested<'r>(&'r Record);

impl<'r> Nested<'r> {
    fn enter(record: &'r Record) -> Nested<'r> {
        // Relaxed: only the record's own thread reads and writes it.
        record.depth().fetch_add(1, RELAXED);
        Nested(record)
    }
}

impl Drop for Nested<'_> {
    fn drop(&mut self) {
        if self.0.depth().fetch_sub(1, RELAXED) > 1 {
            token::unpark(self.0.futex());
        }
    }
}

/// Blocks this thread until `operation` completes.
pub(crate) fn drive<O: Operation>(mut operation: Pin<&mut O>) -> O::Output {
    operation.as_mut().set_blocking();
    drive_with(operation, O::COMMITTED, O::wake_at, O::expire)
}

/// Blocks this thread until `future` is ready, polling it when woken and at `wake_at`, after
/// `expire`. `committed`: no foreign code runs in the poll.
pub(crate) fn drive_with<F: Future>(
    mut future: Pin<&mut F>,
    committed: bool,
    wake_at: impl Fn(&F) -> Option<Instant>,
    expire: impl Fn(Pin<&mut F>, Instant),
) -> F::Output {
    record::with(|record| {
        let _nested = Nested::enter(record);
        let waker = if committed {
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
            if token::park(record.futex(), until) == UnparkReason::Timeout {
                // Only a sleep with an end times out.
                let until = until.expect("a sleep without end timed out");
                expire(future.as_mut(), until.max(now()));
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
    drive_with(core::pin::pin!(future), false, |_| None, |_, _| ())
}
