//! The protocol of the stage: one head, the tickets, and the queue of those who wait.
//!
//! # From
//! Schmidt et al., "Leader/Followers" (2000), and the behaviour of exit-left's `Stage`, whose
//! documentation alone was used. Differs: a token belongs to its ticket as long as that lives; the
//! headship is passed on as a baton, in order; what is left for a ticket lies in the ticket.
//!
//! # State
//! Of the stage:
//! | `held` | `promised` | meaning | who leaves it |
//! |---|---|---|---|
//! | no | no | nobody heads, and nobody is linked | who enters |
//! | yes | no | somebody heads | the head, when it leaves |
//! | no | yes | the first in line was granted the headship | it, or a newcomer: either heads; or it stops: passed on |
//! | yes | yes | as above, and a newcomer was faster | the head; or the one that was granted: it queues again |
//!
//! `closed` is set once.
//!
//! Of a ticket, its `Mail`: `Nothing` → `Token` (`notify`) or `Value` (`notify_with`); `Token` →
//! `Value`; back to `Nothing` only by the one that waits with the ticket, who takes it.
//!
//! # Fields
//! All of `Inner` and of each `Place` is reached under the lock of the queue. `head_thread` is written
//! by the thread that heads in a closure, and read by threads that compare it with themselves.
//! `access` decides once, by an exchange, whether the resource is ever lent exclusively or ever shared.
//!
//! # Invariants
//! * I1: one heads: who finds `held` clear under the lock sets it, and a `Director` clears it once.
//! * I2: who links found `held` set and no mail in the same hold of the lock; who gives mail to a
//!   ticket with a linked node grants the node in the same hold of the lock.
//! * I3: unless it is closed: while `held` is clear and somebody is linked, `promised` is set, and the
//!   entry of one node that was granted says so. Whoever clears either goes through `promote`.
//! * I4: an entry never has mail and a promise: who gives mail to a promised one takes the promise
//!   away and promotes the next, in the same hold of the lock.
//! * I5: `seat` is the linked node of an entry or null. Who cuts the node out clears it, in the same
//!   hold of the lock.
//! * I6: a node keeps its entry. So one of an operation that was leaked refers to an entry that is
//!   there; the next that comes with this ticket, or its drop, cuts the node out.
//! * I7: no foreign code runs under the lock: tokens are hashed and compared, and entries, tokens,
//!   values and wakers dropped, without it.
//! * I8: an entry is in the table as long as its ticket lives, and no two of the table have equal
//!   tokens: who inserts has compared its token with each entry of the same hash, up to the number of
//!   the last one, without leaving the lock after the last look.
//!
//! # Edges
//! None of its own. The resource goes from head to head under the lock of the queue, or with the
//! baton (queue.rs E1, in the wait room); what a notifier did before is seen by the one it told in
//! the same way. Models: `resource_goes_from_head_to_head`, `notify_carries_data`.
//!
//! # Waiting
//! Who waits looks at its mail, at `closed` and at `held` under the lock and links in the same hold
//! (I2). A notifier that comes before is seen, one that comes after finds `seat`. A head that leaves
//! before is seen, one that leaves after finds the queue.
//! Newcomers may take a headship that was promised: what they wait for is their token, and whoever
//! heads brings it. The one that was promised then keeps its place in line, and nobody else is woken
//! meanwhile, unless it is overtaken again and again and does not look: then the promise goes to the
//! next.
//!
//! # Cancel
//! Who stops looks once more: mail first (it is kept in the ticket, so it is never lost with a
//! borrowed ticket; one that ends with its operation is taken out of the table in the same hold of the
//! lock in which it looks last), then the headship it was promised, and only then does it stop; a promise that it
//! does not take is passed on (I3).
//!
//! # Panic
//! Foreign code is the closure of a head, whose `Director` passes the headship on; hashing and
//! comparing, which happen before anything is changed; wakers, which run last; and destructors of
//! tokens and values, which run after the entry is out of the table.
//!
//! # Rejected
//! * Mail handed through the node: a ticket whose owner stops at the same moment would have to give
//!   it back, and there would be two places to look.
//! * A hand-over that no newcomer can overtake: a promoted future that nobody polls would stop
//!   everybody's events.
//! * A flag on the node for the promise: a notifier could not take it away.
//! * A busy mark that makes a re-entrant `Eq` panic: with entries that are shared pointers, tokens are
//!   compared without any lock, and re-entry just works.
//!
//! # Checked by
//! dev/model tests/stage.rs; crates/sync tests/stage.rs, tests/stage_regressions.rs.

