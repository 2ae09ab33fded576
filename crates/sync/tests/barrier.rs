//! The barrier, form by form.

#[path = "../../base/tests/leak/mod.rs"]
mod leak;
mod task;

use counterpoint_sync::{Barrier, BarrierWaitError, BarrierWaitResult, Mutex, OnStop, Semaphore};
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::event::Event;
use counterpoint_wait::select::{Select, arm};
use counterpoint_wait::{block_on, select, select_async, select_biased};
use leak::leak;
use std::future::{Future, poll_fn, ready};
use std::panic::{self, AssertUnwindSafe};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};
use task::Task;

const SHORT: Duration = Duration::from_millis(2);
const LONG: Duration = Duration::from_secs(600);

fn panics<R>(f: impl FnOnce() -> R) -> bool {
    panic::catch_unwind(AssertUnwindSafe(f)).is_err()
}

/// A waker that calls a function.
struct Call<F>(F);

impl<F: Fn() + Send + Sync + 'static> Wake for Call<F> {
    fn wake(self: Arc<Call<F>>) {
        (self.0)();
    }
}

fn calls(f: impl Fn() + Send + Sync + 'static) -> Waker {
    Waker::from(Arc::new(Call(f)))
}

fn poll_with<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

fn leads(result: Option<BarrierWaitResult>) -> Option<bool> {
    result.map(|result| result.is_leader())
}

#[test]
fn the_last_one_leads() {
    let barrier = Barrier::new(3);
    for _ in 0..3 {
        let mut one = Task::queued(barrier.wait_async());
        assert_eq!((leads(barrier.try_wait()), barrier.arrived()), (None, 1));
        let mut two = Task::queued(barrier.wait_async());
        assert_eq!((barrier.arrived(), one.woken() + two.woken()), (2, 0));
        assert_eq!(leads(barrier.try_wait()), Some(true));
        assert_eq!((one.woken(), two.woken(), barrier.arrived()), (1, 1, 0));
        assert!(!one.ready().is_leader() && !two.ready().is_leader());
    }
    for alone in [Barrier::new(0), Barrier::new(1)] {
        assert!(alone.wait().is_leader() && block_on(alone.wait_async()).is_leader());
    }
    // With the hooks it knows where it was made, and its number.
    if size_of::<counterpoint_wait::hooks::Hold>() == 0 {
        assert!(size_of::<Barrier>() <= 144);
    }
}

#[test]
fn a_stopped_wait_takes_its_arrival_back() {
    let (barrier, token) = (Barrier::new(2), CancelToken::new());
    let ctl = Ctl::new().cancel(&token);
    assert_eq!(barrier.wait_timeout(SHORT), Err(BarrierWaitError::TimedOut));
    let late = barrier.wait_deadline(Instant::now());
    assert_eq!(late, Err(BarrierWaitError::TimedOut));
    let stopped = block_on(barrier.wait_async().until(ready(())));
    assert_eq!(stopped, Err(BarrierWaitError::Cancelled));
    let mut by_token = Task::queued(barrier.wait_async().with(&ctl));
    token.cancel("enough");
    assert_eq!(by_token.ready(), Err(BarrierWaitError::Cancelled));
    drop(Task::queued(barrier.wait_async()));
    assert_eq!(barrier.arrived(), 0);
    // The last arrival is one attempt.
    let mut waits = Task::queued(barrier.wait_async());
    assert!(
        barrier
            .wait_timeout(Duration::ZERO)
            .is_ok_and(|it| it.is_leader())
    );
    assert!(!waits.ready().is_leader());
    // An arrival that was counted counts, although the wait is stopped.
    let mut waits = Task::queued(barrier.wait_async().timeout(SHORT));
    drop(barrier.arrive());
    thread::sleep(2 * SHORT);
    assert!(waits.ready().is_ok_and(|it| it.is_leader()));
}

#[test]
fn a_leader_that_does_not_return_is_replaced() {
    let barrier = Barrier::new(3);
    let mut first = Task::queued(barrier.wait_async());
    let second = Task::queued(barrier.wait_async());
    barrier.arrive_and_leave();
    assert_eq!(
        (first.woken(), second.woken(), barrier.parties()),
        (1, 1, 2)
    );
    drop(second);
    assert!(first.ready().is_leader(), "the second would have led");
    // Nobody is left.
    let waits = Task::queued(barrier.wait_async());
    drop(barrier.arrive());
    drop(waits);
    let mut other = Task::queued(barrier.wait_async());
    assert_eq!(leads(barrier.try_wait()), Some(true));
    assert!(
        !other.ready().is_leader(),
        "the leadership of another round"
    );
    // Many rounds without a leader: the last ones are remembered.
    let early = barrier.arrive();
    drop(barrier.arrive());
    for _ in 0..20 {
        drop((barrier.arrive(), barrier.arrive()));
    }
    assert!(!early.wait().is_leader());
    let late = barrier.arrive();
    drop(barrier.arrive());
    assert!(late.is_over() && late.wait().is_leader());
}

