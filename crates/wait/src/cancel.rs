//! Cancellation that is passed explicitly: a tree of tokens, and [`Ctl`], the context of a call.
//!
//! # From
//! tokio-util's `CancellationToken` (tree, drop guard, `run_until_cancelled`); Go's contexts
//! (deadline and cancellation in one value, a cause).
//!
//! # State
//! | word | meaning | who leaves it |
//! |---|---|---|
//! | `LIVE` | not cancelled | the first `cancel`, to `CANCELLED` |
//! | `CANCELLED` | the reason is set; for ever | nobody |
//!
//! # Fields
//! `reason`: written once under the queue's lock before `CANCELLED`, read after it was seen.
//! `children` and the links of the children in it: under the parent's `tree` lock.
//!
//! # Invariants
//! * I1: `CANCELLED` is set before the tree lock is taken to empty the list of children, and a
//!   child looks at the word under that lock before it is linked: a child is cancelled with its
//!   parent, or born cancelled.
//! * I2: a linked child is alive and stays where it is: it takes the parent's lock to unlink
//!   itself before its memory ends or it moves; whoever empties the list upgrades under that lock.
//! * I3: a canceller takes a child out of the list only when it and all below it are cancelled;
//!   so a list that is found empty has nothing left to cancel, whoever is at it.
//!
//! # Edges
//! * E1: release of `CANCELLED` → acquire in `is_cancelled`: the reason, and what the canceller
//!   did before.
//!
//! # Waiting
//! `cancel` takes the queue's lock to set the word and grants all waiters; a waiter looks at the
//! word under the lock before it is linked.
//!
//! # Cancel
//! A dropped wait leaves nothing. Broadcasts are not passed on.
//!
//! # Panic
//! A panicking waker: the others are woken and the children cancelled first.
//!
//! # Rejected
//! Ambient cancellation (a token found in a thread-local by every `lock`): a lock that fails
//! because of its caller's caller surprises.
//!
//! # Checked by
//! dev/model tests/cancel.rs.

use core::fmt;
use core::future::Future;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};
use counterpoint_base::prim::atomic::{AtomicU32, acquire, release};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::lock::RawLock;
use counterpoint_base::prim::time::{Duration, Instant, deadline};
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Weak};

use crate::hooks;
use crate::op::{LockedQueue, Op, Stop, Turn, Verb};
use crate::queue::{End, Grant, Pick, WaitQueue};
use crate::waker::{WakeBatch, keep_first};

const LIVE: u32 = 0;
const CANCELLED: u32 = 1;

struct Links {
    next: *const Inner,
    prev: *const Inner,
    linked: bool,
}

struct Inner {
    queue: WaitQueue<AtomicU32>,
    reason: UnsafeCell<&'static str>,
    /// Guards `children` and the `links` of each child.
    tree: RawLock,
    children: UnsafeCell<*const Inner>,
    links: UnsafeCell<Links>,
    parent: Option<Arc<Inner>>,
    me: Weak<Inner>,
}

// SAFETY: the cells are guarded as the fields table says.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

// A panicking waker leaves nothing half-changed.
impl UnwindSafe for Inner {}
impl RefUnwindSafe for Inner {}

impl Inner {
    #[cfg_attr(feature = "hooks", track_caller)]
    fn new(parent: Option<Arc<Inner>>) -> Arc<Inner> {
        Arc::new_cyclic(|me| Inner {
            queue: WaitQueue::new(AtomicU32::new(LIVE)),
            reason: UnsafeCell::new(""),
            tree: RawLock::new(),
            children: UnsafeCell::new(ptr::null()),
            links: UnsafeCell::new(Links {
                next: ptr::null(),
                prev: ptr::null(),
                linked: false,
            }),
            parent,
            me: me.clone(),
        })
    }

    #[inline]
    fn is_cancelled(&self) -> bool {
        // Acquire [E1]: pairs with the release in `mark`.
        self.queue.state().load(acquire("cancel.look")) == CANCELLED
    }

