//! `Exchanger`: whoever comes next swaps values with whoever waits.
//!
//! Two calls take effect together, which no order of calls explains; so an exchange has two parts:
//! it offers its value, and it takes that of its partner.

use crate::history::{Call, Outcome, Why};
use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use counterpoint_base::prim::time::Duration;
use counterpoint_sync::exchanger::{ExchangeError, Exchanger};
use counterpoint_wait::Stop;

/// What is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Waits for a partner.
    Exchange(u32),
    /// The same, unless it has to wait.
    Try(u32),
    /// The same, blocking for a moment.
    Soon(u32),
    /// A part of an exchange: offers the value; if it gave up then perhaps not.
    Offer(u32, bool),
    /// A part of an exchange: takes the partner's value, or goes without.
    Take,
}

/// A value; nothing if the offer was not taken.
type Ret = Option<u32>;

/// A party of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Party {
    /// It does not exchange.
    Idle,
    /// It will give up, and offers nothing.
    Passes,
    /// It offers this.
    Offers(u32),
    /// It has met a partner, and will take this.
    Met(u32),
}

/// An exchanger.
#[derive(Clone, Copy, Debug)]
pub struct Pairs;

/// For how long `Soon` blocks.
const MOMENT: Duration = Duration::from_micros(20);

fn waiting(state: &[Party]) -> Option<(usize, u32)> {
    state.iter().enumerate().find_map(|(party, is)| match is {
        Party::Offers(value) => Some((party, *value)),
        _ => None,
    })
}

impl Model for Pairs {
    type Op = Op;
    type Ret = Ret;
    type State = Vec<Party>;

    fn initial(&self, parties: usize) -> Vec<Party> {
        vec![Party::Idle; parties]
    }

    fn done(
        &self,
        state: &Vec<Party>,
        call: Done<'_, Op, Ret>,
        _beside: &Beside<'_, Op, Ret>,
        next: &mut Vec<Vec<Party>>,
    ) {
        let mut after = state.clone();
        match (call.op, call.ret, state[call.party]) {
            (Op::Offer(value, certain), _, Party::Idle) => {
                if !certain {
                    after[call.party] = Party::Passes;
                    next.push(after.clone());
                }
                // Nobody offers beside another who does: they have met.
                after[call.party] = match waiting(state) {
                    None => Party::Offers(*value),
                    Some((other, theirs)) => {
                        after[other] = Party::Met(*value);
                        Party::Met(theirs)
                    }
                };
                next.push(after);
            }
            (Op::Take, Some(value), Party::Met(theirs)) if theirs == *value => {
                after[call.party] = Party::Idle;
                next.push(after);
            }
            (Op::Take, None, Party::Passes | Party::Offers(_)) => {
                after[call.party] = Party::Idle;
                next.push(after);
            }
            (Op::Try(value), Some(got), Party::Idle) => {
                if let Some((other, _)) = waiting(state).filter(|(_, theirs)| theirs == got) {
                    after[other] = Party::Met(*value);
                    next.push(after);
                }
            }
            _ => {}
        }
    }

    fn waits(&self, state: &Vec<Party>, party: usize, op: &Op) -> bool {
        match op {
            Op::Take => matches!(state[party], Party::Offers(_)),
            _ => waiting(state).is_none(),
        }
    }

    fn may_refuse(&self, _op: &Op, beside: &Beside<'_, Op, Ret>) -> bool {
        // A partner may be about to offer, or another one be faster.
        beside.any(|_| true)
    }

    fn gave_up(&self, state: &Vec<Party>, call: &Call<Op, Ret>, next: &mut Vec<Vec<Party>>) {
        let dropped = call.outcome == Outcome::GaveUp(Why::Dropped);
        let mut after = state.clone();
        match state[call.party] {
            // One that had met and is dropped drops what it got.
            Party::Met(_) if !dropped => return,
            Party::Idle => return,
            _ => after[call.party] = Party::Idle,
        }
        next.push(after);
    }

    fn parts(&self, call: Call<Op, Ret>) -> Vec<Call<Op, Ret>> {
        let (Op::Exchange(value) | Op::Soon(value)) = call.op else {
            return vec![call];
        };
        let certain = matches!(call.outcome, Outcome::Done(Some(_)));
        let first = Call {
            op: Op::Offer(value, certain),
            outcome: Outcome::Done(None),
            ..call
        };
        let second = Call {
            op: Op::Take,
            ..call
        };
        vec![first, second]
    }
}

impl Subject for Pairs {
    const NAME: &'static str = "Exchanger";

    type Real = Exchanger<u32>;
    type Local<'r> = ();

    fn real(&self, _parties: usize) -> Exchanger<u32> {
        Exchanger::new()
    }

    fn local(&self, _real: &Exchanger<u32>, _party: usize) {}

    fn choose(&self, party: usize, pick: &mut Pick<'_>) -> Op {
        let value = party as u32 * 100 + pick.below(100);
        match pick.below(8) {
            0..5 => Op::Exchange(value),
            5 | 6 => Op::Try(value),
            _ => Op::Soon(value),
        }
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r Exchanger<u32>,
        (): &'l mut (),
        op: &Op,
    ) -> Started<'l, Ret> {
        match *op {
            Op::Exchange(value) => Started::waits(real.exchange_async(value), move |theirs| {
                theirs.map(Some).map_err(|error| match error {
                    ExchangeError::TimedOut(mine) | ExchangeError::Cancelled(mine)
                        if mine != value =>
                    {
                        panic!("{mine} came back for {value}")
                    }
                    ExchangeError::TimedOut(_) => Stop::TimedOut,
                    ExchangeError::Cancelled(_) => Stop::Cancelled,
                })
            }),
            Op::Try(value) => match real.try_exchange(value) {
                Ok(theirs) => Started::Done(Some(theirs)),
                Err(_) => Started::Refused,
            },
            // A checker has no moments: there a deadline comes at once or never.
            Op::Soon(value) if cfg!(counterpoint_shuttle) => {
                Started::Done(real.try_exchange(value).ok())
            }
            Op::Soon(value) => Started::Done(real.exchange_timeout(value, MOMENT).ok()),
            Op::Offer(..) | Op::Take => Started::Done(None),
        }
    }
}
