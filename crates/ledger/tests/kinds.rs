//! Every kind of obligation has a line, and everything that waits is known, each with its places.

use counterpoint_ledger::{self as ledger, Phase};
use counterpoint_sync::stage::Stage;
use counterpoint_sync::{
    AutoResetEvent, Barrier, BufMutex, Condvar, ContendedMutex, Exchanger, Latch, ManualResetEvent,
    Mutex, Notify, OnceCell, ReentrantMutex, RendezvousGroup, RwLock, Semaphore, ShardedLock,
    WaitGroup,
};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};

/// What is held of the things that were made in this line, as kind, units and phase; each taken in this
/// file.
fn held_of(made: u32) -> Vec<(&'static str, usize, Phase)> {
    let held = ledger::snapshot().held;
    let here = held
        .iter()
        .filter(|held| (held.made.file(), held.made.line()) == (file!(), made));
    here.map(|held| {
        assert_eq!(held.site.file(), file!(), "{held}");
        (held.kind, held.units, held.phase)
    })
    .collect()
}

/// Makes a thing, takes something of it, and compares what is held then, and that nothing is after.
macro_rules! holds {
    ($thing:expr, |$it:ident| $take:expr, $($kind:literal $units:literal $phase:ident),+) => {{
        let ($it, made) = ($thing, line!());
        let taken = $take;
        let expected = [$(($kind, $units, Phase::$phase)),+];
        assert_eq!(held_of(made), expected, "{}", stringify!($take));
        drop(taken);
        assert_eq!(held_of(made), [], "after {}", stringify!($take));
    }};
}

#[test]
#[rustfmt::skip] // The line says where a thing was made.
fn what_is_held_has_a_line() {
    ledger::start().unwrap();
    holds!(Mutex::new(1), |it| it.lock(), "MutexGuard" 1 Held);
    holds!(Mutex::fair(1), |it| it.try_lock(), "MutexGuard" 1 Held);
    holds!(Mutex::from(1), |it| counterpoint_sync::MutexGuard::map(it.lock(), |it| it), "MutexGuard" 1 Held);
    holds!(Arc::new(Mutex::new(1)), |it| it.lock_owned(), "OwnedMutexGuard" 1 Held);
    holds!(ContendedMutex::new(1), |it| it.lock(), "MutexGuard" 1 Held);
    holds!(Arc::new(ContendedMutex::new(1)), |it| it.lock_owned(), "OwnedContendedMutexGuard" 1 Held);
    holds!(ReentrantMutex::new(1), |it| (it.lock(), it.lock()), "ReentrantMutexGuard" 1 Held, "ReentrantMutexGuard" 1 Held);
    holds!(RwLock::new(1), |it| it.read(), "RwLockReadGuard" 1 Held);
    holds!(RwLock::new(1), |it| (it.upgradable_read(), it.read_recursive()), "RwLockUpgradableReadGuard" 1 Held, "RwLockReadGuard" 1 Held);
    holds!(RwLock::fair(1), |it| it.write(), "RwLockWriteGuard" 1 Held);
    holds!(Arc::new(RwLock::new(1)), |it| it.write_owned(), "OwnedRwLockWriteGuard" 1 Held);
    holds!(Arc::new(RwLock::new(1)), |it| it.read_owned(), "OwnedRwLockReadGuard" 1 Held);
    holds!(ShardedLock::new(1), |it| it.read(), "ShardedLockReadGuard" 1 Held);
    holds!(ShardedLock::new(1), |it| it.write(), "ShardedLockWriteGuard" 1 Held);
    holds!(ShardedLock::new(1), |it| it.try_write(), "ShardedLockWriteGuard" 1 Held);
    holds!(Semaphore::new(4), |it| it.acquire_many(3), "SemaphorePermit" 3 Held);
    holds!(Arc::new(Semaphore::new(4)), |it| it.try_acquire_owned(), "OwnedSemaphorePermit" 1 Held);
    holds!(Barrier::new(2), |it| it.arrive(), "Arrival" 1 Reserved);
    holds!(OnceCell::<i32>::new(), |it| it.claim(), "OnceInit" 1 Reserved);
    holds!(BufMutex::<i32>::new(0, |all, one| *all += *one), |it| it.share(), "SharedBufMutex" 1 Held);
    holds!(Stage::<u32, i32, i32>::new(1, 2), |it| it.ticket(7).unwrap(), "Ticket" 1 Reserved);
    // The group itself is a handle.
    let (group, made) = (WaitGroup::new(), line!());
    assert_eq!(held_of(made), [("WaitGroup", 1, Phase::Held)]);
    drop(group);
}

