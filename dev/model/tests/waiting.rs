//! Models of the edges of the queue, of the cancel token's waiters, and of reservations.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_model::exchanger::Exchanger;
use counterpoint_model::{Branch, choose, model};
use counterpoint_sync::{Mutex, MutexGuard};
use counterpoint_wait::block_on;
use counterpoint_wait::cancel::CancelToken;
use std::time::Duration;

struct Cell(UnsafeCell<u32>);

// SAFETY: the models see to it that accesses are ordered; loom checks it.
unsafe impl Sync for Cell {}
// SAFETY: as above.
unsafe impl Send for Cell {}

impl Cell {
    fn new() -> Arc<Cell> {
        Arc::new(Cell(UnsafeCell::new(0)))
    }

    fn set(&self, to: u32) {
        // SAFETY: ordered by the model.
        self.0.with_mut(|value| unsafe { *value = to });
    }

    fn get(&self) -> u32 {
        // SAFETY: ordered by the model.
        self.0.with(|value| unsafe { *value })
    }
}

/// Two want the lock while its holder does `leave`.
fn barge(leave: fn(MutexGuard<'_, u32>)) {
    let mutex = Arc::new(Mutex::new(0));
    let held = mutex.lock();
    let threads = [0, 1].map(|_| {
        let mutex = mutex.clone();
        thread::spawn(move || *mutex.lock() += 1)
    });
    leave(held);
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(*mutex.try_lock().expect("unlocked"), 2);
}

model! {
    /// What was done before `cancel` is seen by who was told of it, however it was told (W11).
    fn cancel_orders_what_was_before(branches: [Branch::SpuriousWake]) {
        let token = CancelToken::new();
        let cell = Cell::new();
        let canceller = {
            let (token, cell) = (token.clone(), cell.clone());
            thread::spawn(move || { cell.set(1); token.cancel("stop"); })
        };
        token.cancelled().wait();
        assert_eq!(cell.get(), 1);
        assert_eq!(token.reason(), Some("stop"));
        canceller.join().unwrap();
    }


    /// What a partner did before the meeting is seen after it, without a lock in between.
    fn meeting_orders_what_was_before(branches: [Branch::SpuriousWake], per_thread: 1) {
        let place = Arc::new(Exchanger::<u32>::new());
        let cell = Cell::new();
        let partner = {
            let (place, cell) = (place.clone(), cell.clone());
            thread::spawn(move || { cell.set(1); place.swap(10).wait() })
        };
        assert_eq!(place.swap(1).wait(), 10);
        assert_eq!(cell.get(), 1);
        assert_eq!(partner.join().unwrap(), 1);
    }

    /// The same through a select.
    fn select_orders_what_was_before(branches: [Branch::SpuriousWake], per_thread: 1, preemptions: Some(3)) {
        let places = Arc::new((Exchanger::<u32>::new(), Exchanger::<u32>::new()));
        let cell = Cell::new();
        let partner = {
            let (places, cell) = (places.clone(), cell.clone());
            thread::spawn(move || { cell.set(1); places.1.swap(10).wait() })
        };
        let theirs = counterpoint_wait::select_biased! {
            theirs = places.0.swap(1) => theirs,
            theirs = places.1.swap(1) => theirs,
        };
        assert_eq!(theirs, 10);
        assert_eq!(cell.get(), 1);
        assert_eq!(partner.join().unwrap(), 1);
    }

    /// A fair lock, reserved for a future that nobody polls, then polled or dropped late, while
    /// two threads want it and their grace ends at any moment.
    fn revocation_races_claim(branches: [Branch::DeadlineFirst, Branch::DropBeforePoll], per_thread: 2, preemptions: Some(3)) {
        let mutex = Arc::new(Mutex::fair(0));
        let mut first = Box::pin(mutex.lock_async());
        let held = mutex.lock();
        assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(held);
        let other = {
            let mutex = mutex.clone();
            thread::spawn(move || *mutex.lock() += 1)
        };
        if !choose(Branch::DropBeforePoll) {
            *block_on(first.as_mut()) += 1;
        }
        drop(first);
        other.join().unwrap();
        *mutex.lock() += 1;
        assert!(mutex.try_lock().is_ok());
    }

    /// A default lock whose holder unlocks fairly: whoever is first in line may be late.
    fn unlock_fair_races_barging(branches: [Branch::DeadlineFirst], per_thread: 2, preemptions: Some(3)) {
        barge(|guard| {
            MutexGuard::unlock_fair(guard);
        });
    }

    /// A holder that lets the first in line go before it, and then goes on.
    fn bump_races_barging(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        barge(|mut guard| MutexGuard::bump(&mut guard));
    }

    /// A waiter that starves at any moment asks for a reservation.
    fn starving_waiter_is_served(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let mutex = Arc::new(Mutex::new(0));
        let threads: Vec<_> = (0..2).map(|_| {
            let mutex = mutex.clone();
            thread::spawn(move || for _ in 0..2 { *mutex.lock() += 1; })
        }).collect();
        *mutex.lock() += 1;
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(*mutex.try_lock().expect("unlocked"), 5);
    }

    /// A cancelled wait passes on what it was granted.
    fn cancel_races_unlock(preemptions: Some(3)) {
        let mutex = Arc::new(Mutex::new(0));
        let token = CancelToken::new();
        let held = mutex.lock();
        let waiter = {
            let (mutex, token) = (mutex.clone(), token.clone());
            thread::spawn(move || {
                let ctl = counterpoint_wait::cancel::Ctl::new().cancel(&token);
                if let Ok(mut guard) = mutex.lock_async().with(&ctl).wait() {
                    *guard += 1;
                }
            })
        };
        let canceller = thread::spawn(move || { token.cancel("stop"); });
        drop(held);
        *mutex.lock() += 1;
        waiter.join().unwrap();
        canceller.join().unwrap();
        assert!((1..=2).contains(&*mutex.try_lock().expect("unlocked")));
    }

    /// A timed wait that ends as it is granted, beside one that lasts: the lock reaches the other.
    fn timeout_passes_the_baton(branches: [Branch::DeadlineFirst], per_thread: 3, preemptions: Some(3)) {
        let mutex = Arc::new(Mutex::new(0));
        let held = mutex.lock();
        let timed = {
            let mutex = mutex.clone();
            thread::spawn(move || {
                let _ = mutex.lock_timeout(Duration::from_secs(1)).map(|mut guard| *guard += 1);
            })
        };
        let lasting = { let mutex = mutex.clone(); thread::spawn(move || *mutex.lock() += 1) };
        drop(held);
        lasting.join().unwrap();
        timed.join().unwrap();
        assert!((1..=2).contains(&*mutex.try_lock().expect("unlocked")));
    }

    /// A task that is polled while it is queued takes a free lock that was granted to another.
    fn looking_again_races_unlock(branches: [Branch::DropBeforePoll], preemptions: Some(3)) {
        let mutex = Arc::new(Mutex::new(0));
        let held = mutex.lock();
        let poller = {
            let mutex = mutex.clone();
            thread::spawn(move || {
                let mut lock = pin!(mutex.lock_async());
                for _ in 0..2 {
                    if let Poll::Ready(mut guard) = lock.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                        *guard += 1;
                        return;
                    }
                }
                if !choose(Branch::DropBeforePoll) {
                    *block_on(lock) += 1;
                }
            })
        };
        let other = { let mutex = mutex.clone(); thread::spawn(move || *mutex.lock() += 1) };
        drop(held);
        other.join().unwrap();
        poller.join().unwrap();
        assert!((1..=2).contains(&*mutex.try_lock().expect("unlocked")));
    }
}

