//! Taking a place in line, or completing, before anybody waits; states, invariants and edges are those
//! of `op.rs`.

use core::pin::Pin;
use core::task::Waker;

use super::{Op, Phase, Turn, Verb};
use crate::queue::Verdict;

/// A verb that can complete before anybody waits for it; see [`Op::enable`].
pub trait Enable: Verb {
    /// An attempt succeeded, but its output is not wanted yet: put it into the payload, as a
    /// granter would, for `collect` or `unclaimed`.
    fn keep(&mut self, payload: &mut Self::Payload, output: Self::Output);
}

impl<V: Enable> Op<V> {
    /// Takes its place in line now, without waiting. Returns true if it has completed: then it
    /// keeps its result, and yields it at its next poll.
    ///
    /// # Cancel safety
    /// Dropping it passes on what it was granted, as after a poll.
    pub fn enable(self: Pin<&mut Self>) -> bool {
        let mut parts = self.parts();
        match *parts.phase {
            Phase::Ready | Phase::Done => return true,
            Phase::Queued => return parts.verdict() != Verdict::Queued,
            Phase::Idle => {}
        }
        loop {
            let kept = parts.unlinked(|verb, payload| {
                let output = verb.attempt(payload, Turn::First); // op.rs I4
                output.map(|output| verb.keep(payload, output)).is_some()
            });
            if kept {
                *parts.phase = Phase::Ready;
                return true;
            }
            if !parts.enlist(Waker::noop().clone(), None) {
                return false;
            }
        }
    }
}
