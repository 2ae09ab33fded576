//! `ManualResetEvent` and `AutoResetEvent`: who goes through, also if it is reset at once.
//!
//! A wait takes its place and is let through later, so it has two parts.

use crate::history::{Call, Outcome, Why};
use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use counterpoint_sync::{AutoResetEvent, ManualResetEvent};
use std::collections::VecDeque;

/// What is done with one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Waits until it is let through.
    Wait,
    /// A part of a wait: goes through, or takes its place.
    Come,
    /// Goes through, unless it has to wait; of a gate only a look.
    TryWait,
    /// Sets it.
    Set,
    /// Resets it.
    Reset,
    /// Whether it is set.
    IsSet,
}

/// What a call returns: 1 for yes.
type Ret = u64;

/// The calls of a wait.
fn parts(call: Call<Op, Ret>) -> Vec<Call<Op, Ret>> {
    if call.op != Op::Wait {
        return vec![call];
    }
    let first = Call {
        op: Op::Come,
        outcome: Outcome::Done(0),
        ..call
    };
    vec![first, call]
}

fn choose(pick: &mut Pick<'_>) -> Op {
    match pick.below(16) {
        0..6 => Op::Wait,
        6 | 7 => Op::TryWait,
        8..12 => Op::Set,
        12..15 => Op::Reset,
        _ => Op::IsSet,
    }
}

/// Whether it is set, who waits, and who was let through.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Passage {
    set: bool,
    waiting: VecDeque<usize>,
    passed: Vec<bool>,
}

impl Passage {
    fn new(parties: usize) -> Passage {
        Passage {
            set: false,
            waiting: VecDeque::new(),
            passed: vec![false; parties],
        }
    }

    /// One that waits is gone; what it was granted is returned.
    fn leave(&mut self, party: usize) -> bool {
        self.waiting.retain(|other| *other != party);
        std::mem::replace(&mut self.passed[party], false)
    }

    /// Lets the first one through, or stays set.
    fn let_one(&mut self) -> bool {
        match self.waiting.pop_front() {
            Some(party) => {
                self.passed[party] = true;
                true
            }
            None => {
                self.set = true;
                false
            }
        }
    }
}

/// True if the call may have ended with nothing: what came before its time was up is no failure, but
/// who is dropped misses it.
fn may_give_up(state: &Passage, call: &Call<Op, Ret>) -> bool {
    call.outcome == Outcome::GaveUp(Why::Dropped) || !state.passed[call.party]
}

/// A gate.
#[derive(Clone, Copy, Debug)]
pub struct Gate;

impl Model for Gate {
    type Op = Op;
    type Ret = Ret;
    type State = Passage;

    fn initial(&self, parties: usize) -> Passage {
        Passage::new(parties)
    }

    fn done(
        &self,
        state: &Passage,
        call: Done<'_, Op, Ret>,
        _beside: &Beside<'_, Op, Ret>,
        next: &mut Vec<Passage>,
    ) {
        let (party, mut after) = (call.party, state.clone());
        let right = match call.op {
            Op::Come => {
                match state.set {
                    true => after.passed[party] = true,
                    false => after.waiting.push_back(party),
                }
                0
            }
            Op::Wait => match std::mem::replace(&mut after.passed[party], false) {
                true => 1,
                false => return,
            },
            Op::Set => {
                after.set = true;
                for party in std::mem::take(&mut after.waiting) {
                    after.passed[party] = true;
                }
                u64::from(!state.set)
            }
            Op::Reset => {
                after.set = false;
                u64::from(state.set)
            }
            Op::TryWait | Op::IsSet => u64::from(state.set),
        };
        if *call.ret == right {
            next.push(after);
        }
    }

    fn waits(&self, state: &Passage, party: usize, op: &Op) -> bool {
        *op == Op::Wait && state.waiting.contains(&party)
    }

    fn gave_up(&self, state: &Passage, call: &Call<Op, Ret>, next: &mut Vec<Passage>) {
        if may_give_up(state, call) {
            let mut after = state.clone();
            after.leave(call.party);
            next.push(after);
        }
    }

