//! st3: deques of a fixed capacity.

use crate::book::Book;
use crate::rooms::lockfree_deque::{self, Owner};

struct Lifo;
struct Fifo;

pub(crate) fn enter(book: &mut Book) {
    lockfree_deque::owner::<Lifo>(book, lockfree_deque::OWNER_LIFO, "st3");
    lockfree_deque::owner::<Fifo>(book, lockfree_deque::OWNER_FIFO, "st3");
    lockfree_deque::forks::<Lifo>(book, "st3");
}

impl Owner for Lifo {
    type Worker = st3::lifo::Worker<u64>;
    fn new() -> Self::Worker {
        st3::lifo::Worker::new(64)
    }
    fn push(worker: &Self::Worker, task: u64) {
        worker.push(task).expect("there is room");
    }
    fn pop(worker: &Self::Worker) -> Option<u64> {
        worker.pop()
    }
}

impl Owner for Fifo {
    type Worker = st3::fifo::Worker<u64>;
    fn new() -> Self::Worker {
        st3::fifo::Worker::new(64)
    }
    fn push(worker: &Self::Worker, task: u64) {
        worker.push(task).expect("there is room");
    }
    fn pop(worker: &Self::Worker) -> Option<u64> {
        worker.pop()
    }
}
