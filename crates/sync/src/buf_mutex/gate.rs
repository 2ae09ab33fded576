//! The gate of a buffered mutex: one holder at a time of the protected value, a count of the
//! shares that are out, and those who wait for either.
//!
//! # From
//! A test-and-set lock that backs off before it sleeps, and a reference count, in one word: a
//! share that ends merges, unlocks and counts itself off by one subtraction.
//!
//! # State
//! The word, `shares << 3 | IDLING | ENTERING | BUSY`:
//! | part | meaning | who changes it |
//! |---|---|---|
//! | `BUSY` | somebody holds the value | set by who enters; cleared by the same thread |
//! | `ENTERING` | somebody may be queued to enter | set and cleared under the queue's lock |
//! | `IDLING` | somebody may be queued until no share is out | set and cleared under the queue's lock |
//! | `shares` | shares that are out | `open`; `Entered::drop`, `abandon` |
//!
//! # Fields
//! | field | who reads and writes it |
//! |---|---|
//! | `value` | the holder of `BUSY`, or the exclusive owner of the gate |
//! | `holder` | written by the holder of `BUSY`; anyone compares it with its own record |
//! | `broken` | set by a holder that unwinds; a flag for people |
//!
//! # Invariants
//! * I1: between setting and clearing `BUSY` only one thread reaches `value`; user code runs with
//!   it, but never under the queue's lock.
//! * I2: `holder` is the address of this thread's record if and only if this thread holds the
//!   gate: it writes the address after entering and clears it before leaving, and a record belongs
//!   to one thread at a time (a later owner of the record has acquired what the earlier one did).
//! * I3: `BUSY` is cleared however the user's code ends: by a return or by unwinding.
//!
//! # Edges
//! * E1: release in `Entered::drop` → acquire of whoever enters (`try_enter`): the value. Model:
//!   `merges_exclude_each_other`.
//! * E2: release in `Entered::drop` and `abandon` → acquire in `is_idle` and in `settle` (then
//!   `queue.rs` E1): what each share's thread did before its share ended. Models:
//!   `idle_sees_every_merge`, `idle_sees_what_was_abandoned`.
//!
//! # Waiting
//! Under the queue's lock a waiter sets its mark and looks at the value the word had: if the gate
//! was free (or idle) it tries again, else whoever changes that later finds the mark, takes the
//! lock and finds the waiter. To enter is a baton, which newcomers may overtake; idleness is
//! handed.
//!
//! # Cancel
//! A wait for idleness leaves the queue and nothing else. To enter cannot be cancelled.
//!
//! # Panic
//! A panic in the user's code leaves by `Entered::drop` (I3) and sets `broken`; the value stays
//! reachable. Entering again on the same thread panics with [`Reentered`] (I2) instead of waiting
//! for itself.
//!
//! # Rejected
//! * A second word for the shares: one more read-modify-write for each share.
//! * Not counting borrowed shares: one read-modify-write less for each, but nobody could wait for
//!   them. (With the count a share costs 6.9 ns without contention where openmp-reducer, which
//!   has none, takes 4.3 ns: least of 300 runs, on a busy machine.)
//! * The number of the thread's record as `holder`: under a checker all are zero.
//!
//! # Checked by
//! tests/buf_mutex.rs, dev/model tests/buf_mutex.rs.

use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr;
use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::{AtomicBool, AtomicUsize, RELAXED, acquire, release};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::{hint, thread};
use counterpoint_base::record::{self, Record, RecordRef};
use counterpoint_wait::hooks::{self, Hold, Site};
use counterpoint_wait::op::{LockedQueue, Op, Stop, Turn, Verb};
use counterpoint_wait::queue::{End, Grant, Pick, WaitQueue};
use counterpoint_wait::waker::{WakeBatch, wake_in_batches};

const BUSY: usize = 0b001;
const ENTERING: usize = 0b010;
const IDLING: usize = 0b100;
const SHARE: usize = 0b1000;

/// True where each pause is a step that a checker explores.
const CHECKED: bool = cfg!(any(counterpoint_loom, counterpoint_shuttle));

/// Rounds of looking at a held gate before the thread sleeps, each twice as long as the one
/// before, from [`FIRST_ROUND`] up to [`LONGEST_ROUND`]. A loser that stays away for longer than
/// a merge takes leaves the line to the winner, which merges again and again without moving it
/// between cores.
const ROUNDS: u32 = if CHECKED { 2 } else { 8 };

/// A round is two to the power of its number of pauses.
const FIRST_ROUND: u32 = if CHECKED { 0 } else { 6 };
const LONGEST_ROUND: u32 = if CHECKED { 0 } else { 7 };

const fn shares(word: usize) -> usize {
    word / SHARE
}

