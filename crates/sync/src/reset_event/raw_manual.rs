//! The protocol of `ManualResetEvent`: one word, the queue of those who wait, and their verb.
//!
//! # From
//! The manual-reset event of Windows; the rounds of our `Notify`, so that who waited as it was set
//! is let through although it is reset at once.
//!
//! # State
//! | bit | meaning | who leaves it |
//! |---|---|---|
//! | `SET` | open | `reset` |
//! | `WAITERS` | the queue is not empty, or was not | whoever holds the queue lock and finds it empty |
//! | the others | the round: how often it was set | the next `set` that finds it reset |
//!
//! # Fields
//! A waiter's `Round`: as payloads in `queue.rs` of the wait room; written once, by the owner as it
//! is about to queue for the first time.
//!
//! # Invariants
//! * I1: `WAITERS` is set, under the queue lock and in one exchange with the proof that the event is
//!   reset and that the round is the waiter's, before the waiter is linked. A waiter's round is the
//!   one that it finds as it is about to queue for the first time; one that finds another one later,
//!   or whose exchange does, goes through.
//! * I2: `set` lets through exactly those of earlier rounds: those in the queue by a grant, in as
//!   many batches as it takes; the others (an arm of a select is out of the queue while other arms
//!   are polled) find another round in the word.
//!
//! # Edges
//! * E1: release in `set` (even if it was set already) → acquire in `look`, or in `reset`: what
//!   was done before. Every change of the word is a read-modify-write, so it is handed on. Models:
//!   `set_carries_data`, `reset_sees_what_was_set`, `short_set_reaches_an_arm`.
//! * Those that waited: E1 of `queue.rs` in the wait room.
//!
//! # Waiting
//! All of it is in one word, changed by read-modify-writes: a `set` before the exchange of I1 is
//! found by it, one after it finds `WAITERS` and takes the lock.
//!
//! # Cancel
//! A waiter that leaves clears `WAITERS` if it was the last. A grant that is not used is not passed
//! on: everybody got one.
//!
//! # Panic
//! No foreign code runs here but wakers, after the lock was released.
//!
//! # Rejected
//! * Waiters that look again when they are woken: one that comes too late for a short `set` would
//!   sleep on.
//!
//! # Checked by
//! dev/model tests/reset_event.rs; crates/sync tests/reset_event.rs.

use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::{AtomicU32, RELAXED, acquire, release};
use counterpoint_wait::Stop;
use counterpoint_wait::op::{LockedQueue, Op, Turn, Verb};
use counterpoint_wait::queue::{End, Grant, Locked, Pick, WaitQueue};
use counterpoint_wait::waker::{WakeBatch, wake_in_batches};

use super::ManualResetEvent;
use crate::telemetry::{Facts, Telemetry, at_one_instant};

const SET: u32 = 0b01;
const WAITERS: u32 = 0b10;
const ROUND: u32 = 0b100;
const ROUNDS: u32 = !(ROUND - 1);

/// What a waiter carries: its round, once it was about to queue.
#[derive(Debug)]
pub struct Round(Option<u32>);

impl Round {
    /// Whether it was set since.
    fn is_past(&self, word: u32) -> bool {
        self.0.is_some_and(|mine| mine != word & ROUNDS)
    }
}

/// The queue of an event, locked.
type LockedEvent<'q> = Locked<'q, AtomicU32, Round>;

/// The word and the queue of an event.
pub(super) struct RawManual {
    queue: WaitQueue<AtomicU32, Round>,
}

impl RawManual {
    const_fn! {
        #[cfg_attr(feature = "hooks", track_caller)]
        pub(super) const fn new(set: bool) -> RawManual {
            RawManual { queue: WaitQueue::new(AtomicU32::new(if set { SET } else { 0 })) }
        }
    }

    #[inline(always)]
    pub(super) const fn queue(&self) -> &WaitQueue<AtomicU32, Round> {
        &self.queue
    }

    #[inline(always)]
    fn word(&self) -> &AtomicU32 {
        self.queue.state()
    }

    /// What state it is in.
    pub(super) fn telemetry(&self) -> Telemetry {
        at_one_instant("ManualResetEvent", &self.queue, |_| {
            // Relaxed: a look.
            let set = self.word().load(RELAXED) & SET != 0;
            Facts {
                free: Some(isize::from(set)),
                ..Facts::default()
            }
        })
    }

    #[inline]
    fn look(&self) -> u32 {
        // Acquire [E1]: pairs with the release in `set`, also of a round that was reset since.
        self.word().load(acquire("manual_reset.look"))
    }

    #[inline]
    pub(super) fn is_set(&self) -> bool {
        self.look() & SET != 0
    }

