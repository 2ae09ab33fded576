//! `Mutex`: a number that one party at a time may change.

use crate::history::{Call, Outcome};
use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use counterpoint_sync::{LockError, Mutex, MutexGuard};
use counterpoint_wait::Stop;

/// What is done with it. A party that holds the lock uses its guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Locks, adds and unlocks; returns the number before.
    Add(u64),
    /// The same, unless it has to wait.
    TryAdd(u64),
    /// Locks and stays so; returns the number.
    Lock,
    /// Unlocks, if this party holds it.
    Unlock,
    /// The same, and keeps it for the next in line.
    UnlockFair,
    /// Lets those in who wait, if this party holds it; returns the number after that.
    Bump,
    /// The first part of `Bump`.
    LetGo,
    /// The second.
    Relock,
}

/// A mutex, and whether it is a fair one.
#[derive(Clone, Copy, Debug)]
pub struct Fairness<const FAIR: bool>;

/// Who holds the lock, and the number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    holder: Option<usize>,
    number: u64,
}

impl<const FAIR: bool> Model for Fairness<FAIR> {
    type Op = Op;
    type Ret = Option<u64>;
    type State = Held;

    fn initial(&self, _parties: usize) -> Held {
        Held {
            holder: None,
            number: 0,
        }
    }

    fn done(
        &self,
        state: &Held,
        call: Done<'_, Op, Option<u64>>,
        _beside: &Beside<'_, Op, Option<u64>>,
        next: &mut Vec<Held>,
    ) {
        let (mine, free) = (state.holder == Some(call.party), state.holder.is_none());
        let mut after = state.clone();
        let allowed = match call.op {
            Op::Add(n) | Op::TryAdd(n) => {
                after.number += n;
                (mine || free) && *call.ret == Some(state.number)
            }
            Op::Lock => {
                after.holder = Some(call.party);
                (mine || free) && *call.ret == Some(state.number)
            }
            Op::Unlock | Op::UnlockFair => {
                if mine {
                    after.holder = None;
                }
                call.ret.is_none()
            }
            Op::Bump => !mine && call.ret.is_none(),
            Op::LetGo => {
                after.holder = None;
                mine
            }
            Op::Relock => {
                after.holder = Some(call.party);
                free && *call.ret == Some(state.number)
            }
        };
        if allowed {
            next.push(after);
        }
    }

    fn waits(&self, state: &Held, party: usize, op: &Op) -> bool {
        let wants = matches!(op, Op::Add(_) | Op::TryAdd(_) | Op::Lock);
        wants && state.holder.is_some_and(|holder| holder != party)
    }

    fn may_refuse(&self, _op: &Op, beside: &Beside<'_, Op, Option<u64>>) -> bool {
        // Additions hold it for a moment, and it may be kept for one that waits.
        beside.any(|call| !matches!(call.op, Op::Unlock | Op::UnlockFair | Op::LetGo))
    }

    fn parts(&self, call: Call<Op, Option<u64>>) -> Vec<Call<Op, Option<u64>>> {
        if call.op != Op::Bump || call.outcome == Outcome::Done(None) {
            return vec![call];
        }
        let first = Call {
            op: Op::LetGo,
            outcome: Outcome::Done(None),
            ..call
        };
        let second = Call {
            op: Op::Relock,
            ..call
        };
        vec![first, second]
    }
}

fn stop(error: LockError) -> Stop {
    match error {
        LockError::TimedOut => Stop::TimedOut,
        LockError::Cancelled => Stop::Cancelled,
    }
}

fn add(number: &mut u64, n: u64) -> Option<u64> {
    let before = *number;
    // As two steps, so that two holders lose one of them.
    std::hint::black_box(&mut *number);
    *number = before + n;
    Some(before)
}

impl<const FAIR: bool> Subject for Fairness<FAIR> {
    const NAME: &'static str = if FAIR { "Mutex::fair" } else { "Mutex" };

    type Real = Mutex<u64>;
    type Local<'r> = Option<MutexGuard<'r, u64>>;

    fn real(&self, _parties: usize) -> Mutex<u64> {
        if FAIR { Mutex::fair(0) } else { Mutex::new(0) }
    }

    fn local<'r>(&self, _real: &'r Mutex<u64>, _party: usize) -> Self::Local<'r> {
        None
    }

    fn choose(&self, _party: usize, pick: &mut Pick<'_>) -> Op {
        let n = 1 + u64::from(pick.below(3));
        pick.one_of(&[
            Op::Add(n),
            Op::Add(n),
            Op::TryAdd(n),
            Op::Lock,
            Op::Unlock,
            Op::Unlock,
            Op::UnlockFair,
            Op::Bump,
        ])
    }

    fn closing(&self, _party: usize) -> Option<Op> {
        Some(Op::Unlock)
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r Mutex<u64>,
        local: &'l mut Self::Local<'r>,
        op: &Op,
    ) -> Started<'l, Option<u64>> {
        match (op, local.as_mut()) {
            (Op::Add(n) | Op::TryAdd(n), Some(guard)) => Started::Done(add(guard, *n)),
            (Op::Lock, Some(guard)) => Started::Done(Some(**guard)),
            (Op::Unlock, _) => {
                *local = None;
                Started::Done(None)
            }
            (Op::UnlockFair, _) => {
                if let Some(guard) = local.take() {
                    MutexGuard::unlock_fair(guard);
                }
                Started::Done(None)
            }
            (Op::Bump, Some(guard)) => {
                MutexGuard::bump(guard);
                Started::Done(Some(**guard))
            }
            (Op::Bump | Op::LetGo | Op::Relock, _) => Started::Done(None),
            (Op::TryAdd(n), None) => match real.try_lock() {
                Ok(mut guard) => Started::Done(add(&mut guard, *n)),
                Err(_) => Started::Refused,
            },
            (Op::Add(n), None) => {
                let n = *n;
                Started::waits(real.lock_async(), move |locked| {
                    locked.map(|mut guard| add(&mut guard, n)).map_err(stop)
                })
            }
            (Op::Lock, None) => Started::waits(real.lock_async(), move |locked| {
                let guard = locked.map_err(stop)?;
                let number = *guard;
                *local = Some(guard);
                Ok(Some(number))
            }),
        }
    }
}
