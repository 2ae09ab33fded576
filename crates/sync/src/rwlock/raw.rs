//! The read-write lock without its data: one word, a small book, and the queue of those who wait.
//!
//! # From
//! The task-fair lock of std (a writer in line stops new readers) and the barging of our mutex:
//! who is woken does not own the lock, so a future that nobody polls cannot hold it. Readers in
//! line before a writer are let in by one settlement, not one by the other.
//!
//! # State
//! The word:
//! | bit | meaning | who leaves it |
//! |---|---|---|
//! | `WRITER` | held by one who writes | that one |
//! | `UPGRADABLE` | one of the readers may upgrade | that one |
//! | `WAITERS` | the queue is not empty, or was not | whoever holds the queue lock and finds it empty |
//! | `BARRED` | one who wants it alone is in line, or it is kept for one: no reader joins the others | whoever holds the queue lock and finds none |
//! | `FAIR` | newcomers queue, also if it is free; not who reads beside an upgradable reader while `BARRED` is clear | whoever holds the queue lock and finds no reason |
//! | `STARVING` | a waiter has lost for too long: the next grants are reservations | who makes them |
//! | `AWAKE` | a blocked thread that wants it alone holds a baton and will look: nobody else is granted | that thread |
//! | `UPGRADING` | the upgradable reader waits for the others to leave | whoever grants it; that one, when it leaves |
//! | `STRICT` | `FAIR` while anybody waits, and each grant is a reservation | nobody |
//! | `POISONED` | a writer panicked | `clear_poison` |
//! | the upper 22 | readers; the highest bit alone: no more fit (`FULL`) | each reader |
//!
//! # Fields
//! `Book`: under the queue lock. A waiter's `Want`: as payloads in `queue.rs` of the wait room; its
//! baton is written by the granter and taken by the owner.
//!
//! # Invariants
//! * I1: one writer or any number of readers: `WRITER` is set by an exchange that found no reader
//!   (or, upgrading, one) and no writer, and the number of readers grows by one that found no writer.
//! * I2: `WAITERS` is set, and `BARRED` by who wants it alone, under the queue lock and in one
//!   exchange with the proof that the lock cannot be had, before a waiter is linked.
//! * I3: whenever the queue lock is free, the first in line cannot be let in, or somebody else holds
//!   a baton, or is about to call `settle`: who let go and saw `WAITERS`, who gave a baton up, who
//!   left the queue, who was let in where others may follow. (A recursive reader in line may be able
//!   to come in sooner, if it looks; it is granted in its turn.)
//! * I4: `AWAKE` is cleared by the one thread whose baton says so. If it was not let in, it settles,
//!   since others held back for it.
//! * I5: `promised` counts the reserved batons that were neither taken up nor voided: below zero one
//!   that wants it alone, above zero readers. `FAIR` is set as long as it is not zero, `BARRED` as
//!   long as it is below. Such batons are taken up under the queue lock. An upgrade, which comes
//!   before all, voids a reservation for readers.
//! * I6: `writers` counts those in line who want it alone, and arms of selects among them that were
//!   granted elsewhere and have not yet left.
//!
//! # Edges
//! * E1: release in `release_write` and `downgrade` → acquire in `take`: the data. Models:
//!   `writers_exclude`, `downgrade_shows_what_was_written`.
//! * E2: release in `release_read` → acquire in `take` by a writer: readers have read before it is
//!   overwritten. All changes of the word are read-modify-write, so an acquire sees every release
//!   before it. Models: `readers_and_writers_exclude`, `upgrade_waits_for_readers`.
//!
//! # Waiting
//! All of it is in one word, changed by read-modify-write only. Whoever lets go before the exchange
//! that sets `WAITERS` is found by it (I2); who lets go after it sees `WAITERS`, takes the queue lock
//! and settles (I3).
//!
//! # Cancel
//! A waiter that leaves, or drops its baton, withdraws what it held back and settles: readers behind
//! a writer that has left are let in at once.
//!
//! # Panic
//! No foreign code runs here but wakers, after the queue lock was released. If one panics where the
//! caller has just been let in, the lock is given back. A panicking writer sets `POISONED`.
//!
//! # Rejected
//! * Handing the lock over: a future that is granted but not polled would hold it (futurelock), and
//!   with it keep all readers out.
//! * Keeping new readers out of a *free* lock because a writer was woken for it: the same.
//! * Waking readers one by the other (async-lock): they enter one wake-up apart.
//! * A grant to the next writer only when all readers of a pass have looked, without reservation:
//!   one of them may never look.
//!
//! # Checked by
//! dev/model tests/rwlock.rs; crates/sync tests/rwlock.rs.

