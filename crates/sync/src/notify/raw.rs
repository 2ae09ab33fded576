//! The protocol of `Notify`: one word, and the queue of those who wait.
//!
//! # From
//! tokio's `Notify` (one stored permit, rounds of broadcasts counted in the word). Differs: a
//! broadcast does not move its waiters to a list of its own, since waiters know their round.
//!
//! # State
//! | bit | meaning | who leaves it |
//! |---|---|---|
//! | `STORED` | a notification for the next waiter | who takes it |
//! | `WAITERS` | the queue is not empty, or was not | a notifier that holds the queue lock and finds it empty |
//! | the others | the round: how many broadcasts there were | each broadcast |
//!
//! # Fields
//! A waiter's `Wish`: as payloads in `queue.rs` of the wait room. `round` never changes; `got` is
//! written by the granter, or by the owner when it takes the stored notification.
//!
//! # Invariants
//! * I1: `STORED` is set only where nobody waits: by an exchange that found `WAITERS` clear, or
//!   under the queue lock with the queue empty.
//! * I2: `WAITERS` is set before a waiter is linked: under the queue lock and in one exchange with the
//!   proof that nothing is stored and no broadcast reached the waiter. If it was set already, a look
//!   under the lock proves that nothing is stored (I1), and a broadcast that it does not show has
//!   found `WAITERS`, and comes for the lock.
//! * I3: a broadcast reaches exactly the futures of earlier rounds: those in the queue by a grant,
//!   the others find another round in the word.
//! * I4: a notification for one is taken by one, stored, or passed on; never two of these.
//!
//! # Edges
//! * E1: release where `STORED` is set (even if it was set already) → acquire where it is taken:
//!   what the notifier did before. Model: `stored_notification_carries_data`.
//! * E2: release in `notify_all` → acquire look where another round is found. Model:
//!   `broadcast_carries_data`.
//! * Handed notifications: E1 of `queue.rs` in the wait room.
//!
//! # Waiting
//! All of it is in one word, changed by read-modify-write only. A notifier before the exchange
//! that sets `WAITERS` is found by it (I2); one after it sees `WAITERS` and takes the lock.
//!
//! # Cancel
//! A waiter that leaves touches nothing but the queue. One that was handed a notification
//! for one passes it on from the same end, or stores it; a broadcast is not passed on.
//!
//! # Panic
//! No foreign code runs here; a panicking waker costs no other waiter its notification.
//!
//! # Rejected
//! Looking for the stored notification before looking for a broadcast: a future that a broadcast
//! has reached would take both. Clearing `WAITERS` as the last waiter leaves or is granted: whoever
//! waits again and again sets it again, two exchanges a wait.
//!
//! # Checked by
//! dev/model tests/notify.rs; crates/sync tests/notify.rs.

use crate::telemetry::{Facts, Telemetry, at_one_instant};
use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::{AtomicUsize, RELAXED, acquire, release};
use counterpoint_wait::queue::{End, Grant, Locked, Pick, WaitQueue};
use counterpoint_wait::waker::{WakeBatch, wake_in_batches};

const STORED: usize = 0b01;
const WAITERS: usize = 0b10;
const ROUND: usize = 0b100;
const ROUNDS: usize = !(ROUND - 1);

/// What a waiter was handed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    Nothing,
    /// By `notify_one` (first) or `notify_last` (last): stored if nobody else waits.
    One(End),
    /// By `notify_n`.
    OneOfMany,
    /// By a broadcast.
    All,
}

/// What a waiter carries.
#[derive(Debug)]
pub struct Wish {
    /// The round in which it was created.
    round: usize,
    pub(super) got: Got,
}

/// The queue of a `Notify`, locked.
pub(super) type LockedNotify<'q> = Locked<'q, AtomicUsize, Wish>;

/// The word and the queue of a `Notify`.
pub(super) struct RawNotify {
    queue: WaitQueue<AtomicUsize, Wish>,
}

impl fmt::Debug for RawNotify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: a look.
        let word = self.word().load(RELAXED);
        f.debug_struct("Notify")
            .field("stored", &(word & STORED != 0))
            .field("waiters", &(word & WAITERS != 0))
            .finish_non_exhaustive()
    }
}

impl RawNotify {
    const_fn! {
        #[cfg_attr(feature = "hooks", track_caller)]
        pub(super) const fn new() -> RawNotify {
            RawNotify { queue: WaitQueue::new(AtomicUsize::new(0)) }
        }
    }

    #[inline(always)]
    pub(super) const fn queue(&self) -> &WaitQueue<AtomicUsize, Wish> {
        &self.queue
    }

    #[inline(always)]
    fn word(&self) -> &AtomicUsize {
        self.queue.state()
    }

    /// What state it is in.
    pub(super) fn telemetry(&self) -> Telemetry {
        at_one_instant("Notify", &self.queue, |_| {
            // Relaxed: a look, and one only, so that all of it is of one instant.
            let word = self.word().load(RELAXED);
            Facts {
                free: Some(isize::from(word & STORED != 0)),
                ..Facts::default()
            }
        })
    }

    /// What a waiter created now carries.
    #[inline]
    pub(super) fn wish(&self) -> Wish {
        // Relaxed: a broadcast that happens after this cannot be read here, and one that happened
        // before must be.
        let round = self.word().load(RELAXED) & ROUNDS;
        Wish {
            round,
            got: Got::Nothing,
        }
    }

