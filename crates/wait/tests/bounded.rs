//! Bounds in any combination and order.

use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::{Stop, block_on};
use std::future::{Future, pending, poll_fn, ready};
use std::panic::{self, AssertUnwindSafe};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(2);
const LONG: Duration = Duration::from_secs(600);

/// Waits in both ways; both must agree.
macro_rules! both {
    ($operation:expr) => {{
        let waited = $operation.wait();
        let awaited = block_on(async { $operation.await });
        assert_eq!(waited, awaited);
        waited
    }};
}

#[test]
fn the_earliest_bound_counts_in_any_order() {
    let never = CancelToken::new();
    let soon = || Instant::now() + SHORT;
    let (idle, timed) = (Ctl::new(), Ctl::new().timeout(SHORT));
    let start = Instant::now();
    assert_eq!(
        both!(never.cancelled().timeout(SHORT).timeout(LONG)),
        Err(Stop::TimedOut)
    );
    assert_eq!(
        both!(never.cancelled().timeout(LONG).timeout(SHORT)),
        Err(Stop::TimedOut)
    );
    assert_eq!(
        both!(never.cancelled().deadline(soon()).timeout(LONG)),
        Err(Stop::TimedOut)
    );
    assert_eq!(
        both!(never.cancelled().timeout(LONG).deadline(soon())),
        Err(Stop::TimedOut)
    );
    assert_eq!(
        both!(never.cancelled().with(&timed).timeout(LONG)),
        Err(Stop::TimedOut)
    );
    assert_eq!(
        both!(never.cancelled().timeout(LONG).with(&timed)),
        Err(Stop::TimedOut)
    );
    assert_eq!(
        both!(never.cancelled().timeout(SHORT).with(&idle)),
        Err(Stop::TimedOut)
    );
    assert_eq!(
        both!(
            never
                .cancelled()
                .until(pending::<()>())
                .timeout(SHORT)
                .with(&idle)
        ),
        Err(Stop::TimedOut)
    );
    assert_eq!(
        both!(
            never
                .cancelled()
                .with(&timed)
                .with(&idle)
                .until(pending::<()>())
        ),
        Err(Stop::TimedOut)
    );
    assert!(start.elapsed() >= SHORT);
}

#[test]
fn any_stop_of_several_stops() {
    let (never, stop, idle) = (CancelToken::new(), CancelToken::new(), CancelToken::new());
    stop.cancel("stop");
    let (by_stop, by_idle) = (Ctl::new().cancel(&stop), Ctl::new().cancel(&idle));
    assert_eq!(
        both!(never.cancelled().with(&by_stop)),
        Err(Stop::Cancelled)
    );
    assert_eq!(
        both!(never.cancelled().with(&by_idle).with(&by_stop)),
        Err(Stop::Cancelled)
    );
    assert_eq!(
        both!(never.cancelled().with(&by_stop).with(&by_idle)),
        Err(Stop::Cancelled)
    );
    assert_eq!(
        both!(never.cancelled().until(ready(1))),
        Err(Stop::Cancelled)
    );
    assert_eq!(
        both!(
            never
                .cancelled()
                .until(pending::<()>())
                .until(ready(1))
                .timeout(LONG)
        ),
        Err(Stop::Cancelled)
    );
    assert_eq!(
        both!(never.cancelled().until(ready(())).with(&by_idle)),
        Err(Stop::Cancelled)
    );
}

#[test]
fn the_operation_wins_over_a_future_that_is_ready() {
    let done = CancelToken::new();
    done.cancel("done");
    assert_eq!(both!(done.cancelled().until(ready(()))), Ok(()));
    assert_eq!(both!(done.cancelled().timeout(Duration::ZERO)), Ok(()));
    assert_eq!(both!(done.cancelled().deadline(Instant::now())), Ok(()));
    assert_eq!(both!(done.cancelled().timeout(Duration::MAX)), Ok(()));
}

#[test]
fn a_future_that_becomes_ready_later_stops() {
    let (never, later) = (CancelToken::new(), CancelToken::new());
    thread::scope(|scope| {
        scope.spawn(|| later.cancel("later"));
        assert_eq!(
            never.cancelled().until(later.cancelled()).wait(),
            Err(Stop::Cancelled)
        );
    });
    let later = CancelToken::new();
    thread::scope(|scope| {
        scope.spawn(|| later.cancel("later"));
        let stopped = block_on(async { never.cancelled().until(later.cancelled()).await });
        assert_eq!(stopped, Err(Stop::Cancelled));
    });
}

#[test]
fn a_bound_that_is_not_met_leaves_no_timer_and_no_waiter() {
    let (done, idle) = (CancelToken::new(), CancelToken::new());
    let ctl = Ctl::new().cancel(&idle).timeout(LONG);
    let mut cx = Context::from_waker(Waker::noop());
    let mut bounded = Box::pin(done.cancelled().with(&ctl));
    assert!(bounded.as_mut().poll(&mut cx).is_pending());
    done.cancel("done");
    assert_eq!(bounded.as_mut().poll(&mut cx), Poll::Ready(Ok(())));
    assert!(bounded.is_terminated());
    drop(bounded);
    idle.cancel("nobody is there");
}

#[test]
fn polled_after_completion_it_panics() {
    let done = CancelToken::new();
    done.cancel("done");
    let mut cx = Context::from_waker(Waker::noop());
    let mut bounded = pin!(done.cancelled().timeout(LONG));
    assert!(!bounded.is_terminated());
    assert!(bounded.as_mut().poll(&mut cx).is_ready());
    assert!(bounded.is_terminated());
    let again = panic::catch_unwind(AssertUnwindSafe(|| bounded.as_mut().poll(&mut cx)));
    let payload = again.expect_err("polled after completion");
    let message = payload.downcast_ref::<String>().unwrap();
    assert!(message.contains("after completion"), "{message}");
    assert!(message.contains("CancelToken::cancelled"), "{message}");
}

#[test]
fn a_future_that_panics_leaves_no_waiter() {
    let (never, polls) = (CancelToken::new(), std::cell::Cell::new(0));
    let bad = poll_fn(|_| -> Poll<()> {
        polls.set(polls.get() + 1);
        panic!("in until")
    });
    let waited = panic::catch_unwind(AssertUnwindSafe(|| never.cancelled().until(bad).wait()));
    assert!(waited.is_err());
    assert_eq!(polls.get(), 1);
    never.cancel("nobody is there");
    // The thread still waits as before.
    let other = CancelToken::new();
    assert_eq!(other.cancelled().timeout(SHORT).wait(), Err(Stop::TimedOut));
}

#[test]
fn a_ctl_combines_bounds() {
    let (a, b) = (CancelToken::new(), CancelToken::new());
    let now = Instant::now();
    let ctl = Ctl::new()
        .cancel(&a)
        .deadline(now + LONG)
        .deadline(now)
        .timeout(Duration::MAX);
    assert_eq!(ctl.deadline, Some(now));
    assert!(!ctl.is_cancelled());
    let other = ctl.cancel(&b);
    b.cancel("b");
    assert!(other.is_cancelled() && !ctl.is_cancelled());
    assert!(!Ctl::default().is_cancelled());
}
