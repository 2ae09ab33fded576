//! `ArrayQueue`: order, bounds, no value lost, doubled or leaked.
#![cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]

use counterpoint_lockfree::queue::ArrayQueue;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const ROUNDS: usize = if cfg!(miri) { 100 } else { 25_000 };

#[test]
#[should_panic(expected = "must be non-zero")]
fn zero_capacity_is_refused() {
    ArrayQueue::<()>::new(0);
}

#[test]
fn values_come_out_in_order() {
    let queue = ArrayQueue::new(3);
    for round in 0..10 {
        assert_eq!(queue.push((round, 'a')), Ok(()));
        assert_eq!(queue.push((round, 'b')), Ok(()));
        assert_eq!(queue.pop(), Some((round, 'a')));
        assert_eq!(queue.push((round, 'c')), Ok(()));
        assert_eq!(queue.pop(), Some((round, 'b')));
        assert_eq!(queue.pop(), Some((round, 'c')));
        assert_eq!(queue.pop(), None);
    }
}

#[test]
fn a_full_queue_gives_the_value_back() {
    let queue = ArrayQueue::new(2);
    assert_eq!((queue.capacity(), queue.len()), (2, 0));
    assert!(queue.is_empty() && !queue.is_full());
    assert_eq!(queue.push(1), Ok(()));
    assert!(!queue.is_empty() && !queue.is_full());
    assert_eq!(queue.push(2), Ok(()));
    assert!(!queue.is_empty() && queue.is_full());
    assert_eq!(queue.push(3), Err(3));
    assert_eq!(queue.len(), 2);
    assert_eq!(format!("{queue:?}"), "ArrayQueue { len: 2, capacity: 2 }");
}

#[test]
fn force_push_keeps_the_latest() {
    let queue = ArrayQueue::new(3);
    let replaced: Vec<_> = (0..8).map(|value| queue.force_push(value)).collect();
    assert_eq!(replaced[..4], [None, None, None, Some(0)]);
    assert_eq!(queue.into_iter().collect::<Vec<_>>(), [5, 6, 7]);
}

#[test]
fn exclusive_and_shared_access_mix() {
    let mut queue = ArrayQueue::new(2);
    assert_eq!(queue.push_mut(1), Ok(()));
    assert_eq!(queue.push(2), Ok(()));
    assert_eq!(queue.push_mut(3), Err(3));
    assert_eq!(queue.pop_mut(), Some(1));
    assert_eq!(queue.push_mut(4), Ok(()));
    assert_eq!(queue.pop(), Some(2));
    assert_eq!((queue.pop_mut(), queue.pop_mut()), (Some(4), None));
}

#[test]
fn len_stays_within_bounds_beside_others() {
    let queue = ArrayQueue::new(7);
    thread::scope(|s| {
        s.spawn(|| {
            for value in 0..ROUNDS {
                while queue.push(value).is_err() {
                    thread::yield_now();
                }
                assert!(queue.len() <= 7);
            }
        });
        for value in 0..ROUNDS {
            loop {
                assert!(queue.len() <= 7);
                if let Some(found) = queue.pop() {
                    assert_eq!(found, value);
                    break;
                }
                thread::yield_now();
            }
        }
    });
    assert_eq!(queue.len(), 0);
}

#[test]
fn each_value_comes_out_once_and_in_its_producers_order() {
    const THREADS: usize = 4;
    let queue = ArrayQueue::new(5);
    let seen: Vec<AtomicUsize> = (0..ROUNDS).map(|_| AtomicUsize::new(0)).collect();
    thread::scope(|s| {
        for _ in 0..THREADS {
            s.spawn(|| {
                for value in 0..ROUNDS {
                    while queue.push(value).is_err() {
                        thread::yield_now();
                    }
                }
            });
            s.spawn(|| {
                for _ in 0..ROUNDS {
                    let value = loop {
                        match queue.pop() {
                            Some(value) => break value,
                            None => thread::yield_now(),
                        }
                    };
                    seen[value].fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert!(
        seen.iter()
            .all(|count| count.load(Ordering::Relaxed) == THREADS)
    );
}

#[test]
fn one_producer_one_consumer_keeps_order() {
    let queue = ArrayQueue::new(3);
    thread::scope(|s| {
        s.spawn(|| {
            for value in 0..ROUNDS {
                while queue.push(value).is_err() {
                    thread::yield_now();
                }
            }
        });
        for value in 0..ROUNDS {
            let found = loop {
                match queue.pop() {
                    Some(found) => break found,
                    None => thread::yield_now(),
                }
            };
            assert_eq!(found, value);
        }
    });
}

/// Threads that force values into a ring that another one reads.
#[test]
fn forced_values_are_replaced_once() {
    let queue = ArrayQueue::new(2);
    let out = AtomicUsize::new(0);
    thread::scope(|s| {
        for _ in 0..2 {
            s.spawn(|| {
                for _ in 0..ROUNDS {
                    if queue.force_push(Box::new(1)).is_some() {
                        out.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        s.spawn(|| {
            for _ in 0..ROUNDS {
                if queue.pop().is_some() {
                    out.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    });
    assert_eq!(out.into_inner() + queue.len(), 2 * ROUNDS);
}

#[test]
fn what_is_left_is_dropped() {
    let counted = Arc::new(());
    let queue = ArrayQueue::new(10);
    for _ in 0..25 {
        drop(queue.force_push(counted.clone()));
    }
    assert_eq!(Arc::strong_count(&counted), 11);
    drop(queue.pop());
    let mut rest = queue.into_iter();
    assert_eq!((rest.len(), Arc::strong_count(&counted)), (9, 10));
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
    let queue = ArrayQueue::new(5);
    for value in 0..5 {
        let bomb = Bomb {
            goes_off: value == 2,
            _counted: counted.clone(),
        };
        assert!(queue.push(bomb).is_ok());
    }
    let caught = std::panic::catch_unwind(|| drop(queue));
    assert!(caught.is_err());
    assert_eq!(Arc::strong_count(&counted), 1);
}

/// Whoever waits for a popper or a pusher that was interrupted leaves the processor to it.
#[test]
fn few_slots_and_many_threads_get_on() {
    const THREADS: usize = 8;
    let queue = ArrayQueue::new(1);
    let out = AtomicUsize::new(0);
    thread::scope(|s| {
        for _ in 0..THREADS {
            s.spawn(|| {
                for value in 0..ROUNDS / THREADS {
                    let mut value = value;
                    loop {
                        if queue.pop().is_some() {
                            out.fetch_add(1, Ordering::Relaxed);
                        }
                        match queue.push(value) {
                            Ok(()) => break,
                            Err(back) => value = back,
                        }
                    }
                }
            });
        }
    });
    assert_eq!(out.into_inner() + queue.len(), ROUNDS / THREADS * THREADS);
}

#[test]
fn values_without_size_and_with_much() {
    let nothing = ArrayQueue::new(4);
    for _ in 0..100 {
        nothing.push(()).unwrap();
        assert_eq!(nothing.pop(), Some(()));
    }
    let much = ArrayQueue::new(1);
    much.push([7_u64; 100]).unwrap();
    assert_eq!(much.pop(), Some([7; 100]));
}
