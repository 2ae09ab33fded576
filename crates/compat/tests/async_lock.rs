//! What async-lock's own tests do not ask of the stand-in.

use counterpoint_compat::async_lock::{
    Barrier, Mutex, MutexGuard, MutexGuardArc, OnceCell, RwLock, RwLockReadGuardArc,
    RwLockUpgradableReadGuard, RwLockUpgradableReadGuardArc, RwLockWriteGuard, RwLockWriteGuardArc,
    Semaphore,
};
use counterpoint_wait::block_on;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

#[test]
fn guards_know_their_mutex() {
    let mutex = Arc::new(Mutex::new(1));
    assert!(std::ptr::eq(
        MutexGuard::source(&mutex.lock_blocking()),
        &*mutex
    ));
    let guard = mutex.try_lock_arc().unwrap();
    assert!(Arc::ptr_eq(MutexGuardArc::source(&guard), &mutex));
    assert_eq!(Arc::strong_count(&mutex), 2);
    drop(guard);
    assert_eq!(Arc::strong_count(&mutex), 1);
}

#[test]
fn an_owned_guard_is_the_last_owner() {
    let value = Arc::new(());
    let lock = Arc::new(RwLock::new(value.clone()));
    let guard = lock.read_arc_blocking();
    drop(lock);
    assert_eq!(Arc::strong_count(&guard), 2);
    drop(guard);
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn an_owned_guard_may_be_one_of_a_value_that_lives_shorter() {
    let lock = Arc::new(RwLock::new("for ever"));
    let text = String::from("short");
    let mut guard: RwLockReadGuardArc<&str> = Arc::new(RwLock::new(&*text)).read_arc_blocking();
    assert_eq!(*guard, "short");
    guard = lock.read_arc_blocking();
    assert!(lock.try_write().is_none());
    drop(guard);
    assert!(lock.try_write().is_some());
}

#[test]
fn guards_become_others() {
    block_on(async {
        let lock = Arc::new(RwLock::new(1));
        let upgradable = RwLockWriteGuard::downgrade_to_upgradable(lock.write().await);
        assert!(lock.try_upgradable_read().is_none());
        drop(RwLockUpgradableReadGuard::downgrade(upgradable));
        let read = RwLockWriteGuard::downgrade(lock.write().await);
        assert_eq!(*read + *lock.read().await, 2);
        drop(read);
        let upgradable = RwLockWriteGuardArc::downgrade_to_upgradable(lock.write_arc().await);
        let read = RwLockUpgradableReadGuardArc::downgrade(upgradable);
        let upgradable = lock.upgradable_read_arc().await;
        let upgradable = RwLockUpgradableReadGuardArc::try_upgrade(upgradable).unwrap_err();
        drop(read);
        *RwLockUpgradableReadGuardArc::upgrade(upgradable).await += 1;
        assert_eq!(*RwLockWriteGuardArc::downgrade(lock.write_arc().await), 2);
    });
}

#[test]
fn permits_can_be_forgotten() {
    let semaphore = Arc::new(Semaphore::new(2));
    semaphore.acquire_blocking().forget();
    semaphore.acquire_arc_blocking().forget();
    assert_eq!(semaphore.available_permits(), 0);
    semaphore.add_permits(1);
    drop(block_on(semaphore.acquire_arc()));
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn a_wait_at_a_barrier_that_is_dropped_takes_its_arrival_back() {
    let barrier = Barrier::new(2);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(pin!(barrier.wait()).poll(&mut cx).is_pending());
    let mut first = pin!(barrier.wait());
    assert!(first.as_mut().poll(&mut cx).is_pending());
    assert!(barrier.wait_blocking().is_leader());
    assert!(first.poll(&mut cx).is_ready());
}

#[test]
fn cells_are_filled_once() {
    block_on(async {
        let mut cell = OnceCell::new();
        assert_eq!(cell.get_or_try_init(async || Err("no")).await, Err("no"));
        assert_eq!(cell.get_or_try_init_blocking(|| Err("no")), Err("no"));
        assert_eq!(cell.set(1).await, Ok(&1));
        assert_eq!(cell.set(2).await, Err(2));
        assert_eq!((cell.set_blocking(2), cell.try_set(3)), (Err(2), Err(3)));
        assert_eq!((cell.wait().await, cell.wait_blocking()), (&1, &1));
        assert_eq!(cell.get_or_init(async || unreachable!()).await, &1);
        assert_eq!((cell.take(), cell.is_initialized()), (Some(1), false));
        assert_eq!(cell.get_or_init_blocking(|| 4), &4);
        *cell.get_mut().unwrap() += 1;
        assert_eq!(
            (cell.get(), OnceCell::from(6).into_inner()),
            (Some(&5), Some(6))
        );
    });
}

#[test]
fn a_cell_that_is_full_may_be_read_without_a_look() {
    let cell = OnceCell::from(5);
    // SAFETY: it was made full.
    assert_eq!(unsafe { cell.get_unchecked() }, &5);
}
