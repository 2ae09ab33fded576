//! `WaitGroup`: handles, and waits that lend theirs.
//!
//! A wait lends its handle's unit and is released later, so it has two parts.

use crate::history::{Call, Outcome, Why};
use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use counterpoint_sync::{WaitGroup, WaitGroupError};
use std::sync::Mutex;

/// What is done with it. Who has no handle does nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// One more handle.
    Clone,
    /// One less.
    Drop,
    /// No more.
    DropAll,
    /// Waits, and has the handle again.
    WaitRef,
    /// Waits, and the handle is gone.
    Wait,
    /// A part of a wait: lends the handle.
    Lend,
    /// A part of a wait that gave up: it may have lent the handle, or never come so far.
    MayLend,
    /// A part of `Wait`: the handle that comes back is dropped.
    Gone,
    /// One attempt.
    TryWait,
    /// How many are there and do not wait.
    Count,
}

/// What a call returns: a number, or 1 for yes.
type Ret = usize;

/// The handles of the parties, and who waits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    handles: Vec<usize>,
    lent: Vec<bool>,
    released: Vec<bool>,
    /// The handle is about to be dropped.
    going: Vec<bool>,
    /// A wait that will give up has begun.
    begun: Vec<bool>,
}

impl Group {
    fn active(&self) -> usize {
        let lent = self.lent.iter().filter(|lent| **lent).count();
        self.handles.iter().sum::<usize>() - lent
    }

    /// Ends the generation if nobody is left who does not wait.
    fn settle(&mut self) {
        if self.active() == 0 {
            for (lent, released) in self.lent.iter_mut().zip(&mut self.released) {
                *released |= core::mem::take(lent);
            }
        }
    }
}

/// A group.
#[derive(Clone, Copy, Debug)]
pub struct Handles;

impl Model for Handles {
    type Op = Op;
    type Ret = Ret;
    type State = Group;

    fn initial(&self, parties: usize) -> Group {
        Group {
            handles: vec![1; parties],
            lent: vec![false; parties],
            released: vec![false; parties],
            going: vec![false; parties],
            begun: vec![false; parties],
        }
    }

    fn done(
        &self,
        state: &Group,
        call: Done<'_, Op, Ret>,
        _beside: &Beside<'_, Op, Ret>,
        next: &mut Vec<Group>,
    ) {
        let (party, mut after) = (call.party, state.clone());
        let own = state.handles[party];
        let expected = match call.op {
            Op::Clone => {
                after.handles[party] += usize::from(own > 0);
                0
            }
            Op::Drop => {
                after.handles[party] = own.saturating_sub(1);
                after.settle();
                0
            }
            Op::DropAll => unreachable!("it has parts"),
            Op::Lend => {
                after.lent[party] = true;
                after.settle();
                1
            }
            Op::MayLend => {
                after.begun[party] = true;
                next.push(after.clone());
                after.lent[party] = true;
                after.settle();
                1
            }
            Op::WaitRef | Op::Wait if own == 0 => 0,
            Op::WaitRef | Op::Wait => {
                if !core::mem::take(&mut after.released[party]) {
                    return;
                }
                after.going[party] = *call.op == Op::Wait;
                1
            }
            Op::Gone => {
                if !core::mem::take(&mut after.going[party]) {
                    return;
                }
                after.handles[party] -= 1;
                after.settle();
                1
            }
            Op::TryWait if own == 0 => 0,
            Op::TryWait => {
                let alone = state.active() == 1;
                if alone {
                    let lent = core::mem::take(&mut after.lent);
                    for (released, lent) in after.released.iter_mut().zip(&lent) {
                        *released |= lent;
                    }
                    after.lent = vec![false; lent.len()];
                }
                usize::from(alone)
            }
            Op::Count if own == 0 => 0,
            Op::Count => state.active(),
        };
        if *call.ret == expected {
            next.push(after);
        }
    }

    fn waits(&self, state: &Group, party: usize, _op: &Op) -> bool {
        state.lent[party]
    }

