//! The operation: a waiting verb as one value, run in five ways.
//!
//! A primitive writes a [`Verb`]: how to try, how to announce that somebody waits, what to do
//! with a grant that nobody claims. [`Op`] makes of it a future with blocking, timed, cancellable
//! and selectable forms, written once for all primitives.
//!
//! # From
//! java.util.concurrent's one `acquire` for try, timed and interruptible forms; the listener of
//! event-listener that is awaited or waited for.
//!
//! # State
//! | phase | node | meaning |
//! |---|---|---|
//! | `Idle` | not linked | nothing happened yet (or an arm that is not registered) |
//! | `Queued` | linked, or decided and not yet looked at | waiting |
//! | `Ready` | not linked | completed by `enable`; the result is in the payload |
//! | `Done` | not linked | completed or stopped; polling again panics (W8) |
//!
//! # Fields
//! `verb` and `phase` belong to the owner; `node` as in `queue.rs`.
//!
//! # Invariants
//! * I1: `Queued` means that the node was linked and must be left, claimed or passed on before
//!   the operation ends (`Ready`: collected or passed on); `Drop` does so, and an `Op` cannot
//!   move after its first poll.
//! * I2: an operation that ends without taking what it was granted gives it back to the
//!   primitive (`Verb::unclaimed`) and lets the primitive grant it to the next (`Verb::settle`),
//!   in one hold of the queue lock: a baton is passed on exactly once (W3).
//! * I3: `prepare` and `link` run in one hold of the queue lock.
//! * I4: the turn of an `Idle` operation is `First`: a baton is claimed or passed on before the
//!   operation is idle again. So the attempt of a first poll is the one without a baton.
//!
//! # Edges
//! Those of `queue.rs` (E1, E2) and of each verb.
//!
//! # Waiting
//! `attempt`, then under the lock `prepare`: it either finds that another attempt may succeed, and
//! the operation tries again, or leaves a mark that every later change of the primitive's word
//! sees. So a change before `prepare` is seen by it, and one after it sees the mark.
//!
//! # Cancel
//! Before the first poll: nothing happened. Queued: unlinked, the others are looked at again (W2).
//! Granted: a stop returns the grant if it can still be claimed (W1); a drop passes it on.
//!
//! # Panic
//! Only a waker's clone, wake or drop is foreign. All run outside the lock; a panic in a clone
//! leaves the operation as it was, one in a wake or a drop happens after everything was passed on.
//!
//! # Rejected
//! * Five hand-written forms for each verb: forgotten ones took peers years to add.
//! * A node apart from the future: an allocation for each wait.
//! * Never looking twice in a poll: what is held for some nanoseconds on another processor then
//!   costs two turns through an executor. A fifth of a microsecond is the limit, and a thread on
//!   which it is in vain leaves it out; see docs/design/006-wait-core.md.
//!
//! # Checked by
//! dev/model tests/waiting.rs, tests/regressions.rs, and the models of each primitive.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use counterpoint_base::habit::glance;
use counterpoint_base::prim::time::Instant;
use std::panic::{self, AssertUnwindSafe};

mod enable;
mod forms;
mod verb;

pub use enable::Enable;
pub(crate) use forms::inherent_methods;
pub use verb::{LockedQueue, Stop, Turn, Verb};

use crate::block::drive;
use crate::hooks::{self, Firm, Mark, Site};
use crate::queue::{ArmRef, Node, Place, Verdict, WaitQueue};
use crate::waker::{WakeBatch, wake_in_batches};

/// Shows that the wait core itself calls: nobody else can make one.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Key(pub(crate) ());

/// Keeps others from implementing what is handed a [`Key`].
pub(crate) mod sealed {
    #[allow(unnameable_types, reason = "that is its purpose")]
    pub trait Sealed {}
}
use sealed::Sealed;

impl<V: Verb> Sealed for Op<V> {}

/// What every operation can do; implemented by [`Op`] and [`Bounded`](crate::Bounded) (and not
/// elsewhere: the hidden methods are no interface).
pub trait Operation: Future + Sized + Sealed {
    /// The one result type of all stoppable forms.
    type Stoppable;

    /// True if a thread that waits for it looks each time it is woken, without running foreign
    /// code first.
    #[doc(hidden)]
    const COMMITTED: bool;
    /// True if a thread that waits for it looks for a moment before it sleeps.
    #[doc(hidden)]
    const LINGERS: bool;
    /// The name in messages.
    #[doc(hidden)]
    const NAME: &'static str;

