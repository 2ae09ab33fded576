//! The events that are reset by hand and by themselves, form by form.

mod task;

use counterpoint_sync::{AutoResetEvent, ManualResetEvent};
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::{Stop, block_on, select, select_async};
use std::cell::Cell;
use std::future::{Future, pending, poll_fn, ready};
use std::panic::{self, AssertUnwindSafe};
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

struct Bomb(std::sync::Mutex<bool>);
impl Wake for Bomb {
    fn wake(self: Arc<Bomb>) {
        if std::mem::take(&mut *self.0.lock().unwrap()) {
            panic!("a waker panics");
        }
    }
}

fn bomb() -> Waker {
    Waker::from(Arc::new(Bomb(std::sync::Mutex::new(true))))
}

#[test]
fn a_gate_is_open_while_it_is_set() {
    let event = ManualResetEvent::new(true);
    event.wait();
    assert_eq!(event.wait_timeout(Duration::ZERO), Ok(()));
    assert_eq!(event.wait_deadline(Instant::now()), Ok(()));
    block_on(event.wait_async());
    assert!(event.is_set() && !event.set() && event.reset() && !event.reset());
    assert_eq!(event.wait_timeout(SHORT), Err(Stop::TimedOut));
    assert_eq!(event.wait_deadline(Instant::now()), Err(Stop::TimedOut));
    let mut waits = [(); 70].map(|()| Task::queued(event.wait_async()));
    assert!(event.set());
    // Also those that look late go through, and those that come late do not.
    event.reset();
    let mut late = Task::queued(event.wait_async());
    for wait in &mut waits {
        assert_eq!(wait.woken(), 1);
        wait.ready();
    }
    assert!(late.poll().is_pending() && event.set());
    late.ready();
    assert_eq!(
        format!("{event:?} {:?}", ManualResetEvent::default()),
        "ManualResetEvent { set: true, .. } ManualResetEvent { set: false, .. }"
    );
    // With the hooks each knows where it was made.
    if size_of::<counterpoint_wait::hooks::Hold>() == 0 {
        assert_eq!(size_of::<ManualResetEvent>(), 16);
        assert_eq!(size_of::<AutoResetEvent>(), 16);
    }
}

#[test]
fn an_arm_misses_no_short_set() {
    // Arms are polled in an order that is drawn.
    for _ in 0..20 {
        let (event, short) = (ManualResetEvent::new(false), Cell::new(false));
        let mut select = Task::queued(async {
            select_async! {
                () = event.wait_async() => {},
                () = poll_fn(|_| {
                    // The arm of the event is out of its line while this one is polled.
                    if short.take() {
                        assert!(event.set() && event.reset());
                    }
                    Poll::Pending
                }) => unreachable!(),
            }
        });
        short.set(true);
        select.ready();
    }
    // Nor if its bound ends it at that moment.
    let (event, short) = (ManualResetEvent::new(false), Cell::new(false));
    let mut select = Task::queued(async {
        select_async! {
            result = event.wait_async().until(poll_fn(|_| match short.get() {
                true => {
                    assert!(event.set() && event.reset());
                    Poll::Ready(())
                }
                false => Poll::Pending,
            })) => result,
            () = pending::<()>() => unreachable!(),
        }
    });
    short.set(true);
    assert_eq!(select.ready(), Ok(()));
}

#[test]
fn a_turnstile_lets_one_through() {
    let event = AutoResetEvent::new(true);
    assert!(event.is_set() && !event.set());
    event.wait();
    assert!(!event.is_set() && !event.try_wait() && !event.reset());
    assert_eq!(event.wait_timeout(SHORT), Err(Stop::TimedOut));
    assert_eq!(event.wait_deadline(Instant::now()), Err(Stop::TimedOut));
    let mut waits = [(); 3].map(|()| Task::queued(event.wait_async()));
    assert!(event.set());
    assert_eq!(waits.each_ref().map(Task::woken), [1, 0, 0]);
    assert!(!event.is_set() && !event.try_wait(), "it is spoken for");
    let [first, second, third] = &mut waits;
    first.ready();
    assert!(event.set() && event.set() && !event.set());
    second.ready();
    third.ready();
    assert_eq!(event.wait_timeout(Duration::ZERO), Ok(()));
    event.set();
    assert!(event.reset());
    assert_eq!(event.wait_timeout(Duration::ZERO), Err(Stop::TimedOut));
    event.set();
    assert_eq!(event.wait_deadline(Instant::now()), Ok(()));
    let text = "AutoResetEvent { set: false, .. }";
    assert_eq!(format!("{:?}", AutoResetEvent::default()), text);
}

