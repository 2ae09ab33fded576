//! What locks tell the hooks.

use super::task::Task;
use super::{PANICS, TOLD, begin, pairs_of_lines, told};
use counterpoint_sync::{
    Condvar, ContendedMutex, ContendedMutexGuard, MappedMutexGuard, Mutex, MutexGuard,
    OwnedMutexGuard, ReentrantMutex, ReentrantMutexGuard, RwLock, RwLockReadGuard,
    RwLockUpgradableReadGuard, RwLockWriteGuard, ShardedLock,
};
use counterpoint_wait::hooks::{self, What};
use std::sync::{Arc, mpsc};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

const PAIR: [What; 2] = [What::Held, What::Released];

#[test]
fn every_way_to_lock_tells_its_own_place() {
    begin();
    let mutex = Arc::new(Mutex::new(0));
    let long = Duration::from_secs(60);
    let line = line!();
    drop(mutex.lock());
    drop(mutex.try_lock());
    drop(mutex.lock_timeout(long));
    drop(mutex.lock_async().wait());
    drop(mutex.lock_async().timeout(long).wait());
    drop(mutex.lock_owned());
    drop(mutex.try_lock_owned());
    drop(mutex.lock_owned_async().wait());
    let all = TOLD.take();
    assert_eq!(all.len(), 16);
    for (index, pair) in all.chunks(2).enumerate() {
        assert_eq!((pair[0].what, pair[1].what), (What::Held, What::Released));
        assert_eq!(pair[0].id, pair[1].id);
        for notice in pair {
            let site = (notice.site.file(), notice.site.line());
            assert_eq!(site, (file!(), line + 1 + index as u32));
            let owned = if index < 5 {
                "MutexGuard"
            } else {
                "OwnedMutexGuard"
            };
            assert_eq!(notice.kind, owned);
            assert_eq!(notice.object, all[0].object);
        }
    }
}

#[test]
fn a_waiter_is_told_and_named() {
    let mutex = Mutex::new(0);
    mutex.named("orders");
    let held = mutex.lock();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            begin();
            *mutex.lock() += 1;
            TOLD.take()
        });
        let seen = loop {
            if let [waiter] = mutex.waiters()[..] {
                break waiter;
            }
            std::thread::yield_now();
        };
        drop(held);
        let all = waiter.join().unwrap();
        let what: Vec<_> = all.iter().map(|notice| notice.what).collect();
        assert_eq!(
            what,
            [What::Waiting, What::Taken, What::Held, What::Released]
        );
        assert_eq!((all[0].id, all[0].kind), (seen.id, "Mutex::lock"));
        assert_eq!((seen.kind, seen.site.file()), ("Mutex::lock", file!()));
        assert_eq!(hooks::name_of(all[0].object), Some("orders"));
        assert!(all[2].id > all[0].id);
    });
    assert_eq!(*mutex.lock(), 1);
}

#[test]
fn guards_that_change_tell_once() {
    begin();
    let mutex = Arc::new(Mutex::new((1, 2)));
    let part = MutexGuard::map(mutex.lock(), |pair| &mut pair.0);
    let part = MappedMutexGuard::try_map(part, |_| None::<&mut u8>).unwrap_err();
    drop(MappedMutexGuard::map(part, |one| one));
    assert_eq!(told(), PAIR);
    drop(OwnedMutexGuard::map(mutex.lock_owned(), |pair| &mut pair.1));
    assert_eq!(told(), PAIR);
    MutexGuard::unlock_fair(mutex.lock());
    assert_eq!(told(), PAIR);
    OwnedMutexGuard::unlock_fair(mutex.lock_owned());
    assert_eq!(told(), PAIR);
    let mut guard = mutex.lock();
    MutexGuard::bump(&mut guard);
    MutexGuard::unlocked(&mut guard, || drop(mutex.lock()));
    drop(guard);
    assert_eq!(told(), [PAIR, PAIR, PAIR].concat());
}

