//! Queues and deques.

use counterpoint::deque::{Injector, Steal, Stealer, Worker};
use counterpoint::queue::{ArrayQueue, SegQueue, spsc};

use crate::book::{Book, OURS};
use crate::rooms::lockfree_deque::{self, Entrance, Owner, Robbed};
use crate::rooms::lockfree_queue::{self, Queue};
use crate::rooms::lockfree_spsc::{self, CHUNK, Ring};

struct Lifo;
struct Fifo;
struct Bounded;
struct Unbounded;
struct Two;

pub(super) fn enter(book: &mut Book) {
    lockfree_deque::owner::<Lifo>(book, lockfree_deque::OWNER_LIFO, OURS);
    lockfree_deque::owner::<Fifo>(book, lockfree_deque::OWNER_FIFO, OURS);
    lockfree_deque::forks::<Lifo>(book, OURS);
    lockfree_deque::thieves::<Lifo>(book, OURS);
    lockfree_deque::entrance::<Lifo>(book, OURS);
    lockfree_queue::queue::<Bounded>(book, lockfree_queue::ARRAY, OURS);
    lockfree_queue::queue::<Unbounded>(book, lockfree_queue::SEG, OURS);
    lockfree_spsc::ring::<Two>(book, OURS);
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

impl Ring for Two {
    type Producer = spsc::Producer<u64>;
    type Consumer = spsc::Consumer<u64>;
    fn new() -> (Self::Producer, Self::Consumer) {
        spsc::ring(1024)
    }
    fn push(producer: &mut Self::Producer, value: u64) -> bool {
        producer.push(value).is_ok()
    }
    fn pop(consumer: &mut Self::Consumer) -> Option<u64> {
        consumer.pop()
    }
    fn push_chunk(producer: &mut Self::Producer) -> bool {
        let Some(chunk) = producer.write_chunk(CHUNK) else {
            return false;
        };
        chunk.fill(0..CHUNK as u64) == CHUNK
    }
    fn pop_chunk(consumer: &mut Self::Consumer) -> Option<u64> {
        let chunk = consumer.read_chunk(CHUNK)?;
        let (first, second) = chunk.as_slices();
        let sum = first.iter().sum::<u64>() + second.iter().sum::<u64>();
        chunk.commit_all();
        Some(sum)
    }
}
