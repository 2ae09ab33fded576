//! Behaviour of the rendezvous of many.

use counterpoint_sync::rendezvous::{
    Disconnected, RendezvousError, RendezvousGroup, TryRendezvousError,
};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

const WOULD_BLOCK: Result<(), TryRendezvousError> = Err(TryRendezvousError::WouldBlock);

#[test]
fn nobody_is_a_step_ahead() {
    for parties in [1, 2, 3, 5, 8] {
        let steps: Vec<_> = (0..parties).map(|_| AtomicUsize::new(0)).collect();
        thread::scope(|s| {
            for (me, mut party) in RendezvousGroup::new(parties).into_iter().enumerate() {
                let steps = &steps;
                s.spawn(move || {
                    for step in 1..=200 {
                        steps[me].store(step, Ordering::Relaxed);
                        match step % 3 {
                            0 => party.wait(),
                            1 => party.wait_timeout(Duration::from_secs(60)).unwrap(),
                            _ => party.wait_async().wait().unwrap(),
                        }
                        for theirs in steps {
                            let theirs = theirs.load(Ordering::Relaxed);
                            assert!(theirs == step || theirs == step + 1, "{theirs} at {step}");
                        }
                    }
                });
            }
        });
    }
}

#[test]
fn a_timed_out_call_has_arrived_and_the_next_resumes_it() {
    let [mut a, mut b, mut c] = <[_; 3]>::try_from(RendezvousGroup::new(3)).unwrap();
    assert_eq!(
        a.wait_timeout(Duration::ZERO),
        Err(RendezvousError::TimedOut)
    );
    assert_eq!(b.try_wait(), WOULD_BLOCK);
    assert_eq!(c.try_wait(), Ok(()));
    assert_eq!(a.try_wait(), Ok(()));
    assert_eq!(c.try_wait(), WOULD_BLOCK, "the next meeting");
    assert_eq!(b.try_wait(), Ok(()), "still the first");
    assert_eq!(b.parties(), 3);
}

#[test]
fn a_party_that_is_gone_ends_all() {
    let [mut a, mut b, c] = <[_; 3]>::try_from(RendezvousGroup::new(3)).unwrap();
    thread::scope(|s| {
        s.spawn(|| assert_eq!(a.wait_checked(), Err(Disconnected)));
        s.spawn(|| assert_eq!(b.wait_async().wait(), Err(Disconnected)));
        thread::sleep(Duration::from_millis(10));
        drop(c);
    });
    assert_eq!(a.try_wait(), Err(TryRendezvousError::Disconnected));
    assert_eq!(
        b.wait_timeout(Duration::ZERO),
        Err(RendezvousError::Disconnected)
    );
}

#[test]
fn the_last_arrival_before_the_drop_counts() {
    let [mut a, mut b, mut c] = <[_; 3]>::try_from(RendezvousGroup::new(3)).unwrap();
    assert_eq!(c.try_wait(), WOULD_BLOCK);
    drop(c);
    assert_eq!(a.try_wait(), WOULD_BLOCK);
    assert_eq!(b.try_wait(), Ok(()));
    assert_eq!(a.try_wait(), Ok(()));
    assert_eq!(a.try_wait(), Err(TryRendezvousError::Disconnected));
    assert_eq!(b.wait_checked(), Err(Disconnected));
}

#[test]
fn a_meeting_that_was_met_unseen_counts() {
    let [mut a, mut b] = <[_; 2]>::try_from(RendezvousGroup::new(2)).unwrap();
    assert_eq!(a.try_wait(), WOULD_BLOCK);
    assert_eq!(b.try_wait(), Ok(()));
    drop(a);
    assert_eq!(b.wait_checked(), Err(Disconnected));
}

#[test]
fn one_alone_never_waits() {
    let mut alone = RendezvousGroup::new(1).pop().unwrap();
    for _ in 0..3 {
        alone.wait();
    }
    assert!(RendezvousGroup::new(0).is_empty());
}

/// A waker that panics.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker panics");
    }
}

#[test]
fn an_operation_whose_partners_waker_panicked_yields_that_meeting() {
    let mut parties = RendezvousGroup::new(2);
    let (mut a, mut b) = (parties.pop().unwrap(), parties.pop().unwrap());
    let panics = Waker::from(Arc::new(Panics));
    let mut theirs = Box::pin(b.wait_async());
    let first = theirs.as_mut().poll(&mut Context::from_waker(&panics));
    assert!(first.is_pending());
    let mut mine = Box::pin(a.wait_async());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(catch_unwind(AssertUnwindSafe(|| mine.as_mut().poll(&mut cx))).is_err());
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(mine.as_mut().poll(&mut cx), Poll::Ready(Ok(())));
    assert_eq!(theirs.as_mut().poll(&mut cx), Poll::Ready(Ok(())));
    drop((mine, theirs));
    // Nobody has arrived for the next one.
    assert_eq!(b.try_wait(), Err(TryRendezvousError::WouldBlock));
}
