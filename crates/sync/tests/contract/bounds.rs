//! What ends a wait, and what a wait that ended tells: W1, W4, W8, W11.

use super::leak::leak;
use super::subjects::{Bound, all, batons};
use super::wakers::Probe;
use counterpoint_sync::{Mutex, Semaphore};
use counterpoint_wait::cancel::CancelToken;
use counterpoint_wait::{Stop, block_on};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

fn token() -> &'static CancelToken {
    leak(CancelToken::new())
}

#[test]
fn w1_a_grant_beats_a_token_that_fires_later() {
    for subject in all() {
        let (probe, token) = (Probe::new(), token());
        let mut wait = (subject.bounded)(Bound::Token(token));
        assert!(probe.poll(wait.as_mut()).is_pending());
        (subject.open)();
        token.cancel("too late");
        let Poll::Ready(Ok(won)) = probe.poll(wait.as_mut()) else {
            panic!("{}: the grant came first", subject.verb);
        };
        drop(won);
        assert!(Probe::new().poll((subject.wait)().as_mut()).is_ready());
    }
}

#[test]
fn w1_a_grant_beats_a_deadline_that_comes_later() {
    for subject in all() {
        let (probe, time) = (Probe::new(), Duration::from_millis(2));
        // On a slow machine it may be over before the grant: then another one is taken.
        loop {
            let mut wait = (subject.bounded)(Bound::Timeout(time));
            if probe.poll(wait.as_mut()).is_ready() {
                continue;
            }
            (subject.open)();
            thread::sleep(time);
            assert!(
                matches!(probe.poll(wait.as_mut()), Poll::Ready(Ok(_))),
                "{}: what is open is had even after the deadline",
                subject.verb
            );
            break;
        }
    }
}

#[test]
fn w4_a_cancelled_token_prevents_the_attempt() {
    for subject in all() {
        let token = token();
        token.cancel("before");
        (subject.open)();
        let mut wait = (subject.bounded)(Bound::Token(token));
        let polled = Probe::new().poll(wait.as_mut());
        assert!(
            matches!(polled, Poll::Ready(Err(Stop::Cancelled))),
            "{}",
            subject.verb
        );
        let waited = (subject.blocking)(Bound::Token(token));
        assert_eq!(waited.err(), Some(Stop::Cancelled), "{}", subject.verb);
    }
}

#[test]
fn w4_a_past_deadline_still_attempts() {
    for subject in all() {
        let now = Bound::Timeout(Duration::ZERO);
        assert_eq!(
            (subject.blocking)(now).err(),
            Some(Stop::TimedOut),
            "{}",
            subject.verb
        );
        let polled = Probe::new().poll((subject.bounded)(now).as_mut());
        assert!(
            matches!(polled, Poll::Ready(Err(Stop::TimedOut))),
            "{}",
            subject.verb
        );
        (subject.open)();
        assert!((subject.blocking)(now).is_ok(), "{}", subject.verb);
        let polled = Probe::new().poll((subject.bounded)(now).as_mut());
        assert!(matches!(polled, Poll::Ready(Ok(_))), "{}", subject.verb);
    }
}

#[test]
fn a_stop_while_queued_leaves_no_trace() {
    for subject in all() {
        let (probe, token) = (Probe::new(), token());
        let mut wait = (subject.bounded)(Bound::Token(token));
        assert!(probe.poll(wait.as_mut()).is_pending());
        token.cancel("enough");
        assert_eq!(probe.wakes(), 1);
        let polled = probe.poll(wait.as_mut());
        assert!(
            matches!(polled, Poll::Ready(Err(Stop::Cancelled))),
            "{}",
            subject.verb
        );
        assert_eq!(probe.live(), 0, "{}", subject.verb);
        (subject.open)();
        assert!((subject.blocking)(Bound::Timeout(Duration::ZERO)).is_ok());
    }
}

#[test]
fn a_token_stops_a_blocked_thread() {
    for subject in all() {
        let token = token();
        thread::scope(|scope| {
            let blocked = scope.spawn(|| (subject.blocking)(Bound::Token(token)).err());
            token.cancel("enough");
            assert_eq!(
                blocked.join().unwrap(),
                Some(Stop::Cancelled),
                "{}",
                subject.verb
            );
        });
    }
}

#[test]
fn w8_poll_after_completion_panics_with_the_name_of_the_verb() {
    for subject in all() {
        (subject.open)();
        let message = (subject.beyond)();
        assert!(message.contains(subject.verb), "{message}");
        assert!(message.contains("after completion"), "{message}");
    }
}

#[test]
fn w8_poll_after_completion_does_not_acquire_again() {
    for subject in batons() {
        (subject.open)();
        (subject.beyond)();
        // Whoever comes next finds it free.
        assert!(
            (subject.blocking)(Bound::Timeout(Duration::ZERO)).is_ok(),
            "{}",
            subject.verb
        );
    }
}

/// Two threads and a task pass a permit around; what is written before is seen after, although
/// the number itself orders nothing.
#[test]
fn w11_what_was_done_before_a_release_is_seen_after_the_claim() {
    const ROUNDS: u64 = 2_000;
    let semaphore = Semaphore::new(1);
    let (first, second) = (AtomicU64::new(0), AtomicU64::new(0));
    let step = || {
        let seen = first.load(Ordering::Relaxed);
        assert_eq!(seen, second.load(Ordering::Relaxed));
        first.store(seen + 1, Ordering::Relaxed);
        second.store(seen + 1, Ordering::Relaxed);
    };
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    let _permit = semaphore.acquire().unwrap();
                    step();
                }
            });
        }
        scope.spawn(|| {
            block_on(async {
                for _ in 0..ROUNDS {
                    let _permit = semaphore.acquire_async().await.unwrap();
                    step();
                }
            });
        });
    });
    assert_eq!(first.load(Ordering::Relaxed), 3 * ROUNDS);
}

#[test]
fn w11_the_data_of_a_lock_is_seen_by_the_next_holder() {
    const ROUNDS: u64 = 2_000;
    for mutex in [Mutex::new((0, 0)), Mutex::fair((0, 0))] {
        let step = |pair: &mut (u64, u64)| {
            assert_eq!(pair.0, pair.1);
            pair.0 += 1;
            pair.1 += 1;
        };
        thread::scope(|scope| {
            scope.spawn(|| (0..ROUNDS).for_each(|_| step(&mut mutex.lock())));
            scope.spawn(|| {
                block_on(async {
                    for _ in 0..ROUNDS {
                        step(&mut *mutex.lock_async().await);
                    }
                });
            });
        });
        assert_eq!(mutex.into_inner(), (2 * ROUNDS, 2 * ROUNDS));
    }
}
