//! The barrier: a count of those who have arrived, the number of the round, and those who wait.
//!
//! # From
//! std's `Barrier` (round and count under one lock); the phases, arrivals without waiting and
//! changing number of parties of java.util.concurrent's `Phaser`, and the breaking of its
//! `CyclicBarrier`. Differs: a wait that is dropped takes its arrival back.
//!
//! # State
//! The book:
//! | field | meaning |
//! |---|---|
//! | `parties` | how many arrivals make a round; none counts as one |
//! | `arrived` | how many of them there are |
//! | `round` | how many rounds have ended |
//! | `releasing` | some in the queue may have to be told that their round is over |
//! | `broken` | a wait was stopped, and `OnStop::Break` chosen: nobody waits until `reset` |
//! | `reset` | arrivals of earlier rounds, of which none is queued, are broken |
//! | `orphans` | the rounds whose leader was dropped before it returned |
//!
//! # Fields
//! The book: under the queue lock. `orphaned` has a bit for each of the `orphans`, that of its
//! number modulo 32, for a look without the lock. A waiter's `Seat`: as payloads in `queue.rs` of
//! the wait room; `outcome` is written by the granter.
//!
//! # Invariants
//! * I1: `arrived < max(parties, 1)` whenever the queue lock is free: the arrival that makes a round
//!   full ends it in one hold of the lock.
//! * I2: a queued wait that has brought its arrival along is counted while its round lasts: counting
//!   and linking happen in one hold of the lock, and so do unlinking and taking back.
//! * I3: who is queued with the number of a round that has ended is granted, in as many batches as
//!   it takes; who leaves before that has passed all the same.
//! * I4: of each round one leads at most: the wait that ended it, else the last in line when it
//!   ended, else who first takes the round out of `orphans`. Dropped before it returns, it puts
//!   the round there.
//! * I5: `orphans` keeps the last rounds only: where so many leaders were dropped, an older round
//!   has nobody who leads.
//!
//! # Edges
//! * E1: release of the queue lock by each who arrives → its acquire by who ends the round, then
//!   `queue.rs` E1 to those who wait: what each did before it arrived is seen by all after the
//!   round. Model: `all_pass_and_one_leads`.
//!
//! # Waiting
//! Who arrives, or waits for a round, looks at the book and links itself in one hold of the lock;
//! who changes the book looks at the queue in the same hold.
//!
//! # Cancel
//! A wait that leaves takes its arrival back, or breaks the barrier and wakes everybody. One that is
//! stopped before it arrives breaks it as well: nobody can know which of both was first. One whose
//! round has ended passes on its leadership, if it has one, to another that has not returned.
//!
//! # Panic
//! No foreign code runs here but wakers, after the lock was released. If one panics where a wait
//! has just ended the round, the leadership is passed on before the next one is woken; those who have
//! returned by then do not lead. The wait that panicked has passed: polled again it arrives again.
//!
//! # Rejected
//! * The word of arrivals as an atomic beside the queue: the last arrival needs the lock to wake the
//!   others, and all others to queue; nothing is left that would not take it.
//! * Counting those who have not returned, to know whether anybody may still lead: a lock for each
//!   return.
//!
//! # Checked by
//! dev/model tests/barrier.rs; crates/sync tests/barrier.rs.

use crate::telemetry::{Facts, Telemetry, at_one_instant};
use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};
use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::{AtomicU32, RELAXED};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_wait::queue::{End, Grant, Locked, Pick, WaitQueue};
use counterpoint_wait::waker::{WakeBatch, wake_in_batches, wake_in_batches_or};

use super::OnStop;

#[cfg(test)]
mod tests;

/// How many rounds without a leader are remembered.
const ORPHANS: usize = 8;

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All have arrived; whether this one leads.
    Passed(bool),
    /// The barrier was broken or reset.
    Broken,
}

/// What a waiter carries.
#[derive(Debug)]
pub struct Seat {
    /// The round it waits for.
    round: u64,
    outcome: Option<Outcome>,
}

impl Seat {
    pub(super) const fn new() -> Seat {
        Seat {
            round: 0,
            outcome: None,
        }
    }

    /// What it was handed.
    pub(super) fn take(&mut self) -> Option<Outcome> {
        self.outcome.take()
    }
}

