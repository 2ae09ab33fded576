//! `Event`: who is told, who counts as told, and who passes on.
//!
//! A wait takes its place and is told later, so it has two parts. A notification happens at one
//! moment if it tells no more than a batch; larger ones, batch by batch, are left to other tests.

use crate::history::{Call, Outcome};
use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use counterpoint_base::tune::WAKE_BATCH;
use counterpoint_wait::event::{Event, Listen};
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
    /// Gives up the place that is kept.
    Leave,
    /// Tells until so many are told.
    Notify(usize),
    /// Tells so many more.
    More(usize),
    /// How many listen, or were told and are not gone.
    Listeners,
}

/// How many; for a wait 1 if it was told.
type Ret = usize;

/// How a place was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Told {
    Plain,
    Additional,
}

/// Who is in line, and what the places were told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    waiting: VecDeque<usize>,
    told: Vec<Option<Told>>,
}

impl Line {
    fn has_place(&self, party: usize) -> bool {
        self.told[party].is_some() || self.waiting.contains(&party)
    }

    fn count_told(&self) -> usize {
        self.told.iter().flatten().count()
    }

    /// Tells as many as `n` demands; returns how many.
    fn tell(&mut self, n: usize, how: Told) -> usize {
        let n = match how {
            Told::Plain => n.saturating_sub(self.count_told()),
            Told::Additional => n,
        };
        let n = n.min(self.waiting.len());
        for party in self.waiting.drain(..n) {
            self.told[party] = Some(how);
        }
        n
    }

    fn leave(&mut self, party: usize) {
        self.waiting.retain(|other| *other != party);
        if let Some(how) = self.told[party].take() {
            self.tell(1, how);
        }
    }
}

/// An event.
#[derive(Clone, Copy, Debug)]
pub struct Listeners;

impl Model for Listeners {
    type Op = Op;
    type Ret = Ret;
    type State = Line;

    fn initial(&self, parties: usize) -> Line {
        Line {
            waiting: VecDeque::new(),
            told: vec![None; parties],
        }
    }

    fn done(
        &self,
        state: &Line,
        call: Done<'_, Op, Ret>,
        _beside: &Beside<'_, Op, Ret>,
        next: &mut Vec<Line>,
    ) {
        let (party, mut after) = (call.party, state.clone());
        let expected = match *call.op {
            Op::Wait => unreachable!("it has two parts"),
            Op::Listen => {
                if !state.has_place(party) {
                    after.waiting.push_back(party);
                }
                0
            }
            Op::Take => match after.told[party].take() {
                Some(_) => 1,
                None if state.has_place(party) => return,
                None => 0,
            },
            Op::Leave => {
                after.leave(party);
                0
            }
            Op::Notify(n) => after.tell(n, Told::Plain),
            Op::More(n) => after.tell(n, Told::Additional),
            Op::Listeners => state.waiting.len() + state.count_told(),
        };
        if *call.ret == expected {
            next.push(after);
        }
    }

    fn waits(&self, state: &Line, party: usize, op: &Op) -> bool {
        match op {
            Op::Wait => state.told[party].is_none(),
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
        if call.op != Op::Wait {
            return vec![call];
        }
        let part = |op, outcome| Call {
            op,
            outcome,
            ..call.clone()
        };
        vec![
            part(Op::Listen, Outcome::Done(0)),
            part(Op::Take, call.outcome.clone()),
        ]
    }
}

/// What a party holds.
type Kept<'r> = Option<Pin<Box<Listen<'r>>>>;

impl Subject for Listeners {
    const NAME: &'static str = "Event";

    type Real = Event;
    type Local<'r> = Kept<'r>;

    fn real(&self, _parties: usize) -> Event {
        Event::new()
    }

    fn local<'r>(&self, _real: &'r Event, _party: usize) -> Kept<'r> {
        None
    }

    fn choose(&self, _party: usize, pick: &mut Pick<'_>) -> Op {
        let count = 1 + pick.below(WAKE_BATCH.min(3) as u32) as usize;
        match pick.below(16) {
            0..4 => Op::Wait,
            4..6 => Op::Listen,
            6..8 => Op::Take,
            8 => Op::Leave,
            9..12 => Op::Notify(count),
            12..15 => Op::More(count),
            _ => Op::Listeners,
        }
    }

    fn closing(&self, _party: usize) -> Option<Op> {
        Some(Op::Leave)
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r Event,
        local: &'l mut Kept<'r>,
        op: &Op,
    ) -> Started<'l, Ret> {
        match *op {
            Op::Wait if local.is_none() => Started::waits(real.listen(), |told| told.map(|()| 1)),
            Op::Listen => {
                let kept = local.get_or_insert_with(|| Box::pin(real.listen()));
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
            Op::Leave => {
                *local = None;
                Started::Done(0)
            }
            Op::Notify(n) => Started::Done(real.notify(n)),
            Op::More(n) => Started::Done(real.notify_additional(n)),
            Op::Listeners => Started::Done(real.total_listeners()),
        }
    }
}
