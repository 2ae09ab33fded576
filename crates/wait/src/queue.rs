//! The queue in which waiters of one primitive stand: nodes that live in futures or on blocked
//! stacks, linked under one small lock, granted in order and woken after it was released.
//!
//! # From
//! The intrusive queues of parking_lot and of tokio's semaphore; the one decision word that a
//! select shares among its nodes is crossbeam-channel's. Differs: a primitive's own word shares
//! a cache line with the queue, and the queue holds no address of the primitive.
//!
//! # State
//! The verdict of a node:
//! | verdict | meaning | who leaves it |
//! |---|---|---|
//! | `QUEUED` | linked, nothing decided | a granter to `NOTIFIED` or `HANDED`, the owner to `LEFT`, each holding the queue's lock |
//! | `NOTIFIED` | a baton: the owner may claim at its next poll | the owner: claims, queues again, or passes it on |
//! | `HANDED` | the result is in the payload | the owner: collects or gives it back |
//! | `LEFT` | the owner is not waiting | the owner, by queueing (again) |
//!
//! A node that is an arm of a select shares one [`Core`] with the other arms; there the decision
//! is `OPEN` → `ABORTED` or the arm's number, by one exchange.
//!
//! # Fields
//! | field | holder of the lock | owner without the lock |
//! |---|---|---|
//! | `links` | read, write | no |
//! | `payload`, `mark` | read, write while `QUEUED` | read, write while not `QUEUED` |
//! | `verdict` | store while `QUEUED` | load; store while not linked |
//!
//! # Invariants
//! * I1: a node is linked only while its verdict is `QUEUED` (or, for an arm, not yet
//!   unregistered), and its memory is pinned: the owner unlinks it before it moves or ends.
//! * I2: the store of the verdict (for an arm: the exchange of the shared word) is the granter's
//!   last touch of a node: its waker was taken out and its links were cut before.
//! * I3: links point to nodes only. Neither a node nor the queue holds the queue's own address,
//!   so a primitive may move while a forgotten node is still linked.
//! * I4: no foreign code runs under the lock: wakers are moved in and out, never cloned, dropped
//!   or woken.
//! * I5: each decision of an arm is one exchange of the shared word from `OPEN`: one arm wins.
//! * I6: `links` is uninitialized until the node is first linked: an operation that never waits
//!   does not write it. A node that is not linked holds no waker, so nothing of it need be dropped.
//!
//! # Edges
//! * E1: release in `decide` → acquire in `Node::verdict`: the payload and what the granter did
//!   before (W11).
//! * E2: release in `Core::decide` → acquire in `Core::winner`: the same for an arm.
//!
//! # Waiting
//! Who looks at the primitive's word under the queue's lock and finds nothing links itself before
//! releasing it; who changes the word looks at the queue after. The primitive proves in its own
//! header that a changer sees that somebody waits.
//!
//! # Cancel
//! [`Locked::leave`] unlinks in O(1). A verdict that was faster stands (W1).
//!
//! # Panic
//! None under the lock; see `waker.rs` for panicking wakers.
//!
//! # Rejected
//! * A decision by the lock alone: two arms of a select stand in queues with two locks.
//! * Numbers that order all waiters of a queue for ever: they would cost a word per primitive, and
//!   are needed only to put a loser back where it was (`seq`).
//! * A verdict decided by an exchange: all who change it hold the lock, so a store does.
//!
//! # Checked by
//! dev/model tests/waiting.rs, tests/mutex.rs, tests/select.rs, tests/regressions.rs.

mod decision;
mod direct;

use core::marker::PhantomPinned;
use core::mem::MaybeUninit;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr;
use core::task::Waker;
use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::{AtomicU32, RELAXED, acquire, release};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::lock::{RawGuard, RawLock};

use crate::hooks::{Mark, Tag};
use crate::waker::{WakeBatch, is_committed};

pub use decision::{ArmRef, Core};

const QUEUED: u32 = 0;
const NOTIFIED: u32 = 1;
const HANDED: u32 = 2;
const LEFT: u32 = 3;

/// What stands in a node's verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing yet.
    Queued,
    /// A baton to claim with.
    Notified,
    /// A result in the payload.
    Handed,
    /// Not waiting.
    Left,
}

