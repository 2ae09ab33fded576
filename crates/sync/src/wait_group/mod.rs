//! A group of handles whose holders can wait until all the others are gone.
//!
//! # From
//! crossbeam-utils' `WaitGroup` (clone = add, drop = done, `wait(self)`). Differs: one word in
//! place of a mutex and a condition variable, waiting by reference, and all bounded forms.
//!
//! # State
//! The word, `active << 1 | WAITING`:
//! | part | meaning | who changes it |
//! |---|---|---|
//! | `active` | units that nobody waits with | `clone`, `drop` without the lock; lending and taking back under it |
//! | `WAITING` | somebody may be in the queue | set and cleared under the queue's lock |
//!
//! A handle holds one unit. Who waits lends the unit of its handle: it is no longer active.
//!
//! **A generation** is the time between two moments at which no unit is active while somebody
//! waits. That moment releases everybody who waits in the generation, and at the same moment all
//! units lent by reference are active again, so whoever waits next waits for them too. Units of
//! `wait(self)` end with their handles.
//!
//! # Fields
//! | field | who reads and writes it |
//! |---|---|
//! | `Turn` (number of the generation, units lent by reference in it) | holders of the queue's lock |
//! | `Lend` of a handle (generation, waits through this handle in it) | the same, and the handle's exclusive owner |
//! | a waiter's payload (its generation) | as in `queue.rs` of the wait room |
//!
//! # Invariants
//! * I1: a queued node's unit is lent: lending and queueing happen in one hold of the lock, and so
//!   do leaving and taking back.
//! * I2: a unit is lent once, however many threads wait through one handle: the first of them
//!   lends it, the last to leave takes it back.
//! * I3: `active` counts the handles that are alive less the lent ones, so it does not underflow.
//! * I4: a generation ends under the lock: its number goes up and its lent units come back in one
//!   hold. Nodes that carry an older number belong to ended generations and are granted, in as
//!   many batches as it takes; nodes that queue meanwhile carry the new number.
//! * I5: who leaves the queue after its generation ended, but before it was granted, has been
//!   released; it neither takes a unit back nor reports that it was stopped.
//!
//! # Edges
//! * E1: release in `done` → acquire in `look` (a wait that finds itself alone) and in `ending`
//!   (whoever ends a generation, then `queue.rs` E1 to its waiters): what each holder did before
//!   it dropped its handle. Every change of the word is a read-modify-write, so the release
//!   sequences of all drops reach the last value. Models: `last_unit_dropped_while_waiting`,
//!   `alone_sees_the_others_work`.
//!
//! # Waiting
//! A waiter lends with an exchange that fails if its unit is the last active one (then it ends
//! the generation itself). So it is queued, with `WAITING` set, while another unit is active; the
//! drop of that unit finds `WAITING`, takes the lock and finds the waiter.
//! A unit that becomes active between such a drop and its lock (a clone through a shared
//! reference, a wait that times out) goes on holding the group back: its own drop will end the
//! generation.
//!
//! # Cancel
//! A wait that is stopped or dropped while queued takes its unit back. `wait(self)` returns the
//! handle in its error; dropped, it drops the handle.
//!
//! # Panic
//! Only wakers are foreign. A handle dropped by unwinding counts as done.
//!
//! # Rejected
//! * Lending before queueing: the group may reach zero between both, and the waiter would miss
//!   the end of its own generation.
//! * Giving units back as each waiter is granted: who runs first could wait again and pass before
//!   the others were counted again.
//! * A unit per wait instead of per handle: two threads waiting through one `&WaitGroup` would
//!   lend one unit twice.
//!
//! # Checked by
//! tests/wait_group.rs, dev/model tests/wait_group.rs.

use crate::telemetry::{Facts, Telemetry, at_one_instant};
use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};
use counterpoint_base::prim::atomic::{AtomicUsize, RELAXED, acquire, release};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::hooks::{self, Hold, Site};
use counterpoint_wait::queue::{End, Grant, Locked, Pick, WaitQueue};
use counterpoint_wait::waker::{WakeBatch, wake_in_batches};
use counterpoint_wait::{Op, Stop};
use std::sync::Arc;

mod verb;

pub use verb::{WaitRefVerb, WaitVerb};

const WAITING: usize = 1;
const UNIT: usize = 2;

const fn active(word: usize) -> usize {
    word / UNIT
}

/// The generation and what was lent in it.
struct Turn {
    number: u64,
    lent: usize,
}

