//! What users of the queue cannot bring about by themselves: slots taken and not yet read.
#![cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]

use super::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::vec::Vec;

/// Takes the next slots: as many as `count`, at most those of the block.
fn taken<T>(queue: &Segments<T>, count: usize) -> Taken<'_, T> {
    loop {
        match queue.take(&Backoff::new(), |here, _| count.min(here)) {
            Attempt::Taken(taken) => return taken,
            Attempt::Lost => {}
            Attempt::Empty => panic!("empty"),
        }
    }
}

fn spares<T>(queue: &Segments<T>) -> Vec<*mut Block<T>> {
    let spares = queue.spares.iter().map(|spare| spare.load(RELAXED));
    spares.filter(|spare| !spare.is_null()).collect()
}

#[test]
fn a_block_put_aside_comes_back() {
    let queue = Segments::new();
    (0..2 * BLOCK).for_each(|value| queue.push(value));
    let mut late = taken(&queue, 1);
    (1..BLOCK).for_each(|value| assert_eq!(queue.pop(), Some(value)));
    let aside = queue.aside.load(RELAXED);
    assert_eq!(aside, late.block);
    assert_eq!(spares(&queue), []);
    assert_eq!(late.read(), 0);
    (BLOCK..2 * BLOCK).for_each(|value| assert_eq!(queue.pop(), Some(value)));
    assert!(queue.aside.load(RELAXED).is_null());
    assert!(spares(&queue).contains(&aside), "it is used again");
}

#[test]
fn a_burst_leaves_the_spare_blocks_alone() {
    let queue = Segments::new();
    (0..100 * BLOCK).for_each(|value| queue.push(value));
    while queue.pop().is_some() {}
    assert_eq!(spares(&queue).len(), SPARE_BLOCKS);
    assert!(queue.aside.load(RELAXED).is_null());
}

#[test]
fn several_slots_at_once_are_read_in_order_or_dropped() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    struct Bomb(usize);
    impl Drop for Bomb {
        fn drop(&mut self) {
            DROPPED.fetch_add(1, Ordering::Relaxed);
            assert!(self.0 != 3, "planned");
        }
    }
    let queue = Segments::new();
    (0..2 * BLOCK).for_each(|value| queue.push(Bomb(value)));
    let mut some = taken(&queue, 7);
    assert_eq!((some.read().0, some.read().0), (0, 1));
    assert_eq!(queue.len(), 2 * BLOCK - 7);
    assert_eq!(DROPPED.load(Ordering::Relaxed), 2);
    // The fourth panics, and the others are dropped all the same.
    assert!(catch_unwind(AssertUnwindSafe(|| drop(some))).is_err());
    assert_eq!(DROPPED.load(Ordering::Relaxed), 7);
    // Never more than the block has.
    drop(taken(&queue, 2 * BLOCK));
    assert_eq!(DROPPED.load(Ordering::Relaxed), BLOCK);
    assert_eq!(spares(&queue).len(), 1, "given back once");
    assert_eq!(queue.pop().map(|bomb| bomb.0), Some(BLOCK));
}

/// An index that was read long ago lies further behind than a `usize` may count.
#[test]
fn distances_do_not_overflow() {
    let tail = START.wrapping_add(u64::from(u32::MAX) * LAP * STEP);
    assert_eq!(between(START, tail), u64::from(u32::MAX) * BLOCK as u64);
    let end = START + BLOCK as u64 * STEP;
    assert_eq!(between(end, next_lap(START)), 0);
    assert_eq!(between(end | HAS_NEXT, next_lap(START) + STEP), 1);
}
