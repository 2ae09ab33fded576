//! `Notify`: who is told, who passes on, and what is stored.
//!
//! A wait happens at three moments: when it is made (broadcasts reach it from then on), when it
//! takes its place in line, and when it is told. So it has three parts.

use crate::history::{Call, Outcome};
use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use counterpoint_sync::{Notified, Notify};
use std::collections::VecDeque;
use std::pin::Pin;

/// What is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Waits, with the place that is kept or a new one.
    Wait,
    /// Takes a place, and keeps it.
    Listen,
    /// Waits with the place that is kept; without one does nothing.
    Take,
    /// A part of `Wait` and `Listen`: makes the operation.
    Make,
    /// A part of `Wait` and `Listen`: takes the place.
    Enlist,
    /// Gives up the place that is kept.
    Leave,
    /// Wakes the first, or stores.
    One,
    /// Wakes the last, or stores.
    Last,
    /// Wakes so many, one by one: a broadcast may come in between.
    Some(usize),
    /// A part of `Some`: one of them, or the end of the line.
    Another,
    /// Wakes all.
    All,
}

/// How many were woken, or for a wait 1 if it was told.
type Ret = usize;

/// What a place in line was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Told {
    First,
    Last,
    /// One of many: nothing is stored if nobody else waits.
    Many,
    All,
}

/// What is stored, who is in line, and what the places were told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    stored: bool,
    waiting: VecDeque<usize>,
    told: Vec<Option<Told>>,
    /// Who has made an operation that is not in line yet, and whether a broadcast has reached it.
    made: Vec<Option<bool>>,
}

impl Line {
    fn has_place(&self, party: usize) -> bool {
        self.told[party].is_some() || self.waiting.contains(&party)
    }

    /// Takes a place. False if there is no operation for it.
    fn enlist(&mut self, party: usize) -> bool {
        if self.has_place(party) {
            return true;
        }
        match (self.made[party].take(), self.stored) {
            (None, _) => return false,
            (Some(true), _) => self.told[party] = Some(Told::All),
            (Some(false), false) => self.waiting.push_back(party),
            (Some(false), true) => {
                self.stored = false;
                self.told[party] = Some(Told::First);
            }
        }
        true
    }

    /// Wakes one from an end, or stores. Returns how many it woke.
    fn tell_one(&mut self, how: Told) -> usize {
        let party = match how {
            Told::Last => self.waiting.pop_back(),
            _ => self.waiting.pop_front(),
        };
        match party {
            Some(party) => {
                self.told[party] = Some(how);
                1
            }
            None => {
                self.stored |= how != Told::Many;
                0
            }
        }
    }

    /// Gives up a place; what it was told goes to another.
    fn leave(&mut self, party: usize) {
        self.waiting.retain(|other| *other != party);
        match self.told[party].take() {
            None | Some(Told::All) => {}
            Some(how) => {
                self.tell_one(how);
            }
        }
    }
}

/// True if a place may be given up by the call.
fn leaves(call: &Call<Op, Ret>) -> bool {
    call.op == Op::Leave || matches!(call.outcome, Outcome::GaveUp(_))
}

/// A notify.
#[derive(Clone, Copy, Debug)]
pub struct Signals;

impl Model for Signals {
    type Op = Op;
    type Ret = Ret;
    type State = Line;

    fn initial(&self, parties: usize) -> Line {
        Line {
            stored: false,
            waiting: VecDeque::new(),
            told: vec![None; parties],
            made: vec![None; parties],
        }
    }

