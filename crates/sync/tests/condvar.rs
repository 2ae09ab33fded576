//! The condition variable, form by form.

mod task;

use counterpoint_sync::{Condvar, Mutex, MutexGuard};
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::{Stop, block_on, select, select_async};
use std::future::{Future, pending, ready};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};
use task::Task;

const SHORT: Duration = Duration::from_millis(2);
const LONG: Duration = Duration::from_secs(600);

fn panics<R>(f: impl FnOnce() -> R) -> bool {
    panic::catch_unwind(AssertUnwindSafe(f)).is_err()
}

/// Calls `f` again and again on another thread until `wait` returns.
fn meanwhile<R>(f: impl Fn() + Sync, wait: impl FnOnce() -> R) -> R {
    let done = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                f();
                thread::yield_now();
            }
        });
        let result = wait();
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        result
    })
}

#[test]
fn every_blocking_form_gives_the_mutex_back_and_takes_it_again() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let change = || {
        *mutex.lock() += 1;
        condvar.notify_all();
    };
    let mut guard = mutex.lock();
    let mut last = *guard;
    let mut grew = |guard: &MutexGuard<'_, i32>| {
        assert!(mutex.is_locked() && **guard > last);
        last = **guard;
    };
    meanwhile(change, || {
        condvar.wait(&mut guard);
        grew(&guard);
        condvar.wait_timeout(&mut guard, LONG).unwrap();
        grew(&guard);
        condvar
            .wait_deadline(&mut guard, Instant::now() + LONG)
            .unwrap();
        grew(&guard);
        assert!(!condvar.wait_for(&mut guard, LONG).timed_out());
        grew(&guard);
        let later = Instant::now() + LONG;
        assert!(!condvar.wait_until(&mut guard, later).timed_out());
        grew(&guard);
        let mut goal = *guard;
        condvar.wait_while(&mut guard, |it| *it < goal + 1);
        grew(&guard);
        goal = *guard;
        let less = |it: &mut i32| *it <= goal;
        condvar.wait_timeout_while(&mut guard, LONG, less).unwrap();
        grew(&guard);
        goal = *guard;
        let less = |it: &mut i32| *it <= goal;
        condvar
            .wait_deadline_while(&mut guard, later, less)
            .unwrap();
        grew(&guard);
        goal = *guard;
        let less = |it: &mut i32| *it <= goal;
        assert!(!condvar.wait_while_for(&mut guard, less, LONG).timed_out());
        grew(&guard);
        goal = *guard;
        let less = |it: &mut i32| *it <= goal;
        assert!(
            !condvar
                .wait_while_until(&mut guard, less, later)
                .timed_out()
        );
        grew(&guard);
        drop(guard);
    });
    assert!(!mutex.is_poisoned());
}

#[test]
fn a_time_out_ends_the_wait_and_not_the_lock() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let mut guard = mutex.lock();
    let begin = Instant::now();
    assert_eq!(condvar.wait_timeout(&mut guard, SHORT), Err(Stop::TimedOut));
    assert!(begin.elapsed() >= SHORT && mutex.is_locked());
    assert_eq!(
        condvar.wait_deadline(&mut guard, begin),
        Err(Stop::TimedOut)
    );
    assert!(condvar.wait_for(&mut guard, Duration::ZERO).timed_out());
    assert!(condvar.wait_until(&mut guard, begin).timed_out());
    let mut looks = 0;
    let late = condvar.wait_timeout_while(&mut guard, SHORT, |_| {
        looks += 1;
        true
    });
    assert_eq!((late, looks), (Err(Stop::TimedOut), 2));
    let mut looks = 0;
    // It became true at the last moment.
    let late = condvar.wait_while_for(
        &mut guard,
        |_| {
            looks += 1;
            looks < 2
        },
        SHORT,
    );
    assert!(!late.timed_out());
    assert!(
        condvar
            .wait_deadline_while(&mut guard, begin, |_| true)
            .is_err()
    );
    assert!(
        condvar
            .wait_while_until(&mut guard, |_| true, begin)
            .timed_out()
    );
    // The time is over long before the mutex is free.
    drop(guard);
    let mut late = Task::queued(condvar.wait_async(mutex.lock()).timeout(SHORT));
    let held = mutex.lock();
    thread::sleep(5 * SHORT);
    assert!(late.poll().is_pending());
    drop(held);
    let (guard, result) = late.ready();
    assert!(result == Err(Stop::TimedOut) && mutex.is_locked());
    drop(guard);
    assert!(!condvar.notify_one());
}

