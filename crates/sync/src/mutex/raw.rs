//! The mutex without its data: one word, and the queue of those who wait for it.
//!
//! # From
//! The barging mutex of parking_lot and Go (a newcomer may overtake a sleeper that was just
//! woken, an awake thread suppresses further wake-ups, a starving waiter is served in order).
//! Differs: a wake-up never transfers ownership, so a future that nobody polls cannot hold the
//! lock; and a reservation can be revoked.
//!
//! # State
//! | bit | meaning | who leaves it |
//! |---|---|---|
//! | `LOCKED` | held | the holder |
//! | `WAITERS` | the queue is not empty, or was not | whoever holds the queue lock and finds it empty |
//! | `AWAKE` | a blocked thread holds a baton and will look: no other is woken | that thread |
//! | `FAIR` | a waiter has lost for too long: the next unlock reserves | the grant that reserves; whoever finds the queue empty |
//! | `RESERVED` | free, but kept for the holder of the baton numbered in the upper bits | that holder; anyone after the grace period |
//! | `STRICT` | each unlock with waiters reserves; `try_lock` fails while anyone waits | nobody |
//! | `POISONED` | a holder panicked | `clear_poison` |
//! | upper 24 | number of the last reservation | the next one |
//!
//! # Fields
//! `Baton` in a waiter's payload is written by the granter before the verdict, then by the owner.
//!
//! # Invariants
//! * I1: the lock is held by at most one: `LOCKED` is set by an exchange that found it clear.
//! * I2: `WAITERS` is set, under the queue lock and in one exchange with the proof that the lock
//!   cannot be had, before a waiter is linked.
//! * I3: if the lock is free and somebody waits, somebody else holds a baton: `AWAKE`, `RESERVED`,
//!   or a task's. Whoever gives one up without taking the lock grants the next (`settle`).
//! * I4: `AWAKE` is cleared by the one thread whose baton says so.
//!
//! # Edges
//! * E1: release in `unlock` → acquire where `LOCKED` is set: the data.
//!
//! # Waiting
//! All of it is in one word, changed by read-modify-write only, so there is no store that a later
//! load could overtake: an unlock finds `WAITERS`, or comes before the exchange that sets it, and
//! that exchange would then have found the lock free.
//!
//! # Fairness
//! Who asked by `FAIR` may not be the one that the reservation is for: others that lost before it
//! stand before it. Then it is served without one when its turn comes, and may lose once more to a
//! newcomer; it asks again as it queues, having starved already. So each waiter that lost before it
//! costs it one loss at most. A claim leaves `FAIR` alone: that of a baton from before the wish was
//! made would end a wish that no unlock has seen.
//!
//! `settle` holds the lock while it grants, though nobody uses the data. An attempt that fails in
//! that moment fails beside somebody who is queued and about to be granted: to a `try_lock` the lock
//! is kept for one that waits, as it says; who is about to queue finds the lock open once it has the
//! queue's lock, and tries again (I2); a holder of a baton that was stopped in that moment passes it
//! on, and does so after `settle`, so nobody's grant is lost.
//!
//! # Cancel
//! A waiter that leaves, or drops its baton, clears what its baton had set and grants the next.
//!
//! # Panic
//! No foreign code runs here. A panicking holder unlocks and sets `POISONED`.
//!
//! # Rejected
//! * Handing the lock over: a future that is granted but not polled would hold it (futurelock).
//! * Waking a second task for each unlock, against futures that nobody polls: an extra wake-up for each.
//!   See docs/design/004-fairness.md for what is bounded and what is not.
//!
//! # Checked by
//! dev/model tests/mutex.rs.

use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::{AtomicU32, RELAXED, acquire, release};
use counterpoint_base::prim::{hint, thread};
use counterpoint_wait::op::Turn;
use counterpoint_wait::queue::{End, Grant, Locked, Pick, WaitQueue};
use counterpoint_wait::waker::WakeBatch;

use crate::fairness::{Patience, SPINS};

const LOCKED: u32 = 1;
const WAITERS: u32 = 1 << 1;
const AWAKE: u32 = 1 << 2;
const FAIR: u32 = 1 << 3;
const RESERVED: u32 = 1 << 4;
const STRICT: u32 = 1 << 5;
const POISONED: u32 = 1 << 6;
const NUMBER: u32 = 1 << 8;
const NUMBERS: u32 = !(NUMBER - 1);

