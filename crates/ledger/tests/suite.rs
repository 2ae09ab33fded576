//! The tests of the locks once more, with the ledger on from before `main`: no false alarm.
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

use counterpoint_ledger::{self as ledger, Policy};
use std::panic;
use std::time::Duration;

/// No test keeps a guard elsewhere for so long.
const PATIENCE: Duration = Duration::from_secs(1);

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

/// Runs before `main`, and so before every test.
extern "C" fn begin() {
    ledger::start().expect("nothing else is told by the hooks");
    // Each test ends, so none waits for ever: some expect panics, but none expects this one.
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        before(info);
        let text = info.payload().downcast_ref::<String>();
        if text.is_some_and(|text| text.starts_with("counterpoint: ") && text.contains("held by")) {
            std::process::abort();
        }
    }));
    ledger::set_policy(Policy::PanicAfter(PATIENCE));
}

// SAFETY: the section holds pointers to functions of this type, which the loader calls.
#[unsafe(link_section = ".init_array")]
#[used]
static BEGIN: extern "C" fn() = begin;
