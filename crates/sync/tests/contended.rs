//! The mutex that counts: the same in every way but one, with the feature `lock-metrics` and without.

mod task;

use counterpoint_sync::{
    ContendedMutex, ContendedMutexGuard, LockError, LockMetricsSnapshot, MappedContendedMutexGuard,
    MappedMutexGuard, Mutex, MutexGuard, OwnedContendedMutexGuard, OwnedMappedContendedMutexGuard,
    OwnedMappedMutexGuard, OwnedMutexGuard, TryLockError,
};
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::select;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use task::Task;

const ON: bool = cfg!(feature = "lock-metrics");
const SHORT: Duration = Duration::from_millis(2);

#[test]
fn a_fair_one_serves_strictly_in_order() {
    let mutex = ContendedMutex::fair(());
    let held = mutex.lock();
    let mut line = [(); 3].map(|()| Task::queued(mutex.lock_async()));
    drop(held);
    for at in 0..line.len() {
        assert!(mutex.try_lock().is_err(), "nobody overtakes");
        let guard = line[at].ready();
        for later in &mut line[at + 1..] {
            assert!(later.poll().is_pending());
        }
        drop(guard);
    }
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn it_is_a_mutex_in_every_form() {
    for mut mutex in [ContendedMutex::new(0), ContendedMutex::fair(0)] {
        let token = CancelToken::new();
        let ctl = Ctl::new().cancel(&token);
        *mutex.lock() += 1;
        *mutex.try_lock().unwrap() += 1;
        *mutex.lock_timeout(SHORT).unwrap() += 1;
        *mutex.lock_deadline(Instant::now()).unwrap() += 1;
        *mutex.lock_async().wait() += 1;
        *mutex.lock_async().with(&ctl).wait().unwrap() += 1;
        let guard: ContendedMutexGuard<'_, i32> = mutex.lock();
        assert!(mutex.is_locked() && mutex.telemetry().exclusive);
        assert_eq!(mutex.try_lock().err(), Some(TryLockError::WouldBlock));
        assert_eq!(mutex.lock_timeout(SHORT).err(), Some(LockError::TimedOut));
        token.cancel("for this test");
        let cancelled = mutex.lock_async().with(&ctl).wait();
        assert_eq!(cancelled.err(), Some(LockError::Cancelled));
        assert!(select! { _ = mutex.lock_async() => false, default => true });
        assert!(format!("{mutex:?}").contains("<locked>"));
        assert_eq!(
            (format!("{guard:?}"), format!("{guard}")),
            ("6".into(), "6".into())
        );
        assert!(std::ptr::eq(
            ContendedMutexGuard::mutex(&guard),
            &raw const mutex
        ));
        ContendedMutexGuard::unlock_fair(guard);
        let panics = || {
            let _guard = mutex.lock();
            panic!("for this test");
        };
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        assert!(mutex.is_poisoned());
        mutex.clear_poison();
        assert!(!mutex.is_poisoned() && !mutex.is_locked());
        *mutex.get_mut() += 1;
        assert_eq!(mutex.into_inner(), 7);
    }
    assert_eq!(ContendedMutex::from(1).into_inner(), 1);
    assert_eq!(ContendedMutex::<u8>::default().into_inner(), 0);
}

#[test]
fn off_it_has_the_size_of_a_mutex() {
    let pairs = [
        (size_of::<ContendedMutex<u64>>(), size_of::<Mutex<u64>>()),
        (
            size_of::<ContendedMutexGuard<'_, u64>>(),
            // A guard knows which mutex it is of.
            size_of::<MutexGuard<'_, u64>>() + size_of::<usize>(),
        ),
        (
            size_of::<MappedContendedMutexGuard<'_, u64>>(),
            size_of::<MappedMutexGuard<'_, u64>>(),
        ),
        (
            size_of::<OwnedContendedMutexGuard<u64>>(),
            size_of::<OwnedMutexGuard<u64>>(),
        ),
        (
            size_of::<OwnedMappedContendedMutexGuard<u64, u64>>(),
            size_of::<OwnedMappedMutexGuard<u64, u64>>(),
        ),
    ];
    for (ours, theirs) in pairs {
        assert!(if ON { ours > theirs } else { ours == theirs });
    }
}

#[test]
fn owned_guards_keep_it_alive() {
    let mutex = Arc::new(ContendedMutex::new(0));
    let token = CancelToken::new();
    *mutex.lock_owned() += 1;
    *mutex.try_lock_owned().unwrap() += 1;
    *mutex.lock_owned_timeout(SHORT).unwrap() += 1;
    *mutex.lock_owned_deadline(Instant::now()).unwrap() += 1;
    *mutex.lock_owned_async().wait() += 1;
    let guard = mutex.lock_owned();
    assert_eq!(mutex.try_lock_owned().err(), Some(TryLockError::WouldBlock));
    let late = mutex.lock_owned_timeout(SHORT);
    assert_eq!(late.err(), Some(LockError::TimedOut));
    token.cancel("for this test");
    let cancelled = mutex.lock_owned_async().with(&Ctl::new().cancel(&token));
    assert_eq!(cancelled.wait().err(), Some(LockError::Cancelled));
    assert_eq!(
        (format!("{guard:?}"), format!("{guard}")),
        ("5".into(), "5".into())
    );
    assert!(Arc::ptr_eq(OwnedContendedMutexGuard::mutex(&guard), &mutex));
    let mut waits = Task::queued(mutex.lock_owned_async());
    OwnedContendedMutexGuard::unlock_fair(guard);
    let guard = waits.ready();
    drop(waits);
    let alone = Arc::downgrade(&mutex);
    drop(mutex);
    // In another thread, with nobody else who knows the mutex.
    let last = thread::spawn(move || {
        let panics = AssertUnwindSafe(move || {
            let _guard = guard;
            panic!("for this test");
        });
        catch_unwind(panics).is_err()
    });
    assert!(last.join().unwrap() && alone.upgrade().is_none());
}

#[test]
fn mapped_guards_are_one_hold() {
    let mutex = Arc::new(ContendedMutex::new((1, Some(2))));
    let first = ContendedMutexGuard::map(mutex.lock(), |both| &mut both.0);
    assert!(mutex.is_locked());
    let mut first = MappedContendedMutexGuard::map(first, |first| first);
    *first += 1;
    assert_eq!(
        (format!("{first:?}"), format!("{first}")),
        ("2".into(), "2".into())
    );
    let first = MappedContendedMutexGuard::try_map(first, |_| None::<&mut u8>).unwrap_err();
    let first = MappedContendedMutexGuard::try_map(first, |one| (*one > 0).then_some(one));
    drop(first.unwrap());
    let whole = ContendedMutexGuard::try_map(mutex.lock(), |_| None::<&mut u8>).unwrap_err();
    let second = ContendedMutexGuard::try_map(whole, |both| both.1.as_mut());
    assert_eq!(*second.unwrap(), 2);
    let owned = OwnedContendedMutexGuard::map(mutex.lock_owned(), |both| &mut both.1);
    assert!(Arc::ptr_eq(
        OwnedMappedContendedMutexGuard::mutex(&owned),
        &mutex
    ));
    let owned = OwnedMappedContendedMutexGuard::map(owned, |second| second);
    let owned = OwnedMappedContendedMutexGuard::try_map(owned, Option::as_mut).unwrap();
    let mut owned =
        OwnedMappedContendedMutexGuard::try_map(owned, |_| None::<&mut u8>).unwrap_err();
    *owned += 1;
    assert_eq!(
        (format!("{owned:?}"), format!("{owned}")),
        ("3".into(), "3".into())
    );
    drop(owned);
    let whole = OwnedContendedMutexGuard::try_map(mutex.lock_owned(), |_| None::<&mut u8>);
    drop(whole.unwrap_err());
    assert!(
        OwnedContendedMutexGuard::try_map(mutex.lock_owned(), |both| Some(&mut both.0)).is_ok()
    );
    let panics = || {
        drop(ContendedMutexGuard::map(mutex.lock(), |_| -> &mut u8 {
            panic!("for this test")
        }))
    };
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    assert!(mutex.is_poisoned() && !mutex.is_locked());
    let seen = mutex.snapshot();
    assert_eq!(seen.acquisitions, if ON { 6 } else { 0 });
    assert_eq!(*mutex.lock(), (2, Some(3)));
}

#[test]
fn owned_waits_are_counted() {
    let mutex = Arc::new(ContendedMutex::new(0));
    let held = mutex.lock_owned();
    assert!(mutex.lock_owned_timeout(SHORT).is_err());
    assert!(mutex.lock_owned_async().until(async {}).wait().is_err());
    drop(Task::queued(mutex.lock_owned_async()));
    let mut waits = Task::queued(mutex.lock_owned_async());
    thread::sleep(SHORT);
    drop(held);
    drop(waits.ready());
    drop(waits);
    let seen = mutex.snapshot();
    if ON {
        assert_eq!((seen.acquisitions, seen.contended, seen.waits), (2, 1, 1));
        assert_eq!((seen.timeouts, seen.cancels, seen.dropped), (1, 1, 1));
        assert!(seen.wait_max >= SHORT && seen.hold_max >= SHORT && seen.waiters == 0);
    } else {
        assert_eq!(seen, LockMetricsSnapshot::default());
    }
}

#[test]
fn what_happens_is_counted() {
    let mutex = ContendedMutex::new(0);
    assert_eq!(mutex.snapshot(), LockMetricsSnapshot::default());
    drop(mutex.lock());
    let held = mutex.lock();
    assert!(mutex.lock_timeout(SHORT).is_err());
    assert!(mutex.lock_async().until(async {}).wait().is_err());
    drop(Task::queued(mutex.lock_async()));
    let mut waits = Task::queued(mutex.lock_async());
    thread::sleep(SHORT);
    let seen = mutex.snapshot();
    if ON {
        assert_eq!((seen.acquisitions, seen.contended, seen.waits), (2, 0, 0));
        assert_eq!((seen.timeouts, seen.cancels, seen.dropped), (1, 1, 1));
        assert_eq!(seen.waiters, 1);
    }
    drop(held);
    drop(waits.ready());
    let seen = mutex.snapshot();
    if ON {
        assert_eq!((seen.acquisitions, seen.contended, seen.waits), (3, 1, 1));
        assert_eq!(seen.waiters, 0);
        assert!(seen.wait_max >= SHORT && seen.wait_total == seen.wait_max);
        assert!(seen.hold_max >= SHORT && seen.hold_total >= seen.hold_max);
    } else {
        assert_eq!(seen, LockMetricsSnapshot::default());
    }
}

/// Each snapshot is of one instant: whoever waits or holds is in it once.
#[test]
fn snapshots_of_a_busy_mutex_are_of_one_instant() {
    const THREADS: u64 = 3;
    const ROUNDS: u64 = 2000;
    let mutex = ContendedMutex::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    *mutex.lock() += 1;
                }
            });
        }
        for _ in 0..200 {
            let seen = mutex.snapshot();
            assert!(seen.acquisitions <= THREADS * ROUNDS);
            assert!(seen.waits <= seen.contended && seen.contended <= seen.acquisitions);
            assert!(seen.waiters <= THREADS as usize);
            assert!(seen.wait_max <= seen.wait_total || seen.waits == 0);
        }
    });
    let seen = mutex.snapshot();
    assert_eq!(seen.acquisitions, if ON { THREADS * ROUNDS } else { 0 });
    assert_eq!((seen.waiters, *mutex.lock()), (0, THREADS * ROUNDS));
}
