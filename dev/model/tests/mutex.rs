//! Models of the mutex.

use core::future::Future;
use core::pin::pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker};
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_base::record;
use counterpoint_model::{Branch, choose, model};
use counterpoint_sync::{Mutex, MutexGuard};
use counterpoint_wait::{Operation, Stop, block_on, waker};
use std::sync::Arc as StdArc;
use std::task::Wake;
use std::time::Duration;

/// Starts `count` threads that run `body` with the mutex, runs it here as well, and returns the
/// value at the end, which somebody else must then still be able to lock.
fn contend(mutex: Mutex<u32>, count: usize, body: fn(&Mutex<u32>)) -> u32 {
    let mutex = Arc::new(mutex);
    let threads: Vec<_> = (0..count)
        .map(|_| {
            let mutex = mutex.clone();
            thread::spawn(move || body(&mutex))
        })
        .collect();
    body(&mutex);
    for thread in threads {
        thread.join().unwrap();
    }
    *mutex.try_lock().expect("everyone has unlocked")
}

fn add(mutex: &Mutex<u32>) {
    *mutex.lock() += 1;
}

/// Polls a lock operation once and drops it, or awaits it.
fn add_or_drop(mutex: &Mutex<u32>) {
    let mut lock = pin!(mutex.lock_async());
    let mut cx = Context::from_waker(Waker::noop());
    if let Poll::Ready(mut guard) = lock.as_mut().poll(&mut cx) {
        *guard += 1;
        return;
    }
    if choose(Branch::DropBeforePoll) {
        return;
    }
    *block_on(lock) += 1;
}

/// Was it woken?
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: StdArc<Woken>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

model! {
    /// Two threads and the main one add under the lock; none is lost and none sleeps for ever.
    fn mutex_excludes(preemptions: Some(3)) {
        assert_eq!(contend(Mutex::new(0), 2, add), 3);
    }

    /// The same, served strictly in order.
    fn fair_mutex_excludes(preemptions: Some(3)) {
        assert_eq!(contend(Mutex::fair(0), 2, add), 3);
    }

    /// A future that a fair unlock reserved the lock for is dropped: who comes next sees what the
    /// holder did, by the word alone.
    fn fair_unlock_meets_a_dropped_future(preemptions: Some(3)) {
        let mutex = Arc::new(Mutex::new(0));
        let mut held = mutex.lock();
        let dropper = { let mutex = mutex.clone(); thread::spawn(move || {
            let mut lock = pin!(mutex.lock_async());
            drop(lock.as_mut().poll(&mut Context::from_waker(Waker::noop())));
        }) };
        let other = { let mutex = mutex.clone(); thread::spawn(move || add(&mutex)) };
        *held += 1;
        MutexGuard::unlock_fair(held);
        dropper.join().unwrap();
        other.join().unwrap();
        assert_eq!(*mutex.lock(), 2);
    }

    /// The last waiter registers while the holder unlocks on the fast path.
    fn last_waiter_registers_while_unlocking(branches: [Branch::SpuriousWake]) {
        assert_eq!(contend(Mutex::new(0), 1, add), 2);
    }

    /// A waiter times out while the lock is granted to it: the others still get it.
    fn timeout_races_unlock(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let value = contend(Mutex::new(0), 2, |mutex| {
            if let Ok(mut guard) = mutex.lock_timeout(Duration::from_secs(1)) {
                *guard += 1;
            }
        });
        assert!((1..=3).contains(&value));
    }

    /// A queued future is dropped while the lock is granted to it: the next waiter gets it.
    fn drop_races_unlock(branches: [Branch::DropBeforePoll], preemptions: Some(3)) {
        let value = contend(Mutex::new(0), 2, add_or_drop);
        assert!((1..=3).contains(&value));
    }

    /// A thread that would wait for ever beside a dropped future: the baton reaches it.
    fn dropped_baton_is_passed_on(branches: [Branch::DropBeforePoll], preemptions: Some(3)) {
        let mutex = Arc::new(Mutex::new(0));
        let held = mutex.lock();
        let dropper = { let mutex = mutex.clone(); thread::spawn(move || add_or_drop(&mutex)) };
        let waiter = { let mutex = mutex.clone(); thread::spawn(move || add(&mutex)) };
        drop(held);
        waiter.join().unwrap();
        dropper.join().unwrap();
        assert!(*mutex.lock() >= 1);
    }

    /// A blocked thread is granted the lock, somebody overtakes it, and its time is over: it leaves no
    /// mark behind, so the next in line is woken by whoever unlocks.
    fn late_thread_passes_the_baton(preemptions: Some(3)) {
        let mutex = Arc::new(Mutex::new(0));
        let held = mutex.lock();
        let mut late = pin!(mutex.lock_async());
        // As a thread that waits for it polls it.
        let thread = record::with(waker::committed);
        assert!(late.as_mut().poll(&mut Context::from_waker(&thread)).is_pending());
        let woken = StdArc::new(Woken(AtomicBool::new(false)));
        let mut next = pin!(mutex.lock_async());
        let waker = Waker::from(woken.clone());
        assert!(next.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let others = [(); 2].map(|()| { let mutex = mutex.clone(); thread::spawn(move || {
            if let Ok(mut guard) = mutex.try_lock() {
                *guard += 1;
            }
        }) });
        drop(held);
        drop(late.stop(Stop::TimedOut));
        for other in others {
            other.join().unwrap();
        }
        assert!(woken.0.load(Ordering::Relaxed), "nobody woke who waits");
    }
}
