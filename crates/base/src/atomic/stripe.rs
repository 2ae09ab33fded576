//! Sequence locks for the cells whose values no instruction takes whole: a number of them for all
//! cells of the process, chosen by the address of the cell.
//!
//! # From
//! Boehm's sequence lock, as in `SeqCell`, and crossbeam's striping of it. Differs: the value is
//! copied without a data race, and no code of the user's runs under the lock.
//!
//! # State
//! | `sequence` | meaning | who leaves it |
//! |---|---|---|
//! | even | the cells of the stripe are whole; each write adds 2 | whoever locks it, to odd |
//! | odd | a cell is being written, or read by one who met too many writers | who made it odd: two on if it wrote, else back |
//!
//! # Fields
//! The values of the cells of a stripe are written by who made its sequence odd, and copied by
//! anybody as told in `racy`.
//!
//! # Invariants
//! * I1: the sequence never has the same even number before and after a write (63 bits do not wrap).
//! * I2: a copy is used only if the sequence was the same even number before and after, or was made
//!   odd by this thread meanwhile: then no write overlapped.
//! * I3: no code of the user's runs while the sequence is odd.
//! * I4: an update writes if nobody wrote to the stripe since it copied the value, or if the cell has
//!   the same bytes still: another cell of the stripe was written then, perhaps by the update's own
//!   closure, which would else be called for ever.
//!
//! # Edges
//! * E1: release of the sequence at the end of a write → acquire at the beginning of a copy: the
//!   value, and what its writer did before. Model: `wide_values_are_whole`.
//! * E2: release fence at the beginning of a write → acquire fence at the end of a copy: who has
//!   read a byte of a write finds the sequence at least odd. Model: the same.
//! * E3: release of the sequence by who leaves it → acquire of who locks it: the value, and that a
//!   reader is done. Models: `wide_swaps_hand_values_over`, `wide_updates_are_not_lost`.
//!
//! # Waiting
//! Nobody sleeps: who meets a writer backs off, and yields after some rounds.
//!
//! # Cancel
//! none.
//!
//! # Panic
//! No foreign code runs here (I3).
//!
//! # Rejected
//! * A lock that parks: cells work without std, and the lock is held for a copy.
//! * An exchange that puts the odd number there whatever it was, as crossbeam's does: it need not look first. But a
//!   checker whose orders of stores are partial (loom's) then loses what ends a write.
//!
//! # Checked by
//! dev/model tests/atomic_cell.rs; tests/atomic_cell.rs; histories in dev/stress.

use crate::prim::atomic::{AtomicU64, RELAXED, acquire, fence_acquire, fence_release, release};
use crate::prim::hint;
use crate::tune::{CELL_STRIPES, SEQ_TRIES};
use crate::{Backoff, CachePadded};

pub(super) struct Stripe {
    sequence: AtomicU64,
}

/// A value that no instruction takes whole.
pub(super) trait Wide<T> {
    /// Whether it may be copied while another thread writes.
    const MAY_RACE: bool;

    /// A copy that may be torn.
    type Copied;

    /// # Safety
    /// It may race.
    unsafe fn copy(&self) -> Self::Copied;

    /// # Safety
    /// The stripe of the cell is locked by this thread.
    unsafe fn copy_locked(&self) -> Self::Copied;

    /// # Safety
    /// No write overlapped the copy; it is a `Copy` value, or stands there no more.
    unsafe fn confirm(&self, copied: Self::Copied) -> T;

    /// # Safety
    /// The stripe of the cell is locked by this thread.
    unsafe fn write(&self, value: T);

    /// Whether the cell has the very bytes of `before`; false if that cannot be told.
    ///
    /// # Safety
    /// The stripe of the cell is locked by this thread.
    unsafe fn still(&self, before: &T) -> bool {
        let _ = before;
        false
    }
}

/// The sequence is odd, and this thread's.
struct Locked<'s> {
    stripe: &'s Stripe,
    /// The number before.
    version: u64,
}

crate::static_! {
    static STRIPES: [CachePadded<Stripe>; CELL_STRIPES] = stripes();
}

#[cfg(not(counterpoint_loom))]
const fn stripes() -> [CachePadded<Stripe>; CELL_STRIPES] {
    [const { CachePadded::new(Stripe::new()) }; CELL_STRIPES]
}

#[cfg(counterpoint_loom)]
fn stripes() -> [CachePadded<Stripe>; CELL_STRIPES] {
    core::array::from_fn(|_| CachePadded::new(Stripe::new()))
}

/// The stripe of the cell at an address.
#[inline(always)]
pub(super) fn of(address: usize) -> &'static Stripe {
    // Neighbours go to different stripes; multiples of a large power of two as well.
    let spread = (address as u64 >> 3).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let index = ((spread >> 32) * CELL_STRIPES as u64) >> 32;
    &STRIPES[index as usize]
}

impl Stripe {
    crate::const_fn! {
        const fn new() -> Stripe {
            Stripe { sequence: AtomicU64::new(0) }
        }
    }

