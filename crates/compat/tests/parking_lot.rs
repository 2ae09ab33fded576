//! What parking_lot's own tests do not ask of the stand-in.

use counterpoint_compat::parking_lot::lock_api::RawMutex as _;
use counterpoint_compat::parking_lot::{
    Condvar, FairMutex, Mutex, Once, OnceState, RawMutex, RawThreadId, ReentrantMutex, RwLock,
    RwLockUpgradableReadGuard, RwLockWriteGuard, const_fair_mutex, const_mutex,
    const_reentrant_mutex, const_rwlock, lock_api::MutexGuard,
};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(2);

static MUTEX: Mutex<u32> = const_mutex(1);
static FAIR: FairMutex<u32> = const_fair_mutex(1);
static AGAIN: ReentrantMutex<Cell<u32>> = const_reentrant_mutex(Cell::new(1));
static LOCK: RwLock<u32> = const_rwlock(1);

#[test]
fn locks_may_be_constants() {
    *MUTEX.lock() += 1;
    *FAIR.lock() += 1;
    AGAIN.lock().set(2);
    *LOCK.write() += 1;
    assert_eq!((*MUTEX.lock(), *FAIR.lock()), (2, 2));
    assert_eq!((AGAIN.lock().get(), *LOCK.read()), (2, 2));
}

#[test]
fn a_panic_unlocks_and_does_not_poison() {
    let (mutex, lock) = (Mutex::new(1), RwLock::new(1));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _held = (mutex.lock(), lock.write());
        panic!("planned");
    }));
    assert!(panicked.is_err());
    assert_eq!(*mutex.lock() + *lock.read(), 2);
}

#[test]
fn guards_may_be_sent() {
    let mutex = Mutex::new(1);
    let guard = mutex.lock();
    thread::scope(|scope| {
        scope.spawn(move || drop(guard));
    });
    assert!(!mutex.is_locked());
}

#[test]
fn timed_forms_end() {
    let (mutex, lock) = (Mutex::new(()), RwLock::new(()));
    let held = (mutex.lock(), lock.write());
    assert!(mutex.try_lock_for(SHORT).is_none());
    assert!(mutex.try_lock_until(Instant::now() + SHORT).is_none());
    assert!(lock.try_read_for(SHORT).is_none() && lock.try_write_for(SHORT).is_none());
    assert!(lock.try_upgradable_read_for(SHORT).is_none());
    drop(held);
    assert!(mutex.try_lock_for(SHORT).is_some() && lock.try_read_recursive_for(SHORT).is_some());
}

#[test]
fn an_upgrade_that_times_out_gives_the_guard_back() {
    let lock = RwLock::new(1);
    let other = lock.read();
    let read = lock.upgradable_read();
    let read = RwLockUpgradableReadGuard::try_upgrade_for(read, SHORT).unwrap_err();
    let read = RwLockUpgradableReadGuard::try_upgrade(read).unwrap_err();
    drop(other);
    let mut written = RwLockUpgradableReadGuard::try_upgrade_for(read, SHORT).unwrap();
    *written += 1;
    let read = RwLockWriteGuard::downgrade_to_upgradable(written);
    assert!(lock.try_upgradable_read().is_none());
    let read = RwLockUpgradableReadGuard::downgrade(read);
    assert_eq!(*read + *lock.upgradable_read(), 4);
}

#[test]
fn fair_unlocks_and_bumps_keep_the_lock_whole() {
    let (mutex, lock) = (Mutex::new(0), RwLock::new(0));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let mut guard = mutex.lock();
                    *guard += 1;
                    MutexGuard::<'_, RawMutex, _>::bump(&mut guard);
                    MutexGuard::unlock_fair(guard);
                    let mut written = lock.write();
                    *written += 1;
                    RwLockWriteGuard::bump(&mut written);
                    RwLockWriteGuard::unlock_fair(written);
                }
            });
        }
    });
    assert_eq!((*mutex.lock(), *lock.read()), (150, 150));
}

#[test]
fn guards_that_own() {
    let mutex = Arc::new(Mutex::new(1));
    let guard = mutex.lock_arc();
    assert!(mutex.try_lock_arc().is_none());
    drop(guard);
    let lock = Arc::new(RwLock::new(1));
    assert_eq!(*lock.read_arc() + *lock.upgradable_read_arc(), 2);
}

#[test]
fn a_thread_may_lock_again_and_others_wait() {
    let mutex = ReentrantMutex::const_new(RawMutex::INIT, RawThreadId, Cell::new(0));
    let outer = mutex.lock();
    mutex.lock().set(1);
    thread::scope(|scope| {
        scope.spawn(|| assert!(mutex.try_lock().is_none()));
    });
    assert_eq!(outer.get(), 1);
}

#[test]
fn a_condition_that_panics_leaves_the_guard_held() {
    let (mutex, changed) = (Mutex::new(0), Condvar::new());
    let mut guard = mutex.lock();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        changed.wait_while(&mut guard, |_| panic!("planned"));
    }));
    assert!(panicked.is_err() && mutex.is_locked());
    assert!(changed.wait_for(&mut guard, SHORT).timed_out() && mutex.is_locked());
    assert!(
        !changed
            .wait_while_for(&mut guard, |_| false, SHORT)
            .timed_out()
    );
    drop(guard);
    assert!(!mutex.is_locked());
}

#[test]
fn waiters_are_counted_and_woken() {
    let shared = Arc::new((Mutex::new(0), Condvar::new()));
    let threads = [(); 3].map(|()| {
        let shared = shared.clone();
        thread::spawn(move || {
            let mut guard = shared.0.lock();
            *guard += 1;
            shared.1.wait(&mut guard);
        })
    });
    while *shared.0.lock() < 3 {
        thread::yield_now();
    }
    // Whoever has the lock now finds all three waiting.
    let guard = shared.0.lock();
    assert!(shared.1.notify_one());
    assert_eq!((shared.1.notify_all(), shared.1.notify_all()), (2, 0));
    drop(guard);
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn a_once_tells_how_far_it_is() {
    let once = Once::new();
    assert_eq!(once.state(), OnceState::New);
    let panicked = catch_unwind(AssertUnwindSafe(|| once.call_once(|| panic!("planned"))));
    assert!(panicked.is_err() && once.state().poisoned());
    once.call_once_force(|state| {
        assert!(state.poisoned());
        assert_eq!(once.state(), OnceState::InProgress);
    });
    assert!(once.state().done());
    assert_eq!(format!("{once:?}"), "Once { state: Done }");
}