#[test]
fn arrivals_stand() {
    let barrier = Barrier::new(3);
    let early = barrier.arrive();
    drop(barrier.arrive());
    assert!(!early.is_over() && barrier.arrived() == 2);
    assert_eq!(early.wait_timeout(SHORT), Err(BarrierWaitError::TimedOut));
    assert_eq!(barrier.arrived(), 2, "it was not taken back");
    assert!(barrier.wait().is_leader());
    let (one, two) = (barrier.arrive(), barrier.arrive());
    let mut waits = Task::queued(one.wait_async());
    drop(Task::queued(two.wait_async()));
    assert_eq!(barrier.arrived(), 2);
    assert!(barrier.wait().is_leader() && !waits.ready().is_leader());
    let (one, two) = (barrier.arrive(), barrier.arrive());
    drop(barrier.arrive());
    let results = [one.wait(), two.wait_deadline(Instant::now()).unwrap()];
    assert_eq!(results.map(|result| result.is_leader()), [true, false]);
}

#[test]
fn parties_join_and_leave() {
    let barrier = Barrier::new(1);
    barrier.join();
    barrier.join();
    assert_eq!(barrier.parties(), 3);
    let mut one = Task::queued(barrier.wait_async());
    let mut two = Task::queued(barrier.wait_async());
    barrier.leave();
    assert!(!one.ready().is_leader() && two.ready().is_leader());
    let mut one = Task::queued(barrier.wait_async());
    barrier.arrive_and_leave();
    assert!(one.ready().is_leader() && barrier.parties() == 1);
    let last = barrier.arrive();
    assert!(last.is_over());
    drop(last);
    barrier.arrive_and_leave();
    assert!(panics(|| barrier.leave()) && panics(|| barrier.arrive_and_leave()));
    assert!(barrier.wait().is_leader(), "none counts as one");
    barrier.join();
    barrier.leave();
    assert_eq!(barrier.parties(), 0);
}

#[test]
fn a_broken_barrier_tells_everybody_until_it_is_reset() {
    let barrier = Barrier::with_on_stop(4, OnStop::Break);
    let mut waits = Task::queued(barrier.wait_async());
    let early = barrier.arrive();
    assert_eq!(
        barrier.wait_timeout(Duration::ZERO),
        Err(BarrierWaitError::TimedOut)
    );
    assert!(barrier.is_broken() && waits.ready().is_broken());
    assert!(early.is_over() && early.wait().is_broken());
    assert_eq!(barrier.wait_timeout(LONG), Err(BarrierWaitError::Broken));
    assert!(barrier.wait().is_broken() && barrier.arrive().wait().is_broken());
    assert!(barrier.try_wait().is_some_and(|result| result.is_broken()));
    barrier.reset();
    assert!(!barrier.is_broken() && barrier.arrived() == 0);
    barrier.leave();
    barrier.leave();
    let mut one = Task::queued(barrier.wait_async());
    assert!(barrier.wait().is_leader() && !one.ready().is_leader());
    drop(Task::queued(barrier.wait_async()));
    assert!(barrier.is_broken(), "a dropped wait breaks it too");
}

#[test]
fn a_reset_wakes_everybody() {
    let barrier = Barrier::new(3);
    let mut bounded = Task::queued(barrier.wait_async().timeout(LONG));
    let mut waits = Task::queued(barrier.wait_async());
    let passed = {
        let other = Barrier::new(1);
        other.arrive().is_over()
    };
    barrier.reset();
    assert_eq!(bounded.ready(), Err(BarrierWaitError::Broken));
    assert!(waits.ready().is_broken() && passed && barrier.arrived() == 0);
    let mut again = [(); 2].map(|()| Task::queued(barrier.wait_async()));
    assert!(barrier.wait().is_leader());
    assert!(again.iter_mut().all(|task| !task.ready().is_broken()));
    let text = "Barrier { parties: 3, arrived: 0, broken: false }";
    assert_eq!(format!("{barrier:?}"), text);
}

