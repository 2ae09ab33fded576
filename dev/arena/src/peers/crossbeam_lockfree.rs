//! crossbeam: its queues and deques.

use crossbeam_deque::{Injector, Steal, Stealer, Worker};
use crossbeam_queue::{ArrayQueue, SegQueue};

use crate::book::Book;
use crate::rooms::lockfree_deque::{self, Entrance, Owner, Robbed};
use crate::rooms::lockfree_queue::{self, Queue};

struct Lifo;
struct Fifo;
struct Bounded;
struct Unbounded;

pub(crate) fn enter(book: &mut Book) {
    lockfree_deque::owner::<Lifo>(book, lockfree_deque::OWNER_LIFO, "crossbeam-deque");
    lockfree_deque::owner::<Fifo>(book, lockfree_deque::OWNER_FIFO, "crossbeam-deque");
    lockfree_deque::forks::<Lifo>(book, "crossbeam-deque");
    lockfree_deque::thieves::<Lifo>(book, "crossbeam-deque");
    lockfree_deque::entrance::<Lifo>(book, "crossbeam-deque");
    lockfree_queue::queue::<Bounded>(book, lockfree_queue::ARRAY, "crossbeam-queue");
    lockfree_queue::queue::<Unbounded>(book, lockfree_queue::SEG, "crossbeam-queue");
}

impl Owner for Lifo {
    type Worker = Worker<u64>;
    fn new() -> Worker<u64> {
        Worker::new_lifo()
    }
    fn push(worker: &Worker<u64>, task: u64) {
        worker.push(task);
    }
    fn pop(worker: &Worker<u64>) -> Option<u64> {
        worker.pop()
    }
}

impl Owner for Fifo {
    type Worker = Worker<u64>;
    fn new() -> Worker<u64> {
        Worker::new_fifo()
    }
    fn push(worker: &Worker<u64>, task: u64) {
        worker.push(task);
    }
    fn pop(worker: &Worker<u64>) -> Option<u64> {
        worker.pop()
    }
}

fn until<T>(mut steal: impl FnMut() -> Steal<T>) -> Option<T> {
    loop {
        match steal() {
            Steal::Success(task) => return Some(task),
            Steal::Empty => return None,
            Steal::Retry => {}
        }
    }
}

impl Robbed for Lifo {
    type Stealer = Stealer<u64>;
    fn stealer(worker: &Worker<u64>) -> Stealer<u64> {
        worker.stealer()
    }
    fn steal(stealer: &Stealer<u64>) -> Option<u64> {
        until(|| stealer.steal())
    }
    fn steal_batch(stealer: &Stealer<u64>, dest: &Worker<u64>) -> Option<u64> {
        until(|| stealer.steal_batch_and_pop(dest))
    }
}

impl Entrance for Lifo {
    type Injector = Injector<u64>;
    fn entrance() -> Injector<u64> {
        Injector::new()
    }
    fn inject(injector: &Injector<u64>, task: u64) {
        injector.push(task);
    }
    fn take(injector: &Injector<u64>) -> Option<u64> {
        until(|| injector.steal())
    }
    fn take_batch(injector: &Injector<u64>, dest: &Worker<u64>) -> Option<u64> {
        until(|| injector.steal_batch_and_pop(dest))
    }
}

impl Queue for Bounded {
    type Queue = ArrayQueue<u64>;
    fn new() -> ArrayQueue<u64> {
        ArrayQueue::new(1024)
    }
    fn push(queue: &ArrayQueue<u64>, value: u64) -> bool {
        queue.push(value).is_ok()
    }
    fn pop(queue: &ArrayQueue<u64>) -> Option<u64> {
        queue.pop()
    }
}

impl Queue for Unbounded {
    type Queue = SegQueue<u64>;
    fn new() -> SegQueue<u64> {
        SegQueue::new()
    }
    fn push(queue: &SegQueue<u64>, value: u64) -> bool {
        queue.push(value);
        true
    }
    fn pop(queue: &SegQueue<u64>) -> Option<u64> {
        queue.pop()
    }
}
