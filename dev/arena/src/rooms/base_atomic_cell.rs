//! `base/atomic_cell`: a value that is read and replaced as a whole.

use std::hint::black_box;
use std::time::Duration;

use crate::book::{Book, Scenario, Subject};
use crate::drive::alone::repeat;
use crate::drive::threads::contend;

const GROUP: &str = "base/atomic_cell";

/// A thread writes once in so many turns, and reads else.
const TURNS: u32 = 64;

/// The kinds of values, and how many times as fast as the best peer a load should be.
const KINDS: [(&str, f64, &[&str]); 4] = [
    ("u8", 1.0, &["crossbeam", "portable-atomic"]),
    ("u64", 1.0, &["crossbeam", "portable-atomic"]),
    ("u128", 2.0, &["crossbeam", "portable-atomic"]),
    ("[u64;4]", 1.0, &["crossbeam"]),
];

pub(crate) fn enter(book: &mut Book) {
    for (kind, load, peers) in KINDS {
        let mut scenario = |what, least, about| {
            let name = format!("{GROUP}/{kind}/{what}");
            book.scenario(Scenario::new(name, about).beats(least, peers));
        };
        scenario("load", load, "one thread reads");
        scenario("store", 1.0, "one thread writes");
        scenario("swap", 1.0, "one thread replaces");
        book.scenario(
            Scenario::new(
                format!("{GROUP}/{kind}/contended_load"),
                "two threads read, and write each 64th time",
            )
            .window(5)
            .beats(1.0, peers),
        );
    }
}

/// A cell of one kind of value.
pub(crate) trait Cell: 'static {
    const KIND: &'static str;
    type Cell: Sync + Send + 'static;
    type Value: Copy;
    const VALUE: Self::Value;
    fn new() -> Self::Cell;
    fn load(cell: &Self::Cell) -> Self::Value;
    fn store(cell: &Self::Cell, value: Self::Value);
    fn swap(cell: &Self::Cell, value: Self::Value) -> Self::Value;
}

/// Enters a cell.
pub(crate) fn cell<C: Cell>(book: &mut Book, name: &'static str) {
    let mut enter = |what: &str, subject| {
        book.subject(&format!("{GROUP}/{}/{what}", C::KIND), subject);
    };
    let load = Subject::new(name, || {
        let cell = C::new();
        move |ops| {
            repeat(ops, || {
                black_box(C::load(black_box(&cell)));
            })
        }
    });
    enter("load", load);
    let store = Subject::new(name, || {
        let cell = C::new();
        move |ops| repeat(ops, || C::store(black_box(&cell), black_box(C::VALUE)))
    });
    enter("store", store);
    let swap = Subject::new(name, || {
        let cell = C::new();
        move |ops| {
            repeat(ops, || {
                black_box(C::swap(black_box(&cell), black_box(C::VALUE)));
            })
        }
    });
    enter("swap", swap);
    let contended = Subject::new(name, || {
        let cell = C::new();
        move |time| {
            contend(2, Duration::from_nanos(time), |_, shift| {
                let mut turn = 0_u32;
                shift.unwatched(|| {
                    turn = turn.wrapping_add(1);
                    if turn.is_multiple_of(TURNS) {
                        C::store(&cell, black_box(C::VALUE));
                    } else {
                        black_box(C::load(black_box(&cell)));
                    }
                });
            })
        }
    });
    enter("contended_load", contended);
}

/// Enters the cells of a library whose cells have `new`, `load`, `store` and `swap`.
macro_rules! cells {
    ($book:ident, $name:expr; $($kind:literal: $cell:ty, $value:ty, $filled:expr $(, $order:ident)*;)*) => {$({
        struct One;
        impl $crate::rooms::base_atomic_cell::Cell for One {
            const KIND: &'static str = $kind;
            type Cell = $cell;
            type Value = $value;
            const VALUE: $value = $filled;
            fn new() -> $cell {
                <$cell>::new($filled)
            }
            fn load(cell: &$cell) -> $value {
                $crate::rooms::base_atomic_cell::cells!(@load cell $($order)*)
            }
            fn store(cell: &$cell, value: $value) {
                $crate::rooms::base_atomic_cell::cells!(@store cell value $($order)*)
            }
            fn swap(cell: &$cell, value: $value) -> $value {
                $crate::rooms::base_atomic_cell::cells!(@swap cell value $($order)*)
            }
        }
        $crate::rooms::base_atomic_cell::cell::<One>($book, $name);
    })*};
    (@load $cell:ident) => { $cell.load() };
    (@store $cell:ident $value:ident) => { $cell.store($value) };
    (@swap $cell:ident $value:ident) => { $cell.swap($value) };
    (@load $cell:ident $load:ident $store:ident $swap:ident) => { $cell.load(std::sync::atomic::Ordering::$load) };
    (@store $cell:ident $value:ident $load:ident $store:ident $swap:ident) => {
        $cell.store($value, std::sync::atomic::Ordering::$store)
    };
    (@swap $cell:ident $value:ident $load:ident $store:ident $swap:ident) => {
        $cell.swap($value, std::sync::atomic::Ordering::$swap)
    };
}

pub(crate) use cells;