#[test]
fn a_select_arrives_and_retracts() {
    let (barrier, other) = (Barrier::new(2), Barrier::new(2));
    let early = other.arrive();
    select! {
        _result = barrier.wait_async() => panic!("nobody else came"),
        result = other.wait_async() => assert!(result.is_leader()),
    }
    assert_eq!((barrier.arrived(), early.wait().is_leader()), (0, false));
    let mut select = Task::queued(async {
        select_async! {
            result = barrier.wait_async() => result.is_leader(),
            result = other.wait_async() => result.is_broken(),
        }
    });
    assert_eq!((barrier.arrived(), other.arrived()), (1, 1));
    assert!(barrier.wait().is_leader() && !select.ready());
    assert_eq!((barrier.arrived(), other.arrived()), (0, 0));
}

/// Both arms arrive, the second one as the last.
#[test]
fn a_select_of_all_parties_ends() {
    let barrier = Barrier::new(2);
    let leads = block_on(async {
        select_async! {
            result = barrier.wait_async() => result.is_leader(),
            result = barrier.wait_async() => result.is_leader(),
        }
    });
    assert!(leads && barrier.arrived() == 0);
}

/// An arm keeps its arrival as long as the select goes on, however often it is polled.
#[test]
fn a_select_that_goes_on_breaks_nothing() {
    let barrier = Barrier::with_on_stop(2, OnStop::Break);
    let other = Barrier::with_on_stop(2, OnStop::Break);
    let mut polls = 0;
    let mut select = Task::queued(async {
        select_async! {
            result = barrier.wait_async() => result.is_leader(),
            _ = other.wait_async() => unreachable!("nobody comes"),
            _ = std::future::poll_fn(|_| { polls += 1; std::task::Poll::<()>::Pending }) => unreachable!(),
        }
    });
    for _ in 0..3 {
        assert!(select.poll().is_pending());
        assert_eq!((barrier.arrived(), barrier.is_broken()), (1, false));
    }
    assert!(barrier.wait().is_leader() && !select.ready());
    assert!(other.is_broken(), "who left it was counted");
}

/// What was granted while a select comes to the end of its patience is not thrown away.
#[test]
fn the_end_of_a_select_throws_no_pass_away() {
    let barrier = Barrier::new(2);
    let arrives = || {
        poll_fn(|_| {
            drop(barrier.arrive());
            Poll::<()>::Pending
        })
    };
    let over = select_biased! {
        result = barrier.wait_async() => result.is_leader(),
        () = arrives() => unreachable!(),
        timeout(Duration::ZERO) => false,
    };
    assert!(over && barrier.arrived() == 0);
    let over = select_biased! {
        result = barrier.wait_async().timeout(LONG) => result.unwrap().is_leader(),
        () = arrives() => unreachable!(),
        deadline(Instant::now()) => false,
    };
    assert!(over && barrier.arrived() == 0);
    let over = block_on(async {
        select_async! {
            result = barrier.wait_async() => result.is_leader(),
            timeout(Duration::ZERO) => true,
        }
    });
    assert!(over && barrier.arrived() == 0);
    let event: Event = Event::new();
    let notifies = poll_fn(|_| {
        event.notify(1);
        Poll::<()>::Pending
    });
    let told = select_biased! {
        () = event.listen() => true,
        () = notifies => unreachable!(),
        timeout(Duration::ZERO) => false,
    };
    assert!(told && event.total_listeners() == 0);
}

/// A look arrives if it is the last to, and else leaves no trace.
#[test]
fn a_look_does_not_arrive() {
    let barrier = Barrier::with_on_stop(2, OnStop::Break);
    let looks = || {
        select_biased! {
            result = barrier.wait_async() => result.is_leader(),
            () = poll_fn(|_| { drop(barrier.arrive()); Poll::Pending }) => unreachable!(),
            default => false,
        }
    };
    assert!(!looks() && barrier.arrived() == 1 && !barrier.is_broken());
    assert!(looks() && barrier.arrived() == 0);
    let over = select! {
        _ = barrier.wait_async() => unreachable!(),
        timeout(Duration::ZERO) => true,
    };
    assert!(
        over && barrier.is_broken(),
        "it has arrived, and was stopped"
    );
}

