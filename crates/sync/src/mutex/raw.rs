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
//! | `AWAKE` | a blocked thread holds a baton and will look: unlocks wake another only now and then | that thread |
//! | `FAIR` | a waiter has lost for too long: newcomers queue, the next unlock reserves | the grant that reserves; whoever finds the queue empty |
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
//! * I3: if the lock is free and somebody waits, somebody else holds a baton (`AWAKE`, `RESERVED`,
//!   or a task's), or is about to grant one: who gave the lock back and saw `WAITERS`, or gave a
//!   baton up without taking the lock (`settle`).
//! * I4: `AWAKE` is cleared by the one thread whose baton says so: when it claims, when it queues
//!   again, and before it gives its processor away, in an exchange that proves that the lock is held
//!   or reserved.
//!
//! # Edges
//! * E1: release in `unlock` → acquire where `LOCKED` is set: the data. Every change of the word is
//!   a read-modify-write, so marks that are set in between hand it on.
//!
//! # Waiting
//! All of it is in one word, changed by read-modify-write only, so there is no store that a later
//! load could overtake: an unlock finds `WAITERS`, or comes before the exchange that sets it, and
//! that exchange would then have found the lock free. Who unlocks gives the lock back first and
//! grants after that, by what the word said: a newcomer may take the lock in between, the first
//! waiter is invited all the same. While `FAIR` or `STRICT` is set no newcomer can.
//!
//! # Fairness
//! Who asked by `FAIR` may not be the one that the reservation is for: others that lost before it
//! stand before it. Then it is served without one when its turn comes, and may lose once more to a
//! newcomer; it asks again as it queues, having starved already. So each waiter that lost before it
//! costs it one loss at most. A claim leaves `FAIR` alone: that of a baton from before the wish was
//! made would end a wish that no unlock has seen.
//!
//! # Threads that are awake
//! The thread that `AWAKE` speaks of may stand behind the one that unlocks in the line for a
//! processor, while another processor idles. So one unlock in four invites one more, whose baton
//! sets no mark: an invitation beside another, as that of a task is. The invitation is never what
//! I3 relies on, so it may come or not.
//!
//! A thread that finds the lock held, or was woken and lost, pauses for a microsecond before it
//! looks: meanwhile the other takes the lock again and again in a cache line that stays where it is.
//! Then it gives its processor away, since a holder that was put off its processor in the middle may
//! need this one, and others that wait for their turn on it have waited long. It queues after three
//! such rounds. One that was woken lays `AWAKE` down before it does so: a lock that falls silent
//! meanwhile would else be free beside waiters until the scheduler comes back to that thread.
//!
//! # Cancel
//! A waiter that leaves, or drops its baton, clears what its baton had set and grants the next.
//!
//! # Panic
//! No foreign code runs here. A panicking holder unlocks and sets `POISONED`.
//!
//! # Rejected
//! * Granting before the lock is given back: an unlock is then an exchange that may fail, half a
//!   nanosecond dearer than a subtraction, and the lock is held for as long as granting takes.
//! * Handing the lock over: a future that is granted but not polled would hold it (futurelock).
//! * Waking a second task for each unlock, against futures that nobody polls: an extra wake-up for each.
//!   See docs/design/004-fairness.md for what is bounded and what is not.
//! * Granting nobody where a newcomer was faster than the grant, as its own unlock will: under steady
//!   traffic that waiter would never be granted, so never lose, and never starve.
//! * Sending a thread that was woken and lost to sleep at once: it spins first (contended 4 and 16
//!   threads: a quarter less time for each).
//! * Short pauses at first, growing: two threads on two processors then pass the lock to and fro,
//!   a cache line for each turn (36 ns an operation, this way 29).
//! * Waking nobody while a thread is awake (16 threads on 2 processors: 38 to 44 ns an operation,
//!   this way 29 to 35). Waking one with each unlock is no faster and costs a call each.
//! * Spinning while others wait, too: 16 threads then take 49 to 54 ns.
//! * Giving the processor away only after all pauses: no slower, but the longest wait of 4 threads on
//!   2 processors is 5 ms, a turn on the processor, this way 1.4.
//!
//! # Checked by
//! dev/model tests/mutex.rs.

use counterpoint_base::const_fn;
use counterpoint_base::habit::now_and_then;
use counterpoint_base::prim::atomic::{AtomicU32, RELAXED, acquire, release};
use counterpoint_base::prim::{hint, thread};
use counterpoint_wait::op::Turn;
use counterpoint_wait::queue::{Candidate, End, Grant, Locked, Pick, WaitQueue};
use counterpoint_wait::waker::WakeBatch;

use crate::fairness::{PERSIST_ROUNDS, Patience, SPIN_PAUSES, SPIN_ROUNDS};
use crate::telemetry::{Facts, Telemetry, at_one_instant};

const LOCKED: u32 = 1;
const WAITERS: u32 = 1 << 1;
const AWAKE: u32 = 1 << 2;
const FAIR: u32 = 1 << 3;
const RESERVED: u32 = 1 << 4;
const STRICT: u32 = 1 << 5;
const POISONED: u32 = 1 << 6;
/// In a baton alone: its owner is a blocked thread.
const THREAD: u32 = 1 << 7;
const NUMBER: u32 = 1 << 8;
const NUMBERS: u32 = !(NUMBER - 1);

