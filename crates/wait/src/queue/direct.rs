//! Grants to one waiter that the granter knows by its node, and to many in one pass; states,
//! invariants and edges are those of `queue.rs`.

use core::ptr;

use super::{Candidate, Grant, Locked, Node, Pick, inside};
use crate::waker::{WakeBatch, is_committed};

impl<S, P> Locked<'_, S, P> {
    /// Grants this node, wherever it stands; its waker goes into `wakes`, which must not be full.
    ///
    /// Returns whether it was granted: not if it is an arm of a select that was decided elsewhere.
    /// It is linked no more in either case.
    ///
    /// # Safety
    /// The node is linked in this queue.
    pub unsafe fn grant_node(
        &mut self,
        node: *const Node<P>,
        grant: Grant,
        wakes: &mut WakeBatch,
    ) -> bool {
        match self.decide(node, grant) {
            Ok((waker, mark)) => {
                // As in `grant`: a waiter that was nudged is awake already.
                let waker = waker.unwrap_or_else(|| core::task::Waker::noop().clone());
                wakes.push_marked(waker, mark);
                true
            }
            Err(()) => false,
        }
    }

    /// Looks at the waiters in order, at each once, and grants those that `pick` takes, until it
    /// stops. `pick` and `undo` as for [`grant`](Self::grant), of which this is the form that passes
    /// over a waiter once for all, and not once for each grant.
    ///
    /// Returns false if `wakes` is full and there may be more to do.
    pub fn grant_each(
        &mut self,
        grant: Grant,
        wakes: &mut WakeBatch,
        mut pick: impl FnMut(&mut P, Candidate) -> Pick,
        mut undo: impl FnMut(&mut P),
    ) -> bool {
        let mut cursor = self.head();
        if cursor.is_null() {
            return true;
        }
        let tail = self.neighbours(cursor).0;
        loop {
            if wakes.is_full() {
                return false;
            }
            let (next, last) = (self.neighbours(cursor).1, ptr::eq(cursor, tail));
            // SAFETY: linked, hence alive (queue.rs I1), and the lock is held.
            let picked = unsafe {
                inside(cursor, |links, load| {
                    let candidate = Candidate {
                        committed: links.waker.as_ref().is_some_and(is_committed),
                        alone: ptr::eq(links.next, cursor),
                    };
                    pick(&mut load.payload, candidate)
                })
            };
            match picked {
                Pick::Stop => return true,
                Pick::Skip => {}
                // SAFETY: linked, and the lock is held.
                Pick::Take => match unsafe { self.grant_node(cursor, grant, wakes) } {
                    true => {}
                    // SAFETY: an arm that lost: its owner waits for this lock before it goes on.
                    false => unsafe { inside(cursor, |_, load| undo(&mut load.payload)) },
                },
            }
            if last {
                return true;
            }
            cursor = next;
        }
    }
}
