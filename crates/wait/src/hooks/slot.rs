//! A place that is filled once and read often.
//!
//! # Invariants
//! * I1: the pointer is null or that of a box that is freed with the slot, and changes once.
//!
//! # Edges
//! * E1: release in `fill` → acquire in `get`: what the value refers to.
//!
//! # Checked by
//! dev/model tests/hooks.rs.

use core::ptr;
use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::{AtomicPtr, RELAXED, acquire, release};

/// A place for one value that stays for ever.
#[doc(hidden)]
#[derive(Debug)]
pub struct Slot<T: Copy + Send + Sync + 'static> {
    value: AtomicPtr<T>,
}

impl<T: Copy + Send + Sync + 'static> Default for Slot<T> {
    fn default() -> Slot<T> {
        Slot::new()
    }
}

impl<T: Copy + Send + Sync + 'static> Slot<T> {
    const_fn! {
        /// An empty place.
        pub const fn new() -> Slot<T> {
            Slot { value: AtomicPtr::new(ptr::null_mut()) }
        }
    }

    /// Fills it, if it is empty.
    ///
    /// # Errors
    /// The value, if it was filled before.
    pub fn fill(&self, value: T) -> Result<(), T> {
        let new = Box::into_raw(Box::new(value));
        // Release [E1]: publishes the box and what the value refers to.
        let filled =
            self.value
                .compare_exchange(ptr::null_mut(), new, release("hooks.install"), RELAXED);
        match filled {
            Ok(_) => Ok(()),
            // SAFETY: made above, and given to nobody.
            Err(_) => Err(*unsafe { Box::from_raw(new) }),
        }
    }

    /// The value, once it is filled.
    #[inline]
    pub fn get(&self) -> Option<T> {
        // Acquire [E1]: pairs with the release in `fill`.
        let value = self.value.load(acquire("hooks.look"));
        // SAFETY: I1: null or of a box that lives as long as `self`, and written before E1.
        unsafe { value.as_ref() }.copied()
    }
}

impl<T: Copy + Send + Sync + 'static> Drop for Slot<T> {
    fn drop(&mut self) {
        // Relaxed: `&mut self` shows that every other thread is done.
        let value = self.value.load(RELAXED);
        if !value.is_null() {
            // SAFETY: I1: of a box, given to nobody.
            drop(unsafe { Box::from_raw(value) });
        }
    }
}
