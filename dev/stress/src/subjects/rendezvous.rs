//! `RendezvousData` and `RendezvousGroup`: the same parties meet again and again; two swap values.
//!
//! A call arrives and, later, sees that all have met: two parts. An arrival stays when its call
//! gives up, so the next call is for the same meeting.

use crate::history::{Call, Outcome};
use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use counterpoint_base::prim::time::Duration;
use counterpoint_sync::rendezvous::{
    RendezvousData, RendezvousError, RendezvousGroup, TryRendezvousError,
};
use counterpoint_wait::Stop;
use std::sync::{Mutex, PoisonError};

/// What is done with it. Who has no handle any more does nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Waits for the others; brings this value, unless it has arrived before.
    Meet(u32),
    /// Looks once.
    Try(u32),
    /// Blocks for a moment.
    Soon(u32),
    /// Drops the handle.
    Leave,
    /// A part of a meeting: arrives with a value; if nothing came of it then perhaps not. Whether it
    /// looks only once.
    Arrive(u32, bool, bool),
    /// A part of a meeting: sees that all are there, or goes. Whether it looks only once.
    Look(bool),
}

/// What a call returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ret {
    /// All have met; what the other one brought, if there are two.
    Met(u32),
    /// They have not met yet.
    NotYet,
    /// Somebody is gone.
    Gone,
    /// Nothing, as there is no handle.
    Nothing,
}

/// Where a party stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    /// Not there.
    Away,
    /// Arrived.
    There,
    /// All have met, and it has not seen that yet.
    Met,
}

/// A party.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Seat {
    place: Place,
    /// In a call.
    open: bool,
    gone: bool,
    value: u32,
}

/// Parties that meet two and two, or all together.
#[derive(Clone, Copy, Debug)]
pub struct Parties<const PAIRS: bool>;

/// For how long `Soon` blocks.
const MOMENT: Duration = Duration::from_micros(20);

impl<const PAIRS: bool> Parties<PAIRS> {
    /// Those who meet with this one, and itself.
    fn group(state: &[Seat], party: usize) -> Vec<usize> {
        match PAIRS {
            true => vec![party, party ^ 1],
            false => (0..state.len()).collect(),
        }
    }

    /// True if somebody whom this one waits for will never come.
    fn is_closed(state: &[Seat], party: usize) -> bool {
        let absent = |at: &usize| state[*at].gone && state[*at].place != Place::There;
        Self::group(state, party).iter().any(absent)
    }

    fn arrive(state: &mut [Seat], party: usize) {
        state[party].place = Place::There;
        let group = Self::group(state, party);
        if group.iter().all(|at| state[*at].place == Place::There) {
            group.iter().for_each(|at| state[*at].place = Place::Met);
            if PAIRS {
                let mine = state[party].value;
                state[party].value = std::mem::replace(&mut state[party ^ 1].value, mine);
            }
        }
    }
}

impl<const PAIRS: bool> Model for Parties<PAIRS> {
    type Op = Op;
    type Ret = Ret;
    type State = Vec<Seat>;

    fn initial(&self, parties: usize) -> Vec<Seat> {
        let seat = |party| Seat {
            place: Place::Away,
            open: false,
            // Of an odd number the last one has nobody.
            gone: party == parties,
            value: 0,
        };
        let seats = match PAIRS {
            true => parties.next_multiple_of(2),
            false => parties,
        };
        (0..seats).map(seat).collect()
    }

    fn done(
        &self,
        state: &Vec<Seat>,
        call: Done<'_, Op, Ret>,
        beside: &Beside<'_, Op, Ret>,
        next: &mut Vec<Vec<Seat>>,
    ) {
        let mut after = state.clone();
        let party = call.party;
        // Without a fence two that look only once, as who tries does, or whose time is up as it
        // arrives, may both miss each other. A checker's schedules are in one order, and who waits
        // passes a fence.
        let overlooked = || {
            let tries = |other: &Call<Op, Ret>| matches!(other.op, Op::Arrive(_, _, true));
            !cfg!(counterpoint_shuttle) && beside.any(|other| other.party != party && tries(other))
        };
        let seat = &state[party];
        match (call.op, call.ret) {
            (Op::Arrive(value, certain, _), _) if !seat.open && !seat.gone => {
                after[party].open = true;
                if seat.place == Place::Away {
                    if PAIRS {
                        after[party].value = *value;
                    }
                    if !certain {
                        next.push(after.clone());
                    }
                    Self::arrive(&mut after, party);
                }
                next.push(after);
            }
            (Op::Look(once), ret) if seat.open => {
                after[party].open = false;
                let allowed = match ret {
                    Ret::Met(value) => {
                        after[party].place = Place::Away;
                        seat.place == Place::Met && *value == seat.value
                    }
                    Ret::NotYet => seat.place != Place::Met || *once && overlooked(),
                    Ret::Gone => seat.place != Place::Met && Self::is_closed(state, party),
                    Ret::Nothing => false,
                };
                if allowed {
                    next.push(after);
                }
            }
            (Op::Leave, _) if !seat.open => {
                after[party].gone = true;
                next.push(after);
            }
            (_, Ret::Nothing) if seat.gone => next.push(after),
            _ => {}
        }
    }

    fn waits(&self, state: &Vec<Seat>, party: usize, _op: &Op) -> bool {
        state[party].place == Place::There && !Self::is_closed(state, party)
    }