/// The state of a group; opaque.
#[doc(hidden)]
pub struct State {
    word: AtomicUsize,
    turn: UnsafeCell<Turn>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

// SAFETY: `turn` is reached only by holders of the queue's lock.
unsafe impl Sync for State {}

// No foreign code runs while the turn or a lend is changed.
impl UnwindSafe for State {}
impl RefUnwindSafe for State {}

/// What a queued waiter carries: the number of its generation.
#[doc(hidden)]
#[derive(Debug)]
pub struct Generation(u64);

struct Inner {
    queue: WaitQueue<State, Generation>,
}

type LockedGroup<'q> = Locked<'q, State, Generation>;

impl Inner {
    fn word(&self) -> &AtomicUsize {
        &self.queue.state().word
    }

    /// A unit came to be.
    #[inline(always)]
    fn tell_held(&self, site: Site) -> Hold {
        hooks::held("WaitGroup", &self.queue, site, 1)
    }

    /// Gives one unit up for good.
    fn done(&self) {
        // Release [E1]: hands over what this holder did. The last one acquires in `ending`.
        let before = self.word().fetch_sub(UNIT, release("wait_group.done"));
        debug_assert!(active(before) > 0, "I3");
        if before == UNIT | WAITING {
            self.end_if(|active, _| active == 0);
        }
    }

    /// Looks at the group for a wait. Returns the active units and whether somebody waits.
    fn look(&self) -> (usize, bool) {
        // Acquire [E1]: pairs with the releases in `done`, if the wait is over.
        let word = self.word().load(acquire("wait_group.look"));
        (active(word), word & WAITING != 0)
    }

    /// Ends the generation if `ends` says so, seeing the active units under the lock, and wakes
    /// everybody who waited in it.
    fn end_if(&self, ends: impl FnOnce(usize, &LockedGroup<'_>) -> bool) -> bool {
        let locked = self.queue.lock();
        // Acquire [E1]: pairs with the releases in `done`; the waiters get it by their grants.
        let word = self.word().load(acquire("wait_group.ending"));
        if !ends(active(word), &locked) {
            return false;
        }
        let lent = turn(&locked, |turn| {
            turn.number = turn.number.wrapping_add(1);
            core::mem::take(&mut turn.lent)
        });
        // Relaxed: nothing is published; the units come back (I4).
        self.word().fetch_add(lent * UNIT, RELAXED);
        let mut locked = Some(locked);
        wake_in_batches(|wakes| {
            let mut locked = locked.take().unwrap_or_else(|| self.queue.lock());
            release_ended(&mut locked, wakes);
            wakes.is_full()
        });
        true
    }
}

/// Runs `f` on the turn.
fn turn<R>(locked: &LockedGroup<'_>, f: impl FnOnce(&mut Turn) -> R) -> R {
    // SAFETY: the lock is held, and `f` is one of ours that does not reach the turn again.
    locked
        .state()
        .turn
        .with_mut(|turn| f(unsafe { &mut *turn }))
}

/// Grants the waiters of ended generations until the batch is full.
fn release_ended(locked: &mut LockedGroup<'_>, wakes: &mut WakeBatch) {
    let now = turn(locked, |turn| turn.number);
    let ended = |generation: &mut Generation, _| match generation.0 == now {
        true => Pick::Skip,
        false => Pick::Take,
    };
    while !wakes.is_full() {
        if !locked.grant(End::First, Grant::Result, wakes, ended, |_| ()) {
            break;
        }
    }
    clear_waiting(locked);
}

/// Clears the mark if nobody is left.
fn clear_waiting(locked: &LockedGroup<'_>) {
    if locked.is_empty() {
        // Relaxed: the mark publishes nothing, and it changes only under the lock.
        locked.state().word.fetch_and(!WAITING, RELAXED);
    }
}

/// Waits through one handle.
struct Lend {
    generation: u64,
    waits: usize,
}

/// A group of handles; see who is still there, and wait until the others are gone.
///
/// Every clone is one more thing to wait for, dropping a clone is that thing done. Use it to wait
/// for work whose number is not known in advance, for example threads that start others. To wait
/// for threads and their results use a scope or their join handles; to meet the same threads again
/// and again, a barrier.
///
/// [`wait`](Self::wait) consumes the handle, as in crossbeam. [`wait_ref`](Self::wait_ref) lends
/// the handle's own unit while it waits and takes it back: so several holders may wait at once, for
/// all who do not wait, and each has its handle again afterwards.
///
/// # Cancel safety
/// Every bounded form that ends without success leaves the group as it was: by value the handle
/// comes back in the error, by reference it holds its unit again.
///
/// # Deadlocks
/// A thread that keeps a second handle and waits, waits for itself.
///
/// # Cost
/// One allocation for a group, none for a clone or a wait. Clone and drop are one atomic addition
/// each (and one for the shared ownership); the drop that ends a wait takes a lock and wakes.
///
/// # Examples
/// ```
/// use counterpoint_sync::WaitGroup;
///
/// let group = WaitGroup::new();
/// for part in 0..4 {
///     let group = group.clone();
///     std::thread::spawn(move || {
///         // … work …
///         drop((part, group));
///     });
/// }
/// group.wait();
/// ```
pub struct WaitGroup {
    inner: Arc<Inner>,
    lend: UnsafeCell<Lend>,
    /// The unit, as it was told; it comes back with the handle.
    hold: Hold,
}

// SAFETY: `lend` is reached under the queue's lock or through `&mut WaitGroup`.
unsafe impl Sync for WaitGroup {}

impl UnwindSafe for WaitGroup {}
impl RefUnwindSafe for WaitGroup {}

impl fmt::Debug for WaitGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitGroup")
            .field("count", &self.count())
            .finish()
    }
}

