//! The read-write lock, form by form.

#[path = "../../base/tests/leak/mod.rs"]
mod leak;
mod task;

use counterpoint_sync::{
    MappedRwLockReadGuard, MappedRwLockWriteGuard, OwnedMappedRwLockReadGuard,
    OwnedMappedRwLockWriteGuard, OwnedRwLockReadGuard, OwnedRwLockUpgradableReadGuard,
    OwnedRwLockWriteGuard, RwLock, RwLockError, RwLockReadGuard, RwLockUpgradableReadGuard,
    RwLockWriteGuard, TryReadError, TryWriteError, UpgradeError,
};
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::{Stop, block_on, select};
use leak::leak;
use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};
use task::Task;

const SHORT: Duration = Duration::from_millis(2);
const LONG: Duration = Duration::from_secs(600);

fn ends(f: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    let thread = thread::spawn(move || {
        f();
        done.send(()).unwrap();
    });
    if is_done.recv_timeout(Duration::from_secs(60)) == Err(mpsc::RecvTimeoutError::Timeout) {
        panic!("it waits for ever");
    }
    thread.join().unwrap();
}

#[test]
fn many_read_or_one_writes() {
    for lock in [RwLock::new(1), RwLock::fair(1)] {
        let (one, other) = (lock.read(), lock.try_read().unwrap());
        assert_eq!((*one + *other, lock.readers()), (2, 2));
        assert_eq!(lock.try_write().err(), Some(TryWriteError::WouldBlock));
        assert!(lock.is_locked() && !lock.is_locked_exclusive());
        drop((one, other));
        *lock.write() += 1;
        let writes = lock.try_write().unwrap();
        assert_eq!(lock.try_read().err(), Some(TryReadError::WouldBlock));
        assert!(lock.try_read_recursive().is_err() && lock.try_upgradable_read().is_err());
        assert!(lock.is_locked_exclusive());
        drop(writes);
        assert_eq!(lock.into_inner(), 2);
    }
}

#[test]
fn every_form_of_every_verb() {
    let lock = Arc::new(RwLock::new(0));
    let token = CancelToken::new();
    let ctl = Ctl::new().cancel(&token);
    macro_rules! forms {
        ($held:expr; $error:expr; $now:ident $try_:ident $timeout:ident $deadline:ident $async_:ident) => {{
            drop(lock.$now());
            drop(lock.$try_().unwrap());
            drop(lock.$timeout(LONG).unwrap());
            drop(lock.$deadline(Instant::now()).unwrap());
            drop(lock.$async_().wait());
            drop(block_on(lock.$async_()));
            drop(lock.$async_().with(&ctl).wait().unwrap());
            let held = $held;
            assert_eq!(lock.$try_().err(), Some($error));
            assert_eq!(lock.$timeout(SHORT).err(), Some(RwLockError::TimedOut));
            assert_eq!(
                lock.$deadline(Instant::now()).err(),
                Some(RwLockError::TimedOut)
            );
            let stopped = block_on(lock.$async_().until(std::future::ready(())));
            assert_eq!(stopped.err(), Some(RwLockError::Cancelled));
            let stopped = block_on(lock.$async_().timeout(SHORT));
            assert_eq!(stopped.err(), Some(RwLockError::TimedOut));
            select! {
                _guard = lock.$async_() => unreachable!(),
                timeout(SHORT) => {}
            }
            drop(held);
            drop(lock.$try_().unwrap());
        }};
    }
    let blocked = TryReadError::WouldBlock;
    forms!(lock.write(); blocked; read try_read read_timeout read_deadline read_async);
    forms!(lock.write(); blocked; read_owned try_read_owned read_owned_timeout read_owned_deadline read_owned_async);
    forms!(lock.write(); blocked; read_recursive try_read_recursive read_recursive_timeout read_recursive_deadline read_recursive_async);
    forms!(lock.write(); blocked; read_recursive_owned try_read_recursive_owned read_recursive_owned_timeout read_recursive_owned_deadline read_recursive_owned_async);
    forms!(lock.upgradable_read(); blocked; upgradable_read try_upgradable_read upgradable_read_timeout upgradable_read_deadline upgradable_read_async);
    forms!(lock.upgradable_read(); blocked; upgradable_read_owned try_upgradable_read_owned upgradable_read_owned_timeout upgradable_read_owned_deadline upgradable_read_owned_async);
    let blocked = TryWriteError::WouldBlock;
    forms!(lock.read(); blocked; write try_write write_timeout write_deadline write_async);
    forms!(lock.read(); blocked; write_owned try_write_owned write_owned_timeout write_owned_deadline write_owned_async);
    assert_eq!(Arc::strong_count(&lock), 1);
    token.cancel("enough");
    assert_eq!(
        lock.write_async().with(&ctl).wait().err(),
        Some(RwLockError::Cancelled)
    );
}

