//! What exit-left's `Stage` gets wrong, as described by those who measured it (its source was not
//! used), and does not happen here. The numbers are those of that list.

#[path = "../../base/tests/leak/mod.rs"]
mod leak;

use counterpoint_sync::stage::{Entered, Exit, Stage};
use counterpoint_wait::block_on;
use leak::leak;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(20);

type Plain = Stage<u32, (), ()>;

fn until(mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < LONG, "it never happened");
        thread::yield_now();
    }
}

/// Heads until told to stop, on another thread.
fn head<'s, 'e: 's>(
    scope: &'s thread::Scope<'s, 'e>,
    stage: &'e Plain,
    token: u32,
) -> mpsc::Sender<()> {
    let (leave, told) = mpsc::channel();
    let (heads, known) = mpsc::channel();
    scope.spawn(move || {
        let ticket = stage.ticket(token).unwrap();
        let exit = stage.enter(ticket, None, |_| {
            heads.send(()).unwrap();
            let _ = told.recv();
        });
        assert_eq!(exit, Exit::Finished(()));
    });
    known.recv().unwrap();
    leave
}

/// 1: the head leaves, and the waiter that is promoted is past its deadline: the stage was dead.
#[test]
fn no_1_a_promotion_at_a_timeout_is_not_lost() {
    for round in 0..200 {
        let stage = Plain::new((), ());
        thread::scope(|scope| {
            let leave = head(scope, &stage, 0);
            let waiters = [1, 2].map(|token| {
                let stage = &stage;
                scope.spawn(move || {
                    let ticket = stage.ticket(token).unwrap();
                    stage.enter(ticket, Some(Duration::from_micros(200)), |_| ())
                })
            });
            thread::sleep(Duration::from_micros(round * 2));
            leave.send(()).unwrap();
            for waiter in waiters {
                let exit = waiter.join().unwrap();
                assert!(matches!(exit, Exit::Finished(()) | Exit::Timeout));
            }
        });
        let next = stage.enter(stage.ticket(3).unwrap(), Some(Duration::ZERO), |_| ());
        assert_eq!(next, Exit::Finished(()), "the stage has no head");
    }
}

/// The same, exactly: the waiter is promoted, and its deadline passes before it looks.
#[test]
fn no_1_who_was_promoted_heads_though_its_deadline_has_passed() {
    let stage = Plain::new((), ());
    let mut first = pin!(stage.enter_async(stage.ticket(1).unwrap()));
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(Entered::Head(director)) = first.as_mut().poll(&mut cx) else {
        panic!("nobody else is there");
    };
    let short = Duration::from_millis(5);
    let mut second = pin!(stage.enter_async(stage.ticket(2).unwrap()).timeout(short));
    assert!(second.as_mut().poll(&mut cx).is_pending());
    drop(director);
    thread::sleep(2 * short);
    let Poll::Ready(Ok(Entered::Head(director))) = second.as_mut().poll(&mut cx) else {
        panic!("promoted before its deadline was looked at");
    };
    drop(director);
    assert!(!stage.is_headed());
}

/// 2: a token that comes at the deadline was reported as a timeout.
#[test]
fn no_2_a_notification_at_the_deadline_is_not_lost() {
    let stage = Plain::new((), ());
    let _director = match block_on(stage.enter_async(stage.ticket(0).unwrap())) {
        Entered::Head(director) => director,
        other => panic!("{other:?}"),
    };
    let short = Duration::from_millis(5);
    let mut late = pin!(stage.enter_async(stage.ticket(1).unwrap()).timeout(short));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(late.as_mut().poll(&mut cx).is_pending());
    assert!(stage.notify(&1));
    thread::sleep(2 * short);
    assert!(matches!(
        late.as_mut().poll(&mut cx),
        Poll::Ready(Ok(Entered::Token))
    ));
    // Threads, with whatever timing there is: one notification ends one of the waits.
    for round in 0..300 {
        thread::scope(|scope| {
            let stage = &stage;
            let mut ticket = stage.ticket(2).unwrap();
            let waiter = scope.spawn(move || {
                let short = Some(Duration::from_micros(50));
                while stage.enter(&mut ticket, short, |_| ()) != Exit::Token {}
            });
            thread::sleep(Duration::from_micros(round % 60));
            assert!(stage.notify(&2));
            until(|| waiter.is_finished());
        });
    }
}

