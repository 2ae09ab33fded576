//! What `Notify` promises, through its public interface.

use counterpoint_sync::{Notified, NotifiedOwned, Notify};
use counterpoint_wait::Stop;
use counterpoint_wait::cancel::{CancelToken, Ctl};
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
        self.count.0.load(Ordering::SeqCst) > 0
    }

    fn is_pending(&mut self) -> bool {
        self.poll().is_pending()
    }

    fn is_ready(&mut self) -> bool {
        self.poll().is_ready()
    }
}

/// `count` waiters in line.
fn line(notify: &Notify, count: usize) -> Vec<Task<Notified<'_>>> {
    let mut tasks: Vec<_> = (0..count).map(|_| Task::new(notify.notified())).collect();
    assert!(tasks.iter_mut().all(Task::is_pending));
    tasks
}

fn woken<F: Future>(tasks: &[Task<F>]) -> Vec<usize> {
    (0..tasks.len())
        .filter(|&index| tasks[index].is_woken())
        .collect()
}

#[test]
fn one_notification_is_stored() {
    static NOTIFY: Notify = Notify::new();
    assert_eq!(NOTIFY.notify_one() + NOTIFY.notify_last(), 0);
    NOTIFY.wait();
    assert_eq!(NOTIFY.wait_timeout(SHORT), Err(Stop::TimedOut));
}

#[test]
fn one_wakes_the_first_and_last_the_last() {
    let notify = Notify::new();
    let mut tasks = line(&notify, 4);
    assert_eq!(
        (
            notify.notify_one(),
            notify.notify_last(),
            notify.notify_one()
        ),
        (1, 1, 1)
    );
    assert_eq!(woken(&tasks), [0, 1, 3]);
    assert!(tasks[0].is_ready() && tasks[1].is_ready() && tasks[3].is_ready());
    assert!(tasks[2].is_pending());
    assert_eq!(notify.notify_one(), 1);
    assert!(tasks[2].is_ready());
    assert_eq!(notify.wait_timeout(Duration::ZERO), Err(Stop::TimedOut));
}

#[test]
fn some_are_woken_in_order_and_nothing_is_stored() {
    let notify = Notify::new();
    let tasks = line(&notify, 100);
    assert_eq!(notify.notify_n(70), 70);
    assert_eq!(woken(&tasks), (0..70).collect::<Vec<_>>());
    assert_eq!(
        (notify.notify_n(70), notify.notify_n(1), notify.notify_n(0)),
        (30, 0, 0)
    );
    assert_eq!(notify.wait_timeout(Duration::ZERO), Err(Stop::TimedOut));
}

#[test]
fn all_reaches_exactly_those_created_before() {
    let notify = Notify::new();
    let mut unpolled = Task::new(notify.notified());
    let mut tasks = line(&notify, 100);
    assert_eq!(notify.notify_all(), 100);
    let mut after = Task::new(notify.notified());
    assert_eq!(woken(&tasks).len(), 100);
    assert!(tasks.iter_mut().all(Task::is_ready));
    assert!(unpolled.is_ready());
    assert!(after.is_pending());
    assert_eq!(notify.notify_all(), 1);
    assert!(after.is_ready());
}

#[test]
fn all_leaves_a_stored_notification_alone() {
    let notify = Notify::new();
    let mut reached = Task::new(notify.notified());
    notify.notify_one();
    assert_eq!(notify.notify_all(), 0);
    assert!(reached.is_ready());
    notify.wait();
    assert_eq!(notify.wait_timeout(Duration::ZERO), Err(Stop::TimedOut));
}

#[test]
fn a_waker_that_waits_again_is_not_woken_twice_by_one_broadcast() {
    let notify = Notify::new();
    let mut tasks = line(&notify, 33);
    assert_eq!(notify.notify_all(), 33);
    assert!(tasks.iter_mut().all(Task::is_ready));
    let mut again = line(&notify, 1);
    assert!(!again[0].is_woken() && again[0].is_pending());
}

