//! How often each structure allocates.
#![cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]

use counterpoint_lockfree::queue::ArrayQueue;
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
    let (count, queue) = allocations(|| ArrayQueue::new(100));
    assert_eq!(count, 1);
    let (count, ()) = allocations(|| {
        for value in 0..1_000 {
            queue.force_push(value);
            let _ = queue.push(value);
        }
        while queue.pop().is_some() {}
        drop(queue);
    });
    assert_eq!(count, 0);
}
