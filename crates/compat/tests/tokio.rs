//! What tokio's own tests do not ask of the stand-in, and what it does in another way.

use counterpoint_compat::tokio::sync::{
    Barrier, Mutex, Notify, OnceCell, OwnedMutexGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard,
    RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore, SetOnce, TryAcquireError,
};
use counterpoint_compat::tokio_util::sync::CancellationToken;
use counterpoint_wait::block_on;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

/// Polls once; true if it is pending.
macro_rules! waits {
    ($future:expr) => {
        $future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    };
}

#[test]
fn blocking_verbs_block_inside_a_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (mutex, lock) = (Arc::new(Mutex::new(1)), RwLock::new(2));
        assert_eq!(*mutex.blocking_lock(), 1);
        assert_eq!(*mutex.clone().blocking_lock_owned(), 1);
        assert_eq!(*lock.blocking_read() + *lock.blocking_read(), 4);
        *lock.blocking_write() += 1;
        assert_eq!(lock.into_inner(), 3);
        let semaphore = Semaphore::new(1);
        assert_eq!(semaphore.blocking_acquire().unwrap().num_permits(), 1);
    });
}

#[test]
fn guards_know_what_they_hold() {
    let mutex = Arc::new(Mutex::new(1));
    let guard = mutex.try_lock().unwrap();
    assert!(std::ptr::eq(
        counterpoint_compat::tokio::sync::MutexGuard::mutex(&guard),
        &*mutex
    ));
    drop(guard);
    let owned = mutex.clone().try_lock_owned().unwrap();
    assert!(Arc::ptr_eq(OwnedMutexGuard::mutex(&owned), &mutex));
    assert_eq!(Arc::strong_count(&mutex), 2);
    drop(owned);
    assert_eq!(Arc::strong_count(&mutex), 1);

    let lock = Arc::new(RwLock::new(1));
    let read = lock.clone().try_read_owned().unwrap();
    assert!(Arc::ptr_eq(OwnedRwLockReadGuard::rwlock(&read), &lock));
    drop(read);
    let written = lock.clone().try_write_owned().unwrap();
    assert!(Arc::ptr_eq(OwnedRwLockWriteGuard::rwlock(&written), &lock));
}

#[test]
fn owned_guards_of_values_without_a_size() {
    let mutex: Arc<Mutex<[i32]>> = Arc::new(Mutex::new([1, 2]));
    let mut guard = block_on(mutex.clone().lock_owned());
    guard[0] = 3;
    let part = OwnedMutexGuard::map(guard, |values| &mut values[1]);
    assert_eq!(*part, 2);
    drop(part);
    assert_eq!(block_on(mutex.lock()).to_vec(), [3, 2]);
}

#[test]
fn parts_of_guards() {
    let lock = RwLock::new((1, "two"));
    let written = lock.try_write().unwrap();
    let written = match RwLockWriteGuard::try_downgrade_map(written, |_| None::<&i32>) {
        Ok(_) => panic!("there was no part"),
        Err(guard) => guard,
    };
    assert!(lock.try_read().is_err(), "still written");
    let part = RwLockWriteGuard::try_downgrade_map(written, |pair| Some(&pair.1));
    let part = part.unwrap_or_else(|_| panic!("there is a part"));
    assert_eq!(*part, "two");
    let other = RwLockReadGuard::map(lock.try_read().unwrap(), |pair| &pair.0);
    assert_eq!(*other, 1);
    drop((part, other));
    let all = RwLockWriteGuard::into_mapped(lock.try_write().unwrap());
    assert_eq!(all.0, 1);
}

#[test]
fn those_in_line_come_first() {
    let mutex = Mutex::new(());
    let held = mutex.try_lock().unwrap();
    let mut first = pin!(mutex.lock());
    assert!(waits!(first));
    drop(held);
    assert!(mutex.try_lock().is_err());
    assert!(!waits!(first));
}

