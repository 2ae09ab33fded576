//! counterpoint, a file for each of its rooms.

use crate::book::Book;

mod base;
mod epoch;
mod lockfree;
mod locks;
mod stage;
mod sync;
mod wait;

struct Ours;

pub(crate) fn enter(book: &mut Book) {
    base::enter(book);
    lockfree::enter(book);
    epoch::enter(book);
    sync::enter(book);
    locks::enter(book);
    stage::enter(book);
    wait::enter(book);
}
