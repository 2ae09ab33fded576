//! rtrb: a ring between two threads.

use crate::book::Book;
use crate::rooms::lockfree_spsc::{self, CHUNK, Ring};

struct Peer;

pub(crate) fn enter(book: &mut Book) {
    lockfree_spsc::ring::<Peer>(book, "rtrb");
}

impl Ring for Peer {
    type Producer = rtrb::Producer<u64>;
    type Consumer = rtrb::Consumer<u64>;
    fn new() -> (Self::Producer, Self::Consumer) {
        rtrb::RingBuffer::new(1024)
    }
    fn push(producer: &mut Self::Producer, value: u64) -> bool {
        producer.push(value).is_ok()
    }
    fn pop(consumer: &mut Self::Consumer) -> Option<u64> {
        consumer.pop().ok()
    }
    fn push_chunk(producer: &mut Self::Producer) -> bool {
        let Ok(chunk) = producer.write_chunk_uninit(CHUNK) else {
            return false;
        };
        chunk.fill_from_iter(0..CHUNK as u64) == CHUNK
    }
    fn pop_chunk(consumer: &mut Self::Consumer) -> Option<u64> {
        let chunk = consumer.read_chunk(CHUNK).ok()?;
        let (first, second) = chunk.as_slices();
        let sum = first.iter().sum::<u64>() + second.iter().sum::<u64>();
        chunk.commit_all();
        Some(sum)
    }
}
