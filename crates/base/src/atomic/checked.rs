//! Where the value of a cell stands under a checker: values are kept aside under numbers, and only
//! the number goes through the checker's atomics.
//!
//! A value that one instruction takes is one word, with the orderings of that instruction. Another
//! one is two words under the stripe's lock: a reader that confirms two different numbers has read
//! a torn value and fails the model.

use super::AtomicCell;
use super::stripe::{self, Stripe, Wide};
use crate::prim::atomic::{AtomicUsize, RELAXED, acq_rel, acquire, release};
use crate::prim::cell::UnsafeCell;
use core::mem::{ManuallyDrop, MaybeUninit, align_of, size_of};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(super) struct Place<T> {
    /// The value of number 0.
    first: MaybeUninit<T>,
    /// Every value written, from number 1 on; no part of the model.
    values: Mutex<Vec<MaybeUninit<T>>>,
    words: [AtomicUsize; 2],
    /// Written by who writes, and read by who copies, under the lock of the stripe.
    alone: UnsafeCell<()>,
}

/// The value of a cell that is not used any more.
pub(super) fn out<T>(cell: AtomicCell<T>) -> T {
    let cell = ManuallyDrop::new(cell);
    // SAFETY: the newest value, which is not used again.
    unsafe { cell.place().newest() }
}

const fn fits<T>(bytes: usize) -> bool {
    size_of::<T>() == bytes && align_of::<T>() >= bytes
}

impl<T> Place<T> {
    pub(super) const LOCK_FREE: bool =
        size_of::<T>() == 0 || fits::<T>(1) || fits::<T>(2) || fits::<T>(4) || fits::<T>(8);

    crate::const_fn! {
        pub(super) const fn new(value: T) -> Place<T> {
            Place {
                first: MaybeUninit::new(value),
                values: Mutex::new(Vec::new()),
                words: [AtomicUsize::new(0), AtomicUsize::new(0)],
                alone: UnsafeCell::new(()),
            }
        }
    }

    fn values(&self) -> MutexGuard<'_, Vec<MaybeUninit<T>>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of a new value.
    fn number(&self, value: T) -> usize {
        let mut values = self.values();
        values.push(MaybeUninit::new(value));
        values.len()
    }

    /// # Safety
    /// The value is `Copy`, or this number is asked for once.
    unsafe fn value(&self, number: usize) -> T {
        let values = self.values();
        let value = match number.checked_sub(1) {
            None => &self.first,
            Some(at) => &values[at],
        };
        // SAFETY: by the caller's promise; each number has an initialized value.
        unsafe { value.assume_init_read() }
    }

    /// # Safety
    /// As for `value`, and nobody else uses the cell.
    unsafe fn newest(&self) -> T {
        // Relaxed: nobody else uses the cell.
        let number = self.words[0].load(RELAXED);
        // SAFETY: by the caller's promise.
        unsafe { self.value(number) }
    }

    /// Drops the value.
    pub(super) fn clear(&mut self) {
        // SAFETY: not used again.
        drop(unsafe { self.newest() });
    }

    fn stripe(&self) -> &'static Stripe {
        stripe::of(0)
    }

    /// Replaces the value, which has no destructor.
    pub(super) fn store(&self, value: T) {
        if Self::LOCK_FREE {
            let number = self.number(value);
            // Release: the order of the instruction; what came before is seen by who loads it.
            self.words[0].store(number, release("atomic_cell.store"));
        } else {
            self.stripe().store(self, value);
        }
    }

    /// Replaces the value, and returns the one before.
    pub(super) fn swap(&self, value: T) -> T {
        if !Self::LOCK_FREE {
            return self.stripe().swap(self, value);
        }
        let number = self.number(value);
        // Acquire and release: the order of the instruction.
        let before = self.words[0].swap(number, acq_rel("atomic_cell.swap"));
        // SAFETY: each number leaves the words once.
        unsafe { self.value(before) }
    }
}

impl<T> Wide<T> for Place<T> {
    const MAY_RACE: bool = true;

    type Copied = [usize; 2];

    unsafe fn copy(&self) -> [usize; 2] {
        // Relaxed: the sequence orders the value.
        [0, 1].map(|at: usize| self.words[at].load(RELAXED))
    }

    unsafe fn copy_locked(&self) -> [usize; 2] {
        self.alone.with(|_| ());
        // SAFETY: a number, which may be read at any time.
        unsafe { self.copy() }
    }

    unsafe fn confirm(&self, copied: [usize; 2]) -> T {
        assert_eq!(
            copied[0], copied[1],
            "a torn value was taken for a whole one"
        );
        // SAFETY: by the caller's promise.
        unsafe { self.value(copied[0]) }
    }

    unsafe fn write(&self, value: T) {
        self.alone.with_mut(|_| ());
        let number = self.number(value);
        // Relaxed: the sequence orders the value.
        self.words[0].store(number, RELAXED);
        self.words[1].store(number, RELAXED);
    }
}

impl<T: Copy> Place<T> {
    pub(super) fn load(&self) -> T {
        if Self::LOCK_FREE {
            // Acquire: the order of the instruction.
            let number = self.words[0].load(acquire("atomic_cell.load"));
            // SAFETY: `Copy`.
            return unsafe { self.value(number) };
        }
        self.stripe().load(self)
    }

    /// Replaces the value by what `f` makes of it, until nobody came in between.
    pub(super) fn update(&self, mut f: impl FnMut(T) -> Option<T>) -> Result<T, T> {
        if Self::LOCK_FREE {
            // Acquire: the order of the instruction.
            let mut found = self.words[0].load(acquire("atomic_cell.update"));
            loop {
                // SAFETY: `Copy`.
                let before = unsafe { self.value(found) };
                let Some(after) = f(before) else {
                    return Err(before);
                };
                let number = self.number(after);
                // Acquire and release, and acquire: the order of the instruction.
                match self.words[0].compare_exchange(
                    found,
                    number,
                    acq_rel("atomic_cell.updated"),
                    acquire("atomic_cell.overtaken"),
                ) {
                    Ok(_) => return Ok(before),
                    Err(now) => found = now,
                }
            }
        }
        self.stripe().update(self, f)
    }
}
