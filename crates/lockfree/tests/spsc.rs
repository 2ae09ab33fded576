//! The ring between two threads: order, bounds, chunks over the end of the buffer, drop counts.
#![cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]

use counterpoint_lockfree::queue::spsc::{self, Consumer, Producer};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

const ROUNDS: usize = if cfg!(miri) { 100 } else { 25_000 };

fn push<T>(producer: &mut Producer<T>, mut value: T) {
    while let Err(back) = producer.push(value) {
        value = back;
        thread::yield_now();
    }
}

fn pop<T>(consumer: &mut Consumer<T>) -> T {
    loop {
        if let Some(value) = consumer.pop() {
            return value;
        }
        thread::yield_now();
    }
}

#[test]
#[should_panic(expected = "must be non-zero")]
fn zero_capacity_is_refused() {
    spsc::ring::<()>(0);
}

#[test]
fn values_come_out_in_order() {
    let (mut producer, mut consumer) = spsc::ring(3);
    for round in 0..10 {
        assert_eq!(producer.push((round, 'a')), Ok(()));
        assert_eq!(producer.push((round, 'b')), Ok(()));
        assert_eq!(consumer.pop(), Some((round, 'a')));
        assert_eq!(producer.push((round, 'c')), Ok(()));
        assert_eq!(consumer.peek(), Some(&(round, 'b')));
        assert_eq!(consumer.pop(), Some((round, 'b')));
        assert_eq!(consumer.pop(), Some((round, 'c')));
        assert_eq!(consumer.peek(), None);
        assert_eq!(consumer.pop(), None);
    }
}

#[test]
fn a_full_ring_gives_the_value_back() {
    let (mut producer, mut consumer) = spsc::ring(2);
    assert_eq!((producer.capacity(), consumer.capacity()), (2, 2));
    assert_eq!((producer.slots(), consumer.slots()), (2, 0));
    assert!(consumer.is_empty() && !producer.is_full());
    assert_eq!((producer.push(1), producer.push(2)), (Ok(()), Ok(())));
    assert!(!consumer.is_empty() && producer.is_full());
    assert_eq!(producer.push(3), Err(3));
    assert_eq!(
        format!("{producer:?}"),
        "Producer { slots: 0, capacity: 2 }"
    );
    assert_eq!(
        format!("{consumer:?}"),
        "Consumer { slots: 2, capacity: 2 }"
    );
    assert_eq!(consumer.pop(), Some(1));
    assert_eq!(producer.push(3), Ok(()));
    assert_eq!((consumer.pop(), consumer.pop()), (Some(2), Some(3)));
}

#[test]
fn values_of_no_size_are_counted() {
    let (mut producer, mut consumer) = spsc::ring(usize::MAX);
    assert_eq!(producer.slots(), usize::MAX);
    assert_eq!((producer.push(()), producer.push(())), (Ok(()), Ok(())));
    assert_eq!(producer.push_slice(&[(); 5]), 5);
    consumer.read_chunk(6).unwrap().commit_all();
    assert_eq!(
        (consumer.slots(), consumer.pop(), consumer.pop()),
        (1, Some(()), None)
    );
}

#[test]
fn two_threads_keep_the_order() {
    for capacity in [1, 2, 7, 64] {
        let (mut producer, mut consumer) = spsc::ring(capacity);
        thread::scope(|s| {
            s.spawn(move || (0..ROUNDS).for_each(|value| push(&mut producer, Box::new(value))));
            (0..ROUNDS).for_each(|value| assert_eq!(*pop(&mut consumer), value));
            assert_eq!(consumer.pop(), None);
        });
    }
}

#[test]
fn two_threads_keep_the_order_of_chunks() {
    let (mut producer, mut consumer) = spsc::ring(13);
    thread::scope(|s| {
        s.spawn(move || {
            let (mut sent, mut size) = (0, 1);
            while sent < ROUNDS {
                if let Some(chunk) = producer.write_chunk(size) {
                    assert_eq!(chunk.fill((sent..).map(Box::new)), size);
                    sent += size;
                    size = size % 13 + 1;
                } else {
                    thread::yield_now();
                }
            }
        });
        let mut next = 0;
        while !consumer.is_abandoned() || !consumer.is_empty() {
            let count = consumer.slots().min(5);
            if count == 0 {
                thread::yield_now();
            }
            let chunk = consumer.read_chunk(count).unwrap();
            assert_eq!(chunk.len(), count);
            for value in chunk {
                assert_eq!(*value, next);
                next += 1;
            }
        }
        assert!(next >= ROUNDS);
    });
}