use crate::telemetry::{Facts, Telemetry, at_one_instant};
use core::cell::Cell;
use core::fmt;
use counterpoint_base::prim::atomic::{AtomicU32, RELAXED, acquire, release};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::thread;
use counterpoint_base::{Backoff, const_fn};
use counterpoint_wait::queue::{End, Grant, Locked, Pick, WaitQueue};
use counterpoint_wait::waker::{WakeBatch, wake_in_batches};

use super::word::{
    AWAKE, BARRED, FAIR, FULL, Kind, POISONED, READER, READERS, SHUT, STARVING, STRICT, UPGRADABLE,
    UPGRADING, WAITERS, WRITER,
};
use crate::fairness::Patience;

/// Looks of a blocking newcomer, each twice as late as the one before; none in models, where it is
/// the sleep that matters.
const SPIN_ROUNDS: u32 = if cfg!(any(counterpoint_loom, counterpoint_shuttle)) {
    0
} else {
    7
};

/// The right to try, as it was granted; it is used up by one try.
#[derive(Debug, PartialEq, Eq)]
struct Baton {
    /// `AWAKE` was set for it (I4).
    awake: bool,
    /// The number of the reservation that it is part of (I5).
    reserved: Option<u16>,
}

/// What a waiter carries.
#[derive(Debug)]
pub struct Want {
    kind: Kind,
    baton: Option<Baton>,
}

impl Want {
    pub(super) const fn new(kind: Kind) -> Want {
        Want { kind, baton: None }
    }
}

/// What whoever holds the queue lock knows beside the word.
#[derive(Debug)]
struct Book {
    /// I6.
    writers: u32,
    /// I5.
    promised: i16,
    /// The number of the last reservation.
    number: u16,
}

impl Book {
    /// The reservation that stands, if one does.
    fn reservation(&self) -> Option<u16> {
        (self.promised != 0).then_some(self.number)
    }

    /// A reserved baton was given.
    fn promise(&mut self, alone: bool) {
        if alone {
            self.promised = 0;
        }
        if self.promised == 0 {
            self.number = self.number.wrapping_add(1);
        }
        self.promised += if alone { -1 } else { 1 };
    }

    /// A baton is taken up or given back. Returns whether it was part of the reservation that
    /// stands.
    fn discharge(&mut self, baton: &Baton) -> bool {
        let mine = baton.reserved.is_some() && baton.reserved == self.reservation();
        if mine {
            self.promised -= self.promised.signum();
        }
        mine
    }
}

/// The own words of a read-write lock.
pub struct State {
    word: AtomicU32,
    book: UnsafeCell<Book>,
}

// SAFETY: the book is reached under the queue lock only, through `RawRwLock::book`.
unsafe impl Sync for State {}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("word", &self.word)
            .finish_non_exhaustive()
    }
}

/// The queue of a read-write lock, locked.
pub(super) type LockedRwLock<'q> = Locked<'q, State, Want>;

/// The word, the book and the queue of a read-write lock.
pub(super) struct RawRwLock {
    queue: WaitQueue<State, Want>,
}

/// What one settlement has granted so far.
#[derive(Default)]
struct Pass {
    /// Somebody who reads.
    shared: bool,
    /// Somebody who may upgrade.
    upgradable: bool,
    /// Anybody.
    any: bool,
    /// A reservation for a task, which may never be polled.
    to_task: bool,
}

