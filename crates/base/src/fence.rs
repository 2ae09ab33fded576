//! A pair of fences of which one side costs nothing: [`light`] on the path that runs often,
//! [`heavy`] on the one that runs rarely.
//!
//! As two sequentially consistent fences do, the pair forbids that both sides miss each other:
//! if one thread stores to `x`, calls `light` and loads `y`, and another stores to `y`, calls
//! `heavy` and loads `x`, at least one of them sees the other's store. Two `light` fences alone
//! order nothing.
//!
//! # From
//! The system call `membarrier(2)`, as folly's `AsymmetricThreadFence`, liburcu and seize use it.
//! Not `mprotect` for kernels without it, as folly does: on some processors that
//! reaches no other one.
//!
//! # State
//! The word `STRATEGY`:
//!
//! | word | meaning | `light` | `heavy` | who leaves it |
//! |---|---|---|---|---|
//! | 0 | not probed | probes, then as below | probes, then as below | a prober, to 1 or 2, once |
//! | 1 | membarrier works | compiler fence | system call | nobody |
//! | 2 | it does not | fence | fence | nobody |
//!
//! # Fields
//! `STRATEGY` is open to every thread.
//!
//! # Invariants
//! * I1: the word takes one value other than 0 and keeps it: it is left by a compare-exchange from
//!   0 alone.
//! * I2: nobody acts on 0, nor on the outcome of its own probe: a prober that lost takes the
//!   winner's. So by I1 no two threads ever act on different strategies, although the word is read
//!   relaxed and two probes may differ (one thread may be under a system-call filter).
//! * I3: the process was registered with the kernel before the word became 1, and stays so,
//!   through a fork as well; a kernel that says otherwise is registered with again.
//! * I4: with strategy 1 a `heavy` that the kernel refuses has no second way, since the light sides
//!   rely on it: the process aborts. That takes a system-call filter that was installed later and
//!   forbids what worked before.
//!
//! # Edges
//! E1: store before `light` → load after `heavy`, or store before `heavy` → load after `light`, at
//! least one of both. Under strategy 1 the kernel runs a full barrier on every processor that runs
//! a thread of this process while `heavy` is in the kernel; threads that do not run have passed one
//! as they were switched out. If that barrier falls before the light side's store, then its load
//! comes after the heavy side's store; if after, then its store comes before the heavy side's
//! load. The compiler fence keeps the light side's store and load in program order. Model:
//! `asymmetric_fences_forbid_store_buffering`.
//!
//! # Waiting, Cancel, Panic
//! none.
//!
//! # Rejected
//! * A probe at program start: needs a constructor section, and costs programs that never use it.
//! * A strategy for each side, chosen apart: see I2.
//!
//! # Checked by
//! dev/model tests/base.rs, where both are sequentially consistent fences (as under the cfgs
//! `counterpoint_no_membarrier` and `tsan`); tests/fence.rs on the hardware.

use crate::prim::atomic::fence_seq_cst;

/// How [`light`] and [`heavy`] do what they do on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Strategy {
    /// `light` restrains the compiler alone; `heavy` has the kernel run a barrier on each
    /// processor that runs a thread of this process.
    Membarrier,
    /// Both are sequentially consistent fences.
    SeqCst,
}

/// The cheap side: orders a store before it ahead of a load after it, as seen by a thread that
/// calls [`heavy`].
///
/// `site` names the place, as in [`fence_seq_cst`]. Not for two equal sides: against another
/// `light` this orders nothing. Use [`fence_seq_cst`] there.
///
/// # Cost
/// One relaxed load and a branch with [`Strategy::Membarrier`], a fence (some 5 to 20 ns)
/// otherwise. The first call of the program probes the kernel, some milliseconds if other threads
/// run.
///
/// # Examples
/// ```
/// use counterpoint_base::fence;
/// use counterpoint_base::prim::atomic::{AtomicU32, RELAXED};
///
/// static READING: AtomicU32 = AtomicU32::new(0);
/// static CLOSED: AtomicU32 = AtomicU32::new(0);
///
/// // Often: say that we read, then look whether that is still allowed.
/// READING.store(1, RELAXED);
/// fence::light("doc.read");
/// let may_read = CLOSED.load(RELAXED) == 0;
///
/// // Rarely, on another thread: close, then look whether somebody reads.
/// CLOSED.store(1, RELAXED);
/// fence::heavy("doc.close");
/// let readers = READING.load(RELAXED);
///
/// assert!(!may_read || readers == 1);
/// ```
#[inline(always)]
pub fn light(site: &'static str) {
    imp::light(site);
}

