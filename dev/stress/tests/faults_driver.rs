//! A driver of timers that panics when it is told of one; a process of its own, since a driver is
//! for ever.
#![cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]

use counterpoint_wait::timer::{TimerNode, TimerSource, fire, install};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

struct Driver {
    panics: AtomicBool,
    told: AtomicUsize,
}

impl TimerSource for Driver {
    fn earlier(&self, _deadline: Instant) {
        if self.panics.swap(false, Ordering::SeqCst) {
            panic!("the driver's own");
        }
        self.told.fetch_add(1, Ordering::SeqCst);
    }
}

static DRIVER: Driver = Driver {
    panics: AtomicBool::new(false),
    told: AtomicUsize::new(0),
};

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Wakes>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn timers_survive_a_driver_that_panics() {
    install(&DRIVER).unwrap();
    let start = Instant::now() + Duration::from_secs(600);
    let at = |seconds| start + Duration::from_secs(seconds);
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    let mut cx = Context::from_waker(&waker);
    let mut node = Box::pin(TimerNode::new());
    DRIVER.panics.store(true, Ordering::SeqCst);
    let arms = || node.as_mut().poll(at(20), &mut cx).is_pending();
    assert!(catch_unwind(AssertUnwindSafe(arms)).is_err());
    // One that is due earlier is told, and wakes.
    let mut sooner = Box::pin(TimerNode::new());
    assert!(sooner.as_mut().poll(at(10), &mut cx).is_pending());
    assert_eq!(DRIVER.told.load(Ordering::SeqCst), 1);
    assert_eq!(fire(at(10)), Some(at(20)));
    assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
    // So does the one whose driver panicked: it was armed.
    assert_eq!(fire(at(20)), None);
    assert_eq!(wakes.0.load(Ordering::SeqCst), 2);
    drop((node, sooner));
}
