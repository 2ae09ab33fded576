//! What the semaphore promises, through its public interface.

#[path = "../../base/tests/leak/mod.rs"]
mod leak;

use counterpoint_sync::semaphore::{Acquire, AcquireOwned};
use counterpoint_sync::{AcquireError, Semaphore, TryAcquireError};
use counterpoint_wait::cancel::{CancelToken, Ctl};
use leak::leak;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(5);
const LONG: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Count {
    fn woken(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// A task by hand.
struct Task<F> {
    future: Pin<Box<F>>,
    count: Arc<Count>,
}

impl<F: Future> Task<F> {
    fn new(future: F) -> Task<F> {
        Task {
            future: Box::pin(future),
            count: Arc::default(),
        }
    }

    fn poll(&mut self) -> Poll<F::Output> {
        let waker = Waker::from(self.count.clone());
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    fn is_woken(&self) -> bool {
        self.count.woken() > 0
    }

    fn is_pending(&mut self) -> bool {
        self.poll().is_pending()
    }

    fn ready(&mut self) -> F::Output {
        match self.poll() {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("still pending"),
        }
    }
}

#[test]
fn permits_are_taken_and_given_back() {
    static SEMAPHORE: Semaphore = Semaphore::new(3);
    let one = SEMAPHORE.acquire().unwrap();
    let two = SEMAPHORE.try_acquire_many(2).unwrap();
    assert_eq!(
        SEMAPHORE.try_acquire().unwrap_err(),
        TryAcquireError::NoPermits
    );
    assert_eq!(SEMAPHORE.available_permits(), 0);
    drop(one);
    assert_eq!(SEMAPHORE.available_permits(), 1);
    drop(two);
    assert_eq!(SEMAPHORE.available_permits(), 3);
}

#[test]
fn blocked_thread_gets_a_released_permit() {
    let semaphore = Semaphore::new(1);
    let held = semaphore.acquire().unwrap();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| semaphore.acquire().map(|permit| permit.num_permits()));
        thread::sleep(SHORT);
        drop(held);
        assert_eq!(waiter.join().unwrap(), Ok(1));
    });
}

#[test]
fn a_queued_batch_hoards_nothing() {
    let semaphore = Semaphore::new(5);
    let mut batch = Task::new(semaphore.acquire_many_async(10));
    assert!(batch.is_pending());
    assert_eq!(semaphore.available_permits(), 5);
    let one = semaphore.try_acquire().unwrap();
    semaphore.add_permits(5);
    assert!(!batch.is_woken());
    drop(one);
    assert!(batch.is_woken());
    assert_eq!(batch.ready().unwrap().num_permits(), 10);
}

#[test]
fn waiters_are_served_in_order_whatever_their_size() {
    let semaphore = Semaphore::fair(0);
    let mut large = Task::new(semaphore.acquire_many_async(3));
    let mut small = Task::new(semaphore.acquire_async());
    assert!(large.is_pending() && small.is_pending());
    semaphore.add_permits(2);
    assert!(!large.is_woken() && !small.is_woken());
    semaphore.add_permits(2);
    assert!(large.is_woken() && small.is_woken());
    let _large = large.ready().unwrap();
    let _small = small.ready().unwrap();
    assert_eq!(semaphore.available_permits(), 0);
}

#[test]
fn a_head_that_leaves_lets_smaller_ones_pass() {
    let semaphore = Semaphore::new(2);
    let mut large = Task::new(semaphore.acquire_many_async(3));
    assert!(large.is_pending());
    let both = semaphore.acquire_many(2).unwrap();
    let mut one = Task::new(semaphore.acquire_async());
    let mut two = Task::new(semaphore.acquire_async());
    assert!(one.is_pending() && two.is_pending());
    drop(both);
    assert!(!large.is_woken() && !one.is_woken());
    drop(large);
    assert!(one.is_woken() && two.is_woken());
    let _permits = (one.ready().unwrap(), two.ready().unwrap());
}

