//! crossbeam: its `AtomicCell`.

use crossbeam_utils::atomic::AtomicCell;

use crate::book::Book;
use crate::rooms::base_atomic_cell::cells;

pub(crate) fn enter(book: &mut Book) {
    cells! { book, "crossbeam";
        "u8": AtomicCell<u8>, u8, 7;
        "u64": AtomicCell<u64>, u64, 7;
        "u128": AtomicCell<u128>, u128, 7;
        "[u64;4]": AtomicCell<[u64; 4]>, [u64; 4], [7; 4];
    }
}
