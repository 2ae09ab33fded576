//! Wakers that panic: nothing is lost, nothing stays, nothing is unlocked twice (W5).

use super::subjects::{all, batons, broadcasts};
use super::wakers::{Moment, Probe, caught};
use counterpoint_sync::{Mutex, MutexGuard};
use counterpoint_wait::select::{Select, arm};
use std::panic::{self, AssertUnwindSafe};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

#[test]
fn w5_a_panicking_wake_up_loses_no_other() {
    // More than one batch, and one that panics in each.
    const WAITERS: usize = 70;
    for subject in broadcasts() {
        let (bad, armed) = Probe::panicking(Moment::Wake);
        let mut waits = Vec::new();
        for number in 0..WAITERS {
            let probe = if number == 3 {
                bad.clone()
            } else {
                Probe::new()
            };
            let mut wait = (subject.wait)();
            assert!(probe.poll(wait.as_mut()).is_pending());
            waits.push((probe, wait));
        }
        armed.store(true, Ordering::SeqCst);
        caught(Moment::Wake, || (subject.open)());
        for (number, (probe, wait)) in waits.iter_mut().enumerate() {
            assert_eq!(probe.wakes(), 1, "{} {number}", subject.verb);
            assert!(probe.poll(wait.as_mut()).is_ready());
            assert_eq!(probe.live(), 0);
        }
    }
}

#[test]
fn w5_a_panicking_wake_up_keeps_its_grant() {
    for subject in batons() {
        let (probe, armed) = Probe::panicking(Moment::Wake);
        let mut wait = (subject.wait)();
        assert!(probe.poll(wait.as_mut()).is_pending());
        armed.store(true, Ordering::SeqCst);
        caught(Moment::Wake, || (subject.open)());
        let Poll::Ready(won) = probe.poll(wait.as_mut()) else {
            panic!("{} was granted", subject.verb);
        };
        drop(won);
        assert!(Probe::new().poll((subject.wait)().as_mut()).is_ready());
    }
}

#[test]
fn w5_a_waker_that_panics_when_cloned_leaves_the_wait_as_it_was() {
    for subject in all() {
        let (bad, armed) = Probe::panicking(Moment::Clone);
        let probe = Probe::new();
        let mut wait = (subject.wait)();
        // Before it queues, and while it is queued with another one.
        for queued in [false, true] {
            armed.store(true, Ordering::SeqCst);
            caught(Moment::Clone, || drop(bad.poll(wait.as_mut())));
            assert!(probe.poll(wait.as_mut()).is_pending(), "{queued}");
        }
        (subject.open)();
        assert_eq!(probe.wakes(), 1, "{}", subject.verb);
        assert!(probe.poll(wait.as_mut()).is_ready());
        assert_eq!(bad.live(), 0);
    }
}

#[test]
fn w5_a_waker_that_panics_when_dropped_leaves_no_trace() {
    for subject in all() {
        let (bad, armed) = Probe::panicking(Moment::Drop);
        let mut wait = (subject.wait)();
        let waker = bad.waker();
        let polled = wait.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        armed.store(true, Ordering::SeqCst);
        caught(Moment::Drop, || drop(wait));
        drop(waker);
        assert_eq!(bad.live(), 0);
        (subject.open)();
        assert_eq!(bad.wakes(), 0, "{}", subject.verb);
        assert!(Probe::new().poll((subject.wait)().as_mut()).is_ready());
    }
}

#[test]
fn w5_a_panicking_wake_up_does_not_unlock_twice() {
    fn first_waiter_panics(release: impl FnOnce(&mut MutexGuard<'_, u32>)) {
        let mutex = Mutex::new(0);
        let (probe, armed) = Probe::panicking(Moment::Wake);
        let mut wait = Box::pin(mutex.lock_async());
        let mut guard = mutex.lock();
        assert!(probe.poll(wait.as_mut()).is_pending());
        armed.store(true, Ordering::SeqCst);
        caught(Moment::Wake, || release(&mut guard));
        // The guard lives on, so it holds the lock.
        assert!(mutex.is_locked());
        assert!(mutex.try_lock().is_err());
        assert!(probe.poll(wait.as_mut()).is_pending());
        drop(guard);
        assert!(probe.poll(wait.as_mut()).is_ready());
    }
    first_waiter_panics(|guard| MutexGuard::unlocked(guard, || ()));
    #[allow(clippy::redundant_closure, reason = "a path is not general enough")]
    first_waiter_panics(|guard| MutexGuard::bump(guard));
}

#[test]
fn w5_a_waker_that_panics_when_dropped_does_not_stop_a_select_from_leaving() {
    for wakers_before in 0..2 {
        let (a, b) = (Mutex::new(()), Mutex::new(()));
        let (held_a, held_b) = (a.lock(), b.lock());
        let (mut first, mut second) = (pin!(arm(a.lock_async())), pin!(arm(b.lock_async())));
        let mut select = Select::biased();
        select.add(first.as_mut());
        select.add(second.as_mut());
        let left = Arc::new(AtomicUsize::new(usize::MAX));
        let fuse = left.clone();
        let bad = Probe::with(move |now| {
            if now == Moment::Drop && fuse.fetch_sub(1, Ordering::SeqCst) == 0 {
                panic::panic_any(Moment::Drop);
            }
        });
        let waker = bad.waker();
        let mut wait = Box::pin(select.wait_async());
        let mut cx = Context::from_waker(&waker);
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        // The first arm has won when the select is dropped.
        drop(held_a);
        left.store(wakers_before, Ordering::SeqCst);
        // The waker of the first arm was woken; that of the second is dropped.
        let dropped = panic::catch_unwind(AssertUnwindSafe(|| drop(wait)));
        left.store(usize::MAX, Ordering::SeqCst);
        assert_eq!(dropped.is_err(), wakers_before < 1);
        drop(held_b);
        // Both arms are as new: a later select uses them.
        assert_eq!(select.try_now(), Some(0));
        drop(select);
        drop(first.as_mut().take().expect("it won"));
        drop(waker);
        assert_eq!(bad.live(), 0);
        assert!(a.try_lock().is_ok() && b.try_lock().is_ok());
    }
}