#[test]
fn a_writer_in_line_keeps_new_readers_out_until_it_leaves() {
    for lock in [RwLock::new(()), RwLock::fair(())] {
        let reads = lock.read();
        let writer = Task::queued(lock.write_async());
        assert!(lock.try_read().is_err());
        assert!(lock.try_read_recursive().is_ok(), "somebody reads already");
        let mut held_back: Vec<_> = (0..40).map(|_| Task::queued(lock.read_async())).collect();
        drop(writer);
        for reader in &mut held_back {
            assert_eq!(reader.woken(), 1, "freed in one pass");
            drop(reader.ready());
        }
        drop(reads);
        assert!(lock.try_write().is_ok());
    }
}

#[test]
fn readers_before_a_writer_come_in_together() {
    for lock in [RwLock::new(()), RwLock::fair(())] {
        let writes = lock.write();
        let mut first: Vec<_> = (0..70).map(|_| Task::queued(lock.read_async())).collect();
        let mut writer = Task::queued(lock.write_async());
        let mut late: Vec<_> = (0..3).map(|_| Task::queued(lock.read_async())).collect();
        drop(writes);
        let woken: Vec<_> = first.iter().map(Task::woken).collect();
        assert_eq!(woken, [1; 70]);
        let guards: Vec<_> = first.iter_mut().map(Task::ready).collect();
        assert_eq!(lock.readers(), 70);
        assert!(late.iter().all(|reader| reader.woken() == 0));
        // A fair lock wakes the next in line to look at what is kept; it does not come in.
        assert!(writer.poll().is_pending());
        drop(guards);
        let writes = writer.ready();
        assert!(late.iter_mut().all(|reader| reader.poll().is_pending()));
        drop(writes);
        assert!(late.iter_mut().all(|reader| reader.poll().is_ready()));
    }
}

#[test]
fn a_wake_up_does_not_transfer_the_lock() {
    let lock = RwLock::new(());
    let held = lock.write();
    let mut writer = Task::queued(lock.write_async());
    drop(held);
    assert_eq!(writer.woken(), 1);
    // The writer was granted and is not polled: whoever comes by comes in.
    drop(lock.try_read().expect("nobody holds it"));
    let reads = lock.read();
    assert!(writer.poll().is_pending());
    assert!(lock.try_read().is_err(), "it is in line again");
    drop(reads);
    assert_eq!(writer.woken(), 2);
    drop(writer.ready());
}

#[test]
fn a_dormant_writer_keeps_nobody_out() {
    ends(|| {
        for lock in [RwLock::new(0), RwLock::fair(0)] {
            let held = lock.read();
            let mut dormant = Task::queued(lock.write_async());
            drop(held);
            // On a fair lock after the grace period.
            assert_eq!(*lock.read(), 0);
            *lock.write() += 1;
            assert_eq!(*lock.read(), 1);
            assert_eq!(*dormant.ready(), 1);
        }
    });
}

#[test]
fn a_dropped_baton_goes_to_the_next() {
    for lock in [RwLock::new(()), RwLock::fair(())] {
        let held = lock.write();
        let first = Task::queued(lock.write_async());
        let mut readers = [(); 2].map(|()| Task::queued(lock.read_async()));
        drop(held);
        assert_eq!(first.woken(), 1);
        drop(first);
        for reader in &mut readers {
            assert!(reader.woken() > 0);
        }
        let [mut one, two] = readers;
        let reads = one.ready();
        let mut writer = Task::queued(lock.write_async());
        drop(two);
        drop(reads);
        drop(writer.ready());
        assert!(lock.try_write().is_ok());
    }
}

