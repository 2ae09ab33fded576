//! What a primitive supplies for a waiting verb.

use core::fmt;
use core::pin::Pin;
use core::task::Context;
use counterpoint_base::prim::time::Instant;

use crate::hooks::Site;
use crate::queue::{Locked, Node, WaitQueue};
use crate::waker::WakeBatch;

/// Why an operation was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stop {
    /// Its deadline came.
    TimedOut,
    /// Its token was cancelled, or the future given to `until` was ready.
    Cancelled,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stop::TimedOut => "timed out",
            Stop::Cancelled => "cancelled",
        })
    }
}

impl core::error::Error for Stop {}

/// Whether an attempt is a first one or follows a baton.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The operation was never granted anything.
    First,
    /// It holds a baton.
    Notified,
}

/// The queue of a verb, locked.
pub type LockedQueue<'q, V> = Locked<'q, <V as Verb>::State, <V as Verb>::Payload>;

/// What a primitive supplies for one waiting verb. No method may run foreign code, but for the wakers
/// of others: an [`attempt`](Verb::attempt), [`serve`](Verb::serve) and [`over`](Verb::over), as the
/// last thing they do.
///
/// This is the seam between the wait core and the primitives built on it; to wait, users need
/// [`Op`](super::Op) only.
///
/// # Safety
/// `queue` returns the same queue each time, and that queue lives, and stays where it is, as long
/// as the verb. No method moves the verb out of its place: it is pinned with its operation.
pub unsafe trait Verb {
    /// The primitive's own word(s).
    type State;
    /// What a waiter carries: what it wants, or the place for its result.
    type Payload;
    /// What waiting yields.
    type Output;
    /// What waiting yields where it may be stopped: usually a `Result`.
    type Stoppable;

    /// The name in messages, such as `"Mutex::lock"`.
    const NAME: &'static str;
    /// True if an attempt cannot make up for what was granted to others while it was not linked.
    /// As an arm of a select it is tried as the others are, then polled, and stays in its queue
    /// instead of joining the decision. So one that does not win may have been granted something
    /// all the same, which [`unclaimed`](Self::unclaimed) has to make good.
    const STAYS: bool = false;

    /// An attempt that fails has changed nothing. So an operation whose deadline has passed before it
    /// is polled may end after it, without having queued (W4).
    const PURE: bool = false;

    /// A poll looks for a moment, by asking [`may_succeed`](Verb::may_succeed), before it queues.
    const GLANCES: bool = false;

    /// A thread that waits looks for a moment before it sleeps, once it is queued.
    const LINGERS: bool = true;

    /// Where to wait.
    fn queue(&self) -> &WaitQueue<Self::State, Self::Payload>;

    /// Tries, without the queue lock. `payload` is the operation's own.
    fn attempt(&mut self, payload: &mut Self::Payload, turn: Turn) -> Option<Self::Output>;

    /// Looks once more under the lock. Returns true if another attempt may succeed; else it has
    /// marked the primitive so that whoever changes it looks at the queue.
    fn prepare(
        &mut self,
        payload: &mut Self::Payload,
        turn: Turn,
        queue: &mut LockedQueue<'_, Self>,
    ) -> bool;

    /// The operation was linked as `node` in this hold of the lock: for a verb whose granters pick
    /// one waiter out of many, by [`Locked::grant_node`]. The node is linked until it is granted, until
    /// a grant to it fails, as the select that it is an arm of was decided otherwise, or until
    /// [`look_again`](Self::look_again) answers true or [`settle`](Self::settle) is called. So who
    /// grants it forgets it in the same hold of the lock, whether it was granted or not.
    ///
    /// Returns whether somebody in line may be let in for whom nobody else looks, since what this one
    /// had before is enough for who stands in front of it now. Then [`serve`](Self::serve) is called,
    /// with the lock released.
    #[inline(always)]
    fn linked(
        &mut self,
        node: *const Node<Self::Payload>,
        queue: &mut LockedQueue<'_, Self>,
    ) -> bool {
        let _ = (node, queue);
        false
    }

    /// Lets in whoever may come, after [`linked`](Self::linked) has asked for it.
    fn serve(&mut self) {}

    /// Takes the result that was handed.
    fn collect(&mut self, payload: &mut Self::Payload) -> Self::Output;

    /// The operation ends without taking its grant: put it back into the primitive. As an arm of
    /// a select it may be used again after that.
    fn unclaimed(&mut self, payload: &mut Self::Payload, queue: &mut LockedQueue<'_, Self>);

    /// Somebody left the queue or gave a grant back: clear marks that no longer hold and grant
    /// what can be granted. Returns true if the batch is full and there may be more to do.
    fn settle(&mut self, queue: &mut LockedQueue<'_, Self>, wakes: &mut WakeBatch) -> bool;

    /// It was stopped and has left the queue before its grant came, or was never in it: what it waited
    /// for may have happened all the same. Then this is its result. What an attempt as an arm has kept
    /// is given back here.
    #[inline(always)]
    fn over(&mut self, payload: &mut Self::Payload) -> Option<Self::Output> {
        let _ = payload;
        None
    }

    /// A plain result as a stoppable one.
    fn finish(output: Self::Output) -> Self::Stoppable;

    /// The result of an operation that was stopped, with what it was lent.
    fn stopped(&mut self, payload: &mut Self::Payload, why: Stop) -> Self::Stoppable;

    /// Whether an attempt may succeed now, for a verb whose waits are often over at once since what
    /// it waits for is held or sent on another processor. A look that decides nothing and changes
    /// nothing.
    fn may_succeed(&self, payload: &Self::Payload) -> bool {
        let _ = payload;
        false
    }

    /// The operation was polled, an attempt has failed, and it is about to queue. If it is a blocked
    /// thread that was woken, it may try for longer here, once in each poll: to sleep again costs
    /// more. Not called for an arm, whose select has others to see to, nor where it is stopped.
    #[inline(always)]
    fn persist(&mut self, payload: &mut Self::Payload) -> Option<Self::Output> {
        let _ = payload;
        None
    }

    /// The operation is polled while it is queued: may it try although nothing was granted?
    /// Called under the lock. Only a verb whose newcomers may overtake answers true, so that a
    /// grant to a future that nobody polls does not hold back one that is polled.
    fn look_again(&mut self, queue: &mut LockedQueue<'_, Self>) -> bool {
        let _ = queue;
        false
    }

    /// How many units it waits for, as the hooks tell it.
    fn units(&self, payload: &Self::Payload) -> usize {
        let _ = payload;
        1
    }

    /// The operation, made at `site`, completes with this output. A verb that yields a guard tells
    /// the hooks that it is held, and keeps what they return in it.
    #[inline(always)]
    fn taken(output: &mut Self::Output, site: Site) {
        let _ = (output, site);
    }

    /// The operation gave up its place without a result, with no lock held: for a verb that told the
    /// hooks of something that it lends while it waits.
    #[inline(always)]
    fn left(&mut self) {}

    /// A moment at which a queued operation wants to look again by itself.
    fn recheck_at(&self) -> Option<Instant> {
        None
    }

    /// Sees to it that the task is woken at [`recheck_at`](Self::recheck_at): called when a task
    /// polled the operation and it stays queued. The verb is pinned with its operation.
    fn poll_recheck(self: Pin<&mut Self>, cx: &mut Context<'_>) {
        let _ = cx;
    }
}