use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::ptr;
use counterpoint_base::prim::atomic::{AtomicU32, AtomicU64, RELAXED};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::record::thread_id;
use counterpoint_base::tune::STAGE_OVERTAKES;
use counterpoint_wait::queue::{Candidate, End, Grant, Locked, Pick, WaitQueue};
use counterpoint_wait::waker::{WakeBatch, wake_in_batches};
use std::collections::hash_map::RandomState;
use std::sync::Arc;

use super::entry::{Entry, Mail, Place, Seat};
use super::table::{Table, segment};

/// Buckets that `notify_all` looks at in one hold of the lock.
const BUCKETS_AT_ONCE: usize = 64;

const UNDECIDED: u32 = 0;
const SHARED: u32 = 1;
const EXCLUSIVE: u32 = 2;

/// How the resource is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Access {
    Shared = SHARED,
    Exclusive = EXCLUSIVE,
}

struct Inner<T, V> {
    held: bool,
    promised: bool,
    /// Whose promise it is: alive, as its operation keeps it and revokes the promise before it ends.
    promised_to: *const Entry<T, V>,
    /// How many heads have left since.
    overtaken: u32,
    closed: bool,
    rounds: u64,
    table: Table<T, V>,
}

/// The state of a stage; opaque.
#[doc(hidden)]
pub struct State<T, V> {
    inner: UnsafeCell<Inner<T, V>>,
    head_thread: AtomicU64,
    access: AtomicU32,
}

// SAFETY: `inner` is reached under the lock of the queue; it holds entries.
unsafe impl<T: Send + Sync, V: Send> Send for State<T, V> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync, V: Send> Sync for State<T, V> {}

// No foreign code runs while it is changed (I7).
impl<T, V> core::panic::UnwindSafe for State<T, V> {}
impl<T, V> core::panic::RefUnwindSafe for State<T, V> {}

impl<T, V> fmt::Debug for State<T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

pub(super) type LockedStage<'q, T, V> = Locked<'q, State<T, V>, Arc<Entry<T, V>>>;

/// What an attempt found.
pub(super) enum Found<V> {
    /// Nothing: it has to wait.
    Nothing,
    Headship,
    Token,
    Value(V),
    Closed,
}

/// Why mail was not left.
pub(super) enum Refused {
    /// Nobody has a ticket for this token.
    Unknown,
    /// A value is there already.
    Full,
}

pub(super) struct RawStage<T, V> {
    queue: WaitQueue<State<T, V>, Arc<Entry<T, V>>>,
    hasher: RandomState,
}

impl<T, V> core::panic::UnwindSafe for RawStage<T, V> {}
impl<T, V> core::panic::RefUnwindSafe for RawStage<T, V> {}

/// Runs `f` on what the lock guards; `f` runs no foreign code.
fn inner<T, V, R>(queue: &mut LockedStage<'_, T, V>, f: impl FnOnce(&mut Inner<T, V>) -> R) -> R {
    // SAFETY: the lock is held, and the borrow of `queue` keeps others of this thread out.
    queue
        .state()
        .inner
        .with_mut(|inner| f(unsafe { &mut *inner }))
}