/// 3: a token is used again before the woken thread looks: it parked again.
#[test]
fn no_3_a_token_is_not_reused_before_its_waiter_has_looked() {
    for _ in 0..20 {
        let stage = Plain::new((), ());
        thread::scope(|scope| {
            let leave = head(scope, &stage, 0);
            let waiter = scope.spawn(|| {
                let ticket = stage.ticket(7).unwrap();
                stage.enter(ticket, Some(LONG), |_| ())
            });
            until(|| stage.tickets() == 2);
            assert!(stage.notify(&7));
            // Whoever wants the token gets it as soon as its ticket is gone, and not before.
            let again = loop {
                match stage.ticket(7) {
                    Some(ticket) => break ticket,
                    None => thread::yield_now(),
                }
            };
            assert_eq!(waiter.join().unwrap(), Exit::Token);
            assert_eq!(
                stage.enter(again, Some(Duration::ZERO), |_| ()),
                Exit::Timeout
            );
            leave.send(()).unwrap();
        });
    }
}

/// 4: a head that notifies itself made the next newcomer panic.
#[test]
fn no_4_a_head_may_notify_itself() {
    let stage = Plain::new((), ());
    thread::scope(|scope| {
        let mut ticket = stage.ticket(1).unwrap();
        let exit = stage.enter(&mut ticket, None, |head| {
            assert!(head.notify(&1));
            let newcomer = scope.spawn(|| {
                let ticket = stage.ticket(2).unwrap();
                stage.enter(ticket, Some(Duration::from_millis(5)), |_| ())
            });
            assert_eq!(newcomer.join().unwrap(), Exit::Timeout);
        });
        assert_eq!(exit, Exit::Finished(()));
        // It is told when it comes back.
        assert_eq!(stage.enter(&mut ticket, Some(LONG), |_| ()), Exit::Token);
    });
    assert_eq!(stage.tickets(), 0);
}

/// The same with an owned ticket: what it was told ends with it.
#[test]
fn no_4_a_head_that_notified_itself_leaves_nothing_behind() {
    let stage = Plain::new((), ());
    let exit = stage.enter(stage.ticket(1).unwrap(), None, |head| head.notify(&1));
    assert_eq!(exit, Exit::Finished(true));
    let again = stage.enter(stage.ticket(1).unwrap(), None, |_| ());
    assert_eq!(again, Exit::Finished(()));
}

/// 5: a head that leaves deleted the entry of another thread that had its token by then.
#[test]
fn no_5_a_head_that_leaves_takes_nobody_elses_token() {
    let stage = Plain::new((), ());
    thread::scope(|scope| {
        let exit = stage.enter(stage.ticket(1).unwrap(), None, |head| {
            assert!(head.notify(&1));
            assert!(
                stage.ticket(1).is_none(),
                "the token is the head's as long as it heads"
            );
        });
        assert_eq!(exit, Exit::Finished(()));
        let leave = head(scope, &stage, 0);
        let other = scope.spawn(|| {
            let ticket = stage.ticket(1).unwrap();
            stage.enter(ticket, Some(LONG), |_| ())
        });
        until(|| stage.tickets() == 2);
        assert!(stage.notify(&1));
        assert_eq!(other.join().unwrap(), Exit::Token);
        leave.send(()).unwrap();
    });
}

