//! `lockfree/array_queue` and `lockfree/seg_queue`: values between threads that do not sleep. The
//! bytes beside `pair` are those of an empty queue, and beside `fill_1000` of one with 1,000 values.

use std::hint::black_box;
use std::time::Duration;

use crate::alloc::held;
use crate::book::{Book, Scenario, Subject};
use crate::drive::alone::repeat;
use crate::drive::threads::contend;

/// Producers, as many consumers, and how long a measurement is.
const SIDES: [(usize, u64); 4] = [(1, 5), (2, 8), (4, 12), (8, 20)];

/// Values that are in a queue at once.
pub(crate) const FILL: u64 = 1_000;

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
        book.scenario(
            Scenario::new(
                format!("{group}/fill_1000"),
                "one thread pushes 1,000 values and pops them",
            )
            .unit("ns/1,000 values")
            .beats(1.0, &["crossbeam-queue", "concurrent-queue"]),
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
        })
        .bytes(held(Q::new)),
    );
    let fill = |queue: &Q::Queue| (0..FILL).for_each(|value| _ = Q::push(queue, value));
    book.subject(
        &format!("{group}/fill_1000"),
        Subject::new(name, move || {
            let queue = Q::new();
            move |ops| {
                repeat(ops, || {
                    fill(&queue);
                    while let Some(value) = Q::pop(&queue) {
                        black_box(value);
                    }
                })
            }
        })
        .bytes(held(|| {
            let queue = Q::new();
            fill(&queue);
            queue
        })),
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
