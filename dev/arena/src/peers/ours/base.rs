//! Cells.

use counterpoint::atomic::AtomicCell;

use crate::book::{Book, OURS};
use crate::rooms::base_atomic_cell::cells;

pub(super) fn enter(book: &mut Book) {
    cells! { book, OURS;
        "u8": AtomicCell<u8>, u8, 7;
        "u64": AtomicCell<u64>, u64, 7;
        "u128": AtomicCell<u128>, u128, 7;
        "[u64;4]": AtomicCell<[u64; 4]>, [u64; 4], [7; 4];
    }
}