model! {
    /// Weak exchanges may fail at any place.
    fn weak_exchanges_fail(branches: [Branch::WeakFails], per_thread: 1, preemptions: Some(3)) {
        let mutex = Arc::new(Mutex::new(0));
        let held = mutex.lock();
        let dropper = {
            let mutex = mutex.clone();
            thread::spawn(move || {
                let mut lock = pin!(mutex.lock_async());
                let _ = lock.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            })
        };
        let other = { let mutex = mutex.clone(); thread::spawn(move || *mutex.lock() += 1) };
        drop(held);
        other.join().unwrap();
        dropper.join().unwrap();
        assert_eq!(*mutex.try_lock().expect("unlocked"), 1);
    }

    /// A select over a fair lock and a token, beside a thread that wants the lock.
    fn select_of_reserved_lock_and_token(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let mutex = Arc::new(Mutex::fair(0));
        let token = CancelToken::new();
        let mut dormant = Box::pin(mutex.lock_async());
        let held = mutex.lock();
        assert!(dormant.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(held);
        let canceller = { let token = token.clone(); thread::spawn(move || { token.cancel("stop"); }) };
        let other = { let mutex = mutex.clone(); thread::spawn(move || *mutex.lock() += 1) };
        counterpoint_wait::select_biased! {
            () = token.cancelled() => (),
            mut guard = mutex.lock_async() => *guard += 1,
        }
        drop(dormant);
        other.join().unwrap();
        canceller.join().unwrap();
        assert!(mutex.try_lock().is_ok());
    }
}

model! {
    /// What was done before `cancel` is seen by who only asks.
    fn cancel_is_seen_by_asking() {
        let token = CancelToken::new();
        let cell = Cell::new();
        let canceller = {
            let (token, cell) = (token.clone(), cell.clone());
            thread::spawn(move || { cell.set(1); token.cancel("stop"); })
        };
        let asker = || {
            let (token, cell) = (token.clone(), cell.clone());
            thread::spawn(move || for _ in 0..2 {
                if token.is_cancelled() {
                    assert_eq!(cell.get(), 1);
                    assert_eq!(token.reason(), Some("stop"));
                }
            })
        };
        for thread in [canceller, asker(), asker()] {
            thread.join().unwrap();
        }
    }

    /// A task that was granted and is not polled suppresses no wake-up: the next unlock wakes the
    /// thread behind it.
    fn a_granted_task_suppresses_no_wake_up(preemptions: Some(3)) {
        let mutex = Arc::new(Mutex::new(0));
        let mut dormant = Box::pin(mutex.lock_async());
        let held = mutex.lock();
        assert!(dormant.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let other = { let mutex = mutex.clone(); thread::spawn(move || *mutex.lock() += 1) };
        drop(held);
        *mutex.lock() += 1;
        other.join().unwrap();
        drop(dormant);
        assert_eq!(*mutex.try_lock().expect("unlocked"), 2);
    }

    /// A reserved lock is taken by nobody but the one it is reserved for.
    fn a_reservation_keeps_others_out(preemptions: Some(3)) {
        let mutex = Arc::new(Mutex::new(0));
        let mut first = Box::pin(mutex.lock_async());
        let held = mutex.lock();
        assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        MutexGuard::unlock_fair(held);
        let others: Vec<_> = (0..2).map(|_| {
            let mutex = mutex.clone();
            thread::spawn(move || { let mut guard = mutex.lock(); *guard += 1; assert!(*guard > 10); })
        }).collect();
        assert!(mutex.try_lock().is_err());
        *block_on(first.as_mut()) = 10;
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(*mutex.try_lock().expect("unlocked"), 12);
    }
}