#[test]
fn a_guard_that_is_locked_again_tells_where() {
    begin();
    let mutex = Mutex::new(0);
    let line = line!();
    let mut guard = mutex.lock();
    MutexGuard::unlocked(&mut guard, || ());
    drop(guard);
    let lines: Vec<_> = TOLD
        .take()
        .iter()
        .map(|notice| (notice.site.file(), notice.site.line() - line))
        .collect();
    assert_eq!(lines, [1, 1, 2, 2].map(|line| (file!(), line)));
}

/// Holds the lock until this thread waits for it, and then lets go.
fn fought_over<'s, 'e, G>(
    scope: &'s Scope<'s, 'e>,
    lock: impl FnOnce() -> G + Send + 's,
    waits: impl Fn() -> bool + Send + 's,
) {
    let (taken, is_taken) = mpsc::channel();
    scope.spawn(move || {
        let guard = lock();
        taken.send(()).unwrap();
        while !waits() {
            thread::yield_now();
        }
        drop(guard);
    });
    is_taken.recv().unwrap();
}

/// Who has a guard in hand has the lock again after it, though the sink panics at the wait.
#[test]
fn a_guard_is_taken_back_though_the_sink_panics() {
    begin();
    let (mutex, again, condvar) = (Mutex::new(0), ReentrantMutex::new(0), Condvar::new());
    thread::scope(|scope| {
        let mut guard = mutex.lock();
        let mut mine = again.lock();
        PANICS.set(true);
        MutexGuard::unlocked(&mut guard, || {
            fought_over(scope, || mutex.lock(), || !mutex.waiters().is_empty());
        });
        ReentrantMutexGuard::unlocked(&mut mine, || {
            fought_over(scope, || again.lock(), || !again.waiters().is_empty());
        });
        scope.spawn(|| {
            while mutex.is_locked() {
                thread::yield_now();
            }
            let held = mutex.lock();
            condvar.notify_one();
            while mutex.waiters().is_empty() {
                thread::yield_now();
            }
            drop(held);
        });
        condvar.wait(&mut guard);
        PANICS.set(false);
        assert!(again.is_owned_by_current_thread());
        // Another one than this thread does not get it.
        assert!(scope.spawn(|| mutex.try_lock().is_err()).join().unwrap());
        *guard += 1;
    });
    assert_eq!(*mutex.lock(), 1);
}

/// What was granted may be gone when it is looked for: then the wait begins again, under its number.
#[test]
fn who_is_overtaken_waits_again() {
    let mutex = Mutex::new(0);
    for _ in 0..200 {
        begin();
        let held = mutex.lock();
        let mut lock = Task::queued(mutex.lock_async());
        drop(held);
        // One that has waited for long has the lock reserved for it.
        let Ok(held) = mutex.try_lock() else {
            continue;
        };
        assert!(lock.poll().is_pending());
        drop(held);
        drop(lock.ready());
        let mut all = TOLD.take();
        let id = all
            .iter()
            .find(|notice| notice.what == What::Waiting)
            .unwrap()
            .id;
        all.retain(|notice| notice.id == id);
        let seen: Vec<_> = all
            .iter()
            .map(|notice| (notice.what, notice.round))
            .collect();
        let (waiting, granted) = (What::Waiting, What::Granted);
        assert_eq!(
            seen,
            [
                (waiting, 0),
                (granted, 0),
                (What::Again, 1),
                (granted, 1),
                (What::Taken, 1)
            ]
        );
        return;
    }
    panic!("it was never overtaken");
}

#[test]
fn a_panic_of_the_sink_leaves_the_lock_free() {
    begin();
    let mutex = Mutex::new(0);
    PANICS.set(true);
    *mutex.lock() += 1;
    drop(mutex.lock_async().wait());
    PANICS.set(false);
    assert!(!mutex.is_poisoned());
    assert_eq!(*mutex.try_lock().unwrap(), 1);
    assert_eq!(told().len(), 6);
}

