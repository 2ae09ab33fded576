//! An allocator that defers something itself while a bag is allocated.
#![cfg(all(feature = "std", not(any(counterpoint_loom, counterpoint_shuttle))))]

use counterpoint_lockfree::epoch::{Collector, Guard};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

static RAN: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The guard with which to defer as soon as something as large as a bag is allocated.
    static GUARD: Cell<*const Guard> = const { Cell::new(ptr::null()) };
}

struct Deferring;

// SAFETY: the system's allocator does it.
unsafe impl GlobalAlloc for Deferring {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > 1_024 {
            let guard = GUARD.replace(ptr::null());
            // SAFETY: null, or a guard that lives while it is set.
            if let Some(guard) = unsafe { guard.as_ref() } {
                guard.defer(|| RAN.fetch_add(1, SeqCst));
            }
        }
        // SAFETY: by the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: by the caller's promise.
        unsafe { System.dealloc(pointer, layout) };
    }
}

#[global_allocator]
static ALLOCATOR: Deferring = Deferring;

#[test]
fn an_allocator_that_defers_loses_nothing() {
    let collector = Collector::new();
    let handle = collector.register();
    let guard = handle.pin();
    GUARD.set(&raw const guard);
    guard.defer(|| RAN.fetch_add(1, SeqCst));
    assert!(GUARD.get().is_null(), "no bag was allocated");
    assert_eq!(collector.stats().waiting, 2);
    drop((guard, handle, collector));
    assert_eq!(RAN.load(SeqCst), 2);
}
