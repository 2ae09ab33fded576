//! `Barrier`: rounds that end when all have arrived, one of whom leads.
//!
//! A wait arrives and returns later, so it has two parts.

use crate::history::{Call, Outcome, Why};
use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use counterpoint_sync::barrier::{Barrier, BarrierWaitError, BarrierWaitResult, OnStop};
use counterpoint_wait::Stop;

/// What is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Arrives and waits for the others.
    Wait,
    /// Arrives, unless it has to wait.
    TryWait,
    /// A part of a wait: arrives; if it gave up then perhaps not.
    Come(bool),
    /// Arrives for good, and does not wait.
    Arrive,
    /// One party more, which this one may take away again.
    Join,
    /// One party less, if this one has joined one.
    Leave,
    /// The same, arriving.
    ArriveAndLeave,
    /// Tells all who wait, and begins anew.
    Reset,
    /// How many have arrived.
    Arrived,
    /// Whether it is broken.
    IsBroken,
}

/// What a call returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ret {
    /// The round is over, and this one leads.
    Leader,
    /// The round is over.
    Follower,
    /// The barrier was broken or reset.
    Broken,
    /// A number, or 1 for yes.
    Number(usize),
}

/// How a party stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Party {
    Idle,
    /// It will give up, and has not arrived.
    Passes,
    /// It has arrived as the n-th of all.
    Arrived(usize),
    /// This round is over; whether it leads.
    Over(usize, bool),
    Broken,
}

/// A round.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Round {
    number: usize,
    expected: usize,
    arrived: usize,
    /// Arrivals so far, for their order.
    arrivals: usize,
    broken: bool,
    joined: Vec<usize>,
    parties: Vec<Party>,
    /// Rounds whose leader was dropped.
    orphans: Vec<usize>,
}

impl Round {
    /// Ends the round; `leader` is the one who ends it by waiting.
    fn end(&mut self, leader: Option<usize>) {
        let last = |party: &Party| match party {
            Party::Arrived(at) => Some(*at),
            _ => None,
        };
        let last = self.parties.iter().filter_map(last).max();
        for party in &mut self.parties {
            if let Party::Arrived(at) = *party {
                *party = Party::Over(self.number, leader.is_none() && Some(at) == last);
            }
        }
        match leader {
            Some(leader) => self.parties[leader] = Party::Over(self.number, true),
            None if last.is_none() => self.orphans.push(self.number),
            None => {}
        }
        self.number += 1;
        self.arrived = 0;
    }

    fn is_last(&self) -> bool {
        self.arrived + 1 >= self.expected
    }

    fn tell_broken(&mut self) {
        for party in &mut self.parties {
            if let Party::Arrived(_) = party {
                *party = Party::Broken;
            }
        }
    }

    fn come(&mut self, party: usize) {
        if self.broken {
            self.parties[party] = Party::Broken;
        } else if self.is_last() {
            self.end(Some(party));
        } else {
            self.arrived += 1;
            self.arrivals += 1;
            self.parties[party] = Party::Arrived(self.arrivals);
        }
    }

    /// Who waits goes on, and says this; `led`: another one that goes on beside it leads. Returns what
    /// it should say.
    fn go(&mut self, party: usize, said: &Ret, led: bool) -> Option<Ret> {
        match std::mem::replace(&mut self.parties[party], Party::Idle) {
            Party::Broken => Some(Ret::Broken),
            Party::Over(round, false) => match *said == Ret::Leader && self.adopt(round) {
                true => Some(Ret::Leader),
                false => Some(Ret::Follower),
            },
            Party::Over(round, true) => match *said == Ret::Follower && led {
                true => {
                    self.orphans.push(round);
                    Some(Ret::Follower)
                }
                false => Some(Ret::Leader),
            },
            Party::Idle | Party::Passes | Party::Arrived(_) => None,
        }
    }

    /// What is left to a dropped leader goes to another.
    fn adopt(&mut self, round: usize) -> bool {
        let orphan = self.orphans.iter().position(|orphan| *orphan == round);
        orphan.map(|at| self.orphans.remove(at)).is_some()
    }
}

/// A barrier for two, and whether one that stops breaks it.
#[derive(Clone, Copy, Debug)]
pub struct Rounds<const BREAKS: bool>;

const PARTIES: usize = 2;

impl<const BREAKS: bool> Model for Rounds<BREAKS> {
    type Op = Op;
    type Ret = Ret;
    type State = Round;

    fn initial(&self, parties: usize) -> Round {
        Round {
            number: 0,
            expected: PARTIES,
            arrived: 0,
            arrivals: 0,
            broken: false,
            joined: vec![0; parties],
            parties: vec![Party::Idle; parties],
            orphans: Vec::new(),
        }
    }