/// The round ends while a select is at its end, in a batch that has not come to it.
#[test]
fn the_end_of_a_select_between_two_batches() {
    let barrier: &'static Barrier = leak(Barrier::new(101));
    let passed = Arc::new(AtomicUsize::new(0));
    let mut select = Box::pin(async {
        select_async! {
            result = barrier.wait_async() => !result.is_broken(),
            timeout(SHORT) => false,
        }
    });
    let mut tasks: Vec<_> = (0..99).map(|_| Box::pin(barrier.wait_async())).collect();
    let (last, others) = tasks.split_last_mut().unwrap();
    for wait in others {
        assert!(poll_with(wait.as_mut(), Waker::noop()).is_pending());
    }
    // Neither the first nor the last in line, whom the first batch may reach.
    assert!(poll_with(select.as_mut(), Waker::noop()).is_pending());
    assert!(poll_with(last.as_mut(), Waker::noop()).is_pending());
    let select = std::sync::Mutex::new(select);
    let ends = {
        let passed = passed.clone();
        calls(move || {
            thread::sleep(2 * SHORT);
            loop {
                match poll_with(select.lock().unwrap().as_mut(), Waker::noop()) {
                    Poll::Ready(true) => return passed.store(1, Ordering::SeqCst),
                    Poll::Ready(false) => return,
                    Poll::Pending => thread::yield_now(),
                }
            }
        })
    };
    assert!(poll_with(tasks[0].as_mut(), &ends).is_pending());
    drop(barrier.arrive());
    assert_eq!(
        passed.load(Ordering::SeqCst),
        1,
        "it was counted in a round that is over"
    );
    assert_eq!(barrier.arrived(), 0);
}

/// A pass that could be taken, or is there already, is an arm that can win at once.
#[test]
fn an_arm_that_could_pass_takes_its_turn() {
    let (barrier, semaphore) = (Barrier::new(2), Semaphore::new(1));
    let early = barrier.arrive();
    let won = select_biased! {
        result = barrier.wait_async() => result.is_leader(),
        _ = semaphore.acquire_async() => false,
    };
    assert!(won && early.is_over());
    // Arms that outlive their select stay, and what they were granted in between is theirs.
    let (event, lock) = (Event::new(), Mutex::new(()));
    let mut passes = pin!(arm(barrier.wait_async()));
    let mut hears = pin!(arm(event.listen().timeout(LONG)));
    let mut free = pin!(arm(lock.lock_async()));
    let mut select = Select::biased();
    let (first, second) = (select.add(passes.as_mut()), select.add(hears.as_mut()));
    let third = select.add(free.as_mut());
    let held = lock.lock();
    assert_eq!((select.try_now(), barrier.arrived()), (None, 1));
    assert_eq!(select.wait_timeout(SHORT), None);
    drop((barrier.arrive(), held));
    event.notify(1);
    for number in [first, second, third] {
        assert_eq!(select.wait(), number);
        select.remove(number);
    }
    assert!(passes.as_mut().take().is_some_and(|it| it.is_leader()));
    assert_eq!(hears.as_mut().take(), Some(Ok(())));
}

/// `Break` means that nobody is left waiting for one that was called off, whenever that was.
#[test]
fn a_token_breaks_the_barrier() {
    let barrier = Barrier::with_on_stop(3, OnStop::Break);
    for already in [false, true] {
        let token = CancelToken::new();
        let ctl = Ctl::new().cancel(&token);
        let mut waits = Task::queued(barrier.wait_async());
        let stopped = if already {
            token.cancel("before");
            barrier.wait_async().with(&ctl).wait()
        } else {
            let mut late = Task::queued(barrier.wait_async().with(&ctl));
            token.cancel("after");
            late.ready()
        };
        assert_eq!(stopped, Err(BarrierWaitError::Cancelled));
        assert!(barrier.is_broken() && waits.woken() == 1);
        assert!(waits.ready().is_broken());
        barrier.reset();
    }
    // As an arm; an arrival of before stands; nothing happens where nothing was polled.
    let token = CancelToken::new();
    token.cancel("before");
    let ctl = Ctl::new().cancel(&token);
    let early = barrier.arrive();
    drop(barrier.wait_async().with(&ctl));
    assert!(early.wait_async().with(&ctl).wait().is_err() && !barrier.is_broken());
    let stopped = select! {
        result = barrier.wait_async().with(&ctl) => result.is_err(),
        default => false,
    };
    assert!(stopped && barrier.is_broken());
}

/// Who hears that it is broken may reset it, before the one that broke it returns.
#[test]
fn a_reset_by_one_that_was_told_stands() {
    let barrier: &'static Barrier = leak(Barrier::with_on_stop(3, OnStop::Break));
    let resets = calls(|| barrier.reset());
    let mut waits = pin!(barrier.wait_async());
    assert!(poll_with(waits.as_mut(), &resets).is_pending());
    assert!(barrier.wait_timeout(Duration::ZERO).is_err());
    assert!(!barrier.is_broken());
    let mut waits = pin!(barrier.wait_async());
    assert!(poll_with(waits.as_mut(), &resets).is_pending());
    let token = CancelToken::new();
    token.cancel("before");
    let stopped = barrier.wait_async().with(&Ctl::new().cancel(&token)).wait();
    assert!(stopped.is_err() && !barrier.is_broken());
}

