//! Wakers that panic when they are cloned, woken or dropped, in every verb and every form: the
//! operation or the next one has what was granted.

use crate::ignore;
use crate::loud::{LoudWaker, Moment};
use crate::verbs::{FORMS, Form, Verb, each, poll};
use counterpoint_sync::Mutex;
use counterpoint_wait::atomic_waker::AtomicWaker;
use counterpoint_wait::block_on;
use counterpoint_wait::cancel::CancelToken;
use counterpoint_wait::timer::{TimerNode, sleep};
use counterpoint_wait::waker::WakeBatch;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

fn poll_with<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

fn quietly(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

/// The next operation waits, and is let in.
fn works(verb: &Verb<'_>, what: &str) {
    let mut next = (verb.begin)(Form::Plain);
    if poll(&mut next) {
        return;
    }
    (verb.open)();
    assert!(poll(&mut next), "{what}: nobody is let in");
}

#[test]
fn every_verb_survives_a_waker_that_panics_when_cloned() {
    for form in FORMS {
        each(&mut |verb| {
            let what = format!("{} {form:?}", verb.name);
            let bad = LoudWaker::new(Moment::Clone);
            let waker = bad.waker();
            let mut begun = (verb.begin)(form);
            bad.arm();
            let panicked = quietly(|| ignore(poll_with(begun.as_mut(), &waker)));
            assert!(bad.disarm() && panicked, "{what}: it is cloned");
            ignore(begun);
            (verb.open)();
            works(verb, &what);
        });
    }
}

#[test]
fn every_verb_survives_a_waker_that_panics_when_woken() {
    for form in FORMS {
        each(&mut |verb| {
            let what = format!("{} {form:?}", verb.name);
            let bad = LoudWaker::new(Moment::Wake);
            let waker = bad.waker();
            let mut begun = (verb.begin)(form);
            assert!(poll_with(begun.as_mut(), &waker).is_pending(), "{what}");
            bad.arm();
            quietly(|| (verb.open)());
            assert!(bad.disarm(), "{what}: it is woken");
            assert!(poll(&mut begun), "{what}: the grant is kept");
        });
    }
}

#[test]
fn every_verb_survives_a_waker_that_panics_when_dropped() {
    for form in FORMS {
        each(&mut |verb| {
            let what = format!("{} {form:?}", verb.name);
            let bad = LoudWaker::new(Moment::Drop);
            let waker = bad.waker();
            let mut begun = (verb.begin)(form);
            assert!(poll_with(begun.as_mut(), &waker).is_pending(), "{what}");
            bad.arm();
            quietly(|| ignore(begun));
            assert!(bad.disarm(), "{what}: it is dropped");
            ignore(waker);
            (verb.open)();
            works(verb, &what);
        });
    }
}

const SHORT: Duration = Duration::from_millis(2);

/// Waits for the timers, which must be alive.
fn timers_work() {
    let began = Instant::now();
    block_on(sleep(SHORT));
    assert!(began.elapsed() >= SHORT);
    let mutex = Mutex::new(());
    let _held = mutex.lock();
    assert!(block_on(mutex.lock_async().timeout(SHORT)).is_err());
}

#[test]
fn timers_survive_wakers_that_panic() {
    for moment in [Moment::Clone, Moment::Wake, Moment::Drop] {
        let bad = LoudWaker::new(moment);
        let waker = bad.waker();
        let deadline = Instant::now() + Duration::from_millis(30);
        let mut sleeps = Box::pin(counterpoint_wait::timer::sleep_until(deadline));
        let mut node = Box::pin(TimerNode::new());
        let mut cx = Context::from_waker(&waker);
        if moment == Moment::Clone {
            bad.arm();
            assert!(quietly(|| ignore(poll_with(sleeps.as_mut(), &waker))) && bad.disarm());
            bad.arm();
            let polls = || {
                ignore(
                    node.as_mut()
                        .poll(deadline, &mut Context::from_waker(&waker)),
                )
            };
            assert!(quietly(polls) && bad.disarm());
        } else {
            assert!(poll_with(sleeps.as_mut(), &waker).is_pending());
            assert!(node.as_mut().poll(deadline, &mut cx).is_pending());
            bad.arm();
            if moment == Moment::Wake {
                thread::sleep(deadline - Instant::now() + SHORT);
                timers_work();
                assert!(bad.disarm(), "the driver has woken it");
            } else {
                quietly(|| ignore(sleeps));
                assert!(bad.disarm());
                bad.arm();
                quietly(|| ignore(node));
                assert!(bad.disarm());
            }
        }
        timers_work();
    }
}

#[test]
fn run_until_cancelled_survives_wakers_that_panic() {
    for moment in [Moment::Clone, Moment::Wake, Moment::Drop] {
        let token = CancelToken::new();
        let bad = LoudWaker::new(moment);
        let waker = bad.waker();
        let mut runs = Box::pin(token.run_until_cancelled(std::future::pending::<()>()));
        let polls = |runs: Pin<&mut _>| poll_with::<_>(runs, &waker).is_pending();
        if moment == Moment::Clone {
            bad.arm();
            assert!(quietly(|| ignore(polls(runs.as_mut()))) && bad.disarm());
        }
        assert!(polls(runs.as_mut()));
        bad.arm();
        match moment {
            Moment::Wake => assert!(quietly(|| ignore(token.cancel("now")))),
            Moment::Drop => ignore(quietly(|| ignore(runs))),
            _ => {}
        }
        let panicked = bad.disarm();
        assert_eq!(panicked, moment != Moment::Clone);
        token.cancel("now");
        let mut after = pin!(token.run_until_cancelled(std::future::pending::<()>()));
        assert_eq!(poll_with(after.as_mut(), Waker::noop()), Poll::Ready(None));
    }
}

#[test]
fn the_place_of_a_waker_survives_one_that_panics() {
    for moment in [Moment::Clone, Moment::Wake, Moment::Drop] {
        let place = AtomicWaker::new();
        let bad = LoudWaker::new(moment);
        let waker = bad.waker();
        match moment {
            Moment::Clone => {
                bad.arm();
                assert!(quietly(|| place.register(&waker)));
            }
            Moment::Wake => {
                place.register(&waker);
                bad.arm();
                assert!(quietly(|| place.wake()));
            }
            _ => {
                place.register(&waker);
                bad.arm();
                // The one before is dropped.
                quietly(|| place.register(Waker::noop()));
            }
        }
        assert!(bad.disarm(), "{moment:?}");
        let good = LoudWaker::new(Moment::Wake);
        good.arm();
        quietly(|| place.register(&good.waker()));
        quietly(|| place.wake());
        assert!(good.disarm(), "{moment:?}: the next one is woken");
    }
}

#[test]
fn a_batch_wakes_all_although_one_panics() {
    let (bad, good) = (LoudWaker::new(Moment::Wake), LoudWaker::new(Moment::Wake));
    let mut batch = WakeBatch::new();
    batch.push(bad.waker());
    batch.push(good.waker());
    bad.arm();
    good.arm();
    assert!(quietly(|| batch.wake()));
    assert!(bad.disarm() && good.disarm());
    // Pushed and dropped in one: a batch wakes what it has.
    let bad = LoudWaker::new(Moment::Wake);
    batch.push(bad.waker());
    bad.arm();
    assert!(quietly(|| ignore(batch)) && bad.disarm());
}
