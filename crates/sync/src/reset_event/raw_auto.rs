//! The protocol of `AutoResetEvent`: one word, the queue of those who wait, and their verb.
//!
//! # From
//! The auto-reset event of Windows, and the stored permit of our `Notify`.
//!
//! # State
//! | bit | meaning | who leaves it |
//! |---|---|---|
//! | `SET` | the next one is let through at once | that one; `reset` |
//! | `WAITERS` | the queue is not empty, or was not | whoever holds the queue lock and finds it empty |
//!
//! # Fields
//! A waiter's `Pass`: as payloads in `queue.rs` of the wait room; written by the granter.
//!
//! # Invariants
//! * I1: `SET` is set only where nobody waits: by an exchange that found `WAITERS` clear, or under
//!   the queue lock with the queue empty.
//! * I2: `WAITERS` is set, under the queue lock and in one exchange with the proof that `SET` is
//!   clear, before a waiter is linked.
//! * I3: each `set` lets one through, or leaves `SET`; who was let through and is dropped passes that
//!   on to the first that waits, or leaves `SET`.
//!
//! # Edges
//! * E1: release where `SET` is set (even if it was set already) → acquire where it is taken or
//!   reset: what was done before. Model: `auto_set_carries_data`.
//! * Those that waited: E1 of `queue.rs` in the wait room.
//!
//! # Waiting
//! All of it is in one word, changed by read-modify-writes: a `set` before the exchange of I2 is
//! found by it, one after it finds `WAITERS` and takes the lock.
//!
//! # Cancel
//! See I3. A waiter that leaves clears `WAITERS` if it was the last.
//!
//! # Panic
//! No foreign code runs here but wakers, after the lock was released.
//!
//! # Rejected
//! * Resting on `Notify`: its word has rounds, and nothing that takes a stored permit back.
//!
//! # Checked by
//! dev/model tests/reset_event.rs; crates/sync tests/reset_event.rs.

use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::{AtomicU32, RELAXED, acquire, release};
use counterpoint_wait::Stop;
use counterpoint_wait::op::{LockedQueue, Op, Turn, Verb};
use counterpoint_wait::queue::{End, Grant, Locked, Pick, WaitQueue};
use counterpoint_wait::waker::WakeBatch;

use super::AutoResetEvent;
use crate::telemetry::{Facts, Telemetry, at_one_instant};

const SET: u32 = 0b01;
const WAITERS: u32 = 0b10;

/// What a waiter carries: whether it was let through.
#[derive(Debug)]
pub struct Pass(bool);

/// The queue of an event, locked.
type LockedEvent<'q> = Locked<'q, AtomicU32, Pass>;

/// The word and the queue of an event.
pub(super) struct RawAuto {
    queue: WaitQueue<AtomicU32, Pass>,
}

impl RawAuto {
    const_fn! {
        #[cfg_attr(feature = "hooks", track_caller)]
        pub(super) const fn new(set: bool) -> RawAuto {
            RawAuto { queue: WaitQueue::new(AtomicU32::new(if set { SET } else { 0 })) }
        }
    }

    #[inline(always)]
    pub(super) const fn queue(&self) -> &WaitQueue<AtomicU32, Pass> {
        &self.queue
    }

    #[inline(always)]
    fn word(&self) -> &AtomicU32 {
        self.queue.state()
    }

    /// What state it is in.
    pub(super) fn telemetry(&self) -> Telemetry {
        at_one_instant("AutoResetEvent", &self.queue, |_| {
            // Relaxed: a look.
            let set = self.word().load(RELAXED) & SET != 0;
            Facts {
                free: Some(isize::from(set)),
                ..Facts::default()
            }
        })
    }

    pub(super) fn is_set(&self) -> bool {
        // Relaxed: a look that decides nothing.
        self.word().load(RELAXED) & SET != 0
    }

    /// Takes what is set.
    #[inline]
    pub(super) fn try_take(&self) -> bool {
        // Relaxed: a look; the exchange decides.
        if self.word().load(RELAXED) & SET == 0 {
            return false;
        }
        // Acquire [E1]: pairs with the release where it was set.
        self.word().fetch_and(!SET, acquire("auto_reset.take")) & SET != 0
    }

