//! `lockfree/epoch`: threads that pin themselves, and objects that are freed later.

use crate::book::{Book, Scenario, Subject};
use crate::drive::alone::repeat;

pub(crate) const PIN: &str = "lockfree/epoch/pin";
const RETIRE: &str = "lockfree/epoch/retire_1m";
const STALLED: &str = "lockfree/epoch/stalled";

/// What is retired.
pub(crate) type Object = [u64; 8];

pub(crate) fn enter(book: &mut Book) {
    book.scenario(
        Scenario::new(PIN, "a thread pins itself and unpins")
            .beats(3.0, &["crossbeam-epoch", "seize", "sdd"]),
    );
    book.scenario(
        Scenario::new(
            RETIRE,
            "a thread allocates 64 bytes and retires them, a million times",
        )
        .at_least(1_000_000)
        .beats(1.2, &["crossbeam-epoch", "seize", "sdd"]),
    );
    book.scenario(
        Scenario::new(
            STALLED,
            "the same while a reader stays pinned; then all is freed",
        )
        .at_least(100_000)
        .beats(1.0, &["crossbeam-epoch"]),
    );
}

/// Memory that is freed when nobody is pinned.
pub(crate) trait Reclaim: 'static {
    /// What a thread has to pin itself.
    type Thread;
    fn thread() -> Self::Thread;
    fn pin(thread: &Self::Thread);
    /// Pins, allocates an object, retires it, and unpins.
    fn retire(thread: &Self::Thread);
}

/// The same with a reader of its own.
pub(crate) trait Stalled: 'static {
    /// A writer beside a reader that is pinned. To drop it unpins the reader and frees everything.
    type Pair;
    fn pair() -> Self::Pair;
    fn retire(pair: &Self::Pair);
}

/// Enters a library.
pub(crate) fn epoch<R: Reclaim>(book: &mut Book, name: &'static str) {
    book.subject(
        PIN,
        Subject::new(name, || {
            let thread = R::thread();
            move |ops| repeat(ops, || R::pin(&thread))
        }),
    );
    book.subject(
        RETIRE,
        Subject::new(name, || {
            let thread = R::thread();
            move |ops| repeat(ops, || R::retire(&thread))
        }),
    );
}

/// Enters a library into the scenario with a reader.
pub(crate) fn stalled<S: Stalled>(book: &mut Book, name: &'static str) {
    book.subject(
        STALLED,
        Subject::new(name, || {
            move |ops| {
                let (mut pair, mut left) = (Some(S::pair()), ops);
                repeat(ops, || {
                    pair.iter().for_each(S::retire);
                    left -= 1;
                    if left == 0 {
                        pair = None;
                    }
                })
            }
        }),
    );
}
