//! The protocol of `Condvar`: one word, and the queue of those who wait.
//!
//! # From
//! parking_lot's `Condvar` (notifying while nobody waits is one load); the rounds of our `Notify`.
//! Differs: who was chosen and does not return passes its notification on.
//!
//! # State
//! | bit | meaning | who leaves it |
//! |---|---|---|
//! | `WAITERS` | the queue is not empty, or was not | whoever holds the queue lock and finds it empty |
//! | the others | the round: how many broadcasts there were | each broadcast that finds a waiter |
//!
//! # Fields
//! A waiter's `Seat`: as payloads in `queue.rs` of the wait room. `round` is written by the owner
//! before it is linked, `got` by the granter. The word is changed under the queue lock only.
//!
//! # Invariants
//! * I1: a waiter is linked, and `WAITERS` set, before the mutex it came with is given back.
//! * I2: a broadcast reaches those who were linked when it began, although it wakes them in batches.
//! * I3: a notification for one is received by one that returns with its lock, or passed on to the
//!   first that waits, or ends because nobody does.
//!
//! # Edges
//! None of the word's own. Who changes what is waited for holds the mutex as it does so, before or
//! while it notifies: so a waiter either saw the change before it waited, or was linked before the
//! notifier took the mutex (I1), and the notifier then reads `WAITERS`, or what came later, relaxed.
//! What a notifier did is seen by whom it notified: `queue.rs` E1 of the wait room, and the mutex.
//!
//! # Waiting
//! See the edges: registered first means that `WAITERS` was set before the mutex was given back;
//! changed first means that the waiter does not wait.
//!
//! # Cancel
//! A waiter that leaves clears `WAITERS` if it was the last. One that was notified, and is dropped
//! before it returns, passes on a notification for one: from the queue by `settle`, while it takes
//! its mutex again by another `notify_one`. So does one whose predicate panics. A broadcast is not
//! passed on.
//!
//! # Panic
//! No foreign code runs here but wakers, after the lock was released.
//!
//! # Rejected
//! * Moving those whom a broadcast wakes to the queue of the mutex, as parking_lot does: waiters may
//!   come with different mutexes, and the mutex lets a few woken threads look at a time anyway.
//! * A stored notification (`Notify`): a condition is looked at before waiting.
//!
//! # Checked by
//! dev/model tests/condvar.rs; crates/sync tests/condvar.rs.

use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::{AtomicU32, RELAXED};
use counterpoint_wait::queue::{End, Grant, Locked, Pick, WaitQueue};
use counterpoint_wait::waker::{WakeBatch, wake_in_batches};

use crate::telemetry::{Facts, Telemetry, at_one_instant};

const WAITERS: u32 = 1;
const ROUND: u32 = 1 << 1;
const ROUNDS: u32 = !WAITERS;

/// By what a waiter was notified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    Nothing,
    One,
    All,
}

/// What a waiter carries.
#[derive(Debug)]
pub struct Seat {
    round: u32,
    got: Got,
}

impl Seat {
    pub(super) const fn new() -> Seat {
        Seat {
            round: 0,
            got: Got::Nothing,
        }
    }

    /// What it was handed.
    pub(super) fn take(&mut self) -> Got {
        core::mem::replace(&mut self.got, Got::Nothing)
    }
}

/// The queue of a condition variable, locked.
pub(super) type LockedCondvar<'q> = Locked<'q, AtomicU32, Seat>;

/// The word and the queue of a condition variable.
pub(super) struct RawCondvar {
    queue: WaitQueue<AtomicU32, Seat>,
}

impl fmt::Debug for RawCondvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar")
            .field("waiters", &self.has_waiters())
            .finish_non_exhaustive()
    }
}

impl RawCondvar {
    const_fn! {
        #[cfg_attr(feature = "hooks", track_caller)]
        pub(super) const fn new() -> RawCondvar {
            RawCondvar { queue: WaitQueue::new(AtomicU32::new(0)) }
        }
    }

    #[inline(always)]
    pub(super) const fn queue(&self) -> &WaitQueue<AtomicU32, Seat> {
        &self.queue
    }

    #[inline(always)]
    fn has_waiters(&self) -> bool {
        // Relaxed: the mutex orders it (see the edges).
        self.queue.state().load(RELAXED) & WAITERS != 0
    }

    /// What state it is in.
    pub(super) fn telemetry(&self) -> Telemetry {
        at_one_instant("Condvar", &self.queue, |_| Facts::default())
    }

    /// One takes its seat (I1).
    pub(super) fn sit(&self, seat: &mut Seat, _queue: &mut LockedCondvar<'_>) {
        // Relaxed: changed under the queue lock only; the mutex orders it for who notifies.
        seat.round = self.queue.state().fetch_or(WAITERS, RELAXED) & ROUNDS;
    }

    /// Clears `WAITERS` if nobody waits.
    pub(super) fn write_flags(&self, queue: &LockedCondvar<'_>) {
        if queue.is_empty() {
            // Relaxed: nobody is in the queue, whose lock is held.
            self.queue.state().fetch_and(!WAITERS, RELAXED);
        }
    }

    /// Hands a notification to the first for which `due` is true.
    fn hand(
        queue: &mut LockedCondvar<'_>,
        wakes: &mut WakeBatch,
        got: Got,
        due: impl Fn(u32) -> bool,
    ) -> bool {
        let pick = |seat: &mut Seat, _| {
            if !due(seat.round) {
                return Pick::Skip;
            }
            seat.got = got;
            Pick::Take
        };
        queue.grant(End::First, Grant::Result, wakes, pick, |seat| {
            seat.got = Got::Nothing;
        })
    }

    /// Hands a notification for one to the first that waits (I3), and to none that a broadcast is
    /// about to wake.
    pub(super) fn pass(&self, queue: &mut LockedCondvar<'_>, wakes: &mut WakeBatch) -> bool {
        // Relaxed: rounds begin under the lock, which is held.
        let now = self.queue.state().load(RELAXED) & ROUNDS;
        Self::hand(queue, wakes, Got::One, |mine| mine == now)
    }

    /// Notifies the one that waits longest. Returns whether there was one.
    #[inline]
    pub(super) fn notify_one(&self) -> bool {
        self.has_waiters() && self.notify_waiter()
    }

    #[cold]
    fn notify_waiter(&self) -> bool {
        let mut wakes = WakeBatch::new();
        let mut queue = self.queue.lock();
        let handed = self.pass(&mut queue, &mut wakes);
        self.write_flags(&queue);
        drop(queue);
        wakes.wake();
        handed
    }

    /// Notifies all who wait now. Returns how many.
    #[inline]
    pub(super) fn notify_all(&self) -> usize {
        if self.has_waiters() {
            return self.notify_waiters();
        }
        0
    }

    #[cold]
    fn notify_waiters(&self) -> usize {
        let (mut handed, mut round) = (0, None);
        wake_in_batches(|wakes| {
            let mut queue = self.queue.lock();
            let round = *round.get_or_insert_with(|| {
                // Relaxed: as in `sit`.
                let before = self.queue.state().fetch_add(ROUND, RELAXED);
                (before & ROUNDS).wrapping_add(ROUND)
            });
            // I2
            let due = |mine: u32| (round.wrapping_sub(mine) as i32) > 0;
            while !wakes.is_full() && Self::hand(&mut queue, wakes, Got::All, due) {
                handed += 1;
            }
            self.write_flags(&queue);
            wakes.is_full()
        });
        handed
    }
}
