//! `lockfree/array_queue` and `lockfree/seg_queue`: values between threads that do not sleep.

use std::hint::black_box;
use std::time::Duration;

use crate::book::{Book, Scenario, Subject};
use crate::drive::alone::repeat;
use crate::drive::threads::contend;

/// Producers, as many consumers, and how long a measurement is.
const SIDES: [(usize, u64); 3] = [(1, 5), (2, 8), (4, 12)];

/// Tries of a thread before it goes on with something else.
const TRIES: u32 = 10_000;

pub(crate) const ARRAY: &str = "lockfree/array_queue";
pub(crate) const SEG: &str = "lockfree/seg_queue";

pub(crate) fn enter(book: &mut Book) {
    for (group, least) in [(ARRAY, 1.1), (SEG, 1.2)] {
        book.scenario(
            Scenario::new(format!("{group}/pair"), "one thread pushes a value and pops it")
                .beats(least, &["crossbeam-queue", "concurrent-queue"]),
        );
        for (sides, window) in SIDES {
            book.scenario(
                Scenario::new(
                    format!("{group}/{sides}p{sides}c"),
                    "threads push values and as many others pop them",
                )
                .unit("ns/push or pop")
                .window(window)
                .beats(least, &["crossbeam-queue", "concurrent-queue"]),
            );
        }
    }
}

/// A queue, bounded or not.
pub(crate) trait Queue: 'static {
    type Queue: Sync;
    fn new() -> Self::Queue;
    /// False if it is full.
    fn push(queue: &Self::Queue, value: u64) -> bool;
    fn pop(queue: &Self::Queue) -> Option<u64>;
}

/// Tries until there is something, or for a while.
pub(crate) fn some<T>(mut get: impl FnMut() -> Option<T>) {
    for _ in 0..TRIES {
        if let Some(value) = get() {
            black_box(value);
            return;
        }
        std::hint::spin_loop();
    }
    std::thread::yield_now();
}

/// Enters a queue into the scenarios of a group.
pub(crate) fn queue<Q: Queue>(book: &mut Book, group: &str, name: &'static str) {
    book.subject(
        &format!("{group}/pair"),
        Subject::new(name, || {
            let queue = Q::new();
            move |ops| {
                repeat(ops, || {
                    Q::push(&queue, 1);
                    black_box(Q::pop(&queue));
                })
            }
        }),
    );
    for (sides, _) in SIDES {
        book.subject(
            &format!("{group}/{sides}p{sides}c"),
            Subject::new(name, move || {
                move |time| {
                    let queue = Q::new();
                    contend(2 * sides, Duration::from_nanos(time), |thread, shift| {
                        if thread % 2 == 0 {
                            shift.unwatched(|| some(|| Q::push(&queue, 1).then_some(())));
                        } else {
                            shift.unwatched(|| some(|| Q::pop(&queue)));
                        }
                    })
                }
            }),
        );
    }
}