/// One who reads, upgradably or not, leaves again, unless it is forgotten.
struct Undo<'r>(&'r RawRwLock, bool);

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if self.1 {
            self.0.release_upgradable();
        } else {
            self.0.release_read();
        }
    }
}

impl RawRwLock {
    const_fn! {
        #[cfg_attr(feature = "hooks", track_caller)]
        pub(super) const fn new(strict: bool) -> RawRwLock {
            RawRwLock {
                queue: WaitQueue::new(State {
                    word: AtomicU32::new(if strict { STRICT } else { 0 }),
                    book: UnsafeCell::new(Book { writers: 0, promised: 0, number: 0 }),
                }),
            }
        }
    }

    #[inline(always)]
    pub(super) const fn queue(&self) -> &WaitQueue<State, Want> {
        &self.queue
    }

    #[inline(always)]
    fn word(&self) -> &AtomicU32 {
        &self.queue.state().word
    }

    fn book<R>(&self, _queue: &LockedRwLock<'_>, f: impl FnOnce(&mut Book) -> R) -> R {
        // SAFETY: the queue lock is held, and `f` is one of ours that does not reach the book again.
        self.queue
            .state()
            .book
            .with_mut(|book| f(unsafe { &mut *book }))
    }

    /// Comes in to read, if it may without having waited.
    #[inline]
    pub(super) fn try_read(&self) -> bool {
        // Relaxed: a look; the exchange decides.
        let word = self.word().load(RELAXED);
        // Acquire [E1]: pairs with the release of the last writer. Failure reads no data.
        word & SHUT == 0
            && self
                .word()
                .compare_exchange(word, word + READER, acquire("rwlock.read_fast"), RELAXED)
                .is_ok()
            || self.try_take(Kind::Read)
    }

    /// Comes in to write, if it may without having waited.
    #[inline]
    pub(super) fn try_write(&self) -> bool {
        // Acquire [E1, E2]: pairs with the releases of those who held it. Failure reads no data.
        self.word()
            .compare_exchange(0, WRITER, acquire("rwlock.write_fast"), RELAXED)
            .is_ok()
            || self.try_take(Kind::Write)
    }

    /// Comes in, if it may without having waited.
    pub(super) fn try_take(&self, kind: Kind) -> bool {
        self.take(kind, 0, |word| kind.is_open(word))
    }

    /// Comes in while `may` says so, and clears `marks`.
    fn take(&self, kind: Kind, marks: u32, may: impl Fn(u32) -> bool) -> bool {
        // Relaxed: a look; the exchange decides.
        let mut word = self.word().load(RELAXED);
        while may(word) {
            // Acquire [E1, E2]: pairs with the releases of those who held it. Failure reads no data.
            match self.word().compare_exchange_weak(
                word,
                kind.let_in(word & !marks),
                acquire("rwlock.take"),
                RELAXED,
            ) {
                Ok(_) => return true,
                Err(found) => word = found,
            }
        }
        false
    }

    /// A blocking newcomer spins for a moment while it cannot come in and nobody waits.
    #[cold]
    pub(super) fn spin(&self, kind: Kind) -> bool {
        if thread::parallelism() == 1 {
            return false;
        }
        let backoff = Backoff::new();
        for _ in 0..SPIN_ROUNDS {
            backoff.snooze();
            // Relaxed: a look; `try_take` decides.
            let word = self.word().load(RELAXED);
            if kind.is_open(word) && self.try_take(kind) {
                return true;
            }
            if word & (WAITERS | FAIR) != 0 {
                return false;
            }
        }
        false
    }

    /// One attempt of an operation, with the right that its baton gives if it was granted one.
    pub(super) fn attempt(&self, want: &mut Want, patience: &mut Patience) -> bool {
        let kind = want.kind;
        if let Some(baton) = want.baton.take() {
            if self.claim(kind, baton) {
                return true;
            }
            patience.lost();
        }
        self.try_take(kind) || patience.stands_behind() && self.take_overdue(kind, patience)
    }

