//! What a cell that is filled once knows, without its value: one word, who fills it, and those who
//! wait.
//!
//! # From
//! The three states of std's `OnceLock` and of tokio's `OnceCell`. Differs: who waits is in one queue
//! for threads and tasks, and a failure wakes those who would fill it themselves, not one of them
//! that may never look.
//!
//! # State
//! | bit | meaning | who leaves it |
//! |---|---|---|
//! | none of the next two | empty: who comes may begin | who begins |
//! | `RUNNING` | one holds the claim | that one: by filling, or by giving it up; if it was forgotten, who owns the cell exclusively |
//! | `FULL` | the value is there | who owns the cell exclusively |
//! | `WAITERS` | the queue is not empty, or was not | whoever holds the queue lock and finds it empty |
//!
//! # Fields
//! `owner`: the number of the thread that runs the claimant's code at this moment, or zero; written
//! by the holder of the claim only. A waiter's `Wish`: never changes.
//!
//! # Invariants
//! * I1: one holds the claim: `RUNNING` is set by an exchange that found neither it nor `FULL`. The
//!   value is written by that one, and read after `FULL`.
//! * I2: `WAITERS` is set, under the queue lock and in one exchange with the proof that the waiter
//!   has to wait, before it is linked.
//! * I3: whenever the queue lock is free and the cell is full, nobody is in the queue, or somebody
//!   has still to call `settle`; if it is empty, the same is true of those who would begin, or a
//!   blocked thread was granted a look, which begins, or finds that another one has begun.
//! * I4: `owner` is the number of a thread only while that thread runs the claimant's code.
//!
//! # Edges
//! * E1: release in `fill` → acquire in `is_full`: the value. Models: `both_see_the_value`,
//!   `who_waits_sees_the_value`.
//! * E2: release in `empty` → acquire in `try_begin`: what the claimant left in what the claim
//!   protects beside the value, such as the future of a `LazyCell`. Model: `another_resumes`.
//!
//! # Waiting
//! All of it is in one word, changed by read-modify-write only. Who fills or gives up before the
//! exchange that sets `WAITERS` is found by it (I2); who does after it sees `WAITERS` and settles.
//!
//! # Cancel
//! A baton that nobody takes up is settled again: the cell is full, or empty and another one may
//! begin, or somebody has begun who settles when it ends.
//!
//! # Panic
//! A claim that is dropped while unwinding leaves the cell empty. A panicking waker does not keep
//! the others from being woken.
//!
//! # Rejected
//! * Granting one waiter after a failure (a permit, as tokio's): a task that was granted and is not
//!   polled would hold up all others. So all tasks in line are woken, up to the first thread, which
//!   will look. After failures of `n` tasks in a row that is `n` squared wake-ups; failures are rare.
//! * Telling re-entrance by the task: there is none to ask. Whoever asks while its own thread runs
//!   the claimant's code would wait for itself.
//!
//! # Checked by
//! dev/model tests/once.rs; crates/sync tests/once.rs.

use crate::telemetry::{Facts, Telemetry, at_one_instant};
use core::cell::Cell;
use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::{AtomicU32, RELAXED, acquire, release};
use counterpoint_base::record;
use counterpoint_wait::queue::{Candidate, Grant, Locked, Pick, WaitQueue};
use counterpoint_wait::waker::{WakeBatch, wake_in_batches};

const RUNNING: u32 = 0b001;
const FULL: u32 = 0b010;
const WAITERS: u32 = 0b100;

/// The own words of a cell.
pub struct State {
    word: AtomicU32,
    owner: AtomicU32,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

/// What a waiter carries.
#[derive(Debug)]
pub struct Wish {
    /// It fills the cell if nobody else does; others wait until somebody has.
    begins: bool,
}

impl Wish {
    pub(super) const fn new(begins: bool) -> Wish {
        Wish { begins }
    }
}

/// What became of an attempt to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// The cell is full.
    Full,
    /// The claim is the caller's.
    Begun,
    /// Another one holds the claim.
    Running,
    /// The caller is run by who holds the claim.
    Reentrant,
}

type LockedOnce<'q> = Locked<'q, State, Wish>;

/// The word and the queue of a cell.
pub(super) struct RawOnce {
    queue: WaitQueue<State, Wish>,
}

impl RawOnce {
    const_fn! {
        #[cfg_attr(feature = "hooks", track_caller)]
        pub(super) const fn new(full: bool) -> RawOnce {
            RawOnce {
                queue: WaitQueue::new(State {
                    word: AtomicU32::new(if full { FULL } else { 0 }),
                    owner: AtomicU32::new(0),
                }),
            }
        }
    }

    #[inline(always)]
    pub(super) const fn queue(&self) -> &WaitQueue<State, Wish> {
        &self.queue
    }

    #[inline(always)]
    fn word(&self) -> &AtomicU32 {
        &self.queue.state().word
    }

    /// Whether the value is there.
    #[inline(always)]
    pub(super) fn is_full(&self) -> bool {
        // Acquire [E1]: pairs with the release in `fill`.
        self.word().load(acquire("once.full")) & FULL != 0
    }

    /// Whether somebody has the claim.
    pub(super) fn is_running(&self) -> bool {
        // Relaxed: a look.
        self.word().load(RELAXED) & RUNNING != 0
    }