/// With zero the others have the mutex for a moment all the same.
#[test]
fn a_wait_of_no_time_lets_others_in() {
    let (mutex, condvar) = (Mutex::fair(0), Condvar::new());
    thread::scope(|scope| {
        let mut guard = mutex.lock();
        scope.spawn(|| *mutex.lock() = 1);
        let mut rounds = 0_u64;
        while *guard == 0 {
            let _ = condvar.wait_timeout(&mut guard, Duration::ZERO);
            rounds += 1;
            assert!(rounds < 100_000_000, "nobody else had the mutex");
        }
    });
}

#[test]
fn a_token_or_a_future_ends_the_wait() {
    let (mutex, condvar, token) = (Mutex::new(()), Condvar::new(), CancelToken::new());
    let ctl = Ctl::new().cancel(&token);
    let mut by_token = Task::queued(condvar.wait_async(mutex.lock()).with(&ctl).timeout(LONG));
    let by_future = condvar.wait_async(mutex.lock()).until(ready(()));
    let (guard, result) = by_future.wait();
    assert_eq!(result, Err(Stop::Cancelled));
    drop(guard);
    token.cancel("enough");
    assert_eq!(by_token.woken(), 1);
    let (guard, result) = by_token.ready();
    assert_eq!(result, Err(Stop::Cancelled));
    // Cancelled already: nothing is given back.
    let mut other = Task::queued(mutex.lock_async());
    let (guard, result) = block_on(condvar.wait_async(guard).with(&ctl));
    assert_eq!(result, Err(Stop::Cancelled));
    assert!(other.poll().is_pending());
    drop(guard);
    drop(other.ready());
    // Others bounds do no harm.
    let never = condvar.wait_async(mutex.lock()).until(pending::<()>());
    let mut never = Task::queued(never.deadline(Instant::now() + LONG).timeout(LONG));
    assert!(condvar.notify_one());
    assert_eq!(never.ready().1, Ok(()));
    let text = format!("{condvar:?} {:?}", condvar.wait_async(mutex.lock()));
    assert_eq!(
        text,
        "Condvar { waiters: false, .. } CondvarWait { stage: \"held\", .. }"
    );
}

#[test]
fn one_is_notified_in_order_or_all() {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    assert_eq!((condvar.notify_one(), condvar.notify_all()), (false, 0));
    let mut waits = [(); 70].map(|()| Task::queued(condvar.wait_async(mutex.lock())));
    assert!(condvar.notify_one() && condvar.notify_one());
    let woken: Vec<_> = waits.iter().map(Task::woken).collect();
    assert_eq!(woken[..3], [1, 1, 0]);
    for wait in &mut waits[..2] {
        drop(wait.ready());
    }
    assert_eq!(condvar.notify_all(), 68);
    for wait in &mut waits[2..] {
        assert_eq!(wait.woken(), 1);
        drop(wait.ready());
    }
    assert_eq!((condvar.notify_one(), condvar.notify_all()), (false, 0));
}

#[test]
fn who_is_dropped_passes_its_notification_on() {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    // In the queue.
    let first = Task::queued(condvar.wait_async(mutex.lock()));
    let mut second = Task::queued(condvar.wait_async(mutex.lock()));
    assert!(condvar.notify_one());
    drop(first);
    assert_eq!(second.woken(), 1);
    drop(second.ready());
    // While it takes the mutex again.
    let mut first = Task::queued(condvar.wait_async(mutex.lock()));
    let mut second = Task::queued(condvar.wait_async(mutex.lock()));
    let held = mutex.lock();
    assert!(condvar.notify_one() && first.poll().is_pending());
    assert_eq!(second.woken(), 0);
    drop(first);
    assert_eq!(second.woken(), 1);
    drop(held);
    drop(second.ready());
    // A broadcast is not passed on, nor is the end of a bound.
    let mut first = Task::queued(condvar.wait_async(mutex.lock()));
    let mut late = Task::queued(condvar.wait_async(mutex.lock()).timeout(SHORT));
    let held = mutex.lock();
    thread::sleep(2 * SHORT);
    assert!(late.poll().is_pending());
    assert_eq!(condvar.notify_all(), 1);
    assert!(first.poll().is_pending() && late.poll().is_pending());
    let mut second = Task::queued({
        drop(held);
        condvar.wait_async(mutex.lock())
    });
    drop((first, late));
    assert!(second.poll().is_pending() && !mutex.is_locked());
    // Nobody is left.
    assert!(condvar.notify_one());
    drop(second);
    assert!(!condvar.notify_one() && !mutex.is_locked());
    // Dropped before it began.
    drop(condvar.wait_async(mutex.lock()));
    assert!(!mutex.is_locked() && !mutex.is_poisoned());
}

