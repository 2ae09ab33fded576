//! `SeqCell`: a wide value that is read and replaced as a whole.

use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use counterpoint_base::SeqCell;

/// What is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Reads.
    Load,
    /// Replaces.
    Store(u64),
    /// Adds; returns the value before.
    Add(u64),
}

/// A cell of eight words, all the same.
#[derive(Clone, Copy, Debug)]
pub struct Cell;

/// The value of a torn copy.
const TORN: u64 = u64::MAX;

impl Model for Cell {
    type Op = Op;
    type Ret = u64;
    type State = u64;

    fn initial(&self, _parties: usize) -> u64 {
        0
    }

    fn done(
        &self,
        state: &u64,
        call: Done<'_, Op, u64>,
        _beside: &Beside<'_, Op, u64>,
        next: &mut Vec<u64>,
    ) {
        let (expected, after) = match call.op {
            Op::Load => (*state, *state),
            Op::Store(value) => (0, *value),
            Op::Add(n) => (*state, state + n),
        };
        if *call.ret == expected {
            next.push(after);
        }
    }
}

fn whole(copy: [u64; 8]) -> u64 {
    match copy.iter().all(|word| *word == copy[0]) {
        true => copy[0],
        false => TORN,
    }
}

impl Subject for Cell {
    const NAME: &'static str = "SeqCell";

    type Real = SeqCell<[u64; 8]>;
    type Local<'r> = ();

    fn real(&self, _parties: usize) -> SeqCell<[u64; 8]> {
        SeqCell::new([0; 8])
    }

    fn local(&self, _real: &Self::Real, _party: usize) {}

    fn choose(&self, party: usize, pick: &mut Pick<'_>) -> Op {
        let value = u64::from(pick.below(50)) * 8 + party as u64 + 1;
        pick.one_of(&[Op::Load, Op::Load, Op::Store(value), Op::Add(value)])
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r Self::Real,
        _local: &'l mut (),
        op: &Op,
    ) -> Started<'l, u64> {
        Started::Done(match op {
            Op::Load => whole(real.load()),
            Op::Store(value) => {
                real.store([*value; 8]);
                0
            }
            Op::Add(n) => whole(real.update(|copy| copy.map(|word| word.wrapping_add(*n)))),
        })
    }
}
