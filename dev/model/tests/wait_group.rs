//! Models of the wait group.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_model::{Branch, choose, model};
use counterpoint_sync::WaitGroup;
use counterpoint_wait::block_on;
use std::time::Duration;

/// What a worker leaves behind without any synchronization but the group's.
struct Work(UnsafeCell<u32>);

// SAFETY: written by one worker before it drops its handle, read by those who waited for it.
unsafe impl Sync for Work {}
// SAFETY: as above.
unsafe impl Send for Work {}

fn work() -> Arc<Work> {
    Arc::new(Work(UnsafeCell::new(0)))
}

impl Work {
    fn done(&self) {
        // SAFETY: the only writer; readers wait for its handle.
        self.0.with_mut(|work| unsafe { *work += 1 });
    }

    fn see(&self) -> u32 {
        // SAFETY: the writer's handle is gone.
        self.0.with(|work| unsafe { *work })
    }
}

fn worker(group: &WaitGroup, work: &Arc<Work>) -> thread::JoinHandle<()> {
    let (group, work) = (group.clone(), work.clone());
    thread::spawn(move || {
        work.done();
        drop(group);
    })
}

model! {
    /// Two workers end while the main thread begins to wait: it sees the work of both.
    fn last_unit_dropped_while_waiting(branches: [Branch::SpuriousWake], per_thread: 1) {
        let group = WaitGroup::new();
        let (first, second) = (work(), work());
        let threads = [worker(&group, &first), worker(&group, &second)];
        group.wait();
        assert_eq!((first.see(), second.see()), (1, 1));
        for thread in threads { thread.join().unwrap(); }
    }

    /// The same by reference.
    fn last_unit_dropped_while_waiting_by_reference() {
        let group = WaitGroup::new();
        let (first, second) = (work(), work());
        let threads = [worker(&group, &first), worker(&group, &second)];
        group.wait_ref();
        assert_eq!((first.see(), second.see()), (1, 1));
        assert_eq!(group.count(), 1);
        for thread in threads { thread.join().unwrap(); }
    }

    /// A wait that never queues sees the others' work as well.
    fn alone_sees_the_others_work() {
        let group = WaitGroup::new();
        let (first, second) = (work(), work());
        let threads = [worker(&group, &first), worker(&group, &second)];
        if group.try_wait() {
            assert_eq!((first.see(), second.see()), (1, 1));
        }
        for thread in threads { thread.join().unwrap(); }
    }

    /// Three handles, all of which wait by reference in the end: nobody waits for ever, and each
    /// has its unit again.
    fn waiters_by_reference_release_each_other(preemptions: Some(3)) {
        let group = WaitGroup::new();
        let threads = [0, 1].map(|_| {
            let group = group.clone();
            thread::spawn(move || {
                group.wait_ref();
                group
            })
        });
        group.wait_ref();
        let [first, second] = threads.map(|thread| thread.join().unwrap());
        assert_eq!(group.count(), 3);
        drop(first);
        assert!(!group.try_wait());
        drop(second);
        assert!(group.try_wait());
    }

    /// One waits by value, one by reference, and the third handle is dropped.
    fn both_kinds_of_waiters(preemptions: Some(3)) {
        let group = WaitGroup::new();
        let by_value = group.clone();
        let seen = work();
        let first = thread::spawn(move || by_value.wait());
        let second = worker(&group, &seen);
        group.wait_ref();
        assert_eq!(seen.see(), 1);
        first.join().unwrap();
        second.join().unwrap();
        assert_eq!(group.count(), 1);
    }

    /// Two threads wait through one handle: its unit is lent once.
    fn two_wait_through_one_handle(preemptions: Some(3)) {
        let group = Arc::new(WaitGroup::new());
        let seen = work();
        let worker = worker(&group, &seen);
        let other = group.clone();
        let waiter = thread::spawn(move || other.wait_ref());
        group.wait_ref();
        assert_eq!(seen.see(), 1);
        worker.join().unwrap();
        waiter.join().unwrap();
        assert_eq!(group.count(), 1);
    }

    /// A wait times out while the last unit goes: it keeps its unit or is released, and the other
    /// waiter is released in any case once all is done.
    fn timeout_races_the_last_drop(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let group = WaitGroup::new();
        let impatient = group.clone();
        let first = thread::spawn(move || {
            if let Err(error) = impatient.wait_timeout(Duration::from_secs(1)) {
                drop(error.into_inner());
            }
        });
        let seen = work();
        let second = worker(&group, &seen);
        match group.wait_ref_timeout(Duration::from_secs(1)) {
            Ok(()) => assert_eq!(seen.see(), 1),
            Err(_) => group.wait_ref(),
        }
        assert_eq!(seen.see(), 1);
        assert_eq!(group.count(), 1);
        first.join().unwrap();
        second.join().unwrap();
    }

    /// One of three waits, gives up and keeps its handle: the last one, if it finds itself alone
    /// while that unit is lent, sees what was done before.
    fn alone_sees_who_gave_up(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let group = WaitGroup::new();
        let (first, second) = (work(), work());
        let impatient = {
            let (group, work) = (group.clone(), first.clone());
            thread::spawn(move || {
                work.done();
                group.wait_timeout(Duration::from_secs(1)).err()
            })
        };
        let worker = worker(&group, &second);
        let mut wait = Box::pin(group.wait_async());
        let mut cx = Context::from_waker(Waker::noop());
        if wait.as_mut().poll(&mut cx).is_ready() {
            assert_eq!((first.see(), second.see()), (1, 1));
        }
        drop(wait);
        impatient.join().unwrap();
        worker.join().unwrap();
    }

    /// A queued wait is dropped while the last unit goes.
    fn drop_races_the_last_drop(branches: [Branch::DropBeforePoll], preemptions: Some(3)) {
        let group = WaitGroup::new();
        let fickle = group.clone();
        let first = thread::spawn(move || {
            let mut wait = pin!(fickle.wait_async());
            let mut cx = Context::from_waker(Waker::noop());
            if wait.as_mut().poll(&mut cx) == Poll::Ready(()) || choose(Branch::DropBeforePoll) {
                return;
            }
            block_on(wait);
        });
        let seen = work();
        let second = worker(&group, &seen);
        group.wait();
        assert_eq!(seen.see(), 1);
        first.join().unwrap();
        second.join().unwrap();
    }
}