    /// True once it has completed; polling it again panics.
    fn is_terminated(&self) -> bool;

    /// Nothing has happened yet, and nothing has if an attempt fails.
    #[doc(hidden)]
    fn is_idle(&self) -> bool;

    /// Blocks this thread until it completes.
    ///
    /// # Deadlocks
    /// Inside a task this blocks the executor's thread; `.await` it there.
    fn wait(self) -> Self::Output {
        drive(core::pin::pin!(self))
    }

    #[doc(hidden)]
    fn finish(output: Self::Output) -> Self::Stoppable;
    #[doc(hidden)]
    fn stop(self: Pin<&mut Self>, why: Stop) -> Self::Stoppable;
    /// The moment at which it wants to be polled at the latest, if a thread waits for it.
    #[doc(hidden)]
    fn wake_at(&self) -> Option<Instant>;
    /// Whether a thread waits for it and minds `wake_at`.
    #[doc(hidden)]
    fn set_blocking(self: Pin<&mut Self>, blocking: bool);
    /// The thread slept until `at`.
    #[doc(hidden)]
    fn expire(self: Pin<&mut Self>, at: Instant);

    // As an arm of a select: see `select.rs`.
    #[doc(hidden)]
    fn arm_try(self: Pin<&mut Self>, _: Key) -> Option<Self::Output>;
    #[doc(hidden)]
    fn arm_soft(self: Pin<&mut Self>, cx: &mut Context<'_>, joins: bool) -> Option<Self::Output>;
    #[doc(hidden)]
    fn has_soft(&self) -> bool;
    #[doc(hidden)]
    fn arm_end(self: Pin<&mut Self>, _: Key) -> Option<Self::Output>;
    #[doc(hidden)]
    fn arm_register(self: Pin<&mut Self>, waker: Waker, arm: ArmRef, _: Key) -> bool;
    #[doc(hidden)]
    fn arm_unregister(self: Pin<&mut Self>, _: Key);
    #[doc(hidden)]
    fn arm_claim(self: Pin<&mut Self>, _: Key) -> Option<Self::Output>;
    #[doc(hidden)]
    fn arm_forfeit(self: Pin<&mut Self>, _: Key);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Queued,
    Ready,
    Done,
}

/// A waiting verb as a value: a future that a thread can wait for as well.
///
/// Nothing happens until it is polled or waited for. `.wait()` blocks the thread; `.timeout`,
/// `.deadline`, `.with` and `.until` bound it, in any combination, and all yield the verb's one
/// stoppable result; any `Op` is an arm of [`select!`](macro@crate::select).
///
/// # Cancel safety
/// Dropping it at any point leaves no trace: it gives up its place in the queue, and a grant it
/// had not taken goes to the next waiter.
///
/// # Panics
/// Polling it after it completed panics with the name of the verb.
///
/// # Cost
/// No allocation. An attempt that succeeds at once takes no lock.
#[must_use = "an operation does nothing unless you `.await` it or `.wait()` for it"]
pub struct Op<V: Verb> {
    verb: V,
    phase: Phase,
    /// Whether it holds a baton, or held one when it queued again.
    turn: Turn,
    /// It was linked before, so it has a place to come back to.
    placed: bool,
    /// A thread waits for it and minds `wake_at`.
    blocking: bool,
    node: Node<V::Payload>,
}

impl<V: Verb> fmt::Debug for Op<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(V::NAME)
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}

/// What became of a queued node that was polled.
enum Refreshed {
    /// It stays queued.
    Queued,
    /// It was granted meanwhile.
    Granted,
    /// It left the queue to try by itself.
    Free,
}

/// The owner's view of a pinned operation.
struct Parts<'a, V: Verb> {
    verb: &'a mut V,
    phase: &'a mut Phase,
    turn: &'a mut Turn,
    placed: &'a mut bool,
    node: *mut Node<V::Payload>,
    /// It is polled as an arm of a select.
    arm: bool,
    /// Whether a thread waits for it.
    firm: Firm,
}

