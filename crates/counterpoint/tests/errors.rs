//! The table of what can fail, and how, in the documentation of the sync room: each error there is a type with these
//! variants, each error type is there, and each call here is there with the type that it has.

use counterpoint::cancel::Ctl;
use counterpoint::sync::barrier::BarrierWaitError;
use counterpoint::sync::exchanger::ExchangeError;
use counterpoint::sync::rendezvous::{Disconnected, RendezvousError, TryRendezvousError};
use counterpoint::sync::stage::NotifyError;
use counterpoint::sync::*;
use counterpoint::wait::Stop;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Where the table is.
const SOURCE: &str = include_str!("../../sync/src/lib.rs");

const SOON: Duration = Duration::from_millis(1);

/// The variants of an error type; does not compile unless it has these and no others.
macro_rules! types {
    ($($name:ident $([$($argument:ty),*])? { $($variant:ident),+ })+) => {
        fn types() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
            $(
                let _ = |error: &$name $(<$($argument),*>)?| match error {
                    $($name::$variant { .. } => (),)+
                };
            )+
            [$((stringify!($name), [$(stringify!($variant)),+].into_iter().collect())),+]
                .into_iter()
                .collect()
        }
    };
}

types! {
    Stop { TimedOut, Cancelled }
    LockError { TimedOut, Cancelled }
    TryLockError { WouldBlock }
    RwLockError { TimedOut, Cancelled }
    TryReadError { WouldBlock, TooManyReaders }
    TryWriteError { WouldBlock }
    UpgradeError[()] { TimedOut, Cancelled }
    AcquireError { Closed, TooMany, TimedOut, Cancelled }
    TryAcquireError { Closed, NoPermits, TooMany }
    BarrierWaitError { Broken, TimedOut, Cancelled }
    OnceCellError[()] { Init, Reentrant, TimedOut, Cancelled }
    SetError[()] { AlreadyInit, Initializing }
    WaitGroupError { TimedOut, Cancelled }
    RendezvousError { Disconnected, TimedOut, Cancelled }
    TryRendezvousError { WouldBlock, Disconnected }
    ExchangeError[()] { TimedOut, Cancelled }
    NotifyError[()] { Unknown, Full }
}

/// Calls of the same error type: what each is called on, and how. Does not compile unless it has that type.
macro_rules! calls {
    ($($call:literal: |$($name:ident: $type:ty),*| $do:expr => $error:ty;)*) => {
        fn calls() -> Vec<(&'static str, String)> {
            $(
                let _ = |$($name: $type),*| -> Result<(), $error> { $do.map(|_| ()) };
            )*
            vec![$(($call, short(stringify!($error)))),*]
        }
    };
}

/// The name without what it carries.
fn short(name: &str) -> String {
    name.split('<').next().unwrap_or(name).trim().to_owned()
}

type WriteErr<'a> = UpgradeError<RwLockUpgradableReadGuard<'a, u8>>;