/// The one that is told to lead has something to do.
#[test]
fn the_leader_is_woken_first() {
    let barrier: &'static Barrier = leak(Barrier::new(101));
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut waits: Vec<_> = (0..100).map(|_| Box::pin(barrier.wait_async())).collect();
    for (number, wait) in waits.iter_mut().enumerate() {
        let order = order.clone();
        let waker = calls(move || order.lock().unwrap().push(number));
        assert!(poll_with(wait.as_mut(), &waker).is_pending());
    }
    drop(barrier.arrive());
    let order = std::mem::take(&mut *order.lock().unwrap());
    assert_eq!(order[..3], [99, 0, 1]);
    assert_eq!(order.len(), 100);
}

/// After a panicking waker those who were not yet woken may lead.
#[test]
fn a_panic_makes_room_for_a_leader_at_once() {
    let barrier: &'static Barrier = leak(Barrier::new(3));
    let mut first = Box::pin(barrier.wait_async());
    let bomb = calls(|| panic!("a waker panics"));
    assert!(poll_with(first.as_mut(), &bomb).is_pending());
    let second = Arc::new(std::sync::Mutex::new(Box::pin(barrier.wait_async())));
    let led = Arc::new(AtomicUsize::new(0));
    let inline = {
        let (second, led) = (second.clone(), led.clone());
        calls(move || {
            let polled = poll_with(second.lock().unwrap().as_mut(), Waker::noop());
            assert!(matches!(polled, Poll::Ready(result) if result.is_leader()));
            led.store(1, Ordering::SeqCst);
        })
    };
    let pending = poll_with(second.lock().unwrap().as_mut(), &inline);
    assert!(pending.is_pending());
    assert!(panics(|| barrier.try_wait()));
    assert_eq!(led.load(Ordering::SeqCst), 1);
    let last = poll_with(first.as_mut(), Waker::noop());
    assert!(matches!(last, Poll::Ready(result) if !result.is_leader()));
}

#[test]
fn a_panicking_waker_stops_nobody() {
    struct Bomb(std::sync::Mutex<bool>);
    impl Wake for Bomb {
        fn wake(self: Arc<Bomb>) {
            if std::mem::take(&mut *self.0.lock().unwrap()) {
                panic!("a waker panics");
            }
        }
    }
    let barrier = Barrier::new(3);
    let bomb = Waker::from(Arc::new(Bomb(std::sync::Mutex::new(true))));
    let mut first = Box::pin(barrier.wait_async());
    let pending = first.as_mut().poll(&mut Context::from_waker(&bomb));
    assert!(pending.is_pending());
    let mut second = Task::queued(barrier.wait_async());
    assert!(panics(|| barrier.try_wait()));
    assert_eq!(second.woken(), 1);
    assert!(
        second.ready().is_leader(),
        "the one that panicked does not return"
    );
    let last = first.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(last, Poll::Ready(result) if !result.is_leader()));
}

#[test]
fn more_than_a_batch_pass() {
    let barrier = Barrier::new(200);
    let mut tasks: Vec<_> = (0..199)
        .map(|_| Task::queued(barrier.wait_async()))
        .collect();
    assert!(barrier.wait().is_leader());
    assert!(
        tasks
            .iter_mut()
            .all(|task| task.woken() == 1 && !task.ready().is_leader())
    );
}

#[test]
fn threads_and_tasks_meet_round_by_round() {
    let (barrier, leaders, rounds) = (Barrier::new(4), AtomicUsize::new(0), 200);
    thread::scope(|scope| {
        for number in 0..4 {
            let (barrier, leaders) = (&barrier, &leaders);
            scope.spawn(move || {
                for round in 0..rounds {
                    let before = leaders.load(Ordering::SeqCst);
                    assert!(before == round || before == round + 1);
                    let result = match number {
                        0 => block_on(barrier.wait_async()),
                        1 => barrier.wait_timeout(LONG).unwrap(),
                        _ => barrier.wait(),
                    };
                    leaders.fetch_add(usize::from(result.is_leader()), Ordering::SeqCst);
                    barrier.wait();
                }
            });
        }
    });
    assert_eq!(leaders.load(Ordering::SeqCst), rounds);
}
