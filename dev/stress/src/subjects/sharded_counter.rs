//! `ShardedCounter`: a sum that promises less than an atomic one.
//!
//! What was added before a call of `sum` is in it. Of what is added during the call each addition
//! may be in it or not, in any combination; so it is not linearizable, and the model looks at what
//! happens beside. Each addition is another power of three, so that a sum tells which it has seen.

use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use counterpoint_base::ShardedCounter;
use std::sync::Mutex;

/// What is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Adds a power of three; returns which.
    Add,
    /// Subtracts one; returns which.
    Sub,
    /// Reads.
    Sum,
}

/// What a call returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ret {
    /// The exponent of what was added or subtracted.
    Exponent(u32),
    /// The sum.
    Sum(i64),
}

/// How many exponents there are, more than calls can overlap; then they are used again.
const EXPONENTS: u32 = 38;

/// A counter.
#[derive(Clone, Copy, Debug)]
pub struct Counter;

fn power(exponent: u32) -> i64 {
    3_i64.pow(exponent)
}

fn amount(op: &Op, ret: &Ret) -> i64 {
    match (op, ret) {
        (Op::Add, Ret::Exponent(exponent)) => power(*exponent),
        (Op::Sub, Ret::Exponent(exponent)) => -power(*exponent),
        _ => 0,
    }
}

/// True if `seen` is `sum` with some of these flipped: in it where they are not, out of it where
/// they are.
fn differs_by(sum: i64, seen: i64, flips: &[i64]) -> bool {
    let Some((first, rest)) = flips.split_first() else {
        return sum == seen;
    };
    // Who is in the sum is told by the digit, as each amount is another power of three.
    let digit = digit(sum, first.unsigned_abs());
    let flipped = match digit {
        0 => sum + first,
        _ => sum - first,
    };
    differs_by(sum, seen, rest) || differs_by(flipped, seen, rest)
}

/// The digit of a number in the balanced ternary system at this power of three.
fn digit(number: i64, power: u64) -> i64 {
    let power = power as i64;
    let shifted = (number + power / 2).div_euclid(power);
    (shifted + 1).rem_euclid(3) - 1
}

impl Model for Counter {
    type Op = Op;
    type Ret = Ret;
    type State = i64;

    fn initial(&self, _parties: usize) -> i64 {
        0
    }

    fn done(
        &self,
        state: &i64,
        call: Done<'_, Op, Ret>,
        beside: &Beside<'_, Op, Ret>,
        next: &mut Vec<i64>,
    ) {
        match call.ret {
            Ret::Exponent(_) => next.push(state + amount(call.op, call.ret)),
            Ret::Sum(sum) => {
                let flips: Vec<i64> = beside
                    .iter()
                    .filter_map(|other| match &other.outcome {
                        crate::Outcome::Done(ret) => Some(amount(&other.op, ret)),
                        _ => None,
                    })
                    .filter(|amount| *amount != 0)
                    .collect();
                if differs_by(*state, *sum, &flips) {
                    next.push(*state);
                }
            }
        }
    }
}

/// A counter, and the exponents not yet used.
#[derive(Debug)]
pub struct Numbered {
    counter: ShardedCounter,
    fresh: Mutex<u32>,
}

impl Numbered {
    fn fresh(&self) -> u32 {
        let mut fresh = self.fresh.lock().expect("nothing panics in here");
        *fresh = (*fresh + 1) % EXPONENTS;
        *fresh
    }
}

impl Subject for Counter {
    const NAME: &'static str = "ShardedCounter";

    // A sum may see any part of what is added beside it, which may be much.
    const LONG: bool = false;

    type Real = Numbered;
    type Local<'r> = ();

    fn real(&self, _parties: usize) -> Numbered {
        Numbered {
            counter: ShardedCounter::new(),
            fresh: Mutex::new(0),
        }
    }

    fn local(&self, _real: &Numbered, _party: usize) {}

    fn choose(&self, _party: usize, pick: &mut Pick<'_>) -> Op {
        pick.one_of(&[Op::Add, Op::Add, Op::Sub, Op::Sum, Op::Sum])
    }

    fn start<'l, 'r: 'l>(&'l self, real: &'r Numbered, _: &'l mut (), op: &Op) -> Started<'l, Ret> {
        Started::Done(match op {
            Op::Add => {
                let exponent = real.fresh();
                real.counter.add(power(exponent) as u64);
                Ret::Exponent(exponent)
            }
            Op::Sub => {
                let exponent = real.fresh();
                real.counter.sub(power(exponent) as u64);
                Ret::Exponent(exponent)
            }
            Op::Sum => Ret::Sum(real.counter.sum()),
        })
    }
}
