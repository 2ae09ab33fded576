//! Models of the event.

use core::pin::pin;
use counterpoint_base::prim::atomic::{AtomicU32, RELAXED};
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_model::{Branch, choose, model};
use counterpoint_wait::event::Event;
use counterpoint_wait::listener;
use std::time::Duration;

/// Items that are put and taken with relaxed accesses only: whoever waits for one relies on the
/// event.
struct Items {
    count: AtomicU32,
    event: Event,
}

impl Items {
    fn new() -> Arc<Items> {
        Arc::new(Items {
            count: AtomicU32::new(0),
            event: Event::new(),
        })
    }

    fn put(&self) {
        self.count.fetch_add(1, RELAXED);
        self.event.notify_additional(1);
    }

    fn try_take(&self) -> bool {
        // What the first look reads may be old, unless the event sees to it.
        let mut count = self.count.load(RELAXED);
        while count > 0 {
            match self
                .count
                .compare_exchange(count, count - 1, RELAXED, RELAXED)
            {
                Ok(_) => return true,
                Err(found) => count = found,
            }
        }
        false
    }

    fn take(&self) {
        loop {
            listener!(self.event.listen() => listener);
            if self.try_take() {
                return;
            }
            listener.wait_pinned();
            if self.try_take() {
                return;
            }
        }
    }
}

model! {
    /// Two listeners enable and look while a change is announced: neither sleeps for ever.
    fn listen_then_check_loses_nothing(preemptions: Some(3)) {
        let ready = Arc::new((AtomicU32::new(0), Event::new()));
        let wait = || {
            let ready = ready.clone();
            thread::spawn(move || {
                listener!(ready.1.listen() => listener);
                if ready.0.load(RELAXED) == 0 {
                    listener.wait_pinned();
                    assert_eq!(ready.0.load(RELAXED), 1);
                }
            })
        };
        let (a, b) = (wait(), wait());
        ready.0.store(1, RELAXED);
        ready.1.notify(usize::MAX);
        a.join().unwrap();
        b.join().unwrap();
        assert_eq!(ready.1.total_listeners(), 0);
    }

    /// Two changes, two announcements, one listener that the second may rely on: if it was not
    /// gone after the second announcement, it sees the second change.
    fn who_is_counted_sees_the_change(preemptions: Some(3)) {
        let shared = Arc::new((AtomicU32::new(0), Event::new()));
        let mut listener = pin!(shared.1.listen());
        listener.as_mut().enable();
        let first = {
            let shared = shared.clone();
            thread::spawn(move || { shared.1.notify(1); })
        };
        let second = {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.0.store(1, RELAXED);
                shared.1.notify(1);
                shared.1.is_notified()
            })
        };
        listener.wait_pinned();
        let seen = shared.0.load(RELAXED);
        first.join().unwrap();
        let was_there = second.join().unwrap();
        assert!(seen == 1 || !was_there);
    }

    /// A listener that was told is dropped: the additional notification reaches the other.
    fn additional_races_drop(branches: [Branch::DropBeforePoll], per_thread: 1, preemptions: Some(3)) {
        let items = Items::new();
        let dropper = {
            let items = items.clone();
            thread::spawn(move || {
                listener!(items.event.listen() => listener);
                if items.try_take() || choose(Branch::DropBeforePoll) {
                    return;
                }
                listener.wait_pinned();
                items.try_take();
            })
        };
        let taker = { let items = items.clone(); thread::spawn(move || items.take()) };
        items.put();
        items.put();
        taker.join().unwrap();
        dropper.join().unwrap();
        assert_eq!(items.event.total_listeners(), 0);
    }

    /// Two items, two takers, and the first in line is dropped: what it was told goes to the second
    /// taker although the first may have been told as well.
    fn additional_goes_to_another(preemptions: Some(3)) {
        let items = Items::new();
        let taker = || {
            let items = items.clone();
            thread::spawn(move || items.take())
        };
        let (a, b) = {
            listener!(items.event.listen() => _listener);
            let takers = (taker(), taker());
            items.put();
            items.put();
            takers
        };
        a.join().unwrap();
        b.join().unwrap();
        assert_eq!(items.event.total_listeners(), 0);
    }

    /// A listener times out while it is told: it is told, or the notification reaches the other.
    fn timeout_races_notify(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let items = Items::new();
        let timed = {
            let items = items.clone();
            thread::spawn(move || {
                listener!(items.event.listen().timeout(Duration::from_secs(1)) => listener);
                if !items.try_take() && listener.wait_pinned().is_ok() {
                    items.try_take();
                }
            })
        };
        let taker = { let items = items.clone(); thread::spawn(move || items.take()) };
        items.put();
        items.put();
        taker.join().unwrap();
        timed.join().unwrap();
        assert_eq!(items.event.total_listeners(), 0);
    }

    /// One tag, one listener that takes it and one that is dropped, told or not: the tag arrives.
    fn tag_is_passed_on(preemptions: Some(3)) {
        let event = Arc::new(Event::<Arc<u32>>::new());
        let dropper = {
            let event = event.clone();
            thread::spawn(move || {
                listener!(event.listen() => _listener);
            })
        };
        listener!(event.listen() => listener);
        let notifier = {
            let event = event.clone();
            thread::spawn(move || event.notify_additional_tagged(1, Arc::new(7)))
        };
        assert_eq!(*listener.wait_pinned(), 7);
        assert_eq!(notifier.join().unwrap(), 1);
        dropper.join().unwrap();
        assert_eq!(event.total_listeners(), 0);
    }
}