/// What holders of the queue lock know.
#[derive(Debug)]
struct Book {
    parties: usize,
    arrived: usize,
    round: u64,
    broken: bool,
    /// Of those in the queue, some may have to be told.
    releasing: bool,
    reset: u64,
    orphans: [u64; ORPHANS],
    /// How many orphans there are.
    count: usize,
}

impl Book {
    /// Whether the next arrival ends the round.
    fn is_last(&self) -> bool {
        self.arrived + 1 >= self.parties
    }

    /// What became of a round, if it is over.
    fn ended(&self, round: u64) -> Option<Outcome> {
        if round < self.reset || self.broken && round == self.round {
            return Some(Outcome::Broken);
        }
        (round < self.round).then_some(Outcome::Passed(false))
    }

    fn next_round(&mut self) {
        self.round += 1;
        self.arrived = 0;
        self.releasing = true;
    }

    /// All who wait for the present round are to be told, and all who come.
    fn break_off(&mut self) {
        self.broken = true;
        self.releasing = true;
    }

    /// A bit for each round without a leader.
    fn orphaned(&self) -> u32 {
        let bits = self.orphans[..self.count].iter();
        bits.fold(0, |all, &round| all | bit(round))
    }

    /// The leader of this round was dropped, or there was none in line (I5).
    fn orphan(&mut self, round: u64) {
        if self.count == ORPHANS {
            self.orphans.rotate_left(1);
            self.count -= 1;
        }
        self.orphans[self.count] = round;
        self.count += 1;
    }

    /// Takes the lead of a round that has no leader (I4).
    fn adopt(&mut self, round: u64) -> bool {
        let Some(at) = self.orphans[..self.count]
            .iter()
            .position(|&orphan| orphan == round)
        else {
            return false;
        };
        self.orphans[at..self.count].rotate_left(1);
        self.count -= 1;
        true
    }
}

fn bit(round: u64) -> u32 {
    1 << (round % 32)
}

/// The own words of a barrier.
pub struct State {
    book: UnsafeCell<Book>,
    orphaned: AtomicU32,
    on_stop: OnStop,
}

// SAFETY: the book is reached under the queue lock only, through `RawBarrier::book`.
unsafe impl Sync for State {}

// No foreign code runs while the book is changed.
impl UnwindSafe for State {}
impl RefUnwindSafe for State {}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

/// The queue of a barrier, locked.
pub(super) type LockedBarrier<'q> = Locked<'q, State, Seat>;

/// The book and the queue of a barrier.
pub(super) struct RawBarrier {
    queue: WaitQueue<State, Seat>,
}

impl RawBarrier {
    const_fn! {
        #[cfg_attr(feature = "hooks", track_caller)]
        pub(super) const fn new(parties: usize, on_stop: OnStop) -> RawBarrier {
            RawBarrier {
                queue: WaitQueue::new(State {
                    book: UnsafeCell::new(Book {
                        parties,
                        arrived: 0,
                        round: 0,
                        broken: false,
                        releasing: false,
                        reset: 0,
                        orphans: [0; ORPHANS],
                        count: 0,
                    }),
                    orphaned: AtomicU32::new(0),
                    on_stop,
                }),
            }
        }
    }

    #[inline(always)]
    pub(super) const fn queue(&self) -> &WaitQueue<State, Seat> {
        &self.queue
    }

    fn book<R>(&self, _queue: &mut LockedBarrier<'_>, f: impl FnOnce(&mut Book) -> R) -> R {
        let book = &self.queue.state().book;
        // SAFETY: the queue lock is held, and `f` is one of ours that does not reach the book again.
        book.with_mut(|book| f(unsafe { &mut *book }))
    }

    fn look<R>(&self, f: impl FnOnce(&mut Book) -> R) -> R {
        self.book(&mut self.queue.lock(), f)
    }

    pub(super) fn parties(&self) -> usize {
        self.look(|book| book.parties)
    }

    pub(super) fn arrived(&self) -> usize {
        self.look(|book| book.arrived)
    }

