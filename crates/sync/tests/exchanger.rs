//! Behaviour of the exchanger.

use counterpoint_sync::Exchanger;
use counterpoint_sync::exchanger::ExchangeError;
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::select::{Arm, Select, arm};
use counterpoint_wait::{block_on, select};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(5);
const LONG: Duration = Duration::from_secs(30);

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn two_swap_values() {
    let exchanger = Exchanger::new();
    thread::scope(|s| {
        for _ in 0..2 {
            let other = s.spawn(|| exchanger.exchange(1));
            assert_eq!(exchanger.exchange(2), 1);
            assert_eq!(other.join().unwrap(), 2);
        }
    });
}

/// Every value is given once and got once, whatever the forms.
#[test]
fn nothing_is_lost_or_doubled() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 2_000;
    let exchanger = Arc::new(Exchanger::new());
    let (given, got) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|s| {
        for thread in 0..THREADS {
            let (exchanger, given, got) = (exchanger.clone(), &given, &got);
            s.spawn(move || {
                for round in 0..ROUNDS {
                    let mine = thread * ROUNDS + round;
                    given.fetch_add(mine, Ordering::Relaxed);
                    let theirs = match (thread + round) % 4 {
                        0 => exchanger.exchange_timeout(mine, LONG).unwrap(),
                        1 => exchanger.exchange_async(mine).wait(),
                        2 => block_on(exchanger.exchange_owned_async(mine)),
                        _ => exchanger
                            .exchange_deadline(mine, Instant::now() + LONG)
                            .unwrap(),
                    };
                    assert_ne!(theirs / ROUNDS, thread, "nobody meets itself");
                    got.fetch_add(theirs, Ordering::Relaxed);
                }
                // Threads end at different times; an odd one out has nobody to meet.
            });
        }
        // Pairs form freely, so some thread may be left with an odd number: help it out.
        s.spawn(|| {
            let mut helped = 0;
            while Arc::strong_count(&exchanger) > 1 {
                if let Ok(theirs) = exchanger.try_exchange(usize::MAX / 2) {
                    got.fetch_add(theirs, Ordering::Relaxed);
                    helped += 1;
                }
                thread::sleep(SHORT);
            }
            given.fetch_add((usize::MAX / 2).wrapping_mul(helped), Ordering::Relaxed);
        });
    });
    assert_eq!(given.into_inner(), got.into_inner());
}

#[test]
fn the_value_comes_back_if_nobody_does() {
    let exchanger = Exchanger::new();
    assert_eq!(exchanger.try_exchange("a"), Err("a"));
    let late = exchanger.exchange_timeout("a", Duration::ZERO);
    assert_eq!(late, Err(ExchangeError::TimedOut("a")));
    let late = exchanger.exchange_timeout("a", SHORT);
    assert_eq!(late.unwrap_err().into_inner(), "a");
    let late = exchanger.exchange_deadline("a", Instant::now());
    assert_eq!(late, Err(ExchangeError::TimedOut("a")));
    let token = CancelToken::new();
    token.cancel("never");
    let ctl = Ctl::new().cancel(&token);
    let cancelled = exchanger.exchange_async("a").with(&ctl).wait();
    assert_eq!(cancelled, Err(ExchangeError::Cancelled("a")));
    // None of them left an offer.
    assert_eq!(exchanger.try_exchange("b"), Err("b"));
}

#[test]
fn a_dropped_exchange_retracts_its_value() {
    let exchanger = Exchanger::new();
    let value = Arc::new(());
    {
        let mut queued = pin!(exchanger.exchange_async(value.clone()));
        assert!(poll(queued.as_mut()).is_pending());
    }
    assert_eq!(Arc::strong_count(&value), 1);
    assert!(exchanger.try_exchange(Arc::new(())).is_err());
}

#[test]
fn who_waits_longest_is_met_first() {
    let exchanger = Exchanger::new();
    let mut first = pin!(exchanger.exchange_async(1));
    assert!(poll(first.as_mut()).is_pending());
    // A second one that comes does not queue behind the first, but meets it.
    assert_eq!(poll(pin!(exchanger.exchange_async(2))), Poll::Ready(1));
    assert_eq!(poll(first.as_mut()), Poll::Ready(2));
}