    fn done(
        &self,
        state: &Round,
        call: Done<'_, Op, Ret>,
        beside: &Beside<'_, Op, Ret>,
        next: &mut Vec<Round>,
    ) {
        let (party, mut after) = (call.party, state.clone());
        let nothing = Ret::Number(0);
        let right = match *call.op {
            Op::Come(certain) => {
                if !certain {
                    let mut passes = state.clone();
                    passes.parties[party] = Party::Passes;
                    next.push(passes);
                }
                // One that gave up has not ended the round.
                if certain || !state.is_last() && !state.broken {
                    after.come(party);
                    next.push(after);
                }
                return;
            }
            Op::Wait => {
                // It was about to stop, and another one took the lead.
                let led = beside
                    .any(|call| call.op == Op::Wait && call.outcome == Outcome::Done(Ret::Leader));
                match after.go(party, call.ret, led) {
                    Some(right) => right,
                    None => return,
                }
            }
            Op::TryWait if state.broken => Ret::Broken,
            Op::TryWait if state.is_last() => {
                after.end(Some(party));
                after.parties[party] = Party::Idle;
                Ret::Leader
            }
            Op::TryWait => return,
            Op::Arrive => {
                match (state.broken, state.is_last()) {
                    (true, _) => {}
                    (false, true) => after.end(None),
                    (false, false) => after.arrived += 1,
                }
                nothing
            }
            Op::Join => {
                after.joined[party] += 1;
                after.expected += 1;
                nothing
            }
            Op::Leave | Op::ArriveAndLeave if state.joined[party] == 0 => nothing,
            Op::Leave | Op::ArriveAndLeave => {
                after.joined[party] -= 1;
                after.expected -= 1;
                if !after.broken && after.arrived == after.expected {
                    after.end(None);
                }
                nothing
            }
            Op::Reset => {
                after.tell_broken();
                after.arrived = 0;
                after.number += 1;
                after.broken = false;
                nothing
            }
            Op::Arrived => Ret::Number(state.arrived),
            Op::IsBroken => Ret::Number(usize::from(state.broken)),
        };
        if right == *call.ret {
            next.push(after);
        }
    }

    fn waits(&self, state: &Round, party: usize, op: &Op) -> bool {
        match op {
            Op::TryWait => !state.broken && !state.is_last(),
            _ => matches!(state.parties[party], Party::Arrived(_)),
        }
    }

    fn gave_up(&self, state: &Round, call: &Call<Op, Ret>, next: &mut Vec<Round>) {
        let (party, mut after) = (call.party, state.clone());
        let dropped = call.outcome == Outcome::GaveUp(Why::Dropped);
        after.parties[party] = Party::Idle;
        match state.parties[party] {
            // One that was called off before it came breaks it as well.
            Party::Passes if BREAKS && !dropped => {
                after.broken = true;
                after.tell_broken();
            }
            Party::Passes => {}
            Party::Arrived(_) if BREAKS => {
                after.broken = true;
                after.tell_broken();
            }
            Party::Arrived(_) => after.arrived -= 1,
            // A round that is over is no failure; but who is dropped misses it.
            Party::Over(round, true) if dropped => after.orphans.push(round),
            Party::Over(_, false) | Party::Broken if dropped => {}
            _ => return,
        }
        next.push(after);
    }

    fn parts(&self, call: Call<Op, Ret>) -> Vec<Call<Op, Ret>> {
        if call.op != Op::Wait {
            return vec![call];
        }
        let certain = matches!(call.outcome, Outcome::Done(_));
        let first = Call {
            op: Op::Come(certain),
            outcome: Outcome::Done(Ret::Number(0)),
            ..call
        };
        vec![first, call]
    }
}

fn ret(result: BarrierWaitResult) -> Ret {
    match (result.is_broken(), result.is_leader()) {
        (true, _) => Ret::Broken,
        (false, true) => Ret::Leader,
        (false, false) => Ret::Follower,
    }
}

impl<const BREAKS: bool> Subject for Rounds<BREAKS> {
    const NAME: &'static str = match BREAKS {
        true => "Barrier that breaks",
        false => "Barrier",
    };

    // Arrivals that were retracted leave more and more ways in which rounds may have gone.
    const LONG: bool = false;

    type Real = Barrier;
    /// How many parties this one has joined.
    type Local<'r> = usize;

    fn real(&self, _parties: usize) -> Barrier {
        match BREAKS {
            true => Barrier::with_on_stop(PARTIES, OnStop::Break),
            false => Barrier::new(PARTIES),
        }
    }

    fn local(&self, _real: &Barrier, _party: usize) -> usize {
        0
    }

    fn choose(&self, _party: usize, pick: &mut Pick<'_>) -> Op {
        match pick.below(20) {
            0..9 => Op::Wait,
            9 | 10 => Op::TryWait,
            11 | 12 => Op::Arrive,
            13 => Op::Join,
            14 => Op::Leave,
            15 => Op::ArriveAndLeave,
            16 | 17 => Op::Reset,
            18 => Op::Arrived,
            _ => Op::IsBroken,
        }
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r Barrier,
        joined: &'l mut usize,
        op: &Op,
    ) -> Started<'l, Ret> {
        let number = match op {
            Op::Wait => {
                return Started::waits(real.wait_async(), |waited| match waited {
                    Ok(result) => Ok(ret(result)),
                    Err(BarrierWaitError::Broken) => Ok(Ret::Broken),
                    Err(BarrierWaitError::TimedOut) => Err(Stop::TimedOut),
                    Err(BarrierWaitError::Cancelled) => Err(Stop::Cancelled),
                });
            }
            Op::TryWait => {
                return match real.try_wait() {
                    Some(result) => Started::Done(ret(result)),
                    None => Started::Refused,
                };
            }
            Op::Come(_) => unreachable!("a part of others"),
            Op::Arrive => {
                drop(real.arrive());
                0
            }
            Op::Join => {
                *joined += 1;
                real.join();
                0
            }
            Op::Leave | Op::ArriveAndLeave if *joined == 0 => 0,
            Op::Leave => {
                *joined -= 1;
                real.leave();
                0
            }
            Op::ArriveAndLeave => {
                *joined -= 1;
                real.arrive_and_leave();
                0
            }
            Op::Reset => {
                real.reset();
                0
            }
            Op::Arrived => real.arrived(),
            Op::IsBroken => usize::from(real.is_broken()),
        };
        Started::Done(Ret::Number(number))
    }
}
