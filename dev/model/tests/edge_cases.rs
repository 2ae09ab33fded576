//! Models of races that once went wrong.

use core::pin::pin;
use counterpoint_base::prim::atomic::{AtomicU32, acquire, release};
use counterpoint_base::prim::thread;
use counterpoint_model::{Branch, model};
use counterpoint_sync::{Notify, Semaphore};
use counterpoint_wait::block_on;

model! {
    /// A waiter of an owned permit begins to starve while a permit comes back.
    fn starving_races_release(
        branches: [Branch::DeadlineFirst],
        per_thread: 1,
        preemptions: Some(3),
    ) {
        let semaphore = std::sync::Arc::new(Semaphore::new(1));
        let held = semaphore.try_acquire().unwrap();
        let waits = {
            let semaphore = semaphore.clone();
            thread::spawn(move || drop(semaphore.acquire_owned().unwrap()))
        };
        let tries = {
            let semaphore = semaphore.clone();
            thread::spawn(move || drop(semaphore.try_acquire()))
        };
        drop(held);
        waits.join().unwrap();
        tries.join().unwrap();
        assert_eq!(semaphore.available_permits(), 1);
    }

    /// A waiter takes its place in line and looks; the notifier changes what it looks at and
    /// notifies: one of both sees the other.
    fn notify_n_reaches_who_is_in_line() {
        let shared = std::sync::Arc::new((Notify::new(), AtomicU32::new(0)));
        let notifier = {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.1.store(1, release("test.change"));
                shared.0.notify_n(1);
            })
        };
        let mut notified = pin!(shared.0.notified());
        notified.as_mut().enable();
        if shared.1.load(acquire("test.look")) == 0 {
            block_on(notified);
        }
        notifier.join().unwrap();
    }

    /// The same with a notification that may be stored.
    fn notify_one_reaches_who_is_in_line() {
        let shared = std::sync::Arc::new((Notify::new(), AtomicU32::new(0)));
        let notifier = {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.1.store(1, release("test.change"));
                shared.0.notify_one();
            })
        };
        let mut notified = pin!(shared.0.notified());
        notified.as_mut().enable();
        if shared.1.load(acquire("test.look")) == 0 {
            block_on(notified);
        }
        notifier.join().unwrap();
    }
}