/// What a granter gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Grant {
    /// The right to try, which must be claimed or passed on.
    Baton = NOTIFIED,
    /// The result itself, in the payload.
    Result = HANDED,
}

/// What a node needs to stand in a queue.
struct Links<P> {
    next: *const Node<P>,
    prev: *const Node<P>,
    waker: Option<Waker>,
    arm: Option<ArmRef>,
    seq: u32,
    /// Set for good by the first grant: this node once stood first.
    was_first: bool,
}

/// What a node carries.
struct Load<P> {
    mark: Mark,
    payload: P,
}

struct Inner<P> {
    /// I6.
    links: MaybeUninit<Links<P>>,
    load: Load<P>,
}

/// A waiter. Lives in its future or on the stack of its blocked thread.
pub struct Node<P> {
    verdict: AtomicU32,
    inner: UnsafeCell<Inner<P>>,
    _pinned: PhantomPinned,
}

impl<P> core::fmt::Debug for Node<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Node")
            .field("verdict", &self.verdict())
            .finish_non_exhaustive()
    }
}

// SAFETY: what the fields table says: everything but the verdict is reached under the queue's lock
// or by the owner alone; pointers lead to nodes that obey the same.
unsafe impl<P: Send> Send for Node<P> {}
// SAFETY: as above; the owner's access to the payload needs `&mut Node`.
unsafe impl<P: Send> Sync for Node<P> {}

impl<P> Node<P> {
    const_fn! {
        /// A node that waits for nothing.
        #[inline(always)]
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn new(payload: P) -> Node<P> {
            Node {
                verdict: AtomicU32::new(LEFT),
                inner: UnsafeCell::new(Inner {
                    links: MaybeUninit::uninit(),
                    load: Load { mark: Mark::here(), payload },
                }),
                _pinned: PhantomPinned,
            }
        }
    }

    /// The verdict.
    #[inline]
    pub fn verdict(&self) -> Verdict {
        // Acquire [E1]: pairs with the release in `decide`.
        match self.verdict.load(acquire("queue.verdict")) {
            QUEUED => Verdict::Queued,
            NOTIFIED => Verdict::Notified,
            HANDED => Verdict::Handed,
            _ => Verdict::Left,
        }
    }

    /// The payload, for the owner while the node is not linked.
    ///
    /// # Safety
    /// The node must not be linked.
    #[inline]
    pub unsafe fn payload(&mut self) -> &mut P {
        &mut self.inner.get_mut().load.payload
    }

    /// The node's mark, for the owner while the node is not linked.
    ///
    /// # Safety
    /// The node must not be linked.
    #[inline(always)]
    pub(crate) unsafe fn mark(&mut self) -> &mut Mark {
        &mut self.inner.get_mut().load.mark
    }
}

// A panic never leaves a node or a queue half-changed: no foreign code runs while one is changed.
impl<P> UnwindSafe for Node<P> {}
impl<P> RefUnwindSafe for Node<P> {}
impl<S: UnwindSafe, P> UnwindSafe for WaitQueue<S, P> {}
impl<S: RefUnwindSafe, P> RefUnwindSafe for WaitQueue<S, P> {}

/// Runs `f` on the inside of a node that was linked at least once.
///
/// # Safety
/// The node must be alive and have been linked, and the caller must hold the lock of the queue it
/// is linked in, or be its owner while it is linked in none. `f` must not reach the same node.
#[inline]
unsafe fn inside<P, R>(
    node: *const Node<P>,
    f: impl FnOnce(&mut Links<P>, &mut Load<P>) -> R,
) -> R {
    // SAFETY: alive by the caller's promise; a shared reference, as the owner may load the verdict.
    let node = unsafe { &*node };
    node.inner.with_mut(|inner| {
        // SAFETY: exclusive by the caller's promise.
        let inner = unsafe { &mut *inner };
        // SAFETY: I6: it was linked, by the caller's promise.
        let links = unsafe { inner.links.assume_init_mut() };
        f(links, &mut inner.load)
    })
}

/// The lock of a queue; its address is that of the tag, which may have no size.
#[repr(C)]
struct Lock {
    tag: Tag,
    raw: RawLock,
}

