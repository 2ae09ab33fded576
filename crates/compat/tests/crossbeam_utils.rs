//! What the peer's own tests do not ask of the stand-in.

use counterpoint_compat::crossbeam_utils::sync::{Parker, Unparker, WaitGroup};
use counterpoint_compat::crossbeam_utils::{Backoff, CachePadded, thread};
use std::time::{Duration, Instant};

#[test]
fn a_parker_survives_being_a_pointer() {
    let parker = Parker::new();
    let unparker: Unparker = parker.unparker().clone();
    let raw = Parker::into_raw(parker);
    unparker.unpark();
    // SAFETY: from `into_raw`, taken back once.
    let parker = unsafe { Parker::from_raw(raw) };
    parker.park();
    assert!(format!("{parker:?}").starts_with("Parker"));
}

#[test]
fn a_deadline_in_the_past_returns_at_once_and_takes_a_token_that_is_there() {
    let parker = Parker::default();
    parker.park_deadline(Instant::now());
    parker.unparker().unpark();
    parker.park_deadline(Instant::now());
    let before = Instant::now();
    parker.park_timeout(Duration::from_millis(5));
    assert!(
        before.elapsed() >= Duration::from_millis(5),
        "the token was taken"
    );
}

#[test]
fn a_group_is_done_when_its_threads_panic() {
    let group = WaitGroup::new();
    let outcome = thread::scope(|scope| {
        let group = group.clone();
        scope.spawn(move |_| {
            let _held = group;
            panic!("planned");
        });
    });
    assert!(outcome.is_err());
    group.wait();
}

#[test]
fn backing_off_completes() {
    let backoff = Backoff::new();
    while !backoff.is_completed() {
        backoff.snooze();
    }
    backoff.reset();
    assert!(!backoff.is_completed());
    assert!(align_of::<CachePadded<u8>>() >= 32);
}