    /// Comes in with the right of a baton: no matter who else is in line.
    fn claim(&self, kind: Kind, baton: Baton) -> bool {
        let marks = if baton.awake { AWAKE } else { 0 };
        if baton.reserved.is_none() {
            let claimed = self.take(kind, marks, |word| word & FAIR == 0 && kind.fits(word));
            // Relaxed: a look; if `FAIR` is set later, that is as if it had been set after the look.
            if claimed || (self.word().load(RELAXED) & FAIR == 0 && !baton.awake) {
                return claimed;
            }
        }
        let queue = self.queue.lock();
        let mine = self.book(&queue, |book| book.discharge(&baton) || book.promised == 0);
        let claimed = mine && self.take(kind, marks, |word| kind.fits(word));
        if !claimed {
            // Relaxed: publishes nothing; the queue lock is held (I4).
            self.word().fetch_and(!marks, RELAXED);
        }
        self.after(kind, claimed, queue)
    }

    /// Comes in although the lock is kept for others, who have had their time; they have no better
    /// right than anybody else from now on.
    #[cold]
    fn take_overdue(&self, kind: Kind, patience: &mut Patience) -> bool {
        let queue = self.queue.lock();
        let kept = self.book(&queue, |book| book.reservation());
        if !kept.is_some_and(|number| patience.expired(u32::from(number))) {
            return false;
        }
        let taken = self.take(kind, 0, |word| kind.fits(word));
        if taken {
            self.book(&queue, |book| book.promised = 0);
        }
        self.after(kind, taken, queue)
    }

    /// What is left to do after somebody came in under the queue lock, or gave up a baton. Returns
    /// whether it came in.
    fn after(&self, kind: Kind, claimed: bool, queue: LockedRwLock<'_>) -> bool {
        self.write_flags(&queue);
        let others = !queue.is_empty();
        drop(queue);
        // Others may follow who reads; and if it did not come in, they may come in its place (I3).
        if others {
            self.settle_beside(kind, claimed, false);
        }
        claimed
    }

    /// Lets those in who may follow one that came in to read, or that did not come in. If a waker
    /// panics, it leaves again.
    #[cold]
    fn settle_beside(&self, kind: Kind, inside: bool, left: bool) {
        if inside && kind.is_alone() {
            return;
        }
        let undo = inside.then(|| Undo(self, kind == Kind::Upgradable));
        wake_in_batches(|wakes| {
            let mut queue = self.queue.lock();
            self.settle_after(&mut queue, wakes, left)
        });
        core::mem::forget(undo);
    }

    /// One that left the line to try by itself came in, or did not (I3).
    #[cold]
    pub(super) fn tried(&self, kind: Kind, inside: bool) {
        self.settle_beside(kind, inside, true);
    }

    /// Marks that somebody waits, or finds that an attempt may succeed (I2).
    pub(super) fn prepare(
        &self,
        want: &Want,
        patience: &mut Patience,
        queue: &LockedRwLock<'_>,
    ) -> bool {
        let kind = want.kind;
        if queue.is_empty() {
            // Nobody waits: marks that are left over must not keep this one out.
            self.write_flags(queue);
        }
        let kept = self.book(queue, |book| book.reservation()).map(u32::from);
        // Relaxed: the data is not touched; the queue lock orders the queue.
        let mut word = self.word().load(RELAXED);
        loop {
            let overdue = kept.is_some_and(|number| patience.expired(number));
            if kind.is_open(word) || overdue && kind.fits(word) {
                return true;
            }
            let mut new = word | WAITERS;
            if kind.is_alone() {
                new |= BARRED;
            }
            if kind == Kind::Upgrade {
                new |= UPGRADING;
            }
            if patience.starving() {
                new |= STARVING | FAIR;
            }
            if word & STRICT != 0 {
                new |= FAIR;
            }
            match self
                .word()
                .compare_exchange_weak(word, new, RELAXED, RELAXED)
            {
                Ok(_) => {
                    // Who stands behind one that has had its time is woken when it can come in.
                    patience.behind(kept.filter(|_| !overdue));
                    self.book(queue, |book| book.writers += u32::from(kind.is_alone()));
                    return false;
                }
                Err(found) => word = found,
            }
        }
    }

