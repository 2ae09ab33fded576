//! What the processor does without any library.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::book::Book;
use crate::rooms::sync_buf_mutex::{self, Counter};
use crate::rooms::sync_rendezvous;

struct Peer;

pub(crate) fn enter(book: &mut Book) {
    sync_buf_mutex::plain(book);
    sync_buf_mutex::counter::<Peer>(book, "AtomicU64");
    sync_rendezvous::floor(book);
}

impl Counter for Peer {
    type Total = AtomicU64;
    fn new() -> AtomicU64 {
        AtomicU64::new(0)
    }
    fn sum(total: &AtomicU64) -> u64 {
        total.load(Ordering::Relaxed)
    }
    fn add_one(total: &AtomicU64) {
        total.fetch_add(1, Ordering::Relaxed);
    }
}