/// What a waiter was granted: `AWAKE` if that was set for it (I4); `RESERVED` and the number of its
/// reservation, if one was made; `THREAD`.
#[derive(Debug)]
pub struct Baton(u32);

impl Baton {
    pub(crate) const NONE: Baton = Baton(0);

    /// An invitation of a blocked thread, which sets `AWAKE` if that is clear, or of a task.
    const fn invitation(thread: bool, word: u32) -> Baton {
        Baton(if thread { THREAD | !word & AWAKE } else { 0 })
    }

    const fn reservation(number: u32) -> Baton {
        Baton(RESERVED | number)
    }

    const fn is_thread(&self) -> bool {
        self.0 & THREAD != 0
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

/// On what ground somebody grants.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Giver {
    /// It holds the lock, and reserves it for the first waiter as it gives it back.
    Holder,
    /// It gave the lock back, whoever has taken it since: each unlock invites somebody.
    Unlocked,
    /// The same, and it invites one more while a thread is awake: that one may wait for this
    /// processor, while another is idle.
    Insisting,
    /// Somebody left the queue, or gave a baton up.
    Bystander,
}

/// What became of a grant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Given {
    /// Nobody was offered the lock.
    Nothing,
    Offered,
    ReservedForTask,
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
        #[cfg_attr(feature = "hooks", track_caller)]
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

    /// A thread that was woken and lost tries for a moment longer: to sleep again costs more.
    pub(crate) fn persist(&self, baton: &mut Baton) -> bool {
        let mut claimed = false;
        if baton.is_thread() {
            spin(PERSIST_ROUNDS, |last| {
                claimed = match last {
                    Look::AndGoOn => self.try_claim(baton),
                    Look::AndYield => self.claim_or_yield(baton),
                };
                claimed
            });
        }
        claimed
    }

    /// Claims, or lays `AWAKE` down: who gives its processor away may not come to look for long. The
    /// exchange proves that the lock is held or reserved, so whoever has it sees to the others (I3).
    fn claim_or_yield(&self, baton: &mut Baton) -> bool {
        while !self.try_claim(baton) {
            // Relaxed: a look; the exchange decides, and hands nothing over.
            let word = self.word().load(RELAXED);
            if word & (LOCKED | RESERVED) == 0 {
                continue;
            }
            let new = word & !(baton.0 & AWAKE);
            if new == word
                || self
                    .word()
                    .compare_exchange_weak(word, new, RELAXED, RELAXED)
                    .is_ok()
            {
                baton.0 &= !AWAKE;
                return false;
            }
        }
        true
    }

    /// A blocking newcomer looks for a moment while the lock is held and nobody waits.
    #[cold]
    pub(crate) fn spin(&self) -> bool {
        let mut taken = false;
        spin(SPIN_ROUNDS, |_| {
            // Relaxed: a look; `try_lock` decides.
            let word = self.word().load(RELAXED);
            taken = is_open(word) && self.try_lock();
            taken || word & (WAITERS | RESERVED) != 0
        });
        taken
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
            let queued = word & (STRICT | FAIR) != 0 && !baton.is_reserved() && !queue.is_empty();
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
            None => word & (LOCKED | STRICT | FAIR) == 0,
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
        // Relaxed: a look; a reservation is made under the queue lock.
        let reserved = self.word().load(RELAXED) & RESERVED != 0;
        if self.grant(queue, wakes, Giver::Bystander) == Given::ReservedForTask || reserved {
            // Who left may be the one that was to look at the reservation.
            queue.nudge(wakes);
        }
        false
    }

    fn clear_waiters(&self) {
        // Relaxed: nobody is in the queue, whose lock is held.
        self.word().fetch_and(!(WAITERS | FAIR), RELAXED);
    }

    /// Grants the first waiter if the lock can be offered to it.
    fn grant(&self, queue: &mut LockedMutex<'_>, wakes: &mut WakeBatch, mut giver: Giver) -> Given {
        let mut given = Given::Nothing;
        // A wish that the first candidate was to be served by, if it is decided elsewhere.
        let mut reserve = false;
        queue.grant(
            End::First,
            Grant::Baton,
            wakes,
            |baton: &mut Baton, candidate| {
                match self.offer(candidate, giver, reserve) {
                    Some(offered) => {
                        reserve |= offered.is_reserved();
                        if giver == Giver::Holder {
                            // It has given the lock back, also if the candidate is decided
                            // elsewhere.
                            giver = Giver::Unlocked;
                        }
                        // A task may never be polled. Who stands next looks, and so knows when
                        // this reservation has had its time.
                        given = match offered.is_reserved() && !candidate.committed {
                            true => Given::ReservedForTask,
                            false => Given::Offered,
                        };
                        *baton = offered;
                        Pick::Take
                    }
                    None => Pick::Stop,
                }
            },
            |baton| self.unclaimed(baton),
        );
        given
    }

