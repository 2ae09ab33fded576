//! A grant to one waiter that the granter knows by its node; states, invariants and edges are those
//! of `queue.rs`.

use super::{Grant, Locked, Node};
use crate::waker::WakeBatch;

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
}
