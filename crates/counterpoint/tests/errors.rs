//! `docs/guide/errors.md`: each call there has this error type, whose variants are these, and no call is missing
//! of those that are here.

use counterpoint::cancel::Ctl;
use counterpoint::sync::barrier::BarrierWaitError;
use counterpoint::sync::exchanger::ExchangeError;
use counterpoint::sync::rendezvous::{Disconnected, RendezvousError, TryRendezvousError};
use counterpoint::sync::stage::NotifyError;
use counterpoint::sync::*;
use counterpoint::wait::Stop;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

const TABLE: &str = include_str!("../../../docs/guide/errors.md");

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

/// A row for each call: what it is called on, how, its error type and what that may be there. Does not
/// compile unless the call has that type.
macro_rules! rows {
    ($($call:literal: |$($name:ident: $type:ty),*| $do:expr => $error:ty [$($variant:ident)*];)*) => {
        fn rows() -> Vec<(&'static str, String, Vec<&'static str>)> {
            $(
                let _ = |$($name: $type),*| -> Result<(), $error> { $do.map(|_| ()) };
            )*
            vec![$(($call, short(stringify!($error)), vec![$(stringify!($variant)),*])),*]
        }
    };
}

/// The name without what it carries.
fn short(name: &str) -> String {
    name.split('<').next().unwrap_or(name).trim().to_owned()
}

type WriteErr<'a> = UpgradeError<RwLockUpgradableReadGuard<'a, u8>>;

rows! {
    "`Mutex::try_lock`, `try_lock_owned`; `ReentrantMutex`, `ContendedMutex`": |m: &Mutex<u8>, r: &ReentrantMutex<u8>, c: &ContendedMutex<u8>, a: &Arc<Mutex<u8>>| { drop(a.try_lock_owned()?); drop(r.try_lock()?); drop(c.try_lock()?); m.try_lock() } => TryLockError [WouldBlock];
    "`Mutex::lock_timeout`, `lock_deadline`; `ReentrantMutex`, `ContendedMutex`": |m: &Mutex<u8>, r: &ReentrantMutex<u8>, c: &ContendedMutex<u8>, at: Instant| { drop(m.lock_deadline(at)?); drop(r.lock_timeout(SOON)?); drop(c.lock_timeout(SOON)?); m.lock_timeout(SOON) } => LockError [TimedOut];
    "`Mutex::lock_async().with(&ctl)`": |m: &Mutex<u8>, ctl: &Ctl<'_>| m.lock_async().with(ctl).wait() => LockError [TimedOut Cancelled];
    "`RwLock::try_read`, `try_upgradable_read`": |l: &RwLock<u8>| l.try_read() => TryReadError [WouldBlock TooManyReaders];
    "`RwLock::try_write`": |l: &RwLock<u8>| l.try_write() => TryWriteError [WouldBlock];
    "`RwLock::read_timeout`, `write_timeout`": |l: &RwLock<u8>| { drop(l.read_timeout(SOON)?); l.write_timeout(SOON) } => RwLockError [TimedOut];
    "`RwLock::write_async().with(&ctl)`": |l: &RwLock<u8>, ctl: &Ctl<'_>| l.write_async().with(ctl).wait() => RwLockError [TimedOut Cancelled];
    "`ShardedLock::try_read`, `try_write`": |l: &ShardedLock<u8>| { drop(l.try_read()?); l.try_write() } => TryLockError [WouldBlock];
    "`ShardedLock::read_timeout`, `write_timeout`": |l: &ShardedLock<u8>| { drop(l.read_timeout(SOON)?); l.write_timeout(SOON) } => LockError [TimedOut];
    "`Semaphore::acquire`, `acquire_many`": |s: &Semaphore| { drop(s.acquire()?); s.acquire_many(2) } => AcquireError [Closed TooMany];
    "`Semaphore::try_acquire`, `try_acquire_many`": |s: &Semaphore| s.try_acquire() => TryAcquireError [Closed NoPermits TooMany];
    "`Semaphore::acquire_async().with(&ctl)`": |s: &Semaphore, ctl: &Ctl<'_>| s.acquire_async().with(ctl).wait() => AcquireError [Closed TooMany TimedOut Cancelled];
    "`Barrier::wait_timeout`": |b: &Barrier| b.wait_timeout(SOON) => BarrierWaitError [Broken TimedOut];
    "`Barrier::wait_async().with(&ctl)`": |b: &Barrier, ctl: &Ctl<'_>| b.wait_async().with(ctl).wait() => BarrierWaitError [Broken TimedOut Cancelled];
    "`Condvar::wait_timeout`, `wait_timeout_while`": |c: &Condvar, m: &Mutex<u8>| { let mut guard = m.lock(); c.wait_timeout(&mut guard, SOON) } => Stop [TimedOut];
    "`Notify`, `Latch`, `ManualResetEvent`, `AutoResetEvent`: `wait_timeout`": |n: &Notify, l: &Latch, e: &ManualResetEvent, a: &AutoResetEvent| { n.wait_timeout(SOON)?; l.wait_timeout(SOON)?; e.wait_timeout(SOON)?; a.wait_timeout(SOON) } => Stop [TimedOut];
    "`Notify::notified().with(&ctl)`": |n: &Notify, ctl: &Ctl<'_>| n.notified().with(ctl).wait() => Stop [TimedOut Cancelled];
    "`OnceCell::set`": |c: &OnceCell<()>| c.set(()) => SetError<()> [AlreadyInit Initializing];
    "`OnceCell::claim`": |c: &OnceCell<u8>| c.claim() => OnceCellError [Reentrant];
    "`OnceCell::claim_timeout`": |c: &OnceCell<u8>| c.claim_timeout(SOON) => OnceCellError [Reentrant TimedOut];
    "`OnceCell::get_or_try_init_async(f).with(&ctl)`": |c: &OnceCell<u8>, ctl: &Ctl<'_>| c.get_or_try_init_async(async || Err(())).with(ctl).wait() => OnceCellError<()> [Init Reentrant TimedOut Cancelled];
    "`WaitGroup::wait_timeout`": |g: WaitGroup| g.wait_timeout(SOON) => WaitGroupError [TimedOut];
    "`WaitGroup::wait_async().with(&ctl)`": |g: WaitGroup, ctl: &Ctl<'_>| g.wait_async().with(ctl).wait() => WaitGroupError [TimedOut Cancelled];
    "`BufMutex::wait_idle_timeout`": |b: &BufMutex<u8>| b.wait_idle_timeout(SOON) => Stop [TimedOut];
    "`Rendezvous::wait_checked`": |r: &mut Rendezvous| r.wait_checked() => Disconnected [];
    "`Rendezvous::try_wait`; `RendezvousData`, `RendezvousGroup`": |r: &mut Rendezvous| r.try_wait() => TryRendezvousError [WouldBlock Disconnected];
    "`Rendezvous::wait_timeout`; `RendezvousData`, `RendezvousGroup`": |r: &mut Rendezvous| r.wait_timeout(SOON) => RendezvousError [Disconnected TimedOut];
    "`Rendezvous::wait_async().with(&ctl)`": |r: &mut Rendezvous, ctl: &Ctl<'_>| r.wait_async().with(ctl).wait() => RendezvousError [Disconnected TimedOut Cancelled];
    "`Exchanger::exchange_timeout`": |e: &Exchanger<u8>| e.exchange_timeout(1, SOON) => ExchangeError<u8> [TimedOut];
    "`Exchanger::exchange_async(v).with(&ctl)`": |e: &Exchanger<u8>, ctl: &Ctl<'_>| e.exchange_async(1).with(ctl).wait() => ExchangeError<u8> [TimedOut Cancelled];
    "`Stage::notify_with`": |s: &Stage<u32, u8, u8, u8>| s.notify_with(&1_u32, 1) => NotifyError<u8> [Unknown Full];
}

