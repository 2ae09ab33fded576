//! Threads.

#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
pub use std::thread::{Builder, JoinHandle, Thread, current, spawn, yield_now};

#[cfg(counterpoint_loom)]
pub use loom::thread::{Builder, JoinHandle, Thread, current, spawn, yield_now};

#[cfg(counterpoint_shuttle)]
pub use shuttle::thread::{Builder, JoinHandle, Thread, current, spawn, yield_now};

/// Whether the current thread is unwinding.
#[cfg(feature = "std")]
pub use std::thread::panicking;

/// How many processors this process may use, read once. One means: do not spin. Under a checker
/// there are two, so that the code that spins is explored as well.
#[inline]
pub fn parallelism() -> usize {
    #[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
    {
        use core::sync::atomic::{AtomicUsize, Ordering};
        static KNOWN: AtomicUsize = AtomicUsize::new(0);
        // Relaxed: the number alone is shared.
        match KNOWN.load(Ordering::Relaxed) {
            0 => {
                let found = std::thread::available_parallelism().map_or(1, usize::from);
                KNOWN.store(found, Ordering::Relaxed);
                found
            }
            known => known,
        }
    }
    #[cfg(any(counterpoint_loom, counterpoint_shuttle))]
    {
        2
    }
}
