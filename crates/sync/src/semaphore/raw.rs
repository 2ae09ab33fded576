//! The semaphore without its permits: one word, a book of what was promised, and the queue of
//! those who wait.
//!
//! # From
//! The batch semaphore of tokio (one queue for batches of all sizes). Differs: permits stay in the
//! counter until they are claimed, so a queued batch hoards nothing and a future that nobody polls
//! holds nothing; a release without waiters takes no lock; debt is a negative count.
//!
//! # State
//! The word:
//! | bit | meaning | who leaves it |
//! |---|---|---|
//! | `CLOSED` | no permit is given any more | nobody |
//! | `WAITERS` | the queue is not empty, or was not | whoever holds the queue lock and finds it empty |
//! | `FAIR` | newcomers queue even if permits are there | whoever holds the queue lock and finds no reason |
//! | the upper 61 | permits in the counter, signed: below zero is debt | everybody, by read-modify-write |
//!
//! A waiter that was granted a baton has a promise: its permits are in the counter, and others
//! are granted only what is there beyond all promises. A promise binds granters; newcomers only
//! while `FAIR`.
//!
//! # Fields
//! `Book`: under the queue lock. A waiter's `Want`: as payloads in `queue.rs` of the wait room;
//! `promise` is written by the granter and taken by the owner.
//!
//! # Invariants
//! * I1: permits leave the counter by an exchange that found at least as many in it (only
//!   `reduce` goes below).
//! * I2: `WAITERS` is set, under the queue lock and in one exchange with the proof that what is
//!   wanted cannot be had, before a waiter is linked.
//! * I3: whenever the queue lock is free, the first waiter wants more than the counter holds beyond
//!   the promises, or somebody has still to call `settle`: who added permits and saw `WAITERS`,
//!   who gave a baton back, who left the queue, who claimed in vain what is enough for the first.
//! * I4: `promised` is the sum of the promises that were neither taken by their owners nor
//!   voided; a promise carries the number of its age class, and the book knows which are void.
//! * I5: `FAIR` is set while a waiter starves, or, if strict, while anybody is queued or promised
//!   something. It may be set for longer, but only until a newcomer looks under the lock.
//! * I6: waiters stand in the order of their tickets, given once at the first queueing; those
//!   that were granted and lost come back before them, in the order in which they come.
//!
//! # Edges
//! * E1: release in `release` and `add` → acquire in `try_take` and `take_locked`: what the last holder of
//!   the permit did, or who added it. All changes of the word are read-modify-write, so an acquire sees every
//!   release before it. Models: `permits_carry_data`, `queued_permits_carry_data`,
//!   `added_permits_carry_data`.
//! * E2: release in `close` → acquire look where `CLOSED` was seen: what the closer did before.
//!   Model: `close_wakes_or_refuses`.
//!
//! # Waiting
//! Permits and `WAITERS` are in one word. A release before the exchange that sets `WAITERS` is
//! found by it (I2); one after it sees `WAITERS`, takes the lock and settles (I3).
//!
//! # Cancel
//! A waiter that leaves, or drops its baton, withdraws its promise and settles: a smaller batch
//! behind it may fit now.
//!
//! # Panic
//! No foreign code runs here. Waiters that are dropped while unwinding settle as well.
//!
//! # Rejected
//! * Handing permits to waiters (tokio): a batch hoards, and futurelock.
//! * One baton at a time, passed on by the one who claims: waiters of one release wake one after
//!   the other.
//! * Batons without promises: each release would wake again for permits on their way.
//! * Waking a second waiter in case the first is never polled: an extra wake-up for each. What a
//!   dormant waiter was promised goes to others when anyone comes by after the grace period; see
//!   docs/design/004-fairness.md.
//!
//! # Checked by
//! dev/model tests/semaphore.rs; crates/sync tests/semaphore.rs.

use crate::telemetry::{Facts, Telemetry, at_one_instant};
use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};
use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::{AtomicU64, RELAXED, acquire, release};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::time::{Instant, deadline, reached};
use counterpoint_wait::queue::{End, Grant, Locked, Pick, WaitQueue};
use counterpoint_wait::waker::{WakeBatch, wake_in_batches};

use crate::fairness::{GRACE, STARVING_AFTER};

const CLOSED: u64 = 0b001;
const WAITERS: u64 = 0b010;
const FAIR: u64 = 0b100;
const SHIFT: u32 = 3;

