//! A large `Copy` value that is read far more often than written.
//!
//! # From
//! The sequence lock, with the orderings of H.-J. Boehm, "Can Seqlocks Get Along With Programming
//! Language Memory Models?" (MSPC 2012), figure 6. Different here: writers exclude each other by a
//! lock of their own, and a reader that keeps meeting writers waits for that lock in place of
//! trying for ever.
//!
//! # State
//! | `sequence` | meaning | who leaves it |
//! |---|---|---|
//! | even | the payload is whole; each write adds 2 | the holder of `lock`, to odd |
//! | odd | a write goes on | the same holder, to even |
//!
//! # Fields
//! `sequence` and `payload` are written by the holder of `lock` and read by every thread. How a
//! read of the payload can go on beside a write without a data race is told in `payload`.
//!
//! # Invariants
//! * I1: `sequence` is odd while the payload is written, and never the same even number twice (63
//!   bits do not wrap).
//! * I2: a copy of the payload is used only if `sequence` was the same even number before and
//!   after, or if the lock was held: then no write overlapped, and the copy is whole.
//! * I3: no code of the user's runs while the lock is held.
//!
//! # Edges
//! * E1: release of `sequence` in `write` → acquire in `try_load`: a reader that finds the end of
//!   a write reads its payload (and what the writer did before it), or a later one.
//! * E2: release fence in `write` → acquire fence in `try_load`: a reader that has read a single
//!   word of a write finds `sequence` at least odd.
//! * E3: of the lock, for writers and for readers that wait.
//!
//! # Waiting
//! On the lock alone.
//!
//! # Cancel
//! none.
//!
//! # Panic
//! A panic of the closure of `update` comes before anything is changed.
//!
//! # Rejected
//! See docs/design/003-seq-cell.md: volatile copies, words as integers, a marker trait for types
//! without padding, slots with reader counts, running the closure under the lock.
//!
//! # Checked by
//! dev/model tests/base.rs: `seq_cell_reads_are_whole` (E1, E2), `seq_cell_updates_are_not_lost`;
//! tests/seq_cell.rs.

mod payload;

use crate::prim::atomic::{AtomicU64, RELAXED, acquire, fence_acquire, fence_release, release};
use crate::prim::hint;
use crate::prim::lock::{RawGuard, RawLock};
use crate::tune::SEQ_TRIES;
use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};
use payload::Payload;

/// A value that one thread publishes now and then and many read, without writing to memory and
/// without stopping the writer.
///
/// A [`load`](SeqCell::load) that finds no write going on costs a copy of the value. A
/// [`store`](SeqCell::store) never waits for readers (only, for the length of a copy, for one that
/// met 32 writes in a row). What a thread did before a `store` is seen by those whose `load`
/// returns the value or a later one.
///
/// Not for values up to the size of a word or two, which an atomic holds better; nor for many
/// writers, who wait for each other; nor for values that are written as often as read.
///
/// Reads take no lock on x86-64 and aarch64. Elsewhere, and under Miri, readers exclude the writer
/// and each other for the length of a copy.
///
/// # Examples
/// ```
/// use counterpoint_base::SeqCell;
///
/// #[derive(Clone, Copy)]
/// struct Progress {
///     files: u64,
///     bytes: u64,
///     errors: u32,
/// }
///
/// static PROGRESS: SeqCell<Progress> =
///     SeqCell::new(Progress { files: 0, bytes: 0, errors: 0 });
///
/// PROGRESS.update(|now| Progress { files: now.files + 1, bytes: now.bytes + 512, ..now });
/// assert_eq!(PROGRESS.load().bytes, 512);
/// ```
pub struct SeqCell<T> {
    sequence: AtomicU64,
    lock: RawLock,
    payload: Payload<T>,
}

// SAFETY: values move between threads by copying; access to the payload follows I1 and I2.
unsafe impl<T: Copy + Send> Sync for SeqCell<T> {}
// SAFETY: as a value that is `Send`.
unsafe impl<T: Send> Send for SeqCell<T> {}

// A panic never leaves a value half written.
impl<T> UnwindSafe for SeqCell<T> {}
impl<T> RefUnwindSafe for SeqCell<T> {}

