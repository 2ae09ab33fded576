//! The queue of armed timers: a pairing heap of nodes that lie in their futures.
//!
//! # From
//! M. Fredman and others, "The pairing heap" (1986), the two-pass variant. Arming is O(1), so is
//! disarming a node without children (nearly every timer is disarmed, not fired); taking the
//! earliest is O(log n), amortized.
//!
//! # State
//! An entry is linked while its deadline is `Some`, and in no heap while it is `None`.
//!
//! # Fields
//! All fields of all entries, and the root: whoever holds the lock around the heap.
//!
//! # Invariants
//! * I1: each linked entry is alive and stays where it is until it is unlinked; the caller of
//!   `insert` promises it, and every pointer in the heap leads to a linked entry.
//! * I2: fields are touched only through `&mut Heap` and `at`, one entry at a time, so no two
//!   references to the same fields exist.
//! * I3: `prev` is null at the root, the parent at a first child, else the sibling to the left.
//! * I4: no child is earlier than its parent. Equal ones come in no promised order.
//!
//! # Edges, Waiting, Cancel
//! none: the lock around the heap orders everything.
//!
//! # Panic
//! No foreign code runs here: wakers are moved in and out, never cloned, woken or dropped.
//!
//! # Rejected
//! A timing wheel: it rounds deadlines, and an idle one must be turned. A binary heap linked as a
//! complete tree: worst-case bounds, but each arming walks to the last leaf and swaps up.
//!
//! # Checked by
//! timer/heap/tests.rs against a sorted list; tests/timer.rs.

use core::ptr;
use core::task::Waker;
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::time::Instant;

#[cfg(all(test, not(any(counterpoint_loom, counterpoint_shuttle))))]
mod tests;

type Ptr = *const Entry;

/// What a timer node keeps for the heap.
pub(super) struct Entry(UnsafeCell<Fields>);

struct Fields {
    deadline: Option<Instant>,
    waker: Option<Waker>,
    child: Ptr,
    next: Ptr,
    prev: Ptr,
}

impl Entry {
    counterpoint_base::const_fn! {
        /// An entry in no heap.
        pub(super) const fn new() -> Entry {
            Entry(UnsafeCell::new(Fields {
                deadline: None,
                waker: None,
                child: ptr::null(),
                next: ptr::null(),
                prev: ptr::null(),
            }))
        }
    }
}

/// Runs `f` with the fields of an entry.
///
/// # Safety
/// The entry is alive, the lock around its heap is held, and `f` reaches no fields but these.
unsafe fn at<R>(entry: Ptr, f: impl FnOnce(&mut Fields) -> R) -> R {
    // SAFETY: alive by the caller's promise.
    let entry = unsafe { &*entry };
    entry.0.with_mut(|fields| {
        // SAFETY: the lock is held and `f` makes no second reference, by the caller's promise.
        f(unsafe { &mut *fields })
    })
}

/// The armed timers, the earliest first.
pub(super) struct Heap {
    root: Ptr,
}

impl Heap {
    /// An empty heap.
    pub(super) const fn new() -> Heap {
        Heap { root: ptr::null() }
    }

    /// The earliest deadline.
    pub(super) fn earliest(&self) -> Option<Instant> {
        if self.root.is_null() {
            return None;
        }
        // SAFETY: I1, and whoever has the heap holds the lock.
        unsafe { at(self.root, |root| root.deadline) }
    }

    /// Links an entry.
    ///
    /// # Safety
    /// The lock around the heap is held. The entry is in no heap, and lives at its place until it
    /// is unlinked by `remove` or `pop_due`.
    pub(super) unsafe fn insert(&mut self, entry: Ptr, deadline: Instant, waker: Waker) {
        let fill = |fields: &mut Fields| {
            debug_assert!(fields.deadline.is_none() && fields.waker.is_none());
            fields.deadline = Some(deadline);
            fields.waker = Some(waker);
            fields.child = ptr::null();
            fields.next = ptr::null();
            fields.prev = ptr::null();
        };
        // SAFETY: alive and locked by the caller's promise.
        unsafe { at(entry, fill) };
        self.root = meld(self.root, entry);
    }

    /// The deadline of an entry, `None` if it is not linked.
    ///
    /// # Safety
    /// The entry is alive, the lock around the heap is held.
    pub(super) unsafe fn deadline(&self, entry: Ptr) -> Option<Instant> {
        // SAFETY: by the caller's promise.
        unsafe { at(entry, |fields| fields.deadline) }
    }

    /// Whether a linked entry would wake the same task as `waker`.
    ///
    /// # Safety
    /// The entry is alive, the lock around the heap is held.
    pub(super) unsafe fn wakes(&self, entry: Ptr, waker: &Waker) -> bool {
        let same = |fields: &mut Fields| fields.waker.as_ref().is_some_and(|w| w.will_wake(waker));
        // SAFETY: by the caller's promise; `will_wake` compares pointers and runs no code of the
        // waker.
        unsafe { at(entry, same) }
    }

