//! `base`: is the machine fit to measure on?

use std::hint::black_box;

use counterpoint::sync::Mutex;

use crate::book::{Book, OURS, Scenario, Subject};
use crate::drive::alone::repeat;
use crate::sample::Sample;

/// The scenario whose ratio has to be 1: both subjects are the same.
pub(crate) const SAME: &str = "base/aa";

pub(crate) fn enter(book: &mut Book) {
    book.scenario(Scenario::new(SAME, "the same lock on both sides: shows what noise can do"));
    book.subject(SAME, Subject::new(OURS, lock));
    book.subject(SAME, Subject::new("counterpoint again", lock));
}

fn lock() -> impl FnMut(u64) -> Sample {
    let mutex = Mutex::new(0u64);
    move |ops| repeat(ops, || *black_box(&mutex).lock() += 1)
}
