//! How often each structure allocates.
#![cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]

use counterpoint_lockfree::deque::Worker;
use counterpoint_lockfree::queue::{ArrayQueue, SegQueue, spsc};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: all work is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often this thread allocates in `f`.
fn allocations<R>(f: impl FnOnce() -> R) -> (usize, R) {
    let before = COUNT.get();
    let result = f();
    (COUNT.get() - before, result)
}

#[test]
fn array_queue_allocates_once() {
    let use_up = |queue: ArrayQueue<u32>| {
        for value in 0..1_000 {
            queue.force_push(value);
            let _ = queue.push(value);
        }
        while queue.pop().is_some() {}
        drop(queue);
    };
    // With the cfg `counterpoint_jitter` the first operations of all read what it is to do.
    use_up(ArrayQueue::new(100));
    let (count, queue) = allocations(|| ArrayQueue::new(100));
    assert_eq!(count, 1);
    let (count, ()) = allocations(|| use_up(queue));
    assert_eq!(count, 0);
}

#[test]
fn a_ring_allocates_its_counts_and_its_places() {
    // As above.
    let _ = ArrayQueue::new(1).push(0);
    let (count, (mut producer, mut consumer)) = allocations(|| spsc::ring(100));
    assert_eq!(count, 2);
    let (count, ()) = allocations(|| {
        for value in 0..1_000 {
            assert_eq!(producer.push(value), Ok(()));
            assert_eq!(producer.write_chunk(99).unwrap().fill(0..99), 99);
            assert_eq!(consumer.pop(), Some(value));
            consumer.read_chunk(99).unwrap().commit_all();
        }
        drop((producer, consumer));
    });
    assert_eq!(count, 0);
}

#[test]
fn seg_queue_allocates_by_the_block_and_uses_blocks_again() {
    const BLOCK: usize = 31;
    let (count, queue) = allocations(SegQueue::new);
    assert_eq!(count, 0);
    // The block after this one is at hand when the last slot of a block is taken.
    let (count, ()) = allocations(|| (1..BLOCK).for_each(|value| queue.push(value)));
    assert_eq!(count, 1);
    let (count, ()) = allocations(|| (0..3 * BLOCK).for_each(|value| queue.push(value)));
    assert_eq!(count, 3);
    while queue.pop().is_some() {}
    // Two blocks are kept, and a steady flow needs no more.
    let (count, ()) = allocations(|| {
        for value in 0..100 * BLOCK {
            queue.push(value);
            assert_eq!(queue.pop(), Some(value));
        }
        drop(queue);
    });
    assert_eq!(count, 0);
}

#[test]
fn a_deque_allocates_when_its_ring_is_full() {
    for make in [Worker::new_fifo, Worker::new_lifo] {
        let worker = make();
        let thief = worker.stealer();
        // A steady flow within the first ring.
        let (count, ()) = allocations(|| {
            for _ in 0..100 {
                (0..64).for_each(|task| worker.push(task));
                (0..20).for_each(|_| _ = thief.steal());
                while worker.pop().is_some() {}
            }
        });
        assert_eq!(count, 0);
        // A ring, and its places.
        let (count, ()) = allocations(|| (0..65).for_each(|task| worker.push(task)));
        assert_eq!(count, 2);
    }
}
