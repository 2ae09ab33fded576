//! portable-atomic: atomics of integers, up to 128 bits.

use portable_atomic::{AtomicU8, AtomicU64, AtomicU128};

use crate::book::Book;
use crate::rooms::base_atomic_cell::cells;

pub(crate) fn enter(book: &mut Book) {
    cells! { book, "portable-atomic";
        "u8": AtomicU8, u8, 7, Acquire, Release, AcqRel;
        "u64": AtomicU64, u64, 7, Acquire, Release, AcqRel;
        "u128": AtomicU128, u128, 7, Acquire, Release, AcqRel;
    }
}
