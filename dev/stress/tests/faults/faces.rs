//! The same under the names of others: std's, parking_lot's, async-lock's and tokio's.

use crate::ignore;
use crate::loud::{Loud, LoudFuture, Moment, boom, now};
use counterpoint_compat::{async_lock, parking_lot, tokio::sync as tokio, tokio_util::sync};
use counterpoint_sync::poison;
use counterpoint_wait::block_on;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(60);

/// Shows a guard or an owner of the value, in both ways.
macro_rules! shown {
    ($($what:expr),* $(,)?) => {$({
        let what = $what;
        boom(Moment::Debug, || format!("{what:?}"));
        boom(Moment::Display, || format!("{what}"));
        assert_eq!(format!("{what}"), "1");
    })*};
}

/// Shows an owner of the value.
macro_rules! debugged {
    ($($what:expr),* $(,)?) => {$({
        let what = $what;
        boom(Moment::Debug, || format!("{what:?}"));
        assert!(format!("{what:?}").contains('1'));
    })*};
}

#[test]
fn faces_that_are_shown() {
    debugged!(
        poison::Mutex::new(Loud(1)),
        poison::RwLock::new(Loud(1)),
        poison::OnceLock::from(Loud(1)),
        async_lock::Mutex::new(Loud(1)),
        async_lock::RwLock::new(Loud(1)),
        async_lock::OnceCell::from(Loud(1)),
        tokio::Mutex::new(Loud(1)),
        tokio::RwLock::new(Loud(1)),
        tokio::OnceCell::from(Loud(1)),
        tokio::SetOnce::from(Loud(1)),
        tokio::SetError::InitializingError(Loud(1)),
        tokio::SetOnceError(Loud(1)),
    );
    let lazy = poison::LazyLock::new(|| Loud(1));
    assert_eq!(lazy.number(), 1);
    debugged!(lazy);
    let (mutex, lock) = (poison::Mutex::new(Loud(1)), poison::RwLock::new(Loud(1)));
    shown!(
        mutex.lock().unwrap(),
        lock.read().unwrap(),
        lock.write().unwrap()
    );
}

#[test]
fn guards_of_async_lock_that_are_shown() {
    use async_lock::{Mutex, RwLock};

    let (mutex, lock) = (
        Arc::new(Mutex::new(Loud(1))),
        Arc::new(RwLock::new(Loud(1))),
    );
    shown!(
        mutex.lock_blocking(),
        mutex.lock_arc_blocking(),
        lock.read_blocking(),
        lock.read_arc_blocking(),
        lock.upgradable_read_blocking(),
        lock.upgradable_read_arc_blocking(),
        lock.write_blocking(),
        lock.write_arc_blocking(),
    );
}

#[test]
fn guards_of_tokio_that_are_shown() {
    use tokio::{Mutex, OwnedMutexGuard, OwnedRwLockWriteGuard, RwLock, RwLockWriteGuard};

    let (mutex, lock) = (
        Arc::new(Mutex::new(Loud(1))),
        Arc::new(RwLock::new(Loud(1))),
    );
    let owned = || mutex.clone().try_lock_owned().unwrap();
    shown!(
        mutex.try_lock().unwrap(),
        owned(),
        tokio::MutexGuard::map(mutex.try_lock().unwrap(), |value| value),
        OwnedMutexGuard::map(owned(), |value| value),
        lock.try_read().unwrap(),
        lock.try_write().unwrap(),
        lock.clone().try_read_owned().unwrap(),
        lock.clone().try_write_owned().unwrap(),
        RwLockWriteGuard::into_mapped(lock.try_write().unwrap()),
        OwnedRwLockWriteGuard::into_mapped(lock.clone().try_write_owned().unwrap()),
    );
}