impl<T: Copy> SeqCell<T> {
    crate::const_fn! {
        /// A cell that holds `value`.
        ///
        /// ```
        /// use counterpoint_base::SeqCell;
        ///
        /// static ORIGIN: SeqCell<[f64; 3]> = SeqCell::new([0.0; 3]);
        /// assert_eq!(ORIGIN.load(), [0.0; 3]);
        /// ```
        pub const fn new(value: T) -> SeqCell<T> {
            SeqCell {
                sequence: AtomicU64::new(0),
                lock: RawLock::new(),
                payload: Payload::new(value),
            }
        }
    }

    /// A copy of the value.
    ///
    /// # Cost
    /// Two loads and a copy, if no write overlaps; some 2 to 5 ns for 64 bytes.
    #[inline]
    pub fn load(&self) -> T {
        self.load_version().1
    }

    /// Replaces the value.
    ///
    /// # Cost
    /// A lock that only other writers hold, and a copy: some 20 ns.
    pub fn store(&self, value: T) {
        let guard = self.lock.lock();
        self.write(&guard, value);
    }

    /// Replaces the value by what `f` makes of it, and returns the value before.
    ///
    /// `f` runs without a lock, so it may use this cell. If another thread writes meanwhile, `f`
    /// runs again with the new value.
    ///
    /// # Panics
    /// If `f` does; the value stays as it was.
    ///
    /// ```
    /// use counterpoint_base::SeqCell;
    ///
    /// let cell = SeqCell::new((1, 2.0));
    /// assert_eq!(cell.update(|(n, x)| (n + 1, x / 2.0)), (1, 2.0));
    /// assert_eq!(cell.load(), (2, 1.0));
    /// ```
    pub fn update(&self, mut f: impl FnMut(T) -> T) -> T {
        loop {
            let (version, before) = self.load_version();
            // I3: not under the lock.
            let after = f(before);
            let guard = self.lock.lock();
            // Relaxed: E3; only holders of the lock change it.
            if self.sequence.load(RELAXED) == version {
                self.write(&guard, after);
                return before;
            }
        }
    }

    #[inline]
    fn load_version(&self) -> (u64, T) {
        if Payload::<T>::MAY_RACE {
            for _ in 0..SEQ_TRIES {
                if let Some(found) = self.try_load() {
                    return found;
                }
                hint::spin_loop();
            }
        }
        self.load_locked()
    }

    /// A copy of the value and its version, unless a write overlaps.
    #[inline]
    fn try_load(&self) -> Option<(u64, T)> {
        // Acquire [E1]: pairs with the release at the end of `write`.
        let before = self.sequence.load(acquire("seq.begin"));
        if before % 2 != 0 {
            return None;
        }
        // SAFETY: called only if the payload may be read beside a write.
        let copy = unsafe { self.payload.read() };
        // Acquire [E2]: pairs with the release fence in `write`.
        fence_acquire("seq.check");
        // Relaxed: ordered by the fence.
        if self.sequence.load(RELAXED) != before {
            return None;
        }
        // SAFETY: no write overlapped the read (I2).
        Some((before, unsafe { copy.confirm() }))
    }

    #[cold]
    fn load_locked(&self) -> (u64, T) {
        let _guard = self.lock.lock();
        // Relaxed: E3.
        let version = self.sequence.load(RELAXED);
        // SAFETY: the lock keeps writers away.
        let copy = unsafe { self.payload.read() };
        // SAFETY: as above: no write overlapped the read (I2).
        (version, unsafe { copy.confirm() })
    }

    fn write(&self, _guard: &RawGuard<'_>, value: T) {
        // Relaxed: E3; only holders of the lock change it.
        let version = self.sequence.load(RELAXED);
        // Relaxed: ordered by the fence that follows.
        self.sequence.store(version + 1, RELAXED);
        // Release [E2]: whoever reads a word of the payload below and then fences sees the odd
        // number.
        fence_release("seq.open");
        // SAFETY: the lock keeps other writers away, and if readers must not overlap they hold it.
        unsafe { self.payload.write(value) };
        // Release [E1]: hands the payload to the acquire in `try_load`.
        self.sequence.store(version + 2, release("seq.close"));
    }
}

impl<T: Copy + Default> Default for SeqCell<T> {
    fn default() -> SeqCell<T> {
        SeqCell::new(T::default())
    }
}

impl<T: Copy> From<T> for SeqCell<T> {
    fn from(value: T) -> SeqCell<T> {
        SeqCell::new(value)
    }
}

impl<T: Copy + fmt::Debug> fmt::Debug for SeqCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SeqCell").field(&self.load()).finish()
    }
}