impl<V: Verb> Op<V> {
    /// The operation `verb`, carrying `payload`.
    #[inline(always)]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn new(verb: V, payload: V::Payload) -> Op<V> {
        Op {
            verb,
            phase: Phase::Idle,
            turn: Turn::First,
            placed: false,
            blocking: false,
            node: Node::new(payload),
        }
    }

    /// The same, told to the hooks as made at `site`: for a primitive that makes an operation on
    /// behalf of its caller.
    #[inline(always)]
    pub fn made_at(mut self, site: Site) -> Op<V> {
        // SAFETY: it was never pinned, since it is owned here; so it was never linked.
        unsafe { self.node.mark() }.set_site(site);
        self
    }

    /// The same, of which the hooks are told nothing: for a primitive that waits for itself beside an
    /// operation of its caller's.
    #[inline(always)]
    pub fn untold(mut self) -> Op<V> {
        // SAFETY: as in `made_at`.
        unsafe { self.node.mark() }.silence();
        self
    }

    /// The verb.
    #[inline]
    pub(crate) const fn verb(&self) -> &V {
        &self.verb
    }

    #[inline(always)]
    fn parts(self: Pin<&mut Self>) -> Parts<'_, V> {
        // SAFETY: the node is not moved; the other fields are not structurally pinned.
        let this = unsafe { self.get_unchecked_mut() };
        Parts {
            verb: &mut this.verb,
            phase: &mut this.phase,
            turn: &mut this.turn,
            placed: &mut this.placed,
            node: &raw mut this.node,
            arm: false,
            firm: Firm::of(this.blocking),
        }
    }
}