#[test]
fn a_dropped_notification_is_passed_on_from_the_same_end() {
    let notify = Notify::new();
    let mut tasks = line(&notify, 3);
    notify.notify_one();
    drop(tasks.remove(0));
    assert_eq!(woken(&tasks), [0]);
    drop(tasks.remove(0));
    assert_eq!(woken(&tasks), [0]);
    drop(tasks);
    // Nobody waits: it is stored.
    notify.wait();

    let mut tasks = line(&notify, 3);
    notify.notify_last();
    drop(tasks.remove(2));
    assert_eq!(woken(&tasks), [1]);
    drop(tasks);
    notify.wait();

    let mut tasks = line(&notify, 2);
    notify.notify_n(1);
    drop(tasks.remove(0));
    assert_eq!(woken(&tasks), [0]);
    drop(tasks);
    assert_eq!(notify.wait_timeout(Duration::ZERO), Err(Stop::TimedOut));
}

#[test]
fn a_broadcast_is_not_passed_on() {
    let notify = Notify::new();
    let tasks = line(&notify, 1);
    notify.notify_all();
    let mut next = Task::new(notify.notified());
    drop(tasks);
    assert!(next.is_pending());
    let unpolled = notify.notified();
    notify.notify_all();
    drop(unpolled);
    assert!(next.is_ready());
    assert_eq!(notify.wait_timeout(Duration::ZERO), Err(Stop::TimedOut));
}

#[test]
fn enable_takes_a_place_in_line() {
    let notify = Notify::new();
    let mut first = pin!(notify.notified());
    assert!(!first.as_mut().enable());
    assert!(!first.as_mut().enable());
    let mut second = line(&notify, 1);
    assert_eq!(notify.notify_one(), 1);
    assert!(!second[0].is_woken());
    assert!(first.as_mut().enable());
    counterpoint_wait::block_on(first.as_mut());
    assert!(first.enable());
    assert_eq!(notify.notify_one(), 1);
    assert!(second[0].is_ready());
}

#[test]
fn enable_takes_the_stored_notification() {
    let notify = Notify::new();
    notify.notify_one();
    let mut first = Box::pin(notify.notified());
    assert!(first.as_mut().enable());
    let mut second = pin!(notify.notified());
    assert!(!second.as_mut().enable());
    // Not taken after all: it goes on.
    drop(first);
    assert!(second.as_mut().enable());
    counterpoint_wait::block_on(second);
}

#[test]
fn enable_sees_a_broadcast_and_does_not_pass_it_on() {
    let notify = Notify::new();
    let mut first = Box::pin(notify.notified());
    notify.notify_all();
    assert!(first.as_mut().enable());
    drop(first);
    assert_eq!(notify.wait_timeout(Duration::ZERO), Err(Stop::TimedOut));
}

#[test]
fn polling_an_enabled_one_registers_the_waker() {
    let notify = Notify::new();
    let mut task = Task::new(notify.notified());
    assert!(!task.future.as_mut().enable());
    assert!(task.is_pending());
    notify.notify_one();
    assert!(task.is_woken());
    assert!(task.is_ready());
}

#[test]
#[should_panic(expected = "Notify::notified polled after completion")]
fn polling_after_completion_panics() {
    let notify = Notify::new();
    notify.notify_one();
    let mut task = Task::new(notify.notified());
    assert!(task.is_ready());
    let _ = task.poll();
}

#[test]
fn a_past_deadline_looks_once_and_a_cancelled_token_does_not() {
    let notify = Notify::new();
    notify.notify_one();
    assert_eq!(notify.wait_timeout(Duration::ZERO), Ok(()));
    notify.notify_one();
    assert_eq!(notify.wait_deadline(Instant::now() - SHORT), Ok(()));
    notify.notify_one();
    let token = CancelToken::new();
    token.cancel("test");
    let ctl = Ctl::new().cancel(&token);
    assert_eq!(notify.notified().with(&ctl).wait(), Err(Stop::Cancelled));
    notify.wait();
}