/// A quarter of what the counter could hold, so that an overflow is seen before it wraps.
pub(super) const MAX: u64 = if usize::BITS < 64 {
    usize::MAX as u64
} else {
    u64::MAX >> 6
};

/// What the counter holds; negative: debt.
#[inline(always)]
const fn permits(word: u64) -> i64 {
    word as i64 >> SHIFT
}

/// As many permits, as a change of the word.
#[inline(always)]
const fn units(permits: i64) -> u64 {
    (permits as u64) << SHIFT
}

/// What one waiter wants, and what it was promised.
#[derive(Debug)]
pub struct Want {
    pub(super) min: i64,
    ticket: Option<u32>,
    promise: Option<Promise>,
}

impl Want {
    pub(super) const fn new(min: i64) -> Want {
        Want {
            min,
            ticket: None,
            promise: None,
        }
    }

    /// The promise, which is the owner's to discharge.
    pub(super) fn take_promise(&mut self) -> Option<Promise> {
        self.promise.take()
    }
}

/// Permits that are kept for a waiter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Promise {
    permits: i64,
    age: u32,
}

/// What whoever holds the queue lock knows about the waiters.
#[derive(Debug)]
struct Book {
    /// The sum of the promises.
    promised: i64,
    /// The part of it that is void at `expires`: the promises with the number before `age`.
    aging: i64,
    /// When the aging promises are void. `None`: none is aging.
    expires: Option<Instant>,
    /// The number of promises made now.
    age: u32,
    /// The next ticket.
    ticket: u32,
    /// How often a promise was taken up: shows that those who were granted are alive.
    claims: u32,
    /// Waiters that have lost for too long.
    starving: u32,
    /// The first in line for which releases did not suffice, and when it starves.
    passed: Option<(u32, Instant)>,
    /// It does.
    passing: bool,
}

impl Book {
    /// From now on the promises made so far are aging.
    fn watch(&mut self) {
        if self.promised > 0 && self.expires.is_none() {
            self.expires = deadline(GRACE);
            self.aging = self.promised;
            self.age = self.age.wrapping_add(1);
        }
    }

    /// Voids promises that have aged long enough. Returns whether there were any.
    fn expire(&mut self) -> bool {
        let due = self.expires.is_some_and(reached);
        let mut voided = false;
        if due {
            self.promised -= self.aging;
            voided = self.aging > 0;
            self.expires = None;
            self.aging = 0;
        }
        self.watch();
        voided
    }

    /// The owner of a promise has come, or gives it up (I4).
    fn discharge(&mut self, promise: Promise) {
        if promise.age == self.age {
            self.promised -= promise.permits;
        } else if self.expires.is_some() && promise.age == self.age.wrapping_sub(1) {
            self.promised -= promise.permits;
            self.aging -= promise.permits;
        }
        if self.promised == 0 {
            self.expires = None;
        }
    }
}

/// The own words of a semaphore.
pub struct State {
    word: AtomicU64,
    book: UnsafeCell<Book>,
    ceiling: usize,
    strict: bool,
}

// SAFETY: the book is reached under the queue lock only, through `RawSemaphore::book`.
unsafe impl Sync for State {}

// No foreign code runs while the book is changed.
impl UnwindSafe for State {}
impl RefUnwindSafe for State {}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("word", &self.word)
            .finish_non_exhaustive()
    }
}

/// The queue of a semaphore, locked.
pub(super) type LockedSemaphore<'q> = Locked<'q, State, Want>;

/// Why nothing was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Closed,
    /// Not enough in the counter.
    Few,
    /// Newcomers queue.
    Fair,
}

/// The right with which permits are taken under the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    /// A promise was made: whatever is in the counter, even if it was closed since.
    Promise,
    /// Order does not matter: whatever is in the counter.
    Any,
    /// First in line: what is there beyond the promises to others.
    Line,
}

/// The counter and the queue of a semaphore.
pub(super) struct RawSemaphore {
    queue: WaitQueue<State, Want>,
}