#[test]
fn upgrades() {
    let lock = RwLock::new(1);
    let reads = lock.upgradable_read();
    let other = lock.read();
    assert!(lock.try_upgradable_read().is_err(), "one at a time");
    let reads = RwLockUpgradableReadGuard::try_upgrade(reads).unwrap_err();
    let error = RwLockUpgradableReadGuard::upgrade_timeout(reads, SHORT).unwrap_err();
    assert_eq!(error.stop(), Stop::TimedOut);
    let reads = error.into_inner();
    let mut upgrade = Task::queued(RwLockUpgradableReadGuard::upgrade_async(reads));
    assert!(lock.try_read().is_err(), "no new readers meanwhile");
    drop(other);
    assert_eq!(upgrade.woken(), 1);
    let mut writes = upgrade.ready();
    *writes += 1;
    let reads = RwLockWriteGuard::downgrade_to_upgradable(writes);
    assert_eq!(*lock.read(), 2);
    let mut writes = RwLockUpgradableReadGuard::try_upgrade(reads).unwrap();
    *writes += 1;
    drop(writes);
    let reads = RwLockUpgradableReadGuard::downgrade(lock.upgradable_read());
    drop(lock.try_upgradable_read().unwrap());
    drop(reads);
    *RwLockUpgradableReadGuard::upgrade(lock.upgradable_read()) += 1;
    assert_eq!(*lock.read(), 4);
}

#[test]
fn owned_guards_upgrade_too() {
    let lock = Arc::new(RwLock::new(1));
    let reads = lock.upgradable_read_owned();
    let other = lock.read_owned();
    let deadline = Instant::now();
    let error = OwnedRwLockUpgradableReadGuard::upgrade_deadline(reads, deadline).unwrap_err();
    assert!(matches!(error, UpgradeError::TimedOut(_)));
    let reads = OwnedRwLockUpgradableReadGuard::try_upgrade(error.into_inner()).unwrap_err();
    drop(other);
    let mut writes = OwnedRwLockUpgradableReadGuard::upgrade(reads);
    *writes += 1;
    let reads = OwnedRwLockWriteGuard::downgrade(writes);
    assert_eq!(*reads + *lock.read(), 4);
    drop(reads);
    let reads = OwnedRwLockWriteGuard::downgrade_to_upgradable(lock.write_owned());
    let reads = OwnedRwLockUpgradableReadGuard::downgrade(reads);
    assert!(Arc::ptr_eq(OwnedRwLockReadGuard::rwlock(&reads), &lock));
    drop(reads);
    assert_eq!(Arc::strong_count(&lock), 1);
}

#[test]
fn a_stopped_upgrade_frees_whom_it_held_back() {
    for lock in [RwLock::new(()), RwLock::fair(())] {
        let token = CancelToken::new();
        let other = lock.read();
        let reads = lock.upgradable_read();
        let ctl = Ctl::new().cancel(&token);
        let mut upgrade = Task::queued(RwLockUpgradableReadGuard::upgrade_async(reads).with(&ctl));
        let mut reader = Task::queued(lock.read_async());
        token.cancel("enough");
        let Err(UpgradeError::Cancelled(reads)) = upgrade.ready() else {
            panic!("it was cancelled");
        };
        drop(reader.ready());
        assert!(lock.try_upgradable_read().is_err());
        // One that is dropped drops the guard.
        let upgrade = Task::queued(RwLockUpgradableReadGuard::upgrade_async(reads));
        let mut next = Task::queued(lock.upgradable_read_async());
        drop(upgrade);
        drop(next.ready());
        drop(other);
        assert!(lock.try_write().is_ok());
    }
}

#[test]
fn an_upgrade_comes_before_writers_in_line() {
    let lock = RwLock::new(0);
    let (reads, other) = (lock.upgradable_read(), lock.read());
    let mut writer = Task::queued(lock.write_async());
    let mut upgrade = Task::queued(RwLockUpgradableReadGuard::upgrade_async(reads));
    drop(other);
    assert_eq!((writer.woken(), upgrade.woken()), (0, 1));
    drop(upgrade.ready());
    drop(writer.ready());
}

