//! The tests of the locks once more, with the ledger on from before `main`: no false alarm, not even one that is
//! only suspected, but where a test does what looks like a deadlock to all that is in memory.
//!
//! Left out: what counts allocations (the ledger allocates for a wait), forks, measures idle time, or gives the
//! hooks a sink of its own, and what asks for the features of its own package.
//!
//! ```text
//! cargo xtask ledger
//! ```
#![cfg(target_os = "linux")]
#![allow(
    unexpected_cfgs,
    clippy::duplicate_mod,
    reason = "features of the package whose tests they are, and what each of them brings along"
)]

use counterpoint_ledger::{self as ledger, Deadlock, Finding, Policy};
use std::path::Path;
use std::time::Duration;
use std::{fs, process, thread};

/// No test keeps a guard elsewhere for so long.
const PATIENCE: Duration = Duration::from_secs(1);

/// Functions of tests that send a guard away and wait for its lock, or do something of that kind, and why they go
/// on. A test that is not here is known to raise no alarm.
const EXPECTED: &[(&str, &str)] = &[];

/// Each file of `crates/sync/tests` as a module of this one.
macro_rules! suites {
    ($($path:literal $name:ident;)*) => {$(
        #[path = $path]
        mod $name;
    )*};
}

suites! {
    "../../sync/tests/barrier.rs" barrier;
    "../../sync/tests/condvar.rs" condvar;
    "../../sync/tests/contended.rs" contended;
    "../../sync/tests/contract/main.rs" contract;
    "../../sync/tests/edge_cases.rs" edge_cases;
    "../../sync/tests/exchanger.rs" exchanger;
    "../../sync/tests/executors.rs" executors;
    "../../sync/tests/latch.rs" latch;
    "../../sync/tests/mutex.rs" mutex;
    "../../sync/tests/notify.rs" notify;
    "../../sync/tests/once.rs" once;
    "../../sync/tests/reentrant.rs" reentrant;
    "../../sync/tests/rendezvous.rs" rendezvous;
    "../../sync/tests/rendezvous_group.rs" rendezvous_group;
    "../../sync/tests/reset_event.rs" reset_event;
    "../../sync/tests/rwlock.rs" rwlock;
    "../../sync/tests/semaphore.rs" semaphore;
    "../../sync/tests/sharded_lock.rs" sharded_lock;
    "../../sync/tests/stage.rs" stage;
    "../../sync/tests/stage_regressions.rs" stage_regressions;
}

/// The function in whose text the place is.
fn function(site: &core::panic::Location<'_>) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = fs::read_to_string(root.join(site.file())).unwrap_or_default();
    let lines: Vec<&str> = text.lines().take(site.line() as usize).collect();
    let name = |line: &&str| {
        let (_, rest) = line.split_once("fn ")?;
        let (name, _) = rest.split_once(['(', '<'])?;
        Some(name.to_owned())
    };
    lines.iter().rev().find_map(name).unwrap_or_default()
}

/// The test that makes it, and why it does so; none if nobody expects it.
fn reason(deadlock: &Deadlock) -> Option<(&'static str, &'static str)> {
    let mut tests = deadlock.links.iter().map(|link| function(link.waits.site));
    tests.find_map(|name| {
        let mut expected = EXPECTED.iter();
        expected.find(|(test, _)| *test == name).copied()
    })
}

fn alarm(deadlock: &Deadlock) {
    match reason(deadlock) {
        Some((test, why)) => eprintln!("expected alarm in {test}: {why}"),
        None => {
            let links = deadlock.links.iter();
            let tests: Vec<String> = links.map(|link| function(link.waits.site)).collect();
            eprintln!("an alarm that nobody expects, in {tests:?}: {deadlock}");
            process::abort();
        }
    }
}

/// Who stands still for too long waits for ever: each test ends.
fn watch() {
    loop {
        thread::sleep(PATIENCE / 4);
        for deadlock in ledger::deadlocks() {
            if deadlock
                .stood_still()
                .is_some_and(|still| still >= PATIENCE)
            {
                eprintln!("counterpoint: {deadlock}");
                process::abort();
            }
        }
    }
}

/// Runs before `main`, and so before every test.
extern "C" fn begin() {
    ledger::start().expect("nothing else is told by the hooks");
    ledger::set_policy(Policy::call(|finding| {
        if let Finding::Deadlock(deadlock) = finding {
            alarm(deadlock);
        }
    }));
    thread::spawn(watch);
}

// SAFETY: the section holds pointers to functions of this type, which the loader calls.
#[unsafe(link_section = ".init_array")]
#[used]
static BEGIN: extern "C" fn() = begin;
