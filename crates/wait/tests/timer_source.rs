//! Timers under a driver that a runtime installed; a process of its own, since that is for ever.

use counterpoint_wait::parker::{Parker, UnparkReason};
use counterpoint_wait::timer::{AlreadyInstalled, TimerNode, TimerSource, fire, install};
use std::panic::catch_unwind;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

/// A driver that only writes down what it is told.
struct Told(Mutex<Vec<Instant>>);

impl TimerSource for Told {
    fn earlier(&self, deadline: Instant) {
        self.0.lock().unwrap().push(deadline);
    }
}

static TOLD: Told = Told(Mutex::new(Vec::new()));

fn told() -> Vec<Instant> {
    std::mem::take(&mut TOLD.0.lock().unwrap())
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Count>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Panics>) {
        panic!("the waker's own");
    }
}

fn armed(deadline: Instant, waker: &Waker) -> Pin<Box<TimerNode>> {
    let mut node = Box::pin(TimerNode::new());
    assert!(
        node.as_mut()
            .poll(deadline, &mut Context::from_waker(waker))
            .is_pending()
    );
    node
}

#[test]
fn installed_source_drives() {
    let start = Instant::now() + Duration::from_secs(600);
    let at = |seconds: u64| start + Duration::from_secs(seconds);
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());

    // First the thread drives.
    let parker = Parker::new();
    let unpark = Waker::from(parker.unparker().clone());
    let soon = armed(Instant::now() + Duration::from_millis(200), &unpark);
    assert_eq!(
        parker.park_timeout(Duration::from_secs(30)),
        UnparkReason::Unparked
    );
    drop(soon);
    let waits = armed(at(100), &waker);

    // A timer that was armed before goes with the source, and the thread ends.
    assert_eq!(install(&TOLD), Ok(()));
    assert_eq!(told(), [at(100)]);
    assert_eq!(install(&TOLD), Err(AlreadyInstalled));
    assert!(!AlreadyInstalled.to_string().is_empty());
    assert_thread_ends();

    // It is told about an earlier one, and about nothing else.
    let later = armed(at(200), &waker);
    assert_eq!(told(), []);
    let mut sooner = armed(at(50), &waker);
    assert_eq!(told(), [at(50)]);
    sooner.as_mut().disarm();
    let mut again = armed(at(60), &waker);
    assert_eq!(told(), [], "it promised to look at 50");

    // It looks, finds nothing, and owes the next one.
    assert_eq!(fire(at(50)), Some(at(60)));
    let moved = again
        .as_mut()
        .poll(at(55), &mut Context::from_waker(&waker));
    assert!(moved.is_pending());
    assert_eq!(told(), [at(55)]);
    assert_eq!(count.0.load(Ordering::SeqCst), 0);
    assert_eq!(fire(at(100)), Some(at(200)));
    assert_eq!(count.0.load(Ordering::SeqCst), 2);

    // A panic goes on after all were woken, and costs no timer.
    let many: Vec<_> = (0..100)
        .map(|index| {
            let waker = if index == 5 {
                Arc::new(Panics).into()
            } else {
                waker.clone()
            };
            armed(at(110), &waker)
        })
        .collect();
    assert_eq!(told(), [at(110)]);
    assert!(catch_unwind(|| fire(at(110))).is_err());
    assert_eq!(count.0.load(Ordering::SeqCst), 2 + 99);
    assert_eq!(fire(at(110)), Some(at(200)));

    drop((waits, later, sooner, again, many));
    assert_eq!(fire(at(110)), None);
    let last = armed(at(300), &waker);
    assert_eq!(told(), [at(300)]);
    drop(last);
}

#[cfg(target_os = "linux")]
fn assert_thread_ends() {
    let names = || {
        std::fs::read_dir("/proc/self/task")
            .unwrap()
            .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok())
    };
    let limit = Instant::now() + Duration::from_secs(30);
    while names().any(|name| name.starts_with("counterpoint-ti")) {
        assert!(Instant::now() < limit, "the timer thread is still there");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[cfg(not(target_os = "linux"))]
fn assert_thread_ends() {}