calls! {
    "Mutex::try_lock": |m: &Mutex<u8>| m.try_lock() => TryLockError;
    "ReentrantMutex::try_lock": |m: &ReentrantMutex<u8>| m.try_lock() => TryLockError;
    "ContendedMutex::try_lock": |m: &ContendedMutex<u8>| m.try_lock() => TryLockError;
    "Mutex::lock": |m: &Mutex<u8>| m.lock_timeout(SOON) => LockError;
    "Mutex::lock": |m: &Mutex<u8>, ctl: &Ctl<'_>| m.lock_async().with(ctl).wait() => LockError;
    "ReentrantMutex::lock": |m: &ReentrantMutex<u8>| m.lock_timeout(SOON) => LockError;
    "ContendedMutex::lock": |m: &ContendedMutex<u8>| m.lock_timeout(SOON) => LockError;
    "ContendedMutex::lock": |m: &Arc<ContendedMutex<u8>>| m.lock_owned_timeout(SOON) => LockError;
    "RwLock::try_read": |l: &RwLock<u8>| l.try_read() => TryReadError;
    "RwLock::try_upgradable_read": |l: &RwLock<u8>| l.try_upgradable_read() => TryReadError;
    "RwLock::try_write": |l: &RwLock<u8>| l.try_write() => TryWriteError;
    "RwLock::read": |l: &RwLock<u8>| l.read_timeout(SOON) => RwLockError;
    "RwLock::write": |l: &RwLock<u8>, ctl: &Ctl<'_>| l.write_async().with(ctl).wait() => RwLockError;
    "ShardedLock::try_read": |l: &ShardedLock<u8>| l.try_read() => TryLockError;
    "ShardedLock::try_write": |l: &ShardedLock<u8>| l.try_write() => TryLockError;
    "ShardedLock::read": |l: &ShardedLock<u8>| l.read_timeout(SOON) => LockError;
    "ShardedLock::write": |l: &ShardedLock<u8>| l.write_timeout(SOON) => LockError;
    "Semaphore::try_acquire": |s: &Semaphore| s.try_acquire() => TryAcquireError;
    "Semaphore::acquire": |s: &Semaphore| s.acquire() => AcquireError;
    "Semaphore::acquire": |s: &Semaphore, ctl: &Ctl<'_>| s.acquire_async().with(ctl).wait() => AcquireError;
    "Barrier::wait": |b: &Barrier| b.wait_timeout(SOON) => BarrierWaitError;
    "Arrival::wait": |a: Arrival<'_>| a.wait_timeout(SOON) => BarrierWaitError;
    "OnceCell::set": |c: &OnceCell<()>| c.set(()) => SetError<()>;
    "OnceCell::claim": |c: &OnceCell<u8>| c.claim() => OnceCellError;
    "OnceCell::get_or_try_init": |c: &OnceCell<u8>, ctl: &Ctl<'_>| c.get_or_try_init_async(async || Err(())).with(ctl).wait() => OnceCellError<()>;
    "Condvar::wait": |c: &Condvar, m: &Mutex<u8>| c.wait_timeout(&mut m.lock(), SOON) => Stop;
    "Notify::wait": |n: &Notify| n.wait_timeout(SOON) => Stop;
    "Latch::wait": |l: &Latch| l.wait_timeout(SOON) => Stop;
    "ManualResetEvent::wait": |e: &ManualResetEvent| e.wait_timeout(SOON) => Stop;
    "AutoResetEvent::wait": |e: &AutoResetEvent| e.wait_timeout(SOON) => Stop;
    "OnceCell::wait": |c: &OnceCell<u8>| c.wait_timeout(SOON) => Stop;
    "WaitGroup::wait_ref": |g: &WaitGroup| g.wait_ref_timeout(SOON) => Stop;
    "WaitGroup::wait": |g: WaitGroup| g.wait_timeout(SOON) => WaitGroupError;
    "BufMutex::wait_idle": |b: &BufMutex<u8>| b.wait_idle_timeout(SOON) => Stop;
    "Exchanger::exchange": |e: &Exchanger<u8>| e.exchange_timeout(1, SOON) => ExchangeError<u8>;
    "Rendezvous::wait_checked": |r: &mut Rendezvous| r.wait_checked() => Disconnected;
    "Rendezvous::try_wait": |r: &mut Rendezvous| r.try_wait() => TryRendezvousError;
    "Rendezvous::wait": |r: &mut Rendezvous| r.wait_timeout(SOON) => RendezvousError;
    "RendezvousData::swap": |r: &mut RendezvousData<u8>| r.swap_timeout(SOON) => RendezvousError;
    "RendezvousGroup::wait": |r: &mut RendezvousGroup| r.wait_timeout(SOON) => RendezvousError;
    "Stage::notify_with": |s: &Stage<u32, u8, u8, u8>| s.notify_with(&1_u32, 1) => NotifyError<u8>;
}

/// What stands between backticks.
fn words(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Whether a row is about the call: by its full name, or by its verb beside another of its type.
fn is_about(cell: &str, call: &str) -> bool {
    let (thing, verb) = call.split_once("::").expect("a type and a verb");
    let words = words(cell);
    let kin = format!("{thing}::");
    words.contains(&call)
        || words.contains(&verb) && words.iter().any(|word| word.starts_with(&kin))
}

#[test]
fn the_table_is_what_the_calls_say() {
    let _ = |guard: RwLockUpgradableReadGuard<'static, u8>| -> Result<(), WriteErr<'static>> {
        RwLockUpgradableReadGuard::upgrade_timeout(guard, SOON).map(drop)
    };
    let (types, calls) = (types(), calls());
    let rows: Vec<[&str; 3]> = SOURCE
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `"))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').collect();
            [cells[0], cells[1], cells[2]]
        })
        .collect();
    assert!(rows.len() > 20, "the table has moved");
    let mut seen = BTreeSet::new();
    for [call, error, variants] in &rows {
        let Some(error) = words(error).first().map(|word| short(word)) else {
            continue; // No error type: the guard, or none.
        };
        let Some(all) = types.get(error.as_str()) else {
            assert_eq!(error, "Disconnected", "{call}: no such error");
            continue;
        };
        for variant in words(variants) {
            assert!(all.contains(variant), "{call}: {error} has no {variant}");
        }
        assert!(
            !words(variants).is_empty(),
            "{call}: which variants of {error}?"
        );
        seen.insert(error);
    }
    for name in types.keys() {
        assert!(seen.contains(*name), "{name} is in no row");
    }
    for (call, error) in &calls {
        // The first backtick of a row was taken off.
        let has = rows.iter().any(|[about, its, _]| {
            is_about(&format!("`{about}"), call)
                && words(its).first().is_some_and(|its| short(its) == *error)
        });
        assert!(has, "{call} with {error} is in no row");
    }
}