    fn done(
        &self,
        state: &Line,
        call: Done<'_, Op, Ret>,
        beside: &Beside<'_, Op, Ret>,
        next: &mut Vec<Line>,
    ) {
        let (party, mut after) = (call.party, state.clone());
        let expected = match call.op {
            Op::Wait | Op::Listen | Op::Some(_) => unreachable!("they have parts"),
            Op::Make => {
                if !state.has_place(party) {
                    after.made[party] = Some(false);
                }
                0
            }
            Op::Enlist if after.enlist(party) => 0,
            Op::Enlist => return,
            Op::Take => match after.told[party].take() {
                Some(_) => 1,
                None if state.has_place(party) => return,
                None => 0,
            },
            Op::Leave => {
                after.leave(party);
                0
            }
            Op::One => after.tell_one(Told::First),
            Op::Last => after.tell_one(Told::Last),
            Op::Another if after.waiting.is_empty() => 0,
            Op::Another => after.tell_one(Told::Many),
            Op::All => {
                let all = std::mem::take(&mut after.waiting);
                all.iter()
                    .for_each(|party| after.told[*party] = Some(Told::All));
                let made = after.made.iter_mut().flatten();
                made.for_each(|reached| *reached = true);
                // It counts whom it wakes: who leaves after it was reached is not among them, and of
                // two broadcasts at once either may wake whom both have reached.
                let left = beside.iter().filter(|call| leaves(call)).count();
                let counted = all.len().saturating_sub(left)..=all.len();
                if counted.contains(call.ret) || beside.any(|other| other.op == Op::All) {
                    next.push(after);
                }
                return;
            }
        };
        if *call.ret == expected {
            next.push(after);
        }
    }

    fn waits(&self, state: &Line, party: usize, op: &Op) -> bool {
        match op {
            Op::Wait => !state.stored && state.told[party].is_none(),
            Op::Take => state.waiting.contains(&party),
            _ => false,
        }
    }

    fn gave_up(&self, state: &Line, call: &Call<Op, Ret>, next: &mut Vec<Line>) {
        let mut after = state.clone();
        after.leave(call.party);
        next.push(after);
    }

    fn parts(&self, call: Call<Op, Ret>) -> Vec<Call<Op, Ret>> {
        let part = |op, outcome| Call {
            op,
            outcome,
            ..call.clone()
        };
        let before = || {
            vec![
                part(Op::Make, Outcome::Done(0)),
                part(Op::Enlist, Outcome::Done(0)),
            ]
        };
        match call.op {
            Op::Some(wanted) => {
                let Outcome::Done(woken) = call.outcome else {
                    return vec![call];
                };
                let mut parts = vec![part(Op::Another, Outcome::Done(1)); woken];
                if woken < wanted {
                    parts.push(part(Op::Another, Outcome::Done(0)));
                }
                parts
            }
            Op::Listen => before(),
            Op::Wait => {
                let mut parts = before();
                parts.push(part(Op::Take, call.outcome.clone()));
                parts
            }
            _ => vec![call],
        }
    }
}

/// What a party holds.
type Kept<'r> = Option<Pin<Box<Notified<'r>>>>;

impl Subject for Signals {
    const NAME: &'static str = "Notify";

    type Real = Notify;
    type Local<'r> = Kept<'r>;

    fn real(&self, _parties: usize) -> Notify {
        Notify::new()
    }

    fn local<'r>(&self, _real: &'r Notify, _party: usize) -> Kept<'r> {
        None
    }

    fn choose(&self, _party: usize, pick: &mut Pick<'_>) -> Op {
        let count = 1 + pick.below(2) as usize;
        match pick.below(16) {
            0..4 => Op::Wait,
            4..6 => Op::Listen,
            6..8 => Op::Take,
            8 => Op::Leave,
            9..12 => Op::One,
            12 => Op::Last,
            13 => Op::Some(count),
            _ => Op::All,
        }
    }

    fn closing(&self, _party: usize) -> Option<Op> {
        Some(Op::Leave)
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r Notify,
        local: &'l mut Kept<'r>,
        op: &Op,
    ) -> Started<'l, Ret> {
        match op {
            Op::Wait if local.is_none() => Started::waits(real.notified(), |told| told.map(|()| 1)),
            Op::Listen => {
                let kept = local.get_or_insert_with(|| Box::pin(real.notified()));
                let _ = kept.as_mut().enable();
                Started::Done(0)
            }
            Op::Wait | Op::Take => match local.take() {
                Some(kept) => Started::awaits(async move {
                    kept.await;
                    1
                }),
                None => Started::Done(0),
            },
            Op::Make | Op::Enlist | Op::Another | Op::Leave => {
                *local = None;
                Started::Done(0)
            }
            Op::One => Started::Done(real.notify_one()),
            Op::Last => Started::Done(real.notify_last()),
            Op::Some(count) => Started::Done(real.notify_n(*count)),
            Op::All => Started::Done(real.notify_all()),
        }
    }
}