    /// Whether a queued waiter that was polled may try by itself. If not, it notes the reservation
    /// it stands behind now, so that it looks again when that one has had its time.
    pub(super) fn look_again(
        &self,
        kind: Kind,
        patience: &mut Patience,
        queue: &LockedRwLock<'_>,
    ) -> bool {
        let kept = self.book(queue, |book| book.reservation()).map(u32::from);
        let overdue = kept.is_some_and(|number| patience.expired(number));
        // Relaxed: a look; the attempt decides.
        let word = self.word().load(RELAXED);
        let open = kind.is_open(word) || overdue && kind.fits(word);
        if open {
            self.leave(kind, queue);
            self.write_flags(queue);
        } else {
            patience.behind(kept.filter(|_| !overdue));
        }
        open
    }

    /// One who was counted in line is not any more (I6).
    pub(super) fn leave(&self, kind: Kind, queue: &LockedRwLock<'_>) {
        if kind.is_alone() {
            self.book(queue, |book| book.writers -= 1);
        }
        if kind == Kind::Upgrade {
            // Relaxed: publishes nothing; the queue lock is held.
            self.word().fetch_and(!UPGRADING, RELAXED);
        }
    }

    /// A baton that nobody claims.
    pub(super) fn unclaimed(&self, want: &mut Want, queue: &LockedRwLock<'_>) {
        let Some(baton) = want.baton.take() else {
            return;
        };
        self.book(queue, |book| book.discharge(&baton));
        if baton.awake {
            // Relaxed: publishes nothing; the queue lock is held (I4).
            self.word().fetch_and(!AWAKE, RELAXED);
        }
    }

    /// Clears the flags that the queue and the book do not call for.
    fn write_flags(&self, queue: &LockedRwLock<'_>) {
        // Relaxed: they publish nothing, and are set and cleared under the queue lock.
        let word = self.word().load(RELAXED);
        let (writers, promised) = self.book(queue, |book| (book.writers, book.promised));
        let barred = writers > 0 || promised < 0;
        let mut flags = if barred { BARRED } else { 0 };
        if !queue.is_empty() {
            flags |= WAITERS | STARVING;
            if word & (STRICT | STARVING) != 0 {
                flags |= FAIR;
            }
        }
        if promised != 0 {
            flags |= FAIR;
        }
        let cleared = (WAITERS | BARRED | FAIR | STARVING) & !flags;
        if word & cleared != 0 {
            self.word().fetch_and(!cleared, RELAXED);
        }
    }

    /// Grants whoever may come in next: all who read up to the next writer, or that one (I3).
    /// Returns true if the batch is full and there may be more to do.
    pub(super) fn settle(&self, queue: &mut LockedRwLock<'_>, wakes: &mut WakeBatch) -> bool {
        self.settle_after(queue, wakes, true)
    }

    /// `left`: somebody left the line or the lock, so that perhaps nobody looks at a reservation.
    fn settle_after(
        &self,
        queue: &mut LockedRwLock<'_>,
        wakes: &mut WakeBatch,
        left: bool,
    ) -> bool {
        let mut pass = Pass::default();
        // Relaxed: looks. Whoever lets go later settles later (I3).
        let awake = self.word().load(RELAXED) & (AWAKE | FAIR) == AWAKE;
        let mut more = false;
        while !awake && !queue.is_empty() {
            if wakes.is_full() {
                // What follows a pass of readers is for the one who lets go last.
                more = !pass.shared || self.first(queue).is_some_and(|kind| !kind.is_alone());
                break;
            }
            if !self.grant(queue, wakes, &mut pass) {
                break;
            }
        }
        let kept = self.book(queue, |book| book.promised != 0);
        if !more && kept && (pass.to_task || left && !pass.any) && !queue.is_empty() {
            // Whom it is kept for may never look. Who stands next does, and so knows from when on
            // the reservation is late; who left may be the one that was to look.
            more = wakes.is_full();
            queue.nudge(wakes);
        }
        self.write_flags(queue);
        more
    }