    /// Replaces a value that has no destructor.
    #[inline]
    pub(super) fn store<T>(&self, wide: &impl Wide<T>, value: T) {
        let locked = self.lock();
        // SAFETY: the stripe is locked.
        unsafe { wide.write(value) };
        locked.written();
    }

    /// Replaces the value, and returns the one before.
    #[inline]
    pub(super) fn swap<T>(&self, wide: &impl Wide<T>, value: T) -> T {
        let locked = self.lock();
        // SAFETY: the stripe is locked.
        let before = unsafe { wide.copy_locked() };
        // SAFETY: the stripe is locked.
        unsafe { wide.write(value) };
        locked.written();
        // SAFETY: no write overlapped the copy, and the value stands there no more.
        unsafe { wide.confirm(before) }
    }

    #[inline]
    pub(super) fn load<T: Copy>(&self, wide: &impl Wide<T>) -> T {
        self.load_version(wide).1
    }

    /// Replaces the value by what `f` makes of it, until nobody came in between.
    #[inline]
    pub(super) fn update<T: Copy>(
        &self,
        wide: &impl Wide<T>,
        mut f: impl FnMut(T) -> Option<T>,
    ) -> Result<T, T> {
        loop {
            let (version, before) = self.load_version(wide);
            // I3: not under the lock.
            let Some(after) = f(before) else {
                return Err(before);
            };
            let locked = self.lock(); // I4
            // SAFETY: the stripe is locked.
            if locked.version == version || unsafe { wide.still(&before) } {
                // SAFETY: as above.
                unsafe { wide.write(after) };
                locked.written();
                return Ok(before);
            }
            locked.left();
        }
    }

    /// A copy of the value, and the sequence at that time.
    #[inline]
    fn load_version<T: Copy, W: Wide<T>>(&self, wide: &W) -> (u64, T) {
        if W::MAY_RACE {
            for _ in 0..SEQ_TRIES {
                if let Some(found) = self.try_load(wide) {
                    return found;
                }
                hint::spin_loop();
            }
        }
        self.load_locked(wide)
    }

    #[inline(always)]
    fn try_load<T: Copy, W: Wide<T>>(&self, wide: &W) -> Option<(u64, T)> {
        // Acquire [E1]: pairs with the release in `written`.
        let version = self.sequence.load(acquire("atomic_cell.begin"));
        if version % 2 != 0 {
            return None;
        }
        // SAFETY: called only if it may be copied beside a write.
        let copied = unsafe { wide.copy() };
        // Acquire [E2]: pairs with the release fence in `lock`.
        fence_acquire("atomic_cell.check");
        // Relaxed: ordered by the fence.
        if self.sequence.load(RELAXED) != version {
            return None;
        }
        // SAFETY: no write overlapped the copy (I2), and the value is `Copy`.
        Some((version, unsafe { wide.confirm(copied) }))
    }

    #[cold]
    fn load_locked<T: Copy, W: Wide<T>>(&self, wide: &W) -> (u64, T) {
        let locked = self.lock();
        // SAFETY: the stripe is locked.
        let copied = unsafe { wide.copy_locked() };
        let version = locked.version;
        locked.left();
        // SAFETY: no write overlapped the copy (I2), and the value is `Copy`.
        (version, unsafe { wide.confirm(copied) })
    }

    #[inline(always)]
    fn lock(&self) -> Locked<'_> {
        let version = match self.try_lock() {
            Some(version) => version,
            None => self.lock_later(),
        };
        // Release [E2]: whoever reads a byte of the write that follows and then fences sees the odd
        // number.
        fence_release("atomic_cell.open");
        Locked {
            stripe: self,
            version,
        }
    }

    /// Locks it; the number before.
    #[inline(always)]
    fn try_lock(&self) -> Option<u64> {
        // Relaxed: a guess.
        let version = self.sequence.load(RELAXED);
        if version % 2 == 0 && self.take(version) {
            return Some(version);
        }
        None
    }

    #[cold]
    #[inline(never)]
    fn lock_later(&self) -> u64 {
        let backoff = Backoff::new();
        loop {
            backoff.snooze();
            if let Some(version) = self.try_lock() {
                return version;
            }
        }
    }

    #[inline(always)]
    fn take(&self, version: u64) -> bool {
        // Acquire [E3]: pairs with the release of who had it before. Relaxed: lost.
        let order = acquire("atomic_cell.lock");
        let taken = self
            .sequence
            .compare_exchange_weak(version, version + 1, order, RELAXED);
        taken.is_ok()
    }
}

impl Locked<'_> {
    /// Ends a write.
    #[inline(always)]
    fn written(self) {
        // Release [E1, E3]: hands the value to the acquires in `try_load` and `take`.
        self.stripe
            .sequence
            .store(self.version + 2, release("atomic_cell.close"));
    }

    /// Ends what was no write.
    fn left(self) {
        // Release [E3]: tells the acquire in `take` that the value was read.
        self.stripe
            .sequence
            .store(self.version, release("atomic_cell.left"));
    }
}