/// 6: entering took longer the more tickets there were: by a factor of 7,000 with 100,000.
#[test]
fn no_6_entering_does_not_look_at_other_tickets() {
    let cost = |stage: &Plain| {
        let round = |_| {
            let begun = Instant::now();
            for _ in 0..100 {
                let ticket = stage.ticket(u32::MAX).unwrap();
                assert_eq!(stage.enter(ticket, None, |_| ()), Exit::Finished(()));
            }
            begun.elapsed()
        };
        (0..200).map(round).min().unwrap()
    };
    let stage = Plain::new((), ());
    let alone = cost(&stage);
    let tickets: Vec<_> = (0..100_000)
        .map(|token| stage.ticket(token).unwrap())
        .collect();
    let crowded = cost(&stage);
    assert!(
        crowded < 8 * alone,
        "{alone:?} alone, {crowded:?} with 100,000 tickets"
    );
    drop(tickets);
    assert_eq!(stage.tickets(), 0);
}

/// 7: the headship went round by hash, and some never got it.
#[test]
fn no_7_promotion_is_in_order() {
    let stage = Plain::new((), ());
    let mut cx = Context::from_waker(Waker::noop());
    let Entered::Head(mut director) = block_on(stage.enter_async(stage.ticket(0).unwrap())) else {
        panic!("nobody else is there");
    };
    let mut line: Vec<_> = (1..100)
        .map(|token| Box::pin(stage.enter_async(stage.ticket(token).unwrap())))
        .collect();
    for waiter in &mut line {
        assert!(waiter.as_mut().poll(&mut cx).is_pending());
    }
    for (index, waiter) in line.iter_mut().enumerate() {
        drop(director);
        director = match waiter.as_mut().poll(&mut cx) {
            Poll::Ready(Entered::Head(director)) => director,
            other => panic!("{index}: {other:?}"),
        };
    }
}

/// 8: the longest timeout panicked.
#[test]
fn no_8_the_longest_timeout_never_comes() {
    let stage = Plain::new((), ());
    let exit = stage.enter(stage.ticket(1).unwrap(), Some(Duration::MAX), |_| ());
    assert_eq!(exit, Exit::Finished(()));
    thread::scope(|scope| {
        let leave = head(scope, &stage, 0);
        let waiter = scope.spawn(|| {
            let ticket = stage.ticket(1).unwrap();
            stage.enter(ticket, Some(Duration::MAX), |_| ())
        });
        leave.send(()).unwrap();
        assert_eq!(waiter.join().unwrap(), Exit::Finished(()));
    });
}

/// 9: a ticket of another stage was taken, and leaked.
#[test]
fn no_9_a_foreign_ticket_is_refused_and_does_no_harm() {
    let (mine, other) = (Plain::new((), ()), Plain::new((), ()));
    let ticket = other.ticket(1).unwrap();
    let refused = catch_unwind(AssertUnwindSafe(|| mine.enter(ticket, None, |_| ())));
    let message = *refused.unwrap_err().downcast::<&str>().unwrap();
    assert!(message.contains("another stage"), "{message}");
    assert_eq!((mine.tickets(), other.tickets()), (0, 0));
    assert!(!mine.is_headed() && !other.is_headed());
}

/// 9: entering from inside the head parked the only head.
#[test]
fn no_9_entering_from_inside_the_head_is_refused() {
    let stage = Plain::new((), ());
    let inside = stage.ticket(2).unwrap();
    let refused = catch_unwind(AssertUnwindSafe(|| {
        stage.enter(stage.ticket(1).unwrap(), None, |_| {
            stage.enter(inside, None, |_| ())
        })
    }));
    let message = *refused.unwrap_err().downcast::<&str>().unwrap();
    assert!(message.contains("heads the stage already"), "{message}");
    assert_eq!(stage.tickets(), 0);
    let after = stage.enter(stage.ticket(1).unwrap(), None, |_| ());
    assert_eq!(after, Exit::Finished(()));
}