#[test]
fn chunks_reach_over_the_end_of_the_buffer() {
    let (mut producer, mut consumer) = spsc::ring(4);
    assert_eq!(producer.push_slice(&[1, 2, 3]), 3);
    consumer.read_chunk(3).unwrap().commit(3);
    let mut chunk = producer.write_chunk(3).unwrap();
    let (first, second) = chunk.as_mut_slices();
    assert_eq!((first.len(), second.len()), (1, 2));
    first[0].write(4);
    second[0].write(5);
    second[1].write(6);
    assert_eq!((chunk.len(), chunk.is_empty()), (3, false));
    // SAFETY: two of three that were written.
    unsafe { chunk.commit(2) };
    let mut chunk = consumer.read_chunk(2).unwrap();
    assert_eq!(format!("{chunk:?}"), "[4, 5]");
    chunk.as_mut_slices().1[0] = 7;
    assert_eq!(chunk.as_slices(), (&[4][..], &[7][..]));
    // Not committed: they stay.
    assert_eq!(
        (consumer.pop(), consumer.pop(), consumer.pop()),
        (Some(4), Some(7), None)
    );
}

#[test]
fn a_chunk_that_is_not_committed_has_done_nothing() {
    let (mut producer, mut consumer) = spsc::ring(4);
    assert!(producer.write_chunk(4).is_some());
    assert_eq!(
        producer
            .write_chunk(4)
            .unwrap()
            .fill([1, 2, 3].map(Box::new)),
        3
    );
    assert!(consumer.read_chunk(2).is_some());
    let mut values = consumer.read_chunk(3).unwrap().into_iter();
    assert_eq!((values.next(), values.len()), (Some(Box::new(1)), 2));
    std::mem::forget(values);
    // What was moved out does not come again; its place is free with the next.
    assert_eq!((consumer.slots(), producer.slots()), (2, 1));
    assert_eq!(consumer.pop(), Some(Box::new(2)));
    assert_eq!((consumer.slots(), producer.slots()), (1, 3));
}

#[test]
fn what_a_forgotten_iterator_moved_out_is_out() {
    let value = Arc::new(());
    for (capacity, count, taken) in [(2, 2, 1), (2, 2, 2), (4, 3, 1), (4, 3, 3), (4, 4, 4)] {
        for producer_first in [false, true] {
            let (mut producer, mut consumer) = spsc::ring(capacity);
            (0..count).for_each(|_| push(&mut producer, value.clone()));
            let mut values = consumer.read_chunk(count).unwrap().into_iter();
            let held: Vec<_> = values.by_ref().take(taken).collect();
            std::mem::forget(values);
            if producer_first {
                drop(producer);
                drop(consumer);
            } else {
                drop(consumer);
                assert_eq!(producer.slots(), capacity - count + taken);
                drop(producer);
            }
            assert_eq!(Arc::strong_count(&value), 1 + taken);
            drop(held);
        }
    }
    // Nor does it stand in the way of others.
    let (mut producer, mut consumer) = spsc::ring(4);
    assert_eq!(producer.push_slice(&[1, 2, 3, 4]), 4);
    let mut values = consumer.read_chunk(4).unwrap().into_iter();
    assert_eq!(values.by_ref().sum::<i32>(), 10);
    std::mem::forget(values);
    assert!(producer.is_full());
    assert_eq!(consumer.pop(), None);
    assert_eq!((producer.slots(), producer.push(5)), (4, Ok(())));
    assert_eq!(consumer.pop(), Some(5));
}

#[test]
fn slices_are_copied_as_far_as_they_fit() {
    let (mut producer, mut consumer) = spsc::ring(5);
    let mut got = [0; 3];
    for round in 0..20_u32 {
        let values = [round, round + 1, round + 2];
        assert_eq!(producer.push_slice(&values), 3);
        assert_eq!(producer.push_slice(&values), 2);
        assert_eq!(producer.push_slice(&values), 0);
        assert_eq!((consumer.pop_slice(&mut got), got), (3, values));
        assert_eq!((consumer.pop_slice(&mut got), &got[..2]), (2, &values[..2]));
        assert_eq!(
            (consumer.pop_slice(&mut got), consumer.pop_slice(&mut [])),
            (0, 0)
        );
    }
}