/// What a waiter was granted: `AWAKE` if that was set for it (I4); `RESERVED` and the number of its
/// reservation, if one was made.
#[derive(Debug)]
pub struct Baton(u32);

impl Baton {
    pub(crate) const NONE: Baton = Baton(0);

    const fn new(awake: bool, reserved: Option<u32>) -> Baton {
        let awake = if awake { AWAKE } else { 0 };
        match reserved {
            Some(number) => Baton(awake | RESERVED | number),
            None => Baton(awake),
        }
    }

    const fn is_reserved(&self) -> bool {
        self.0 & RESERVED != 0
    }

    /// The bits that this baton had set in `word`.
    const fn marks(&self, word: u32) -> u32 {
        let mine = word & NUMBERS == self.0 & NUMBERS;
        self.0 & AWAKE | if mine { self.0 & word & RESERVED } else { 0 }
    }
}

/// The queue of a mutex, locked.
pub(crate) type LockedMutex<'q> = Locked<'q, AtomicU32, Baton>;

/// The word and the queue of a mutex.
#[derive(Debug)]
pub(crate) struct RawMutex {
    queue: WaitQueue<AtomicU32, Baton>,
}

impl RawMutex {
    const_fn! {
        pub(crate) const fn new(strict: bool) -> RawMutex {
            RawMutex { queue: WaitQueue::new(AtomicU32::new(if strict { STRICT } else { 0 })) }
        }
    }

    #[inline(always)]
    pub(crate) const fn queue(&self) -> &WaitQueue<AtomicU32, Baton> {
        &self.queue
    }

    #[inline(always)]
    fn word(&self) -> &AtomicU32 {
        self.queue.state()
    }

    /// Takes the lock if it is free, not reserved and nobody has a better right.
    #[inline(always)]
    pub(crate) fn try_lock(&self) -> bool {
        self.try_lock_fast() || self.try_lock_slow()
    }

    #[inline(always)]
    fn try_lock_fast(&self) -> bool {
        // Acquire [E1]: pairs with the release in `unlock`; failure reads no data.
        self.word()
            .compare_exchange(0, LOCKED, acquire("mutex.lock_fast"), RELAXED)
            .is_ok()
    }

    #[inline(never)]
    fn try_lock_slow(&self) -> bool {
        // Relaxed: a look; the exchange decides.
        let mut word = self.word().load(RELAXED);
        while is_open(word) {
            // Acquire [E1]: as in `try_lock`.
            match self.word().compare_exchange_weak(
                word,
                word | LOCKED,
                acquire("mutex.lock"),
                RELAXED,
            ) {
                Ok(_) => return true,
                Err(found) => word = found,
            }
        }
        false
    }

    /// Takes the lock with the right that `baton` gives.
    fn try_claim(&self, baton: &mut Baton) -> bool {
        // Relaxed: a look; the exchange decides.
        let mut word = self.word().load(RELAXED);
        loop {
            let marks = baton.marks(word);
            let open = word & LOCKED == 0 && (word & RESERVED == 0 || marks & RESERVED != 0);
            if !open {
                return false;
            }
            let new = (word & !marks) | LOCKED;
            // Acquire [E1]: as in `try_lock`.
            match self
                .word()
                .compare_exchange_weak(word, new, acquire("mutex.claim"), RELAXED)
            {
                Ok(_) => {
                    *baton = Baton::NONE;
                    return true;
                }
                Err(found) => word = found,
            }
        }
    }

    /// Takes a lock that has been reserved for too long: ends the reservation and claims, in one
    /// exchange, so that no lock is left free with nobody to take it (I3).
    fn try_overdue(&self, patience: &mut Patience) -> bool {
        // Relaxed: a look; the exchange decides.
        let mut word = self.word().load(RELAXED);
        while word & (LOCKED | RESERVED) == RESERVED && patience.expired(word & NUMBERS) {
            let new = (word & !RESERVED) | LOCKED;
            // Acquire [E1]: as in `try_lock`. No model needs it, for a reservation is made and seen
            // under the queue lock; one whose number came round again was not seen there.
            match self
                .word()
                .compare_exchange_weak(word, new, acquire("mutex.overdue"), RELAXED)
            {
                Ok(_) => return true,
                Err(found) => word = found,
            }
        }
        false
    }

