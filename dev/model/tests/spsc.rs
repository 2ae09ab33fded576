//! Models of the ring between two threads. Positions begin two before they wrap around.

use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_lockfree::queue::spsc::{self, Consumer, Producer};
use counterpoint_model::model;

/// Pushes when there is room.
fn push(producer: &mut Producer<Box<u32>>, value: u32) {
    let mut value = Box::new(value);
    while let Err(back) = producer.push(value) {
        value = back;
        thread::yield_now();
    }
}

/// Pops when there is something.
fn pop(consumer: &mut Consumer<Box<u32>>) -> u32 {
    loop {
        if let Some(value) = consumer.pop() {
            return *value;
        }
        thread::yield_now();
    }
}

model! {
    /// One pushes over the end of the numbers and of the buffer, one looks and pops, both at once.
    fn values_come_in_order(preemptions: Some(3)) {
        let (mut producer, mut consumer) = spsc::ring(2);
        let pusher = thread::spawn(move || {
            (0..3).for_each(|value| push(&mut producer, value));
            producer
        });
        let popper = thread::spawn(move || {
            (0..3).for_each(|value| {
                if let Some(seen) = consumer.peek() {
                    assert_eq!(**seen, value);
                }
                assert_eq!(pop(&mut consumer), value);
            });
            consumer
        });
        let producer = pusher.join().unwrap();
        let mut consumer = popper.join().unwrap();
        assert_eq!((producer.slots(), consumer.slots()), (2, 0));
        assert!(consumer.pop().is_none());
    }

    /// What is written at once is found at once, over the end of the buffer.
    fn chunks_come_whole(preemptions: Some(3)) {
        let (mut producer, mut consumer) = spsc::ring(3);
        let pusher = thread::spawn(move || {
            for first in [0, 2] {
                loop {
                    if let Some(chunk) = producer.write_chunk(2) {
                        assert_eq!(chunk.fill((first..).map(Box::new)), 2);
                        break;
                    }
                    thread::yield_now();
                }
            }
        });
        let popper = thread::spawn(move || {
            let mut next = 0;
            while next < 4 {
                let count = consumer.slots();
                assert!(count != 1 || next % 2 == 1, "half of a chunk");
                match consumer.read_chunk(count.min(2)) {
                    Some(chunk) if count > 0 => {
                        let (first, second) = chunk.as_slices();
                        for value in first.iter().chain(second) {
                            assert_eq!(**value, next);
                            next += 1;
                        }
                        chunk.commit_all();
                    }
                    _ => thread::yield_now(),
                }
            }
        });
        pusher.join().unwrap();
        popper.join().unwrap();
    }

    /// Of two values that are there one is moved out, the other one stays and comes again.
    fn values_that_stay_come_again(preemptions: Some(3)) {
        let (mut producer, mut consumer) = spsc::ring(2);
        let pusher = thread::spawn(move || (0..3).for_each(|value| push(&mut producer, value)));
        let popper = thread::spawn(move || {
            let mut next = 0;
            while next < 3 {
                let count = consumer.slots().min(2);
                let chunk = consumer.read_chunk(count).expect("so many are there");
                for value in chunk.into_iter().take(1) {
                    assert_eq!(*value, next);
                    next += 1;
                }
                if count == 0 {
                    thread::yield_now();
                }
            }
        });
        pusher.join().unwrap();
        popper.join().unwrap();
    }

    /// Both ends are dropped, one of them last: each value is dropped once, and after it was written,
    /// also over the end of the buffer.
    fn both_ends_go_at_once() {
        let (mut producer, mut consumer) = spsc::ring(2);
        let value = Arc::new(());
        assert!(producer.push(value.clone()).is_ok());
        drop(consumer.pop());
        let pusher = {
            let value = value.clone();
            thread::spawn(move || {
                assert!(producer.push(value.clone()).is_ok());
                let _ = producer.push(value);
            })
        };
        let popper = thread::spawn(move || drop(consumer.pop()));
        pusher.join().unwrap();
        popper.join().unwrap();
        assert_eq!(Arc::strong_count(&value), 1);
    }

    /// Who finds the other end gone and then nothing has had everything.
    fn who_is_abandoned_has_seen_all() {
        let (mut producer, mut consumer) = spsc::ring(2);
        let pusher = thread::spawn(move || {
            push(&mut producer, 0);
            push(&mut producer, 1);
        });
        let popper = thread::spawn(move || {
            let mut next = 0;
            loop {
                let is_last = consumer.is_abandoned();
                while let Some(value) = consumer.pop() {
                    assert_eq!(*value, next);
                    next += 1;
                }
                if is_last {
                    break;
                }
                thread::yield_now();
            }
            assert_eq!(next, 2, "the producer is gone, and so is a value of its");
        });
        pusher.join().unwrap();
        popper.join().unwrap();
    }
}