#[test]
fn downgrade_lets_readers_in_and_writers_wait() {
    let lock = RwLock::new(1);
    let mut writes = lock.write();
    let mut reader = Task::queued(lock.read_async());
    let mut writer = Task::queued(lock.write_async());
    *writes += 1;
    let reads = RwLockWriteGuard::downgrade(writes);
    assert_eq!((reader.woken(), writer.woken()), (1, 0));
    assert_eq!(*reader.ready() + *reads, 4);
    assert!(writer.poll().is_pending());
    drop(reads);
    assert_eq!(*writer.ready(), 2);
}

#[test]
fn guards_of_parts() {
    let lock = Arc::new(RwLock::new((1, [2, 3])));
    let part = RwLockReadGuard::map(lock.read(), |pair| &pair.1);
    let part = MappedRwLockReadGuard::map(part, |pair| &pair[0]);
    let part = MappedRwLockReadGuard::try_map(part, |_| None::<&u8>).unwrap_err();
    let part = MappedRwLockReadGuard::try_map(part, |one| Some(one)).unwrap();
    assert_eq!(format!("{part} {part:?}"), "2 2");
    assert!(lock.try_write().is_err());
    drop(part);
    let whole = RwLockReadGuard::try_map(lock.read(), |_| None::<&u8>).unwrap_err();
    drop(RwLockReadGuard::try_map(whole, |pair| Some(&pair.0)).unwrap());
    let part = RwLockWriteGuard::map(lock.write(), |pair| &mut pair.1);
    let part = MappedRwLockWriteGuard::map(part, |pair| &mut pair[1]);
    let part = MappedRwLockWriteGuard::try_map(part, |_| None::<&mut u8>).unwrap_err();
    *MappedRwLockWriteGuard::try_map(part, |one| Some(one)).unwrap() += 1;
    let whole = RwLockWriteGuard::try_map(lock.write(), |_| None::<&mut u8>).unwrap_err();
    *RwLockWriteGuard::try_map(whole, |pair| Some(&mut pair.0)).unwrap() += 1;
    let part = OwnedRwLockReadGuard::map(lock.read_owned(), |pair| &pair.1);
    let part = OwnedMappedRwLockReadGuard::map(part, |pair| &pair[1]);
    assert_eq!(*part, 4);
    assert!(Arc::ptr_eq(
        OwnedMappedRwLockReadGuard::rwlock(&part),
        &lock
    ));
    drop(part);
    let part = OwnedRwLockWriteGuard::map(lock.write_owned(), |pair| &mut pair.1);
    let mut part = OwnedMappedRwLockWriteGuard::map(part, |pair| &mut pair[1]);
    *part += 1;
    assert!(Arc::ptr_eq(
        OwnedMappedRwLockWriteGuard::rwlock(&part),
        &lock
    ));
    drop(part);
    let whole = OwnedRwLockWriteGuard::try_map(lock.write_owned(), |_| None::<&mut u8>);
    drop(OwnedRwLockWriteGuard::try_map(whole.unwrap_err(), |pair| Some(&mut pair.0)).unwrap());
    let whole = OwnedRwLockReadGuard::try_map(lock.read_owned(), |_| None::<&u8>);
    drop(OwnedRwLockReadGuard::try_map(whole.unwrap_err(), |pair| Some(&pair.0)).unwrap());
    assert_eq!(Arc::into_inner(lock).unwrap().into_inner(), (2, [2, 5]));
}

fn panics(f: impl FnOnce()) {
    assert!(panic::catch_unwind(AssertUnwindSafe(f)).is_err());
}