    fn parts(&self, call: Call<Op, Ret>) -> Vec<Call<Op, Ret>> {
        parts(call)
    }
}

impl Subject for Gate {
    const NAME: &'static str = "ManualResetEvent";

    type Real = ManualResetEvent;
    type Local<'r> = ();

    fn real(&self, _parties: usize) -> ManualResetEvent {
        ManualResetEvent::new(false)
    }

    fn local(&self, _real: &ManualResetEvent, _party: usize) {}

    fn choose(&self, _party: usize, pick: &mut Pick<'_>) -> Op {
        choose(pick)
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r ManualResetEvent,
        (): &'l mut (),
        op: &Op,
    ) -> Started<'l, Ret> {
        Started::Done(u64::from(match op {
            Op::Wait => return Started::waits(real.wait_async(), |through| through.map(|()| 1)),
            Op::Come => unreachable!("a part of others"),
            Op::Set => real.set(),
            Op::Reset => real.reset(),
            Op::TryWait | Op::IsSet => real.is_set(),
        }))
    }
}

/// A turnstile.
#[derive(Clone, Copy, Debug)]
pub struct Turnstile;

impl Model for Turnstile {
    type Op = Op;
    type Ret = Ret;
    type State = Passage;

    fn initial(&self, parties: usize) -> Passage {
        Passage::new(parties)
    }

    fn done(
        &self,
        state: &Passage,
        call: Done<'_, Op, Ret>,
        _beside: &Beside<'_, Op, Ret>,
        next: &mut Vec<Passage>,
    ) {
        let (party, mut after) = (call.party, state.clone());
        let right = match call.op {
            Op::Come => {
                match std::mem::replace(&mut after.set, false) {
                    true => after.passed[party] = true,
                    false => after.waiting.push_back(party),
                }
                0
            }
            Op::Wait => match std::mem::replace(&mut after.passed[party], false) {
                true => 1,
                false => return,
            },
            Op::Set => u64::from(after.let_one()),
            Op::TryWait if !state.set => return,
            Op::TryWait | Op::Reset => {
                after.set = false;
                u64::from(state.set)
            }
            Op::IsSet => u64::from(state.set),
        };
        if *call.ret == right {
            next.push(after);
        }
    }

    fn waits(&self, state: &Passage, party: usize, op: &Op) -> bool {
        match op {
            Op::Wait => state.waiting.contains(&party),
            Op::TryWait => !state.set,
            _ => false,
        }
    }

    fn gave_up(&self, state: &Passage, call: &Call<Op, Ret>, next: &mut Vec<Passage>) {
        if may_give_up(state, call) {
            let mut after = state.clone();
            if after.leave(call.party) {
                after.let_one();
            }
            next.push(after);
        }
    }

    fn parts(&self, call: Call<Op, Ret>) -> Vec<Call<Op, Ret>> {
        parts(call)
    }
}

impl Subject for Turnstile {
    const NAME: &'static str = "AutoResetEvent";

    type Real = AutoResetEvent;
    type Local<'r> = ();

    fn real(&self, _parties: usize) -> AutoResetEvent {
        AutoResetEvent::new(false)
    }

    fn local(&self, _real: &AutoResetEvent, _party: usize) {}

    fn choose(&self, _party: usize, pick: &mut Pick<'_>) -> Op {
        choose(pick)
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r AutoResetEvent,
        (): &'l mut (),
        op: &Op,
    ) -> Started<'l, Ret> {
        Started::Done(u64::from(match op {
            Op::Wait => return Started::waits(real.wait_async(), |through| through.map(|()| 1)),
            Op::Come => unreachable!("a part of others"),
            Op::TryWait if !real.try_wait() => return Started::Refused,
            Op::TryWait => true,
            Op::Set => real.set(),
            Op::Reset => real.reset(),
            Op::IsSet => real.is_set(),
        }))
    }
}
