//! Waiting for the first of several operations.
//!
//! # From
//! crossbeam-channel's select (one shared word decides; register, look again, sleep, unregister)
//! and Go's. Differs: arms are operations of any primitive, each of which proves its own waiting;
//! a select only adds the shared decision.
//!
//! # State
//! | core | meaning | who leaves it |
//! |---|---|---|
//! | open | arms are registered, none has won | a granter, to that arm; the select, to aborted |
//! | arm `k` | `k` was granted | the select, after it unregistered the others |
//! | aborted | no arm can win | the select, after it unregistered all |
//!
//! # Invariants
//! * I1: while an arm tries by itself (`attempt`) no arm is registered, and while the winner claims
//!   the decision is closed, so at most one decision is under way; two selects that meet need one exchange, of the registered one's word.
//! * I2: an arm that cannot join the decision (a foreign future, a bound) is polled only while no
//!   arm is registered, so an output that it yields is never lost to a winner.
//! * I3: before the core ends, each registered arm was unregistered under its queue's lock, or has
//!   won; the granter's exchange was its last touch (queue.rs I2).
//! * I4: arms are tried and registered in one order, drawn anew for each select (fair) or as
//!   written (biased); the first `registered` of that order are linked.
//! * I5: an operation that cannot join the decision (`Verb::STAYS`) stays in its queue from its poll
//!   to the end of the select. Where the patience ends, and the arms with it, each leaves under its
//!   queue's lock, and one that was granted before wins. One that another arm wins over passes on
//!   what it was granted. A select that only looks does not queue it.
//!
//! # Edges
//! queue.rs E2.
//!
//! # Waiting
//! An arm is registered under its queue's lock after a last look. If that look finds that an
//! attempt may succeed, the core is aborted, all are unregistered, and everything is tried again.
//! So what happens before an arm is registered is seen by that look, and what happens after finds
//! the node.
//!
//! # Cancel
//! Dropping a select aborts the core; an arm that had won already gives its grant back and the
//! next waiter of that queue gets it.
//!
//! # Panic
//! Foreign futures are polled with nothing registered. A waker that panics in `clone` leaves some
//! arms registered; the next poll, by whatever waker, or the drop of the select unregisters them.
//!
//! # Rejected
//! * Locking all queues of a select in the order of their addresses (Go): an operation would have
//!   to expose its lock, and a lock-free attempt would be impossible.
//! * A tentative state, so that a registered select may act on its partner: two of them that meet
//!   twice wait for each other.
//!
//! # Checked by
//! dev/model tests/select.rs.

mod arm;
mod dynamic;
mod macros;
mod order;

pub use arm::{ArmSlot, FutureSlot, arm, future_arm};
pub use dynamic::{Select, SelectWait};

#[doc(hidden)]
pub use arm::{Arm, ArmList, Either, FutureKind, FutureTag, OpKind, OpTag};

use core::fmt;
use core::future::Future;
use core::marker::PhantomPinned;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use counterpoint_base::prim::time::{Duration, Instant, deadline, reached};

use crate::block::{How, drive_with};
use crate::bounded::earlier;
use crate::hooks;
use crate::op::Key;
use crate::queue::{ArmRef, Core};
use crate::timer::TimerNode;
use order::Order;

/// For how long a select waits.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Patience {
    /// Until an arm wins.
    Forever,
    /// Not at all.
    Now,
    /// Until this moment; `None` is too far away to come.
    Until(Option<Instant>),
}

#[doc(hidden)]
pub fn __after(time: Duration) -> Patience {
    Patience::Until(deadline(time))
}

#[doc(hidden)]
pub fn __at(time: Instant) -> Patience {
    Patience::Until(Some(time))
}

/// Shows that all arms were tried, and in which order.
#[doc(hidden)]
#[derive(Debug)]
pub struct Attempted(Order);

/// The first attempt of a select, before there is anything to wait with: an arm that wins at once
/// needs no more.
///
/// # Errors
/// What to wait with, if no arm has won.
#[doc(hidden)]
#[inline]
pub fn attempt<L: ArmList>(arms: &mut L, biased: bool) -> Result<usize, Attempted> {
    let order = Order::new(biased, arms.count());
    attempt_in(arms, order).ok_or(Attempted(order))
}