impl RawSemaphore {
    const_fn! {
        #[cfg_attr(feature = "hooks", track_caller)]
        pub(super) const fn new(permits: usize, ceiling: usize, strict: bool) -> RawSemaphore {
            let state = State {
                word: AtomicU64::new((permits as u64) << SHIFT),
                book: UnsafeCell::new(Book {
                    promised: 0,
                    aging: 0,
                    expires: None,
                    age: 0,
                    ticket: 0,
                    claims: 0,
                    starving: 0,
                    passed: None,
                    passing: false,
                }),
                ceiling,
                strict,
            };
            RawSemaphore { queue: WaitQueue::new(state) }
        }
    }

    pub(super) const fn set_ceiling(&mut self, ceiling: usize) {
        self.queue.state_mut().ceiling = ceiling;
    }

    #[inline(always)]
    pub(super) const fn queue(&self) -> &WaitQueue<State, Want> {
        &self.queue
    }

    #[inline(always)]
    const fn word(&self) -> &AtomicU64 {
        &self.queue.state().word
    }

    #[inline(always)]
    pub(super) const fn ceiling(&self) -> usize {
        self.queue.state().ceiling
    }

    fn book<R>(&self, queue: &mut LockedSemaphore<'_>, f: impl FnOnce(&mut Book) -> R) -> R {
        debug_assert!(core::ptr::eq(queue.state(), self.queue.state()));
        // SAFETY: the lock is held, by the one `LockedSemaphore` that is lent exclusively.
        queue.state().book.with_mut(|book| f(unsafe { &mut *book }))
    }

    /// Permits in the counter; negative: debt.
    pub(super) fn permits(&self) -> i64 {
        // Relaxed: a look.
        permits(self.word().load(RELAXED))
    }

    /// What state it is in.
    pub(super) fn telemetry(&self) -> Telemetry {
        at_one_instant("Semaphore", &self.queue, |_| {
            // Relaxed: a look, and one only, so that all of it is of one instant.
            let word = self.word().load(RELAXED);
            Facts {
                free: Some(permits(word) as isize),
                closed: word & CLOSED != 0,
                ..Facts::default()
            }
        })
    }

    /// After `CLOSED` was seen.
    fn see_closer(&self) {
        // Acquire [E2]: pairs with the release in `close`, whatever has changed since.
        self.word().load(acquire("semaphore.closed"));
    }

    pub(super) fn is_closed(&self) -> bool {
        // Relaxed: a look; another one follows if it matters.
        let closed = self.word().load(RELAXED) & CLOSED != 0;
        if closed {
            self.see_closer();
        }
        closed
    }

    /// Takes `min` to `max` permits if they are there and newcomers need not queue.
    #[inline]
    pub(super) fn try_take(&self, min: i64, max: i64) -> Result<i64, Refused> {
        // Relaxed: a look; the exchange decides.
        let mut word = self.word().load(RELAXED);
        loop {
            if word & (CLOSED | FAIR) != 0 || permits(word) < min {
                return self.refuse(word, min);
            }
            let taken = max.min(permits(word)).max(0);
            // Acquire [E1]: pairs with the release in `release`. Failure reads no data.
            match self.word().compare_exchange_weak(
                word,
                word.wrapping_sub(units(taken)),
                acquire("semaphore.take"),
                RELAXED,
            ) {
                Ok(_) => return Ok(taken),
                Err(found) => word = found,
            }
        }
    }

    #[cold]
    fn refuse(&self, word: u64, min: i64) -> Result<i64, Refused> {
        if word & CLOSED != 0 {
            self.see_closer();
            return Err(Refused::Closed);
        }
        match (min, permits(word) < min) {
            (0, _) => Ok(0),
            (_, true) => Err(Refused::Few),
            (_, false) => Err(Refused::Fair),
        }
    }

    /// A newcomer that will not wait, while newcomers queue: takes what is kept for nobody.
    #[cold]
    pub(super) fn try_take_fair(&self, min: i64, max: i64) -> Result<i64, Refused> {
        let mut queue = self.queue.lock();
        let voided = self.book(&mut queue, Book::expire);
        let taken = match queue.is_empty() {
            true => self.take_locked(&mut queue, min, max, Right::Line),
            false => None,
        };
        self.write_flags(&mut queue);
        drop(queue);
        if voided && taken.is_none() {
            self.settle_all();
        }
        // The flag may have been cleared: then the counter alone decides.
        taken.map_or_else(|| self.try_take(min, max), Ok)
    }

