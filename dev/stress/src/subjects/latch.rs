//! `Latch`: a count that goes down to none, and who waits for that.
//!
//! To arrive and wait counts first and returns later, so it has two parts.

use crate::history::{Call, Outcome, Why};
use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use counterpoint_sync::Latch;

/// What is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Waits until it is open.
    Wait,
    /// Counts down by one and waits.
    Arrive,
    /// A part of `Arrive`: counts down; if it was called off then perhaps not.
    Come(bool),
    /// Counts down; returns 1 if that opened it.
    CountDown(usize),
    /// What is left.
    Count,
    /// Whether it is open.
    IsOpen,
}

/// A number, or 1 for yes.
type Ret = usize;

/// What is left, and who has counted and waits now.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Left {
    count: usize,
    came: Vec<bool>,
}

/// A latch of as many as there are parties, and two more.
#[derive(Clone, Copy, Debug)]
pub struct Openings;

fn count(parties: usize) -> usize {
    parties + 2
}

impl Model for Openings {
    type Op = Op;
    type Ret = Ret;
    type State = Left;

    fn initial(&self, parties: usize) -> Left {
        Left {
            count: count(parties),
            came: vec![false; parties],
        }
    }

    fn done(
        &self,
        state: &Left,
        call: Done<'_, Op, Ret>,
        _beside: &Beside<'_, Op, Ret>,
        next: &mut Vec<Left>,
    ) {
        let (party, mut after) = (call.party, state.clone());
        let right = match *call.op {
            Op::Wait if state.count == 0 => 0,
            Op::Arrive if state.count == 0 && state.came[party] => {
                after.came[party] = false;
                0
            }
            Op::Wait | Op::Arrive => return,
            Op::Come(certain) => {
                after.came[party] = true;
                if !certain {
                    next.push(after.clone());
                }
                after.count = state.count.saturating_sub(1);
                0
            }
            Op::CountDown(n) => {
                after.count = state.count.saturating_sub(n);
                usize::from(state.count > 0 && after.count == 0)
            }
            Op::Count => state.count,
            Op::IsOpen => usize::from(state.count == 0),
        };
        if *call.ret == right {
            next.push(after);
        }
    }

    fn waits(&self, state: &Left, _party: usize, op: &Op) -> bool {
        matches!(op, Op::Wait | Op::Arrive) && state.count > 0
    }

    fn gave_up(&self, state: &Left, call: &Call<Op, Ret>, next: &mut Vec<Left>) {
        let came = call.op == Op::Wait || state.came[call.party];
        // That it is open comes before the deadline; but who is dropped misses it.
        let dropped = call.outcome == Outcome::GaveUp(Why::Dropped);
        if came && (dropped || state.count > 0) {
            let mut after = state.clone();
            after.came[call.party] = false;
            next.push(after);
        }
    }

    fn parts(&self, call: Call<Op, Ret>) -> Vec<Call<Op, Ret>> {
        if call.op != Op::Arrive {
            return vec![call];
        }
        // One whose time was up has looked, and so has counted.
        let certain = matches!(
            call.outcome,
            Outcome::Done(_) | Outcome::GaveUp(Why::TimedOut)
        );
        let first = Call {
            op: Op::Come(certain),
            outcome: Outcome::Done(0),
            ..call
        };
        vec![first, call]
    }
}

impl Subject for Openings {
    const NAME: &'static str = "Latch";

    type Real = Latch;
    type Local<'r> = ();

    fn real(&self, parties: usize) -> Latch {
        Latch::new(count(parties))
    }

    fn local(&self, _real: &Latch, _party: usize) {}

    fn choose(&self, _party: usize, pick: &mut Pick<'_>) -> Op {
        match pick.below(16) {
            0..4 => Op::Wait,
            4..7 => Op::Arrive,
            7..11 => Op::CountDown(1),
            11 => Op::CountDown(2),
            12 => Op::CountDown(0),
            13 | 14 => Op::Count,
            _ => Op::IsOpen,
        }
    }

    fn start<'l, 'r: 'l>(&'l self, real: &'r Latch, (): &'l mut (), op: &Op) -> Started<'l, Ret> {
        let opened = |opened: Result<(), _>| opened.map(|()| 0);
        Started::Done(match *op {
            Op::Wait => return Started::waits(real.wait_async(), opened),
            Op::Arrive => return Started::waits(real.arrive_and_wait_async(), opened),
            Op::Come(_) => unreachable!("a part of others"),
            Op::CountDown(1) => usize::from(real.count_down()),
            Op::CountDown(n) => usize::from(real.count_down_by(n)),
            Op::Count => real.count(),
            Op::IsOpen => usize::from(real.try_wait()),
        })
    }
}