/// Does what [`light`] does if that takes no fence, and says whether it did; else nothing.
///
/// For paths so short that a call on them costs too much, also one that is never made: who gets
/// `false` calls `light` out of line.
///
/// ```
/// use counterpoint_base::fence;
///
/// if !fence::try_light() {
///     fence::light("doc.slow");
/// }
/// ```
#[inline(always)]
#[must_use]
pub fn try_light() -> bool {
    imp::try_light()
}

/// Restrains the compiler alone: what [`light`] does with [`Strategy::Membarrier`].
///
/// For a light side that may miss the other one where that is not the strategy.
///
/// ```
/// use counterpoint_base::fence;
///
/// fence::restrain();
/// ```
#[inline(always)]
pub fn restrain() {
    core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
}

/// The expensive side: a fence towards threads that call [`light`], and towards others that call
/// `heavy`.
///
/// `site` names the place, as in [`fence_seq_cst`]. Not for a path that runs often, and not in a
/// loop without pause: it disturbs every processor that runs a thread of this process.
///
/// # Cost
/// With [`Strategy::Membarrier`] a system call that interrupts those processors, some microseconds
/// and more with many of them.
///
/// # Aborts
/// If the kernel refuses what it accepted at the first call of the program, as after a later
/// system-call filter. A program that installs one should allow `membarrier`.
///
/// For an example see [`light`].
#[inline]
pub fn heavy(site: &'static str) {
    imp::heavy(site);
}

/// Whether the strategy is known only when the program runs. If not, it is [`Strategy::SeqCst`].
pub const PROBED: bool = imp::PROBED;

/// [`light`] for who has seen that [`strategy`] is [`Strategy::Membarrier`], or that it is not
/// [`PROBED`], and keeps that in a word that it reads anyway.
///
/// # Cost
/// None with [`Strategy::Membarrier`]: it restrains the compiler alone.
#[inline(always)]
pub fn light_known(site: &'static str) {
    imp::light_known(site);
}

/// The strategy of this machine, probed if need be. It never changes.
///
/// For reports and tests; also to probe at a quiet moment, before other threads run.
///
/// ```
/// use counterpoint_base::fence;
///
/// assert_eq!(fence::strategy(), fence::strategy());
/// ```
pub fn strategy() -> Strategy {
    imp::strategy()
}

#[cfg(not(all(
    feature = "std",
    target_os = "linux",
    not(any(
        counterpoint_loom,
        counterpoint_shuttle,
        counterpoint_no_membarrier,
        tsan,
        miri
    ))
)))]
mod imp {
    use super::{Strategy, fence_seq_cst};

    pub(super) const PROBED: bool = false;

    #[inline(always)]
    pub(super) fn light(site: &'static str) {
        fence_seq_cst(site);
    }

    #[inline(always)]
    pub(super) fn try_light() -> bool {
        false
    }

    #[inline(always)]
    pub(super) fn light_known(site: &'static str) {
        fence_seq_cst(site);
    }

    #[inline(always)]
    pub(super) fn heavy(site: &'static str) {
        fence_seq_cst(site);
    }

    pub(super) fn strategy() -> Strategy {
        Strategy::SeqCst
    }
}

#[cfg(all(
    feature = "std",
    target_os = "linux",
    not(any(
        counterpoint_loom,
        counterpoint_shuttle,
        counterpoint_no_membarrier,
        tsan,
        miri
    ))
))]
mod imp {
    use super::{Strategy, fence_seq_cst};
    use crate::prim::atomic::{AtomicU8, RELAXED};
    use core::sync::atomic::{Ordering, compiler_fence};