#[test]
fn the_table_is_what_the_calls_say() {
    let _ = |guard: RwLockUpgradableReadGuard<'static, u8>| -> Result<(), WriteErr<'static>> {
        RwLockUpgradableReadGuard::upgrade_timeout(guard, SOON).map(drop)
    };
    let (types, rows) = (types(), rows());
    let mut written = BTreeSet::new();
    for (call, error, variants) in &rows {
        let all = types.get(error.as_str());
        for variant in variants {
            assert!(
                all.is_some_and(|all| all.contains(variant)),
                "{error}::{variant}"
            );
        }
        let shown: Vec<String> = variants
            .iter()
            .map(|variant| format!("`{variant}`"))
            .collect();
        let shown = if shown.is_empty() {
            "–".to_owned()
        } else {
            shown.join(", ")
        };
        let row = format!("| {call} | `{error}` | {shown} |");
        assert!(TABLE.lines().any(|line| line == row), "missing: {row}");
        written.insert(row);
    }
    let upgrade = "| `RwLockUpgradableReadGuard::upgrade_timeout` | `UpgradeError` | `TimedOut` |";
    written.insert(upgrade.to_owned());
    let others: Vec<&str> = TABLE
        .lines()
        .filter(|line| line.starts_with("| `") && !written.contains(*line))
        .collect();
    assert!(others.is_empty(), "no call has these: {others:#?}");
    for name in types.keys() {
        assert!(
            TABLE.contains(&format!("| `{name}` |")),
            "{name} is in no row"
        );
    }
}