    fn reason(&self) -> Option<&'static str> {
        // SAFETY: E1: written before CANCELLED, which was seen, and never again.
        self.is_cancelled()
            .then(|| self.reason.with(|reason| unsafe { *reason }))
    }

    /// Sets the word, grants every waiter and wakes them. False if it was set already.
    fn mark(&self, reason: &'static str) -> bool {
        let mut locked = self.queue.lock();
        if self.is_cancelled() {
            return false;
        }
        // SAFETY: under the lock, and not yet CANCELLED, so nobody reads it.
        self.reason.with_mut(|cell| unsafe { *cell = reason });
        // Release [E1]: publishes the reason.
        locked.state().store(CANCELLED, release("cancel.mark"));
        let mut panicked = None;
        loop {
            let mut wakes = WakeBatch::new();
            while !wakes.is_full() {
                let take = |(): &mut (), _| Pick::Take;
                if !locked.grant(End::First, Grant::Result, &mut wakes, take, |()| ()) {
                    break;
                }
            }
            let more = wakes.is_full();
            drop(locked);
            if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| wakes.wake())) {
                keep_first(&mut panicked, payload);
            }
            if !more {
                break;
            }
            locked = self.queue.lock();
        }
        if let Some(payload) = panicked {
            panic::resume_unwind(payload);
        }
        true
    }

    /// The first child; it stays in the list (I3).
    fn first_child(&self) -> Option<Arc<Inner>> {
        let _tree = self.tree.lock();
        loop {
            // SAFETY: the tree lock is held.
            let child = self.children.with(|children| unsafe { *children });
            // SAFETY: I2: linked, hence alive while the lock is held.
            let child = unsafe { child.as_ref() }?;
            if let Some(child) = child.me.upgrade() {
                return Some(child);
            }
            // Its last handle is gone: nobody waits there.
            self.unlink(child);
        }
    }

    /// Takes out a child that is cancelled with all below it.
    fn remove(&self, child: &Inner) {
        let _tree = self.tree.lock();
        self.unlink(child);
    }

    /// Links a child, unless this token is cancelled: then returns the reason (I1).
    fn adopt(&self, child: &Inner) -> Option<&'static str> {
        let _tree = self.tree.lock();
        if let Some(reason) = self.reason() {
            return Some(reason);
        }
        // SAFETY: the tree lock is held.
        let first = self.children.with(|children| unsafe { *children });
        // SAFETY: the parent's tree lock guards the links.
        child.links.with_mut(|links| unsafe {
            *links = Links {
                next: first,
                prev: ptr::null(),
                linked: true,
            };
        });
        // SAFETY: I2: linked, hence alive while the lock is held.
        if let Some(first) = unsafe { first.as_ref() } {
            // SAFETY: the tree lock is held.
            first
                .links
                .with_mut(|links| unsafe { (*links).prev = child });
        }
        // SAFETY: the tree lock is held.
        self.children
            .with_mut(|children| unsafe { *children = child });
        None
    }

    /// Takes a child out of the list, if it is in it. The tree lock must be held.
    fn unlink(&self, child: &Inner) {
        let none = Links {
            next: ptr::null(),
            prev: ptr::null(),
            linked: false,
        };
        // SAFETY: the parent's tree lock guards the links.
        let links = child
            .links
            .with_mut(|links| unsafe { ptr::replace(links, none) });
        if !links.linked {
            return;
        }
        // SAFETY: I2: neighbours are linked, hence alive while the lock is held.
        if let Some(next) = unsafe { links.next.as_ref() } {
            // SAFETY: the tree lock is held.
            next.links
                .with_mut(|other| unsafe { (*other).prev = links.prev });
        }
        // SAFETY: as above.
        match unsafe { links.prev.as_ref() } {
            // SAFETY: the tree lock is held.
            Some(prev) => prev
                .links
                .with_mut(|other| unsafe { (*other).next = links.next }),
            // SAFETY: the tree lock is held.
            None => self
                .children
                .with_mut(|children| unsafe { *children = links.next }),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let mut parent = self.parent.take();
        if let Some(parent) = &parent {
            let _tree = parent.tree.lock();
            parent.unlink(self);
        }
        // A long chain of parents is dropped in a loop, not by recursion. Whether a parent is the
        // last is decided, and it is unlinked, in one hold of the lock that guards its links: it
        // moves to this stack, and nobody may follow a link to it after that (I2).
        while let Some(this) = parent {
            let above = this.parent.clone();
            let tree = above.as_ref().map(|above| above.tree.lock());
            let place = hooks::Place::of(&this.queue);
            let Some(last) = Arc::into_inner(this) else {
                break;
            };
            let mut last = core::mem::ManuallyDrop::new(last);
            if let Some(above) = &above {
                above.unlink(&last);
            }
            drop(tree);
            place.left();
            drop(last.parent.take());
            // Without a parent its destructor ends at once.
            drop(core::mem::ManuallyDrop::into_inner(last));
            parent = above;
        }
    }
}

