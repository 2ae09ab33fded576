//! Accesses to places that are reached as slices, for a checker to see; nothing without one.

#[cfg(counterpoint_loom)]
use alloc::boxed::Box;
#[cfg(counterpoint_loom)]
use counterpoint_base::prim::cell::UnsafeCell;

#[cfg(counterpoint_loom)]
pub(super) struct Trace(Box<[UnsafeCell<()>]>);

#[cfg(counterpoint_loom)]
impl Trace {
    pub(super) fn new(capacity: usize) -> Trace {
        Trace((0..capacity).map(|_| UnsafeCell::new(())).collect())
    }

    /// Tells the checker that `count` places from `next` on are this thread's.
    pub(super) fn touch(&self, next: usize, count: usize, capacity: usize) {
        for at in 0..count {
            self.0[(next + at) % capacity].with_mut(|_| ());
        }
    }
}

#[cfg(not(counterpoint_loom))]
pub(super) struct Trace;

#[cfg(not(counterpoint_loom))]
impl Trace {
    pub(super) fn new(_capacity: usize) -> Trace {
        Trace
    }

    /// Nothing.
    #[inline(always)]
    pub(super) fn touch(&self, _next: usize, _count: usize, _capacity: usize) {}
}
