//! crossbeam-epoch.

use crossbeam_epoch::{self as epoch, Collector, Guard, LocalHandle, Owned};

use crate::book::Book;
use crate::rooms::lockfree_epoch::{self, Object, Reclaim, Stalled};

struct Epoch;

pub(crate) fn enter(book: &mut Book) {
    lockfree_epoch::epoch::<Epoch>(book, "crossbeam-epoch");
    lockfree_epoch::stalled::<Epoch>(book, "crossbeam-epoch");
}

fn retire(guard: &Guard) {
    let object = Owned::new(Object::default()).into_shared(guard);
    // SAFETY: nobody else knows it.
    unsafe { guard.defer_destroy(object) };
}

impl Reclaim for Epoch {
    type Thread = ();
    fn thread() {}
    fn pin((): &()) {
        drop(epoch::pin());
    }
    fn retire((): &()) {
        retire(&epoch::pin());
    }
}

impl Stalled for Epoch {
    type Pair = (Guard, LocalHandle);
    fn pair() -> Self::Pair {
        let collector = Collector::new();
        (collector.register().pin(), collector.register())
    }
    fn retire((_, handle): &Self::Pair) {
        retire(&handle.pin());
    }
}
