//! Models of the buffered mutex.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_model::{Branch, choose, model};
use counterpoint_sync::BufMutex;
use counterpoint_wait::block_on;
use std::time::Duration;

/// What a thread leaves behind without any synchronization but the share's.
struct Work(UnsafeCell<u32>);

// SAFETY: written by one thread before its share ends, read by those who waited for idleness.
unsafe impl Sync for Work {}
// SAFETY: as above.
unsafe impl Send for Work {}

impl Work {
    fn new() -> Arc<Work> {
        Arc::new(Work(UnsafeCell::new(0)))
    }

    fn done(&self) {
        // SAFETY: the only writer; readers wait for its share.
        self.0.with_mut(|work| unsafe { *work += 1 });
    }

    fn see(&self) -> u32 {
        // SAFETY: the writer's share has ended.
        self.0.with(|work| unsafe { *work })
    }
}

type Sum = std::sync::Arc<BufMutex<u32>>;

fn sum() -> Sum {
    std::sync::Arc::new(BufMutex::new(0, |global, local| *global += *local))
}

/// A thread that adds one through a share made here.
fn adder(sum: &Sum, work: &Arc<Work>) -> thread::JoinHandle<()> {
    let (mut share, work) = (sum.share_owned(), work.clone());
    thread::spawn(move || {
        work.done();
        *share.as_mut() += 1;
    })
}

model! {
    /// A thread looks while another merges: it waits for its turn and sees whole values.
    fn a_look_takes_its_turn(preemptions: Some(3)) {
        let sum = sum();
        let adder = adder(&sum, &Work::new());
        let looker = { let sum = sum.clone(); thread::spawn(move || sum.peek()) };
        assert!(looker.join().unwrap() <= 1);
        adder.join().unwrap();
        assert_eq!(sum.peek(), 1);
    }

    /// Two threads merge: none is lost and none sleeps for ever.
    fn merges_exclude_each_other(preemptions: Some(3)) {
        let sum = sum();
        let threads = [0, 1].map(|_| adder(&sum, &Work::new()));
        for thread in threads { thread.join().unwrap(); }
        assert_eq!((sum.peek(), sum.outstanding()), (2, 0));
    }

    /// Idleness shows every merge, and what the threads did before.
    fn idle_sees_every_merge(branches: [Branch::SpuriousWake], per_thread: 1, preemptions: Some(2)) {
        let sum = sum();
        let work = [Work::new(), Work::new()];
        let threads = [0, 1].map(|i| adder(&sum, &work[i]));
        sum.wait_idle();
        assert_eq!((work[0].see(), work[1].see()), (1, 1));
        assert_eq!(sum.take(), 2);
        for thread in threads { thread.join().unwrap(); }
    }

    /// A wait that finds the mutex idle at once sees as much.
    fn found_idle_sees_every_merge(preemptions: Some(3)) {
        let sum = sum();
        let work = [Work::new(), Work::new()];
        let threads = [0, 1].map(|i| adder(&sum, &work[i]));
        if sum.wait_idle_timeout(Duration::ZERO).is_ok() {
            assert_eq!((work[0].see(), work[1].see()), (1, 1));
        }
        for thread in threads { thread.join().unwrap(); }
    }

    /// Shares end without merging: whoever waits for idleness sees what their threads did.
    fn idle_sees_what_was_abandoned(preemptions: Some(3)) {
        let sum = sum();
        let work = [Work::new(), Work::new()];
        let threads = [0, 1].map(|i| {
            let (share, work) = (sum.share_owned(), work[i].clone());
            thread::spawn(move || {
                work.done();
                share.abandon();
            })
        });
        sum.wait_idle();
        assert_eq!((work[0].see(), work[1].see()), (1, 1));
        for thread in threads { thread.join().unwrap(); }
    }

    /// Two waiters for idleness, one of which times out while the last share ends.
    fn timeout_races_the_last_share(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let sum = sum();
        let work = Work::new();
        let thread = adder(&sum, &work);
        let other = sum.clone();
        let waiter = thread::spawn(move || {
            let _ = other.wait_idle_timeout(Duration::from_secs(1));
        });
        sum.wait_idle();
        assert_eq!((work.see(), sum.peek()), (1, 1));
        thread.join().unwrap();
        waiter.join().unwrap();
    }

    /// A queued wait for idleness is dropped while the last share ends; the other waiter is woken.
    fn drop_races_the_last_share(branches: [Branch::DropBeforePoll], preemptions: Some(3)) {
        let sum = sum();
        let work = Work::new();
        let thread = adder(&sum, &work);
        let other = sum.clone();
        let waiter = thread::spawn(move || {
            let mut idle = pin!(other.wait_idle_async());
            let mut cx = Context::from_waker(Waker::noop());
            if idle.as_mut().poll(&mut cx) == Poll::Ready(()) || choose(Branch::DropBeforePoll) {
                return;
            }
            block_on(idle);
        });
        sum.wait_idle();
        assert_eq!((work.see(), sum.peek()), (1, 1));
        thread.join().unwrap();
        waiter.join().unwrap();
    }

    /// A flush and a drop merge beside each other; then the value can be taken out.
    fn flush_races_a_drop(preemptions: Some(3)) {
        let sum = sum();
        let mut share = sum.share_owned();
        let first = thread::spawn(move || {
            *share.as_mut() = 1;
            share.flush();
            *share.as_mut() = 1;
        });
        let second = adder(&sum, &Work::new());
        first.join().unwrap();
        second.join().unwrap();
        assert_eq!(sum.try_get().unwrap(), 3);
    }

    /// Shares end in any order; the result is the same.
    fn ordered_merges_keep_their_order(preemptions: Some(3)) {
        let digits = std::sync::Arc::new(BufMutex::ordered(0, |global: &mut u32, local: &u32| {
            *global = *global * 10 + local;
        }));
        let threads = [1, 2].map(|digit| {
            let mut share = digits.share_owned();
            *share.as_mut() = digit;
            thread::spawn(move || drop(share))
        });
        for thread in threads { thread.join().unwrap(); }
        assert_eq!(digits.peek(), 12);
    }

    /// A merge that finds the main value held goes into a stripe; nothing is lost.
    fn striped_merges_are_not_lost(preemptions: Some(3)) {
        let add = |global: &mut u32, local: &u32| *global += *local;
        let sum = std::sync::Arc::new(BufMutex::striped(0, add, || 0, |all, part| *all += part));
        let threads = [0, 1].map(|_| {
            let mut share = sum.share_owned();
            *share.as_mut() = 1;
            thread::spawn(move || drop(share))
        });
        sum.wait_idle();
        assert_eq!(sum.peek(), 2);
        for thread in threads { thread.join().unwrap(); }
    }

    /// Everything published is counted once, whether its share has ended or not.
    fn live_locals_are_counted_once(preemptions: Some(3)) {
        let sum = std::sync::Arc::new(BufMutex::live(0, |global: &mut u32, local: &u32| *global += *local));
        let mut share = sum.share_owned();
        share.update(|n| *n = 1);
        let dropper = thread::spawn(move || drop(share));
        let looker = { let sum = sum.clone(); thread::spawn(move || sum.peek_all()) };
        assert_eq!(looker.join().unwrap(), 1);
        dropper.join().unwrap();
        assert_eq!((sum.peek_all(), sum.peek()), (1, 1));
    }
}