/// Timeout, cancel and drop, each before and after the waiter is notified in each way.
#[test]
fn cancel_matrix() {
    #[derive(Clone, Copy, Debug)]
    enum How {
        Timeout,
        Cancel,
        Drop,
    }
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum What {
        Nothing,
        One,
        Last,
        All,
    }
    for how in [How::Timeout, How::Cancel, How::Drop] {
        for what in [What::Nothing, What::One, What::Last, What::All] {
            let case = (how, what);
            let notify = Notify::new();
            let token = CancelToken::new();
            let ctl = Ctl::new().cancel(&token);
            let deadline = match how {
                How::Timeout => Instant::now() + SHORT,
                _ => Instant::now() + LONG,
            };
            let mut task = Task::new(notify.notified().with(&ctl).deadline(deadline));
            if !task.is_pending() {
                assert!(Instant::now() >= deadline, "{case:?}");
                continue; // The machine was too slow for this case.
            }
            let handed = match what {
                What::Nothing => 0,
                What::One => notify.notify_one(),
                What::Last => notify.notify_last(),
                What::All => notify.notify_all(),
            };
            assert_eq!(handed, usize::from(what != What::Nothing), "{case:?}");
            let stopped = match how {
                How::Drop => {
                    drop(task);
                    None
                }
                How::Timeout => {
                    thread::sleep(2 * SHORT);
                    Some((task.poll(), Stop::TimedOut))
                }
                How::Cancel => {
                    token.cancel("test");
                    Some((task.poll(), Stop::Cancelled))
                }
            };
            let dropped = stopped.is_none();
            if let Some((outcome, why)) = stopped {
                let expected = if what == What::Nothing {
                    Err(why)
                } else {
                    Ok(())
                };
                assert_eq!(outcome, Poll::Ready(expected), "{case:?}");
            }
            let stored = notify.wait_timeout(Duration::ZERO).is_ok();
            let passed = dropped && matches!(what, What::One | What::Last);
            assert_eq!(stored, passed, "{case:?}");
        }
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
    let notify = Notify::new();
    let mut first = Box::pin(notify.notified());
    let waker = Waker::from(Arc::new(Panics));
    assert!(
        first
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    let tasks = line(&notify, 100);
    let all = std::panic::AssertUnwindSafe(|| notify.notify_all());
    assert!(std::panic::catch_unwind(all).is_err());
    assert_eq!(woken(&tasks).len(), 100);
}

#[test]
fn a_waker_may_notify() {
    struct Notifies(Arc<Notify>);
    impl Wake for Notifies {
        fn wake(self: Arc<Self>) {
            self.0.notify_all();
        }
    }
    impl Drop for Notifies {
        fn drop(&mut self) {
            self.0.notify_all();
        }
    }
    let notify = Arc::new(Notify::new());
    let waker = Waker::from(Arc::new(Notifies(notify.clone())));
    let mut first = Box::pin(notify.notified());
    assert!(
        first
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    drop(waker);
    let mut second = line(&notify, 1);
    notify.notify_one();
    assert!(second[0].is_ready());
}

#[test]
fn wait_until_looks_again_after_each_notification() {
    let (notify, value) = (Notify::new(), AtomicUsize::new(0));
    thread::scope(|scope| {
        let blocked = scope.spawn(|| notify.wait_until(|| value.load(Ordering::Relaxed) == 3));
        let bounded =
            scope.spawn(|| notify.wait_until_timeout(LONG, || value.load(Ordering::Relaxed) == 3));
        for _ in 0..3 {
            value.fetch_add(1, Ordering::Relaxed);
            notify.notify_all();
        }
        blocked.join().unwrap();
        assert_eq!(bounded.join().unwrap(), Ok(()));
    });
    assert_eq!(
        notify.wait_until_timeout(SHORT, || false),
        Err(Stop::TimedOut)
    );
    assert_eq!(notify.wait_until_deadline(Instant::now(), || true), Ok(()));
    let mut looked = 0;
    let mut task = Task::new(notify.wait_until_async(|| {
        looked += 1;
        looked == 2
    }));
    assert!(task.is_pending() && task.is_pending());
    notify.notify_one();
    assert!(task.is_ready());
    drop(task);
    assert_eq!(looked, 2);
}

#[test]
fn an_owned_operation_keeps_it_alive() {
    let notify = Arc::new(Notify::new());
    let weak = Arc::downgrade(&notify);
    let mut task = Task::new(notify.notified_owned());
    drop(notify);
    assert!(task.is_pending());
    assert_eq!(weak.upgrade().unwrap().notify_one(), 1);
    assert!(task.is_ready());
    drop(task);
    assert!(weak.upgrade().is_none());
}

#[test]
fn an_operation_holds_its_node() {
    type Node = counterpoint_wait::queue::Node<counterpoint_sync::notify::Wish>;
    assert!(size_of::<Notified<'_>>() >= size_of::<Node>());
    assert!(size_of::<NotifiedOwned>() >= size_of::<Node>());
    // With the hooks it knows where it was made.
    if size_of::<counterpoint_wait::hooks::Hold>() == 0 {
        assert_eq!(size_of::<Notify>(), 24);
    }
}

#[test]
fn threads_and_tasks_wait_in_one_queue() {
    const EACH: usize = 200;
    let notify = Arc::new(Notify::new());
    let received = Arc::new(AtomicUsize::new(0));
    let thread = {
        let (notify, received) = (notify.clone(), received.clone());
        thread::spawn(move || {
            for _ in 0..EACH {
                notify.wait();
                received.fetch_add(1, Ordering::SeqCst);
            }
        })
    };
    let run = |notify: Arc<Notify>, received: Arc<AtomicUsize>| async move {
        for _ in 0..EACH {
            notify.notified().await;
            received.fetch_add(1, Ordering::SeqCst);
        }
    };
    let multi = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let tokio_task = multi.spawn(run(notify.clone(), received.clone()));
    let smol_task = smol::spawn(run(notify.clone(), received.clone()));
    let single = {
        let future = run(notify.clone(), received.clone());
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            runtime.block_on(future);
        })
    };
    let begun = Instant::now();
    while received.load(Ordering::SeqCst) < 4 * EACH {
        notify.notify_one();
        thread::yield_now();
        assert!(begun.elapsed() < LONG, "a notification is lost");
    }
    thread.join().unwrap();
    single.join().unwrap();
    multi.block_on(tokio_task).unwrap();
    smol::block_on(smol_task);
}

#[tokio::test]
async fn async_timeout_stops_a_task() {
    let notify = Notify::new();
    assert_eq!(notify.notified().timeout(SHORT).await, Err(Stop::TimedOut));
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Waiters that come, time out and are dropped; every notification for one that was handed over
/// is received by exactly one, or stored.
#[test]
fn stress_loses_no_notification() {
    let seed = std::env::var("COUNTERPOINT_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(0x5eed_u64);
    println!("seed {seed}");
    let notify = Notify::new();
    let received = AtomicUsize::new(0);
    let handed = AtomicUsize::new(0);
    let stopping = AtomicUsize::new(0);
    thread::scope(|scope| {
        for number in 0..3 {
            let (notify, received, stopping) = (&notify, &received, &stopping);
            scope.spawn(move || {
                let mut random = Random(seed + number);
                while stopping.load(Ordering::SeqCst) == 0 {
                    let got = match random.below(3) {
                        0 => notify
                            .wait_timeout(Duration::from_micros(random.below(100)))
                            .is_ok(),
                        1 => {
                            let mut cx = Context::from_waker(Waker::noop());
                            let mut notified = pin!(notify.notified());
                            let first = notified.as_mut().poll(&mut cx).is_ready();
                            if !first {
                                thread::yield_now();
                            }
                            first
                        }
                        _ => notify.wait_timeout(SHORT).is_ok(),
                    };
                    received.fetch_add(usize::from(got), Ordering::SeqCst);
                }
            });
        }
        let mut random = Random(seed + 7);
        for _ in 0..20_000 {
            let woken = if random.below(2) == 0 {
                notify.notify_one()
            } else {
                notify.notify_last()
            };
            handed.fetch_add(woken, Ordering::SeqCst);
        }
        stopping.store(1, Ordering::SeqCst);
    });
    // What is received was handed over, or stored; what was handed over is received, or passed on
    // and received, or stored at the end, or merged with one that was stored.
    let stored = usize::from(notify.wait_timeout(Duration::ZERO).is_ok());
    assert!(received.load(Ordering::SeqCst) + stored <= 20_000);
    assert!(received.load(Ordering::SeqCst) + stored > 0);
}
