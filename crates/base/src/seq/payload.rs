//! The value of a [`SeqCell`](super::SeqCell), which may be read while it is written.
//!
//! A read beside a write gives a torn copy, which is thrown away. In Rust the read itself must
//! not be a data race, and the bytes need not be initialized (padding), so no atomic type of the
//! language can carry them. Three ways out, one interface:
//!
//! * `words` (x86-64, aarch64): the copy goes through assembly, 16 bytes at a time and 8 at the
//!   end. For the language each step is one or two relaxed atomic accesses of a
//!   `MaybeUninit<u64>`, the operation that the hardware has and `core::sync::atomic` does not.
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
    use core::arch::asm;
    use core::mem::{MaybeUninit, size_of};

    #[cfg(target_arch = "aarch64")]
    use core::arch::aarch64::uint8x16_t as Vector;
    #[cfg(target_arch = "x86_64")]
    use core::arch::x86_64::__m128i as Vector;

    type Word = MaybeUninit<u64>;
    /// Two words. Narrower steps would cost more than they look: the wide loads with which the
    /// compiler then moves the copy would have to wait for several stores.
    type Pair = MaybeUninit<Vector>;

    /// A value filled up to whole words.
    #[repr(C, align(8))]
    struct Slot<T>(MaybeUninit<T>);

    impl<T> Slot<T> {
        const PAIRS: usize = size_of::<Slot<T>>() / size_of::<Pair>();
        const ODD_WORD: bool = size_of::<Slot<T>>() % size_of::<Pair>() != 0;
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
            let to = copy.as_mut_ptr();
            self.0.with(|from| {
                // SAFETY: `from` is the slot, which `self` keeps alive, and `to` a local one.
                unsafe { load(from, to) };
            });
            Copied(copy)
        }

        /// # Safety
        /// No other call of `write` overlaps.
        #[inline(always)]
        pub(crate) unsafe fn write(&self, value: T) {
            let value = Slot(MaybeUninit::new(value));
            self.0.with_mut(|to| {
                // SAFETY: `to` is the slot, which may be written through `&self` since it is in a
                // cell, and the value is a local one.
                unsafe { store(&raw const value, to) };
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

    /// Copies a slot that others may write meanwhile.
    ///
    /// # Safety
    /// `from` is valid for reads, and `to` for writes by this thread alone; both are aligned.
    #[inline(always)]
    unsafe fn load<T>(from: *const Slot<T>, to: *mut Slot<T>) {
        for pair in 0..Slot::<T>::PAIRS {
            // SAFETY: a slot has that many pairs.
            let from = unsafe { from.cast::<Pair>().add(pair) };
            // SAFETY: as above.
            let to = unsafe { to.cast::<Pair>().add(pair) };
            // SAFETY: inside the slot, valid by the caller's promise.
            let value = unsafe { load_pair(from) };
            // SAFETY: as above; a slot need not be aligned to a pair.
            unsafe { to.write_unaligned(value) };
        }
        if Slot::<T>::ODD_WORD {
            // SAFETY: after the pairs there is one more word.
            let from = unsafe { from.cast::<Word>().add(2 * Slot::<T>::PAIRS) };
            // SAFETY: as above.
            let to = unsafe { to.cast::<Word>().add(2 * Slot::<T>::PAIRS) };
            // SAFETY: inside the slot, valid by the caller's promise, and aligned to a word.
            let value = unsafe { load_word(from) };
            // SAFETY: as above.
            unsafe { to.write(value) };
        }
    }

    /// Writes a slot that others may read meanwhile.
    ///
    /// # Safety
    /// `from` is valid for reads, and nobody writes there; `to` is valid for writes, and nobody
    /// else writes there; both are aligned.
    #[inline(always)]
    unsafe fn store<T>(from: *const Slot<T>, to: *mut Slot<T>) {
        for pair in 0..Slot::<T>::PAIRS {
            // SAFETY: a slot has that many pairs.
            let from = unsafe { from.cast::<Pair>().add(pair) };
            // SAFETY: as above.
            let to = unsafe { to.cast::<Pair>().add(pair) };
            // SAFETY: inside the slot; a `MaybeUninit` is always valid, and need not be aligned
            // here.
            let value = unsafe { from.read_unaligned() };
            // SAFETY: inside the slot, valid by the caller's promise.
            unsafe { store_pair(to, value) };
        }
        if Slot::<T>::ODD_WORD {
            // SAFETY: after the pairs there is one more word.
            let from = unsafe { from.cast::<Word>().add(2 * Slot::<T>::PAIRS) };
            // SAFETY: as above.
            let to = unsafe { to.cast::<Word>().add(2 * Slot::<T>::PAIRS) };
            // SAFETY: inside the slot and aligned to a word; a `MaybeUninit` is always valid.
            let value = unsafe { from.read() };
            // SAFETY: inside the slot, valid by the caller's promise, and aligned to a word.
            unsafe { store_word(to, value) };
        }
    }

    macro_rules! access {
        (
            $(#[$meta:meta])*
            load $load:ident, store $store:ident: $type:ty, $class_x86:ident, $class_arm:ident;
            x86_64: $load_x86:literal, $store_x86:literal;
            aarch64: $load_arm:literal, $store_arm:literal;
        ) => {
            $(#[$meta])*
            ///
            /// # Safety
            /// `from` is valid for reads and aligned to 8 bytes.
            #[inline(always)]
            unsafe fn $load(from: *const $type) -> $type {
                let value: $type;
                #[cfg(target_arch = "x86_64")]
                // SAFETY: reads memory that is valid by the caller's promise, each aligned word
                // of it at once; the bytes need no value as `MaybeUninit`.
                unsafe {
                    asm!(
                        $load_x86,
                        value = out($class_x86) value,
                        from = in(reg) from,
                        options(nostack, preserves_flags),
                    );
                }
                #[cfg(target_arch = "aarch64")]
                // SAFETY: as above.
                unsafe {
                    asm!(
                        $load_arm,
                        value = out($class_arm) value,
                        from = in(reg) from,
                        options(nostack, preserves_flags),
                    );
                }
                value
            }

            $(#[$meta])*
            ///
            /// # Safety
            /// `to` is valid for writes and aligned to 8 bytes.
            #[inline(always)]
            unsafe fn $store(to: *mut $type, value: $type) {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: writes memory that is valid by the caller's promise, each aligned word
                // of it at once.
                unsafe {
                    asm!(
                        $store_x86,
                        value = in($class_x86) value,
                        to = in(reg) to,
                        options(nostack, preserves_flags),
                    );
                }
                #[cfg(target_arch = "aarch64")]
                // SAFETY: as above.
                unsafe {
                    asm!(
                        $store_arm,
                        value = in($class_arm) value,
                        to = in(reg) to,
                        options(nostack, preserves_flags),
                    );
                }
            }
        };
    }

    access! {
        /// A relaxed atomic access of a word of which any byte may be uninitialized.
        load load_word, store store_word: Word, reg, reg;
        x86_64: "mov {value}, qword ptr [{from}]", "mov qword ptr [{to}], {value}";
        aarch64: "ldr {value}, [{from}]", "str {value}, [{to}]";
    }

    access! {
        /// Two relaxed atomic accesses of neighbouring words, in no order.
        load load_pair, store store_pair: Pair, xmm_reg, vreg;
        x86_64: "movups {value}, xmmword ptr [{from}]", "movups xmmword ptr [{to}], {value}";
        aarch64: "ldr {value:q}, [{from}]", "str {value:q}, [{to}]";
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