    /// Takes what is there without waiting: a broadcast that reached the waiter, else the stored
    /// notification (I3).
    #[inline]
    pub(super) fn try_take(&self, wish: &mut Wish) -> bool {
        // Relaxed: a look; what follows orders.
        let mut word = self.word().load(RELAXED);
        loop {
            if word & ROUNDS != wish.round {
                // Acquire [E2]: pairs with the release in `notify_all`, whatever came since.
                self.word().load(acquire("notify.reached"));
                wish.got = Got::All;
                return true;
            }
            if word & STORED == 0 {
                return false;
            }
            // Acquire [E1]: pairs with the release where it was stored. Failure reads no data.
            match self.word().compare_exchange_weak(
                word,
                word & !STORED,
                acquire("notify.take"),
                RELAXED,
            ) {
                Ok(_) => {
                    wish.got = Got::One(End::First);
                    return true;
                }
                Err(found) => word = found,
            }
        }
    }

    /// Marks that somebody waits (I2). Returns false if there is something to take.
    pub(super) fn mark(&self, wish: &Wish, _queue: &LockedNotify<'_>) -> bool {
        // Relaxed: a look; the exchange decides. It publishes nothing: the lock orders the queue.
        let mut word = self.word().load(RELAXED);
        while word & ROUNDS == wish.round && word & STORED == 0 {
            if word & WAITERS != 0 {
                return true;
            }
            match self.word().compare_exchange_weak(
                word,
                word | WAITERS,
                acquire("notify.mark"),
                RELAXED,
            ) {
                Ok(_) => return true,
                Err(found) => word = found,
            }
        }
        false
    }

    /// Clears `WAITERS` if nobody waits.
    pub(super) fn write_flags(&self, queue: &LockedNotify<'_>) {
        // Relaxed: the lock orders the queue.
        if queue.is_empty() && self.word().load(RELAXED) & WAITERS != 0 {
            self.word().fetch_and(!WAITERS, RELAXED);
        }
    }

    /// Hands a notification to one waiter.
    fn hand(&self, queue: &mut LockedNotify<'_>, wakes: &mut WakeBatch, got: Got) -> bool {
        let end = if let Got::One(end) = got {
            end
        } else {
            End::First
        };
        // Relaxed: who saw a broadcast does not read an older round. Those that it reaches have not
        // all left the queue yet; this one is not for them.
        let round = self.word().load(RELAXED) & ROUNDS;
        let take = |wish: &mut Wish, _| {
            if wish.round != round {
                return Pick::Skip;
            }
            wish.got = got;
            Pick::Take
        };
        queue.grant(end, Grant::Result, wakes, take, |wish| {
            wish.got = Got::Nothing
        })
    }

    /// Hands a notification for one to a waiter, or stores it (I4).
    pub(super) fn pass(
        &self,
        queue: &mut LockedNotify<'_>,
        wakes: &mut WakeBatch,
        got: Got,
    ) -> bool {
        if self.hand(queue, wakes, got) {
            return true;
        }
        if got != Got::OneOfMany {
            // Release [E1]: what the notifier did. The queue is empty, and its lock is held (I1).
            self.word().fetch_or(STORED, release("notify.store_locked"));
        }
        false
    }

    /// Wakes the waiter at one end, or stores the notification.
    #[inline]
    pub(super) fn notify_one(&self, end: End) -> usize {
        // Relaxed: a look; the exchange decides.
        let mut word = self.word().load(RELAXED);
        while word & WAITERS == 0 {
            // Release [E1], even if one is stored already.
            match self.word().compare_exchange_weak(
                word,
                word | STORED,
                release("notify.store"),
                RELAXED,
            ) {
                Ok(_) => return 0,
                Err(found) => word = found,
            }
        }
        self.notify_waiter(end)
    }

    #[cold]
    fn notify_waiter(&self, end: End) -> usize {
        let mut wakes = WakeBatch::new();
        let mut queue = self.queue.lock();
        let handed = self.pass(&mut queue, &mut wakes, Got::One(end));
        if !handed {
            self.write_flags(&queue);
        }
        drop(queue);
        wakes.wake();
        usize::from(handed)
    }

    /// Wakes up to `count` waiters; stores nothing.
    pub(super) fn notify_n(&self, count: usize) -> usize {
        let mut handed = 0;
        // Release: who marks itself after this sees what the notifier did; an exchange, so that who
        // marked itself before is seen.
        if count == 0 || self.word().fetch_or(0, release("notify.n")) & WAITERS == 0 {
            return 0;
        }
        wake_in_batches(|wakes| {
            let mut queue = self.queue.lock();
            while handed < count && !wakes.is_full() {
                if !self.hand(&mut queue, wakes, Got::OneOfMany) {
                    break;
                }
                handed += 1;
            }
            self.write_flags(&queue);
            handed < count && wakes.is_full()
        });
        handed
    }

    /// Begins a new round, and wakes all who wait since an earlier one (I3).
    pub(super) fn notify_all(&self) -> usize {
        // Release [E2]: what the notifier did.
        let word = self.word().fetch_add(ROUND, release("notify.all"));
        if word & WAITERS == 0 {
            return 0;
        }
        let round = (word & ROUNDS).wrapping_add(ROUND);
        let mut handed = 0;
        wake_in_batches(|wakes| {
            let mut queue = self.queue.lock();
            while !wakes.is_full() {
                if !Self::hand_round(&mut queue, wakes, round) {
                    break;
                }
                handed += 1;
            }
            self.write_flags(&queue);
            wakes.is_full()
        });
        handed
    }

    fn hand_round(queue: &mut LockedNotify<'_>, wakes: &mut WakeBatch, round: usize) -> bool {
        let take = |wish: &mut Wish, _| {
            if (round.wrapping_sub(wish.round) as isize) <= 0 {
                return Pick::Skip;
            }
            wish.got = Got::All;
            Pick::Take
        };
        let undo = |wish: &mut Wish| wish.got = Got::Nothing;
        queue.grant(End::First, Grant::Result, wakes, take, undo)
    }
}
