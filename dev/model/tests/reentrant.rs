//! Models of the reentrant mutex.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_model::{Branch, choose, model};
use counterpoint_sync::{ReentrantMutex, ReentrantMutexGuard};
use counterpoint_wait::block_on;

/// A number that only a holder may touch.
type Number = UnsafeCell<u32>;

fn add(guard: &ReentrantMutexGuard<'_, Number>) {
    // SAFETY: the guard holds the lock; the checker says so if it does not.
    guard.with_mut(|number| unsafe { *number += 1 });
}

/// Locks twice, lets go of the first guard first, and adds before and after.
fn nest(mutex: &ReentrantMutex<Number>) {
    let outer = mutex.lock();
    let inner = mutex.lock();
    add(&outer);
    drop(outer);
    add(&inner);
}

/// Two more threads run the body; returns the number at the end.
fn with_two(body: fn(&ReentrantMutex<Number>)) -> u32 {
    let mutex = Arc::new(ReentrantMutex::new(UnsafeCell::new(0)));
    let threads = [0, 1].map(|_| {
        let mutex = mutex.clone();
        thread::spawn(move || body(&mutex))
    });
    for thread in threads {
        thread.join().unwrap();
    }
    let guard = mutex.try_lock().expect("everyone has unlocked");
    // SAFETY: as in `add`.
    guard.with(|number| unsafe { *number })
}

model! {
    /// A lock that was taken twice is held until both guards are gone.
    fn nested_locks_exclude(preemptions: Some(3)) {
        assert_eq!(with_two(nest), 4);
    }

    /// A future that another thread's last guard grants the lock to is dropped, or takes it.
    fn a_dropped_wait_meets_the_last_guard(branches: [Branch::DropBeforePoll], preemptions: Some(3)) {
        let number = with_two(|mutex| {
            let mut lock = pin!(mutex.lock_async());
            let mut cx = Context::from_waker(Waker::noop());
            match lock.as_mut().poll(&mut cx) {
                Poll::Ready(guard) => {
                    let again = mutex.lock();
                    add(&guard);
                    drop(guard);
                    add(&again);
                }
                Poll::Pending if choose(Branch::DropBeforePoll) => {}
                Poll::Pending => add(&block_on(lock)),
            }
        });
        assert!((2..=4).contains(&number));
    }
}