#[test]
fn faces_that_are_made_copied_and_compared() {
    boom(Moment::Default, poison::Mutex::<Loud>::default);
    boom(Moment::Default, poison::RwLock::<Loud>::default);
    boom(Moment::Default, || {
        ignore(poison::LazyLock::<Loud>::default().number())
    });
    boom(Moment::Default, async_lock::Mutex::<Loud>::default);
    boom(Moment::Default, async_lock::RwLock::<Loud>::default);
    boom(Moment::Default, tokio::Mutex::<Loud>::default);
    boom(Moment::Default, tokio::RwLock::<Loud>::default);
    let lock = poison::OnceLock::from(Loud(1));
    let (cell, once) = (
        tokio::OnceCell::from(Loud(1)),
        tokio::SetOnce::from(Loud(1)),
    );
    boom(Moment::Clone, || lock.clone());
    boom(Moment::Clone, || cell.clone());
    boom(Moment::Clone, || once.clone());
    boom(Moment::Compare, || lock == lock.clone());
    boom(Moment::Compare, || cell == cell.clone());
    boom(Moment::Compare, || once == once.clone());
    boom(Moment::Compare, || {
        tokio::SetOnceError(Loud(1)) == tokio::SetOnceError(Loud(1))
    });
    boom(Moment::Compare, || {
        tokio::SetError::InitializingError(Loud(1)) == tokio::SetError::InitializingError(Loud(1))
    });
    assert!(lock == lock.clone() && cell == cell.clone() && once == once.clone());
}

#[test]
fn faces_that_are_dropped() {
    boom(Moment::Drop, || ignore(poison::Mutex::new(Loud(1))));
    boom(Moment::Drop, || ignore(poison::RwLock::new(Loud(1))));
    boom(Moment::Drop, || ignore(poison::OnceLock::from(Loud(1))));
    let held = Loud(1);
    let lazy = poison::LazyLock::new(move || held);
    boom(Moment::Drop, || ignore(lazy));
    let lazy = poison::LazyLock::new(|| Loud(1));
    assert_eq!(lazy.number(), 1);
    boom(Moment::Drop, || ignore(lazy));
    boom(Moment::Drop, || ignore(async_lock::Mutex::new(Loud(1))));
    boom(Moment::Drop, || ignore(async_lock::RwLock::new(Loud(1))));
    boom(Moment::Drop, || ignore(async_lock::OnceCell::from(Loud(1))));
    boom(Moment::Drop, || ignore(tokio::Mutex::new(Loud(1))));
    boom(Moment::Drop, || ignore(tokio::RwLock::new(Loud(1))));
    boom(Moment::Drop, || ignore(tokio::OnceCell::from(Loud(1))));
    boom(Moment::Drop, || ignore(tokio::SetOnce::from(Loud(1))));
    boom(Moment::Drop, || {
        ignore(tokio::SetError::InitializingError(Loud(1)))
    });
    boom(Moment::Drop, || ignore(tokio::SetOnceError(Loud(1))));
}

/// A guard, or a future that waits for one, is the last to own the value.
#[test]
fn guards_that_own_drop_the_value() {
    let lock = || Arc::new(async_lock::RwLock::new(Loud(1)));
    let mutex = || Arc::new(async_lock::Mutex::new(Loud(1)));
    boom(Moment::Drop, || ignore(mutex().lock_arc_blocking()));
    boom(Moment::Drop, || ignore(mutex().lock_arc()));
    boom(Moment::Drop, || ignore(lock().read_arc_blocking()));
    boom(Moment::Drop, || {
        ignore(lock().upgradable_read_arc_blocking())
    });
    boom(Moment::Drop, || ignore(lock().write_arc_blocking()));
    boom(Moment::Drop, || {
        let guard = lock().upgradable_read_arc_blocking();
        ignore(async_lock::RwLockUpgradableReadGuardArc::upgrade(guard));
    });
    let mutex = || {
        Arc::new(tokio::Mutex::new(Loud(1)))
            .try_lock_owned()
            .unwrap()
    };
    let read = || {
        Arc::new(tokio::RwLock::new(Loud(1)))
            .try_read_owned()
            .unwrap()
    };
    let write = || {
        Arc::new(tokio::RwLock::new(Loud(1)))
            .try_write_owned()
            .unwrap()
    };
    boom(Moment::Drop, || ignore(mutex()));
    boom(Moment::Drop, || {
        ignore(tokio::OwnedMutexGuard::map(mutex(), |value| value));
    });
    boom(Moment::Drop, || ignore(read()));
    boom(Moment::Drop, || ignore(write()));
    boom(Moment::Drop, || {
        ignore(tokio::OwnedRwLockWriteGuard::into_mapped(write()));
    });
}