    /// Takes permits under the lock, and sees to the flags.
    pub(super) fn take_locked(
        &self,
        queue: &mut LockedSemaphore<'_>,
        min: i64,
        max: i64,
        right: Right,
    ) -> Option<i64> {
        let promised = self.book(queue, |book| book.promised);
        let flags = self.flags(queue);
        // Relaxed: a look; the exchange decides.
        let mut word = self.word().load(RELAXED);
        loop {
            let free = permits(word) - promised;
            let there = if right == Right::Line {
                free
            } else {
                permits(word)
            };
            if there < min || (word & CLOSED != 0 && right != Right::Promise) {
                return None;
            }
            // At least what is wanted; more only of what is kept for nobody.
            let taken = max.min(free.max(min));
            let new = ((word & !(WAITERS | FAIR)) | flags).wrapping_sub(units(taken));
            // Acquire [E1]: as in `try_take`.
            match self
                .word()
                .compare_exchange_weak(word, new, acquire("semaphore.claim"), RELAXED)
            {
                Ok(_) => return Some(taken),
                Err(found) => word = found,
            }
        }
    }

    /// The flags that the queue and the book call for (I5).
    fn flags(&self, queue: &mut LockedSemaphore<'_>) -> u64 {
        let waiters = if queue.is_empty() { 0 } else { WAITERS };
        let strict = self.queue.state().strict;
        let fair = self.book(queue, |book| {
            book.starving > 0
                || book.passing && waiters != 0
                || strict && (waiters != 0 || book.promised > 0)
        });
        waiters | if fair { FAIR } else { 0 }
    }

    pub(super) fn write_flags(&self, queue: &mut LockedSemaphore<'_>) {
        let flags = self.flags(queue);
        // Relaxed: the flags publish nothing; the queue lock is held.
        let cleared = (WAITERS | FAIR) & !flags;
        if self.word().load(RELAXED) & cleared != 0 {
            self.word().fetch_and(!cleared, RELAXED);
        }
    }

    /// A waiter with a baton comes for its permits, or gives its promise up.
    pub(super) fn discharge(&self, queue: &mut LockedSemaphore<'_>, promise: Promise) {
        self.book(queue, |book| {
            book.discharge(promise);
            book.claims = book.claims.wrapping_add(1);
        });
    }

    /// A waiter starves from now on, or does not any more.
    pub(super) fn starve(&self, queue: &mut LockedSemaphore<'_>, starving: bool) {
        self.book(queue, |book| {
            book.starving = if starving {
                book.starving + 1
            } else {
                book.starving - 1
            };
        });
    }

    /// The number of the state of affairs that newcomers stand behind: while it does not change,
    /// nobody who was granted comes. `None`: nobody stands in their way.
    pub(super) fn reservation(&self, queue: &mut LockedSemaphore<'_>) -> Option<u32> {
        // Relaxed: a look; `FAIR` changes under the queue lock.
        let fair = self.word().load(RELAXED) & FAIR != 0;
        self.book(queue, |book| {
            (fair && book.promised > 0).then_some(book.claims)
        })
    }

    /// Whether a waiter with this ticket is first in line, or would be.
    fn is_first(&self, queue: &LockedSemaphore<'_>, ticket: Option<u32>) -> bool {
        let mut first = true;
        queue.each(|want| {
            first = match (ticket, want.ticket) {
                (Some(mine), Some(front)) => (mine.wrapping_sub(front) as i32) <= 0,
                _ => false,
            };
            false
        });
        first
    }

    /// Whether `try_take` would succeed now.
    pub(super) fn is_open(&self, min: i64) -> bool {
        // Relaxed: a look.
        let word = self.word().load(RELAXED);
        word & (CLOSED | FAIR) == 0 && permits(word) >= min
    }

    /// Whether newcomers queue even if permits are there.
    pub(super) fn is_fair(&self) -> bool {
        // Relaxed: a look; `FAIR` changes under the queue lock.
        self.word().load(RELAXED) & FAIR != 0
    }

    /// Whether `take_waiting` would take.
    pub(super) fn could_take(
        &self,
        queue: &mut LockedSemaphore<'_>,
        min: i64,
        ticket: Option<u32>,
        impatient: bool,
    ) -> bool {
        let line = self.is_fair() && !impatient;
        let promised = self.book(queue, |book| if line { book.promised } else { 0 });
        // Relaxed: a look.
        let word = self.word().load(RELAXED);
        word & CLOSED == 0
            && permits(word) - promised >= min
            && (!line || self.is_first(queue, ticket))
    }

