//! Code of users' panics in the ledger's hands, and the ledger goes on.

use counterpoint_ledger::{self as ledger, Finding, Policy};
use counterpoint_sync::Mutex;
use counterpoint_wait::hooks;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

fn panics(f: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(f)).is_err());
}

/// What is taken here is known, as this thread's.
fn works() {
    let mutex = Mutex::new(());
    mutex.named("it works");
    let guard = mutex.lock();
    let seen = ledger::snapshot();
    let ours = seen
        .held
        .iter()
        .filter(|held| held.name == Some("it works"));
    assert_eq!(ours.count(), 1);
    drop(guard);
    ledger::scope(|| ()).assert_empty();
}

#[test]
fn a_scope_whose_function_panics() {
    ledger::start().unwrap();
    panics(|| drop(ledger::scope(|| panic!("inside"))));
    works();
}

#[test]
fn closures_of_the_hooks_that_panic() {
    ledger::start().unwrap();
    let me = hooks::party();
    panics(|| hooks::as_party(ledger_party(), || panic!("as a party")));
    assert_eq!(hooks::party(), me);
    panics(|| hooks::bounded(|| panic!("bounded")));
    panics(|| hooks::quietly(|| panic!("quietly")));
    works();
    // It is told of waits again, and takes them for what they are.
    let mutex = Mutex::new(());
    mutex.named("after a panic");
    let guard = mutex.lock();
    let mut waits = pin!(ledger::task("waits", mutex.lock_async()));
    let mut context = Context::from_waker(Waker::noop());
    assert!(waits.as_mut().poll(&mut context).is_pending());
    let seen = ledger::snapshot().waiting;
    let mut ours = seen
        .iter()
        .filter(|waits| waits.name == Some("after a panic"));
    assert!(!ours.next().unwrap().bounded);
    drop(guard);
}

/// A number that is no thread's.
fn ledger_party() -> u64 {
    u64::MAX >> 2
}

/// Panics when it is polled, or when it is dropped.
struct Trouble(bool);

impl Future for Trouble {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<()> {
        assert!(!self.0, "polled");
        Poll::Pending
    }
}

impl Drop for Trouble {
    fn drop(&mut self) {
        assert!(self.0, "dropped");
    }
}

#[test]
fn a_task_that_panics_when_polled_or_dropped() {
    ledger::start().unwrap();
    let me = hooks::party();
    let mut context = Context::from_waker(Waker::noop());
    {
        let mut task = pin!(ledger::task("polled", Trouble(true)));
        panics(|| assert!(task.as_mut().poll(&mut context).is_pending()));
        assert_eq!(hooks::party(), me);
        works();
    }
    let mut task = Box::pin(ledger::task("dropped", Trouble(false)));
    assert!(task.as_mut().poll(&mut context).is_pending());
    panics(|| drop(task));
    assert_eq!(hooks::party(), me);
    works();
}

struct Last;

impl Drop for Last {
    fn drop(&mut self) {
        panic!("the policy is dropped");
    }
}

#[test]
fn a_policy_that_panics_when_called_or_dropped() {
    ledger::start().unwrap();
    let last = Last;
    ledger::set_policy(Policy::call(move |_: &Finding| {
        let _kept = &last;
        panic!("the policy is called");
    }));
    // For a lock that was taken, its panic ends there.
    let (a, b) = (Mutex::new(()), Mutex::new(()));
    drop((a.lock(), b.lock()));
    drop((b.lock(), a.lock()));
    assert!(!ledger::inversions().is_empty());
    panics(|| ledger::set_policy(Policy::Silent));
    works();
}
