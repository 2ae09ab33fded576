//! `lockfree/spsc`: values from one thread to another. The bytes beside `pair` are those of an empty
//! ring for 1,024 values.

use std::hint::black_box;
use std::sync::Mutex;
use std::time::Duration;

use crate::alloc::held;
use crate::book::{Book, Scenario, Subject};
use crate::drive::alone::repeat;
use crate::drive::threads::contend;
use crate::rooms::lockfree_queue::some;

const PAIR: &str = "lockfree/spsc/pair";
const ONE: &str = "lockfree/spsc/1p1c";
const CHUNKS: &str = "lockfree/spsc/chunks";

/// Values of a chunk.
pub(crate) const CHUNK: usize = 64;

pub(crate) fn enter(book: &mut Book) {
    book.scenario(
        Scenario::new(PAIR, "one thread pushes a value and pops it").beats(1.0, &["rtrb"]),
    );
    book.scenario(
        Scenario::new(ONE, "one thread pushes values, another one pops them")
            .unit("ns/push or pop")
            .window(5)
            .beats(1.0, &["rtrb"]),
    );
    book.scenario(
        Scenario::new(CHUNKS, "one thread pushes chunks of 64 values, another one pops them")
            .unit("ns/chunk, pushed or popped")
            .window(5)
            .beats(1.0, &["rtrb"]),
    );
}

/// A ring for 1,024 values.
pub(crate) trait Ring: 'static {
    type Producer: Send;
    type Consumer: Send;
    fn new() -> (Self::Producer, Self::Consumer);
    /// False if it is full.
    fn push(producer: &mut Self::Producer, value: u64) -> bool;
    fn pop(consumer: &mut Self::Consumer) -> Option<u64>;
    /// A chunk of values at once; false if there is no room for it.
    fn push_chunk(producer: &mut Self::Producer) -> bool;
    /// The sum of a chunk of values, taken at once.
    fn pop_chunk(consumer: &mut Self::Consumer) -> Option<u64>;
}

/// Enters a ring.
pub(crate) fn ring<R: Ring>(book: &mut Book, name: &'static str) {
    book.subject(
        PAIR,
        Subject::new(name, || {
            let (mut producer, mut consumer) = R::new();
            move |ops| {
                repeat(ops, || {
                    R::push(&mut producer, 1);
                    black_box(R::pop(&mut consumer));
                })
            }
        })
        .bytes(held(R::new)),
    );
    book.subject(
        ONE,
        Subject::new(name, || {
            |time| {
                between::<R>(
                    time,
                    |producer| R::push(producer, 1).then_some(()),
                    |consumer| R::pop(consumer),
                )
            }
        }),
    );
    book.subject(
        CHUNKS,
        Subject::new(name, || {
            |time| {
                between::<R>(
                    time,
                    |producer| R::push_chunk(producer).then_some(()),
                    |consumer| R::pop_chunk(consumer),
                )
            }
        }),
    );
}

/// One thread does the one, another one the other.
fn between<R: Ring>(
    time: u64,
    push: impl Fn(&mut R::Producer) -> Option<()> + Sync,
    pop: impl Fn(&mut R::Consumer) -> Option<u64> + Sync,
) -> crate::sample::Sample {
    let (producer, consumer) = R::new();
    let producer = Mutex::new(Some(producer));
    let consumer = Mutex::new(Some(consumer));
    contend(2, Duration::from_nanos(time), |thread, shift| {
        if thread == 0 {
            let taken = producer.lock().expect("one producer").take();
            let mut producer = taken.expect("one producer");
            shift.unwatched(|| some(|| push(&mut producer)));
        } else {
            let taken = consumer.lock().expect("one consumer").take();
            let mut consumer = taken.expect("one consumer");
            shift.unwatched(|| some(|| pop(&mut consumer)));
        }
    })
}