    /// Whether one of this round goes through (I2).
    #[inline]
    fn is_open(&self, round: &Round) -> bool {
        let word = self.look();
        word & SET != 0 || round.is_past(word)
    }

    /// Returns whether it was set.
    pub(super) fn reset(&self) -> bool {
        // Acquire [E1]: who resets and then looks whether there is something to do sees what was
        // done before it was set.
        self.word().fetch_and(!SET, acquire("manual_reset.reset")) & SET != 0
    }

    /// Returns whether it was reset before.
    pub(super) fn set(&self) -> bool {
        // Relaxed: a look; the exchange decides.
        let mut word = self.word().load(RELAXED);
        loop {
            let new = match word & SET {
                0 => word.wrapping_add(ROUND) | SET,
                _ => word,
            };
            // Release [E1], even if it is set already.
            match self
                .word()
                .compare_exchange_weak(word, new, release("manual_reset.set"), RELAXED)
            {
                Ok(_) if word & SET != 0 => return false,
                Ok(_) => {
                    if word & WAITERS != 0 {
                        self.let_through(new & ROUNDS);
                    }
                    return true;
                }
                Err(found) => word = found,
            }
        }
    }

    /// Grants those of earlier rounds (I2).
    #[cold]
    fn let_through(&self, round: u32) {
        let due = |mine: &mut Round, _| match mine.0 {
            Some(mine) if (round.wrapping_sub(mine) as i32) > 0 => Pick::Take,
            _ => Pick::Skip,
        };
        wake_in_batches(|wakes| {
            let mut queue = self.queue.lock();
            while !wakes.is_full() && queue.grant(End::First, Grant::Result, wakes, due, |_| ()) {}
            self.write_flags(&queue);
            wakes.is_full()
        });
    }

    /// Clears `WAITERS` if nobody waits.
    fn write_flags(&self, queue: &LockedEvent<'_>) {
        if queue.is_empty() {
            // Relaxed: nobody is in the queue, whose lock is held.
            self.word().fetch_and(!WAITERS, RELAXED);
        }
    }

    /// Marks that somebody waits (I1). Returns false if it goes through.
    fn mark(&self, round: &mut Round) -> bool {
        // Relaxed: a look; the exchange decides. It publishes nothing: the lock orders the queue.
        let mut word = self.word().load(RELAXED);
        while word & SET == 0 && *round.0.get_or_insert(word & ROUNDS) == word & ROUNDS {
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

/// Waits until a [`ManualResetEvent`] is set; see [`ManualResetEvent::wait_async`].
pub type ManualResetWait<'a> = Op<ManualResetVerb<'a>>;

/// The verb of [`ManualResetWait`].
pub struct ManualResetVerb<'a> {
    event: &'a ManualResetEvent,
}

impl fmt::Debug for ManualResetVerb<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualResetVerb").finish_non_exhaustive()
    }
}

#[inline]
#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn wait(event: &ManualResetEvent) -> ManualResetWait<'_> {
    Op::new(ManualResetVerb { event }, Round(None))
}

// SAFETY: one queue, that of the event it borrows; no method moves the verb.
unsafe impl Verb for ManualResetVerb<'_> {
    type State = AtomicU32;
    type Payload = Round;
    type Output = ();
    type Stoppable = Result<(), Stop>;

    const NAME: &'static str = "ManualResetEvent::wait";

    #[inline]
    fn queue(&self) -> &WaitQueue<AtomicU32, Round> {
        self.event.raw.queue()
    }

    #[inline]
    fn attempt(&mut self, round: &mut Round, _turn: Turn) -> Option<()> {
        self.event.raw.is_open(round).then_some(())
    }

    fn prepare(&mut self, round: &mut Round, _: Turn, _: &mut LockedQueue<'_, Self>) -> bool {
        !self.event.raw.mark(round)
    }

    /// An arm that was out of its line as it was set.
    fn over(&mut self, round: &mut Round) -> Option<()> {
        round.is_past(self.event.raw.look()).then_some(())
    }

    fn collect(&mut self, _round: &mut Round) {}

    fn unclaimed(&mut self, _round: &mut Round, _queue: &mut LockedQueue<'_, Self>) {}

    fn settle(&mut self, queue: &mut LockedQueue<'_, Self>, _wakes: &mut WakeBatch) -> bool {
        self.event.raw.write_flags(queue);
        false
    }

    fn finish((): ()) -> Result<(), Stop> {
        Ok(())
    }

    fn stopped(&mut self, _round: &mut Round, why: Stop) -> Result<(), Stop> {
        Err(why)
    }
}
