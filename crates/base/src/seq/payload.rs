//! The value of a [`SeqCell`](super::SeqCell), which may be read while it is written.
//!
//! A read beside a write gives a torn copy, which is thrown away. In Rust the read itself must
//! not be a data race, and the bytes need not be initialized (padding), so no atomic type of the
//! language can carry them. Three ways out, one interface:
//!
//! * `words` (x86-64, aarch64): the copy goes word by word through assembly. For the language each
//!   is a relaxed atomic access of a `MaybeUninit<u64>`, the operation that the hardware has and
//!   `core::sync::atomic` does not.
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
        not(miri)
    )
)))]
pub(super) use excluded::Payload;
#[cfg(all(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_pointer_width = "64",
    not(any(counterpoint_loom, counterpoint_shuttle, miri))
))]
pub(super) use words::Payload;

#[cfg(all(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_pointer_width = "64",
    not(any(counterpoint_loom, counterpoint_shuttle, miri))
))]
mod words {
    use super::UnsafeCell;
    use core::arch::asm;
    use core::mem::{MaybeUninit, size_of};

    type Word = MaybeUninit<u64>;

    /// A value filled up to whole words.
    #[repr(C, align(8))]
    struct Slot<T>(MaybeUninit<T>);

    impl<T> Slot<T> {
        const WORDS: usize = size_of::<Slot<T>>() / size_of::<Word>();
    }

    pub(crate) struct Payload<T>(UnsafeCell<Slot<T>>);

    /// A copy that may be torn.
    pub(crate) struct Copied<T>(MaybeUninit<Slot<T>>);

    impl<T: Copy> Payload<T> {
        pub(crate) const MAY_RACE: bool = true;

        pub(crate) const fn new(value: T) -> Payload<T> {
            Payload(UnsafeCell::new(Slot(MaybeUninit::new(value))))
        }

        /// # Safety
        /// None here; see `excluded`.
        #[inline(always)]
        pub(crate) unsafe fn read(&self) -> Copied<T> {
            let mut copy = MaybeUninit::<Slot<T>>::uninit();
            let to = copy.as_mut_ptr().cast::<Word>();
            self.0.with(|from| {
                let from = from.cast::<Word>();
                for word in 0..Slot::<T>::WORDS {
                    // SAFETY: a slot has that many words, and is aligned to them.
                    let from = unsafe { from.add(word) };
                    // SAFETY: as above.
                    let to = unsafe { to.add(word) };
                    // SAFETY: inside the slot, which `self` keeps alive.
                    let value = unsafe { load(from) };
                    // SAFETY: inside the local copy.
                    unsafe { to.write(value) };
                }
            });
            Copied(copy)
        }

        /// # Safety
        /// No other call of `write` overlaps.
        #[inline(always)]
        pub(crate) unsafe fn write(&self, value: T) {
            let value = Slot(MaybeUninit::new(value));
            let from = (&raw const value).cast::<Word>();
            self.0.with_mut(|to| {
                let to = to.cast::<Word>();
                for word in 0..Slot::<T>::WORDS {
                    // SAFETY: a slot has that many words, and is aligned to them.
                    let from = unsafe { from.add(word) };
                    // SAFETY: as above.
                    let to = unsafe { to.add(word) };
                    // SAFETY: inside the local value; a `MaybeUninit` is always valid.
                    let value = unsafe { from.read() };
                    // SAFETY: inside the slot, whose cell may be written through `&self`.
                    unsafe { store(to, value) };
                }
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

    /// A relaxed atomic load of a word of which any byte may be uninitialized.
    ///
    /// # Safety
    /// `from` is valid for reads and aligned to 8 bytes.
    #[inline(always)]
    unsafe fn load(from: *const Word) -> Word {
        let word: Word;
        #[cfg(target_arch = "x86_64")]
        // SAFETY: an aligned load of 8 bytes, atomic on this processor; valid by the caller's
        // promise. The word is passed on as `MaybeUninit`, so that its bytes need no value.
        unsafe {
            asm!(
                "mov {word}, qword ptr [{from}]",
                word = out(reg) word,
                from = in(reg) from,
                options(nostack, preserves_flags),
            );
        }
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        unsafe {
            asm!(
                "ldr {word}, [{from}]",
                word = out(reg) word,
                from = in(reg) from,
                options(nostack, preserves_flags),
            );
        }
        word
    }

    /// A relaxed atomic store of a word of which any byte may be uninitialized.
    ///
    /// # Safety
    /// `to` is valid for writes and aligned to 8 bytes.
    #[inline(always)]
    unsafe fn store(to: *mut Word, word: Word) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: an aligned store of 8 bytes, atomic on this processor; valid by the caller's
        // promise.
        unsafe {
            asm!(
                "mov qword ptr [{to}], {word}",
                word = in(reg) word,
                to = in(reg) to,
                options(nostack, preserves_flags),
            );
        }
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        unsafe {
            asm!(
                "str {word}, [{to}]",
                word = in(reg) word,
                to = in(reg) to,
                options(nostack, preserves_flags),
            );
        }
    }
}

#[cfg(not(any(
    counterpoint_loom,
    counterpoint_shuttle,
    all(
        any(target_arch = "x86_64", target_arch = "aarch64"),
        target_pointer_width = "64",
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
