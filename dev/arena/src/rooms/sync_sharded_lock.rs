//! `sync/sharded_lock`: a value that threads read again and again, and hardly write.

use std::hint::black_box;
use std::time::Duration;

use crate::book::{Book, Bound, Scenario, Subject};
use crate::drive::alone::repeat;
use crate::drive::threads::contend;

const READ: &str = "sync/sharded_lock/read";
const WRITE: &str = "sync/sharded_lock/write";

pub(crate) fn enter(book: &mut Book) {
    for threads in [1, 2] {
        book.scenario(
            Scenario::new(format!("{READ}/{threads}"), "threads lock, read, unlock")
                .window(5)
                .beats(3.0, &["crossbeam"])
                .bound(Bound::NoAllocations),
        );
    }
    book.scenario(Scenario::new(WRITE, "one thread locks, writes, unlocks; nobody reads"));
}

/// A lock that is cheap to read.
pub(crate) trait Sharded: 'static {
    type Lock: Send + Sync + 'static;
    fn new() -> Self::Lock;
    fn read(lock: &Self::Lock) -> u64;
    fn write(lock: &Self::Lock);
}

/// Enters a lock.
pub(crate) fn locks<S: Sharded>(book: &mut Book, name: &'static str) {
    for threads in [1, 2] {
        let subject = Subject::new(name, move || {
            let lock = S::new();
            move |time| {
                contend(threads, Duration::from_nanos(time), |_, shift| {
                    shift.unwatched(|| {
                        black_box(S::read(black_box(&lock)));
                    });
                })
            }
        });
        book.subject(&format!("{READ}/{threads}"), subject);
    }
    let subject = Subject::new(name, || {
        let lock = S::new();
        move |ops| repeat(ops, || S::write(black_box(&lock)))
    });
    book.subject(WRITE, subject);
}