/// A token that says "stop" to everyone who holds a clone or a child of it.
///
/// Give it to operations by [`Ctl`] and `.with(&ctl)`, ask it with
/// [`is_cancelled`](Self::is_cancelled), or wait for it with [`cancelled`](Self::cancelled).
/// Cancelling a token cancels its children, not its parent. Cancellation is final.
///
/// Do not use it to pass values or to signal more than once: that is what `Notify` and channels
/// are for.
///
/// # Cost
/// One allocation for a token, one for a child; asking is one load; waiting allocates nothing.
///
/// ```
/// use counterpoint_wait::cancel::CancelToken;
///
/// let all = CancelToken::new();
/// let part = all.child();
/// all.cancel("shutting down");
/// assert_eq!(part.reason(), Some("shutting down"));
/// ```
#[derive(Clone)]
pub struct CancelToken {
    inner: Arc<Inner>,
}

impl Default for CancelToken {
    #[cfg_attr(feature = "hooks", track_caller)]
    fn default() -> CancelToken {
        CancelToken::new()
    }
}

/// Two are equal if they are clones of each other: cancelling one cancels the other, and the reverse.
impl PartialEq for CancelToken {
    fn eq(&self, other: &CancelToken) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Eq for CancelToken {}

impl core::hash::Hash for CancelToken {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.inner).hash(state);
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken")
            .field("reason", &self.reason())
            .finish_non_exhaustive()
    }
}

