//! `wait/parker`: a thread that sleeps until it is woken by name.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Barrier, OnceLock};
use std::time::Duration;

use crate::book::{Book, Bound, Scenario, Subject};
use crate::drive::alone::repeat;
use crate::drive::threads::contend;
use crate::sample::Sample;

const ROUND_TRIP: &str = "wait/parker/round_trip";
const TOKEN: &str = "wait/parker/token";

pub(crate) fn enter(book: &mut Book) {
    book.scenario(
        Scenario::new(ROUND_TRIP, "two threads on two processors wake each other in turn")
            .unit("ns/round trip")
            .window(20)
            .waits()
            .beats(1.0, &["std", "crossbeam"])
            .spares(&["std", "crossbeam"])
            .bound(Bound::NoAllocations),
    );
    book.scenario(
        Scenario::new(TOKEN, "unpark and park on one thread, so without sleeping")
            .beats(1.2, &["crossbeam"])
            .bound(Bound::NoAllocations),
    );
}

/// Puts the calling thread to sleep.
pub(crate) trait Parking: 'static {
    type Parker;
    type Unparker: Send + Sync;
    /// A parker for the calling thread.
    fn new() -> (Self::Parker, Self::Unparker);
    fn park(parker: &Self::Parker);
    fn unpark(unparker: &Self::Unparker);
}

/// Enters a parker into all scenarios.
pub(crate) fn for_threads<P: Parking>(book: &mut Book, name: &'static str) {
    book.subject(
        ROUND_TRIP,
        Subject::new(name, || |time| round_trips::<P>(Duration::from_nanos(time))),
    );
    book.subject(
        TOKEN,
        Subject::new(name, || {
            let (parker, unparker) = P::new();
            move |ops| {
                repeat(ops, || {
                    P::unpark(&unparker);
                    P::park(&parker);
                })
            }
        }),
    );
}

/// Whose turn it is.
const FIRST: u8 = 0;
const SECOND: u8 = 1;
const NOBODY: u8 = 2;

fn round_trips<P: Parking>(time: Duration) -> Sample {
    let turn = AtomicU8::new(FIRST);
    let unparkers = [const { OnceLock::new() }; 2];
    let known = Barrier::new(2);
    contend(2, time, |thread, shift| {
        let (parker, unparker) = P::new();
        let _ = unparkers[thread].set(unparker);
        known.wait();
        let other = unparkers[1 - thread].get().expect("both have met");
        // Release: what was done before the turn is passed on; acquired below.
        let pass = |to: u8| {
            turn.store(to, Ordering::Release);
            P::unpark(other);
        };
        // A park may end early, so the turn decides.
        let until = |mine: u8| loop {
            match turn.load(Ordering::Acquire) {
                NOBODY => return false,
                now if now == mine => return true,
                _ => P::park(&parker),
            }
        };
        if thread == 0 {
            shift.watched(|| {
                pass(SECOND);
                until(FIRST);
            });
            pass(NOBODY);
        } else {
            while until(SECOND) {
                pass(FIRST);
            }
        }
    })
}