impl Default for WaitGroup {
    #[cfg_attr(feature = "hooks", track_caller)]
    fn default() -> WaitGroup {
        WaitGroup::new()
    }
}

/// A wait by value that was stopped, and the handle that waited.
#[derive(Debug)]
pub enum WaitGroupError {
    /// The deadline came.
    TimedOut(WaitGroup),
    /// The token was cancelled, or the future given to `until` was ready.
    Cancelled(WaitGroup),
}

impl WaitGroupError {
    /// The handle back; it holds its unit.
    pub fn into_inner(self) -> WaitGroup {
        match self {
            WaitGroupError::TimedOut(group) | WaitGroupError::Cancelled(group) => group,
        }
    }

    /// Why it was stopped.
    pub const fn stop(&self) -> Stop {
        match self {
            WaitGroupError::TimedOut(_) => Stop::TimedOut,
            WaitGroupError::Cancelled(_) => Stop::Cancelled,
        }
    }
}

impl fmt::Display for WaitGroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.stop(), f)
    }
}

impl core::error::Error for WaitGroupError {}

/// The operation of [`WaitGroup::wait_async`].
pub type WaitGroupWait = Op<WaitVerb>;

/// The operation of [`WaitGroup::wait_ref_async`].
pub type WaitGroupWaitRef<'g> = Op<WaitRefVerb<'g>>;

