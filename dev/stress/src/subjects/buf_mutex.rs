//! `BufMutex`: shares, their locals, and the value they are merged into.
//!
//! The value is the list of what was merged, in order, each a digit to base eight: so a look at it
//! tells which merges came before, and in which order. A share that ends merges, and is counted off
//! after that; so its end has two parts.

use crate::history::{Call, Outcome};
use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use counterpoint_sync::{BufMutex, SharedBufMutex};

/// What is done with it. Who has no share does nothing to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Makes a share, unless there is one.
    Share,
    /// Writes a digit into the local, unless there is one.
    Write(u64),
    /// Merges the local and goes on with a fresh one.
    Flush,
    /// Ends the share.
    End,
    /// A part of `End`: the share is counted off.
    Off,
    /// Ends the share without merging; returns the local.
    Abandon,
    /// Looks at the value.
    Peek,
    /// Takes the value.
    Take,
    /// How many shares there are.
    Outstanding,
    /// Waits until there is none.
    Idle,
}

/// A value, a number, or nothing.
type Ret = u64;

/// The value, and the locals of the shares.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Merged {
    value: u64,
    locals: Vec<Option<u64>>,
    /// Merged and not yet counted off.
    ending: Vec<bool>,
}

impl Merged {
    fn outstanding(&self) -> u64 {
        let ending = self.ending.iter().filter(|ending| **ending).count();
        (self.locals.iter().flatten().count() + ending) as u64
    }
}

fn push(value: u64, digit: u64) -> u64 {
    match digit {
        0 => value,
        _ => value.wrapping_mul(8).wrapping_add(digit),
    }
}

/// A `BufMutex`.
#[derive(Clone, Copy, Debug)]
pub struct Shares;

impl Model for Shares {
    type Op = Op;
    type Ret = Ret;
    type State = Merged;

    fn initial(&self, parties: usize) -> Merged {
        Merged {
            value: 0,
            locals: vec![None; parties],
            ending: vec![false; parties],
        }
    }

    fn done(
        &self,
        state: &Merged,
        call: Done<'_, Op, Ret>,
        _beside: &Beside<'_, Op, Ret>,
        next: &mut Vec<Merged>,
    ) {
        let (party, mut after) = (call.party, state.clone());
        let local = state.locals[party];
        let expected = match call.op {
            Op::Share => {
                after.locals[party].get_or_insert(0);
                0
            }
            Op::Write(digit) => {
                after.locals[party] = local.map(|_| *digit);
                0
            }
            Op::Flush => {
                after.value = push(state.value, local.unwrap_or(0));
                after.locals[party] = local.map(|_| 0);
                0
            }
            Op::End => {
                after.value = push(state.value, local.unwrap_or(0));
                after.ending[party] = after.locals[party].take().is_some();
                u64::from(local.is_some())
            }
            Op::Off => {
                if !core::mem::take(&mut after.ending[party]) {
                    return;
                }
                0
            }
            Op::Abandon => after.locals[party].take().unwrap_or(0),
            Op::Peek => state.value,
            Op::Take => core::mem::take(&mut after.value),
            Op::Outstanding => state.outstanding(),
            Op::Idle => {
                if state.outstanding() > 0 {
                    return;
                }
                0
            }
        };
        if *call.ret == expected {
            next.push(after);
        }
    }

    fn waits(&self, state: &Merged, _party: usize, op: &Op) -> bool {
        *op == Op::Idle && state.outstanding() > 0
    }

    fn parts(&self, call: Call<Op, Ret>) -> Vec<Call<Op, Ret>> {
        if call.op == Op::End && call.outcome == Outcome::Done(1) {
            let off = Call {
                op: Op::Off,
                outcome: Outcome::Done(0),
                ..call.clone()
            };
            return vec![call, off];
        }
        vec![call]
    }
}

type Merge = fn(&mut u64, &u64);

/// What a party holds.
type Own<'r> = Option<SharedBufMutex<'r, u64, u64, Merge>>;

impl Subject for Shares {
    const NAME: &'static str = "BufMutex";

    type Real = BufMutex<u64, u64, Merge>;
    type Local<'r> = Own<'r>;

    fn real(&self, _parties: usize) -> Self::Real {
        BufMutex::new(0, |value, digit| *value = push(*value, *digit))
    }

    fn local<'r>(&self, _real: &'r Self::Real, _party: usize) -> Own<'r> {
        None
    }

    fn choose(&self, party: usize, pick: &mut Pick<'_>) -> Op {
        let digit = 1 + party as u64 + 3 * u64::from(pick.below(2));
        match pick.below(20) {
            0..4 => Op::Share,
            4..8 => Op::Write(digit),
            8..10 => Op::Flush,
            10..13 => Op::End,
            13 => Op::Abandon,
            14 | 15 => Op::Peek,
            16 => Op::Take,
            17 => Op::Outstanding,
            _ => Op::Idle,
        }
    }

    fn closing(&self, _party: usize) -> Option<Op> {
        Some(Op::End)
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r Self::Real,
        own: &'l mut Own<'r>,
        op: &Op,
    ) -> Started<'l, Ret> {
        Started::Done(match op {
            Op::Share => {
                own.get_or_insert_with(|| real.share());
                0
            }
            Op::Write(digit) => {
                if let Some(share) = own {
                    *share.as_mut() = *digit;
                }
                0
            }
            Op::Flush => {
                if let Some(share) = own {
                    share.flush();
                }
                0
            }
            Op::End => u64::from(own.take().is_some()),
            Op::Abandon => own.take().map_or(0, |share| share.abandon()),
            Op::Peek => real.peek(),
            Op::Take => real.take(),
            Op::Outstanding => real.outstanding() as u64,
            Op::Idle => return Started::waits(real.wait_idle_async(), |idle| idle.map(|()| 0)),
            Op::Off => unreachable!("a part of another"),
        })
    }
}