/// The payload of the panic of a merge (or of a `Clone` in `peek`) that reaches its own
/// `BufMutex`, which it holds: waiting for itself would never end.
///
/// The panic unwinds through the merge, which releases the `BufMutex`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reentered {
    /// The type that was reached again.
    pub name: &'static str,
}

impl fmt::Display for Reentered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "counterpoint: {} reached again from inside its own merge",
            self.name
        )
    }
}

impl core::error::Error for Reentered {}

/// What a queued waiter wants.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// To hold the value.
    Entry,
    /// That no share is out.
    Idleness,
}

type Queue = WaitQueue<AtomicUsize, Wants>;

/// A value, who holds it, and how many shares of it are out.
pub(super) struct Gate<P> {
    queue: Queue,
    holder: AtomicUsize,
    broken: AtomicBool,
    value: UnsafeCell<P>,
}

// SAFETY: I1: one thread at a time reaches the value, which moves between threads like that.
unsafe impl<P: Send> Sync for Gate<P> {}

// As of a mutex: what a merge that panicked has left is shown by `broken`.
impl<P> UnwindSafe for Gate<P> {}
impl<P> RefUnwindSafe for Gate<P> {}

/// How a share leaves the gate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving {
    /// It stays out.
    Stays,
    /// It is counted off.
    Ends,
}

impl<P> Gate<P> {
    const_fn! {
        #[cfg_attr(feature = "hooks", track_caller)]
        pub(super) const fn new(value: P) -> Gate<P> {
            Gate {
                queue: WaitQueue::new(AtomicUsize::new(0)),
                holder: AtomicUsize::new(0),
                broken: AtomicBool::new(false),
                value: UnsafeCell::new(value),
            }
        }
    }

    #[inline]
    fn word(&self) -> &AtomicUsize {
        self.queue.state()
    }

    pub(super) fn into_inner(self) -> P {
        self.value.into_inner()
    }

    pub(super) fn get_mut(&mut self) -> &mut P {
        self.value.get_mut()
    }

    /// Counts one more share.
    #[inline]
    pub(super) fn open(&self) {
        // Relaxed: a number alone; the gate itself is reached by a reference.
        let before = self.word().fetch_add(SHARE, RELAXED);
        if before > usize::MAX / 2 {
            // As in `Arc`: only leaked shares get here, and going on would overflow.
            std::process::abort();
        }
    }

    /// Counts a share off that had nothing to merge, or could not.
    pub(super) fn abandon(&self) {
        // Release [E2]: hands over what the share's thread did.
        let before = self.word().fetch_sub(SHARE, release("buf_mutex.abandon"));
        if shares(before) == 1 && before & IDLING != 0 {
            settle_all(&self.queue);
        }
    }

    /// How many shares are out.
    pub(super) fn outstanding(&self) -> usize {
        // Relaxed: a look that decides nothing.
        shares(self.word().load(RELAXED))
    }

    /// Tells of a share that was made at `site`.
    #[inline(always)]
    pub(super) fn tell_held(&self, kind: &'static str, site: Site) -> Hold {
        hooks::held(kind, &self.queue, site, 1)
    }

    #[inline(always)]
    pub(super) fn named(&self, name: &'static str) {
        hooks::name(&self.queue, name);
    }

    #[cfg(feature = "hooks")]
    pub(super) fn waiters(&self) -> Vec<hooks::Waiter> {
        hooks::visit(&self.queue)
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    pub(super) fn wait_idle(&self) -> Op<WaitIdleVerb<'_>> {
        Op::new(WaitIdleVerb { queue: &self.queue }, Wants::Idleness)
    }

    pub(super) fn is_broken(&self) -> bool {
        // Relaxed, here and below: a flag for people; the value is ordered by the gate.
        self.broken.load(RELAXED)
    }

    pub(super) fn clear_broken(&self) {
        self.broken.store(false, RELAXED);
    }

    /// Runs `f` with the value on behalf of `site`, waiting for others that hold it.
    ///
    /// # Panics
    /// With [`Reentered`] if this thread holds it.
    #[inline]
    pub(super) fn with<R>(
        &self,
        site: Site,
        name: fn() -> &'static str,
        leaving: Leaving,
        f: impl FnOnce(&mut P) -> R,
    ) -> R {
        record::with(move |record| {
            let me = address(record);
            if !try_enter(&self.queue) {
                self.enter_slow(site, me, name);
            }
            self.hold(site, me, leaving, f)
        })
    }