impl WaitGroup {
    /// A group of one handle.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn new() -> WaitGroup {
        let inner = Arc::new(Inner {
            queue: WaitQueue::new(State {
                word: AtomicUsize::new(UNIT),
                turn: UnsafeCell::new(Turn { number: 0, lent: 0 }),
            }),
        });
        let hold = inner.tell_held(Site::here());
        WaitGroup::with(inner, hold)
    }

    /// A handle for a unit that is counted already.
    fn with(inner: Arc<Inner>, hold: Hold) -> WaitGroup {
        WaitGroup {
            inner,
            hold,
            lend: UnsafeCell::new(Lend {
                generation: 0,
                waits: 0,
            }),
        }
    }

    /// How many handles are there and not waiting, this one included. Others may change the
    /// number at any time.
    pub fn count(&self) -> usize {
        // Relaxed: a look that decides nothing.
        active(self.inner.word().load(RELAXED))
    }

    /// Waits until all other handles are dropped, or wait as well.
    ///
    /// ```
    /// use counterpoint_sync::WaitGroup;
    ///
    /// let group = WaitGroup::new();
    /// let worker = group.clone();
    /// std::thread::spawn(move || drop(worker));
    /// group.wait();
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait(self) {
        self.wait_async().wait();
    }

    /// Like [`wait`](Self::wait), but gives up after `timeout`. Zero still tries once.
    ///
    /// # Errors
    /// The handle, if time was up first.
    ///
    /// ```
    /// use counterpoint_sync::WaitGroup;
    /// use std::time::Duration;
    ///
    /// let group = WaitGroup::new();
    /// let other = group.clone();
    /// let group = group.wait_timeout(Duration::from_millis(1)).unwrap_err().into_inner();
    /// drop(other);
    /// group.wait();
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_timeout(self, timeout: Duration) -> Result<(), WaitGroupError> {
        self.wait_async().timeout(timeout).wait()
    }

    /// Like [`wait`](Self::wait), but gives up at `deadline`. One in the past still tries once.
    ///
    /// # Errors
    /// The handle, if the deadline came first.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_deadline(self, deadline: Instant) -> Result<(), WaitGroupError> {
        self.wait_async().deadline(deadline).wait()
    }

    /// [`wait`](Self::wait) as an operation.
    ///
    /// # Cancel safety
    /// Dropping it drops the handle.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_async(self) -> WaitGroupWait {
        verb::by_value(self)
    }

    /// Waits until all other handles are dropped, or wait as well. The handle stays.
    ///
    /// ```
    /// use counterpoint_sync::WaitGroup;
    ///
    /// let group = WaitGroup::new();
    /// for round in 0..2 {
    ///     let worker = group.clone();
    ///     std::thread::spawn(move || drop((round, worker)));
    ///     group.wait_ref();
    /// }
    /// assert_eq!(group.count(), 1);
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_ref(&self) {
        self.wait_ref_async().wait();
    }

    /// Like [`wait_ref`](Self::wait_ref), but gives up after `timeout`. Zero still tries once.
    ///
    /// # Errors
    /// [`Stop::TimedOut`], if time was up first.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_ref_timeout(&self, timeout: Duration) -> Result<(), Stop> {
        self.wait_ref_async().timeout(timeout).wait()
    }

    /// Like [`wait_ref`](Self::wait_ref), but gives up at `deadline`. One in the past still tries
    /// once.
    ///
    /// # Errors
    /// [`Stop::TimedOut`], if the deadline came first.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_ref_deadline(&self, deadline: Instant) -> Result<(), Stop> {
        self.wait_ref_async().deadline(deadline).wait()
    }

    /// [`wait_ref`](Self::wait_ref) as an operation.
    ///
    /// # Cancel safety
    /// Dropping it takes the unit back.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_ref_async(&self) -> WaitGroupWaitRef<'_> {
        verb::by_ref(self)
    }

    /// One attempt at [`wait_ref`](Self::wait_ref): true if nobody has to be waited for.
    ///
    /// It releases those who wait, as a successful wait does.
    #[must_use]
    pub fn try_wait(&self) -> bool {
        self.end_alone()
    }

    /// True if all other units are lent or gone: then the generation, if there is one, ends.
    fn end_alone(&self) -> bool {
        match self.inner.look() {
            (1, false) => true,
            (0 | 1, true) => self
                .inner
                .end_if(|active, locked| active == usize::from(!self.is_lent(locked))),
            _ => false,
        }
    }

    fn lend<R>(&self, _locked: &LockedGroup<'_>, f: impl FnOnce(&mut Lend) -> R) -> R {
        // SAFETY: the lock is held, and `f` is one of ours that does not reach the lend again.
        self.lend.with_mut(|lend| f(unsafe { &mut *lend }))
    }

    /// True if a wait through this handle has lent its unit (I2).
    fn is_lent(&self, locked: &LockedGroup<'_>) -> bool {
        let now = turn(locked, |turn| turn.number);
        self.lend(locked, |lend| lend.waits > 0 && lend.generation == now)
    }

    /// A queued operation that was leaked without its destructor may have left the unit lent:
    /// takes it back.
    fn reclaim(&mut self) {
        if self.lend.get_mut().waits > 0 {
            let locked = self.inner.queue.lock();
            if self.is_lent(&locked) {
                turn(&locked, |turn| turn.lent -= 1);
                self.lend(&locked, |lend| lend.waits = 0);
                // Relaxed: nothing is published; a unit comes back.
                self.inner.word().fetch_add(UNIT, RELAXED);
            }
        }
    }

    /// The group, and the duty to call `done` for this handle's unit.
    fn into_unit(mut self) -> (Arc<Inner>, Hold) {
        self.reclaim();
        let this = core::mem::ManuallyDrop::new(self);
        // SAFETY: `this` is not dropped and not used again, so the reference moves out once.
        (unsafe { core::ptr::read(&this.inner) }, this.hold)
    }

    /// Names the group, for all its handles, in what the hooks tell. Without the feature `hooks`
    /// this does nothing.
    #[inline(always)]
    pub fn named(&self, name: &'static str) {
        hooks::name(&self.inner.queue, name);
    }

    /// What state it is in, all of one instant; see [`Telemetry`].
    pub fn telemetry(&self) -> Telemetry {
        at_one_instant("WaitGroup", &self.inner.queue, |locked| Facts {
            // Relaxed: a look, and one only, so that all of it is of one instant.
            held: Some(active(locked.state().word.load(RELAXED))),
            ..Facts::default()
        })
    }

    /// Those who wait at this instant, in the order of their places.
    #[cfg(feature = "hooks")]
    pub fn waiters(&self) -> Vec<hooks::Waiter> {
        hooks::visit(&self.inner.queue)
    }
}

impl Clone for WaitGroup {
    /// One more handle to wait for.
    #[cfg_attr(feature = "hooks", track_caller)]
    fn clone(&self) -> WaitGroup {
        // Relaxed: publishes nothing; who clones holds a handle, so the group is alive.
        let before = self.inner.word().fetch_add(UNIT, RELAXED);
        if before > usize::MAX / 2 {
            // As in `Arc`: only leaked handles get here, and going on would overflow.
            std::process::abort();
        }
        let hold = self.inner.tell_held(Site::here());
        WaitGroup::with(self.inner.clone(), hold)
    }
}

impl Drop for WaitGroup {
    /// The handle's work is done.
    fn drop(&mut self) {
        self.reclaim();
        hooks::released(self.hold);
        self.inner.done();
    }
}

crate::mutex::obligations! {
    [] WaitGroup: hold;
}