#[test]
fn closures_of_the_faces() {
    let (mutex, changed) = (poison::Mutex::new(1), poison::Condvar::new());
    let again = || mutex.clear_poison();
    boom(Moment::Call, || {
        ignore(changed.wait_while(mutex.lock().unwrap(), |_| {
            now(Moment::Call);
            false
        }));
    });
    again();
    boom(Moment::Call, || {
        ignore(
            changed.wait_timeout_while(mutex.lock().unwrap(), LONG, |_| {
                now(Moment::Call);
                false
            }),
        );
    });
    again();
    assert!(mutex.try_lock().is_ok());

    let once = poison::Once::new();
    boom(Moment::Call, || once.call_once(|| now(Moment::Call)));
    boom(Moment::Call, || once.call_once_force(|_| now(Moment::Call)));
    once.call_once_force(|state| assert!(state.is_poisoned()));
    let cell = poison::OnceLock::new();
    boom(Moment::Call, || {
        ignore(cell.get_or_init(|| now(Moment::Call)))
    });
    assert_eq!(cell.set(()), Ok(()));
    let lazy = poison::LazyLock::new(|| now(Moment::Call));
    boom(Moment::Call, || poison::LazyLock::force(&lazy));
    assert!(catch_unwind(AssertUnwindSafe(|| *lazy)).is_err());

    let (mutex, changed) = (parking_lot::Mutex::new(1), parking_lot::Condvar::new());
    let mut guard = mutex.lock();
    let calls = |_: &mut i32| {
        now(Moment::Call);
        false
    };
    boom(Moment::Call, || changed.wait_while(&mut guard, calls));
    boom(Moment::Call, || {
        changed.wait_while_for(&mut guard, calls, LONG)
    });
    let end = std::time::Instant::now() + LONG;
    boom(Moment::Call, || {
        changed.wait_while_until(&mut guard, calls, end)
    });
    drop(guard);
    assert!(mutex.try_lock().is_some());
    let once = parking_lot::Once::new();
    boom(Moment::Call, || once.call_once(|| now(Moment::Call)));
    boom(Moment::Call, || once.call_once_force(|_| now(Moment::Call)));
    once.call_once_force(|_| ());
}

#[test]
fn parts_of_guards_of_the_faces() {
    use tokio::{
        MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard,
        OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock,
        RwLockMappedWriteGuard, RwLockReadGuard, RwLockWriteGuard,
    };

    /// Asks for a part in each way; the lock is free afterwards.
    macro_rules! parts {
        ($free:expr; $($guard:expr, $name:ident, $map:ident, $part:expr;)*) => {$(
            boom(Moment::Call, || {
                $name::$map($guard, |value| {
                    now(Moment::Call);
                    ($part)(value)
                })
            });
            assert!($free);
        )*};
    }
    let (mutex, lock) = (Arc::new(Mutex::new(1)), Arc::new(RwLock::new(1)));
    let locked = || mutex.try_lock().unwrap();
    let owned = || mutex.clone().try_lock_owned().unwrap();
    let (read, write) = (|| lock.try_read().unwrap(), || lock.try_write().unwrap());
    let owned_read = || lock.clone().try_read_owned().unwrap();
    let owned_write = || lock.clone().try_write_owned().unwrap();
    parts! {
        mutex.try_lock().is_ok();
        locked(), MutexGuard, map, |value| value;
        locked(), MutexGuard, try_map, Some;
        MutexGuard::map(locked(), |value| value), MappedMutexGuard, map, |value| value;
        MutexGuard::map(locked(), |value| value), MappedMutexGuard, try_map, Some;
        owned(), OwnedMutexGuard, map, |value| value;
        owned(), OwnedMutexGuard, try_map, Some;
        OwnedMutexGuard::map(owned(), |value| value), OwnedMappedMutexGuard, map, |value| value;
        OwnedMutexGuard::map(owned(), |value| value), OwnedMappedMutexGuard, try_map, Some;
    }
    parts! {
        lock.try_write().is_ok();
        read(), RwLockReadGuard, map, |value| value;
        read(), RwLockReadGuard, try_map, Some;
        write(), RwLockWriteGuard, map, |value| value;
        write(), RwLockWriteGuard, try_map, Some;
        write(), RwLockWriteGuard, downgrade_map, |value| value;
        write(), RwLockWriteGuard, try_downgrade_map, Some;
        RwLockWriteGuard::into_mapped(write()), RwLockMappedWriteGuard, map, |value| value;
        RwLockWriteGuard::into_mapped(write()), RwLockMappedWriteGuard, try_map, Some;
        owned_read(), OwnedRwLockReadGuard, map, |value| value;
        owned_read(), OwnedRwLockReadGuard, try_map, Some;
        owned_write(), OwnedRwLockWriteGuard, map, |value| value;
        owned_write(), OwnedRwLockWriteGuard, try_map, Some;
        owned_write(), OwnedRwLockWriteGuard, downgrade_map, |value| value;
        owned_write(), OwnedRwLockWriteGuard, try_downgrade_map, Some;
        OwnedRwLockWriteGuard::into_mapped(owned_write()), OwnedRwLockMappedWriteGuard, map, |value| value;
        OwnedRwLockWriteGuard::into_mapped(owned_write()), OwnedRwLockMappedWriteGuard, try_map, Some;
    }
}