impl CancelToken {
    /// A token of its own.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn new() -> CancelToken {
        CancelToken {
            inner: Inner::new(None),
        }
    }

    /// A token that is cancelled with this one, with the same reason, or by itself.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn child(&self) -> CancelToken {
        let child = Inner::new(Some(self.inner.clone()));
        if let Some(reason) = self.inner.adopt(&child) {
            child.mark(reason);
        }
        CancelToken { inner: child }
    }

    /// Cancels the token and all below it. Returns true if it was not cancelled before; only the
    /// first reason stays.
    ///
    /// # Panics
    /// Goes on with the panic of a waker that panics, after everyone was woken.
    pub fn cancel(&self, reason: &'static str) -> bool {
        let mut panicked = None;
        let mut cancel = |inner: &Inner, reason| match panic::catch_unwind(AssertUnwindSafe(|| {
            inner.mark(reason)
        })) {
            Ok(first) => first,
            Err(payload) => {
                keep_first(&mut panicked, payload);
                true
            }
        };
        let first = cancel(&self.inner, reason);
        // Also if somebody else was first, here or below: when this returns all are cancelled (I3).
        let (mut above, mut here) = (Vec::new(), self.inner.clone());
        loop {
            if let Some(child) = here.first_child() {
                // The reason of the one above, where somebody else may have been first.
                cancel(&child, here.reason().unwrap_or(reason));
                above.push(core::mem::replace(&mut here, child));
            } else if let Some(parent) = above.pop() {
                parent.remove(&here);
                here = parent;
            } else {
                break;
            }
        }
        if let Some(payload) = panicked {
            panic::resume_unwind(payload);
        }
        first
    }

    /// True once it is cancelled.
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.inner.is_cancelled()
    }

    /// Why it was cancelled; `None` while it is not.
    pub fn reason(&self) -> Option<&'static str> {
        self.inner.reason()
    }

    /// Names the token in what the hooks tell, together with all its clones. Without the feature
    /// `hooks` this does nothing.
    #[inline(always)]
    pub fn named(&self, name: &'static str) {
        hooks::name(&self.inner.queue, name);
    }

    /// Those who wait for its cancellation at this instant, in the order of their places.
    #[cfg(feature = "hooks")]
    pub fn waiters(&self) -> Vec<hooks::Waiter> {
        hooks::visit(&self.inner.queue)
    }

    /// An operation that completes when the token is cancelled.
    ///
    /// # Cancel safety
    /// Dropping it leaves nothing behind.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn cancelled(&self) -> Cancelled<'_> {
        Op::new(CancelledVerb { token: self }, ())
    }

    /// Runs `future` until it is ready or the token is cancelled: then yields `None`. If both
    /// happen at once the future wins; if the token is cancelled before the first poll the future
    /// is not polled at all.
    ///
    /// # Panics
    /// If it is polled after it was ready.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn run_until_cancelled<F: Future>(&self, future: F) -> RunUntilCancelled<'_, F> {
        RunUntilCancelled {
            future,
            cancelled: self.cancelled(),
            begun: false,
            done: false,
        }
    }

    /// Cancels the token when the guard is dropped.
    pub fn drop_guard(self, reason: &'static str) -> DropGuard {
        DropGuard {
            token: Some(self),
            reason,
        }
    }
}

/// Cancels a token when dropped; made by [`CancelToken::drop_guard`].
#[derive(Debug)]
#[must_use = "dropping the guard at once cancels the token at once"]
pub struct DropGuard {
    token: Option<CancelToken>,
    reason: &'static str,
}

impl DropGuard {
    /// The token back; it is not cancelled.
    pub fn disarm(mut self) -> CancelToken {
        self.token.take().expect("taken only here and in drop")
    }
}

impl Drop for DropGuard {
    fn drop(&mut self) {
        if let Some(token) = self.token.take() {
            token.cancel(self.reason);
        }
    }
}

/// Waits for the cancellation of a token; see [`CancelToken::cancelled`].
pub type Cancelled<'t> = Op<CancelledVerb<'t>>;

/// The verb of [`Cancelled`].
#[derive(Debug)]
pub struct CancelledVerb<'t> {
    token: &'t CancelToken,
}

impl CancelledVerb<'_> {
    pub(crate) fn token(&self) -> &CancelToken {
        self.token
    }
}

// SAFETY: one queue, that of the token it borrows; no method moves the verb.
unsafe impl Verb for CancelledVerb<'_> {
    type State = AtomicU32;
    type Payload = ();
    type Output = ();
    type Stoppable = Result<(), Stop>;

    const NAME: &'static str = "CancelToken::cancelled";
    const PURE: bool = true;

    fn queue(&self) -> &WaitQueue<AtomicU32> {
        &self.token.inner.queue
    }

    fn attempt(&mut self, _payload: &mut (), _turn: Turn) -> Option<()> {
        self.token.is_cancelled().then_some(())
    }

    fn prepare(&mut self, _: &mut (), _: Turn, _: &mut LockedQueue<'_, Self>) -> bool {
        self.token.is_cancelled()
    }

    fn collect(&mut self, _payload: &mut ()) {}

    fn unclaimed(&mut self, _payload: &mut (), _queue: &mut LockedQueue<'_, Self>) {}

    fn settle(&mut self, _queue: &mut LockedQueue<'_, Self>, _wakes: &mut WakeBatch) -> bool {
        false
    }

    fn finish((): ()) -> Result<(), Stop> {
        Ok(())
    }

    fn stopped(&mut self, _payload: &mut (), why: Stop) -> Result<(), Stop> {
        Err(why)
    }
}