    /// Takes permits for a waiter that looks under the lock. `impatient`: it has waited behind
    /// others' promises for the whole grace period.
    pub(super) fn take_waiting(
        &self,
        queue: &mut LockedSemaphore<'_>,
        want: (i64, i64),
        ticket: Option<u32>,
        impatient: bool,
    ) -> Option<i64> {
        let right = match self.is_fair() && !impatient {
            true if !self.is_first(queue, ticket) => return None,
            true => Right::Line,
            false => Right::Any,
        };
        self.take_locked(queue, want.0, want.1, right)
    }

    /// Marks that somebody waits, for what cannot be had now (I2). Returns false if the word has
    /// changed and it should look again.
    pub(super) fn mark(&self, queue: &mut LockedSemaphore<'_>, want: &mut Want) -> bool {
        let strict = self.queue.state().strict;
        let (promised, starving) = self.book(queue, |book| (book.promised, book.starving > 0));
        let fair = if strict || starving { FAIR } else { 0 };
        // Relaxed: a look; the exchange decides. It publishes nothing: the lock orders the queue.
        let word = self.word().load(RELAXED);
        let enough = permits(word) >= want.min;
        let blocked = word & FAIR != 0
            && (permits(word) - promised < want.min || !self.is_first(queue, want.ticket));
        if word & CLOSED != 0 || (enough && !blocked) {
            return false;
        }
        let marked = word | WAITERS | fair;
        if self
            .word()
            .compare_exchange(word, marked, RELAXED, RELAXED)
            .is_err()
        {
            return false;
        }
        want.ticket = want.ticket.or_else(|| {
            self.book(queue, |book| {
                book.ticket = book.ticket.wrapping_add(1);
                Some(book.ticket)
            })
        });
        // If it stands behind promises, they may not stand for ever.
        self.book(queue, Book::watch);
        true
    }

    /// The ticket of a waiter.
    pub(super) fn ticket(want: &Want) -> Option<u32> {
        want.ticket
    }

    /// Grants whoever comes first as long as it fits (I3). Returns true if the batch is full and
    /// there may be more to do.
    pub(super) fn settle(&self, queue: &mut LockedSemaphore<'_>, wakes: &mut WakeBatch) -> bool {
        let mut granted = false;
        while !queue.is_empty() {
            if wakes.is_full() {
                return true;
            }
            if self.grant_first(queue, wakes) {
                granted = true;
                continue;
            }
            // Nobody fits. If that is so because of old promises, they are void.
            if granted || !self.is_promised(queue) || !self.book(queue, Book::expire) {
                break;
            }
        }
        self.watch_first(queue);
        self.write_flags(queue);
        false
    }

    /// Who stays first while permits come, since newcomers take them, starves at some time.
    fn watch_first(&self, queue: &mut LockedSemaphore<'_>) {
        let mut first = None;
        queue.each(|want| {
            first = want.ticket;
            false
        });
        let passing = self.book(queue, |book| {
            match (first, book.passed) {
                (Some(first), Some((known, at))) if first == known => book.passing = reached(at),
                _ => {
                    book.passing = false;
                    book.passed = first.zip(deadline(STARVING_AFTER));
                }
            }
            book.passing
        });
        if passing {
            // Relaxed: as in `write_flags`.
            self.word().fetch_or(FAIR, RELAXED);
        }
    }

    fn grant_first(&self, queue: &mut LockedSemaphore<'_>, wakes: &mut WakeBatch) -> bool {
        let (promised, age) = self.book(queue, |book| (book.promised, book.age));
        // Relaxed: a look. Who adds permits later settles later (I3).
        let free = permits(self.word().load(RELAXED)) - promised;
        let mut given = 0;
        let granted = queue.grant(
            End::First,
            Grant::Baton,
            wakes,
            |want, _| {
                if want.min > free {
                    return Pick::Stop;
                }
                given = want.min;
                want.promise = Some(Promise {
                    permits: given,
                    age,
                });
                Pick::Take
            },
            |want| want.promise = None,
        );
        if granted {
            self.book(queue, |book| book.promised += given);
        }
        granted
    }