#[test]
fn who_is_let_through_and_dropped_lets_another_through() {
    let event = AutoResetEvent::new(false);
    let first = Task::queued(event.wait_async());
    let mut second = Task::queued(event.wait_async());
    event.set();
    drop(first);
    assert_eq!(second.woken(), 1);
    second.ready();
    // Nobody waits: it stays set.
    let alone = Task::queued(event.wait_async());
    event.set();
    drop(alone);
    assert!(event.reset());
    // One that leaves before it was let through leaves nothing.
    drop(Task::queued(event.wait_async()));
    assert!(!event.set() && event.try_wait());
    // What came first wins.
    let mut timed = Task::queued(event.wait_async().timeout(SHORT));
    assert!(event.set());
    thread::sleep(2 * SHORT);
    assert_eq!(timed.ready(), Ok(()));
}

#[test]
fn tokens_and_futures_end_a_wait() {
    let (manual, auto, token) = (
        ManualResetEvent::new(false),
        AutoResetEvent::new(false),
        CancelToken::new(),
    );
    let ctl = Ctl::new().cancel(&token);
    let stopped = Err(Stop::Cancelled);
    assert_eq!(block_on(manual.wait_async().until(ready(()))), stopped);
    assert_eq!(auto.wait_async().until(ready(())).wait(), stopped);
    let mut waits = (
        Task::queued(manual.wait_async().with(&ctl)),
        Task::queued(auto.wait_async().with(&ctl).timeout(LONG)),
    );
    token.cancel("enough");
    assert_eq!((waits.0.ready(), waits.1.ready()), (stopped, stopped));
    manual.set();
    auto.set();
    assert_eq!(manual.wait_async().with(&ctl).wait(), stopped);
    assert_eq!(auto.wait_async().with(&ctl).wait(), stopped);
    assert!(auto.reset(), "nothing was tried");
}

#[test]
fn they_are_arms() {
    let (manual, auto) = (ManualResetEvent::new(false), AutoResetEvent::new(true));
    select! {
        () = manual.wait_async() => panic!("it is closed"),
        () = auto.wait_async() => {}
    }
    assert!(!auto.is_set());
    let mut select = Task::queued(async {
        select_async! {
            () = manual.wait_async() => 1,
            () = auto.wait_async() => 2,
            () = pending::<()>() => 3,
        }
    });
    manual.set();
    auto.set();
    assert_eq!((select.ready(), auto.reset()), (1, true));
}

#[test]
fn a_panicking_waker_stops_nobody() {
    let event = ManualResetEvent::new(false);
    let mut first = Box::pin(event.wait_async());
    let pending = first.as_mut().poll(&mut Context::from_waker(&bomb()));
    assert!(pending.is_pending());
    let mut others: Vec<_> = (0..70).map(|_| Task::queued(event.wait_async())).collect();
    assert!(panics(|| event.set()));
    others.iter_mut().for_each(|other| other.ready());
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(first.as_mut().poll(&mut cx), Poll::Ready(()));
    let event = AutoResetEvent::new(false);
    let mut first = Box::pin(event.wait_async());
    let pending = first.as_mut().poll(&mut Context::from_waker(&bomb()));
    assert!(pending.is_pending());
    assert!(panics(|| event.set()));
    drop(first);
    assert!(event.reset(), "it was passed on");
}

#[test]
fn each_set_lets_one_of_many_threads_through() {
    let (event, through, rounds) = (AutoResetEvent::new(false), AtomicUsize::new(0), 2000);
    thread::scope(|scope| {
        for number in 0..3 {
            let (event, through) = (&event, &through);
            scope.spawn(move || {
                while through.load(Ordering::SeqCst) < rounds {
                    let soon = Duration::from_micros(200);
                    let came = match number {
                        0 => event.wait_timeout(soon).is_ok(),
                        1 => block_on(event.wait_async().timeout(soon)).is_ok(),
                        _ => {
                            let mut wait = Box::pin(event.wait_async());
                            let mut cx = Context::from_waker(Waker::noop());
                            let mut poll = || wait.as_mut().poll(&mut cx).is_ready();
                            poll() || {
                                thread::yield_now();
                                poll()
                            }
                        }
                    };
                    if came {
                        through.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
        for round in 0..rounds {
            event.set();
            while through.load(Ordering::SeqCst) <= round {
                thread::yield_now();
            }
        }
    });
    assert_eq!(through.load(Ordering::SeqCst), rounds);
    assert!(!event.is_set());
}