    /// What state it is in.
    pub(super) fn telemetry(&self) -> Telemetry {
        at_one_instant("OnceCell", &self.queue, |_| {
            // Relaxed: a look, and one only, so that all of it is of one instant.
            let word = self.word().load(RELAXED);
            let (running, full) = (word & RUNNING != 0, word & FULL != 0);
            Facts {
                held: Some(usize::from(running)),
                free: Some(isize::from(!running && !full)),
                exclusive: running,
                closed: full,
                ..Facts::default()
            }
        })
    }

    /// The value is taken out by who owns the cell exclusively; a claim is one that was forgotten.
    pub(super) fn clear(&mut self) {
        // Relaxed: exclusive. Nodes of leaked operations may still be linked.
        self.word().fetch_and(WAITERS, RELAXED);
    }

    /// Whether who asks would wait for itself.
    pub(super) fn is_reentrant(&self) -> bool {
        // Relaxed: if this thread runs the claimant's code, nobody else changes it.
        self.word().load(RELAXED) & RUNNING != 0 && self.is_inside()
    }

    /// Begins, if the cell is empty (I1).
    pub(super) fn try_begin(&self) -> Start {
        while !self.is_full() {
            // Relaxed: a look; the exchange decides.
            let word = self.word().load(RELAXED);
            if word & RUNNING != 0 {
                return match self.is_inside() {
                    true => Start::Reentrant,
                    false => Start::Running,
                };
            }
            // Acquire [E2]: pairs with the release in `empty`. Failure reads nothing.
            let begun = word & FULL == 0
                && self
                    .word()
                    .compare_exchange(word, word | RUNNING, acquire("once.begin"), RELAXED)
                    .is_ok();
            if begun {
                return Start::Begun;
            }
        }
        Start::Full
    }

    /// Whether this thread runs the claimant's code.
    #[cold]
    fn is_inside(&self) -> bool {
        let owner = &self.queue.state().owner;
        // Relaxed, twice: only this thread can have written its own number (I4). Looked at behind
        // `with`: who had this number before has left, and that it did is seen with the number.
        owner.load(RELAXED) != 0
            && record::with(|record| owner.load(RELAXED) == record.index() as u32 + 1)
    }

    /// Runs `code` of who holds the claim.
    pub(super) fn inside<R>(&self, code: impl FnOnce() -> R) -> R {
        struct Leave<'r>(&'r AtomicU32);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                self.0.store(0, RELAXED); // Relaxed: I4; the release that ends the claim follows.
            }
        }
        // The record stays this thread's own while the code runs.
        record::with(|record| {
            let owner = &self.queue.state().owner;
            let _leave = Leave(owner);
            owner.store(record.index() as u32 + 1, RELAXED); // Relaxed: I4.
            code()
        })
    }

    /// The value was written.
    pub(super) fn fill(&self) {
        // Release [E1]: shows the value. `RUNNING` is set and `FULL` is not, so this replaces one by
        // the other.
        let word = self.word().fetch_add(FULL - RUNNING, release("once.fill"));
        self.settle_waiters(word);
    }

    /// The claim was given up.
    pub(super) fn empty(&self) {
        // Release [E2]: shows what was left behind to the next who begins.
        let word = self.word().fetch_and(!RUNNING, release("once.empty"));
        self.settle_waiters(word);
    }

    fn settle_waiters(&self, word: u32) {
        if word & WAITERS != 0 {
            wake_in_batches(|wakes| self.settle(&mut self.queue.lock(), wakes));
        }
    }

    /// Marks that somebody waits, or finds that an attempt may succeed (I2).
    pub(super) fn prepare(&self, wish: &Wish, _queue: &LockedOnce<'_>) -> bool {
        // Relaxed: publishes nothing; the attempt that follows acquires.
        let mut word = self.word().load(RELAXED);
        loop {
            if word & FULL != 0 || wish.begins && word & RUNNING == 0 {
                return true;
            }
            match self
                .word()
                .compare_exchange_weak(word, word | WAITERS, RELAXED, RELAXED)
            {
                Ok(_) => return false,
                Err(found) => word = found,
            }
        }
    }

    /// Grants whom the state of the cell concerns (I3). Returns true if the batch is full and there
    /// may be more to do.
    pub(super) fn settle(&self, queue: &mut LockedOnce<'_>, wakes: &mut WakeBatch) -> bool {
        // Relaxed: a look. Who ends a claim later settles later.
        let word = self.word().load(RELAXED);
        let full = word & FULL != 0;
        if word & RUNNING == 0 {
            // Who was granted is a thread that looks.
            let looks = Cell::new(false);
            let pick = |wish: &mut Wish, candidate: Candidate| {
                if looks.get() {
                    return Pick::Stop;
                }
                if !full && !wish.begins {
                    return Pick::Skip;
                }
                looks.set(!full && candidate.committed);
                Pick::Take
            };
            if !queue.grant_each(Grant::Baton, wakes, pick, |_| looks.set(false)) {
                return true;
            }
        }
        if queue.is_empty() {
            // Relaxed: nobody is in the queue, whose lock is held.
            self.word().fetch_and(!WAITERS, RELAXED);
        }
        false
    }
}
