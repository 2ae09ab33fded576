//! `sync/rwlock`: locks that many may read, for threads and for tasks.

use std::future::Future;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::book::{Book, Bound, Scenario, Subject};
use crate::drive::alone::repeat;
use crate::drive::tasks::Executor;
use crate::drive::threads::{busy, contend};
use crate::sample::Sample;

const READ: &str = "sync/rwlock/read_uncontended";
const WRITE: &str = "sync/rwlock/write_uncontended";
const ASYNC_READ: &str = "sync/rwlock/async_read_uncontended";
const ASYNC_WRITE: &str = "sync/rwlock/async_write_uncontended";

/// How many of a hundred read.
const MIXES: [(&str, u64); 2] = [("95r5w", 95), ("50r50w", 50)];

/// Threads that contend, and how long a measurement has to be for each to get its turns.
const THREADS: [(usize, u64); 2] = [(2, 5), (8, 20)];

/// How long the lock is held and how long it is let alone, in steps of about a nanosecond.
const INSIDE: u32 = 8;
const BETWEEN: u32 = 32;

const STD_AND_PARKING_LOT: &[&str] = &["std", "parking_lot 0.12", "parking_lot 0.13"];

pub(crate) fn enter(book: &mut Book) {
    for (id, about) in [
        (READ, "lock to read, read, unlock, on one thread"),
        (WRITE, "lock to write, add, unlock, on one thread"),
    ] {
        book.scenario(
            Scenario::new(id, about)
                .beats(0.95, STD_AND_PARKING_LOT)
                .bound(Bound::NoAllocations),
        );
    }
    for (id, about) in [
        (ASYNC_READ, "lock to read, read, unlock, in one task"),
        (ASYNC_WRITE, "lock to write, add, unlock, in one task"),
    ] {
        book.scenario(
            Scenario::new(id, about)
                .beats(1.5, &["tokio", "async-lock"])
                .bound(Bound::NoAllocations),
        );
    }
    for (mix, _) in MIXES {
        for (threads, window) in THREADS {
            book.scenario(
                Scenario::new(mixed(mix, threads), "threads read or write, work a bit")
                    .window(window)
                    .watches()
                    .beats(1.0, STD_AND_PARKING_LOT)
                    .bound(Bound::NoAllocations),
            );
        }
    }
}

fn mixed(mix: &str, threads: usize) -> String {
    format!("sync/rwlock/{mix}/{threads}")
}

/// A read-write lock for threads.
pub(crate) trait ReadWrite: 'static {
    type Lock: Send + Sync + 'static;
    /// The size of a lock around nothing.
    const BYTES: usize;
    fn new() -> Self::Lock;
    /// Looks at the value while others may do so.
    fn read(lock: &Self::Lock, look: impl FnOnce(&u64));
    /// Changes the value while nobody looks.
    fn write(lock: &Self::Lock, change: impl FnOnce(&mut u64));
}

/// Enters a lock for threads into its scenarios.
pub(crate) fn for_threads<L: ReadWrite>(book: &mut Book, name: &'static str) {
    let reads = Subject::new(name, || {
        let lock = L::new();
        move |ops| repeat(ops, || L::read(black_box(&lock), |value| _ = black_box(*value)))
    });
    book.subject(READ, reads.bytes(L::BYTES));
    let writes = Subject::new(name, || {
        let lock = L::new();
        move |ops| repeat(ops, || L::write(black_box(&lock), |value| *value += 1))
    });
    book.subject(WRITE, writes.bytes(L::BYTES));
    for (mix, share) in MIXES {
        for (threads, _) in THREADS {
            let subject = Subject::new(name, move || {
                let lock = L::new();
                move |time| contended::<L>(&lock, share, threads, Duration::from_nanos(time))
            });
            book.subject(&mixed(mix, threads), subject.bytes(L::BYTES));
        }
    }
}

fn contended<L: ReadWrite>(lock: &L::Lock, share: u64, threads: usize, time: Duration) -> Sample {
    let value = || {
        let mut seen = 0;
        L::read(lock, |value| seen = *value);
        seen
    };
    let (before, written) = (value(), AtomicU64::new(0));
    let sample = contend(threads, time, |index, shift| {
        let (mut random, mut writes) = (index as u64 + 1, 0);
        shift.watched(|| {
            random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            if (random >> 32) % 100 < share {
                L::read(lock, |value| {
                    busy(INSIDE);
                    black_box(*value);
                });
            } else {
                writes += 1;
                L::write(lock, |value| {
                    busy(INSIDE);
                    *value += 1;
                });
            }
            busy(BETWEEN);
        });
        written.fetch_add(writes, Ordering::Relaxed);
    });
    assert_eq!(value() - before, written.into_inner(), "the lock has lost additions");
    sample
}

/// A read-write lock for tasks.
pub(crate) trait AsyncReadWrite: 'static {
    type Lock: Send + Sync + 'static;
    fn new() -> Self::Lock;
    fn read(lock: &Self::Lock) -> impl Future<Output = u64> + Send;
    fn write(lock: &Self::Lock) -> impl Future<Output = ()> + Send;
}

/// Enters a lock for tasks into its scenarios.
pub(crate) fn for_tasks<L: AsyncReadWrite>(book: &mut Book, name: &'static str) {
    let reads = Subject::new(name, || {
        let (lock, executor) = (L::new(), Executor::new());
        move |ops| {
            executor.alone(ops, async {
                for _ in 0..ops {
                    black_box(L::read(black_box(&lock)).await);
                }
            })
        }
    });
    book.subject(ASYNC_READ, reads);
    let writes = Subject::new(name, || {
        let (lock, executor) = (L::new(), Executor::new());
        move |ops| {
            executor.alone(ops, async {
                for _ in 0..ops {
                    L::write(black_box(&lock)).await;
                }
            })
        }
    });
    book.subject(ASYNC_WRITE, writes);
}
