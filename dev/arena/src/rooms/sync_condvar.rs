//! `sync/condvar`: two threads that wait for each other's change of a value.

use crate::book::{Book, Bound, Scenario, Subject};
use crate::rooms::sync_rendezvous::both;

const PING_PONG: &str = "sync/condvar/ping_pong";

pub(crate) fn enter(book: &mut Book) {
    book.scenario(
        Scenario::new(PING_PONG, "two threads take turns, each waiting until it is its own")
            .unit("ns/turn")
            .waits()
            .beats(1.0, &["std", "parking_lot 0.12", "parking_lot 0.13"])
            .bound(Bound::NoAllocations),
    );
}

/// A value whose changes are waited for.
pub(crate) trait Turns: 'static {
    type Place: Send + Sync;
    fn new() -> Self::Place;
    /// Waits until the value is `mine`, changes it and notifies.
    fn turn(place: &Self::Place, mine: bool);
}

/// Enters a condition variable.
pub(crate) fn ping_pong<T: Turns>(book: &mut Book, name: &'static str) {
    let start = || {
        |ops| {
            let place = T::new();
            let play = |mine: bool| {
                let place = &place;
                move || (0..ops).for_each(|_| T::turn(place, mine))
            };
            both([0, 1], ops, play(false), play(true))
        }
    };
    book.subject(PING_PONG, Subject::new(name, start));
}
