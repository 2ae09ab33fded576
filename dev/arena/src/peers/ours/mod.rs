//! counterpoint, a file for each of its rooms.

use crate::book::Book;

mod sync;
mod wait;

struct Ours;

pub(crate) fn enter(book: &mut Book) {
    sync::enter(book);
    wait::enter(book);
}