#[test]
fn each_value_is_dropped_once() {
    let value = Arc::new(());
    let fill = |count: usize| {
        let (mut producer, mut consumer) = spsc::ring(5);
        // Over the end of the buffer.
        (0..4).for_each(|_| push(&mut producer, value.clone()));
        consumer.read_chunk(4).unwrap().commit_all();
        (0..count).for_each(|_| push(&mut producer, value.clone()));
        (producer, consumer)
    };
    for left in 0..=5 {
        for producer_first in [false, true] {
            let (producer, mut consumer) = fill(left);
            drop(consumer.pop());
            assert!(!producer.is_abandoned() && !consumer.is_abandoned());
            if producer_first {
                drop(producer);
                assert!(consumer.is_abandoned());
                drop(consumer);
            } else {
                drop(consumer);
                assert!(producer.is_abandoned());
                drop(producer);
            }
            assert_eq!(Arc::strong_count(&value), 1);
        }
    }
    // Pushed to nobody.
    let (mut producer, consumer) = fill(2);
    drop(consumer);
    assert_eq!(producer.push(value.clone()), Ok(()));
    assert_eq!(Arc::strong_count(&value), 4);
    drop(producer);
    assert_eq!(Arc::strong_count(&value), 1);
}

/// Counts, and panics when it is told to.
struct Loud(Rc<std::cell::Cell<u32>>, bool);

impl Drop for Loud {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
        assert!(!self.1, "told to");
    }
}

#[test]
fn a_panicking_drop_keeps_nothing_alive() {
    let dropped = Rc::new(std::cell::Cell::new(0));
    let fill = || {
        dropped.set(0);
        let (mut producer, mut consumer) = spsc::ring(4);
        (0..2).for_each(|_| push(&mut producer, Loud(dropped.clone(), false)));
        consumer.read_chunk(2).unwrap().commit_all();
        for which in 0..4 {
            push(&mut producer, Loud(dropped.clone(), which == 1));
        }
        (producer, consumer)
    };
    let (producer, mut consumer) = fill();
    let chunk = consumer.read_chunk(3).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| chunk.commit_all())).is_err());
    assert_eq!(
        (dropped.get(), consumer.slots(), producer.slots()),
        (5, 1, 3)
    );
    drop((producer, consumer));
    let (producer, consumer) = fill();
    drop(producer);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(consumer))).is_err());
    assert_eq!((dropped.get(), Rc::strong_count(&dropped)), (6, 1));
}

/// Panics when it is shown.
struct Shy;

impl std::fmt::Debug for Shy {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("not to be shown");
    }
}

#[test]
fn a_value_that_panics_when_shown_stays() {
    let (mut producer, mut consumer) = spsc::ring(1);
    push(&mut producer, Shy);
    let chunk = consumer.read_chunk(1).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| format!("{chunk:?}"))).is_err());
    assert!(producer.is_full() && consumer.pop().is_some());
}

#[test]
fn an_iterator_that_panics_has_pushed_what_it_gave() {
    let (mut producer, mut consumer) = spsc::ring(4);
    let chunk = producer.write_chunk(4).unwrap();
    let values = (0..).map(|value| {
        assert!(value < 2, "told to");
        Box::new(value)
    });
    assert!(catch_unwind(AssertUnwindSafe(|| chunk.fill(values))).is_err());
    assert_eq!(producer.slots(), 2);
    assert_eq!(
        (consumer.pop(), consumer.pop()),
        (Some(Box::new(0)), Some(Box::new(1)))
    );
    assert_eq!(consumer.pop(), None);
}

#[test]
#[should_panic(expected = "more values than were there")]
fn more_than_a_chunk_is_not_committed() {
    let (mut producer, mut consumer) = spsc::ring(4);
    assert_eq!(producer.push_slice(&[1, 2, 3]), 3);
    consumer.read_chunk(2).unwrap().commit(3);
}
