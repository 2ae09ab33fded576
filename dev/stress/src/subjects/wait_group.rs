//! `WaitGroup`: handles, and waits that lend theirs.
//!
//! A wait lends its handle's unit and is released later, so it has two parts. The unit of a wait by
//! value ends with the generation, or, if it was the last one, right after the wait has seen that.

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
    /// A part of a wait: lends the handle, by value or not.
    Lend(bool),
    /// A part of a wait that gave up: it may have lent the handle, or never come so far.
    MayLend(bool),
    /// A part of `Wait` that was dropped: its handle is dropped.
    Gone,
    /// One attempt.
    TryWait,
    /// How many are there and do not wait.
    Count,
}

/// What a call returns: a number, or 1 for yes.
type Ret = usize;

/// What a party's wait is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Wait {
    None,
    /// It will give up, and has lent nothing yet.
    Idle,
    /// It has lent a handle, by value or not.
    Lent(bool),
    /// The generation is over.
    Released,
    /// It has seen that nobody else is left, and is about to drop its handle.
    Last,
    /// It was dropped, and is about to drop its handle.
    Dropped,
}

/// The handles of the parties, and who waits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    handles: Vec<usize>,
    waits: Vec<Wait>,
}

impl Group {
    fn active(&self) -> usize {
        let lent = |wait: &&Wait| matches!(wait, Wait::Lent(_));
        self.handles.iter().sum::<usize>() - self.waits.iter().filter(lent).count()
    }

    /// Releases everybody who waits.
    fn release(&mut self) {
        for (wait, handles) in self.waits.iter_mut().zip(&mut self.handles) {
            if let Wait::Lent(by_value) = *wait {
                *handles -= usize::from(by_value);
                *wait = Wait::Released;
            }
        }
    }

    fn drop_one(&mut self, party: usize) {
        let own = &mut self.handles[party];
        *own = own.saturating_sub(1);
        if self.active() == 0 {
            self.release();
        }
    }

    /// Lends a handle, or finds that nobody else is left.
    fn lend(&mut self, party: usize, by_value: bool) {
        self.waits[party] = match (self.active() > 1, by_value) {
            (true, _) => Wait::Lent(by_value),
            (false, true) => Wait::Last,
            (false, false) => {
                self.release();
                Wait::Released
            }
        };
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
            waits: vec![Wait::None; parties],
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
        let (own, wait) = (state.handles[party], state.waits[party]);
        let expected = match *call.op {
            Op::Clone => {
                after.handles[party] += usize::from(own > 0);
                0
            }
            Op::Drop => {
                after.drop_one(party);
                0
            }
            Op::DropAll => 0,
            Op::Lend(by_value) => {
                after.lend(party, by_value);
                1
            }
            Op::MayLend(by_value) => {
                if after.active() > 1 {
                    let mut lent = after.clone();
                    lent.lend(party, by_value);
                    next.push(lent);
                }
                after.waits[party] = Wait::Idle;
                1
            }
            Op::WaitRef | Op::Wait => match wait {
                Wait::Released => {
                    after.waits[party] = Wait::None;
                    1
                }
                Wait::Last => {
                    after.waits[party] = Wait::None;
                    after.drop_one(party);
                    1
                }
                _ if own == 0 => 0,
                _ => return,
            },
            Op::Gone if wait == Wait::Dropped => {
                after.waits[party] = Wait::None;
                after.drop_one(party);
                1
            }
            Op::Gone => return,
            Op::TryWait if own == 0 => 0,
            Op::TryWait if state.active() == 1 => {
                after.release();
                1
            }
            Op::TryWait => 0,
            Op::Count if own == 0 => 0,
            Op::Count => state.active(),
        };
        if *call.ret == expected {
            next.push(after);
        }
    }

    fn waits(&self, state: &Group, party: usize, _op: &Op) -> bool {
        matches!(state.waits[party], Wait::Lent(_))
    }

    fn gave_up(&self, state: &Group, call: &Call<Op, Ret>, next: &mut Vec<Group>) {
        let (party, mut after) = (call.party, state.clone());
        let dropped = call.outcome == Outcome::GaveUp(Why::Dropped);
        after.waits[party] = Wait::None;
        match state.waits[party] {
            Wait::Idle | Wait::Lent(_) => {
                if dropped && call.op == Op::Wait {
                    after.waits[party] = Wait::Dropped;
                }
            }
            // What came before its time was up is no failure; but who is dropped misses it.
            Wait::Released if dropped => {
                if call.op == Op::Wait {
                    // Its handle is gone already; the drop that follows is of one lent for it.
                    after.handles[party] += 1;
                    after.waits[party] = Wait::Dropped;
                }
            }
            _ => return,
        }
        next.push(after);
    }

    fn parts(&self, call: Call<Op, Ret>) -> Vec<Call<Op, Ret>> {
        let part = |op, outcome| Call {
            op,
            outcome,
            ..call.clone()
        };
        let by_value = call.op == Op::Wait;
        match (&call.op, &call.outcome) {
            (Op::DropAll, Outcome::Done(count)) => vec![part(Op::Drop, Outcome::Done(0)); *count],
            (Op::WaitRef | Op::Wait, Outcome::Done(1)) => {
                vec![part(Op::Lend(by_value), Outcome::Done(1)), call]
            }
            (Op::Wait, Outcome::GaveUp(Why::Dropped)) => vec![
                part(Op::MayLend(by_value), Outcome::Done(1)),
                part(Op::Gone, Outcome::Done(1)),
                call,
            ],
            (Op::WaitRef | Op::Wait, Outcome::GaveUp(_)) => {
                vec![part(Op::MayLend(by_value), Outcome::Done(1)), call]
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

    fn local(&self, real: &Mutex<Own>, _party: usize) -> Own {
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
            Op::Lend(_) | Op::MayLend(_) | Op::Gone => unreachable!("parts of others"),
            Op::TryWait => usize::from(own[last].try_wait()),
            Op::Count => own[last].count(),
        })
    }
}
