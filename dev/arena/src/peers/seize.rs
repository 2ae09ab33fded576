//! seize: a collector that belongs to the data structure.

use seize::{Collector, Guard, reclaim};

use crate::book::Book;
use crate::rooms::lockfree_epoch::{self, Object, Reclaim};

struct Seize;

pub(crate) fn enter(book: &mut Book) {
    lockfree_epoch::epoch::<Seize>(book, "seize");
}

impl Reclaim for Seize {
    type Thread = Collector;
    fn thread() -> Collector {
        Collector::new()
    }
    fn pin(collector: &Collector) {
        drop(collector.enter());
    }
    fn retire(collector: &Collector) {
        let guard = collector.enter();
        let object = Box::into_raw(Box::new(Object::default()));
        // SAFETY: nobody else knows it.
        unsafe { guard.defer_retire(object, reclaim::boxed) };
    }
}