#[inline]
fn attempt_in<L: ArmList>(arms: &mut L, order: Order) -> Option<usize> {
    let count = arms.count();
    for position in 0..count {
        let index = order.nth(position, count);
        if arms.attempt(index, Key(())) {
            return Some(index);
        }
    }
    None
}

/// Who waits for a select.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiter {
    /// Nobody had to wait yet.
    Unknown,
    Task,
    Thread,
}

/// Which waker it is, without keeping it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    data: usize,
    table: usize,
}

impl Identity {
    fn of(waker: &Waker) -> Identity {
        Identity {
            data: waker.data().addr(),
            table: (&raw const *waker.vtable()).addr(),
        }
    }
}

/// What is registered of a select, and the word that decides it.
///
/// Yields the number of the winning arm, whose output is in its slot, or `None` at the end of its
/// patience.
#[doc(hidden)]
#[must_use = "a select does nothing unless you `.await` it"]
pub struct Selecting<L: ArmList> {
    arms: L,
    core: Core,
    /// How many arms, the first in `order`, are registered (I4).
    registered: usize,
    order: Order,
    /// The waker they were registered with. As long as one of them is registered and nothing is
    /// decided, that arm has a clone of it, so no other waker has its address.
    waker: Option<Identity>,
    now_only: bool,
    deadline: Option<Instant>,
    timer: TimerNode,
    waiter: Waiter,
    /// All arms were tried just now.
    tried: bool,
    expired: bool,
    _pinned: PhantomPinned,
}

impl<L: ArmList> fmt::Debug for Selecting<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Selecting")
            .field("arms", &self.arms.count())
            .field("registered", &self.registered)
            .finish_non_exhaustive()
    }
}

impl<L: ArmList> Selecting<L> {
    /// A select over `arms`, tried as written (`biased`) or in any order.
    pub fn new(arms: L, biased: bool, patience: Patience) -> Selecting<L> {
        let order = Order::new(biased, arms.count());
        Selecting::build(arms, order, patience, false)
    }

    /// A select over `arms`, none of which has won at once.
    pub fn after(arms: L, attempted: Attempted, patience: Patience) -> Selecting<L> {
        Selecting::build(arms, attempted.0, patience, true)
    }

    fn build(arms: L, order: Order, patience: Patience, tried: bool) -> Selecting<L> {
        let deadline = match patience {
            Patience::Until(deadline) => deadline,
            Patience::Forever | Patience::Now => None,
        };
        Selecting {
            arms,
            core: Core::new(),
            registered: 0,
            order,
            waker: None,
            now_only: matches!(patience, Patience::Now),
            deadline,
            timer: TimerNode::new(),
            waiter: Waiter::Unknown,
            tried,
            expired: false,
            _pinned: PhantomPinned,
        }
    }

    /// Blocks this thread until an arm wins or the patience ends.
    pub fn wait(mut self) -> Option<usize> {
        if !self.tried {
            let won = self.attempt();
            if won.is_some() {
                return won;
            }
            self.tried = true;
        }
        self.wait_slow()
    }

    #[inline(never)]
    fn wait_slow(self) -> Option<usize> {
        let mut select = core::pin::pin!(self);
        let this = select.as_mut().project();
        this.waiter = Waiter::Thread;
        let mut committed = true;
        for index in 0..this.arms.count() {
            this.arms.with(index, &mut |mut arm| {
                arm.as_mut().set_blocking(true);
                committed &= arm.is_committed();
            });
        }
        let how = How {
            committed,
            lingers: true,
            mixed: hooks::Mixed::YES,
        };
        drive_with(select, how, Selecting::wake_at, Selecting::expire)
    }

    fn project(self: Pin<&mut Self>) -> &mut Self {
        // SAFETY: the core and the timer are not moved by any method; the rest is not pinned.
        unsafe { self.get_unchecked_mut() }
    }

    fn wake_at(&self) -> Option<Instant> {
        earlier(self.deadline, self.arms_wake_at())
    }