    /// Puts another waker into a linked entry; returns the old one, to be dropped after unlocking.
    ///
    /// # Safety
    /// The entry is alive, the lock around the heap is held.
    pub(super) unsafe fn replace_waker(&mut self, entry: Ptr, waker: Waker) -> Option<Waker> {
        // SAFETY: by the caller's promise.
        unsafe { at(entry, |fields| fields.waker.replace(waker)) }
    }

    /// Unlinks an entry if it is linked; returns its waker, to be dropped after unlocking.
    ///
    /// # Safety
    /// The entry is alive, the lock around the heap is held, and if linked it is in this heap.
    pub(super) unsafe fn remove(&mut self, entry: Ptr) -> Option<Waker> {
        // SAFETY: by the caller's promise.
        unsafe { self.deadline(entry) }?;
        if entry == self.root {
            return self.pop();
        }
        // SAFETY: linked, so alive (I1).
        let (prev, next) = unsafe { at(entry, |fields| (fields.prev, fields.next)) };
        let cut = |left: &mut Fields| {
            // I3: `prev` is the parent or the sibling to the left.
            if left.child == entry {
                left.child = next
            } else {
                left.next = next
            }
        };
        // SAFETY: I1; not null, since this is not the root (I3).
        unsafe { at(prev, cut) };
        if !next.is_null() {
            // SAFETY: I1.
            unsafe { at(next, |fields| fields.prev = prev) };
        }
        let (child, waker) = unlink(entry);
        let rest = meld_siblings(child);
        self.root = meld(self.root, rest);
        waker
    }

    /// Unlinks the earliest entry if it is due at `now`; returns its waker.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Waker> {
        let earliest = self.earliest()?;
        if earliest <= now { self.pop() } else { None }
    }

    fn pop(&mut self) -> Option<Waker> {
        let (child, waker) = unlink(self.root);
        self.root = meld_siblings(child);
        waker
    }
}

/// Marks an entry of the heap as unlinked; returns its first child and its waker.
fn unlink(entry: Ptr) -> (Ptr, Option<Waker>) {
    let clear = |fields: &mut Fields| {
        fields.deadline = None;
        (fields.child, fields.waker.take())
    };
    // SAFETY: I1.
    unsafe { at(entry, clear) }
}

/// Two heaps become one; returns its root. Either may be empty.
fn meld(a: Ptr, b: Ptr) -> Ptr {
    if a.is_null() {
        return b;
    }
    if b.is_null() {
        return a;
    }
    // SAFETY: I1.
    let first = unsafe { at(a, |fields| fields.deadline) };
    // SAFETY: I1.
    let second = unsafe { at(b, |fields| fields.deadline) };
    // I4. On a tie `a`, mostly the one linked first, stays above.
    let (parent, child) = if second < first { (b, a) } else { (a, b) };
    let adopt = |fields: &mut Fields| {
        fields.next = ptr::null();
        fields.prev = ptr::null();
        core::mem::replace(&mut fields.child, child)
    };
    // SAFETY: I1.
    let sibling = unsafe { at(parent, adopt) };
    let place = |fields: &mut Fields| {
        fields.prev = parent;
        fields.next = sibling;
    };
    // SAFETY: I1.
    unsafe { at(child, place) };
    if !sibling.is_null() {
        // SAFETY: I1.
        unsafe { at(sibling, |fields| fields.prev = child) };
    }
    parent
}

/// Melds a list of siblings into one heap: first in pairs from the left, then the pairs from the
/// right. No recursion, so the stack stays flat for any number of timers.
fn meld_siblings(first: Ptr) -> Ptr {
    let mut pairs: Ptr = ptr::null();
    let mut rest = first;
    while !rest.is_null() {
        let one = take_left(&mut rest);
        let two = take_left(&mut rest);
        // The younger child is on the left.
        let pair = meld(two, one);
        // SAFETY: I1; `pair` is not null, since `one` is not.
        unsafe { at(pair, |fields| fields.next = pairs) };
        pairs = pair;
    }
    let mut root: Ptr = ptr::null();
    while !pairs.is_null() {
        let pair = take_left(&mut pairs);
        root = meld(root, pair);
    }
    root
}

/// Takes the first of a list of siblings, as a heap of its own.
fn take_left(list: &mut Ptr) -> Ptr {
    let first = *list;
    if !first.is_null() {
        let detach = |fields: &mut Fields| {
            fields.prev = ptr::null();
            core::mem::replace(&mut fields.next, ptr::null())
        };
        // SAFETY: I1.
        *list = unsafe { at(first, detach) };
    }
    first
}