    /// One attempt of a waiting operation.
    #[inline(always)]
    pub(crate) fn attempt(&self, baton: &mut Baton, turn: Turn, patience: &mut Patience) -> bool {
        (turn == Turn::First && self.try_lock_fast()) || self.attempt_slow(baton, turn, patience)
    }

    #[inline(never)]
    fn attempt_slow(&self, baton: &mut Baton, turn: Turn, patience: &mut Patience) -> bool {
        match turn {
            Turn::First => self.try_lock_slow() || self.try_overdue(patience),
            Turn::Notified => {
                let claimed = self.try_claim(baton);
                if !claimed {
                    patience.lost();
                }
                claimed
            }
        }
    }

    /// A blocking newcomer spins for a moment while the lock is held and nobody waits.
    #[cold]
    pub(crate) fn spin(&self) -> bool {
        if thread::parallelism() == 1 {
            return false;
        }
        for _ in 0..SPINS {
            // Relaxed: a look; `try_lock` decides.
            let word = self.word().load(RELAXED);
            if is_open(word) && self.try_lock() {
                return true;
            }
            if word & (WAITERS | RESERVED) != 0 {
                return false;
            }
            hint::spin_loop();
        }
        false
    }

    /// Marks that somebody waits, or finds that an attempt may succeed (I2).
    pub(crate) fn prepare(
        &self,
        baton: &mut Baton,
        patience: &mut Patience,
        queue: &mut LockedMutex<'_>,
    ) -> bool {
        let starving = if patience.starving() { FAIR } else { 0 };
        // Relaxed: the lock's data is not touched; the queue lock orders the queue.
        let mut word = self.word().load(RELAXED);
        loop {
            let marks = baton.marks(word);
            let kept = word & RESERVED != 0 && marks & RESERVED == 0;
            let queued = word & STRICT != 0 && !baton.is_reserved() && !queue.is_empty();
            if word & LOCKED == 0 && !kept && !queued {
                if queue.is_empty() {
                    // Nobody waits: a mark that is left over must not keep this one out.
                    self.clear_waiters();
                }
                return true;
            }
            if word & LOCKED == 0 && kept && patience.expired(word & NUMBERS) {
                return true;
            }
            let new = (word & !marks) | WAITERS | starving;
            match self
                .word()
                .compare_exchange_weak(word, new, RELAXED, RELAXED)
            {
                Ok(_) => {
                    *baton = Baton::NONE;
                    patience.behind(kept.then_some(word & NUMBERS));
                    return false;
                }
                Err(found) => word = found,
            }
        }
    }

    /// Whether a queued waiter that was polled may try by itself. If not, it notes the reservation
    /// it stands behind now, so that it looks again when that one has had its time.
    pub(crate) fn look_again(&self, patience: &mut Patience) -> bool {
        // Relaxed: a look; the attempt decides.
        let word = self.word().load(RELAXED);
        let reservation = (word & RESERVED != 0).then_some(word & NUMBERS);
        let open = match reservation {
            None => word & (LOCKED | STRICT) == 0,
            Some(number) => patience.expired(number),
        };
        if !open {
            patience.behind(reservation);
        }
        open
    }

    /// A baton that nobody claims.
    pub(crate) fn unclaimed(&self, baton: &mut Baton) {
        // Relaxed: these bits guard no data, and the queue lock is held.
        let mut word = self.word().load(RELAXED);
        loop {
            let new = word & !baton.marks(word);
            match self
                .word()
                .compare_exchange_weak(word, new, RELAXED, RELAXED)
            {
                Ok(_) => break,
                Err(found) => word = found,
            }
        }
        *baton = Baton::NONE;
    }

    /// Grants the first waiter if the lock is free and nobody holds a baton (I3).
    pub(crate) fn settle(&self, queue: &mut LockedMutex<'_>, wakes: &mut WakeBatch) -> bool {
        if queue.is_empty() {
            self.clear_waiters();
            return false;
        }
        // Relaxed: a look; the exchange decides.
        let mut word = self.word().load(RELAXED);
        while word & (LOCKED | AWAKE | RESERVED) == 0 {
            // The lock is taken for the time of the grant, so that whoever is granted cannot claim
            // before the marks of its baton are set. Relaxed: the data is not touched, and `grant`
            // continues the release of the last holder, as every change is a read-modify-write.
            match self
                .word()
                .compare_exchange_weak(word, word | LOCKED, RELAXED, RELAXED)
            {
                Ok(_) => {
                    self.grant(queue, wakes, word & (STRICT | FAIR) != 0);
                    break;
                }
                Err(found) => word = found,
            }
        }
        if word & RESERVED != 0 {
            // Who left may be the one that was to look at the reservation.
            queue.nudge(wakes);
        }
        false
    }

