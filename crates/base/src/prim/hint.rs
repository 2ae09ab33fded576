//! Busy-wait hints.

/// Tells the processor (or the checker) that this thread is waiting for another one.
#[inline(always)]
pub fn spin_loop() {
    #[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
    core::hint::spin_loop();
    #[cfg(counterpoint_loom)]
    loom::thread::yield_now();
    #[cfg(counterpoint_shuttle)]
    shuttle::thread::yield_now();
}
