//! `ArrayQueue`: values in the order in which they were pushed, as many as fit.

use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use counterpoint_lockfree::queue::ArrayQueue;

/// What is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Puts a value at the back, if there is room.
    Push(u32),
    /// Puts a value at the back, and returns the one at the front if there was no room.
    ForcePush(u32),
    /// Takes the value at the front.
    Pop,
    /// How many there are.
    Len,
    /// Whether there is none.
    IsEmpty,
    /// Whether there is no room.
    IsFull,
}

/// What a call returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ret {
    /// It is done, or yes.
    Yes,
    /// There was no room or no value, or no.
    No,
    /// A value, or a number of them.
    Number(u32),
}

fn yes(yes: bool) -> Ret {
    if yes { Ret::Yes } else { Ret::No }
}

/// A queue that holds so many.
#[derive(Clone, Copy, Debug)]
pub struct Queue<const CAPACITY: usize>;

impl<const CAPACITY: usize> Model for Queue<CAPACITY> {
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
        beside: &Beside<'_, Op, Ret>,
        next: &mut Vec<Vec<u32>>,
    ) {
        let mut after = state.clone();
        let counts = matches!(call.op, Op::Len | Op::IsEmpty | Op::IsFull);
        // Counts are exact only if nobody works on it.
        if counts && beside.any(|other| !matches!(other.op, Op::Len | Op::IsEmpty | Op::IsFull)) {
            match call.ret {
                Ret::Number(count) if *count as usize > CAPACITY => {}
                _ => next.push(after),
            }
            return;
        }
        let full = state.len() == CAPACITY;
        let right = match call.op {
            Op::Push(_) if full => Ret::No,
            Op::Push(value) => {
                after.push(*value);
                Ret::Yes
            }
            Op::ForcePush(value) => {
                let pushed_out = full.then(|| after.remove(0));
                after.push(*value);
                pushed_out.map_or(Ret::Yes, Ret::Number)
            }
            Op::Pop if after.is_empty() => Ret::No,
            Op::Pop => Ret::Number(after.remove(0)),
            Op::Len => Ret::Number(state.len() as u32),
            Op::IsEmpty => yes(state.is_empty()),
            Op::IsFull => yes(full),
        };
        if right == *call.ret {
            next.push(after);
        }
    }
}

impl<const CAPACITY: usize> Subject for Queue<CAPACITY> {
    const NAME: &'static str = match CAPACITY {
        1 => "ArrayQueue of 1",
        _ => "ArrayQueue",
    };

    type Real = ArrayQueue<u32>;
    type Local<'r> = ();

    fn real(&self, _parties: usize) -> ArrayQueue<u32> {
        ArrayQueue::new(CAPACITY)
    }

    fn local(&self, _real: &ArrayQueue<u32>, _party: usize) {}

    fn choose(&self, party: usize, pick: &mut Pick<'_>) -> Op {
        let value = party as u32 * 100 + pick.below(100);
        match pick.below(16) {
            0..6 => Op::Push(value),
            6 | 7 => Op::ForcePush(value),
            8..13 => Op::Pop,
            13 => Op::Len,
            14 => Op::IsEmpty,
            _ => Op::IsFull,
        }
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r ArrayQueue<u32>,
        (): &'l mut (),
        op: &Op,
    ) -> Started<'l, Ret> {
        Started::Done(match *op {
            Op::Push(value) => match real.push(value) {
                Ok(()) => Ret::Yes,
                Err(back) => {
                    assert_eq!(
                        back, value,
                        "a push that found no room gives its value back"
                    );
                    Ret::No
                }
            },
            Op::ForcePush(value) => real.force_push(value).map_or(Ret::Yes, Ret::Number),
            Op::Pop => real.pop().map_or(Ret::No, Ret::Number),
            Op::Len => Ret::Number(real.len() as u32),
            Op::IsEmpty => yes(real.is_empty()),
            Op::IsFull => yes(real.is_full()),
        })
    }
}