#[test]
fn a_notification_that_came_first_wins() {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    let mut wait = Task::queued(condvar.wait_async(mutex.lock()).timeout(SHORT));
    condvar.notify_one();
    thread::sleep(2 * SHORT);
    let (guard, result) = wait.ready();
    assert_eq!(result, Ok(()));
    drop(guard);
    assert!(wait.future.is_terminated() && panics(|| wait.poll().is_ready()));
}

#[test]
fn a_predicate_is_looked_at_with_the_mutex_held() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let waits = |goal| condvar.wait_while_async(mutex.lock(), move |it| *it < goal);
    assert_eq!(*block_on(waits(0)), 0);
    let mut two = Task::queued(waits(2));
    for value in 1..=2 {
        *mutex.lock() = value;
        assert!(condvar.notify_one());
        assert_eq!(two.woken(), value as usize);
        if value == 1 {
            assert!(two.poll().is_pending());
        }
    }
    let guard = two.ready();
    assert_eq!(*guard, 2);
    drop(guard);
    let (guard, late) = waits(3).timeout(SHORT).wait();
    assert_eq!((*guard, late), (2, Err(Stop::TimedOut)));
    drop(guard);
    // True as the bound ends it: it is not late.
    let mut looks = 0;
    let (guard, in_time) = condvar
        .wait_while_async(mutex.lock(), |_| {
            looks += 1;
            looks == 1
        })
        .until(ready(()))
        .wait();
    assert_eq!(in_time, Ok(()));
    drop(guard);
    assert_eq!(looks, 2);
    // A panic unlocks and poisons, and stops nobody else.
    let mut bad = Task::queued(condvar.wait_while_async(mutex.lock(), |it| {
        assert!(*it < 3, "a predicate panics");
        true
    }));
    // It was to use the notification: the next one has it.
    let mut next = Task::queued(condvar.wait_async(mutex.lock()));
    *mutex.lock() = 3;
    assert!(condvar.notify_one() && next.woken() == 0);
    assert!(panics(|| bad.poll().is_ready()));
    assert!(!mutex.is_locked() && mutex.is_poisoned() && next.woken() == 1);
    mutex.clear_poison();
    drop(next.ready());
    let mut guard = mutex.lock();
    let blocking = panics(|| condvar.wait_while(&mut guard, |_| panic!("a predicate panics")));
    assert!(blocking && mutex.is_locked() && *guard == 3);
}

#[test]
fn a_blocking_wait_whose_predicate_panics_passes_its_notification_on() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    thread::scope(|scope| {
        let bad = scope.spawn(|| {
            panics(|| {
                let mut guard = mutex.lock();
                condvar.wait_while(&mut guard, |it| {
                    assert!(*it == 0, "a predicate panics");
                    true
                });
            })
        });
        while condvar.telemetry().waiters == 0 {
            thread::yield_now();
        }
        let mut next = Task::queued(condvar.wait_async(mutex.lock()));
        *mutex.lock() = 1;
        assert!(condvar.notify_one());
        assert!(bad.join().unwrap(), "it panicked");
        assert_eq!(next.woken(), 1);
        drop(next.ready());
    });
}

#[test]
fn owned_guards_wait_too() {
    let (mutex, condvar) = (Arc::new(Mutex::new(0)), Arc::new(Condvar::new()));
    let mut guard = mutex.lock_owned();
    assert!(condvar.wait_timeout(&mut guard, SHORT).is_err());
    let mut wait = Task::queued(condvar.wait_while_async(guard, |it| *it == 0));
    *mutex.lock() = 1;
    condvar.notify_one();
    let guard = wait.ready();
    assert_eq!((*guard, Arc::strong_count(&mutex)), (1, 2));
    drop((guard, wait));
    assert_eq!(Arc::strong_count(&mutex), 1);
}

#[test]
fn waiters_may_come_with_different_mutexes() {
    let (one, two, condvar) = (Mutex::new(()), Mutex::new(()), Condvar::new());
    let mut waits = [&one, &two].map(|mutex| Task::queued(condvar.wait_async(mutex.lock())));
    assert_eq!(condvar.notify_all(), 2);
    let guards = waits.each_mut().map(Task::ready);
    assert!(one.is_locked() && two.is_locked());
    drop(guards);
}