    /// What state it is in.
    pub(super) fn telemetry(&self) -> Telemetry {
        at_one_instant("Barrier", &self.queue, |queue| {
            self.book(queue, |book| Facts {
                held: Some(book.arrived),
                free: Some(book.parties as isize - book.arrived as isize),
                closed: book.broken,
                ..Facts::default()
            })
        })
    }

    pub(super) fn is_broken(&self) -> bool {
        self.look(|book| book.broken)
    }

    /// Arrives if that ends the round, or finds the barrier broken.
    pub(super) fn arrive_last(&self) -> Option<Outcome> {
        let mut queue = self.queue.lock();
        let (broken, last) = self.book(&mut queue, |book| (book.broken, book.is_last()));
        if broken {
            return Some(Outcome::Broken);
        }
        if !last {
            return None;
        }
        self.end_round(queue, true);
        Some(Outcome::Passed(true))
    }

    /// Arrives and does not wait. Returns the round.
    pub(super) fn arrive(&self) -> u64 {
        let mut queue = self.queue.lock();
        let (round, last) = self.book(&mut queue, |book| {
            let last = !book.broken && book.is_last();
            book.arrived += usize::from(!last && !book.broken);
            (book.round, last)
        });
        if last {
            self.end_round(queue, false);
        }
        round
    }

    /// One party more makes a round.
    pub(super) fn join(&self) {
        self.look(|book| book.parties += 1);
    }

    /// One party less makes a round; the round may be full then. `arrives`: it is, if all the
    /// others have arrived, although these are none. Returns false if there is no party.
    pub(super) fn leave(&self, arrives: bool) -> bool {
        let mut queue = self.queue.lock();
        let full = self.book(&mut queue, |book| {
            let parties = book.parties.checked_sub(1)?;
            book.parties = parties;
            Some(!book.broken && book.arrived == parties && (arrives || parties > 0))
        });
        if full == Some(true) {
            self.end_round(queue, false);
        }
        full.is_some()
    }

    /// Wakes all who wait, with an error, and begins anew.
    pub(super) fn reset(&self) {
        let mut done = false;
        wake_in_batches(|wakes| {
            let mut queue = self.queue.lock();
            // First those whose round has ended: they have passed.
            if self.settle(&mut queue, wakes) || done {
                return !done || wakes.is_full();
            }
            done = true;
            self.book(&mut queue, |book| {
                book.next_round();
                book.reset = book.round;
                book.broken = false;
            });
            self.settle(&mut queue, wakes)
        });
    }

    /// Ends the round in which the last one has just arrived. `leads`: that one waits.
    fn end_round(&self, mut queue: LockedBarrier<'_>, mut leads: bool) {
        let round = self.book(&mut queue, |book| {
            book.next_round();
            book.round - 1
        });
        let mut leader_to_find = !leads;
        let mut queue = Some(queue);
        let step = |wakes: &mut WakeBatch| {
            let mut queue = queue.take().unwrap_or_else(|| self.queue.lock());
            if core::mem::take(&mut leader_to_find) {
                self.find_leader(&mut queue, wakes, round);
            }
            self.settle(&mut queue, wakes)
        };
        wake_in_batches_or(step, || {
            // The caller does not return.
            if core::mem::take(&mut leads) {
                self.orphan(&mut self.queue.lock(), round);
            }
        });
    }

    /// The last one that waits leads (I4). It is woken first: it has something to do.
    fn find_leader(&self, queue: &mut LockedBarrier<'_>, wakes: &mut WakeBatch, round: u64) {
        let outcome = |it| (it == round).then_some(Outcome::Passed(true));
        if !Self::hand(queue, wakes, End::Last, outcome) {
            self.orphan(queue, round);
        }
    }

    /// Hands an outcome to the first from `end` for which there is one.
    fn hand(
        queue: &mut LockedBarrier<'_>,
        wakes: &mut WakeBatch,
        end: End,
        outcome: impl Fn(u64) -> Option<Outcome>,
    ) -> bool {
        let pick = |seat: &mut Seat, _| {
            seat.outcome = outcome(seat.round);
            match seat.outcome {
                Some(_) => Pick::Take,
                None => Pick::Skip,
            }
        };
        queue.grant(end, Grant::Result, wakes, pick, |seat| seat.outcome = None)
    }