    /// Runs `f` with the value, or gives `f` back if somebody holds it for longer than a short
    /// spin. `spin` is the number of rounds to look.
    pub(super) fn try_with<R, F: FnOnce(&mut P) -> R>(
        &self,
        site: Site,
        spin: u32,
        leaving: Leaving,
        f: F,
    ) -> Result<R, F> {
        record::with(move |record| {
            let me = address(record);
            if try_enter(&self.queue) || (!self.is_held_by(me) && self.spin(spin)) {
                Ok(self.hold(site, me, leaving, f))
            } else {
                Err(f)
            }
        })
    }

    /// True if this thread holds the value.
    pub(super) fn is_held(&self) -> bool {
        record::with(|record| self.is_held_by(address(record)))
    }

    #[inline]
    fn is_held_by(&self, me: usize) -> bool {
        // Relaxed: only this thread writes its own address (I2).
        self.holder.load(RELAXED) == me
    }

    #[inline]
    fn hold<R>(&self, site: Site, me: usize, leaving: Leaving, f: impl FnOnce(&mut P) -> R) -> R {
        // Relaxed: see I2.
        self.holder.store(me, RELAXED);
        let mut entered = Entered {
            queue: &self.queue,
            holder: &self.holder,
            broken: &self.broken,
            leaving,
            returned: false,
            told: hooks::held("BufMutexEntry", &self.queue, site, 1),
        };
        // SAFETY: I1: this thread has set BUSY, and `entered` clears it after `f`.
        let result = self.value.with_mut(|value| f(unsafe { &mut *value }));
        entered.returned = true;
        result
    }

    /// Looks at a held gate for a while. True if it was entered.
    fn spin(&self, rounds: u32) -> bool {
        if thread::parallelism() < 2 {
            return false;
        }
        for round in FIRST_ROUND..FIRST_ROUND + rounds {
            for _ in 0..1u32 << round.min(LONGEST_ROUND) {
                hint::spin_loop();
            }
            if try_enter(&self.queue) {
                return true;
            }
        }
        false
    }

    #[cold]
    fn enter_slow(&self, site: Site, me: usize, name: fn() -> &'static str) {
        if self.is_held_by(me) {
            std::panic::panic_any(Reentered { name: name() });
        }
        if !self.spin(ROUNDS) {
            let enter = Op::new(EnterVerb { queue: &self.queue }, Wants::Entry);
            enter.made_at(site).wait();
        }
    }
}

impl<P: fmt::Debug> fmt::Debug for Gate<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.try_with(Site::here(), 0, Leaving::Stays, |value| value.fmt(f)) {
            Ok(result) => result,
            Err(_) => f.write_str("<locked>"),
        }
    }
}

/// What stands for the stripe-picking number of this thread.
pub(super) fn stripe(count: usize) -> usize {
    record::with(|record| record.index() % count)
}

fn address(record: &RecordRef) -> usize {
    if cfg!(any(counterpoint_loom, counterpoint_shuttle)) {
        // A checker frees records at the end of their threads; I2 needs them to stay.
        let _ = record.clone().into_raw();
    }
    ptr::from_ref::<Record>(record) as usize
}

/// Sets `BUSY`, if it was clear.
#[inline]
fn try_enter(queue: &Queue) -> bool {
    let word = queue.state();
    // Relaxed: a look that keeps the line shared while somebody else holds it.
    if word.load(RELAXED) & BUSY != 0 {
        return false;
    }
    // Acquire [E1]: pairs with the release in `Entered::drop`.
    word.fetch_or(BUSY, acquire("buf_mutex.enter")) & BUSY == 0
}

fn is_idle(queue: &Queue) -> bool {
    // Acquire [E2]: pairs with the releases in `Entered::drop` and `abandon`.
    shares(queue.state().load(acquire("buf_mutex.idle"))) == 0
}

/// Holds `BUSY` until dropped.
struct Entered<'g> {
    queue: &'g Queue,
    holder: &'g AtomicUsize,
    broken: &'g AtomicBool,
    leaving: Leaving,
    returned: bool,
    told: Hold,
}

impl Drop for Entered<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.returned {
            // Relaxed: a flag for people.
            self.broken.store(true, RELAXED);
        }
        hooks::released(self.told);
        // Relaxed: see I2.
        self.holder.store(0, RELAXED);
        let (gone, ended) = match self.leaving {
            Leaving::Stays => (BUSY, 0),
            Leaving::Ends => (BUSY + SHARE, 1),
        };
        // Release [E1], [E2]: hands over the value, and what the share's thread did.
        let before = self
            .queue
            .state()
            .fetch_sub(gone, release("buf_mutex.leave"));
        let idle = ended == shares(before) && before & IDLING != 0;
        if before & ENTERING != 0 || idle {
            settle_all(self.queue);
        }
    }
}

#[cold]
fn settle_all(queue: &Queue) {
    // Goes on with the next batch also if a waker panics (W5).
    wake_in_batches(|wakes| settle(&mut queue.lock(), wakes));
}

