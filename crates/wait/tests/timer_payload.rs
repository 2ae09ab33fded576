//! The timer thread outlives whatever wakers do.

use counterpoint_wait::timer::{TimerNode, sleep};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

/// Payloads and what their destructors panicked with: made, and dropped for good.
static MADE: AtomicUsize = AtomicUsize::new(0);
static DROPPED: AtomicUsize = AtomicUsize::new(0);

struct Payload;

impl Drop for Payload {
    fn drop(&mut self) {
        std::panic::panic_any(Last);
    }
}

struct Last;

impl Drop for Last {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::SeqCst);
    }
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        MADE.fetch_add(1, Ordering::SeqCst);
        std::panic::panic_any(Payload);
    }
}

/// More due timers than fit into one batch, with wakers that panic with such payloads.
#[test]
fn the_timer_thread_survives_payloads_that_panic_when_dropped() {
    let waker = Waker::from(Arc::new(Panics));
    let mut cx = Context::from_waker(&waker);
    // Longer each time, until all are in before their time.
    let mut soon = Duration::from_millis(20);
    let nodes = loop {
        let at = Instant::now() + soon;
        let mut nodes: Vec<_> = (0..100).map(|_| Box::pin(TimerNode::new())).collect();
        let mut waits = nodes.iter_mut().map(|node| node.as_mut().poll(at, &mut cx));
        if waits.all(|polled| polled == Poll::Pending) {
            thread::sleep(soon + Duration::from_millis(80));
            break nodes;
        }
        soon *= 2;
    };
    let (done, wait) = mpsc::channel();
    thread::spawn(move || {
        let slept = pin!(sleep(Duration::from_millis(20)));
        counterpoint_wait::block_on(slept);
        done.send(()).unwrap();
    });
    wait.recv_timeout(Duration::from_secs(3))
        .expect("the timer thread is gone");
    // No panic leaves anything behind.
    drop(nodes);
    let end = Instant::now() + Duration::from_secs(10);
    while MADE.load(Ordering::SeqCst) != DROPPED.load(Ordering::SeqCst) {
        assert!(Instant::now() < end, "payloads are left");
        thread::sleep(Duration::from_millis(1));
    }
    assert!(MADE.load(Ordering::SeqCst) >= 100);
}