    /// Sets the marks of a baton for `candidate`, before it can be claimed, unless somebody else is
    /// to have the lock.
    fn offer(&self, candidate: Candidate, giver: Giver, reserve: bool) -> Option<Baton> {
        // Relaxed: a look; the exchange decides. Where none is needed, the grant is an invitation
        // that does no harm if it comes late.
        let mut word = self.word().load(RELAXED);
        loop {
            let reserve = reserve || giver == Giver::Holder || word & (STRICT | FAIR) != 0;
            let barred = match (giver, reserve) {
                (Giver::Holder, _) => 0,
                // Whoever has taken the lock finds `FAIR` as it unlocks.
                (_, true) => LOCKED,
                (Giver::Unlocked, false) => AWAKE,
                (Giver::Insisting, false) => 0,
                (Giver::Bystander, false) => LOCKED | AWAKE,
            };
            if word & (barred | RESERVED) != 0 {
                return None;
            }
            let free = if giver == Giver::Holder { LOCKED } else { 0 };
            // The number is changed under the queue lock only.
            let number = (word & NUMBERS).wrapping_add(NUMBER);
            let baton = match reserve {
                true => Baton::reservation(number),
                false => Baton::invitation(candidate.committed, word),
            };
            let mut new = word & !free | baton.0 & AWAKE;
            if reserve {
                new = new & !(NUMBERS | FAIR) | baton.0;
            }
            if candidate.alone {
                new &= !(WAITERS | FAIR);
            }
            if new == word {
                return Some(baton);
            }
            // Release [E1]: hands the data to the next holder, if this gives the lock back.
            match self
                .word()
                .compare_exchange_weak(word, new, release("mutex.grant"), RELAXED)
            {
                Ok(_) => return Some(baton),
                Err(found) => word = found,
            }
        }
    }

    /// Gives the lock back.
    #[inline(always)]
    pub(crate) fn unlock(&self) {
        // Release [E1]: pairs with the acquire of the next holder.
        let before = self.word().fetch_sub(LOCKED, release("mutex.unlock"));
        if before != LOCKED {
            self.unlocked(before);
        }
    }

    /// The lock was given back in a word that says more than that.
    #[cold]
    fn unlocked(&self, before: u32) {
        // An awake thread will look, but not in the order that was asked for.
        let awake = before & AWAKE != 0 && before & (STRICT | FAIR) == 0;
        if before & WAITERS != 0 && (!awake || now_and_then(4)) {
            let giver = if awake {
                Giver::Insisting
            } else {
                Giver::Unlocked
            };
            let mut wakes = WakeBatch::new();
            let mut queue = self.queue.lock();
            if queue.is_empty() {
                self.clear_waiters();
            } else if self.grant(&mut queue, &mut wakes, giver) == Given::ReservedForTask {
                queue.nudge(&mut wakes);
            }
            drop(queue);
            wakes.wake();
        }
    }

    /// Gives the lock back, reserving it for the first waiter if there is one.
    #[cold]
    pub(crate) fn unlock_fair(&self) {
        let mut wakes = WakeBatch::new();
        let mut queue = self.queue.lock();
        let given = self.grant(&mut queue, &mut wakes, Giver::Holder);
        if given == Given::ReservedForTask {
            queue.nudge(&mut wakes);
        }
        drop(queue);
        wakes.wake();
        if given == Given::Nothing {
            self.unlock();
        }
    }

    /// Whether an attempt may succeed now.
    pub(crate) fn may_succeed(&self, baton: &Baton) -> bool {
        // Relaxed: a look; the attempt decides.
        let word = self.word().load(RELAXED);
        is_open(word) || word & LOCKED == 0 && baton.marks(word) & RESERVED != 0
    }

    /// What state it is in, as a primitive of this kind.
    pub(crate) fn telemetry(&self, kind: &'static str) -> Telemetry {
        at_one_instant(kind, &self.queue, |_| {
            // Relaxed: a look, and one only, so that all of it is of one instant.
            let word = self.word().load(RELAXED);
            let locked = word & LOCKED != 0;
            Facts {
                held: Some(usize::from(locked)),
                free: Some(isize::from(!locked)),
                exclusive: locked,
                poisoned: word & POISONED != 0,
                ..Facts::default()
            }
        })
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

/// What follows a look that is in vain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    AndGoOn,
    AndYield,
}

/// Calls `look`, after pauses, until it is true or it has been long enough to sleep.
fn spin(rounds: u32, mut look: impl FnMut(Look) -> bool) {
    if thread::parallelism() == 1 {
        return;
    }
    for _ in 0..rounds {
        for _ in 0..SPIN_PAUSES {
            hint::spin_loop();
        }
        if look(Look::AndYield) {
            return;
        }
        thread::yield_now();
        if look(Look::AndGoOn) {
            return;
        }
    }
}

/// Free, not reserved, and not kept for those who wait.
#[inline]
fn is_open(word: u32) -> bool {
    word & (LOCKED | RESERVED) == 0 && (word & (STRICT | FAIR) == 0 || word & WAITERS == 0)
}

#[cfg(test)]
mod tests;