    /// What the first in line wants.
    fn first(&self, queue: &LockedRwLock<'_>) -> Option<Kind> {
        let mut first = None;
        queue.each(|want| {
            first = Some(want.kind);
            false
        });
        first
    }

    /// Grants the next, if it may come in and others do not come first.
    fn grant(&self, queue: &mut LockedRwLock<'_>, wakes: &mut WakeBatch, pass: &mut Pass) -> bool {
        // Relaxed: a look.
        let word = self.word().load(RELAXED);
        let (promised, number) = self.book(queue, |book| (book.promised, book.number));
        if promised < 0 || promised == i16::MAX {
            return false;
        }
        let reserve = promised > 0 || word & (STRICT | STARVING) != 0;
        let reserved = |kind: Kind| {
            let next = promised == 0 || kind.is_alone();
            reserve.then(|| number.wrapping_add(u16::from(next)))
        };
        let given = Cell::new(None);
        let granted = queue.grant(
            End::First,
            Grant::Baton,
            wakes,
            |want, candidate| {
                let pick = judge(want.kind, word, pass, promised > 0);
                if pick == Pick::Take {
                    let awake = candidate.committed && !reserve && want.kind.is_alone();
                    if awake {
                        // Relaxed: publishes nothing. Before the verdict, so that the claim finds it.
                        self.word().fetch_or(AWAKE, RELAXED);
                    }
                    want.baton = Some(Baton {
                        awake,
                        reserved: reserved(want.kind),
                    });
                    given.set(Some((want.kind, candidate.committed)));
                }
                pick
            },
            |want| {
                if want.baton.take().is_some_and(|baton| baton.awake) {
                    // Relaxed: as above; nobody can have claimed it.
                    self.word().fetch_and(!AWAKE, RELAXED);
                }
            },
        );
        let Some((kind, committed)) = given.take().filter(|_| granted) else {
            return false;
        };
        self.leave(kind, queue);
        if reserve {
            self.book(queue, |book| book.promise(kind.is_alone()));
            // Relaxed: as in `write_flags`.
            self.word().fetch_and(!STARVING, RELAXED);
            pass.to_task |= !committed;
        }
        pass.any = true;
        pass.shared |= !kind.is_alone();
        pass.upgradable |= kind == Kind::Upgradable;
        // Nobody comes in beside one that wants it alone.
        !kind.is_alone()
    }

    /// Settles, with as many batches as it takes.
    #[cold]
    pub(super) fn settle_all(&self) {
        wake_in_batches(|wakes| {
            let mut queue = self.queue.lock();
            self.settle(&mut queue, wakes)
        });
    }

    /// One who reads leaves.
    #[inline]
    pub(super) fn release_read(&self) {
        // Release [E2]: this reader has read before a writer comes in.
        let word = self
            .word()
            .fetch_sub(READER, release("rwlock.release_read"));
        if word & WAITERS != 0 {
            self.reader_left(word);
        }
    }

    /// Settles if who waits can come in now. `word`: before one who reads left.
    #[cold]
    fn reader_left(&self, word: u32) {
        let last = word & READERS == READER;
        let upgrades = word & READERS == 2 * READER && word & UPGRADING != 0;
        if last || upgrades || word & FULL != 0 {
            self.let_others_in(word);
        }
    }

    /// Settles, unless a thread that will look anyway does so. `word`: as its change found it.
    #[inline]
    fn let_others_in(&self, word: u32) {
        if word & WAITERS != 0 && word & (AWAKE | FAIR) != AWAKE {
            self.settle_all();
        }
    }

    /// The upgradable reader leaves.
    pub(super) fn release_upgradable(&self) {
        // Release [E2]: as in `release_read`. Both are there, so nothing is borrowed.
        let word = self
            .word()
            .fetch_sub(READER | UPGRADABLE, release("rwlock.release_upgradable"));
        self.let_others_in(word);
    }

    /// Who writes leaves.
    #[inline]
    pub(super) fn release_write(&self) {
        // Release [E1]: hands the data to whoever comes in next.
        let free =
            self.word()
                .compare_exchange(WRITER, 0, release("rwlock.release_write_fast"), RELAXED);
        if free.is_err() {
            self.release_write_slow();
        }
    }

