//! Models of the condition variable.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Waker};
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread::{self, JoinHandle};
use counterpoint_model::{Branch, model};
use counterpoint_sync::{Condvar, Mutex};
use counterpoint_wait::cancel::{CancelToken, Ctl};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

struct Door {
    open: Mutex<bool>,
    changed: Condvar,
    token: CancelToken,
}

impl Door {
    fn new() -> Arc<Door> {
        Arc::new(Door {
            open: Mutex::new(false),
            changed: Condvar::new(),
            token: CancelToken::new(),
        })
    }

    /// Opens it; tells who waits after the mutex was given back.
    fn open(&self) {
        *self.open.lock() = true;
    }

    fn pass(&self) {
        let mut open = self.open.lock();
        self.changed.wait_while(&mut open, |open| !*open);
    }
}

fn spawn(door: &Arc<Door>, body: fn(&Door)) -> JoinHandle<()> {
    let door = door.clone();
    thread::spawn(move || body(&door))
}

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    for thread in threads {
        thread.join().unwrap();
    }
}

/// Waits, is polled a few times, and is dropped wherever it is then.
fn come_and_go(door: &Door, polls: u32) {
    let mut wait = pin!(door.changed.wait_async(door.open.lock()));
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if wait.as_mut().poll(&mut cx).is_ready() {
            // It has received what it was told, and tells another.
            door.changed.notify_one();
            return;
        }
    }
}

model! {
    /// A change between the look and the wait, or after it, ends the wait.
    fn wait_meets_notification(branches: [Branch::SpuriousWake], per_thread: 1, preemptions: Some(3)) {
        let door = Door::new();
        let waits = spawn(&door, Door::pass);
        let opens = spawn(&door, |door| {
            door.open();
            door.changed.notify_one();
        });
        join([waits, opens]);
    }

    /// A broadcast with the mutex held reaches two that wait, a batch each.
    fn broadcast_reaches_all(preemptions: Some(3)) {
        let door = Door::new();
        let waits = [spawn(&door, Door::pass), spawn(&door, Door::pass)];
        let mut open = door.open.lock();
        *open = true;
        door.changed.notify_all();
        drop(open);
        join(waits);
    }

    /// A deadline comes while one is notified: it is in time or not, and nothing is left behind.
    fn timeout_races_notification(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let door = Door::new();
        let late = spawn(&door, |door| {
            let mut open = door.open.lock();
            let in_time = door.changed.wait_timeout_while(&mut open, SECOND, |open| !*open);
            assert_eq!(in_time.is_ok(), *open);
        });
        let opens = spawn(&door, |door| {
            door.open();
            door.changed.notify_one();
        });
        join([late, opens]);
        assert!(!door.changed.notify_one());
    }

    /// A token is cancelled while one is notified.
    fn cancel_races_notification(preemptions: Some(3)) {
        let door = Door::new();
        let waits = spawn(&door, |door| {
            let ctl = Ctl::new().cancel(&door.token);
            let wait = door.changed.wait_async(door.open.lock());
            let (open, result) = wait.with(&ctl).wait();
            assert!(result.is_err() || *open);
            drop(open);
        });
        let cancels = spawn(&door, |door| {
            door.token.cancel("enough");
        });
        door.open();
        door.changed.notify_one();
        join([waits, cancels]);
        // Whoever was told first, nobody waits, and no mark says that somebody does.
        assert!(!format!("{:?}", door.changed).contains("true"));
    }

    /// One is dropped in its queue: what it was told goes to the other.
    fn dropped_wait_passes_on(preemptions: Some(3)) {
        let door = Door::new();
        let goes = spawn(&door, |door| come_and_go(door, 1));
        let waits = spawn(&door, Door::pass);
        door.open();
        door.changed.notify_one();
        join([goes, waits]);
    }

    /// One is dropped while it takes its mutex again: what it was told goes to the other.
    fn dropped_relock_passes_on(preemptions: Some(3)) {
        let door = Door::new();
        let mut first = Box::pin(door.changed.wait_async(door.open.lock()));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(first.as_mut().poll(&mut cx).is_pending());
        let waits = spawn(&door, Door::pass);
        let opens = spawn(&door, |door| {
            let mut open = door.open.lock();
            *open = true;
            door.changed.notify_one();
        });
        if first.as_mut().poll(&mut cx).is_ready() {
            door.changed.notify_one();
        }
        drop(first);
        join([waits, opens]);
    }
}
