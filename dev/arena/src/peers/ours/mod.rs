//! counterpoint, a file for each of its rooms.

use crate::book::Book;

mod stage;
mod sync;
mod wait;

struct Ours;

pub(crate) fn enter(book: &mut Book) {
    sync::enter(book);
    stage::enter(book);
    wait::enter(book);
}