/// Runs `f` on the place of an entry of this stage; `f` runs no foreign code.
fn place<T, V, R>(
    _queue: &mut LockedStage<'_, T, V>,
    entry: &Entry<T, V>,
    f: impl FnOnce(&mut Place<T, V>) -> R,
) -> R {
    // SAFETY: the lock is held, and the borrow of the queue keeps others of this thread out.
    unsafe { entry.place(f) }
}

impl<T, V> RawStage<T, V> {
    #[cfg_attr(feature = "hooks", track_caller)]
    pub(super) fn new() -> RawStage<T, V> {
        let inner = Inner {
            held: false,
            promised: false,
            promised_to: ptr::null(),
            overtaken: 0,
            closed: false,
            rounds: 0,
            table: Table::new(),
        };
        RawStage {
            queue: WaitQueue::new(State {
                inner: UnsafeCell::new(inner),
                head_thread: AtomicU64::new(0),
                access: AtomicU32::new(UNDECIDED),
            }),
            hasher: RandomState::new(),
        }
    }

    pub(super) const fn queue(&self) -> &WaitQueue<State<T, V>, Arc<Entry<T, V>>> {
        &self.queue
    }

    /// Decides how the resource is used, if that is not decided. Returns whether it is used so.
    pub(super) fn decide_access(&self, wanted: Access) -> bool {
        let access = &self.queue.state().access;
        // Relaxed: only one of two values is ever written, and nothing else is published by it.
        match access.load(RELAXED) {
            UNDECIDED => {
                let decided = access.compare_exchange(UNDECIDED, wanted as u32, RELAXED, RELAXED);
                decided.map_or_else(|found| found == wanted as u32, |_| true)
            }
            decided => decided == wanted as u32,
        }
    }

    /// Runs the closure of a head on this thread, which is known by its number meanwhile.
    pub(super) fn headed_here<O>(&self, act: impl FnOnce() -> O) -> O {
        let (head_thread, number) = (&self.queue.state().head_thread, thread_id());
        // Relaxed: only a thread that finds itself here uses it.
        head_thread.store(number, RELAXED);
        let _mark = Mark {
            head_thread,
            number,
        };
        act()
    }

    /// True if this thread heads in a closure that it has not left.
    pub(super) fn is_headed_here(&self) -> bool {
        // Relaxed: this thread's own stores are seen by it, and nobody else ever has its number.
        self.queue.state().head_thread.load(RELAXED) == thread_id()
    }

    /// Grants the headship to the first in line, if nobody has it or was promised it (I3).
    pub(super) fn promote(queue: &mut LockedStage<'_, T, V>, wakes: &mut WakeBatch) {
        if inner(queue, |inner| inner.held || inner.promised) || queue.is_empty() {
            return;
        }
        let mut to = ptr::null();
        let take = |entry: &mut Arc<Entry<T, V>>, _: Candidate| {
            to = Arc::as_ptr(entry);
            let promise = |place: &mut Place<T, V>| {
                place.promised = true;
                place.seat = ptr::null(); // I5
            };
            // SAFETY: the lock is held.
            unsafe { entry.place(promise) };
            Pick::Take
        };
        // SAFETY: the lock is held.
        let undo = |entry: &mut Arc<Entry<T, V>>| unsafe { entry.place(|p| p.promised = false) };
        let granted = queue.grant(End::First, Grant::Baton, wakes, take, undo);
        inner(queue, |inner| {
            inner.promised = granted;
            inner.promised_to = to;
            inner.overtaken = 0;
        });
    }

    /// A head leaves while another one has a promise. One that so many have overtaken is not polled:
    /// the next in line gets it, or those who sleep would wait for it.
    fn overtake(queue: &mut LockedStage<'_, T, V>) {
        let to = inner(queue, |inner| {
            inner.overtaken += u32::from(inner.promised);
            let late = inner.promised && inner.overtaken >= STAGE_OVERTAKES;
            late.then_some(inner.promised_to)
        });
        if let Some(to) = to {
            // SAFETY: alive, as long as the promise is not revoked.
            Self::revoke(queue, unsafe { &*to });
        }
    }

