//! The value of a [`SeqCell`](super::SeqCell), which may be read while it is written.
//!
//! A read beside a write gives a torn copy, which is thrown away, and must not be a data race
//! itself. Three ways, one interface:
//!
//! * `words` (x86-64, aarch64): the copies of `racy`, through assembly.
//! * `excluded` (elsewhere and under Miri): plain copies. `MAY_RACE` is false, so the cell reads
//!   under its lock.
//! * `checked` (under a checker): a write is kept aside under a number, and only that number goes
//!   through the checker's atomics, twice, as a payload of two words. A reader that confirms two
//!   different numbers has read a torn value and fails the model.

#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
use crate::prim::cell::UnsafeCell;

#[cfg(any(counterpoint_loom, counterpoint_shuttle))]
pub(super) use checked::Payload;
#[cfg(not(any(
    counterpoint_loom,
    counterpoint_shuttle,
    all(
        any(target_arch = "x86_64", target_arch = "aarch64"),
        target_pointer_width = "64",
        target_endian = "little",
        not(miri)
    )
)))]
pub(super) use excluded::Payload;
#[cfg(all(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_pointer_width = "64",
    target_endian = "little",
    not(any(counterpoint_loom, counterpoint_shuttle, miri))
))]
pub(super) use words::Payload;

#[cfg(all(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_pointer_width = "64",
    target_endian = "little",
    not(any(counterpoint_loom, counterpoint_shuttle, miri))
))]
mod words {
    use super::UnsafeCell;
    use crate::racy;
    use core::mem::MaybeUninit;

    /// A value filled up to whole words: no narrow step at the end.
    #[repr(C, align(8))]
    struct Slot<T>(MaybeUninit<T>);

    pub(crate) struct Payload<T>(UnsafeCell<MaybeUninit<Slot<T>>>);

    /// A copy that may be torn.
    pub(crate) struct Copied<T>(MaybeUninit<Slot<T>>);

    impl<T: Copy> Payload<T> {
        pub(crate) const MAY_RACE: bool = true;

        pub(crate) const fn new(value: T) -> Payload<T> {
            let slot = Slot(MaybeUninit::new(value));
            Payload(UnsafeCell::new(MaybeUninit::new(slot)))
        }

        /// # Safety
        /// None here; see `excluded`.
        #[inline(always)]
        pub(crate) unsafe fn read(&self) -> Copied<T> {
            let mut copy = MaybeUninit::uninit();
            self.0.with(|from| {
                // SAFETY: `from` is the slot, which `self` keeps alive, and the copy a local one.
                unsafe { racy::load(from, &raw mut copy) };
            });
            Copied(copy)
        }

        /// # Safety
        /// No other call of `write` overlaps.
        #[inline(always)]
        pub(crate) unsafe fn write(&self, value: T) {
            let value = MaybeUninit::new(Slot(MaybeUninit::new(value)));
            self.0.with_mut(|to| {
                // SAFETY: `to` is the slot, which may be written through `&self` since it is in a
                // cell, and the value is a local one.
                unsafe { racy::store(&raw const value, to) };
            });
        }
    }

    impl<T> Copied<T> {
        /// The value.
        ///
        /// # Safety
        /// No `write` overlapped the `read` that made this.
        #[inline(always)]
        pub(crate) unsafe fn confirm(self) -> T {
            // SAFETY: a `Slot` holds a `MaybeUninit`, so that any bytes are one.
            let slot = unsafe { self.0.assume_init() };
            // SAFETY: by the caller's promise all bytes come from one value.
            unsafe { slot.0.assume_init() }
        }
    }
}

#[cfg(not(any(
    counterpoint_loom,
    counterpoint_shuttle,
    all(
        any(target_arch = "x86_64", target_arch = "aarch64"),
        target_pointer_width = "64",
        target_endian = "little",
        not(miri)
    )
)))]
mod excluded {
    use super::UnsafeCell;

    pub(crate) struct Payload<T>(UnsafeCell<T>);

    pub(crate) struct Copied<T>(T);

    impl<T: Copy> Payload<T> {
        pub(crate) const MAY_RACE: bool = false;

        pub(crate) const fn new(value: T) -> Payload<T> {
            Payload(UnsafeCell::new(value))
        }

        /// # Safety
        /// No call of `write` overlaps.
        pub(crate) unsafe fn read(&self) -> Copied<T> {
            // SAFETY: by the caller's promise nobody writes.
            self.0.with(|value| Copied(unsafe { *value }))
        }

        /// # Safety
        /// No other call of `write` or `read` overlaps.
        pub(crate) unsafe fn write(&self, value: T) {
            // SAFETY: by the caller's promise nobody else has access.
            self.0.with_mut(|slot| unsafe { *slot = value });
        }
    }

    impl<T> Copied<T> {
        /// # Safety
        /// None here; see `words`.
        pub(crate) unsafe fn confirm(self) -> T {
            self.0
        }
    }
}

#[cfg(any(counterpoint_loom, counterpoint_shuttle))]
mod checked {
    use crate::prim::atomic::{AtomicUsize, RELAXED};
    use std::sync::{Mutex, MutexGuard, PoisonError};

    pub(crate) struct Payload<T> {
        /// The value of number 0.
        first: T,
        /// Every value written, from number 1 on; no part of the model.
        values: Mutex<Vec<T>>,
        words: [AtomicUsize; 2],
    }

    pub(crate) struct Copied<T> {
        numbers: [usize; 2],
        values: [T; 2],
    }

    impl<T: Copy> Payload<T> {
        pub(crate) const MAY_RACE: bool = true;

        crate::const_fn! {
            pub(crate) const fn new(value: T) -> Payload<T> {
                let words = [AtomicUsize::new(0), AtomicUsize::new(0)];
                Payload { first: value, values: Mutex::new(Vec::new()), words }
            }
        }

        fn values(&self) -> MutexGuard<'_, Vec<T>> {
            self.values.lock().unwrap_or_else(PoisonError::into_inner)
        }

        /// # Safety
        /// None here; see `excluded`.
        pub(crate) unsafe fn read(&self) -> Copied<T> {
            // Relaxed: the sequence number orders the payload.
            let numbers = [self.words[0].load(RELAXED), self.words[1].load(RELAXED)];
            let values = self.values();
            let value = |number: usize| number.checked_sub(1).map_or(self.first, |at| values[at]);
            Copied {
                numbers,
                values: numbers.map(value),
            }
        }

        /// # Safety
        /// None here; see `words`.
        pub(crate) unsafe fn write(&self, value: T) {
            let number = {
                let mut values = self.values();
                values.push(value);
                values.len()
            };
            // Relaxed: as in `read`.
            self.words[0].store(number, RELAXED);
            self.words[1].store(number, RELAXED);
        }
    }

    impl<T> Copied<T> {
        /// # Safety
        /// None here; see `words`.
        pub(crate) unsafe fn confirm(self) -> T {
            assert_eq!(
                self.numbers[0], self.numbers[1],
                "a torn value was taken for a whole one"
            );
            let [value, _] = self.values;
            value
        }
    }
}
