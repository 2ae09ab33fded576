//! The lock inside our own structures: held for a few instructions, never while user code runs.
//!
//! # State
//! | word | meaning | who leaves it |
//! |---|---|---|
//! | 0 | free | a locker, to 1 |
//! | 1 | held, nobody asleep | the holder, to 0; a locker that goes to sleep, to 2 |
//! | 2 | held, somebody may be asleep | the holder, to 0, waking one |
//!
//! # Invariants
//! * I1: a thread sleeps only while the word is 2; whoever takes the word from 2 to 0 wakes one.
//! * I2: a thread that has slept takes the lock as 2, since others may still sleep.
//!
//! # Edges
//! * E1: release of the word in `unlock` → acquire in `lock`: what was done under the lock.
//!
//! # From
//! The three-state mutex of U. Drepper, "Futexes Are Tricky" (2011).
//!
//! # Checked by
//! dev/model tests/base.rs (`futex_lock_excludes`); elsewhere in models the checker's own mutex
//! takes its place, so that states of this protocol are not explored again by each of them.

use super::atomic::{RELAXED, acquire, release};
use super::futex::Futex;
use super::{hint, thread};
use crate::tune;

const FREE: u32 = 0;
const HELD: u32 = 1;
const CONTENDED: u32 = 2;

/// A word-sized lock without data.
#[derive(Debug)]
pub struct FutexLock {
    futex: Futex,
}

impl Default for FutexLock {
    fn default() -> FutexLock {
        FutexLock::new()
    }
}

impl FutexLock {
    crate::const_fn! {
        /// A free lock.
        #[inline]
        pub const fn new() -> FutexLock {
            FutexLock { futex: Futex::new(FREE) }
        }
    }

    /// Takes the lock, waiting for it if need be.
    #[inline]
    pub fn lock(&self) -> FutexGuard<'_> {
        // Acquire [E1]: pairs with the release in `unlock`. A failure publishes nothing.
        let word = self.futex.word();
        if word
            .compare_exchange(FREE, HELD, acquire("lock.fast"), RELAXED)
            .is_err()
        {
            self.lock_slow();
        }
        FutexGuard { lock: self }
    }

    #[cold]
    fn lock_slow(&self) {
        let word = self.futex.word();
        if thread::parallelism() > 1 {
            for _ in 0..tune::LOCK_SPINS {
                // Relaxed: a look that decides nothing.
                match word.load(RELAXED) {
                    FREE => {
                        // Acquire [E1]: as in the fast path.
                        let taken =
                            word.compare_exchange(FREE, HELD, acquire("lock.spin"), RELAXED);
                        if taken.is_ok() {
                            return;
                        }
                    }
                    CONTENDED => break,
                    _ => {}
                }
                hint::spin_loop();
            }
        }
        // Acquire [E1]; CONTENDED because others may sleep as well (I2).
        while word.swap(CONTENDED, acquire("lock.slow")) != FREE {
            self.futex.wait(CONTENDED, None);
        }
    }

    #[inline]
    fn unlock(&self) {
        // Release [E1]: hands what was done under the lock to the next holder.
        if self.futex.word().swap(FREE, release("lock.unlock")) == CONTENDED {
            self.futex.wake_one();
        }
    }
}

/// Holds a [`FutexLock`] until dropped.
#[derive(Debug)]
#[must_use]
pub struct FutexGuard<'a> {
    lock: &'a FutexLock,
}

impl Drop for FutexGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        self.lock.unlock();
    }
}

#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
pub use self::{FutexGuard as RawGuard, FutexLock as RawLock};

#[cfg(any(counterpoint_loom, counterpoint_shuttle))]
pub use checked::{RawGuard, RawLock};

/// A value behind a [`RawLock`], for rooms that forbid unsafe code.
#[derive(Debug)]
pub struct Guarded<T> {
    lock: RawLock,
    value: super::cell::UnsafeCell<T>,
}

// SAFETY: the value is reached with the lock held only.
unsafe impl<T: Send> Send for Guarded<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Guarded<T> {}

impl<T> Guarded<T> {
    crate::const_fn! {
        /// A free lock around `value`.
        pub const fn new(value: T) -> Guarded<T> {
            Guarded { lock: RawLock::new(), value: super::cell::UnsafeCell::new(value) }
        }
    }

    /// Runs `f` with the value, and the lock held: `f` runs no code of users'.
    pub fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let _guard = self.lock.lock();
        // SAFETY: the lock is held.
        self.value.with_mut(|value| f(unsafe { &mut *value }))
    }
}

#[cfg(any(counterpoint_loom, counterpoint_shuttle))]
mod checked {
    #[cfg(counterpoint_loom)]
    use loom::sync::{Mutex, MutexGuard};
    #[cfg(counterpoint_shuttle)]
    use shuttle::sync::{Mutex, MutexGuard};

    /// The checker's mutex in place of [`FutexLock`](super::FutexLock).
    #[derive(Debug)]
    pub struct RawLock(Mutex<()>);

    impl Default for RawLock {
        fn default() -> RawLock {
            RawLock::new()
        }
    }

    impl RawLock {
        crate::const_fn! {
            /// A free lock.
            pub const fn new() -> RawLock {
                RawLock(Mutex::new(()))
            }
        }

        /// Takes the lock, waiting for it if need be.
        pub fn lock(&self) -> RawGuard<'_> {
            RawGuard(self.0.lock().unwrap_or_else(|error| error.into_inner()))
        }
    }

    /// Holds a [`RawLock`] until dropped.
    #[derive(Debug)]
    #[must_use]
    pub struct RawGuard<'a>(#[expect(dead_code, reason = "held, not read")] MutexGuard<'a, ()>);
}