    /// Takes back the promise of an entry, if it has one.
    fn revoke(queue: &mut LockedStage<'_, T, V>, entry: &Entry<T, V>) {
        if place(queue, entry, |place| core::mem::take(&mut place.promised)) {
            inner(queue, |inner| inner.promised = false);
        }
    }

    /// Grants the node that waits with this entry, if there is one.
    fn grant_seat(queue: &mut LockedStage<'_, T, V>, entry: &Entry<T, V>, wakes: &mut WakeBatch) {
        let seat = place(queue, entry, |place| {
            core::mem::replace(&mut place.seat, ptr::null())
        });
        if !seat.is_null() {
            // SAFETY: linked, by I5. One that lost finds its mail in the entry later.
            unsafe { queue.grant_node(seat, Grant::Baton, wakes) };
        }
    }

    /// Cuts out a node that a leaked operation has left behind (I6). Wakers run here, before anything
    /// is taken that a panic of theirs could lose.
    #[cold]
    fn evict(&self, entry: &Entry<T, V>) {
        let mut wakes = WakeBatch::new();
        let mut queue = self.queue.lock();
        Self::grant_seat(&mut queue, entry, &mut wakes);
        drop(queue);
        wakes.wake();
    }

    /// What an operation that is not linked finds for its ticket.
    pub(super) fn try_enter(&self, entry: &Entry<T, V>) -> Found<V> {
        let mut queue = self.queue.lock();
        if place(&mut queue, entry, |place| !place.seat.is_null()) {
            drop(queue);
            self.evict(entry);
            queue = self.queue.lock();
        }
        // Nobody is to be promoted in its place: somebody heads, or it does now, or all are told that
        // it is closed; and who has mail has no promise (I4).
        Self::revoke(&mut queue, entry);
        match place(&mut queue, entry, |place| place.mail.take()) {
            Mail::Token => Found::Token,
            Mail::Value(value) => Found::Value(value),
            Mail::Nothing => inner(&mut queue, |inner| match () {
                () if inner.closed => Found::Closed,
                () if inner.held => Found::Nothing,
                () => {
                    inner.held = true; // I1
                    Found::Headship
                }
            }),
        }
    }

    /// A wait is stopped, and its ticket ends with it: takes the entry out of the table and what was
    /// left for it until then, in one hold of the lock, so that nothing is delivered in between.
    pub(super) fn retire(&self, entry: &Entry<T, V>) -> Found<V> {
        let mut queue = self.queue.lock();
        let mail = place(&mut queue, entry, |place| place.mail.take());
        // SAFETY: the lock is held.
        let kept = inner(&mut queue, |inner| unsafe { inner.table.remove(entry) });
        drop(queue);
        drop(kept);
        match mail {
            Mail::Nothing => Found::Nothing,
            Mail::Token => Found::Token,
            Mail::Value(value) => Found::Value(value),
        }
    }

    /// Whether another attempt may find something.
    pub(super) fn may_enter(queue: &mut LockedStage<'_, T, V>, entry: &Entry<T, V>) -> bool {
        let waits = inner(queue, |inner| inner.held && !inner.closed);
        !waits || place(queue, entry, |place| !place.mail.is_nothing())
    }

    /// Whether a linked one may try by its own right.
    pub(super) fn is_free(queue: &mut LockedStage<'_, T, V>) -> bool {
        inner(queue, |inner| !inner.held)
    }

    /// The node that is linked for an entry from now on, or null.
    pub(super) fn sit(
        queue: &mut LockedStage<'_, T, V>,
        entry: &Entry<T, V>,
        seat: *const Seat<T, V>,
    ) {
        place(queue, entry, |place| place.seat = seat);
    }

