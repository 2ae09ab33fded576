//! `sync/buf_mutex`: a sum to which many add.

use std::hint::black_box;
use std::time::Duration;

use crate::book::{Book, Scenario, Subject};
use crate::drive::threads::contend;
use crate::sample::{Sample, measure};
use crate::system;

const ADD: &str = "sync/buf_mutex/add_1m";
const SHARE_DROP: &str = "sync/buf_mutex/share_drop/2";
const COUNTER: &str = "sync/buf_mutex/counter";

/// Additions between taking a share and dropping it.
const MILLION: u64 = 1_000_000;

/// Threads that count, and how long a measurement is.
const THREADS: [(usize, u64); 3] = [(2, 3), (4, 6), (16, 12)];

pub(crate) fn enter(book: &mut Book) {
    book.scenario(
        Scenario::new(ADD, "a million additions to one share, beside a plain variable")
            .unit("ns/addition")
            .at_least(MILLION)
            .beats(1.0 / 1.05, &["a plain variable"]),
    );
    book.scenario(
        Scenario::new(SHARE_DROP, "two threads take a share, add once, drop it")
            .window(5)
            .waits()
            .beats(1.5, &["openmp-reducer"]),
    );
    for (threads, window) in THREADS {
        book.scenario(
            Scenario::new(format!("{COUNTER}/{threads}"), "threads count events together")
                .unit("ns/event")
                .window(window)
                .waits()
                .beats(5.0, &["AtomicU64", "std", "parking_lot 0.12", "parking_lot 0.13"]),
        );
    }
}

/// A sum with local shares.
pub(crate) trait Reducer: 'static {
    type Total: Sync + 'static;
    fn new() -> Self::Total;
    /// The sum so far.
    fn sum(total: &Self::Total) -> u64;
    /// Gives a fresh share's local value to `work`, then merges it.
    fn share(total: &Self::Total, work: impl FnOnce(&mut u64));
}

/// A sum that is changed in place.
pub(crate) trait Counter: 'static {
    type Total: Sync + 'static;
    fn new() -> Self::Total;
    fn sum(total: &Self::Total) -> u64;
    fn add_one(total: &Self::Total);
}

/// Enters a reducer where shares are taken and dropped.
pub(crate) fn shares<R: Reducer>(book: &mut Book, name: &'static str) {
    let subject = Subject::new(name, || {
        let total = R::new();
        move |time| {
            checked(|| R::sum(&total), || {
                contend(2, Duration::from_nanos(time), |_, shift| {
                    shift.unwatched(|| R::share(&total, |local| *local += 1));
                })
            })
        }
    });
    book.subject(SHARE_DROP, subject.bytes(size_of::<R::Total>()));
}

/// Enters a reducer where it is added to.
pub(crate) fn reducer<R: Reducer>(book: &mut Book, name: &'static str) {
    let subject = Subject::new(name, || {
        let total = R::new();
        move |ops: u64| {
            millions(ops, || R::share(&total, add_a_million))
        }
    });
    book.subject(ADD, subject.bytes(size_of::<R::Total>()));
    for (threads, _) in THREADS {
        let subject = Subject::new(name, move || {
            let total = R::new();
            move |time| {
                checked(|| R::sum(&total), || {
                    contend(threads, Duration::from_nanos(time), |_, shift| {
                        R::share(&total, |local| shift.unwatched(|| *black_box(&mut *local) += 1));
                    })
                })
            }
        });
        book.subject(&format!("{COUNTER}/{threads}"), subject.bytes(size_of::<R::Total>()));
    }
}

/// Enters a variable of the thread's own: what an addition costs at least.
pub(crate) fn plain(book: &mut Book) {
    let start = || |ops| {
        millions(ops, || {
            let mut local = 0;
            add_a_million(&mut local);
            black_box(local);
        })
    };
    book.subject(ADD, Subject::new("a plain variable", start));
}

/// Enters a counter.
pub(crate) fn counter<C: Counter>(book: &mut Book, name: &'static str) {
    for (threads, _) in THREADS {
        let subject = Subject::new(name, move || {
            let total = C::new();
            move |time| {
                checked(|| C::sum(&total), || {
                    contend(threads, Duration::from_nanos(time), |_, shift| {
                        shift.unwatched(|| C::add_one(&total));
                    })
                })
            }
        });
        book.subject(&format!("{COUNTER}/{threads}"), subject.bytes(size_of::<C::Total>()));
    }
}

#[inline(always)]
fn add_a_million(local: &mut u64) {
    for _ in 0..MILLION {
        // The compiler may not know what it adds to, or it would add a million at once.
        *black_box(&mut *local) += 1;
    }
}

#[inline(always)]
fn millions(ops: u64, mut work: impl FnMut()) -> Sample {
    system::pin_alone();
    let count = ops.div_ceil(MILLION);
    measure(count * MILLION, || {
        for _ in 0..count {
            work();
        }
    })
}

/// Makes sure that no addition was lost.
fn checked(sum: impl Fn() -> u64, work: impl FnOnce() -> Sample) -> Sample {
    let before = sum();
    let sample = work();
    assert_eq!(sum() - before, sample.ops, "additions are lost");
    sample
}