    /// Wakes those whose round has ended, beginning in this hold of the lock.
    fn release(&self, queue: LockedBarrier<'_>) {
        let mut queue = Some(queue);
        wake_in_batches(|wakes| {
            let mut queue = queue.take().unwrap_or_else(|| self.queue.lock());
            self.settle(&mut queue, wakes)
        });
    }

    /// Hands their outcome to those whose round has ended (I3). Returns true if the batch is full
    /// and there may be more.
    pub(super) fn settle(&self, queue: &mut LockedBarrier<'_>, wakes: &mut WakeBatch) -> bool {
        if !self.book(queue, |book| book.releasing) {
            return false;
        }
        let (round, reset, broken) = self.book(queue, |book| (book.round, book.reset, book.broken));
        let outcome = |it: u64| {
            if it < reset || broken && it == round {
                return Some(Outcome::Broken);
            }
            (it < round).then_some(Outcome::Passed(false))
        };
        while !wakes.is_full() {
            if !Self::hand(queue, wakes, End::First, outcome) {
                self.book(queue, |book| book.releasing = false);
                return false;
            }
        }
        true
    }

    /// Counts an arrival that waits, unless it would end the round or the barrier is broken (I2).
    pub(super) fn count(&self, seat: &mut Seat, queue: &mut LockedBarrier<'_>) -> Option<u64> {
        self.book(queue, |book| {
            if book.broken || book.is_last() {
                return None;
            }
            book.arrived += 1;
            seat.round = book.round;
            Some(book.round)
        })
    }

    /// A wait for a round in which it has arrived before; false if that is over.
    pub(super) fn sit(&self, round: u64, seat: &mut Seat, queue: &mut LockedBarrier<'_>) -> bool {
        seat.round = round;
        self.book(queue, |book| book.ended(round).is_none())
    }

    /// What became of a round, if it is over.
    pub(super) fn ended(&self, round: u64) -> Option<Outcome> {
        self.look(|book| book.ended(round))
    }

    /// The same for who holds the queue.
    pub(super) fn ended_meanwhile(
        &self,
        round: u64,
        queue: &mut LockedBarrier<'_>,
    ) -> Option<Outcome> {
        self.book(queue, |book| book.ended(round))
    }

    /// A wait that was counted in this round leaves. Returns what became of the round if it is over,
    /// else takes the arrival back or breaks the barrier.
    pub(super) fn uncount(&self, round: u64, queue: &mut LockedBarrier<'_>) -> Option<Outcome> {
        let on_stop = self.queue.state().on_stop;
        self.book(queue, |book| {
            let ended = book.ended(round);
            match (ended, on_stop) {
                (Some(_), _) => {}
                (None, OnStop::Retract) => book.arrived -= 1,
                (None, OnStop::Break) => book.break_off(),
            }
            ended
        })
    }

    /// A wait is stopped before it has arrived.
    pub(super) fn call_off(&self) {
        if self.queue.state().on_stop == OnStop::Retract {
            return;
        }
        let mut queue = self.queue.lock();
        self.book(&mut queue, Book::break_off);
        self.release(queue);
    }

    /// The leader of this round gives up its lead.
    pub(super) fn orphan(&self, queue: &mut LockedBarrier<'_>, round: u64) {
        let orphaned = self.book(queue, |book| {
            book.orphan(round);
            book.orphaned()
        });
        self.set_orphaned(orphaned);
    }

    fn set_orphaned(&self, orphaned: u32) {
        // Relaxed: written under the queue lock, and a hint: who reads it takes the lock.
        self.queue.state().orphaned.store(orphaned, RELAXED);
    }

    /// One that has passed this round returns: it leads if nobody else does (I4).
    pub(super) fn adopt(&self, round: u64) -> bool {
        // Relaxed: a leader that was dropped before this is seen; who is dropped meanwhile may come
        // too late.
        if self.queue.state().orphaned.load(RELAXED) & bit(round) == 0 {
            return false;
        }
        let mut queue = self.queue.lock();
        let adopt = |book: &mut Book| (book.adopt(round), book.orphaned());
        let (adopted, orphaned) = self.book(&mut queue, adopt);
        self.set_orphaned(orphaned);
        adopted
    }
}