impl Lock {
    const_fn! {
        #[inline(always)]
        #[cfg_attr(feature = "hooks", track_caller)]
        const fn new() -> Lock {
            Lock { tag: Tag::new(), raw: RawLock::new() }
        }
    }
}

/// A primitive's own word(s) `S`, and those who wait for it, each with a payload `P`.
///
/// With a 32-bit word it is 16 bytes large.
pub struct WaitQueue<S, P = ()> {
    state: S,
    lock: Lock,
    head: UnsafeCell<*const Node<P>>,
}

impl<S: core::fmt::Debug, P> core::fmt::Debug for WaitQueue<S, P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("WaitQueue")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

// SAFETY: the head and the nodes are reached under the lock; payloads go from thread to thread.
unsafe impl<S: Send, P: Send> Send for WaitQueue<S, P> {}
// SAFETY: as above.
unsafe impl<S: Sync, P: Send> Sync for WaitQueue<S, P> {}

impl<S, P> WaitQueue<S, P> {
    const_fn! {
        /// An empty queue.
        #[inline]
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn new(state: S) -> WaitQueue<S, P> {
            WaitQueue { state, lock: Lock::new(), head: UnsafeCell::new(ptr::null()) }
        }
    }

    /// The primitive's word(s).
    #[inline(always)]
    pub const fn state(&self) -> &S {
        &self.state
    }

    /// The primitive's word(s), with exclusive access.
    #[inline(always)]
    pub const fn state_mut(&mut self) -> &mut S {
        &mut self.state
    }

    /// What the hooks know of it.
    #[cfg(feature = "hooks")]
    pub(crate) const fn tag(&self) -> &Tag {
        &self.lock.tag
    }

    /// Takes the lock. Hold it for a few instructions and run no foreign code.
    #[inline]
    pub fn lock(&self) -> Locked<'_, S, P> {
        Locked {
            queue: self,
            own: ptr::null(),
            _guard: self.lock.raw.lock(),
        }
    }
}

/// Where a node is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Behind all others.
    Back,
    /// Where it stood before.
    Again,
}

/// From which end a waiter is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The one that waits longest.
    First,
    /// The one that came last.
    Last,
}

/// What a granter does with a waiter it looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// Grants it.
    Take,
    /// Goes on to the next one.
    Skip,
    /// Ends the search.
    Stop,
}

/// What a granter knows of a waiter besides its payload.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Candidate {
    /// It is a blocked thread that looks each time it wakes ([`waker::committed`](crate::waker::committed)).
    pub committed: bool,
    /// Nobody else is queued.
    pub alone: bool,
}

/// A queue whose lock is held.
pub struct Locked<'q, S, P> {
    queue: &'q WaitQueue<S, P>,
    /// The select whose arm looks at the queue, to which its other arms are no partners.
    own: *const Core,
    _guard: RawGuard<'q>,
}

impl<S, P> core::fmt::Debug for Locked<'_, S, P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Locked")
            .field("empty", &self.is_empty())
            .finish()
    }
}

