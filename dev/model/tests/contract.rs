//! Models of the wait contract: grant against stop, batons, wakers that panic.

use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Waker};
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_model::exchanger::Exchanger;
use counterpoint_model::{Branch, choose, model};
use counterpoint_sync::Mutex;
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::{Stop, block_on, select_biased};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc as StdArc;
use std::task::Wake;
use std::time::Duration;

/// Wakes nobody, and panics if the model says so.
struct MayPanic;

impl Wake for MayPanic {
    fn wake(self: StdArc<MayPanic>) {
        if choose(Branch::ClosurePanics) {
            panic::resume_unwind(Box::new("a waker"));
        }
    }
}

fn may_panic() -> Waker {
    Waker::from(StdArc::new(MayPanic))
}

fn queue<F: Future>(future: Pin<&mut F>, waker: &Waker) {
    let polled = future.poll(&mut Context::from_waker(waker));
    assert!(polled.is_pending());
}

/// Swaps `mine`, or gets it back.
fn swapped(result: Result<u32, (Stop, u32)>, mine: u32) -> Option<u32> {
    match result {
        Ok(theirs) => Some(theirs),
        Err((_, back)) => {
            assert_eq!(back, mine);
            None
        }
    }
}

fn drop_two_before_a_thread(mutex: Mutex<u32>) {
    let mutex = StdArc::new(mutex);
    let held = mutex.lock_owned();
    let (mut first, mut second) = (Box::pin(mutex.lock_async()), Box::pin(mutex.lock_async()));
    queue(first.as_mut(), Waker::noop());
    queue(second.as_mut(), Waker::noop());
    let unlocks = thread::spawn(move || drop(held));
    let locks = {
        let mutex = mutex.clone();
        thread::spawn(move || *mutex.lock() += 1)
    };
    drop(first);
    drop(second);
    unlocks.join().unwrap();
    locks.join().unwrap();
    assert_eq!(*mutex.try_lock().expect("nobody holds it"), 1);
}

model! {
    /// Two wakers may panic, before and between two threads: both threads wake.
    fn panicking_waker_loses_no_other(branches: [Branch::ClosurePanics], preemptions: Some(3)) {
        let token = CancelToken::new();
        let waker = may_panic();
        let (mut first, mut second) = (pin!(token.cancelled()), pin!(token.cancelled()));
        queue(first.as_mut(), &waker);
        let threads = [0, 1].map(|_| {
            let token = token.clone();
            thread::spawn(move || token.cancelled().wait())
        });
        queue(second.as_mut(), &waker);
        let _ = panic::catch_unwind(AssertUnwindSafe(|| token.cancel("done")));
        for thread in threads {
            thread.join().unwrap();
        }
    }

    /// The same at a lock: whoever unlocks to a waker that panics has unlocked, and the grant of a
    /// future that is dropped goes to a thread.
    fn panicking_waker_keeps_the_lock_going(branches: [Branch::ClosurePanics, Branch::DropBeforePoll], preemptions: Some(3)) {
        let mutex = StdArc::new(Mutex::new(0));
        let held = mutex.lock_owned();
        let mut queued = Box::pin(mutex.lock_async());
        queue(queued.as_mut(), &may_panic());
        let unlocks = thread::spawn(move || {
            let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(held)));
        });
        // A newcomer that overtakes finds the waiter as it unlocks, and then meets its waker.
        let locks = { let mutex = mutex.clone(); thread::spawn(move || {
            let _ = panic::catch_unwind(AssertUnwindSafe(|| *mutex.lock() += 1));
        }) };
        if choose(Branch::DropBeforePoll) {
            drop(queued);
        } else {
            *block_on(queued) += 1;
        }
        unlocks.join().unwrap();
        locks.join().unwrap();
        assert!(*mutex.try_lock().expect("nobody holds it") >= 1);
    }

    /// A result is handed while the deadline comes: both sides agree whether they met.
    fn handing_races_timeout(branches: [Branch::DeadlineFirst, Branch::SpuriousWake], per_thread: 1, preemptions: Some(3)) {
        let place = Arc::new(Exchanger::new());
        let bounded = {
            let place = place.clone();
            thread::spawn(move || swapped(place.swap(1).timeout(Duration::from_secs(1)).wait(), 1))
        };
        let patient = { let place = place.clone(); thread::spawn(move || place.swap(2).wait()) };
        let met = bounded.join().unwrap();
        if met.is_none() {
            assert_eq!(place.swap(3).wait(), 2);
        }
        assert_eq!(patient.join().unwrap(), if met.is_some() { 1 } else { 3 });
    }

    /// A result is handed while the token is cancelled: the same.
    fn handing_races_cancel(preemptions: Some(3)) {
        let (place, token) = (Arc::new(Exchanger::new()), CancelToken::new());
        let partner = {
            let (place, token) = (place.clone(), token.clone());
            thread::spawn(move || {
                let ctl = Ctl::new().cancel(&token);
                swapped(place.swap(2).with(&ctl).wait(), 2)
            })
        };
        let canceller = { let token = token.clone(); thread::spawn(move || { token.cancel("enough"); }) };
        let ctl = Ctl::new().cancel(&token);
        let here = swapped(place.swap(1).with(&ctl).wait(), 1);
        let there = partner.join().unwrap();
        canceller.join().unwrap();
        assert!((here, there) == (None, None) || (here, there) == (Some(2), Some(1)));
    }

    /// Two futures in line before a thread are dropped while the lock is granted to them, one after
    /// the other: the baton reaches the thread.
    fn baton_passes_dropped_futures(preemptions: Some(3)) {
        drop_two_before_a_thread(Mutex::new(0));
    }

    /// The same served strictly in order, where a grant is a reservation.
    fn reservation_passes_dropped_futures(preemptions: Some(3)) {
        drop_two_before_a_thread(Mutex::fair(0));
    }

    /// A select over a lock and a token, while the one is unlocked and the other cancelled: one
    /// arm wins, and the lock is free for the next.
    fn select_of_lock_and_token(preemptions: Some(3)) {
        let (mutex, token) = (Arc::new(Mutex::new(0)), CancelToken::new());
        let held = mutex.lock();
        let waiter = {
            let (mutex, token) = (mutex.clone(), token.clone());
            thread::spawn(move || select_biased! {
                mut guard = mutex.lock_async() => *guard += 1,
                () = token.cancelled() => {}
            })
        };
        let canceller = thread::spawn(move || { token.cancel("enough"); });
        drop(held);
        *mutex.lock() += 1;
        waiter.join().unwrap();
        canceller.join().unwrap();
        assert!(*mutex.try_lock().expect("nobody holds it") >= 1);
    }
}