    /// An operation was granted something and ends without it. Mail stays with the ticket.
    pub(super) fn give_back(queue: &mut LockedStage<'_, T, V>, entry: &Entry<T, V>) {
        Self::revoke(queue, entry);
    }

    /// The head leaves.
    pub(super) fn leave(&self) {
        let mut wakes = WakeBatch::new();
        let mut queue = self.queue.lock();
        inner(&mut queue, |inner| inner.held = false);
        Self::overtake(&mut queue);
        Self::promote(&mut queue, &mut wakes);
        drop(queue);
        wakes.wake();
    }

    /// Takes the entry of a ticket that ends out of the table.
    pub(super) fn remove(&self, entry: &Entry<T, V>) {
        let mut wakes = WakeBatch::new();
        let mut queue = self.queue.lock();
        Self::grant_seat(&mut queue, entry, &mut wakes); // I6
        Self::revoke(&mut queue, entry);
        Self::promote(&mut queue, &mut wakes);
        // SAFETY: the lock is held.
        let kept = inner(&mut queue, |inner| unsafe { inner.table.remove(entry) });
        // Others may know the entry for longer: who compares its token, an operation that was leaked.
        let mail = place(&mut queue, entry, |place| place.mail.take());
        drop(queue);
        drop(wakes);
        drop(kept);
        drop(mail);
    }

    /// Closes for good and wakes everybody.
    pub(super) fn close(&self) {
        wake_in_batches(|wakes| {
            let mut queue = self.queue.lock();
            inner(&mut queue, |inner| inner.closed = true);
            let take = |entry: &mut Arc<Entry<T, V>>, _: Candidate| {
                // SAFETY: the lock is held. I5.
                unsafe { entry.place(|place| place.seat = ptr::null()) };
                Pick::Take
            };
            while !wakes.is_full() {
                if !queue.grant(End::First, Grant::Baton, wakes, take, |_| ()) {
                    return false;
                }
            }
            true
        });
    }

    pub(super) fn is_closed(&self) -> bool {
        inner(&mut self.queue.lock(), |inner| inner.closed)
    }

    pub(super) fn is_headed(&self) -> bool {
        inner(&mut self.queue.lock(), |inner| inner.held)
    }

    pub(super) fn tickets(&self) -> usize {
        inner(&mut self.queue.lock(), |inner| inner.table.len())
    }

    /// Leaves mail in an entry, and sees to it that its waiter looks.
    fn put(
        queue: &mut LockedStage<'_, T, V>,
        entry: &Entry<T, V>,
        mail: Mail<V>,
        wakes: &mut WakeBatch,
    ) -> Result<(), Mail<V>> {
        let first = place(queue, entry, |place| match (&place.mail, mail) {
            (Mail::Nothing, mail) => {
                place.mail = mail;
                Ok(true)
            }
            (_, Mail::Token | Mail::Nothing) => Ok(false),
            (Mail::Token, value) => {
                place.mail = value;
                Ok(false)
            }
            (Mail::Value(_), value) => Err(value),
        })?;
        if first {
            Self::grant_seat(queue, entry, wakes); // I2
            Self::revoke(queue, entry); // I4
            Self::promote(queue, wakes);
        }
        Ok(())
    }

    /// Leaves a token for everybody. Returns for how many.
    pub(super) fn notify_all(&self) -> usize {
        let (mut bounds, mut next, mut told) = (None, 0, 0);
        wake_in_batches(|wakes| {
            let mut queue = self.queue.lock();
            let (round, last) = *bounds.get_or_insert_with(|| {
                inner(&mut queue, |inner| {
                    inner.rounds += 1;
                    (inner.rounds, inner.table.last_id())
                })
            });
            for _ in 0..BUCKETS_AT_ONCE {
                if next >= inner(&mut queue, |inner| inner.table.buckets()) {
                    return false;
                }
                while let Some(entry) = Self::unheard(&mut queue, next, round, last) {
                    let heard = Self::put(&mut queue, &entry, Mail::Token, wakes);
                    debug_assert!(heard.is_ok(), "a token always fits");
                    told += 1;
                    // The ticket of the entry could be gone only after the lock is released, so
                    // this is not the last one who knows it.
                    drop(entry);
                    if wakes.is_full() {
                        return true;
                    }
                }
                next += 1;
            }
            true
        });
        told
    }