/// 10: it left tokens of `thread::park` behind, and took those of others.
#[test]
fn no_10_tokens_of_park_are_left_alone() {
    let stage = Plain::new((), ());
    thread::scope(|scope| {
        let leave = head(scope, &stage, 0);
        let waiter = scope.spawn(|| {
            thread::current().unpark();
            let ticket = stage.ticket(1).unwrap();
            let exit = stage.enter(ticket, Some(LONG), |_| ());
            let begun = Instant::now();
            thread::park_timeout(LONG); // its own token is there
            let kept = begun.elapsed() < LONG / 2;
            let begun = Instant::now();
            thread::park_timeout(Duration::from_millis(20)); // and no other one
            (exit, kept, begun.elapsed() >= Duration::from_millis(10))
        });
        until(|| stage.notify(&1));
        assert_eq!(waiter.join().unwrap(), (Exit::Token, true, true));
        leave.send(()).unwrap();
    });
}

/// 11: a head that panics lost what it had read, and nobody else could tell anybody.
#[test]
fn no_11_a_panic_in_the_head_loses_nothing() {
    let stage: Stage<u32, (), Vec<u32>> = Stage::new((), Vec::new());
    thread::scope(|scope| {
        let stage = &stage;
        let (heads, known) = mpsc::channel();
        let (go, told) = mpsc::channel::<()>();
        let head = scope.spawn(move || {
            stage.enter(stage.ticket(0).unwrap(), None, |head| {
                head.buffer(|read| read.push(9));
                heads.send(()).unwrap();
                let _ = told.recv();
                panic!("the head panics");
            })
        });
        known.recv().unwrap();
        let next = scope.spawn(move || {
            let ticket = stage.ticket(1).unwrap();
            stage.enter(ticket, Some(LONG), |head| head.buffer(core::mem::take))
        });
        until(|| stage.tickets() == 2);
        go.send(()).unwrap();
        assert!(head.join().is_err());
        assert_eq!(next.join().unwrap(), Exit::Finished(vec![9]));
    });
    assert!(!stage.is_headed());
}

/// 11, and the rest of it: from outside, all at once, with values, cancelled, closed.
#[test]
fn no_11_anybody_may_notify() {
    let stage: Stage<u32, (), (), &str> = Stage::with_values((), ());
    let mut tickets: Vec<_> = (0..4).map(|token| stage.ticket(token).unwrap()).collect();
    assert!(stage.notify(&0));
    assert!(!stage.notify(&9));
    stage.notify_with(&1, "for one").unwrap();
    assert_eq!(stage.notify_all(), 4);
    stage.close();
    let exits: Vec<_> = tickets
        .iter_mut()
        .map(|ticket| stage.enter(ticket, None, |_| ()))
        .collect();
    let expected = [
        Exit::Token,
        Exit::Value("for one"),
        Exit::Token,
        Exit::Token,
    ];
    assert_eq!(exits, expected);
    assert_eq!(stage.enter(&mut tickets[0], None, |_| ()), Exit::Closed);
}

/// Not in the list: a value that was left for a ticket ended only with the last who knew the ticket.
#[test]
fn a_value_ends_with_the_ticket_whoever_else_knows_it() {
    let stage: Stage<u32, (), (), Arc<()>> = Stage::with_values((), ());
    let head = match block_on(stage.enter_async(stage.ticket(0).unwrap())) {
        Entered::Head(head) => head,
        other => panic!("{other:?}"),
    };
    let mut ticket = stage.ticket(1).unwrap();
    let mut leaked = Box::pin(stage.enter_async(&mut ticket));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(leaked.as_mut().poll(&mut cx).is_pending());
    leak(leaked); // it keeps what the stage knows of the ticket
    let value = Arc::new(());
    stage.notify_with(&1, value.clone()).unwrap();
    assert_eq!(Arc::strong_count(&value), 2);
    drop(ticket);
    assert_eq!(Arc::strong_count(&value), 1);
    drop(head);
}