impl<V: Verb> Parts<'_, V> {
    fn verdict(&self) -> Verdict {
        // SAFETY: the node is a field of the pinned operation.
        unsafe { &*self.node }.verdict()
    }

    /// Runs `f` with the payload of a node that is not linked.
    #[inline(always)]
    fn unlinked<R>(&mut self, f: impl FnOnce(&mut V, &mut V::Payload) -> R) -> R {
        debug_assert!(*self.phase != Phase::Queued || self.verdict() != Verdict::Queued);
        // SAFETY: not linked, and a field of the pinned operation.
        let node = unsafe { &mut *self.node };
        // SAFETY: not linked, as all callers see to.
        f(self.verb, unsafe { node.payload() })
    }

    /// The mark of a node that is not linked.
    #[inline(always)]
    fn mark(&mut self) -> &mut Mark {
        // SAFETY: not linked, and a field of the pinned operation.
        let node = unsafe { &mut *self.node };
        // SAFETY: not linked, as all callers see to.
        unsafe { node.mark() }
    }

    #[inline(always)]
    fn attempt(&mut self, turn: Turn) -> Option<V::Output> {
        let output = self.unlinked(|verb, payload| verb.attempt(payload, turn))?;
        Some(self.complete(output))
    }

    #[inline(always)]
    fn complete(&mut self, mut output: V::Output) -> V::Output {
        *self.phase = Phase::Done;
        self.mark().taken();
        // Not only empty without the feature: a verb may have to look into its output.
        if cfg!(feature = "hooks") {
            let site = self.mark().site();
            hooks::in_poll(|| V::taken(&mut output, site));
        }
        output
    }

    /// Links the node, unless another attempt may succeed: then returns true.
    fn enlist(&mut self, waker: Waker, arm: Option<ArmRef>) -> bool {
        // A second reference to the primitive is needed beside `&mut verb`.
        let queue: *const WaitQueue<V::State, V::Payload> = self.verb.queue();
        // SAFETY: the verb borrows or owns the primitive, and outlives this call.
        let mut queue = unsafe { &*queue }.lock();
        if let Some(arm) = &arm {
            queue.look_as(arm);
        }
        let turn = *self.turn;
        if self.unlinked(|verb, payload| verb.prepare(payload, turn, &mut queue)) {
            drop(queue);
            drop(waker);
            return true;
        }
        let place = if core::mem::replace(self.placed, true) {
            Place::Again
        } else {
            Place::Back
        };
        let units = self.unlinked(|verb, payload| verb.units(payload));
        let alone = arm.is_none() && !self.arm;
        let mark = self.enroll(&queue, units, alone);
        // SAFETY: pinned, ours and not linked; I1.
        unsafe { queue.link(self.node, waker, arm, place) };
        *self.phase = Phase::Queued;
        let serves = self.verb.linked(self.node, &mut queue);
        drop(queue);
        mark.waiting(alone);
        if serves {
            self.verb.serve();
        }
        false
    }

    /// What to tell of the wait that begins.
    #[inline(always)]
    fn enroll(&mut self, queue: &LockedQueue<'_, V>, units: usize, alone: bool) -> Mark {
        let firm = self.firm;
        self.mark().enroll(V::NAME, queue.tag(), units, alone, firm)
    }

    /// Links and attempts until one of both works, beginning with the link: an attempt has failed.
    fn poll_unlinked(&mut self, waker: &Waker) -> Poll<V::Output> {
        if let Some(output) = self.unlinked(|verb, payload| verb.persist(payload)) {
            return Poll::Ready(self.complete(output));
        }
        if V::GLANCES && glance(|| self.unlinked(|verb, payload| verb.may_succeed(payload))) {
            if let Some(output) = self.attempt(*self.turn) {
                return Poll::Ready(output);
            }
        }
        while self.enlist(waker.clone(), None) {
            if let Some(output) = self.attempt(*self.turn) {
                return Poll::Ready(output);
            }
        }
        Poll::Pending
    }

    /// Attempts, and links if that fails.
    fn poll_again(&mut self, waker: &Waker) -> Poll<V::Output> {
        match self.attempt(*self.turn) {
            Some(output) => Poll::Ready(output),
            None => self.poll_unlinked(waker),
        }
    }

    /// The node was linked: looks whether it may try again, and else sees to it that `waker` is
    /// the one that will be woken.
    fn refresh(&mut self, waker: &Waker) -> Refreshed {
        let queue: *const WaitQueue<V::State, V::Payload> = self.verb.queue();
        // SAFETY: the verb borrows or owns the primitive, and outlives this call.
        let queue = unsafe { &*queue };
        // Cloned with the lock released.
        let mut new = None;
        loop {
            let mut locked = queue.lock();
            if self.verdict() != Verdict::Queued {
                return Refreshed::Granted;
            }
            // In each hold: a nudge between two of them took the old waker, and asks for a look.
            if self.verb.look_again(&mut locked) {
                // SAFETY: ours, was linked in this queue, and no arm.
                let left = unsafe { locked.leave(self.node) };
                drop(locked);
                *self.phase = Phase::Idle;
                // It tries by its own right, not by a baton it may have had before.
                *self.turn = Turn::First;
                self.discard((left, new));
                return Refreshed::Free;
            }
            // SAFETY: ours, linked in this queue.
            if unsafe { locked.will_wake(self.node, waker) } {
                return Refreshed::Queued;
            }
            let Some(new_waker) = new.take() else {
                drop(locked);
                new = Some(waker.clone());
                continue;
            };
            // SAFETY: ours, linked in this queue.
            let left = unsafe { locked.replace_waker(self.node, new_waker) };
            drop(locked);
            drop(left);
            return Refreshed::Queued;
        }
    }

    /// Drops the wakers of a wait that has left the queue by itself, with the lock released. If one
    /// panics, those who were behind are let in first: there will be no attempt that does so.
    fn discard<W>(&mut self, wakers: W) {
        if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| drop(wakers))) {
            let queue: *const WaitQueue<V::State, V::Payload> = self.verb.queue();
            // SAFETY: the verb borrows or owns the primitive, and outlives this call.
            let locked = unsafe { &*queue }.lock();
            self.settle(locked, None);
            panic::resume_unwind(payload);
        }
    }

    /// A poll that is not decided by a first attempt.
    #[track_caller]
    fn poll(&mut self, waker: &Waker) -> Poll<V::Output> {
        match *self.phase {
            Phase::Idle => return self.poll_unlinked(waker),
            Phase::Ready => return Poll::Ready(self.collect()),
            Phase::Done => panic!("counterpoint: {} polled after completion", V::NAME),
            Phase::Queued => {}
        }
        if self.verdict() == Verdict::Queued {
            match self.refresh(waker) {
                Refreshed::Queued => return Poll::Pending,
                Refreshed::Free => return self.poll_again(waker),
                Refreshed::Granted => {}
            }
        }
        if self.verdict() == Verdict::Handed {
            return Poll::Ready(self.collect());
        }
        *self.turn = Turn::Notified;
        self.poll_again(waker)
    }

    /// What `enable` kept, for an arm that is tried.
    #[cold]
    fn take_kept(&mut self) -> V::Output {
        assert!(
            *self.phase == Phase::Ready,
            "counterpoint: {} used after completion",
            V::NAME
        );
        self.collect()
    }

    fn collect(&mut self) -> V::Output {
        let output = self.unlinked(|verb, payload| verb.collect(payload));
        self.complete(output)
    }

    /// Gives an unclaimed grant back and lets the primitive pass it on (I2). The phase comes
    /// first, since a waker may panic while others are let in.
    fn pass_on(&mut self, phase: Phase) {
        *self.phase = phase;
        let queue: *const WaitQueue<V::State, V::Payload> = self.verb.queue();
        // SAFETY: the verb borrows or owns the primitive, and outlives this call.
        let mut locked = unsafe { &*queue }.lock();
        self.unlinked(|verb, payload| verb.unclaimed(payload, &mut locked));
        self.settle(locked, None);
        self.tell_left();
    }

    /// It does not wait any more and has nothing.
    #[inline(always)]
    fn tell_left(&mut self) {
        self.mark().left();
        self.verb.left();
    }

    /// Lets the primitive grant what it can, in the same hold of the lock in which the node left
    /// or gave its grant back, and in more if there is more to do.
    fn settle(&mut self, mut locked: LockedQueue<'_, V>, waker: Option<Waker>) {
        let mut wakes = WakeBatch::new();
        let more = self.verb.settle(&mut locked, &mut wakes);
        drop(locked);
        if more {
            self.settle_more(&mut wakes);
        }
        wakes.wake();
        // Only here, with the lock released, the old waker may be dropped.
        drop(waker);
    }

    /// Wakes a full batch, and lets the primitive grant more.
    #[cold]
    fn settle_more(&mut self, filled: &mut WakeBatch) {
        let queue: *const WaitQueue<V::State, V::Payload> = self.verb.queue();
        let mut first = true;
        wake_in_batches(|wakes| {
            if core::mem::take(&mut first) {
                core::mem::swap(wakes, filled);
                return true;
            }
            // SAFETY: the verb borrows or owns the primitive, and outlives this call.
            let mut locked = unsafe { &*queue }.lock();
            self.verb.settle(&mut locked, wakes)
        });
    }

    /// Leaves the queue. Returns the grant that was faster, if one was.
    fn leave(&mut self) -> Verdict {
        if *self.phase == Phase::Ready {
            return Verdict::Handed;
        }
        if *self.phase != Phase::Queued {
            return Verdict::Left;
        }
        let queue: *const WaitQueue<V::State, V::Payload> = self.verb.queue();
        // SAFETY: the verb borrows or owns the primitive, and outlives this call.
        let mut locked = unsafe { &*queue }.lock();
        // SAFETY: ours, was linked in this queue, and no arm, except of a select that was leaked:
        // others unregister their arms.
        let left = unsafe { locked.leave(self.node) };
        let waker = match left {
            Err(verdict) => return verdict,
            Ok(waker) => waker,
        };
        *self.phase = Phase::Done;
        self.settle(locked, waker);
        self.tell_left();
        Verdict::Left
    }

    /// Ends the operation. A grant that came first is returned if it can be claimed (W1).
    fn stop(&mut self) -> Option<V::Output> {
        match self.leave() {
            Verdict::Handed => Some(self.collect()),
            Verdict::Notified => {
                *self.turn = Turn::Notified;
                let output = self.attempt(Turn::Notified);
                if output.is_none() {
                    self.pass_on(Phase::Done);
                }
                output
            }
            Verdict::Queued | Verdict::Left => {
                if *self.phase == Phase::Idle {
                    *self.phase = Phase::Done;
                }
                self.unlinked(|verb, payload| verb.over(payload))
            }
        }
    }

    /// Takes a losing or aborted arm out of its queue.
    fn unregister(&mut self) {
        if *self.phase != Phase::Queued {
            return;
        }
        let queue: *const WaitQueue<V::State, V::Payload> = self.verb.queue();
        // SAFETY: the verb borrows or owns the primitive, and outlives this call.
        let mut locked = unsafe { &*queue }.lock();
        // SAFETY: ours, was linked in this queue as an arm; the select is decided.
        let waker = unsafe { locked.unregister(self.node) };
        *self.phase = Phase::Idle;
        self.settle(locked, waker);
        self.tell_left();
    }
}