    /// An entry of this bucket that was there when the round began and has not heard of it; it is
    /// marked as if it had.
    fn unheard(
        queue: &mut LockedStage<'_, T, V>,
        bucket: usize,
        round: u64,
        last: u64,
    ) -> Option<Arc<Entry<T, V>>> {
        let mark = |place: &mut Place<T, V>| {
            let unheard = place.id <= last && place.round < round;
            if unheard {
                place.round = round;
            }
            unheard
        };
        // SAFETY: the lock is held.
        let pick = |entry: &Arc<Entry<T, V>>| unsafe { entry.place(mark) };
        // SAFETY: the lock is held.
        inner(queue, |inner| unsafe { inner.table.find(bucket, pick) })
    }
}

impl<T: Hash + Eq, V> RawStage<T, V> {
    /// Puts a token into the table; none if it is there.
    pub(super) fn register(&self, token: T) -> Option<Arc<Entry<T, V>>> {
        let hash = self.hasher.hash_one(&token);
        let entry = Arc::new(Entry::new(token, hash));
        let mut after = 0;
        loop {
            let mut queue = self.queue.lock();
            // SAFETY: the lock is held.
            let other = inner(&mut queue, |inner| unsafe {
                inner.table.candidate(hash, after)
            });
            let Some((other, id)) = other else {
                if let Some(len) = inner(&mut queue, |inner| inner.table.begin_to_grow()) {
                    drop(queue);
                    self.grow(len);
                    continue; // others may have come
                }
                // SAFETY: the lock is held. I8.
                inner(&mut queue, |inner| unsafe {
                    inner.table.insert(entry.clone());
                });
                return Some(entry);
            };
            drop(queue);
            if other.token == entry.token {
                return None;
            }
            after = id;
        }
    }

    /// Gives the table a segment, made without the lock.
    #[cold]
    fn grow(&self, len: usize) {
        let new = segment(len);
        inner(&mut self.queue.lock(), |inner| inner.table.give(new));
    }

    /// Leaves mail for the ticket of `token`.
    pub(super) fn deliver<Q>(&self, token: &Q, mail: Mail<V>) -> Result<(), (Mail<V>, Refused)>
    where
        T: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(token);
        let mut after = 0;
        loop {
            // SAFETY: the lock is held.
            let found = inner(&mut self.queue.lock(), |inner| unsafe {
                inner.table.candidate(hash, after)
            });
            let Some((entry, id)) = found else {
                return Err((mail, Refused::Unknown));
            };
            if entry.token.borrow() == token {
                let mut wakes = WakeBatch::new();
                let mut queue = self.queue.lock();
                // If its ticket is gone meanwhile, there may be another one.
                if place(&mut queue, &entry, |place| place.id == id) {
                    let put = Self::put(&mut queue, &entry, mail, &mut wakes);
                    drop(queue);
                    wakes.wake();
                    return put.map_err(|mail| (mail, Refused::Full));
                }
            }
            after = id;
        }
    }
}

/// The thread with this number heads in a closure, until this is dropped.
struct Mark<'s> {
    head_thread: &'s AtomicU64,
    number: u64,
}

impl Drop for Mark<'_> {
    fn drop(&mut self) {
        // Relaxed: as where it was stored. An exchange: the closure may have moved the headship out
        // and ended it, and then another thread may be in a closure by now.
        let number = self.number;
        let _ = self
            .head_thread
            .compare_exchange(number, 0, RELAXED, RELAXED);
    }
}