#[test]
fn a_value_got_by_a_dropped_future_is_dropped() {
    let exchanger = Exchanger::new();
    let (mine, theirs) = (Arc::new(1), Arc::new(2));
    {
        let mut queued = pin!(exchanger.exchange_async(mine.clone()));
        assert!(poll(queued.as_mut()).is_pending());
        assert_eq!(exchanger.try_exchange(theirs.clone()).as_deref(), Ok(&1));
    }
    assert_eq!(
        (Arc::strong_count(&mine), Arc::strong_count(&theirs)),
        (1, 1)
    );
}

#[test]
fn an_arm_of_a_select() {
    let (a, b) = (Exchanger::new(), Exchanger::new());
    thread::scope(|s| {
        let other = s.spawn(|| {
            thread::sleep(SHORT);
            b.exchange(10)
        });
        let got = select! {
            theirs = a.exchange_async(1) => theirs,
            theirs = b.exchange_async(2) => theirs,
        };
        assert_eq!(got, 10);
        assert_eq!(other.join().unwrap(), 2);
    });
    assert_eq!(a.try_exchange(0), Err(0), "the arm that lost has left");
}

#[test]
fn two_arms_of_one_select_do_not_meet() {
    let exchanger = Exchanger::new();
    let got = select! {
        theirs = exchanger.exchange_async(1) => Some(theirs),
        theirs = exchanger.exchange_async(2) => Some(theirs),
        timeout(SHORT) => None,
    };
    assert_eq!(got, None);
}

#[test]
fn a_static_exchanger() {
    static PLACE: Exchanger<u32> = Exchanger::new();
    let other = thread::spawn(|| PLACE.exchange(1));
    assert_eq!(PLACE.exchange(2), 1);
    assert_eq!(other.join().unwrap(), 2);
    assert_eq!(format!("{PLACE:?}"), "Exchanger { .. }");
}

#[test]
fn an_arm_that_met_as_its_select_was_dropped_yields_that_when_used_again() {
    for bound in [None, Some(Duration::from_millis(5))] {
        let place = Exchanger::new();
        let met = match bound {
            None => {
                let mut exchange = pin!(arm(place.exchange_async(1)));
                assert!(meet_a_dropped_select(exchange.as_mut(), &place));
                exchange.take()
            }
            Some(bound) => {
                let mut exchange = pin!(arm(place.exchange_async(1).timeout(bound)));
                assert!(meet_a_dropped_select(exchange.as_mut(), &place));
                exchange.take().map(|met| met.unwrap())
            }
        };
        assert_eq!(met, Some(2));
    }
}

/// True if the arm has met after all.
fn meet_a_dropped_select(exchange: Pin<&mut (impl Arm + Send)>, place: &Exchanger<i32>) -> bool {
    let mut select = Select::new();
    select.add(exchange);
    let mut wait = Box::pin(select.wait_async());
    assert!(poll(wait.as_mut()).is_pending());
    assert_eq!(place.try_exchange(2), Ok(1));
    drop(wait);
    thread::sleep(Duration::from_millis(10));
    select.wait() == 0
}

/// A waker that panics.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker panics");
    }
}

#[test]
fn an_exchange_whose_partners_waker_panicked_yields_what_it_got() {
    let place = Exchanger::new();
    let panics = Waker::from(Arc::new(Panics));
    let mut theirs = pin!(place.exchange_async(2));
    let first = theirs.as_mut().poll(&mut Context::from_waker(&panics));
    assert!(first.is_pending());
    let mut mine = pin!(place.exchange_async(1));
    assert!(catch_unwind(AssertUnwindSafe(|| poll(mine.as_mut()))).is_err());
    assert_eq!(poll(mine.as_mut()), Poll::Ready(2));
    assert_eq!(poll(theirs.as_mut()), Poll::Ready(1));
}