impl<V: Verb> Future for Op<V> {
    type Output = V::Output;

    #[inline]
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<V::Output> {
        let _polled = hooks::Polled::by(cx.waker());
        if self.phase == Phase::Idle {
            // I4
            if let Some(output) = self.as_mut().parts().attempt(Turn::First) {
                return Poll::Ready(output);
            }
        }
        self.poll_waiting(cx, false)
    }
}

impl<V: Verb> Op<V> {
    /// A poll that is not decided by a first attempt.
    #[inline(never)]
    #[track_caller]
    fn poll_waiting(mut self: Pin<&mut Self>, cx: &mut Context<'_>, arm: bool) -> Poll<V::Output> {
        let mut parts = self.as_mut().parts();
        parts.arm = arm;
        let polled = parts.poll(cx.waker());
        if polled.is_pending() && !self.blocking {
            // SAFETY: the verb is pinned with the operation; `parts` lends it by reference to its
            // own methods only, none of which moves it.
            unsafe { self.map_unchecked_mut(|this| &mut this.verb) }.poll_recheck(cx);
        }
        polled
    }
}

impl<V: Verb> Operation for Op<V> {
    type Stoppable = V::Stoppable;

    const COMMITTED: bool = true;
    const LINGERS: bool = V::LINGERS;
    const NAME: &'static str = V::NAME;

