//! `sync/once`: a value that is there already.

use std::hint::black_box;

use crate::book::{Book, Bound, Scenario, Subject};
use crate::drive::alone::repeat;

const GET: &str = "sync/once/get";

pub(crate) fn enter(book: &mut Book) {
    book.scenario(
        Scenario::new(GET, "look at a value that was set long ago")
            .beats(1.0, &["std"])
            .bound(Bound::NoAllocations),
    );
}

/// A place that is filled once.
pub(crate) trait Place: 'static {
    type Cell: Send + Sync + 'static;
    fn filled(value: u64) -> Self::Cell;
    fn get(cell: &Self::Cell) -> Option<&u64>;
}

/// Enters a place.
pub(crate) fn places<P: Place>(book: &mut Book, name: &'static str) {
    let subject = Subject::new(name, || {
        let cell = P::filled(7);
        assert_eq!(P::get(&cell), Some(&7));
        move |ops| {
            repeat(ops, || {
                black_box(P::get(black_box(&cell)));
            })
        }
    });
    book.subject(GET, subject.bytes(size_of::<P::Cell>()));
}