#[test]
fn a_batch_that_waits_takes_nothing_until_all_is_there() {
    let semaphore = Semaphore::new(1);
    let mut batch = pin!(semaphore.acquire_many(2));
    assert!(waits!(batch));
    assert_eq!(semaphore.available_permits(), 1);
    assert_eq!(
        semaphore.try_acquire().err(),
        Some(TryAcquireError::NoPermits)
    );
    semaphore.add_permits(1);
    assert!(!waits!(batch));
    semaphore.close();
    assert_eq!(semaphore.try_acquire().err(), Some(TryAcquireError::Closed));
    let closed = block_on(semaphore.acquire()).unwrap_err();
    assert_eq!(closed.to_string(), "semaphore closed");
}

#[test]
fn a_wait_at_a_barrier_that_is_dropped_takes_its_arrival_back() {
    let barrier = Barrier::new(2);
    {
        let mut dropped = pin!(barrier.wait());
        assert!(waits!(dropped));
    }
    let mut first = pin!(barrier.wait());
    assert!(waits!(first));
    assert!(block_on(barrier.wait()).is_leader());
    assert!(!waits!(first));
}

#[test]
fn a_future_that_is_enabled_is_in_line() {
    let notify = Arc::new(Notify::const_new());
    let mut early = pin!(notify.clone().notified_owned());
    assert!(!early.as_mut().enable());
    notify.notify_one();
    assert!(early.as_mut().enable());
    assert!(!waits!(early));
    notify.notify_last();
    block_on(notify.notified());
}

#[test]
fn cells_show_their_values() {
    let (cell, once) = (OnceCell::new_with(Some(1)), SetOnce::<i32>::new());
    assert_eq!(format!("{cell:?}"), "OnceCell { value: Some(1) }");
    assert_eq!(format!("{once:?}"), "SetOnce { value: None }");
    assert_eq!(
        cell.set(2).unwrap_err().to_string(),
        "AlreadyInitializedError"
    );
    assert_eq!(once.set(2), Ok(()));
    assert_eq!(once.set(3).unwrap_err().0, 3);
    assert_eq!(*block_on(once.wait()), 2);
    assert_eq!(block_on(cell.get_or_try_init(async || Err("no"))), Ok(&1));
    assert_eq!(format!("{:?}", Mutex::new(1)), "Mutex { data: 1 }");
}

/// As an arm of a loop of `select!`, say.
#[test]
fn a_signal_that_was_seen_is_seen_again() {
    let (notify, token) = (Arc::new(Notify::new()), CancellationToken::new());
    notify.notify_one();
    let mut notified = pin!(notify.notified());
    assert!(!waits!(notified) && !waits!(notified));
    notify.notify_one();
    let mut owned = pin!(notify.clone().notified_owned());
    assert!(!waits!(owned) && !waits!(owned));
    let mut cancelled = pin!(token.cancelled());
    let mut kept = pin!(token.clone().cancelled_owned());
    assert!(waits!(cancelled) && waits!(kept));
    token.cancel();
    assert!(!waits!(cancelled) && !waits!(cancelled));
    assert!(!waits!(kept) && !waits!(kept));
}

#[test]
fn a_future_that_was_cancelled_is_dropped_at_once() {
    let (token, held) = (CancellationToken::new(), Arc::new(()));
    let clone = held.clone();
    let mut run = pin!(token.run_until_cancelled(async move {
        let _held = clone;
        std::future::pending::<()>().await;
    }));
    assert!(waits!(run));
    assert_eq!(Arc::strong_count(&held), 2);
    token.cancel();
    assert!(!waits!(run));
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn guards_that_cancel_show_their_token() {
    let token = CancellationToken::new();
    let guard = token.clone().drop_guard();
    assert!(*guard.token() == token && !guard.token().is_cancelled());
    drop(guard.disarm());
    let guard = token.drop_guard_ref();
    assert!(*guard.token() == token && !guard.disarm().is_cancelled());
    drop(token.clone().drop_guard());
    assert!(token.is_cancelled());
}