#[test]
fn a_read_write_lock_tells_what_it_is_held_for() {
    begin();
    let lock = Arc::new(RwLock::new((1, 2)));
    let line = line!();
    drop(lock.read());
    drop(lock.write());
    drop(lock.try_upgradable_read());
    drop(lock.read_async().wait());
    drop(lock.write_owned_async().wait());
    let all = TOLD.take();
    let kinds = [
        "RwLockReadGuard",
        "RwLockWriteGuard",
        "RwLockUpgradableReadGuard",
        "RwLockReadGuard",
        "OwnedRwLockWriteGuard",
    ];
    assert_eq!(all.len(), 2 * kinds.len());
    for (index, (pair, kind)) in all.chunks(2).zip(kinds).enumerate() {
        assert_eq!((pair[0].what, pair[1].what), (What::Held, What::Released));
        assert_eq!((pair[0].id, pair[0].kind), (pair[1].id, kind));
        assert_eq!(pair[0].site.line(), line + 1 + index as u32);
        assert_eq!(pair[0].object, all[0].object);
    }
    drop(RwLockReadGuard::map(lock.read(), |pair| &pair.0));
    assert_eq!(told(), PAIR);
    let reads = RwLockWriteGuard::downgrade_to_upgradable(lock.write());
    drop(RwLockUpgradableReadGuard::upgrade(reads));
    assert_eq!(told(), [PAIR, PAIR, PAIR].concat());
}

#[test]
fn a_sharded_lock_tells_who_holds_it() {
    begin();
    let lock = ShardedLock::new(());
    let line = line!();
    drop(lock.read());
    drop(lock.try_read());
    drop(lock.read_timeout(Duration::from_secs(60)));
    drop(lock.read_deadline(Instant::now()));
    drop(lock.read_async().wait());
    drop(lock.write());
    drop(lock.try_write());
    drop(lock.write_timeout(Duration::from_secs(60)));
    drop(lock.write_deadline(Instant::now()));
    drop(lock.write_async().wait());
    let (read, write) = ("ShardedLockReadGuard", "ShardedLockWriteGuard");
    let kinds = [
        read, read, read, read, read, write, write, write, write, write,
    ];
    pairs_of_lines(line, file!(), &kinds);
    let held = lock.read();
    told();
    assert!(lock.write_timeout(Duration::ZERO).is_err());
    assert_eq!(told(), [What::Waiting, What::Left]);
    drop(held);
}

#[test]
fn a_reentrant_mutex_tells_of_each_guard() {
    begin();
    let mutex = ReentrantMutex::new(1);
    let line = line!();
    let outer = mutex.lock();
    let inner = mutex.lock_async().wait();
    drop(outer);
    drop(ReentrantMutexGuard::map(inner, |value| value));
    let all = TOLD.take();
    let whats: Vec<_> = all.iter().map(|notice| notice.what).collect();
    let (held, released) = (What::Held, What::Released);
    assert_eq!(whats, [held, held, released, released]);
    assert_eq!([all[2].id, all[3].id], [all[0].id, all[1].id]);
    let lines: Vec<_> = all.iter().map(|notice| notice.site.line() - line).collect();
    assert_eq!(lines, [1, 2, 1, 2]);
    assert!(
        all.iter()
            .all(|notice| notice.kind == "ReentrantMutexGuard")
    );
    assert!(all.iter().all(|notice| notice.object == all[0].object));
}

#[test]
fn a_mutex_that_counts_tells_as_any() {
    begin();
    let mutex = ContendedMutex::new(1);
    drop(mutex.lock());
    drop(mutex.lock_async().wait());
    ContendedMutexGuard::unlock_fair(mutex.lock());
    assert_eq!(told(), [PAIR, PAIR, PAIR].concat());
}