/// Grants what can be granted. True if the batch is full.
fn settle(
    locked: &mut counterpoint_wait::queue::Locked<'_, AtomicUsize, Wants>,
    wakes: &mut WakeBatch,
) -> bool {
    // Acquire [E2]: whoever is handed idleness sees all merges, also those of other threads than
    // this one. A change after this look is settled by whoever makes it: it finds the marks.
    let word = locked.state().load(acquire("buf_mutex.settle"));
    let wanted = |wants: Wants| {
        move |payload: &mut Wants, _| match *payload == wants {
            true => Pick::Take,
            false => Pick::Skip,
        }
    };
    if word & BUSY == 0 {
        locked.grant(
            End::First,
            Grant::Baton,
            wakes,
            wanted(Wants::Entry),
            |_| (),
        );
    }
    if shares(word) == 0 {
        while !wakes.is_full() {
            let idle = wanted(Wants::Idleness);
            if !locked.grant(End::First, Grant::Result, wakes, idle, |_| ()) {
                break;
            }
        }
    }
    let marks = word & (ENTERING | IDLING);
    let mut left = 0;
    locked.each(|payload| {
        left |= mark(*payload);
        left & marks != marks
    });
    // Relaxed: marks publish nothing and change only under the lock.
    locked
        .state()
        .fetch_and(left | !(ENTERING | IDLING), RELAXED);
    wakes.is_full()
}

fn mark(wants: Wants) -> usize {
    match wants {
        Wants::Entry => ENTERING,
        Wants::Idleness => IDLING,
    }
}

/// Sets a mark under the lock. Returns the word as it was.
fn set_mark(
    locked: &counterpoint_wait::queue::Locked<'_, AtomicUsize, Wants>,
    wants: Wants,
) -> usize {
    // Relaxed: publishes nothing. The next change of the word reads it, since both are
    // read-modify-writes.
    locked.state().fetch_or(mark(wants), RELAXED)
}

/// Waits until nobody holds the gate, and enters.
struct EnterVerb<'g> {
    queue: &'g Queue,
}

// SAFETY: one queue, that of the gate it borrows; no method moves the verb.

unsafe impl Verb for EnterVerb<'_> {
    type State = AtomicUsize;
    type Payload = Wants;
    type Output = ();
    type Stoppable = ();

    const NAME: &'static str = "BufMutex::enter";

    fn queue(&self) -> &Queue {
        self.queue
    }

    fn attempt(&mut self, _payload: &mut Wants, _turn: Turn) -> Option<()> {
        try_enter(self.queue).then_some(())
    }

    fn prepare(&mut self, p: &mut Wants, _turn: Turn, queue: &mut LockedQueue<'_, Self>) -> bool {
        set_mark(queue, *p) & BUSY == 0
    }

    fn collect(&mut self, _payload: &mut Wants) {}

    fn unclaimed(&mut self, _payload: &mut Wants, _queue: &mut LockedQueue<'_, Self>) {}

    fn settle(&mut self, queue: &mut LockedQueue<'_, Self>, wakes: &mut WakeBatch) -> bool {
        settle(queue, wakes)
    }

    fn finish((): ()) {}

    fn stopped(&mut self, _payload: &mut Wants, _why: Stop) {}
}

/// The verb of [`WaitIdle`](super::WaitIdle).
#[derive(Debug)]
pub struct WaitIdleVerb<'g> {
    queue: &'g Queue,
}

// SAFETY: one queue, that of the gate it borrows; no method moves the verb.

unsafe impl Verb for WaitIdleVerb<'_> {
    type State = AtomicUsize;
    type Payload = Wants;
    type Output = ();
    type Stoppable = Result<(), Stop>;

    const NAME: &'static str = "BufMutex::wait_idle";

    fn queue(&self) -> &Queue {
        self.queue
    }

    fn attempt(&mut self, _payload: &mut Wants, _turn: Turn) -> Option<()> {
        is_idle(self.queue).then_some(())
    }

    fn prepare(&mut self, p: &mut Wants, _turn: Turn, queue: &mut LockedQueue<'_, Self>) -> bool {
        shares(set_mark(queue, *p)) == 0
    }

    fn collect(&mut self, _payload: &mut Wants) {}

    fn unclaimed(&mut self, _payload: &mut Wants, _queue: &mut LockedQueue<'_, Self>) {}

    fn settle(&mut self, queue: &mut LockedQueue<'_, Self>, wakes: &mut WakeBatch) -> bool {
        settle(queue, wakes)
    }

    fn finish((): ()) -> Result<(), Stop> {
        Ok(())
    }

    fn stopped(&mut self, _payload: &mut Wants, why: Stop) -> Result<(), Stop> {
        Err(why)
    }
}
