//! `SegQueue`: values in the order in which they were pushed, as many as come.

use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use counterpoint_base::tune::BLOCK;
use counterpoint_lockfree::queue::SegQueue;

/// What is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Puts a value at the back.
    Push(u32),
    /// Takes the value at the front.
    Pop,
    /// How many there are.
    Len,
    /// Whether there is none.
    IsEmpty,
}

/// What a call returns: a value, a number of them, or 1 for yes.
type Ret = Option<u32>;

/// A queue in which so many values were pushed and popped before: how far its first block is used.
#[derive(Clone, Copy, Debug)]
pub struct Queue<const USED: usize>;

/// So many are the last of a block but one.
const EDGE: usize = BLOCK - 1;

/// A queue whose next values go over the edge of a block.
pub const AT_EDGE: Queue<EDGE> = Queue;

impl<const USED: usize> Model for Queue<USED> {
    type Op = Op;
    type Ret = Ret;
    type State = Vec<u32>;

    fn initial(&self, _parties: usize) -> Vec<u32> {
        Vec::new()
    }

    fn done(
        &self,
        state: &Vec<u32>,
        call: Done<'_, Op, Ret>,
        _beside: &Beside<'_, Op, Ret>,
        next: &mut Vec<Vec<u32>>,
    ) {
        let mut after = state.clone();
        let right = match call.op {
            Op::Push(value) => {
                after.push(*value);
                None
            }
            Op::Pop if after.is_empty() => None,
            Op::Pop => Some(after.remove(0)),
            // As many as it had at one moment of the call.
            Op::Len => Some(state.len() as u32),
            Op::IsEmpty => Some(u32::from(state.is_empty())),
        };
        if right == *call.ret {
            next.push(after);
        }
    }
}

impl<const USED: usize> Subject for Queue<USED> {
    const NAME: &'static str = match USED {
        0 => "SegQueue",
        _ => "SegQueue at an edge",
    };

    type Real = SegQueue<u32>;
    type Local<'r> = ();

    fn real(&self, _parties: usize) -> SegQueue<u32> {
        let queue = SegQueue::new();
        for value in 0..USED {
            queue.push(value as u32);
            assert_eq!(queue.pop(), Some(value as u32));
        }
        queue
    }

    fn local(&self, _real: &SegQueue<u32>, _party: usize) {}

    fn choose(&self, party: usize, pick: &mut Pick<'_>) -> Op {
        let value = party as u32 * 100 + pick.below(100);
        match pick.below(16) {
            // More are taken than put in, so that long histories do not end with a long queue.
            0..6 => Op::Push(value),
            6..13 => Op::Pop,
            13 | 14 => Op::Len,
            _ => Op::IsEmpty,
        }
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r SegQueue<u32>,
        (): &'l mut (),
        op: &Op,
    ) -> Started<'l, Ret> {
        Started::Done(match *op {
            Op::Push(value) => {
                real.push(value);
                None
            }
            Op::Pop => real.pop(),
            Op::Len => Some(real.len() as u32),
            Op::IsEmpty => Some(u32::from(real.is_empty())),
        })
    }
}
