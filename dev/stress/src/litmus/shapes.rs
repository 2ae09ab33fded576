//! The shapes that our protocols rest on, and their neighbours that order too little.
//!
//! `weak` in a comment says which outcome an order of the accesses cannot explain.

use super::Class::{Forbidden, Interesting};
use super::{Body, Class, Seen, Shape, Words};
use counterpoint_base::fence::{heavy, light};
use counterpoint_base::prim::atomic::{
    Order, RELAXED, acq_rel, acquire, fence_acquire, fence_release, fence_seq_cst, release,
};

/// As many values as there are, filled up.
fn seen<const N: usize>(values: [u32; N]) -> Seen {
    let mut seen = [0; 3];
    seen[..N].copy_from_slice(&values);
    seen
}

const NOTHING: Seen = [0; 3];

fn acq() -> Order {
    acquire("litmus.acquire")
}

fn rel() -> Order {
    release("litmus.release")
}

fn full() {
    fence_seq_cst("litmus.full");
}

type Row = (&'static str, Class);

const fn shape(
    name: &'static str,
    threads: &'static [(Body, usize)],
    finals: usize,
    table: &'static [Row],
) -> Shape {
    Shape {
        name,
        threads,
        finals,
        table,
        cost: 1,
        beyond_loom: None,
    }
}

/// Every shape.
#[rustfmt::skip]
pub const SHAPES: &[Shape] = &[
    // Store buffering: each writes its own word and looks at the other's.
    shape(
        "SB",
        &[
            (|w| { w.x().store(1, RELAXED); seen([w.y().load(RELAXED)]) }, 1),
            (|w| { w.y().store(1, RELAXED); seen([w.x().load(RELAXED)]) }, 1),
        ],
        0,
        &[("0 0", Interesting)],
    ),
    shape(
        "SB+rel-acq",
        &[
            (|w| { w.x().store(1, rel()); seen([w.y().load(acq())]) }, 1),
            (|w| { w.y().store(1, rel()); seen([w.x().load(acq())]) }, 1),
        ],
        0,
        &[("0 0", Interesting)],
    ),
    shape(
        "SB+fence-none",
        &[
            (|w| { w.x().store(1, RELAXED); full(); seen([w.y().load(RELAXED)]) }, 1),
            (|w| { w.y().store(1, RELAXED); seen([w.x().load(RELAXED)]) }, 1),
        ],
        0,
        &[("0 0", Interesting)],
    ),
    shape(
        "SB+fences",
        &[
            (|w| { w.x().store(1, RELAXED); full(); seen([w.y().load(RELAXED)]) }, 1),
            (|w| { w.y().store(1, RELAXED); full(); seen([w.x().load(RELAXED)]) }, 1),
        ],
        0,
        &[("0 0", Forbidden)],
    ),
    Shape {
        cost: 20,
        ..shape(
            "SB+light-heavy",
            &[
                (|w| { w.x().store(1, RELAXED); light("litmus.light"); seen([w.y().load(RELAXED)]) }, 1),
                (|w| { w.y().store(1, RELAXED); heavy("litmus.heavy"); seen([w.x().load(RELAXED)]) }, 1),
            ],
            0,
            &[("0 0", Forbidden)],
        )
    },
    shape(
        "SB+rmws",
        &[
            (|w| { w.x().swap(1, acq_rel("litmus.swap")); seen([w.y().load(RELAXED)]) }, 1),
            (|w| { w.y().swap(1, acq_rel("litmus.swap")); seen([w.x().load(RELAXED)]) }, 1),
        ],
        0,
        &[("0 0", Interesting)],
    ),
    // Message passing: a word, then the news of it.
    shape(
        "MP",
        &[
            (|w| { w.x().store(1, RELAXED); w.y().store(1, RELAXED); NOTHING }, 0),
            (|w| { let y = w.y().load(RELAXED); seen([y, w.x().load(RELAXED)]) }, 2),
        ],
        0,
        &[("1 0", Interesting)],
    ),
    shape(
        "MP+rel-acq",
        &[
            (|w| { w.x().store(1, RELAXED); w.y().store(1, rel()); NOTHING }, 0),
            (|w| { let y = w.y().load(acq()); seen([y, w.x().load(RELAXED)]) }, 2),
        ],
        0,
        &[("1 0", Forbidden)],
    ),
    shape(
        "MP+rel-none",
        &[
            (|w| { w.x().store(1, RELAXED); w.y().store(1, rel()); NOTHING }, 0),
            (|w| { let y = w.y().load(RELAXED); seen([y, w.x().load(RELAXED)]) }, 2),
        ],
        0,
        &[("1 0", Interesting)],
    ),
    shape(
        "MP+none-acq",
        &[
            (|w| { w.x().store(1, RELAXED); w.y().store(1, RELAXED); NOTHING }, 0),
            (|w| { let y = w.y().load(acq()); seen([y, w.x().load(RELAXED)]) }, 2),
        ],
        0,
        &[("1 0", Interesting)],
    ),
    shape(
        "MP+fences",
        &[
            (|w| { w.x().store(1, RELAXED); fence_release("litmus.out"); w.y().store(1, RELAXED); NOTHING }, 0),
            (|w| { let y = w.y().load(RELAXED); fence_acquire("litmus.in"); seen([y, w.x().load(RELAXED)]) }, 2),
        ],
        0,
        &[("1 0", Forbidden)],
    ),
    shape(
        "MP+rmw",
        &[
            (|w| { w.x().store(1, RELAXED); w.y().fetch_add(1, rel()); NOTHING }, 0),
            (|w| { let y = w.y().fetch_add(0, acq()); seen([y, w.x().load(RELAXED)]) }, 2),
        ],
        0,
        &[("1 0", Forbidden)],
    ),
    // Load buffering: each looks at the other's word and writes its own.
    shape(
        "LB",
        &[
            (|w| { let y = w.y().load(RELAXED); w.x().store(1, RELAXED); seen([y]) }, 1),
            (|w| { let x = w.x().load(RELAXED); w.y().store(1, RELAXED); seen([x]) }, 1),
        ],
        0,
        &[("1 1", Interesting)],
    ),
    shape(
        "LB+rel-acq",
        &[
            (|w| { let y = w.y().load(acq()); w.x().store(1, rel()); seen([y]) }, 1),
            (|w| { let x = w.x().load(acq()); w.y().store(1, rel()); seen([x]) }, 1),
        ],
        0,
        &[("1 1", Forbidden)],
    ),
    // Each writes what it saw: a value out of thin air would come from nowhere.
    shape(
        "LB+data",
        &[
            (|w| { let y = w.y().load(RELAXED); w.x().store(y, RELAXED); seen([y]) }, 1),
            (|w| { let x = w.x().load(RELAXED); w.y().store(x, RELAXED); seen([x]) }, 1),
        ],
        0,
        &[("0 0", Class::Acceptable), ("* *", Forbidden)],
    ),
    // Two writers, two readers: do the readers agree who was first?
    shape(
        "IRIW",
        &[
            (|w| { w.x().store(1, RELAXED); NOTHING }, 0),
            (|w| { w.y().store(1, RELAXED); NOTHING }, 0),
            (|w| { let x = w.x().load(RELAXED); seen([x, w.y().load(RELAXED)]) }, 2),
            (|w| { let y = w.y().load(RELAXED); seen([y, w.x().load(RELAXED)]) }, 2),
        ],
        0,
        &[("1 0 1 0", Interesting)],
    ),
    shape(
        "IRIW+rel-acq",
        &[
            (|w| { w.x().store(1, rel()); NOTHING }, 0),
            (|w| { w.y().store(1, rel()); NOTHING }, 0),
            (|w| { let x = w.x().load(acq()); seen([x, w.y().load(acq())]) }, 2),
            (|w| { let y = w.y().load(acq()); seen([y, w.x().load(acq())]) }, 2),
        ],
        0,
        &[("1 0 1 0", Interesting)],
    ),
    shape(
        "IRIW+fences",
        &[
            (|w| { w.x().store(1, RELAXED); NOTHING }, 0),
            (|w| { w.y().store(1, RELAXED); NOTHING }, 0),
            (|w| { let x = w.x().load(RELAXED); full(); seen([x, w.y().load(RELAXED)]) }, 2),
            (|w| { let y = w.y().load(RELAXED); full(); seen([y, w.x().load(RELAXED)]) }, 2),
        ],
        0,
        &[("1 0 1 0", Forbidden)],
    ),
    // Two write both words in opposite order; weak: each first write comes last.
    shape(
        "2+2W",
        &[
            (|w| { w.x().store(1, RELAXED); w.y().store(2, RELAXED); NOTHING }, 0),
            (|w| { w.y().store(1, RELAXED); w.x().store(2, RELAXED); NOTHING }, 0),
        ],
        2,
        &[("1 1", Interesting)],
    ),
    shape(
        "2+2W+fences",
        &[
            (|w| { w.x().store(1, RELAXED); full(); w.y().store(2, RELAXED); NOTHING }, 0),
            (|w| { w.y().store(1, RELAXED); full(); w.x().store(2, RELAXED); NOTHING }, 0),
        ],
        2,
        &[("1 1", Forbidden)],
    ),
    // R: two writes against a write and a look; the outcome is what was seen, then x and y.
    shape(
        "R",
        &[
            (|w| { w.x().store(1, RELAXED); w.y().store(1, RELAXED); NOTHING }, 0),
            (|w| { w.y().store(2, RELAXED); seen([w.x().load(RELAXED)]) }, 1),
        ],
        2,
        &[("0 1 2", Interesting)],
    ),
    shape(
        "R+fences",
        &[
            (|w| { w.x().store(1, RELAXED); full(); w.y().store(1, RELAXED); NOTHING }, 0),
            (|w| { w.y().store(2, RELAXED); full(); seen([w.x().load(RELAXED)]) }, 1),
        ],
        2,
        &[("0 1 2", Forbidden)],
    ),
    // S: two writes against a look and a write.
    shape(
        "S",
        &[
            (|w| { w.x().store(2, RELAXED); w.y().store(1, RELAXED); NOTHING }, 0),
            (|w| { let y = w.y().load(RELAXED); w.x().store(1, RELAXED); seen([y]) }, 1),
        ],
        1,
        &[("1 2", Interesting)],
    ),
    shape(
        "S+rel-acq",
        &[
            (|w| { w.x().store(2, RELAXED); w.y().store(1, rel()); NOTHING }, 0),
            (|w| { let y = w.y().load(acq()); w.x().store(1, RELAXED); seen([y]) }, 1),
        ],
        1,
        &[("1 2", Forbidden)],
    ),
    // Write to read causality: the news goes on by a third.
    shape(
        "WRC",
        &[
            (|w| { w.x().store(1, RELAXED); NOTHING }, 0),
            (|w| { let x = w.x().load(RELAXED); w.y().store(1, RELAXED); seen([x]) }, 1),
            (|w| { let y = w.y().load(RELAXED); seen([y, w.x().load(RELAXED)]) }, 2),
        ],
        0,
        &[("1 1 0", Interesting)],
    ),
    shape(
        "WRC+rel-acq",
        &[
            (|w| { w.x().store(1, rel()); NOTHING }, 0),
            (|w| { let x = w.x().load(acq()); w.y().store(1, rel()); seen([x]) }, 1),
            (|w| { let y = w.y().load(acq()); seen([y, w.x().load(RELAXED)]) }, 2),
        ],
        0,
        &[("1 1 0", Forbidden)],
    ),
    shape(
        "ISA2+rel-acq",
        &[
            (|w| { w.x().store(1, RELAXED); w.y().store(1, rel()); NOTHING }, 0),
            (|w| { let y = w.y().load(acq()); w.z().store(1, rel()); seen([y]) }, 1),
            (|w| { let z = w.z().load(acq()); seen([z, w.x().load(RELAXED)]) }, 2),
        ],
        0,
        &[("1 1 0", Forbidden)],
    ),
    // Coherence: one word has one order of writes, also relaxed.
    shape(
        "CoRR",
        &[
            (|w| { w.x().store(1, RELAXED); NOTHING }, 0),
            (|w| { let first = w.x().load(RELAXED); seen([first, w.x().load(RELAXED)]) }, 2),
        ],
        0,
        &[("1 0", Forbidden)],
    ),
    shape(
        "CoRR2",
        &[
            (|w| { w.x().store(1, RELAXED); NOTHING }, 0),
            (|w| { w.x().store(2, RELAXED); NOTHING }, 0),
            (|w| { let first = w.x().load(RELAXED); seen([first, w.x().load(RELAXED)]) }, 2),
            (|w| { let first = w.x().load(RELAXED); seen([first, w.x().load(RELAXED)]) }, 2),
        ],
        0,
        &[("1 2 2 1", Forbidden), ("2 1 1 2", Forbidden)],
    ),
    shape(
        "CoWW",
        &[
            (|w| { w.x().store(1, RELAXED); w.x().store(2, RELAXED); NOTHING }, 0),
            (|w| { seen([w.x().load(RELAXED)]) }, 1),
        ],
        1,
        &[("* 2", Class::Acceptable), ("* *", Forbidden)],
    ),
    shape(
        "CoRW",
        &[
            (|w| { w.x().store(1, RELAXED); NOTHING }, 0),
            (|w| { let x = w.x().load(RELAXED); w.x().store(2, RELAXED); seen([x]) }, 1),
        ],
        1,
        &[("1 1", Forbidden), ("2 *", Forbidden)],
    ),
    shape(
        "CoWR",
        &[
            (|w| { w.x().store(1, RELAXED); seen([w.x().load(RELAXED)]) }, 1),
            (|w| { w.x().store(2, RELAXED); NOTHING }, 0),
        ],
        1,
        &[("0 *", Forbidden), ("2 1", Forbidden)],
    ),
    // Read-modify-writes: none is lost, and one of several is the first.
    shape(
        "RMW",
        &[
            (|w| { seen([w.x().fetch_add(1, RELAXED)]) }, 1),
            (|w| { seen([w.x().fetch_add(1, RELAXED)]) }, 1),
        ],
        1,
        &[("0 1 2", Class::Acceptable), ("1 0 2", Class::Acceptable), ("* * *", Forbidden)],
    ),
    shape(
        "RMW+winner",
        &[
            (|w| { seen([won(w.x().compare_exchange(0, 1, RELAXED, RELAXED))]) }, 1),
            (|w| { seen([won(w.x().compare_exchange(0, 2, RELAXED, RELAXED))]) }, 1),
        ],
        1,
        &[("1 0 1", Class::Acceptable), ("0 1 2", Class::Acceptable), ("* * *", Forbidden)],
    ),
    // A relaxed read-modify-write hands a release on.
    shape(
        "release-sequence",
        &[
            (|w| { w.x().store(1, RELAXED); w.y().store(1, rel()); NOTHING }, 0),
            (|w| { seen([w.y().fetch_add(1, RELAXED)]) }, 1),
            (|w| { let y = w.y().load(acq()); seen([y, w.x().load(RELAXED)]) }, 2),
        ],
        0,
        &[("1 2 0", Forbidden), ("* 1 0", Class::Acceptable)],
    ),
    // The reader of `SeqCell`: z counts, x and y are the value.
    shape(
        "seqlock",
        &[
            (seqlock_write, 0),
            (|w| seqlock_read(w, true), 3),
        ],
        0,
        // Whether the copy counts, and the copy.
        &[("1 0 1", Forbidden), ("1 1 0", Forbidden)],
    ),
    shape(
        "seqlock+no-fence",
        &[
            (seqlock_write, 0),
            (|w| seqlock_read(w, false), 3),
        ],
        0,
        &[("1 0 1", Interesting), ("1 1 0", Interesting)],
    ),
    // Parking: x is the word of the token (1 parked, 2 token), y what one waits for.
    shape(
        "park",
        &[
            (|w| {
                let parked = w.x().compare_exchange(0, 1, RELAXED, acq());
                seen([won(parked), w.y().load(RELAXED)])
            }, 2),
            (|w| { w.y().store(1, RELAXED); seen([w.x().swap(2, rel())]) }, 1),
        ],
        0,
        // Who parks is seen by who leaves the token; who does not has what came with it.
        &[("1 * 0", Forbidden), ("0 0 *", Forbidden)],
    ),
    // Listening: announce, then look; change, then look for listeners.
    shape(
        "listen",
        &[
            (|w| { w.x().fetch_or(1, RELAXED); full(); seen([w.y().load(RELAXED)]) }, 1),
            (|w| { w.y().store(1, RELAXED); full(); seen([w.x().load(RELAXED)]) }, 1),
        ],
        0,
        &[("0 0", Forbidden)],
    ),
    // An epoch: x says that a reader is pinned, y that the old pointer is gone, z that what it
    // pointed to was reused.
    Shape {
        cost: 20,
        ..shape(
            "epoch-pin",
            &[
                (|w| {
                    w.x().store(1, RELAXED);
                    light("litmus.pin");
                    let gone = w.y().load(RELAXED);
                    // Only who still found the pointer follows it.
                    let reused = if gone == 0 { w.z().load(RELAXED) } else { 0 };
                    seen([gone, reused])
                }, 2),
                (|w| {
                    w.y().store(1, RELAXED);
                    heavy("litmus.advance");
                    let pinned = w.x().load(RELAXED);
                    if pinned == 0 {
                        w.z().store(1, RELAXED);
                    }
                    seen([pinned])
                }, 1),
            ],
            0,
            // Reclaimed although the reader had found the pointer.
            &[("0 * 0", Forbidden), ("0 1 *", Forbidden)],
        )
    },
    // Two handles: each writes its word and counts down; the last one sees both.
    shape(
        "last-handle",
        &[
            (|w| { w.x().store(1, RELAXED); last_handle(w) }, 2),
            (|w| { w.y().store(1, RELAXED); last_handle(w) }, 2),
        ],
        0,
        // Whether it was the last, and how many words it saw then.
        &[
            ("1 2 0 0", Class::Acceptable),
            ("0 0 1 2", Class::Acceptable),
            ("* * * *", Forbidden),
        ],
    ),
    // A lock tried once by each: x is the lock, y what it guards.
    shape(
        "try-lock",
        &[(try_lock, 2), (try_lock, 2)],
        2,
        // Whether it had the lock, and what it found; then the lock and the count.
        &[
            ("1 0 0 0 0 1", Class::Acceptable),
            ("0 0 1 0 0 1", Class::Acceptable),
            ("1 0 1 1 0 2", Class::Acceptable),
            ("1 1 1 0 0 2", Class::Acceptable),
            ("* * * * * *", Forbidden),
        ],
    ),
    // Publication: x is what a pointer in y points to.
    shape(
        "publish",
        &[
            (|w| { w.x().store(7, RELAXED); seen([won(w.y().compare_exchange(0, 1, rel(), RELAXED))]) }, 1),
            (|w| {
                let found = w.y().load(acq());
                seen([found, if found == 1 { w.x().load(RELAXED) } else { 0 }])
            }, 2),
        ],
        0,
        &[("* 1 7", Class::Acceptable), ("* 1 *", Forbidden)],
    ),
];

fn won<T, E>(result: Result<T, E>) -> u32 {
    u32::from(result.is_ok())
}

fn seqlock_write(w: &Words) -> Seen {
    w.z().store(1, RELAXED);
    fence_release("litmus.open");
    w.x().store(1, RELAXED);
    w.y().store(1, RELAXED);
    w.z().store(2, release("litmus.close"));
    NOTHING
}

fn seqlock_read(w: &Words, fence: bool) -> Seen {
    let before = w.z().load(acquire("litmus.begin"));
    let (x, y) = (w.x().load(RELAXED), w.y().load(RELAXED));
    if fence {
        fence_acquire("litmus.check");
    }
    let after = w.z().load(RELAXED);
    let counts = before == after && before % 2 == 0;
    seen([u32::from(counts), x, y])
}

fn last_handle(w: &Words) -> Seen {
    let last = w.z().fetch_add(1, release("litmus.done")) == 1;
    if !last {
        return seen([0, 0]);
    }
    fence_acquire("litmus.last");
    seen([1, w.x().load(RELAXED) + w.y().load(RELAXED)])
}

fn try_lock(w: &Words) -> Seen {
    if w.x().compare_exchange(0, 1, acq(), RELAXED).is_err() {
        return seen([0, 0]);
    }
    let found = w.y().load(RELAXED);
    w.y().store(found + 1, RELAXED);
    w.x().store(0, rel());
    seen([1, found])
}
