//! Models of `Notify`.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Waker};
use counterpoint_base::prim::atomic::{AtomicU32, RELAXED};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread::{self, JoinHandle};
use counterpoint_model::{Branch, model};
use counterpoint_sync::Notify;
use std::time::Duration;

struct Told {
    notify: Notify,
    value: UnsafeCell<u32>,
    given: AtomicU32,
}

// SAFETY: each model writes `value` before it notifies and reads it after it was notified.
unsafe impl Sync for Told {}
// SAFETY: as above.
unsafe impl Send for Told {}

impl Told {
    fn new() -> Arc<Told> {
        Arc::new(Told {
            notify: Notify::new(),
            value: UnsafeCell::new(0),
            given: AtomicU32::new(0),
        })
    }

    fn write(&self) {
        // SAFETY: written before the one notification.
        self.value.with_mut(|value| unsafe { *value = 7 });
    }

    fn read(&self) {
        // SAFETY: read after the one notification.
        self.value.with(|value| unsafe { assert_eq!(*value, 7) });
    }
}

fn spawn(told: &Arc<Told>, body: fn(&Told)) -> JoinHandle<()> {
    let told = told.clone();
    thread::spawn(move || body(&told))
}

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    for thread in threads {
        thread.join().unwrap();
    }
}

/// Looks once whether there is a notification.
fn received_now(notify: &Notify) -> bool {
    let mut notified = pin!(notify.notified());
    let mut cx = Context::from_waker(Waker::noop());
    notified.as_mut().poll(&mut cx).is_ready()
}

/// Takes a place in line, and leaves it.
fn come_and_go(told: &Told) {
    let mut notified = pin!(told.notify.notified());
    notified.as_mut().enable();
}

/// A notification is stored while somebody looks for it.
fn take_stored(told: &Arc<Told>) {
    let writer = spawn(told, |told| {
        told.write();
        told.notify.notify_one();
        // Relaxed: tells only that the notification was given.
        told.given.store(1, RELAXED);
    });
    let reader = spawn(told, |told| {
        if told.given.load(RELAXED) == 1 {
            assert!(received_now(&told.notify));
            told.read();
        }
    });
    join([writer, reader]);
}

model! {
    /// What was written before a notification is seen by who takes the stored one.
    fn stored_notification_carries_data() {
        take_stored(&Told::new());
    }

    /// The same if one was stored already.
    fn merged_notification_carries_data() {
        let told = Told::new();
        told.notify.notify_one();
        take_stored(&told);
    }

    /// What was handed to a future is seen by it although nothing woke it.
    fn handed_notification_carries_data(preemptions: Some(3)) {
        let told = Told::new();
        let mut first = pin!(told.notify.notified());
        assert!(!first.as_mut().enable());
        let writer = spawn(&told, |told| {
            told.write();
            told.notify.notify_one();
        });
        let other = spawn(&told, come_and_go);
        if first.as_mut().enable() {
            told.read();
        }
        join([writer, other]);
    }

    /// The only notification reaches the waiter, and carries data.
    fn notification_carries_data(branches: [Branch::SpuriousWake], preemptions: Some(3)) {
        let told = Told::new();
        let waiter = spawn(&told, |told| {
            told.notify.wait();
            told.read();
        });
        let writer = spawn(&told, |told| {
            told.write();
            told.notify.notify_one();
        });
        join([waiter, writer]);
    }

    /// A broadcast reaches a future created before it, polled or not, and carries data.
    fn broadcast_carries_data(preemptions: Some(3)) {
        let told = Told::new();
        let early = told.notify.notified();
        let other = spawn(&told, |told| told.notify.wait());
        let writer = spawn(&told, |told| {
            told.write();
            told.notify.notify_all();
        });
        early.wait();
        told.read();
        told.notify.notify_one();
        join([writer, other]);
    }

    /// The first of three in line is chosen and dropped: the second one gets the notification.
    fn dropped_notification_goes_to_the_first(preemptions: Some(3)) {
        let told = Told::new();
        let mut first = Box::pin(told.notify.notified());
        let (mut second, mut third) = (pin!(told.notify.notified()), pin!(told.notify.notified()));
        let early = [first.as_mut(), second.as_mut(), third.as_mut()].map(|one| one.enable());
        assert_eq!(early, [false; 3]);
        let notifier = spawn(&told, |told| { told.notify.notify_one(); });
        let other = spawn(&told, come_and_go);
        drop(first);
        join([notifier, other]);
        assert!(second.enable() && !third.enable());
    }

    /// The last of three in line is chosen and dropped: the second one gets the notification.
    fn dropped_notification_goes_to_the_last(preemptions: Some(3)) {
        let told = Told::new();
        let (mut first, mut second) = (pin!(told.notify.notified()), pin!(told.notify.notified()));
        let mut third = Box::pin(told.notify.notified());
        let early = [first.as_mut(), second.as_mut(), third.as_mut()].map(|one| one.enable());
        assert_eq!(early, [false; 3]);
        let notifier = spawn(&told, |told| { told.notify.notify_last(); });
        let other = spawn(&told, come_and_go);
        drop(third);
        join([notifier, other]);
        assert!(second.enable() && !first.enable());
    }

    /// A notification for one that is dropped reaches a thread that waits, with its data.
    fn dropped_notification_wakes_a_thread(preemptions: Some(3)) {
        let told = Told::new();
        let waiter = spawn(&told, |told| {
            told.notify.wait();
            told.read();
        });
        let dropper = spawn(&told, come_and_go);
        told.write();
        told.notify.notify_one();
        join([dropper, waiter]);
        assert!(!received_now(&told.notify));
    }

    /// The last waiter times out while a broadcast runs: whoever was counted has received it.
    fn broadcast_races_timeout_of_the_last(branches: [Branch::DeadlineFirst], preemptions: Some(3)) {
        let told = Told::new();
        let waiter = {
            let told = told.clone();
            thread::spawn(move || told.notify.wait_timeout(Duration::from_secs(1)).is_ok())
        };
        let broadcaster = {
            let told = told.clone();
            thread::spawn(move || told.notify.notify_all())
        };
        // Without a deadline, this one ends the wait if the broadcast came too early for it.
        let mut handed = told.notify.notify_one();
        handed += broadcaster.join().unwrap();
        let received = waiter.join().unwrap();
        assert!(handed <= usize::from(received));
        // No mark of a waiter is left behind: this is stored, or was before.
        told.notify.notify_one();
        assert!(received_now(&told.notify) && !received_now(&told.notify));
    }

    /// A notification for one races a timeout: taken, or stored for the next.
    fn notification_races_timeout(
        branches: [Branch::DeadlineFirst],
        per_thread: 1,
        preemptions: Some(3),
    ) {
        let told = Told::new();
        let timed: fn(&Told) = |told| {
            if told.notify.wait_timeout(Duration::from_secs(1)).is_ok() {
                told.notify.notify_one();
            }
        };
        let waiters = [spawn(&told, timed), spawn(&told, timed)];
        told.notify.notify_one();
        join(waiters);
        // Whoever took it gave it back.
        assert!(received_now(&told.notify) && !received_now(&told.notify));
    }
}