    fn gave_up(&self, state: &Vec<Seat>, call: &Call<Op, Ret>, next: &mut Vec<Vec<Seat>>) {
        if state[call.party].open {
            let mut after = state.clone();
            after[call.party].open = false;
            next.push(after);
        }
    }

    fn parts(&self, call: Call<Op, Ret>) -> Vec<Call<Op, Ret>> {
        let (Op::Meet(value) | Op::Try(value) | Op::Soon(value)) = call.op else {
            return vec![call];
        };
        if call.outcome == Outcome::Done(Ret::Nothing) {
            return vec![call];
        }
        let certain = matches!(call.outcome, Outcome::Done(Ret::Met(_)));
        let once = matches!(call.op, Op::Try(_) | Op::Soon(_));
        let first = Call {
            op: Op::Arrive(value, certain, once),
            outcome: Outcome::Done(Ret::Nothing),
            ..call
        };
        let second = Call {
            op: Op::Look(once),
            ..call
        };
        vec![first, second]
    }
}

/// A party's handle.
#[derive(Debug)]
pub enum Handle {
    /// Of two.
    Pair(RendezvousData<u32>),
    /// Of all.
    Group(RendezvousGroup),
}

impl Handle {
    /// Writes on what this party brings, unless it has arrived.
    fn bring(&mut self, value: u32) {
        if let Handle::Pair(party) = self {
            if let Some(mine) = party.get_mut() {
                *mine = value;
            }
        }
    }
}

fn ret(met: Result<u32, RendezvousError>) -> Result<Ret, Stop> {
    match met {
        Ok(value) => Ok(Ret::Met(value)),
        Err(RendezvousError::Disconnected) => Ok(Ret::Gone),
        Err(RendezvousError::TimedOut) => Err(Stop::TimedOut),
        Err(RendezvousError::Cancelled) => Err(Stop::Cancelled),
    }
}

impl<const PAIRS: bool> Subject for Parties<PAIRS> {
    const NAME: &'static str = if PAIRS {
        "RendezvousData"
    } else {
        "RendezvousGroup"
    };

    // Who has left is gone for good.
    const LONG: bool = false;

    type Real = Mutex<Vec<Option<Handle>>>;
    type Local<'r> = Option<Handle>;

    fn real(&self, parties: usize) -> Self::Real {
        let mut handles = Vec::new();
        if PAIRS {
            while handles.len() < parties {
                let (one, other) = RendezvousData::new(0, 0);
                handles.extend([one, other].map(|party| Some(Handle::Pair(party))));
            }
            // The partner of the last one, if it has none.
            handles.truncate(parties);
        } else {
            let group = RendezvousGroup::new(parties).into_iter();
            handles.extend(group.map(|party| Some(Handle::Group(party))));
        }
        Mutex::new(handles)
    }

    fn local(&self, real: &Self::Real, party: usize) -> Option<Handle> {
        let mut handles = real.lock().unwrap_or_else(PoisonError::into_inner);
        handles[party].take()
    }

    fn choose(&self, _party: usize, pick: &mut Pick<'_>) -> Op {
        let value = 1 + pick.below(100);
        match pick.below(16) {
            0..11 => Op::Meet(value),
            11 | 12 => Op::Try(value),
            13 | 14 => Op::Soon(value),
            _ => Op::Leave,
        }
    }

    fn closing(&self, _party: usize) -> Option<Op> {
        Some(Op::Leave)
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        _real: &'r Self::Real,
        local: &'l mut Option<Handle>,
        op: &Op,
    ) -> Started<'l, Ret> {
        if *op == Op::Leave {
            *local = None;
        }
        let Some(handle) = local else {
            return Started::Done(Ret::Nothing);
        };
        let op = match *op {
            // A checker has no moments: there a deadline comes at once or never.
            Op::Soon(value) if cfg!(counterpoint_shuttle) => Op::Try(value),
            ref op => op.clone(),
        };
        match op {
            Op::Meet(value) => {
                handle.bring(value);
                match handle {
                    Handle::Pair(party) => {
                        Started::waits(party.swap_async(), |met| ret(met.map(|theirs| *theirs)))
                    }
                    Handle::Group(party) => {
                        Started::waits(party.wait_async(), |met| ret(met.map(|()| 0)))
                    }
                }
            }
            Op::Try(value) => {
                handle.bring(value);
                let met = match handle {
                    Handle::Pair(party) => party.try_swap().map(|theirs| *theirs),
                    Handle::Group(party) => party.try_wait().map(|()| 0),
                };
                Started::Done(match met {
                    Ok(value) => Ret::Met(value),
                    Err(TryRendezvousError::WouldBlock) => Ret::NotYet,
                    Err(TryRendezvousError::Disconnected) => Ret::Gone,
                })
            }
            Op::Soon(value) => {
                handle.bring(value);
                let met = match handle {
                    Handle::Pair(party) => party.swap_timeout(MOMENT).map(|theirs| *theirs),
                    Handle::Group(party) => party.wait_timeout(MOMENT).map(|()| 0),
                };
                Started::Done(ret(met).unwrap_or(Ret::NotYet))
            }
            Op::Leave | Op::Arrive(..) | Op::Look(_) => Started::Done(Ret::Nothing),
        }
    }
}