#[test]
fn a_wait_is_an_arm() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    select! {
        _guard = condvar.wait_async(mutex.lock()) => panic!("nobody notified it"),
        timeout(SHORT) => assert!(!mutex.is_locked(), "the guard is gone"),
    }
    let mut select = Task::queued(async {
        select_async! {
            guard = condvar.wait_async(mutex.lock()) => *guard,
            () = pending::<()>() => unreachable!(),
        }
    });
    *mutex.lock() = 5;
    condvar.notify_one();
    assert_eq!(select.ready(), 5);
}

struct Bomb(std::sync::Mutex<bool>);
impl Wake for Bomb {
    fn wake(self: Arc<Bomb>) {
        if std::mem::take(&mut *self.0.lock().unwrap()) {
            panic!("a waker panics");
        }
    }
}

#[test]
fn a_panicking_waker_stops_nobody() {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    let bomb = || Waker::from(Arc::new(Bomb(std::sync::Mutex::new(true))));
    let mut first = Box::pin(condvar.wait_async(mutex.lock()));
    let pending = first.as_mut().poll(&mut Context::from_waker(&bomb()));
    assert!(pending.is_pending());
    let mut second = Task::queued(condvar.wait_async(mutex.lock()));
    assert!(panics(|| condvar.notify_all()));
    drop(second.ready());
    let again = first.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(again, Poll::Ready(_)));
    drop(again);
    // As the mutex is given back for a wait: the guard is locked again for who has it.
    let mut waits = Box::pin(mutex.lock_async());
    let mut guard = mutex.lock();
    let pending = waits.as_mut().poll(&mut Context::from_waker(&bomb()));
    assert!(pending.is_pending());
    assert!(panics(|| condvar.wait(&mut guard)));
    assert!(mutex.is_locked() && !condvar.notify_one());
    drop(guard);
    drop(block_on(waits));
}

#[test]
fn threads_and_tasks_take_turns() {
    const ROUNDS: usize = 2000;
    let (turn, changed) = (Mutex::new(0), Condvar::new());
    let play = |me: usize| {
        for round in 0..ROUNDS {
            let mine = move |turn: &mut usize| *turn != 2 * round + me;
            let guard = turn.lock();
            let mut guard = if me == 0 {
                block_on(changed.wait_while_async(guard, mine))
            } else {
                let mut guard = guard;
                changed.wait_while(&mut guard, mine);
                guard
            };
            *guard += 1;
            changed.notify_one();
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| play(0));
        scope.spawn(|| play(1));
    });
    assert_eq!(*turn.lock(), 2 * ROUNDS);
}

/// Of many that wait, time out and are dropped, none keeps a notification.
#[test]
fn no_notification_is_lost_in_a_crowd() {
    let (jobs, changed) = (Mutex::new(0), Condvar::new());
    let total = 3000;
    thread::scope(|scope| {
        for number in 0..4 {
            let (jobs, changed) = (&jobs, &changed);
            scope.spawn(move || {
                let mut done = 0;
                while done < total / 4 {
                    let mut guard = jobs.lock();
                    while *guard == 0 {
                        guard = match number {
                            0 => {
                                let mut guard = guard;
                                let soon = Duration::from_micros(50);
                                let _ = changed.wait_timeout(&mut guard, soon);
                                guard
                            }
                            1 => {
                                // Dropped at its second poll, wherever it is.
                                let mut wait = Box::pin(changed.wait_async(guard));
                                let mut cx = Context::from_waker(Waker::noop());
                                let mut polled = wait.as_mut().poll(&mut cx);
                                if polled.is_pending() {
                                    thread::yield_now();
                                    polled = wait.as_mut().poll(&mut cx);
                                }
                                match polled {
                                    Poll::Ready(guard) => guard,
                                    Poll::Pending => {
                                        drop(wait);
                                        jobs.lock()
                                    }
                                }
                            }
                            2 => block_on(changed.wait_async(guard)),
                            _ => {
                                let mut guard = guard;
                                changed.wait(&mut guard);
                                guard
                            }
                        };
                    }
                    *guard -= 1;
                    done += 1;
                }
            });
        }
        for _ in 0..total {
            *jobs.lock() += 1;
            changed.notify_one();
        }
    });
    assert_eq!(*jobs.lock(), 0);
}

/// What bounds the wait notifies, so that the notification is faster; the predicate does not change.
#[test]
fn a_bound_that_is_slower_than_a_notification_bounds_all_the_same() {
    let (mutex, changed) = (Mutex::new(0), Condvar::new());
    let wait = changed.wait_while_async(mutex.lock(), |it| *it == 0);
    let (guard, result) = block_on(wait.until(async { changed.notify_all() }));
    assert_eq!((*guard, result.is_err()), (0, true));
}