/// Not in the list: a closure that moved the headship out was taken for one that goes on for ever.
#[test]
fn a_headship_that_is_moved_out_of_its_closure_ends() {
    let (first, second) = (Plain::new((), ()), Plain::new((), ()));
    let exit = first.enter(first.ticket(1).unwrap(), None, |director| {
        let other = match block_on(second.enter_async(second.ticket(1).unwrap())) {
            Entered::Head(other) => other,
            other => panic!("{other:?}"),
        };
        drop(std::mem::replace(director, other));
        assert!(!first.is_headed() && second.is_headed());
        // Somebody else heads in a closure of the first when this one ends.
        thread::scope(|scope| {
            let heads = || first.enter(first.ticket(2).unwrap(), None, |_| ());
            assert_eq!(scope.spawn(heads).join().unwrap(), Exit::Finished(()));
        });
    });
    assert_eq!(exit, Exit::Finished(()));
    for stage in [&first, &second] {
        assert!(!stage.is_headed());
        let again = stage.enter(stage.ticket(1).unwrap(), None, |_| ());
        assert_eq!(again, Exit::Finished(()));
    }
}

/// The mark of a closure is that of its own thread, also while other closures come and go.
#[test]
fn closures_are_told_apart_in_thread_local_destructors() {
    static STAGE: std::sync::OnceLock<Plain> = std::sync::OnceLock::new();
    static RAN: AtomicBool = AtomicBool::new(false);
    struct AtTheEnd;
    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            let stage = STAGE.get().unwrap();
            let exit = stage.enter(stage.ticket(1).unwrap(), None, |_| {
                // A thread that begins now has a number of its own.
                let inside = thread::spawn(|| {
                    let short = Some(Duration::from_millis(5));
                    stage.enter(stage.ticket(2).unwrap(), short, |_| ())
                });
                assert_eq!(inside.join().unwrap(), Exit::Timeout);
                assert!(
                    catch_unwind(|| {
                        let ticket = stage.ticket(3).unwrap();
                        stage.enter(ticket, Some(Duration::ZERO), |_| ())
                    })
                    .is_err()
                );
            });
            assert_eq!(exit, Exit::Finished(()));
            RAN.store(true, Ordering::Relaxed);
        }
    }
    thread_local!(static LAST: AtTheEnd = const { AtTheEnd });
    let stage = STAGE.get_or_init(|| Plain::new((), ()));
    let thread = thread::spawn(move || {
        LAST.with(|_| ()); // before the record of the thread, so it ends after that
        let ticket = stage.ticket(0).unwrap();
        stage.enter(ticket, None, |_| ())
    });
    assert_eq!(thread.join().unwrap(), Exit::Finished(()));
    assert!(RAN.load(Ordering::Relaxed));
    assert_eq!(stage.tickets(), 0);
}

/// Not in the list, but of its kind: a token whose `Eq` uses the stage.
#[test]
fn tokens_may_use_the_stage_while_they_are_compared() {
    static STAGE: std::sync::OnceLock<Stage<Nosy, (), ()>> = std::sync::OnceLock::new();

    #[derive(Debug)]
    struct Nosy(u32);
    impl PartialEq for Nosy {
        fn eq(&self, other: &Nosy) -> bool {
            let stage = STAGE.get().unwrap();
            assert!(stage.tickets() > 0);
            if self.0 < 10 {
                assert!(!stage.notify(&Nosy(100)));
                drop(stage.ticket(Nosy(101)));
            }
            self.0 == other.0
        }
    }
    impl Eq for Nosy {}
    impl Hash for Nosy {
        fn hash<H: Hasher>(&self, state: &mut H) {
            (self.0 >= 100).hash(state); // many collide
        }
    }

    let stage = STAGE.get_or_init(|| Stage::new((), ()));
    let tickets: Vec<_> = (0..5)
        .map(|token| stage.ticket(Nosy(token)).unwrap())
        .collect();
    assert!(stage.ticket(Nosy(3)).is_none());
    assert!(stage.notify(&Nosy(4)));
    drop(tickets);
    assert_eq!(stage.tickets(), 0);
}