    fn gave_up(&self, state: &Group, call: &Call<Op, Ret>, next: &mut Vec<Group>) {
        let (party, mut after) = (call.party, state.clone());
        if core::mem::take(&mut after.begun[party]) {
            let lent = core::mem::take(&mut after.lent[party]);
            let released = core::mem::take(&mut after.released[party]);
            after.going[party] = call.outcome == Outcome::GaveUp(Why::Dropped);
            // What came before its time was up is no failure.
            if after.going[party] || lent || !released {
                next.push(after);
            }
        }
    }

    fn parts(&self, call: Call<Op, Ret>) -> Vec<Call<Op, Ret>> {
        let part = |op, outcome| Call {
            op,
            outcome,
            ..call.clone()
        };
        let gone = || part(Op::Gone, Outcome::Done(1));
        match (&call.op, &call.outcome) {
            (Op::DropAll, Outcome::Done(count)) => vec![part(Op::Drop, Outcome::Done(0)); *count],
            (Op::WaitRef, Outcome::Done(1)) => vec![part(Op::Lend, Outcome::Done(1)), call],
            (Op::Wait, Outcome::Done(1)) => {
                vec![part(Op::Lend, Outcome::Done(1)), gone(), call]
            }
            (Op::Wait, Outcome::GaveUp(Why::Dropped)) => {
                vec![part(Op::MayLend, Outcome::Done(1)), gone(), call]
            }
            (Op::WaitRef | Op::Wait, Outcome::GaveUp(_)) => {
                vec![part(Op::MayLend, Outcome::Done(1)), call]
            }
            _ => vec![call],
        }
    }
}

/// The handles of a party.
type Own = Vec<WaitGroup>;

impl Subject for Handles {
    const NAME: &'static str = "WaitGroup";

    type Real = Mutex<Own>;
    type Local<'r> = Own;

    fn real(&self, parties: usize) -> Mutex<Own> {
        let group = WaitGroup::new();
        let mut handles = vec![group.clone(); parties - 1];
        handles.push(group);
        Mutex::new(handles)
    }

    fn local<'r>(&self, real: &'r Mutex<Own>, _party: usize) -> Own {
        let handle = real.lock().expect("nothing panics in here").pop();
        handle.into_iter().collect()
    }

    fn choose(&self, _party: usize, pick: &mut Pick<'_>) -> Op {
        match pick.below(16) {
            0..3 => Op::Clone,
            3..6 => Op::Drop,
            6..10 => Op::WaitRef,
            10..12 => Op::Wait,
            12..14 => Op::TryWait,
            _ => Op::Count,
        }
    }

    fn closing(&self, _party: usize) -> Option<Op> {
        Some(Op::DropAll)
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        _real: &'r Mutex<Own>,
        own: &'l mut Own,
        op: &Op,
    ) -> Started<'l, Ret> {
        let Some(last) = own.len().checked_sub(1) else {
            return Started::Done(0);
        };
        Started::Done(match op {
            Op::Clone => {
                let one = own[last].clone();
                own.push(one);
                0
            }
            Op::Drop => {
                own.pop();
                0
            }
            Op::DropAll => {
                let count = own.len();
                while own.pop().is_some() {}
                count
            }
            Op::WaitRef => {
                let wait = own[last].wait_ref_async();
                return Started::waits(wait, |waited| waited.map(|()| 1));
            }
            Op::Wait => {
                let one = own.remove(last);
                return Started::waits(one.wait_async(), move |waited| match waited {
                    Ok(()) => Ok(1),
                    Err(error) => {
                        let stop = error.stop();
                        own.push(WaitGroupError::into_inner(error));
                        Err(stop)
                    }
                });
            }
            Op::Lend | Op::MayLend | Op::Gone => unreachable!("parts of others"),
            Op::TryWait => usize::from(own[last].try_wait()),
            Op::Count => own[last].count(),
        })
    }
}