    /// The moment at which an arm wants to look again by itself, whoever holds what it waits for.
    fn arms_wake_at(&self) -> Option<Instant> {
        (0..self.arms.count()).fold(None, |at, index| earlier(at, self.arms.wake_at(index)))
    }

    fn expire(self: Pin<&mut Self>, at: Instant) {
        let this = self.project();
        if this.deadline.is_some_and(|deadline| deadline <= at) {
            this.expired = true;
        }
        for index in 0..this.arms.count() {
            this.arms.with(index, &mut |arm| arm.expire(at));
        }
    }

    /// The arm at `position` in the order.
    fn nth(&self, position: usize) -> usize {
        self.order.nth(position, self.arms.count())
    }

    /// The first arm in order whose attempt succeeds.
    fn attempt(&mut self) -> Option<usize> {
        attempt_in(&mut self.arms, self.order)
    }

    /// The first arm in order for which `f` is true.
    fn find(&mut self, mut f: impl FnMut(Pin<&mut dyn Arm>) -> bool) -> Option<usize> {
        for position in 0..self.arms.count() {
            let index = self.nth(position);
            let mut found = false;
            self.arms.with(index, &mut |arm| found = f(arm));
            if found {
                return Some(index);
            }
        }
        None
    }

    fn has_soft(&self) -> bool {
        (0..self.arms.count()).any(|index| self.arms.has_soft(index))
    }

    /// Unregisters all arms but `winner`.
    fn unregister(&mut self, winner: Option<usize>) {
        while self.registered > 0 {
            // Counted down first: a waker that panics while the arm lets others in must not be
            // met again by the drop.
            self.registered -= 1;
            let index = self.nth(self.registered);
            if Some(index) != winner {
                self.arms.with(index, &mut |arm| arm.unregister(Key(())));
            }
        }
    }

    /// Registers the arms. True if an arm may succeed by itself and the others must go.
    fn register(&mut self, waker: &Waker) -> bool {
        // A clone may panic half-way: then no waker is known to be that of all arms.
        self.waker = None;
        self.core.reopen();
        if cfg!(feature = "hooks") && (self.deadline.is_some() || self.has_soft()) {
            hooks::bounded(|| self.register_arms(waker))
        } else {
            self.register_arms(waker)
        }
    }

    fn register_arms(&mut self, waker: &Waker) -> bool {
        for position in 0..self.arms.count() {
            let index = self.nth(position);
            // SAFETY: I3: the core is pinned with this and every arm is unregistered before it
            // ends.
            let arm_ref = unsafe { ArmRef::new(&self.core, index) };
            let waker = waker.clone();
            self.registered = position + 1;
            let mut ready = false;
            let mut waker = Some(waker);
            self.arms.with(index, &mut |arm| {
                ready = arm.register(waker.take().expect("called once"), arm_ref, Key(()));
            });
            if ready {
                return true;
            }
        }
        self.waker = Some(Identity::of(waker));
        false
    }

    /// The registered arms are decided for `winner`: takes its output, unless its baton came too
    /// late.
    fn finish(&mut self, winner: usize) -> Option<usize> {
        // Claimed before the others leave: leaving lets others in and runs their wakers, which may
        // wait for what this thread was granted.
        // Closed before that, so that after a panic the drop does not give back what was claimed.
        self.core.close();
        let mut claimed = false;
        self.arms
            .with(winner, &mut |arm| claimed = arm.claim(Key(())));
        self.unregister(Some(winner));
        claimed.then_some(winner)
    }

    /// Looks at registered arms. `Pending`: they stay; `None`: none is registered any more.
    fn poll_registered(&mut self, cx: &mut Context<'_>) -> Poll<Option<usize>> {
        if self.registered == 0 {
            return Poll::Ready(None);
        }
        if let Some(winner) = self.core.winner() {
            return Poll::Ready(self.finish(winner));
        }
        let same = self
            .waker
            .is_some_and(|waker| waker == Identity::of(cx.waker()));
        // A wake-up may be meant for an arm that is polled, for the deadline of this select, or
        // for an arm that wants to look again.
        let look = self.has_soft()
            || self.expired
            || (self.deadline.is_some() && self.waiter != Waiter::Thread)
            || self.arms_wake_at().is_some_and(reached);
        if same && !look {
            return Poll::Pending;
        }
        match self.core.abort() {
            Err(winner) => Poll::Ready(self.finish(winner)),
            Ok(()) => {
                self.unregister(None);
                Poll::Ready(None)
            }
        }
    }