    /// Whether the first waiter fits. Not while nothing is free, so that a wait costs one look more.
    #[inline]
    pub(super) fn first_fits(&self, queue: &mut LockedSemaphore<'_>) -> bool {
        // Relaxed: a look, not older than the exchange of `mark`. Who adds permits after that finds
        // `WAITERS`, and settles.
        let there = permits(self.word().load(RELAXED));
        if there <= 0 {
            return false;
        }
        let free = there - self.book(queue, |book| book.promised);
        let mut fits = false;
        queue.each(|want| {
            fits = want.min <= free;
            false
        });
        fits
    }

    /// Whether the first waiter would fit if nothing were promised.
    fn is_promised(&self, queue: &LockedSemaphore<'_>) -> bool {
        let mut fits = false;
        // Relaxed: a look.
        let there = permits(self.word().load(RELAXED));
        queue.each(|want| {
            fits = want.min <= there;
            false
        });
        fits
    }

    /// Settles, with as many batches as it takes.
    #[cold]
    pub(super) fn settle_all(&self) {
        wake_in_batches(|wakes| {
            let mut queue = self.queue.lock();
            self.settle(&mut queue, wakes)
        });
    }

    /// Puts permits into the counter that nobody had. Returns false if they are too many: then there was no
    /// moment at which anybody could have had them.
    pub(super) fn add(&self, count: u64) -> bool {
        // Relaxed: a look; the exchange decides.
        let mut word = self.word().load(RELAXED);
        loop {
            if permits(word) > MAX as i64 - count as i64 {
                return false;
            }
            let new = word.wrapping_add(count << SHIFT);
            // Release [E1]: what this thread did, for the acquire of the next.
            match self
                .word()
                .compare_exchange_weak(word, new, release("semaphore.add"), RELAXED)
            {
                Ok(_) => break,
                Err(found) => word = found,
            }
        }
        self.let_in(word);
        true
    }

    /// Puts permits back into the counter. Returns false, and does not, if they are too many.
    #[inline]
    pub(super) fn release(&self, count: u64) -> bool {
        if count == 0 {
            return true;
        }
        // Release [E1]: what this holder did, for the acquire of the next.
        let word = self
            .word()
            .fetch_add(count << SHIFT, release("semaphore.release"));
        if permits(word) > MAX as i64 - count as i64 {
            self.word().fetch_sub(count << SHIFT, RELAXED); // Relaxed: takes back.
            return false;
        }
        self.let_in(word);
        true
    }

    /// Permits were put into the counter, where `word` was.
    #[inline(always)]
    fn let_in(&self, word: u64) {
        if word & WAITERS != 0 {
            self.settle_all();
        }
    }

    /// Takes up to `count` permits out of the counter for good.
    pub(super) fn forget(&self, count: i64) -> i64 {
        // Relaxed: a look; the exchange decides. Nobody uses the permits.
        let mut word = self.word().load(RELAXED);
        loop {
            let taken = count.min(permits(word)).max(0);
            let new = word.wrapping_sub(units(taken));
            match self
                .word()
                .compare_exchange_weak(word, new, RELAXED, RELAXED)
            {
                Ok(_) => return taken,
                Err(found) => word = found,
            }
        }
    }

    /// Takes `count` permits out of the counter for good, below zero if need be. Returns false,
    /// and does not, if the debt would be too large.
    pub(super) fn reduce(&self, count: i64) -> bool {
        // Relaxed: a look; the exchange decides. Nobody uses the permits.
        let mut word = self.word().load(RELAXED);
        loop {
            if permits(word) - count < -(MAX as i64) {
                return false;
            }
            let new = word.wrapping_sub(units(count));
            match self
                .word()
                .compare_exchange_weak(word, new, RELAXED, RELAXED)
            {
                Ok(_) => return true,
                Err(found) => word = found,
            }
        }
    }

    /// Closes for good and wakes everybody.
    pub(super) fn close(&self) {
        wake_in_batches(|wakes| {
            let mut queue = self.queue.lock();
            // Release [E2]: what the closer did before.
            self.word().fetch_or(CLOSED, release("semaphore.close"));
            let take = |_: &mut Want, _| Pick::Take;
            while !wakes.is_full() {
                if !queue.grant(End::First, Grant::Baton, wakes, take, |_| ()) {
                    self.write_flags(&mut queue);
                    return false;
                }
            }
            true
        });
    }
}