    /// Lets one through, or leaves `SET` (I3). Returns whether it let one through.
    #[inline]
    pub(super) fn set(&self) -> bool {
        // Relaxed: a look; the exchange decides.
        let mut word = self.word().load(RELAXED);
        while word & WAITERS == 0 {
            // Release [E1], even if it is set already.
            match self.word().compare_exchange_weak(
                word,
                word | SET,
                release("auto_reset.set"),
                RELAXED,
            ) {
                Ok(_) => return false,
                Err(found) => word = found,
            }
        }
        self.set_slow()
    }

    #[cold]
    fn set_slow(&self) -> bool {
        let mut wakes = WakeBatch::new();
        let mut queue = self.queue.lock();
        let passed = self.pass(&mut queue, &mut wakes);
        drop(queue);
        wakes.wake();
        passed
    }

    /// Lets the first one through, or leaves `SET` (I3).
    fn pass(&self, queue: &mut LockedEvent<'_>, wakes: &mut WakeBatch) -> bool {
        let take = |pass: &mut Pass, _| {
            pass.0 = true;
            Pick::Take
        };
        let passed = queue.grant(End::First, Grant::Result, wakes, take, |pass| {
            pass.0 = false
        });
        if !passed {
            // Release [E1]: what the setter did. The queue is empty, and its lock is held (I1).
            self.word().fetch_or(SET, release("auto_reset.set_locked"));
        }
        self.write_flags(queue);
        passed
    }

    /// Clears `WAITERS` if nobody waits.
    fn write_flags(&self, queue: &LockedEvent<'_>) {
        if queue.is_empty() {
            // Relaxed: nobody is in the queue, whose lock is held.
            self.word().fetch_and(!WAITERS, RELAXED);
        }
    }

    /// Marks that somebody waits (I2). Returns false if it is set.
    fn mark(&self) -> bool {
        // Relaxed: a look; the exchange decides. It publishes nothing: the lock orders the queue.
        let mut word = self.word().load(RELAXED);
        while word & SET == 0 {
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

/// Waits until an [`AutoResetEvent`] lets it through; see [`AutoResetEvent::wait_async`].
pub type AutoResetWait<'a> = Op<AutoResetVerb<'a>>;

/// The verb of [`AutoResetWait`].
pub struct AutoResetVerb<'a> {
    event: &'a AutoResetEvent,
    /// It was let through and did not take it.
    passes: bool,
}

impl fmt::Debug for AutoResetVerb<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AutoResetVerb").finish_non_exhaustive()
    }
}

#[inline]
#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn wait(event: &AutoResetEvent) -> AutoResetWait<'_> {
    let passes = false;
    Op::new(AutoResetVerb { event, passes }, Pass(false))
}

// SAFETY: one queue, that of the event it borrows; no method moves the verb.
unsafe impl Verb for AutoResetVerb<'_> {
    type State = AtomicU32;
    type Payload = Pass;
    type Output = ();
    type Stoppable = Result<(), Stop>;

    const NAME: &'static str = "AutoResetEvent::wait";

    #[inline]
    fn queue(&self) -> &WaitQueue<AtomicU32, Pass> {
        self.event.raw.queue()
    }

    #[inline]
    fn attempt(&mut self, _pass: &mut Pass, _turn: Turn) -> Option<()> {
        self.event.raw.try_take().then_some(())
    }

    fn prepare(&mut self, _: &mut Pass, _: Turn, _: &mut LockedQueue<'_, Self>) -> bool {
        !self.event.raw.mark()
    }

    fn collect(&mut self, _pass: &mut Pass) {}

    fn unclaimed(&mut self, pass: &mut Pass, _queue: &mut LockedQueue<'_, Self>) {
        self.passes = core::mem::take(&mut pass.0);
    }

    fn settle(&mut self, queue: &mut LockedQueue<'_, Self>, wakes: &mut WakeBatch) -> bool {
        let raw = &self.event.raw;
        if core::mem::take(&mut self.passes) {
            raw.pass(queue, wakes);
        } else {
            raw.write_flags(queue);
        }
        false
    }

    fn finish((): ()) -> Result<(), Stop> {
        Ok(())
    }

    fn stopped(&mut self, _pass: &mut Pass, why: Stop) -> Result<(), Stop> {
        Err(why)
    }
}