impl<'q, S, P> Locked<'q, S, P> {
    /// The primitive's word(s).
    #[inline(always)]
    pub fn state(&self) -> &'q S {
        &self.queue.state
    }

    /// What the hooks know of the queue.
    #[inline(always)]
    pub(crate) fn tag(&self) -> &'q Tag {
        &self.queue.lock.tag
    }

    /// True if nobody waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.head().is_null()
    }

    #[inline]
    fn head(&self) -> *const Node<P> {
        // SAFETY: the lock is held.
        self.queue.head.with(|head| unsafe { *head })
    }

    fn set_head(&mut self, node: *const Node<P>) {
        // SAFETY: the lock is held.
        self.queue.head.with_mut(|head| unsafe { *head = node });
    }

    fn neighbours(&self, node: *const Node<P>) -> (*const Node<P>, *const Node<P>) {
        // SAFETY: only called for linked nodes, with the lock held (I1).
        unsafe { inside(node, |links, _| (links.prev, links.next)) }
    }

    fn set_next(&mut self, node: *const Node<P>, next: *const Node<P>) {
        // SAFETY: only called for linked nodes, with the lock held (I1).
        unsafe { inside(node, |links, _| links.next = next) }
    }

    fn set_prev(&mut self, node: *const Node<P>, prev: *const Node<P>) {
        // SAFETY: only called for linked nodes, with the lock held (I1).
        unsafe { inside(node, |links, _| links.prev = prev) }
    }

    /// The lock was taken for this arm: [`each`](Self::each) passes over its select's other arms.
    pub fn look_as(&mut self, arm: &ArmRef) {
        self.own = arm.core;
    }

    /// Links a node, with the waker to wake when it is granted.
    ///
    /// # Safety
    /// The node is pinned, belongs to the caller, and is not linked; the caller unlinks it (by
    /// [`leave`](Self::leave) or [`unregister`](Self::unregister), unless it was granted) before
    /// its memory ends. If `place` is [`Place::Again`], it was linked before.
    pub unsafe fn link(
        &mut self,
        node: *const Node<P>,
        waker: Waker,
        arm: Option<ArmRef>,
        place: Place,
    ) {
        let (before, seq, was_first) = self.find_place(node, place);
        let head = self.head();
        let (prev, next) = match (head.is_null(), before.is_null()) {
            (true, _) => (node, node),
            (false, true) => (self.neighbours(head).0, head),
            (false, false) => (self.neighbours(before).0, before),
        };
        let links = Links {
            next,
            prev,
            waker: Some(waker),
            arm,
            seq,
            was_first,
        };
        // SAFETY: alive by the caller's promise; a shared reference, as its owner may load the
        // verdict.
        let shared = unsafe { &*node };
        shared.inner.with_mut(|inner| {
            // SAFETY: the caller owns the node, and it is not linked.
            unsafe { &mut *inner }.links.write(links); // I6
        });
        if !head.is_null() {
            self.set_next(prev, node);
            self.set_prev(next, node);
        }
        if head.is_null() || before == head {
            self.set_head(node);
        }
        // SAFETY: alive by the caller's promise.
        let verdict = unsafe { &(*node).verdict };
        // Relaxed: whoever reads or changes it takes the lock after us, or is the owner.
        verdict.store(QUEUED, RELAXED);
    }

    /// The linked node before which `node` belongs (null: behind all), its number, and whether it
    /// once stood first.
    fn find_place(&self, node: *const Node<P>, place: Place) -> (*const Node<P>, u32, bool) {
        let head = self.head();
        let number = |node| {
            // SAFETY: linked, or the caller's own, that was linked (see `link`); the lock is held.
            unsafe { inside(node, |links, _| (links.seq, links.was_first)) }
        };
        if place == Place::Back {
            let seq = match head.is_null() {
                true => 0,
                false => number(self.neighbours(head).0).0.wrapping_add(1),
            };
            return (ptr::null(), seq, false);
        }
        let (mine, first) = number(node);
        let mut cursor = head;
        while !cursor.is_null() {
            let (seq, was_first) = number(cursor);
            let older = (seq.wrapping_sub(mine) as i32) <= 0;
            // Who stood first once goes before all who never did; else the numbers decide, and of
            // equal ones (the queue was empty in between) who came back first.
            if (first && !was_first) || (first == was_first && !older) {
                return (cursor, mine, first);
            }
            cursor = self.neighbours(cursor).1;
            if cursor == head {
                break;
            }
        }
        (ptr::null(), mine, first)
    }

    /// Cuts a node out of the list, if it is linked, and takes its waker.
    ///
    /// # Safety
    /// The node is alive, was linked, and is linked in this queue or in none.
    unsafe fn cut(&mut self, node: *const Node<P>) -> Option<Waker> {
        // SAFETY: by the caller's promise, with the lock held.
        let (prev, next, waker) = unsafe {
            inside(node, |links, _| {
                let waker = links.waker.take();
                let next = core::mem::replace(&mut links.next, ptr::null());
                (links.prev, next, waker)
            })
        };
        if next.is_null() {
            return waker;
        }
        if ptr::eq(next, node) {
            self.set_head(ptr::null());
        } else {
            self.set_next(prev, next);
            self.set_prev(next, prev);
            if ptr::eq(self.head(), node) {
                self.set_head(next);
            }
        }
        waker
    }

    /// The owner stops waiting. Returns the waker, to be dropped after unlocking.
    ///
    /// # Errors
    /// The grant that was faster.
    ///
    /// # Safety
    /// The node belongs to the caller, was linked in this queue, and is no arm but that of a select
    /// that was leaked.
    pub unsafe fn leave(&mut self, node: *const Node<P>) -> Result<Option<Waker>, Verdict> {
        // SAFETY: alive by the caller's promise.
        let node_ref = unsafe { &*node };
        // SAFETY: alive by the caller's promise, and the lock is held.
        if let Some(ArmRef { core, arm }) = unsafe { inside(node, |links, _| links.arm) } {
            // SAFETY: its select was leaked, since it would have unregistered it; so the core is
            // there for ever.
            if unsafe { &*core }.winner() == Some(arm as usize) {
                return Err(node_ref.verdict());
            }
            // SAFETY: by the caller's promise.
            return Ok(unsafe { self.unregister(node) });
        }
        match node_ref.verdict() {
            Verdict::Queued => {
                // Relaxed: the owner reads it. Nobody else writes it, as the lock is held.
                node_ref.verdict.store(LEFT, RELAXED);
                // SAFETY: by the caller's promise.
                Ok(unsafe { self.cut(node) })
            }
            faster => Err(faster),
        }
    }

    /// Takes a losing arm out. Returns its waker, to be dropped after unlocking.
    ///
    /// # Safety
    /// The node belongs to the caller and was linked in this queue as an arm whose select is
    /// decided for another arm, or aborted.
    pub unsafe fn unregister(&mut self, node: *const Node<P>) -> Option<Waker> {
        // SAFETY: by the caller's promise; if a granter cut it out already, `cut` only takes the
        // waker.
        let waker = unsafe { self.cut(node) };
        // SAFETY: alive by the caller's promise.
        let verdict = unsafe { &(*node).verdict };
        // Relaxed: the owner reads it.
        verdict.store(LEFT, RELAXED);
        waker
    }

    /// Replaces the waker of a node that is still queued. Returns what is left over, to be dropped
    /// after unlocking.
    ///
    /// # Safety
    /// The node belongs to the caller and was linked in this queue.
    pub unsafe fn replace_waker(&mut self, node: *const Node<P>, waker: Waker) -> Option<Waker> {
        // SAFETY: by the caller's promise, with the lock held.
        unsafe {
            inside(node, |links, _| {
                if links.next.is_null() {
                    // Cut out by a granter.
                    return Some(waker);
                }
                links.waker.replace(waker)
            })
        }
    }

    /// Wakes the first waiter without granting it anything, so that it looks by itself. Its next
    /// poll gives it a waker again; an arm of a select is passed over.
    pub fn nudge(&mut self, wakes: &mut WakeBatch) {
        let head = self.head();
        let mut cursor = head;
        while !cursor.is_null() && !wakes.is_full() {
            let take = |links: &mut Links<P>, _: &mut Load<P>| match links.arm {
                None => links.waker.take(),
                Some(_) => None,
            };
            // SAFETY: linked, hence alive (I1), and the lock is held.
            if let Some(waker) = unsafe { inside(cursor, take) } {
                wakes.push(waker);
                return;
            }
            cursor = self.neighbours(cursor).1;
            if cursor == head {
                return;
            }
        }
    }

    /// Whether the node's waker would wake the same task as `waker`.
    ///
    /// # Safety
    /// The node belongs to the caller and was linked in this queue.
    pub unsafe fn will_wake(&self, node: *const Node<P>, waker: &Waker) -> bool {
        // SAFETY: by the caller's promise, with the lock held.
        unsafe {
            inside(node, |links, _| {
                links
                    .waker
                    .as_ref()
                    .is_some_and(|known| known.will_wake(waker))
            })
        }
    }

    /// Looks at the waiters from one end and grants the first that `pick` takes and that is not
    /// decided otherwise; its waker goes into `wakes`, which must not be full.
    ///
    /// Returns whether one was granted.
    ///
    /// `pick` gets the payload, into which it may put a result. If the waiter turns out to be an
    /// arm of a select that was decided elsewhere, `undo` takes the result back, and the search
    /// goes on.
    #[inline]
    pub fn grant(
        &mut self,
        end: End,
        grant: Grant,
        wakes: &mut WakeBatch,
        mut pick: impl FnMut(&mut P, Candidate) -> Pick,
        mut undo: impl FnMut(&mut P),
    ) -> bool {
        let head = self.head();
        if head.is_null() {
            return false;
        }
        let tail = self.neighbours(head).0;
        let (mut cursor, stop) = if end == End::First {
            (head, tail)
        } else {
            (tail, head)
        };
        loop {
            let (prev, next) = self.neighbours(cursor);
            let look = |links: &mut Links<P>, load: &mut Load<P>| {
                let candidate = Candidate {
                    committed: links.waker.as_ref().is_some_and(is_committed),
                    alone: ptr::eq(links.next, cursor),
                };
                pick(&mut load.payload, candidate)
            };
            // SAFETY: linked, hence alive (I1), and the lock is held.
            match unsafe { inside(cursor, look) } {
                Pick::Stop => return false,
                Pick::Skip => {}
                Pick::Take => match self.decide(cursor, grant) {
                    Ok((waker, mark)) => {
                        // A waiter that was nudged is awake already; only its mark is passed on.
                        let waker = waker.unwrap_or_else(|| Waker::noop().clone());
                        wakes.push_marked(waker, mark);
                        return true;
                    }
                    // SAFETY: an arm that lost: its owner waits for this lock before it goes on.
                    Err(()) => unsafe { inside(cursor, |_, load| undo(&mut load.payload)) },
                },
            }
            if ptr::eq(cursor, stop) {
                return false;
            }
            cursor = if end == End::First { next } else { prev };
        }
    }

    /// Decides for a linked node: cuts it out and returns its waker, or finds it decided.
    fn decide(&mut self, node: *const Node<P>, grant: Grant) -> Result<(Option<Waker>, Mark), ()> {
        // SAFETY: linked, hence alive (I1), and the lock is held.
        let waker = unsafe { self.cut(node) };
        // SAFETY: as above; the node is cut out but its owner needs this lock, or a verdict, to
        // go on.
        let (arm, mark) = unsafe {
            inside(node, |links, load| {
                links.was_first = true;
                (links.arm, load.mark)
            })
        };
        match arm {
            None => {
                // SAFETY: as above. This store is the last touch (I2).
                let verdict = unsafe { &(*node).verdict };
                // Release [E1]. A linked node that is no arm is QUEUED, and others change that
                // only under this lock.
                verdict.store(grant as u32, release("queue.grant"));
                Ok((waker, mark))
            }
            Some(ArmRef { core, arm }) => {
                // SAFETY: the select keeps its core until each arm is unregistered, for which it
                // needs this lock. This exchange is the last touch (I2).
                let core = unsafe { &*core };
                // SAFETY: as above.
                let verdict = unsafe { &(*node).verdict };
                // Relaxed: published by the exchange below; a loser's owner overwrites it.
                verdict.store(grant as u32, RELAXED);
                // Release [E2].
                if core.decide(arm) {
                    return Ok((waker, mark));
                }
                // SAFETY: the arm lost, so its owner waits for this lock to unregister it.
                unsafe { inside(node, |links, _| links.waker = waker) };
                Err(())
            }
        }
    }

    /// Calls `f` with the mark of each waiter in order.
    #[cfg(feature = "hooks")]
    pub(crate) fn marks(&self, mut f: impl FnMut(Mark)) {
        let head = self.head();
        let mut cursor = head;
        while !cursor.is_null() {
            // SAFETY: linked, hence alive (I1), and the lock is held.
            unsafe { inside(cursor, |_, load| f(load.mark)) };
            cursor = self.neighbours(cursor).1;
            if cursor == head {
                return;
            }
        }
    }

    /// Calls `f` for each waiter in order, until it returns `false`. Arms of the select that looks
    /// are passed over.
    pub fn each(&self, mut f: impl FnMut(&P) -> bool) {
        let head = self.head();
        let mut cursor = head;
        while !cursor.is_null() {
            let look = |links: &mut Links<P>, load: &mut Load<P>| {
                let own = links.arm.is_some_and(|arm| ptr::eq(arm.core, self.own));
                own || f(&load.payload)
            };
            // SAFETY: linked, hence alive (I1), and the lock is held.
            if !unsafe { inside(cursor, look) } {
                return;
            }
            cursor = self.neighbours(cursor).1;
            if cursor == head {
                return;
            }
        }
    }
}