#[test]
fn only_those_who_write_poison() {
    let lock = Arc::new(RwLock::new(1));
    panics(|| {
        let _guard = lock.read();
        panic!("reading");
    });
    panics(|| {
        let _guard = lock.upgradable_read();
        panic!("reading");
    });
    assert!(!lock.is_poisoned());
    panics(|| {
        drop(RwLockReadGuard::map(lock.read(), |_| -> &u8 {
            panic!("in map")
        }))
    });
    assert!(!lock.is_poisoned() && lock.try_write().is_ok());
    for write in [
        (|lock: &Arc<RwLock<i32>>| {
            let _guard = lock.write();
            panic!("writing");
        }) as fn(&Arc<RwLock<i32>>),
        |lock| {
            let _guard = lock.write_owned();
            panic!("writing");
        },
        |lock| {
            let _guard = RwLockWriteGuard::map(lock.write(), |value| value);
            panic!("writing");
        },
        |lock| {
            let _guard = RwLockUpgradableReadGuard::upgrade(lock.upgradable_read());
            panic!("writing");
        },
    ] {
        panics(|| write(&lock));
        assert!(lock.is_poisoned());
        let read = *lock.read();
        assert_eq!(read + *lock.write(), 2, "locking never fails");
        lock.clear_poison();
        assert!(!lock.is_poisoned());
    }
}

#[test]
fn debug_never_blocks() {
    let lock = RwLock::new(5);
    assert_eq!(
        format!("{lock:?}"),
        "RwLock { data: 5, poisoned: false, .. }"
    );
    let reads = lock.read();
    let writer = Task::queued(lock.write_async());
    assert_eq!(
        format!("{lock:?}"),
        "RwLock { data: 5, poisoned: false, .. }"
    );
    drop(writer);
    assert_eq!(format!("{reads:?} {reads}"), "5 5");
    drop(reads);
    let writes = lock.write();
    assert_eq!(
        format!("{lock:?} {writes}"),
        "RwLock { data: <locked>, poisoned: false, .. } 5"
    );
    assert!(format!("{:?}", lock.read_async()).starts_with("RwLock::read"));
}

#[test]
fn more_readers_than_can_be_counted_wait() {
    let lock = RwLock::new(());
    let last = lock.read();
    for _ in 1..RwLock::<()>::MAX_READERS {
        std::mem::forget(lock.try_read().unwrap());
    }
    assert_eq!(lock.try_read().err(), Some(TryReadError::TooManyReaders));
    assert_eq!(
        lock.try_read_recursive().err(),
        Some(TryReadError::TooManyReaders)
    );
    let mut reader = Task::queued(lock.read_async());
    assert!(lock.try_write().is_err());
    drop(last);
    assert_eq!(reader.woken(), 1);
    std::mem::forget(reader.ready());
    assert!(lock.try_read().is_err());
}

#[test]
fn unlocking_fairly_keeps_the_lock_for_the_first_in_line() {
    let lock = Arc::new(RwLock::new(0));
    let unlocks: [&dyn Fn(); 3] = [
        &|| RwLockWriteGuard::unlock_fair(lock.try_write().unwrap()),
        &|| RwLockReadGuard::unlock_fair(lock.try_read().unwrap()),
        &|| OwnedRwLockUpgradableReadGuard::unlock_fair(lock.try_upgradable_read_owned().unwrap()),
    ];
    unlocks.iter().for_each(|unlock| unlock());
    let writes = lock.write();
    let mut writer = Task::queued(lock.write_async());
    RwLockWriteGuard::unlock_fair(writes);
    assert!(lock.try_read().is_err() && lock.try_write().is_err());
    drop(writer.ready());
    let reads = lock.read();
    let mut writer = Task::queued(lock.write_async());
    RwLockReadGuard::unlock_fair(reads);
    assert!(lock.try_read().is_err());
    drop(writer.ready());
    assert!(lock.try_read().is_ok());
}

/// Whether four are served in their order. `None`: not so, because one had been granted it for longer
/// than the lock waits for whom it has granted, or because the order is wrong.
fn serves_in_order() -> Option<()> {
    let lock = RwLock::fair(());
    let held = lock.write();
    let mut first = Task::queued(lock.write_async());
    let mut second = Task::queued(lock.read_async());
    let mut third = Task::queued(lock.read_async());
    let mut fourth = Task::queued(lock.write_async());
    drop(held);
    let waits = |yes: bool| yes.then_some(());
    waits(lock.try_write().is_err() && lock.try_read().is_err())?;
    for later in [&mut second, &mut third] {
        waits(later.poll().is_pending())?;
    }
    let writes = first.ready();
    drop(writes);
    waits(fourth.poll().is_pending())?;
    let one = second.ready();
    drop(one);
    // Kept for the third as well, although nobody reads now.
    waits(fourth.poll().is_pending())?;
    drop(third.ready());
    drop(fourth.ready());
    assert!(lock.try_read().is_ok());
    Some(())
}

