//! The timer thread outlives whatever wakers do.

use counterpoint_wait::timer::{TimerNode, sleep};
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

struct Payload;

impl Drop for Payload {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("a payload panics when dropped");
        }
    }
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        std::panic::panic_any(Payload);
    }
}

/// More due timers than fit into one batch, with wakers that panic with such payloads.
#[test]
fn the_timer_thread_survives_payloads_that_panic_when_dropped() {
    let waker = Waker::from(Arc::new(Panics));
    let mut cx = Context::from_waker(&waker);
    let at = Instant::now() + Duration::from_millis(20);
    let mut nodes: Vec<_> = (0..100).map(|_| Box::pin(TimerNode::new())).collect();
    for node in &mut nodes {
        assert_eq!(node.as_mut().poll(at, &mut cx), Poll::Pending);
    }
    thread::sleep(Duration::from_millis(100));
    let (done, wait) = mpsc::channel();
    thread::spawn(move || {
        let slept = pin!(sleep(Duration::from_millis(20)));
        counterpoint_wait::block_on(slept);
        done.send(()).unwrap();
    });
    wait.recv_timeout(Duration::from_secs(3))
        .expect("the timer thread is gone");
}
