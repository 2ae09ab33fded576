//! `sync/contended_mutex`: the mutex that counts how it is used, with the counts off, beside the one that never does.

use crate::book::{Book, Bound, Scenario};
use crate::rooms::sync_mutex::{self, Lock};

const ROOM: &str = "sync/contended_mutex";
const PLAIN: &str = "the mutex that does not count";

pub(crate) fn enter(book: &mut Book) {
    book.scenario(
        Scenario::new(format!("{ROOM}/uncontended"), "lock, add, unlock, on one thread")
            .beats(0.99, &[PLAIN])
            .bound(Bound::NoAllocations),
    );
    book.scenario(
        Scenario::new(format!("{ROOM}/contended/2"), "threads lock, add, unlock, work a bit")
            .window(5)
            .watches()
            .beats(0.99, &[PLAIN])
            .bound(Bound::NoAllocations),
    );
}

/// Enters the one that counts and the one that does not, as if that were a peer.
pub(crate) fn both<Counts: Lock, Plain: Lock>(book: &mut Book, name: &'static str) {
    for subject in [sync_mutex::alone::<Counts>(name), sync_mutex::alone::<Plain>(PLAIN)] {
        book.subject(&format!("{ROOM}/uncontended"), subject);
    }
    for subject in [sync_mutex::fought::<Counts>(name, 2), sync_mutex::fought::<Plain>(PLAIN, 2)] {
        book.subject(&format!("{ROOM}/contended/2"), subject);
    }
}