#[test]
fn a_fair_lock_serves_in_order() {
    // Whoever is not scheduled for a millisecond may be passed over, so a slow machine tries again.
    assert!((0..50).any(|_| serves_in_order().is_some()));
}

/// A small generator with a seed to print.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// One visit by one of the ways in, which may give up. Returns how often it has written.
async fn visit(lock: &Arc<RwLock<(u64, u64)>>, dice: &mut Dice) -> u64 {
    let add = |pair: &mut (u64, u64)| {
        assert_eq!(pair.0, pair.1);
        pair.0 += 1;
        pair.1 += 1;
        1
    };
    let see = |pair: &(u64, u64)| {
        assert_eq!(pair.0, pair.1);
        0
    };
    let micros = Duration::from_micros(dice.roll(300));
    match dice.roll(12) {
        0 => lock.try_write().map_or(0, |mut pair| add(&mut pair)),
        1 => lock.try_read().map_or(0, |pair| see(&pair)),
        2 => lock
            .write_async()
            .timeout(micros)
            .await
            .map_or(0, |mut pair| add(&mut pair)),
        3 => lock
            .read_async()
            .timeout(micros)
            .await
            .map_or(0, |pair| see(&pair)),
        4 => {
            let mut writes = pin!(lock.write_async());
            match std::future::poll_fn(|cx| Poll::Ready(writes.as_mut().poll(cx))).await {
                Poll::Ready(mut pair) => add(&mut pair),
                Poll::Pending => 0,
            }
        }
        5 => {
            let reads = lock.upgradable_read_async().await;
            let seen = reads.0;
            let upgrade = RwLockUpgradableReadGuard::upgrade_async(reads);
            match upgrade.timeout(micros).await {
                Ok(mut pair) => {
                    assert_eq!(pair.0, seen);
                    add(&mut pair)
                }
                Err(error) => see(&error.into_inner()),
            }
        }
        6 => {
            let mut pair = lock.write_owned_async().await;
            let added = add(&mut pair);
            see(&OwnedRwLockWriteGuard::downgrade(pair));
            added
        }
        7 => {
            RwLockReadGuard::unlock_fair(lock.read_async().await);
            0
        }
        8 => add(&mut *lock.write_async().await),
        _ => see(&*lock.read_async().await),
    }
}

#[test]
fn threads_and_tasks_under_stress() {
    let seed = std::env::var("COUNTERPOINT_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| {
            let now = std::time::UNIX_EPOCH.elapsed().expect("after 1970");
            now.as_nanos() as u64
        });
    println!("COUNTERPOINT_SEED={seed}");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    for lock in [RwLock::new((0, 0)), RwLock::fair((0, 0))] {
        let lock = Arc::new(lock);
        let stop = Instant::now() + Duration::from_millis(400);
        let dice = move |number: u64| {
            let seed = seed.wrapping_add(number);
            Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
        };
        let threads: Vec<_> = (0..3)
            .map(|number| {
                let lock = lock.clone();
                thread::spawn(move || {
                    let (mut dice, mut added) = (dice(number), 0);
                    while Instant::now() < stop {
                        added += block_on(visit(&lock, &mut dice));
                    }
                    added
                })
            })
            .collect();
        let tasks: Vec<_> = (10..16)
            .map(|number| {
                let lock = lock.clone();
                runtime.spawn(async move {
                    let (mut dice, mut added) = (dice(number), 0);
                    while Instant::now() < stop {
                        added += visit(&lock, &mut dice).await;
                        if dice.roll(4) == 0 {
                            tokio::task::yield_now().await;
                        }
                    }
                    added
                })
            })
            .collect();
        let mut expected = 0;
        for thread in threads {
            expected += thread.join().unwrap();
        }
        for task in tasks {
            expected += runtime.block_on(task).unwrap();
        }
        let pair = lock.try_write().expect("nobody is left");
        assert_eq!(
            (pair.0, pair.1),
            (expected, expected),
            "COUNTERPOINT_SEED={seed}"
        );
    }
}