    fn clear_waiters(&self) {
        // Relaxed: nobody is in the queue, whose lock is held.
        self.word().fetch_and(!(WAITERS | FAIR), RELAXED);
    }

    /// The holder grants the first waiter and unlocks, in this order: the marks of the baton are
    /// set before it can be claimed.
    fn grant(&self, queue: &mut LockedMutex<'_>, wakes: &mut WakeBatch, reserve: bool) {
        // Relaxed: the number is changed under the queue lock only.
        let number = (self.word().load(RELAXED) & NUMBERS).wrapping_add(NUMBER);
        let (mut awake, mut task) = (false, false);
        let granted = queue.grant(
            End::First,
            Grant::Baton,
            wakes,
            |baton: &mut Baton, committed| {
                awake = committed && !reserve;
                task = !committed;
                *baton = Baton::new(awake, reserve.then_some(number));
                Pick::Take
            },
            |baton| *baton = Baton::NONE,
        );
        if granted && reserve && task {
            // A task may never be polled. Who stands next looks, and so knows when this reservation has had its time.
            queue.nudge(wakes);
        }
        let (mut set, mut clear) = (0, LOCKED);
        if granted {
            set = if reserve { RESERVED } else { 0 } | if awake { AWAKE } else { 0 };
            clear |= if reserve { FAIR } else { 0 };
        }
        if queue.is_empty() {
            clear |= WAITERS | FAIR;
        }
        // Relaxed: a look; the exchange decides.
        let mut word = self.word().load(RELAXED);
        loop {
            let new = (word & !clear & !NUMBERS) | set | number;
            // Release [E1]: hands the data to the next holder.
            match self
                .word()
                .compare_exchange_weak(word, new, release("mutex.grant"), RELAXED)
            {
                Ok(_) => return,
                Err(found) => word = found,
            }
        }
    }

    /// Gives the lock back.
    #[inline]
    pub(crate) fn unlock(&self) {
        // Release [E1]: pairs with the acquire of the next holder.
        let free = self
            .word()
            .compare_exchange(LOCKED, 0, release("mutex.unlock_fast"), RELAXED);
        if free.is_err() {
            self.unlock_slow(false);
        }
    }

    /// Gives the lock back, reserving it for the first waiter if there is one.
    #[cold]
    pub(crate) fn unlock_slow(&self, fair: bool) {
        // Relaxed: a look; the exchange decides.
        let mut word = self.word().load(RELAXED);
        loop {
            let reserve = fair || word & (FAIR | STRICT) != 0;
            if word & WAITERS != 0 && (word & AWAKE == 0 || reserve) {
                return self.unlock_to_waiter(reserve);
            }
            // Release [E1]. Nobody waits, or an awake thread will look.
            let new = word & !LOCKED;
            match self
                .word()
                .compare_exchange_weak(word, new, release("mutex.unlock"), RELAXED)
            {
                Ok(_) => return,
                Err(found) => word = found,
            }
        }
    }

    fn unlock_to_waiter(&self, reserve: bool) {
        let mut wakes = WakeBatch::new();
        let mut queue = self.queue.lock();
        self.grant(&mut queue, &mut wakes, reserve);
        drop(queue);
        wakes.wake();
    }

    pub(crate) fn is_locked(&self) -> bool {
        // Relaxed: a look.
        self.word().load(RELAXED) & LOCKED != 0
    }

    pub(crate) fn has_waiters(&self) -> bool {
        // Relaxed: a look.
        self.word().load(RELAXED) & WAITERS != 0
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        // Relaxed: a holder sees what was poisoned before by E1.
        self.word().load(RELAXED) & POISONED != 0
    }

    pub(crate) fn poison(&self) {
        // Relaxed: ordered by the unlock that follows.
        self.word().fetch_or(POISONED, RELAXED);
    }

    pub(crate) fn clear_poison(&self) {
        // Relaxed: the flag guards no data.
        self.word().fetch_and(!POISONED, RELAXED);
    }
}

/// Free, not reserved, and not kept for those who wait.
#[inline]
fn is_open(word: u32) -> bool {
    word & (LOCKED | RESERVED) == 0 && (word & STRICT == 0 || word & WAITERS == 0)
}