#[test]
fn a_head_that_times_out_lets_smaller_ones_pass() {
    let semaphore = Semaphore::new(1);
    thread::scope(|scope| {
        let large = scope.spawn(|| semaphore.acquire_many_timeout(2, 20 * SHORT).map(drop));
        thread::sleep(SHORT);
        let held = semaphore.acquire().unwrap();
        let small = scope.spawn(|| semaphore.acquire().map(drop));
        thread::sleep(SHORT);
        drop(held);
        assert_eq!(large.join().unwrap(), Err(AcquireError::TimedOut));
        assert_eq!(small.join().unwrap(), Ok(()));
    });
}

#[test]
fn release_grants_as_many_as_fit() {
    let semaphore = Semaphore::new(0);
    let mut tasks: Vec<_> = (0..100)
        .map(|_| Task::new(semaphore.acquire_async()))
        .collect();
    assert!(tasks.iter_mut().all(Task::is_pending));
    semaphore.add_permits(70);
    let woken: Vec<bool> = tasks.iter().map(Task::is_woken).collect();
    assert!(woken[..70].iter().all(|woken| *woken) && !woken[70..].iter().any(|woken| *woken));
    for task in &mut tasks[..70] {
        task.ready().unwrap().forget();
    }
}

#[test]
fn a_panicking_waker_does_not_cost_others_their_wakeup() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("waker");
        }
    }
    let semaphore = Semaphore::new(0);
    let mut first = Box::pin(semaphore.acquire_async());
    let waker = Waker::from(Arc::new(Panics));
    assert!(
        first
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    let mut tasks: Vec<_> = (0..100)
        .map(|_| Task::new(semaphore.acquire_async()))
        .collect();
    assert!(tasks.iter_mut().all(Task::is_pending));
    let add = std::panic::AssertUnwindSafe(|| semaphore.add_permits(101));
    assert!(std::panic::catch_unwind(add).is_err());
    assert!(tasks.iter().all(Task::is_woken));
    drop(first);
    // The same when a head that leaves makes room for many.
    let semaphore = Semaphore::new(100);
    let mut head = Box::pin(semaphore.acquire_many_async(200));
    assert!(
        head.as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    let all = semaphore.acquire_many(100).unwrap();
    let mut first = Box::pin(semaphore.acquire_async());
    assert!(
        first
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    let mut tasks: Vec<_> = (0..99)
        .map(|_| Task::new(semaphore.acquire_async()))
        .collect();
    assert!(tasks.iter_mut().all(Task::is_pending));
    drop(all);
    let leave = std::panic::AssertUnwindSafe(|| drop(head));
    assert!(std::panic::catch_unwind(leave).is_err());
    assert!(tasks.iter().all(Task::is_woken));
}

#[test]
fn a_dropped_grant_goes_to_the_next() {
    for semaphore in [Semaphore::new(0), Semaphore::fair(0)] {
        let mut first = Task::new(semaphore.acquire_async());
        let mut second = Task::new(semaphore.acquire_async());
        assert!(first.is_pending() && second.is_pending());
        semaphore.add_permits(1);
        assert!(first.is_woken() && !second.is_woken());
        drop(first);
        assert!(second.is_woken());
        second.ready().unwrap().forget();
        assert_eq!(semaphore.available_permits(), 0);
    }
}

#[test]
fn fair_makes_newcomers_queue() {
    let semaphore = Semaphore::fair(0);
    let mut first = Task::new(semaphore.acquire_async());
    assert!(first.is_pending());
    semaphore.add_permits(1);
    assert_eq!(
        semaphore.try_acquire().unwrap_err(),
        TryAcquireError::NoPermits
    );
    let mut second = Task::new(semaphore.acquire_async());
    assert!(second.is_pending());
    let permit = first.ready().unwrap();
    assert!(second.is_pending());
    drop(permit);
    drop(second.ready().unwrap());
    drop(semaphore.try_acquire().expect("nobody waits"));
}

#[test]
fn by_default_newcomers_may_overtake() {
    let semaphore = Semaphore::new(0);
    let mut first = Task::new(semaphore.acquire_async());
    assert!(first.is_pending());
    semaphore.add_permits(1);
    let permit = semaphore.try_acquire().unwrap();
    assert!(first.is_pending());
    drop(permit);
    drop(first.ready().unwrap());
}

#[test]
fn a_waiter_that_keeps_losing_makes_newcomers_queue() {
    let semaphore = Semaphore::new(1);
    let mut unlucky = Task::new(semaphore.acquire_async());
    let held = semaphore.try_acquire().unwrap();
    assert!(unlucky.is_pending());
    drop(held);
    let mut barger = semaphore.try_acquire().unwrap();
    assert!(unlucky.is_pending());
    let begun = Instant::now();
    let reserved = loop {
        drop(barger);
        match semaphore.try_acquire() {
            Ok(permit) => barger = permit,
            Err(error) => break error,
        }
        assert!(unlucky.is_pending());
        assert!(begun.elapsed() < LONG, "newcomers overtake for ever");
    };
    assert_eq!(reserved, TryAcquireError::NoPermits);
    assert_eq!(semaphore.available_permits(), 1);
    drop(unlucky.ready().unwrap());
    drop(
        semaphore
            .try_acquire()
            .expect("it was served: newcomers may take again"),
    );
}

#[test]
fn what_is_kept_for_a_dormant_waiter_goes_to_a_blocked_newcomer() {
    let semaphore = Semaphore::fair(0);
    let mut dormant = Task::new(semaphore.acquire_async());
    assert!(dormant.is_pending());
    semaphore.add_permits(1);
    // Never polled again, and not dropped.
    let permit = semaphore
        .acquire_timeout(LONG)
        .expect("the reservation is revoked");
    let second = thread::scope(|scope| {
        let second = scope.spawn(|| semaphore.acquire_timeout(LONG).map(drop));
        thread::sleep(SHORT);
        drop(permit);
        second.join().unwrap()
    });
    assert_eq!(second, Ok(()));
    drop(dormant.ready().unwrap());
}

#[test]
fn what_is_kept_for_a_dormant_waiter_goes_to_a_task() {
    let semaphore = Semaphore::fair(0);
    let mut dormant = Task::new(semaphore.acquire_async());
    assert!(dormant.is_pending());
    semaphore.add_permits(1);
    let permit = smol::block_on(semaphore.acquire_async()).unwrap();
    drop(permit);
    drop(dormant.ready().unwrap());
}

#[test]
fn what_is_kept_for_a_dormant_waiter_goes_to_who_tries_again() {
    let semaphore = Semaphore::fair(0);
    let mut dormant = Task::new(semaphore.acquire_async());
    assert!(dormant.is_pending());
    semaphore.add_permits(1);
    let begun = Instant::now();
    while semaphore.try_acquire().is_err() {
        assert!(begun.elapsed() < LONG, "kept for ever");
    }
    drop(dormant);
}

#[test]
fn up_to_takes_what_is_there() {
    let semaphore = Semaphore::new(3);
    let all = semaphore.acquire_up_to(1, 8).unwrap();
    assert_eq!(all.num_permits(), 3);
    let mut some = Task::new(semaphore.acquire_up_to_async(2, 4));
    assert!(some.is_pending());
    assert_eq!(
        semaphore.try_acquire_up_to(1, 2).unwrap_err(),
        TryAcquireError::NoPermits
    );
    drop(all);
    assert_eq!(some.ready().unwrap().num_permits(), 3);
}

#[test]
#[should_panic(expected = "`min` = 3 is more than `max` = 2")]
fn up_to_wants_an_order() {
    let _ = Semaphore::new(3).acquire_up_to(3, 2);
}

#[test]
fn none_is_always_there_unless_closed() {
    let semaphore = Semaphore::fair(0);
    let mut queued = Task::new(semaphore.acquire_async());
    assert!(queued.is_pending());
    assert_eq!(semaphore.acquire_many(0).unwrap().num_permits(), 0);
    assert_eq!(semaphore.try_acquire_many(0).unwrap().num_permits(), 0);
    semaphore.reduce(1);
    assert_eq!(semaphore.acquire_many(0).unwrap().num_permits(), 0);
    semaphore.close();
    assert_eq!(semaphore.acquire_many(0).unwrap_err(), AcquireError::Closed);
}

#[test]
fn close_wakes_all_and_leaves_permits_valid() {
    let semaphore = Semaphore::new(1);
    let held = semaphore.acquire().unwrap();
    thread::scope(|scope| {
        let blocked = scope.spawn(|| semaphore.acquire_many(2).map(drop));
        let mut tasks: Vec<_> = (0..80)
            .map(|_| Task::new(semaphore.acquire_async()))
            .collect();
        assert!(tasks.iter_mut().all(Task::is_pending));
        thread::sleep(SHORT);
        semaphore.close();
        assert_eq!(blocked.join().unwrap(), Err(AcquireError::Closed));
        for task in &mut tasks {
            assert!(task.is_woken());
            assert_eq!(task.ready().unwrap_err(), AcquireError::Closed);
        }
    });
    assert!(semaphore.is_closed());
    assert_eq!(semaphore.acquire().unwrap_err(), AcquireError::Closed);
    assert_eq!(
        semaphore.try_acquire().unwrap_err(),
        TryAcquireError::Closed
    );
    drop(held);
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn a_grant_before_close_is_valid() {
    let semaphore = Semaphore::new(0);
    let mut granted = Task::new(semaphore.acquire_async());
    assert!(granted.is_pending());
    semaphore.add_permits(1);
    semaphore.close();
    assert_eq!(granted.ready().unwrap().num_permits(), 1);
}

#[test]
fn a_ceiling_refuses_what_will_never_be_there() {
    static SEMAPHORE: Semaphore = Semaphore::new(2).with_ceiling(3);
    assert_eq!(
        SEMAPHORE.acquire_many(4).unwrap_err(),
        AcquireError::TooMany
    );
    assert_eq!(
        SEMAPHORE.try_acquire_many(4).unwrap_err(),
        TryAcquireError::TooMany
    );
    assert_eq!(
        SEMAPHORE.acquire_many_timeout(3, SHORT).unwrap_err(),
        AcquireError::TimedOut
    );
}

#[test]
fn debt_is_paid_first() {
    let semaphore = Semaphore::new(2);
    let held = semaphore.acquire_many(2).unwrap();
    semaphore.reduce(3);
    assert_eq!((semaphore.available_permits(), semaphore.debt()), (0, 3));
    let mut waiter = Task::new(semaphore.acquire_async());
    assert!(waiter.is_pending());
    drop(held);
    assert!(!waiter.is_woken());
    assert_eq!(semaphore.debt(), 1);
    semaphore.add_permits(2);
    assert!(waiter.is_woken());
    waiter.ready().unwrap().forget();
    assert_eq!((semaphore.available_permits(), semaphore.debt()), (0, 0));
}

#[test]
fn permits_are_forgotten() {
    let semaphore = Semaphore::new(5);
    assert_eq!(semaphore.forget_permits(2), 2);
    semaphore.acquire().unwrap().forget();
    assert_eq!(semaphore.forget_permits(7), 2);
    assert_eq!(semaphore.forget_permits(7), 0);
}

#[test]
fn permits_split_and_merge() {
    let semaphore = Arc::new(Semaphore::new(4));
    let mut all = semaphore.acquire_many_owned(4).unwrap();
    assert!(all.split(5).is_none());
    let part = all.split(3).unwrap();
    assert_eq!((all.num_permits(), part.num_permits()), (1, 3));
    drop(all);
    assert_eq!(semaphore.available_permits(), 1);
    let mut one = semaphore.try_acquire_owned().unwrap();
    one.merge(part);
    assert_eq!(one.num_permits(), 4);
    drop(one);
    assert_eq!(semaphore.available_permits(), 4);
    assert_eq!(Arc::strong_count(&semaphore), 1);
}

#[test]
#[should_panic(expected = "permits of two semaphores")]
fn permits_of_two_semaphores_do_not_merge() {
    let (a, b) = (Semaphore::new(1), Semaphore::new(1));
    let mut mine = a.acquire().unwrap();
    mine.merge(b.acquire().unwrap());
}

#[test]
#[should_panic(expected = "`permits` = 1 is more than MAX_PERMITS")]
fn too_many_permits_panic() {
    Semaphore::new(Semaphore::MAX_PERMITS).add_permits(1);
}

#[test]
#[should_panic(expected = "`permits` is more than MAX_PERMITS")]
fn too_many_first_permits_panic() {
    let _ = Semaphore::new(Semaphore::MAX_PERMITS + 1);
}

#[test]
#[should_panic(expected = "makes a debt of more than")]
fn too_much_debt_panics() {
    let semaphore = Semaphore::new(0);
    semaphore.reduce(Semaphore::MAX_PERMITS);
    semaphore.reduce(1);
}

#[test]
fn a_past_deadline_tries_once_and_a_cancelled_token_does_not() {
    let semaphore = Semaphore::new(1);
    assert!(semaphore.acquire_timeout(Duration::ZERO).is_ok());
    assert!(semaphore.acquire_deadline(Instant::now() - SHORT).is_ok());
    let token = CancelToken::new();
    token.cancel("test");
    let ctl = Ctl::new().cancel(&token);
    assert_eq!(
        semaphore.acquire_async().with(&ctl).wait().unwrap_err(),
        AcquireError::Cancelled
    );
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn cancelling_leaves_nothing_behind() {
    let semaphore = Semaphore::new(0);
    let token = CancelToken::new();
    let ctl = Ctl::new().cancel(&token);
    thread::scope(|scope| {
        let blocked = scope.spawn(|| semaphore.acquire_async().with(&ctl).wait().map(drop));
        thread::sleep(SHORT);
        token.cancel("test");
        assert_eq!(blocked.join().unwrap(), Err(AcquireError::Cancelled));
    });
    semaphore.add_permits(1);
    assert_eq!(semaphore.available_permits(), 1);
    drop(semaphore.try_acquire().unwrap());
}

/// Timeout, cancel and drop, each before, while and after the waiter is granted.
#[test]
fn cancel_matrix() {
    #[derive(Clone, Copy, Debug)]
    enum How {
        Timeout,
        Cancel,
        Drop,
    }
    #[derive(Clone, Copy, Debug)]
    enum When {
        Unpolled,
        Queued,
        Granted,
    }
    for strict in [false, true] {
        for how in [How::Timeout, How::Cancel, How::Drop] {
            for when in [When::Unpolled, When::Queued, When::Granted] {
                let case = (strict, how, when);
                let semaphore = if strict {
                    Semaphore::fair(0)
                } else {
                    Semaphore::new(0)
                };
                let token = CancelToken::new();
                let ctl = Ctl::new().cancel(&token);
                let deadline = match how {
                    How::Timeout => Instant::now() + SHORT,
                    _ => Instant::now() + LONG,
                };
                let mut task = Task::new(semaphore.acquire_async().with(&ctl).deadline(deadline));
                let mut next = Task::new(semaphore.acquire_async());
                if !matches!(when, When::Unpolled) && !task.is_pending() {
                    assert!(Instant::now() >= deadline, "{case:?}");
                    continue; // The machine was too slow for this case.
                }
                assert!(next.is_pending(), "{case:?}");
                let granted = matches!(when, When::Granted);
                if granted {
                    semaphore.add_permits(1);
                }
                let outcome = match how {
                    How::Drop => {
                        drop(task);
                        None
                    }
                    How::Timeout => {
                        thread::sleep(2 * SHORT);
                        Some(task.ready().map(drop))
                    }
                    How::Cancel => {
                        token.cancel("test");
                        Some(task.ready().map(drop))
                    }
                };
                let expected = match (how, granted) {
                    (How::Drop, _) => None,
                    // A grant that was first wins, and is given back here.
                    (_, true) => Some(Ok(())),
                    (How::Timeout, false) => Some(Err(AcquireError::TimedOut)),
                    (How::Cancel, false) => Some(Err(AcquireError::Cancelled)),
                };
                assert_eq!(outcome, expected, "{case:?}");
                if !granted {
                    semaphore.add_permits(1);
                }
                assert!(next.is_woken(), "{case:?}");
                drop(next.ready().unwrap());
                assert_eq!(semaphore.available_permits(), 1, "{case:?}");
                drop(semaphore.try_acquire().unwrap());
            }
        }
    }
}

#[test]
#[should_panic(expected = "polled after completion")]
fn polling_after_completion_panics() {
    let semaphore = Semaphore::new(2);
    let mut task = Task::new(semaphore.acquire_async());
    let _permit = task.ready();
    let _ = task.poll();
}

#[test]
fn an_operation_holds_its_node() {
    type Node = counterpoint_wait::queue::Node<counterpoint_sync::semaphore::Want>;
    assert!(size_of::<Acquire<'_>>() >= size_of::<Node>());
    assert!(size_of::<AcquireOwned>() >= size_of::<Node>());
}

#[test]
fn a_forgotten_waiter_does_not_bind_the_semaphore_to_its_place() {
    let semaphore = Box::new(Semaphore::new(0));
    let mut first = Box::pin(semaphore.acquire_many_async(1));
    assert!(
        first
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    leak(first);
    let moved = *semaphore;
    moved.add_permits(2);
    drop(moved.acquire().unwrap());
}

#[test]
fn threads_and_tasks_wait_in_one_queue() {
    let semaphore = Arc::new(Semaphore::new(2));
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let enter = {
        let (inside, most) = (inside.clone(), most.clone());
        move || {
            let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(now, Ordering::SeqCst);
            thread::yield_now();
            inside.fetch_sub(1, Ordering::SeqCst);
        }
    };
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let (semaphore, enter) = (semaphore.clone(), enter.clone());
            thread::spawn(move || {
                for _ in 0..500 {
                    let _permit = semaphore.acquire().unwrap();
                    enter();
                }
            })
        })
        .collect();
    let runtimes = [
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap(),
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap(),
    ];
    for runtime in runtimes {
        runtime.block_on(async {
            let tasks: Vec<_> = (0..4)
                .map(|_| {
                    let (semaphore, enter) = (semaphore.clone(), enter.clone());
                    tokio::spawn(async move {
                        for _ in 0..250 {
                            let _permit = semaphore.acquire_owned_async().await.unwrap();
                            enter();
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    }
    smol::block_on(async {
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let (semaphore, enter) = (semaphore.clone(), enter.clone());
                smol::spawn(async move {
                    for _ in 0..250 {
                        let _permits = semaphore.acquire_many_async(2).await.unwrap();
                        enter();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await;
        }
    });
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(semaphore.available_permits(), 2);
    assert!(most.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn async_timeout_stops_a_task() {
    let semaphore = Semaphore::new(0);
    let stopped = semaphore.acquire_async().timeout(SHORT).await;
    assert_eq!(stopped.unwrap_err(), AcquireError::TimedOut);
}

/// A small generator: the tests need no crate for it.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Batches, timeouts, drops, splits and forgets from several threads: at the end every permit is
/// accounted for, and nobody was left waiting.
#[test]
fn stress_accounts_for_every_permit() {
    let seed = std::env::var("COUNTERPOINT_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(0x5eed_u64);
    println!("seed {seed}");
    for strict in [false, true] {
        let semaphore = if strict {
            Semaphore::fair(5)
        } else {
            Semaphore::new(5)
        };
        let held = AtomicUsize::new(0);
        thread::scope(|scope| {
            for number in 0..4 {
                let (semaphore, held) = (&semaphore, &held);
                scope.spawn(move || {
                    let mut random = Random(seed + number);
                    for _ in 0..2_000 {
                        step(semaphore, held, &mut random);
                    }
                });
            }
        });
        assert_eq!(semaphore.available_permits(), 5);
        drop(semaphore.try_acquire_many(5).unwrap());
    }
}

fn step(semaphore: &Semaphore, held: &AtomicUsize, random: &mut Random) {
    let n = 1 + random.below(5) as usize;
    let permit = match random.below(5) {
        0 => semaphore.try_acquire_many(n).ok(),
        1 => semaphore
            .acquire_many_timeout(n, Duration::from_micros(random.below(200)))
            .ok(),
        2 => {
            let mut operation = pin!(semaphore.acquire_many_async(n));
            let mut cx = Context::from_waker(Waker::noop());
            match operation.as_mut().poll(&mut cx) {
                Poll::Ready(permit) => permit.ok(),
                Poll::Pending => {
                    thread::yield_now();
                    None
                }
            }
        }
        3 => semaphore.acquire_up_to(1, n).ok(),
        _ => semaphore.acquire_many(n).ok(),
    };
    let Some(mut permit) = permit else { return };
    let now = held.fetch_add(permit.num_permits(), Ordering::SeqCst) + permit.num_permits();
    assert!(now <= 5, "{now} permits of five are held");
    held.fetch_sub(permit.num_permits(), Ordering::SeqCst);
    if random.below(2) == 0 {
        drop(permit.split(random.below(permit.num_permits() as u64 + 1) as usize));
    }
}