    fn is_terminated(&self) -> bool {
        self.phase == Phase::Done
    }

    fn is_idle(&self) -> bool {
        V::PURE && !V::STAYS && self.phase == Phase::Idle
    }

    fn finish(output: V::Output) -> V::Stoppable {
        V::finish(output)
    }

    fn stop(self: Pin<&mut Self>, why: Stop) -> V::Stoppable {
        let mut parts = self.parts();
        match parts.stop() {
            Some(output) => V::finish(output),
            None => parts.unlinked(|verb, payload| verb.stopped(payload, why)),
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        self.verb.recheck_at()
    }

    fn set_blocking(self: Pin<&mut Self>, blocking: bool) {
        // SAFETY: a plain flag, not pinned.
        unsafe { self.get_unchecked_mut() }.blocking = blocking;
    }

    fn expire(self: Pin<&mut Self>, _at: Instant) {}

    #[inline]
    fn arm_try(self: Pin<&mut Self>, _: Key) -> Option<V::Output> {
        let mut parts = self.parts();
        match *parts.phase {
            Phase::Idle => parts.attempt(Turn::First), // I4
            // Since an earlier select. What is not granted, `arm_soft` sees to.
            Phase::Queued if V::STAYS => {
                (parts.verdict() == Verdict::Handed).then(|| parts.collect())
            }
            _ => Some(parts.take_kept()),
        }
    }

    fn arm_soft(self: Pin<&mut Self>, cx: &mut Context<'_>, joins: bool) -> Option<V::Output> {
        if !V::STAYS || (!joins && self.phase == Phase::Idle) {
            return None;
        }
        // It was tried just now, and looks again under the lock.
        match hooks::bounded(|| self.poll_waiting(cx, true)) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    fn has_soft(&self) -> bool {
        V::STAYS
    }

    fn arm_end(self: Pin<&mut Self>, _: Key) -> Option<V::Output> {
        let queued = V::STAYS && self.phase == Phase::Queued;
        if queued { self.parts().stop() } else { None }
    }

    fn arm_register(self: Pin<&mut Self>, waker: Waker, arm: ArmRef, _: Key) -> bool {
        !V::STAYS && self.parts().enlist(waker, Some(arm))
    }

    fn arm_unregister(self: Pin<&mut Self>, _: Key) {
        if V::STAYS {
            return;
        }
        self.parts().unregister();
    }

    fn arm_claim(self: Pin<&mut Self>, _: Key) -> Option<V::Output> {
        let mut parts = self.parts();
        if parts.verdict() == Verdict::Handed {
            return Some(parts.collect());
        }
        let output = parts.attempt(Turn::Notified);
        if output.is_none() {
            // Others may run before this arm is registered again: the baton must not wait.
            parts.pass_on(Phase::Idle);
        }
        output
    }

    fn arm_forfeit(self: Pin<&mut Self>, _: Key) {
        // The arm has not completed: another select may use it.
        self.parts().pass_on(Phase::Idle);
    }
}

#[cfg(feature = "futures")]
impl<V: Verb> futures_core::FusedFuture for Op<V> {
    fn is_terminated(&self) -> bool {
        self.phase == Phase::Done
    }
}

impl<V: Verb> Drop for Op<V> {
    #[inline]
    fn drop(&mut self) {
        if matches!(self.phase, Phase::Queued | Phase::Ready) {
            self.give_up();
        }
        // Not linked any more. Only if a waker panicked is there anything left to tell.
        // SAFETY: no other reference to the node is in use.
        unsafe { self.node.mark() }.left();
    }
}

impl<V: Verb> Op<V> {
    /// It is dropped while it is linked or has something it was granted (I1).
    #[cold]
    fn give_up(&mut self) {
        // SAFETY: it was pinned when it was queued or enabled, and is not moved before it ends.
        let mut parts = unsafe { Pin::new_unchecked(&mut *self) }.parts();
        if matches!(parts.leave(), Verdict::Notified | Verdict::Handed) {
            parts.pass_on(Phase::Done);
        }
    }
}
