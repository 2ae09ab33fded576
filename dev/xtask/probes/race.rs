//! Two threads write one word without ordering. ThreadSanitizer must say so, or its suppressions
//! hide too much.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

struct Shared {
    ready: AtomicBool,
    word: UnsafeCell<u64>,
}

// SAFETY: none; that is the point.
unsafe impl Sync for Shared {}

static SHARED: Shared = Shared { ready: AtomicBool::new(false), word: UnsafeCell::new(0) };

fn main() {
    let other = thread::spawn(|| {
        // SAFETY: none, the main thread writes too.
        unsafe { *SHARED.word.get() += 1 };
        SHARED.ready.store(true, Ordering::Relaxed);
    });
    // Relaxed: the write above is not ordered before the one below.
    while !SHARED.ready.load(Ordering::Relaxed) {
        thread::yield_now();
    }
    // SAFETY: none, the other thread writes too.
    unsafe { *SHARED.word.get() += 1 };
    other.join().expect("the other thread does not panic");
}