    const UNKNOWN: u8 = 0;
    const MEMBARRIER: u8 = 1;
    const SEQ_CST: u8 = 2;

    static STRATEGY: AtomicU8 = AtomicU8::new(UNKNOWN);

    pub(super) const PROBED: bool = true;

    #[inline(always)]
    pub(super) fn light_known(_site: &'static str) {
        // Orders the compiler; the heavy side orders this processor.
        compiler_fence(Ordering::SeqCst);
    }

    #[inline(always)]
    pub(super) fn light(site: &'static str) {
        // Relaxed: the word publishes nothing; which value it has is settled by I1.
        match STRATEGY.load(RELAXED) {
            // As in `light_known`.
            MEMBARRIER => compiler_fence(Ordering::SeqCst),
            _ => light_slow(site),
        }
    }

    #[inline(always)]
    pub(super) fn try_light() -> bool {
        // Relaxed: as in `light`.
        let free = STRATEGY.load(RELAXED) == MEMBARRIER;
        if free {
            compiler_fence(Ordering::SeqCst);
        }
        free
    }

    /// The fence, or the probe. Out of line, so that no fence stands on a caller's fast path.
    #[cold]
    #[inline(never)]
    fn light_slow(site: &'static str) {
        match strategy() {
            // As in `light_known`.
            Strategy::Membarrier => compiler_fence(Ordering::SeqCst),
            Strategy::SeqCst => fence_seq_cst(site),
        }
    }

    pub(super) fn heavy(site: &'static str) {
        match strategy() {
            Strategy::Membarrier => {
                // Orders the compiler; the kernel orders this processor and all others.
                compiler_fence(Ordering::SeqCst);
                barrier();
                compiler_fence(Ordering::SeqCst);
            }
            Strategy::SeqCst => fence_seq_cst(site),
        }
    }

    #[inline]
    pub(super) fn strategy() -> Strategy {
        // Relaxed: as in `light`.
        match STRATEGY.load(RELAXED) {
            MEMBARRIER => Strategy::Membarrier,
            SEQ_CST => Strategy::SeqCst,
            _ => decide(),
        }
    }

    #[cold]
    fn decide() -> Strategy {
        let found = if works() { MEMBARRIER } else { SEQ_CST };
        // Relaxed: as in `light`. The loser takes the winner's value (I2).
        let settled = match STRATEGY.compare_exchange(UNKNOWN, found, RELAXED, RELAXED) {
            Ok(_) => found,
            Err(earlier) => earlier,
        };
        if settled == MEMBARRIER {
            Strategy::Membarrier
        } else {
            Strategy::SeqCst
        }
    }

    // linux/membarrier.h
    const QUERY: i32 = 0;
    const PRIVATE_EXPEDITED: i32 = 1 << 3;
    const REGISTER_PRIVATE_EXPEDITED: i32 = 1 << 4;

    fn works() -> bool {
        const NEEDED: i64 = (PRIVATE_EXPEDITED | REGISTER_PRIVATE_EXPEDITED) as i64;
        let supported = call(QUERY);
        supported >= 0
            && supported & NEEDED == NEEDED
            && call(REGISTER_PRIVATE_EXPEDITED) == 0
            && call(PRIVATE_EXPEDITED) == 0
    }

    fn barrier() {
        if call(PRIVATE_EXPEDITED) != 0 {
            refused();
        }
    }

    #[cold]
    fn refused() {
        // I3: registering twice is harmless.
        if call(REGISTER_PRIVATE_EXPEDITED) == 0 && call(PRIVATE_EXPEDITED) == 0 {
            return;
        }
        // I4.
        eprintln!("counterpoint: the kernel now refuses membarrier, which it accepted before");
        std::process::abort();
    }

    fn call(command: i32) -> i64 {
        // SAFETY: membarrier takes a command and flags and touches no memory of the caller.
        let result = unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) };
        #[allow(clippy::useless_conversion, reason = "c_long has 32 bits elsewhere")]
        i64::from(result)
    }
}