/// The waits for what was made in this line.
fn waits_for(made: u32) -> Vec<&'static str> {
    let text = format!("{}:{made}:", file!());
    let waiting = ledger::snapshot().waiting;
    let here = waiting
        .iter()
        .filter(|waits| waits.to_string().contains(&text));
    here.map(|waits| {
        assert_eq!(waits.site.file(), file!(), "{waits}");
        waits.kind
    })
    .collect()
}

/// Makes a thing, has a task wait for it, and compares what is known of that.
macro_rules! waits {
    ($thing:expr, |$it:ident| $wait:expr, $kind:literal) => {{
        let ($it, made) = ($thing, line!());
        let mut task: Pin<Box<dyn Future<Output = ()> + '_>> =
            Box::pin(ledger::task("waits", async {
                let _got = $wait.await;
            }));
        assert!(
            task.as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
        assert_eq!(waits_for(made), [$kind]);
        drop(task);
        assert_eq!(waits_for(made), [""; 0]);
    }};
}

#[test]
#[rustfmt::skip] // As above.
fn who_waits_is_known() {
    ledger::start().unwrap();
    let held = |mutex: &Mutex<i32>| std::mem::forget(mutex.lock());
    waits!(Mutex::new(1), |it| { held(&it); it.lock_async() }, "Mutex::lock");
    waits!(RwLock::new(1), |it| { std::mem::forget(it.write()); it.read_async() }, "RwLock::read");
    waits!(RwLock::new(1), |it| { std::mem::forget(it.read()); it.write_async() }, "RwLock::write");
    waits!(ShardedLock::new(1), |it| { std::mem::forget(it.write()); it.read_async() }, "ShardedLock::read");
    waits!(ShardedLock::new(1), |it| { std::mem::forget(it.read()); it.write_async() }, "ShardedLock::write");
    waits!(ContendedMutex::new(1), |it| { std::mem::forget(it.lock()); it.lock_async() }, "ContendedMutex::lock");
    waits!(Arc::new(ContendedMutex::new(1)), |it| { std::mem::forget(it.lock()); it.lock_owned_async() }, "ContendedMutex::lock_owned");
    waits!(Semaphore::new(1), |it| it.acquire_many_async(2), "Semaphore::acquire");
    waits!(Barrier::new(2), |it| it.wait_async(), "Barrier::wait");
    waits!(Notify::new(), |it| it.notified(), "Notify::notified");
    waits!(Latch::new(1), |it| it.wait_async(), "Latch::wait");
    waits!(ManualResetEvent::new(false), |it| it.wait_async(), "ManualResetEvent::wait");
    waits!(AutoResetEvent::new(false), |it| it.wait_async(), "AutoResetEvent::wait");
    waits!(OnceCell::<i32>::new(), |it| it.wait_async(), "OnceCell::wait");
    waits!(Exchanger::<i32>::new(), |it| it.exchange_async(1), "Exchanger::exchange");
    waits!(counterpoint_wait::cancel::CancelToken::new(), |it| it.cancelled(), "CancelToken::cancelled");
    let mutex = Mutex::new(());
    waits!(Condvar::new(), |it| it.wait_async(mutex.lock()), "Condvar::wait");
    waits!(RendezvousGroup::new(2), |it| { let mut it = it; async move { it[0].wait_async().await } }, "RendezvousGroup::wait");
    let group = WaitGroup::new();
    waits!(group.clone(), |it| it.wait_ref_async(), "WaitGroup::wait_ref");
}
