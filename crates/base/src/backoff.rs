//! Busy waiting that grows longer, gives the processor away, and says when it is time to block.

use crate::prim::hint;
use crate::tune::{SPIN_STEPS, YIELD_STEPS};
use core::cell::Cell;
use core::fmt;

/// Exponential back-off for loops that wait for another thread without blocking.
///
/// [`spin`](Backoff::spin) is for a loop that failed because another thread got ahead of it, and
/// will succeed by itself; [`snooze`](Backoff::snooze) for a loop that can only go on after
/// another thread has acted. Once [`is_completed`](Backoff::is_completed) says so, block instead:
/// whatever is awaited will not come soon.
///
/// Not for waiting without bound: a loop of `snooze` alone uses a whole processor for nothing.
/// All waiting primitives of the toolkit block by themselves and need no `Backoff` around them.
///
/// Where this process may use only one processor, nothing is ever gained by busy waiting: `spin`
/// returns at once there and `snooze` always yields. Without the `std` feature neither the number
/// of processors is known nor can the processor be given away, and both spin.
///
/// # Cost
/// Step `n` of both is `2^n` pauses, 64 at most; later steps of `snooze` are one system call that
/// yields. 11 steps of `spin` take in all 383 pauses, 4 to 20 microseconds on x86-64.
///
/// # Examples
/// ```
/// use counterpoint_base::Backoff;
/// use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
///
/// /// Doubles the value, however many threads do so at once.
/// fn double(value: &AtomicU32) -> u32 {
///     let backoff = Backoff::new();
///     let mut seen = value.load(Relaxed);
///     while let Err(found) = value.compare_exchange(seen, seen * 2, Relaxed, Relaxed) {
///         seen = found;
///         backoff.spin();
///     }
///     seen * 2
/// }
/// assert_eq!(double(&AtomicU32::new(21)), 42);
/// ```
pub struct Backoff {
    step: Cell<u32>,
}

impl Backoff {
    /// A back-off at its first step.
    #[inline]
    pub const fn new() -> Backoff {
        Backoff { step: Cell::new(0) }
    }

    /// Goes back to the first step; call it when the loop has made progress.
    #[inline]
    pub fn reset(&self) {
        self.step.set(0);
    }

    /// Waits a little before a lock-free operation is tried again.
    ///
    /// Counts towards [`is_completed`](Backoff::is_completed), so that a loop that only spins
    /// comes to its end too.
    #[inline]
    pub fn spin(&self) {
        let step = self.step.get();
        if spinning_helps() {
            pause(step.min(SPIN_STEPS));
        }
        self.advance(step);
    }

    /// Waits a little for another thread to act: spins at first, later gives the processor away.
    #[inline]
    pub fn snooze(&self) {
        let step = self.step.get();
        if step <= SPIN_STEPS && spinning_helps() {
            pause(step);
        } else {
            give_way(step);
        }
        self.advance(step);
    }

    /// True when waiting on has become a waste and the caller should block.
    ///
    /// ```
    /// use counterpoint_base::Backoff;
    ///
    /// let backoff = Backoff::new();
    /// while !backoff.is_completed() {
    ///     backoff.snooze();
    /// }
    /// backoff.reset();
    /// assert!(!backoff.is_completed());
    /// ```
    #[inline]
    pub fn is_completed(&self) -> bool {
        self.step.get() > YIELD_STEPS
    }

    #[inline]
    fn advance(&self, step: u32) {
        if step <= YIELD_STEPS {
            self.step.set(step + 1);
        }
    }
}

/// Under a checker each pause is a point at which other threads run.
#[inline]
fn pause(step: u32) {
    for _ in 0..1u32 << step {
        hint::spin_loop();
    }
}

#[cfg(feature = "std")]
#[inline]
fn spinning_helps() -> bool {
    crate::prim::thread::parallelism() > 1
}

#[cfg(not(feature = "std"))]
#[inline]
fn spinning_helps() -> bool {
    true
}

#[cfg(feature = "std")]
#[inline]
fn give_way(_step: u32) {
    crate::prim::thread::yield_now();
}

#[cfg(not(feature = "std"))]
#[inline]
fn give_way(step: u32) {
    pause(step);
}

impl fmt::Debug for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backoff")
            .field("step", &self.step.get())
            .field("is_completed", &self.is_completed())
            .finish()
    }
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff::new()
    }
}
