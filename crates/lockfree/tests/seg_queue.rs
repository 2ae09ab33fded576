//! `SegQueue`: order, no value lost, doubled or leaked.
#![cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]

use counterpoint_lockfree::queue::SegQueue;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const ROUNDS: usize = if cfg!(miri) { 200 } else { 50_000 };
/// Over the edges of several blocks.
const MANY: usize = 200;

#[test]
fn values_come_out_in_order_over_the_edges_of_blocks() {
    let queue = SegQueue::new();
    for round in 0..5 {
        (0..MANY).for_each(|value| queue.push((round, value)));
        assert_eq!(queue.len(), MANY);
        for value in 0..MANY {
            assert!(!queue.is_empty());
            assert_eq!(queue.pop(), Some((round, value)));
            assert_eq!(queue.len(), MANY - value - 1);
        }
        assert!(queue.is_empty() && queue.pop().is_none());
    }
}

#[test]
fn few_values_go_round_and_round() {
    let queue = SegQueue::new();
    queue.push(0);
    for value in 1..10 * MANY {
        queue.push(value);
        assert_eq!((queue.len(), queue.pop()), (2, Some(value - 1)));
    }
}

#[test]
fn exclusive_and_shared_access_mix() {
    let mut queue: SegQueue<_> = (0..MANY).collect();
    queue.push_mut(MANY);
    for value in (0..=MANY).step_by(3) {
        assert_eq!(queue.pop_mut(), Some(value));
        assert_eq!(
            (queue.pop(), queue.pop_mut()),
            (Some(value + 1), Some(value + 2))
        );
    }
    assert_eq!(format!("{queue:?}"), "SegQueue { len: 0 }");
    assert_eq!(SegQueue::<u8>::default().pop(), None);
}

#[test]
fn one_producer_one_consumer_keeps_order() {
    let queue = SegQueue::new();
    thread::scope(|s| {
        s.spawn(|| (0..ROUNDS).for_each(|value| queue.push(value)));
        for value in 0..ROUNDS {
            assert_eq!(next(&queue), value);
        }
    });
    assert!(queue.is_empty());
}

/// The next value, which is on its way.
fn next<T>(queue: &SegQueue<T>) -> T {
    loop {
        match queue.pop() {
            Some(value) => return value,
            None => thread::yield_now(),
        }
    }
}

#[test]
fn each_value_comes_out_once_and_in_its_producers_order() {
    const THREADS: usize = 4;
    let queue = SegQueue::new();
    let seen: Vec<AtomicUsize> = (0..ROUNDS).map(|_| AtomicUsize::new(0)).collect();
    thread::scope(|s| {
        for producer in 0..THREADS {
            let queue = &queue;
            let seen = &seen;
            s.spawn(move || (0..ROUNDS).for_each(|value| queue.push((producer, value))));
            s.spawn(move || {
                let mut latest = [None; THREADS];
                for _ in 0..ROUNDS {
                    let (producer, value) = next(queue);
                    assert!(latest[producer] < Some(value), "{producer} is out of order");
                    latest[producer] = Some(value);
                    seen[value].fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert!(
        seen.iter()
            .all(|count| count.load(Ordering::Relaxed) == THREADS)
    );
    assert_eq!((queue.len(), queue.pop()), (0, None));
}

#[test]
fn len_and_is_empty_beside_others() {
    let queue = SegQueue::new();
    let done = AtomicUsize::new(0);
    thread::scope(|s| {
        s.spawn(|| {
            for value in 0..ROUNDS {
                queue.push(value);
                queue.pop().unwrap();
            }
            done.store(1, Ordering::Release);
        });
        while done.load(Ordering::Acquire) == 0 {
            assert!(queue.len() <= 1);
            let _ = queue.is_empty();
        }
    });
    assert!(queue.is_empty());
}

#[test]
fn what_is_left_is_dropped() {
    let counted = Arc::new(());
    let queue = SegQueue::new();
    (0..MANY).for_each(|_| queue.push(counted.clone()));
    assert_eq!(Arc::strong_count(&counted), MANY + 1);
    drop(queue.pop());
    let mut rest = queue.into_iter();
    assert_eq!((rest.len(), Arc::strong_count(&counted)), (MANY - 1, MANY));
    drop(rest.next());
    drop(rest);
    assert_eq!(Arc::strong_count(&counted), 1);
}

/// Drops one value that panics in the middle of others, which are dropped all the same.
#[test]
fn a_panicking_drop_keeps_nothing_alive() {
    struct Bomb {
        goes_off: bool,
        _counted: Arc<()>,
    }
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(!self.goes_off, "planned");
        }
    }
    let counted = Arc::new(());
    let queue = SegQueue::new();
    for value in 0..MANY {
        let bomb = Bomb {
            goes_off: value == 2,
            _counted: counted.clone(),
        };
        queue.push(bomb);
    }
    let caught = std::panic::catch_unwind(|| drop(queue));
    assert!(caught.is_err());
    assert_eq!(Arc::strong_count(&counted), 1);
}

#[test]
fn values_without_size_and_with_much() {
    let nothing = SegQueue::new();
    (0..MANY).for_each(|_| nothing.push(()));
    assert_eq!(nothing.into_iter().count(), MANY);
    let much = SegQueue::new();
    (0..MANY).for_each(|value| much.push([value; 100]));
    assert!((0..MANY).all(|value| much.pop() == Some([value; 100])));
    // A block of these is larger than the stack.
    let small = thread::Builder::new().stack_size(512 << 10);
    let thread = small.spawn(|| {
        let large = SegQueue::new();
        large.push(Box::new([0_u8; 32 << 10]));
        let larger = SegQueue::new();
        larger.push([1_u8; 32 << 10]);
        (
            large.pop().map(|value| value.len()),
            larger.pop().map(|value| value[9]),
        )
    });
    assert_eq!(thread.unwrap().join().unwrap(), (Some(32 << 10), Some(1)));
}
