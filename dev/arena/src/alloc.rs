//! The allocator of the program, which counts while it is asked to.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

// Relaxed throughout: threads that allocate are joined or awaited before the count is read.
static WATCHED: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicI64 = AtomicI64::new(0);

/// The system's allocator with a count. Switched off it costs a load of a flag nobody writes, so
/// timed runs are not disturbed.
#[derive(Debug)]
pub(crate) struct Counting;

impl Counting {
    fn count(bytes: usize) {
        if WATCHED.load(Ordering::Relaxed) {
            COUNT.fetch_add(1, Ordering::Relaxed);
            BYTES.fetch_add(bytes as i64, Ordering::Relaxed);
        }
    }

    fn give_back(bytes: usize) {
        if WATCHED.load(Ordering::Relaxed) {
            BYTES.fetch_sub(bytes as i64, Ordering::Relaxed);
        }
    }
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Counting::count(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        Counting::give_back(layout.size());
        // SAFETY: the caller's promise; the block came from the system's allocator.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Counting::count(size);
        Counting::give_back(layout.size());
        // SAFETY: the caller's promise; the block came from the system's allocator.
        unsafe { System.realloc(block, layout, size) }
    }
}

/// How many allocations happened in the process while `work` ran.
pub(crate) fn counted<R>(work: impl FnOnce() -> R) -> (R, u64) {
    let before = COUNT.load(Ordering::Relaxed);
    WATCHED.store(true, Ordering::Relaxed);
    let result = work();
    WATCHED.store(false, Ordering::Relaxed);
    (result, COUNT.load(Ordering::Relaxed) - before)
}

/// What `make` makes takes so many bytes: its own, and those it has allocated.
pub(crate) fn held<R>(make: impl FnOnce() -> R) -> usize {
    let before = BYTES.load(Ordering::Relaxed);
    let (made, _) = counted(make);
    let allocated = BYTES.load(Ordering::Relaxed) - before;
    drop(made);
    size_of::<R>() + allocated.max(0) as usize
}