#[test]
fn who_waits_to_be_upgradable_keeps_no_reader_out() {
    let lock = RwLock::new(());
    let upgradable = lock.upgradable_read();
    let reads = lock.read();
    let waiting = Task::queued(lock.upgradable_read_async());
    RwLockReadGuard::unlock_fair(reads);
    // Nobody writes or wants to, although the next release is promised to the one in line.
    assert!(lock.try_read().is_ok());
    drop(upgradable);
    assert_eq!(waiting.woken(), 1);

    let lock = RwLock::fair(());
    let upgradable = lock.upgradable_read();
    let waiting = Task::queued(lock.upgradable_read_async());
    assert!(lock.try_read().is_ok() && block_on(lock.read_async().timeout(LONG)).is_ok());
    let writer = Task::queued(lock.write_async());
    assert!(lock.try_read().is_err(), "a writer in line does");
    drop(writer);
    assert!(lock.try_read().is_ok());
    drop(upgradable);
    assert_eq!(waiting.woken(), 1);
}

#[test]
fn an_upgrade_voids_what_was_kept_for_readers() {
    for dormant_reader in [false, true] {
        let lock = RwLock::fair(());
        let held = lock.write();
        let mut first = Task::queued(lock.upgradable_read_async());
        let mut second = Task::queued(lock.read_async());
        let mut dormant = dormant_reader.then(|| Task::queued(lock.read_async()));
        drop(held);
        let (first, second) = (first.ready(), second.ready());
        let mut upgrade = Task::queued(RwLockUpgradableReadGuard::upgrade_async(first));
        drop(second);
        assert_eq!(upgrade.woken(), 1);
        assert!(lock.try_read().is_err() && lock.try_read_recursive().is_ok());
        let writes = upgrade.ready();
        if let Some(dormant) = &mut dormant {
            assert!(dormant.poll().is_pending(), "it comes after who writes");
        }
        drop(writes);
        if let Some(dormant) = &mut dormant {
            drop(dormant.ready());
        }
        assert!(lock.try_write().is_ok());
    }
}

#[test]
fn readers_follow_one_that_looked_again() {
    let lock = RwLock::new(());
    let held = lock.write();
    let _dormant = Task::queued(lock.write_async());
    let mut one = Task::queued(lock.read_async());
    let other = Task::queued(lock.read_async());
    drop(held);
    let _reads = one.ready();
    assert_eq!(other.woken(), 1);
}

/// A waker that runs foreign code when it is cloned and when it is dropped.
#[derive(Default)]
struct Hooks {
    on_clone: Option<Box<dyn FnOnce()>>,
    on_drop: Option<Box<dyn FnOnce()>>,
    woken: usize,
}

/// What the hooks own stays on the thread of the test; the timer thread wakes as well.
mod hooked {
    use super::Hooks;
    use std::sync::{Arc, Mutex, PoisonError};
    use std::task::{RawWaker, RawWakerVTable, Waker};