    #[cold]
    fn release_write_slow(&self) {
        // Release [E1].
        let word = self
            .word()
            .fetch_and(!WRITER, release("rwlock.release_write"));
        self.let_others_in(word);
    }

    /// Who leaves next leaves the lock to the first in line.
    #[cold]
    pub(super) fn reserve_next(&self) {
        let queue = self.queue.lock();
        if !queue.is_empty() {
            // Relaxed: publishes nothing; the queue lock is held.
            self.word().fetch_or(STARVING | FAIR, RELAXED);
        }
    }

    /// Who writes goes on reading, as `to`. Others may follow: call `let_followers_in` once the new
    /// guard exists.
    pub(super) fn downgrade(&self, to: Kind) {
        let mut more = READER;
        if to == Kind::Upgradable {
            more |= UPGRADABLE;
        }
        // Release [E1]: shows the data to those who come in beside it. `WRITER` is set, so this
        // replaces it by a reader.
        self.word()
            .fetch_add(more - WRITER, release("rwlock.downgrade"));
    }

    /// The upgradable reader is one like the others from now on.
    pub(super) fn downgrade_upgradable(&self) {
        // Release [E1]: it has written nothing, but who may upgrade next sees what it read before,
        // which may have been kept beside the lock.
        self.word()
            .fetch_and(!UPGRADABLE, release("rwlock.no_upgrade"));
    }

    /// After a downgrade.
    pub(super) fn let_followers_in(&self) {
        // Relaxed: a look. Who queues later sees the downgraded lock.
        self.let_others_in(self.word().load(RELAXED));
    }

    /// What state it is in.
    pub(super) fn telemetry(&self) -> Telemetry {
        at_one_instant("RwLock", &self.queue, |_| {
            // Relaxed: a look, and one only, so that all of it is of one instant.
            let word = self.word().load(RELAXED);
            let writes = word & WRITER != 0;
            // One that may upgrade is among those who read.
            let held = (word / READER) as usize + usize::from(writes);
            Facts {
                held: Some(held),
                exclusive: writes,
                poisoned: word & POISONED != 0,
                ..Facts::default()
            }
        })
    }

    pub(super) fn is_locked(&self) -> bool {
        // Relaxed: a look.
        self.word().load(RELAXED) & (WRITER | READERS) != 0
    }

    pub(super) fn is_locked_to_write(&self) -> bool {
        // Relaxed: a look.
        self.word().load(RELAXED) & WRITER != 0
    }

    /// How many read.
    pub(super) fn readers(&self) -> usize {
        // Relaxed: a look.
        (self.word().load(RELAXED) / READER) as usize
    }

    pub(super) fn is_poisoned(&self) -> bool {
        // Relaxed: a holder sees what was poisoned before by E1.
        self.word().load(RELAXED) & POISONED != 0
    }

    pub(super) fn poison(&self) {
        // Relaxed: ordered by the release that follows.
        self.word().fetch_or(POISONED, RELAXED);
    }

    pub(super) fn clear_poison(&self) {
        // Relaxed: the flag guards no data.
        self.word().fetch_and(!POISONED, RELAXED);
    }
}

/// What a settlement does with one in line. `joins`: only readers may join the reservation that
/// stands.
fn judge(kind: Kind, word: u32, pass: &Pass, joins: bool) -> Pick {
    if word & UPGRADING != 0 {
        // While the upgradable reader is there no writer can come in, so it comes before all.
        return match kind {
            Kind::Upgrade if kind.fits(word) => Pick::Take,
            Kind::Upgrade => Pick::Stop,
            _ => Pick::Skip,
        };
    }
    match kind {
        Kind::Write | Kind::Upgrade if pass.shared || joins => Pick::Stop,
        // It does not keep the readers behind it out.
        Kind::Upgradable if pass.upgradable || word & UPGRADABLE != 0 => Pick::Skip,
        _ if kind.fits(word) => Pick::Take,
        _ => Pick::Stop,
    }
}