#[test]
fn initializers_of_the_faces() {
    let cell = async_lock::OnceCell::new();
    boom(Moment::Call, || {
        cell.get_or_init_blocking(|| now(Moment::Call))
    });
    boom(Moment::Call, || {
        cell.get_or_try_init_blocking(|| {
            now(Moment::Call);
            Ok::<(), ()>(())
        })
    });
    boom(Moment::Call, || {
        block_on(cell.get_or_init(|| {
            now(Moment::Call);
            async {}
        }))
    });
    boom(Moment::Call, || {
        block_on(cell.get_or_try_init(|| {
            now(Moment::Call);
            async { Ok::<(), ()>(()) }
        }))
    });
    boom(Moment::Call, || {
        block_on(cell.get_or_init(async || now(Moment::Call)))
    });
    assert_eq!(cell.try_set(()), Ok(()));
    let cell = tokio::OnceCell::new();
    boom(Moment::Call, || {
        block_on(cell.get_or_init(async || now(Moment::Call)))
    });
    boom(Moment::Call, || {
        block_on(cell.get_or_try_init(|| {
            now(Moment::Call);
            async { Ok::<(), ()>(()) }
        }))
    });
    assert_eq!(cell.set(()), Ok(()));
}

#[test]
fn futures_that_a_token_ends() {
    let token = sync::CancellationToken::new();
    boom(Moment::Poll, || {
        block_on(token.run_until_cancelled(LoudFuture::default()))
    });
    let owned = token.clone();
    boom(Moment::Poll, || {
        block_on(owned.run_until_cancelled_owned(LoudFuture::default()))
    });
    token.cancel();
    block_on(token.cancelled_owned());
}

#[test]
#[allow(deprecated, reason = "a part of the surface")]
fn orderings_of_an_older_exchange() {
    use counterpoint_compat::crossbeam_epoch::{self, Atomic, CompareAndSetOrdering, Owned};

    struct Broken(bool);
    impl CompareAndSetOrdering for Broken {
        fn success(&self) -> Ordering {
            assert!(self.0, "on purpose");
            Ordering::AcqRel
        }
        fn failure(&self) -> Ordering {
            panic!("on purpose");
        }
    }
    let guard = crossbeam_epoch::pin();
    let slot = Atomic::new(1);
    let one = slot.load(Ordering::Acquire, &guard);
    for at_failure in [false, true] {
        let exchanges = [
            Atomic::compare_and_set::<Broken, Owned<i32>>,
            Atomic::compare_and_set_weak::<Broken, Owned<i32>>,
        ];
        for exchange in exchanges {
            let call = || {
                drop(exchange(
                    &slot,
                    one,
                    Owned::new(2),
                    Broken(at_failure),
                    &guard,
                ))
            };
            assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
            assert_eq!(slot.load(Ordering::Acquire, &guard), one);
        }
    }
    // SAFETY: nobody else knows it.
    drop(unsafe { slot.into_owned() });
}