/// A future that a token may end early; see [`CancelToken::run_until_cancelled`].
#[must_use = "futures do nothing unless you `.await` them"]
pub struct RunUntilCancelled<'t, F> {
    future: F,
    cancelled: Cancelled<'t>,
    begun: bool,
    done: bool,
}

impl<F> fmt::Debug for RunUntilCancelled<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunUntilCancelled").finish_non_exhaustive()
    }
}

impl<F> RunUntilCancelled<'_, F> {
    /// True once it was ready: it must not be polled again.
    pub fn is_terminated(&self) -> bool {
        self.done
    }
}

impl<F: Future> RunUntilCancelled<'_, F> {
    fn poll_both(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        // SAFETY: both parts are pinned with this and not moved.
        let this = unsafe { self.get_unchecked_mut() };
        let begun = core::mem::replace(&mut this.begun, true);
        if !begun && this.cancelled.verb().token().is_cancelled() {
            return Poll::Ready(None);
        }
        // SAFETY: as above.
        match unsafe { Pin::new_unchecked(&mut this.future) }.poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            // SAFETY: as above.
            Poll::Pending => unsafe { Pin::new_unchecked(&mut this.cancelled) }
                .poll(cx)
                .map(|()| None),
        }
    }
}

impl<F: Future> Future for RunUntilCancelled<'_, F> {
    type Output = Option<F::Output>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        assert!(
            !self.done,
            "counterpoint: CancelToken::run_until_cancelled polled after completion"
        );
        let polled = self.as_mut().poll_both(cx);
        // SAFETY: a plain flag, not pinned.
        unsafe { self.get_unchecked_mut() }.done = polled.is_ready();
        polled
    }
}

#[cfg(feature = "futures")]
impl<F: Future> futures_core::FusedFuture for RunUntilCancelled<'_, F> {
    fn is_terminated(&self) -> bool {
        self.done
    }
}

/// The context of a call: who may cancel it, and until when it may take.
///
/// Small, `Copy` and borrowed: pass it down by value. `op.with(&ctl)` stops the operation by
/// either.
///
/// ```
/// use counterpoint_wait::cancel::{CancelToken, Ctl};
/// use std::time::Duration;
///
/// let token = CancelToken::new();
/// let ctl = Ctl::new().cancel(&token).timeout(Duration::from_secs(5));
/// assert!(!ctl.is_cancelled());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Ctl<'c> {
    /// Cancels the call.
    pub cancel: Option<&'c CancelToken>,
    /// Ends the call.
    pub deadline: Option<Instant>,
}

impl<'c> Ctl<'c> {
    /// No bounds.
    pub const fn new() -> Ctl<'c> {
        Ctl {
            cancel: None,
            deadline: None,
        }
    }

    /// With this token, in place of the one it has.
    pub const fn cancel(self, token: &'c CancelToken) -> Ctl<'c> {
        Ctl {
            cancel: Some(token),
            ..self
        }
    }

    /// With this deadline, or the one it has if that is earlier.
    pub fn deadline(self, deadline: Instant) -> Ctl<'c> {
        let deadline = self.deadline.map_or(deadline, |known| known.min(deadline));
        Ctl {
            deadline: Some(deadline),
            ..self
        }
    }

    /// With a deadline this far ahead, or the one it has if that is earlier. A time too long for
    /// the clock changes nothing.
    pub fn timeout(self, timeout: Duration) -> Ctl<'c> {
        deadline(timeout).map_or(self, |at| self.deadline(at))
    }

    /// True if its token is cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_some_and(CancelToken::is_cancelled)
    }
}