    static TABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_one);

    pub(super) type Shared = Arc<Mutex<Hooks>>;

    pub(super) fn with<R>(hooks: &Shared, f: impl FnOnce(&mut Hooks) -> R) -> R {
        f(&mut hooks.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn waker(hooks: &Shared) -> Waker {
        let raw = RawWaker::new(Arc::into_raw(hooks.clone()).cast(), &TABLE);
        // SAFETY: the functions count references as `Arc` does; what the hooks own is run and dropped
        // by the thread of the test.
        unsafe { Waker::from_raw(raw) }
    }

    fn take(data: *const ()) -> Shared {
        // SAFETY: made by `waker` or `clone`; each function accounts for one reference.
        unsafe { Arc::from_raw(data.cast()) }
    }

    fn clone(data: *const ()) -> RawWaker {
        let hooks = take(data);
        let next = hooks.clone();
        std::mem::forget(hooks);
        let hook = with(&next, |hooks| hooks.on_clone.take());
        let raw = RawWaker::new(Arc::into_raw(next).cast(), &TABLE);
        if let Some(hook) = hook {
            hook();
        }
        raw
    }

    fn wake(data: *const ()) {
        with(&take(data), |hooks| hooks.woken += 1);
    }

    fn wake_by_ref(data: *const ()) {
        let hooks = take(data);
        with(&hooks, |hooks| hooks.woken += 1);
        std::mem::forget(hooks);
    }

    fn drop_one(data: *const ()) {
        let hooks = take(data);
        let hook = with(&hooks, |hooks| hooks.on_drop.take());
        if let Some(hook) = hook {
            hook();
        }
    }
}

#[test]
fn a_waker_that_panics_when_dropped_holds_back_nobody() {
    let lock = RwLock::new(());
    let held = lock.write();
    let _dormant = Task::queued(lock.write_async());
    let mut writer = Box::pin(lock.write_async());
    let hooks = hooked::Shared::default();
    let waker = hooked::waker(&hooks);
    let queued = writer.as_mut().poll(&mut Context::from_waker(&waker));
    assert!(queued.is_pending());
    let reader = Task::queued(lock.read_async());
    drop(held);
    assert_eq!(reader.woken(), 0);
    hooked::with(&hooks, |hooks| {
        hooks.on_drop = Some(Box::new(|| panic!("a waker panics")))
    });
    let polled = panic::catch_unwind(AssertUnwindSafe(|| {
        let mut other = Context::from_waker(Waker::noop());
        writer.as_mut().poll(&mut other).is_ready()
    }));
    assert!(polled.is_err());
    assert_eq!(reader.woken(), 1, "the writer has left the line");
    assert!(!lock.is_poisoned() && !lock.is_locked());
}

#[test]
fn one_that_is_asked_to_look_while_its_waker_is_replaced_looks() {
    let lock = leak(RwLock::fair(()));
    let held = lock.write();
    let dormant = Task::queued(lock.write_async());
    let mut waiting = Task::queued(lock.write_async());
    // While the new waker is cloned the lock is kept for the one that is never polled.
    let hooks = hooked::Shared::default();
    hooked::with(&hooks, |hooks| {
        hooks.on_clone = Some(Box::new(|| drop(held)))
    });
    let waker = hooked::waker(&hooks);
    let mut context = Context::from_waker(&waker);
    assert!(waiting.future.as_mut().poll(&mut context).is_pending());
    assert_eq!((dormant.woken(), waiting.woken()), (1, 1));
    thread::sleep(Duration::from_millis(5));
    assert!(
        waiting.future.as_mut().poll(&mut context).is_ready(),
        "it has had its time"
    );
}

#[test]
fn a_lost_baton_is_used_up() {
    let lock: &RwLock<()> = leak(RwLock::new(()));
    let held = lock.write();
    let mut reads = Box::pin(lock.read_async());
    assert!(
        reads
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    drop(held);
    let faster = lock.try_write().unwrap();
    let hooks = hooked::Shared::default();
    // It loses; while it queues again the lock is free, and then a writer stands in line.
    hooked::with(&hooks, |hooks| {
        hooks.on_clone = Some(Box::new(|| drop(faster)))
    });
    let others = std::rc::Rc::new(std::cell::RefCell::new(None));
    let known = others.clone();
    let on_drop = move || {
        let guard = lock.read();
        *known.borrow_mut() = Some((Task::queued(lock.write_async()), guard));
    };
    hooked::with(&hooks, |hooks| hooks.on_drop = Some(Box::new(on_drop)));
    let waker = hooked::waker(&hooks);
    let polled = reads.as_mut().poll(&mut Context::from_waker(&waker));
    assert!(
        polled.is_pending(),
        "it has no better right than a newcomer"
    );
    let (writer, guard) = others.borrow_mut().take().unwrap();
    drop((guard, reads));
    assert_eq!(writer.woken(), 1);
    drop(writer);
    assert!(lock.try_write().is_ok());
}
