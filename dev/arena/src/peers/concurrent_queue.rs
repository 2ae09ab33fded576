//! concurrent-queue, bounded and unbounded.

use concurrent_queue::ConcurrentQueue;

use crate::book::Book;
use crate::rooms::lockfree_queue::{self, Queue};

struct Bounded;
struct Unbounded;

pub(crate) fn enter(book: &mut Book) {
    lockfree_queue::queue::<Bounded>(book, lockfree_queue::ARRAY, "concurrent-queue");
    lockfree_queue::queue::<Unbounded>(book, lockfree_queue::SEG, "concurrent-queue");
}

impl Queue for Bounded {
    type Queue = ConcurrentQueue<u64>;
    fn new() -> ConcurrentQueue<u64> {
        ConcurrentQueue::bounded(1024)
    }
    fn push(queue: &ConcurrentQueue<u64>, value: u64) -> bool {
        queue.push(value).is_ok()
    }
    fn pop(queue: &ConcurrentQueue<u64>) -> Option<u64> {
        queue.pop().ok()
    }
}

impl Queue for Unbounded {
    type Queue = ConcurrentQueue<u64>;
    fn new() -> ConcurrentQueue<u64> {
        ConcurrentQueue::unbounded()
    }
    fn push(queue: &ConcurrentQueue<u64>, value: u64) -> bool {
        queue.push(value).is_ok()
    }
    fn pop(queue: &ConcurrentQueue<u64>) -> Option<u64> {
        queue.pop().ok()
    }
}
