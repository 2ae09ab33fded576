//! The protocol of `Latch`: one word, the queue of those who wait, and their verb.
//!
//! # From
//! java.util.concurrent's `CountDownLatch` and C++'s `std::latch`.
//!
//! # State
//! | bits | meaning | who leaves it |
//! |---|---|---|
//! | `WAITERS` | the queue is not empty, or was not | whoever holds the queue lock and finds it empty |
//! | the others | what is left to be counted down | `count_down`, down to none |
//!
//! # Fields
//! `arrives` of the verb belongs to its operation.
//!
//! # Invariants
//! * I1: with nothing left it stays so.
//! * I2: `WAITERS` is set, under the queue lock and in one exchange with the proof that something is
//!   left, before a waiter is linked.
//!
//! # Edges
//! * E1: release in each `count_down` → acquire in `is_open`, and in the `count_down` that opens it,
//!   which hands it to those that waited by E1 of `queue.rs`: what was done before. Every change of
//!   the word is a read-modify-write, so it is handed on. Model: `count_carries_data`.
//!
//! # Waiting
//! All of it is in one word, changed by read-modify-writes: a count before the exchange of I2 is found
//! by it, the one that opens after it finds `WAITERS` and takes the lock.
//!
//! # Cancel
//! A waiter that leaves clears `WAITERS` if it was the last. A grant that is not used is not passed
//! on: everybody got one.
//!
//! # Panic
//! No foreign code runs here but wakers, after the lock was released; it is open by then.
//!
//! # Rejected
//! Panicking at a count below none: who is late need not know.
//!
//! # Checked by
//! dev/model tests/latch.rs; crates/sync tests/latch.rs.

use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::{AtomicUsize, RELAXED, acq_rel, acquire};
use counterpoint_wait::Stop;
use counterpoint_wait::op::{LockedQueue, Op, Turn, Verb};
use counterpoint_wait::queue::{End, Grant, Locked, Pick, WaitQueue};
use counterpoint_wait::waker::{WakeBatch, wake_in_batches};

use super::Latch;
use crate::telemetry::{Facts, Telemetry, at_one_instant};

const WAITERS: usize = 1;
/// By how much the count stands above the flag.
const SHIFT: u32 = 1;

/// The queue of a latch, locked.
type LockedLatch<'q> = Locked<'q, AtomicUsize, ()>;

/// The word and the queue of a latch.
pub(crate) struct RawLatch {
    queue: WaitQueue<AtomicUsize>,
}

impl RawLatch {
    const_fn! {
        #[cfg_attr(feature = "hooks", track_caller)]
        pub(super) const fn new(count: usize) -> RawLatch {
            assert!(count <= usize::MAX >> SHIFT, "counterpoint: a latch of too many");
            RawLatch { queue: WaitQueue::new(AtomicUsize::new(count << SHIFT)) }
        }
    }

    #[inline(always)]
    pub(super) const fn queue(&self) -> &WaitQueue<AtomicUsize> {
        &self.queue
    }

    #[inline(always)]
    fn word(&self) -> &AtomicUsize {
        self.queue.state()
    }

    /// What state it is in.
    pub(super) fn telemetry(&self) -> Telemetry {
        at_one_instant("Latch", &self.queue, |_| Facts {
            closed: self.count() == 0,
            ..Facts::default()
        })
    }

    pub(super) fn count(&self) -> usize {
        // Relaxed: a look that decides nothing.
        self.word().load(RELAXED) >> SHIFT
    }

    #[inline]
    pub(super) fn is_open(&self) -> bool {
        // Acquire [E1]: pairs with the release in `count_down`.
        self.word().load(acquire("latch.look")) >> SHIFT == 0
    }

    /// Counts down; true if that opened it.
    pub(super) fn count_down(&self, n: usize) -> bool {
        // Relaxed: a look; the exchange decides.
        let mut word = self.word().load(RELAXED);
        loop {
            let count = word >> SHIFT;
            if count == 0 || n == 0 {
                return false; // I1
            }
            let left = count.saturating_sub(n);
            let new = (left << SHIFT) | word & WAITERS;
            // Release and acquire [E1].
            match self
                .word()
                .compare_exchange_weak(word, new, acq_rel("latch.count"), RELAXED)
            {
                Ok(_) => {
                    if left == 0 && word & WAITERS != 0 {
                        self.let_through();
                    }
                    return left == 0;
                }
                Err(found) => word = found,
            }
        }
    }

    #[cold]
    fn let_through(&self) {
        wake_in_batches(|wakes| {
            let mut queue = self.queue.lock();
            let all = |(): &mut (), _| Pick::Take;
            while !wakes.is_full() && queue.grant(End::First, Grant::Result, wakes, all, |()| ()) {}
            self.write_flags(&queue);
            wakes.is_full()
        });
    }

    /// Clears `WAITERS` if nobody waits.
    fn write_flags(&self, queue: &LockedLatch<'_>) {
        if queue.is_empty() {
            // Relaxed: nobody is in the queue, whose lock is held.
            self.word().fetch_and(!WAITERS, RELAXED);
        }
    }

    /// Marks that somebody waits (I2). Returns false if it is open.
    fn mark(&self) -> bool {
        // Relaxed: a look; the exchange decides. It publishes nothing: the lock orders the queue.
        let mut word = self.word().load(RELAXED);
        while word >> SHIFT != 0 {
            match self
                .word()
                .compare_exchange_weak(word, word | WAITERS, RELAXED, RELAXED)
            {
                Ok(_) => return true,
                Err(found) => word = found,
            }
        }
        false
    }
}

/// Waits until a [`Latch`] is open; see [`Latch::wait_async`].
pub type LatchWait<'a> = Op<LatchVerb<'a>>;

/// The verb of [`LatchWait`].
pub struct LatchVerb<'a> {
    latch: &'a Latch,
    /// It counts down at its first attempt.
    arrives: bool,
}

impl fmt::Debug for LatchVerb<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LatchVerb").finish_non_exhaustive()
    }
}

#[inline]
#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn wait(latch: &Latch, arrives: bool) -> LatchWait<'_> {
    Op::new(LatchVerb { latch, arrives }, ())
}

// SAFETY: one queue, that of the latch it borrows; no method moves the verb.
unsafe impl Verb for LatchVerb<'_> {
    type State = AtomicUsize;
    type Payload = ();
    type Output = ();
    type Stoppable = Result<(), Stop>;

    const NAME: &'static str = "Latch::wait";

    #[inline]
    fn queue(&self) -> &WaitQueue<AtomicUsize> {
        self.latch.raw.queue()
    }

    #[inline]
    fn attempt(&mut self, (): &mut (), _turn: Turn) -> Option<()> {
        if core::mem::take(&mut self.arrives) {
            self.latch.raw.count_down(1);
        }
        self.latch.raw.is_open().then_some(())
    }

    fn prepare(&mut self, (): &mut (), _: Turn, _: &mut LockedQueue<'_, Self>) -> bool {
        !self.latch.raw.mark()
    }

    fn collect(&mut self, (): &mut ()) {}

    fn unclaimed(&mut self, (): &mut (), _queue: &mut LockedQueue<'_, Self>) {}

    fn settle(&mut self, queue: &mut LockedQueue<'_, Self>, _wakes: &mut WakeBatch) -> bool {
        self.latch.raw.write_flags(queue);
        false
    }

    fn finish((): ()) -> Result<(), Stop> {
        Ok(())
    }

    fn stopped(&mut self, (): &mut (), why: Stop) -> Result<(), Stop> {
        Err(why)
    }
}
