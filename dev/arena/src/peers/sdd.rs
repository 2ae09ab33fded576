//! sdd: pointers that count, and are freed by epochs.

use crate::book::Book;
use crate::rooms::lockfree_epoch::{self, Object, Reclaim};

struct Sdd;

pub(crate) fn enter(book: &mut Book) {
    lockfree_epoch::epoch::<Sdd>(book, "sdd");
}

impl Reclaim for Sdd {
    type Thread = ();
    fn thread() {}
    fn pin((): &()) {
        drop(sdd::Guard::new());
    }
    fn retire((): &()) {
        let _guard = sdd::Guard::new();
        // Dropped, it is retired.
        drop(sdd::Owned::new(Object::default()));
    }
}