    /// All arms are registered: sees to it that the task is woken when one wants to look again.
    fn poll_recheck(&mut self, cx: &mut Context<'_>) {
        if self.waiter == Waiter::Thread {
            return;
        }
        let Some(at) = self.arms_wake_at() else {
            return;
        };
        let at = self.deadline.map_or(at, |deadline| deadline.min(at));
        // SAFETY: the timer is pinned with this and not moved.
        let timer = unsafe { Pin::new_unchecked(&mut self.timer) };
        if timer.poll(at, cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }

    /// True at the end of the select's own patience.
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        if self.now_only || self.expired {
            return true;
        }
        let Some(deadline) = self.deadline else {
            return false;
        };
        if self.waiter == Waiter::Thread {
            // In the past from the beginning: each arm was tried once, and that is all (W4).
            return reached(deadline);
        }
        // SAFETY: the timer is pinned with this and not moved.
        unsafe { Pin::new_unchecked(&mut self.timer) }
            .poll(deadline, cx)
            .is_ready()
    }
}

impl<L: ArmList> Selecting<L> {
    /// The patience has ended: the first arm that was granted something before (I5).
    fn end(&mut self) -> Option<usize> {
        if L::OUTLIVES || self.now_only {
            return None;
        }
        self.find(|arm| arm.end(Key(())))
    }
}

impl<L: ArmList> Future for Selecting<L> {
    type Output = Option<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<usize>> {
        let _polled = hooks::Polled::by(cx.waker());
        let this = self.project();
        match this.poll_registered(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(winner)) => return Poll::Ready(Some(winner)),
            Poll::Ready(None) => {}
        }
        loop {
            // I1, I2: nothing is registered here.
            let tried = core::mem::replace(&mut this.tried, false);
            let mut won = if tried { None } else { this.attempt() };
            if won.is_none() {
                // Another kind may have waited for the arms before.
                let fresh = this.waiter == Waiter::Unknown;
                let joins = L::OUTLIVES || !this.now_only; // I5
                won = this.find(|mut arm| {
                    if fresh {
                        arm.as_mut().set_blocking(false);
                    }
                    arm.poll_soft(cx, joins)
                });
                if fresh {
                    this.waiter = Waiter::Task;
                }
            }
            if won.is_some() {
                return Poll::Ready(won);
            }
            if this.is_over(cx) {
                return Poll::Ready(this.end());
            }
            if !this.register(cx.waker()) {
                this.poll_recheck(cx);
                return Poll::Pending;
            }
            match this.core.abort() {
                Ok(()) => this.unregister(None),
                Err(winner) => {
                    if let Some(winner) = this.finish(winner) {
                        return Poll::Ready(Some(winner));
                    }
                }
            }
        }
    }
}

impl<L: ArmList> Drop for Selecting<L> {
    fn drop(&mut self) {
        if self.registered == 0 {
            return;
        }
        let winner = self.core.abort().err();
        Leaving {
            select: self,
            winner,
        }
        .leave();
    }
}

/// Takes everything out, also what is left when a waker panics (I3).
struct Leaving<'s, L: ArmList> {
    select: &'s mut Selecting<L>,
    winner: Option<usize>,
}

impl<L: ArmList> Leaving<'_, L> {
    fn leave(&mut self) {
        self.select.unregister(self.winner);
        if let Some(winner) = self.winner.take() {
            self.select
                .arms
                .with(winner, &mut |arm| arm.forfeit(Key(())));
        }
    }
}

impl<L: ArmList> Drop for Leaving<'_, L> {
    fn drop(&mut self) {
        // Only after a panic is there anything left to do.
        self.leave();
    }
}
