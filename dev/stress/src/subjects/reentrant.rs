//! `ReentrantMutex`: a number that one thread at a time may change, with as many guards as it likes.
//!
//! The owner is the thread, so tasks of one thread pass as one: then nobody waits. Each call says
//! whether its party has the thread on which the lock was made, as in a history of tasks all have.

use crate::history::{Call, Outcome};
use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use counterpoint_base::record::thread_id;
use counterpoint_sync::{LockError, ReentrantMutex, ReentrantMutexGuard};
use counterpoint_wait::Stop;
use std::cell::Cell;

/// What is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Locks, adds and unlocks; returns the number before.
    Add(u64),
    /// The same, unless it has to wait.
    TryAdd(u64),
    /// Locks, once more if this party holds it, and stays so; returns the number.
    Lock,
    /// Gives up the last guard of this party, if it has one.
    Unlock,
    /// The same; if it was the last at all, keeps the lock for the next in line.
    UnlockFair,
    /// Gives up every guard of this party.
    UnlockAll,
    /// Lets those in who wait, if this party has one guard; returns the number after that, if it has
    /// any.
    Bump,
    /// The first part of `Bump`.
    LetGo,
    /// The second.
    Relock,
    /// Whether this party's thread holds it.
    IsMine,
}

/// What a call returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ret {
    /// All parties have one thread.
    together: bool,
    /// The number, or 1 for yes.
    number: Option<u64>,
}

/// How many guards each has, and the number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    guards: Vec<usize>,
    number: u64,
    /// Known from the first call on; before that nobody holds anything.
    together: bool,
}

impl Held {
    /// True if another thread holds it.
    fn excludes(&self, party: usize) -> bool {
        let mut others = self.guards.iter().enumerate();
        !self.together && others.any(|(other, guards)| other != party && *guards > 0)
    }

    fn is_mine(&self, party: usize) -> bool {
        self.guards[party] > 0 || self.together && self.guards.iter().any(|guards| *guards > 0)
    }
}

/// A mutex.
#[derive(Clone, Copy, Debug)]
pub struct Nested;

impl Model for Nested {
    type Op = Op;
    type Ret = Ret;
    type State = Held;

    fn initial(&self, parties: usize) -> Held {
        Held {
            guards: vec![0; parties],
            number: 0,
            together: false,
        }
    }

    fn done(
        &self,
        state: &Held,
        call: Done<'_, Op, Ret>,
        _beside: &Beside<'_, Op, Ret>,
        next: &mut Vec<Held>,
    ) {
        let party = call.party;
        let mut after = Held {
            together: call.ret.together,
            ..state.clone()
        };
        let free = !after.excludes(party);
        let mine = &mut after.guards[party];
        let number = Some(state.number);
        let right = match *call.op {
            Op::Add(n) | Op::TryAdd(n) if free => {
                after.number += n;
                number
            }
            Op::Lock if free => {
                *mine += 1;
                number
            }
            Op::Unlock | Op::UnlockFair => {
                *mine = mine.saturating_sub(1);
                None
            }
            Op::UnlockAll => {
                *mine = 0;
                None
            }
            Op::Bump if *mine == 0 => None,
            Op::LetGo if *mine > 0 => {
                // Only if it is the only one.
                *mine -= usize::from(*mine == 1);
                number
            }
            Op::Relock if free => {
                *mine = (*mine).max(1);
                number
            }
            Op::IsMine => Some(u64::from(after.is_mine(party))),
            _ => return,
        };
        // What was seen as it let go is not told.
        if call.ret.number == right || *call.op == Op::LetGo {
            next.push(after);
        }
    }

    fn waits(&self, state: &Held, party: usize, op: &Op) -> bool {
        matches!(op, Op::Add(_) | Op::TryAdd(_) | Op::Lock) && state.excludes(party)
    }

    fn may_refuse(&self, _op: &Op, beside: &Beside<'_, Op, Ret>) -> bool {
        // Additions hold it for a moment, and it may be kept for one that waits.
        let takes = |op: &Op| matches!(op, Op::Add(_) | Op::TryAdd(_) | Op::Lock | Op::Relock);
        beside.any(|call| takes(&call.op))
    }

    fn parts(&self, call: Call<Op, Ret>) -> Vec<Call<Op, Ret>> {
        let bumps = |ret: &Ret| ret.number.is_some();
        match &call.outcome {
            Outcome::Done(ret) if call.op == Op::Bump && bumps(ret) => {
                let part = |op| Call { op, ..call.clone() };
                vec![part(Op::LetGo), part(Op::Relock)]
            }
            _ => vec![call],
        }
    }
}

/// A lock and the thread that made it.
#[derive(Debug)]
pub struct Real {
    mutex: ReentrantMutex<Cell<u64>>,
    maker: u64,
}

/// The guards of a party.
type Guards<'r> = Vec<ReentrantMutexGuard<'r, Cell<u64>>>;

fn stop(error: LockError) -> Stop {
    match error {
        LockError::TimedOut => Stop::TimedOut,
        LockError::Cancelled => Stop::Cancelled,
    }
}

fn add(number: &Cell<u64>, n: u64) -> Option<u64> {
    let before = number.get();
    // As two steps, so that two holders lose one of them.
    std::hint::black_box(number);
    number.set(before + n);
    Some(before)
}

impl Subject for Nested {
    const NAME: &'static str = "ReentrantMutex";

    type Real = Real;
    type Local<'r> = Guards<'r>;

    fn real(&self, _parties: usize) -> Real {
        Real {
            mutex: ReentrantMutex::new(Cell::new(0)),
            maker: thread_id(),
        }
    }

    fn local<'r>(&self, _real: &'r Real, _party: usize) -> Guards<'r> {
        Vec::new()
    }

    fn choose(&self, _party: usize, pick: &mut Pick<'_>) -> Op {
        let n = 1 + u64::from(pick.below(3));
        match pick.below(16) {
            0..3 => Op::Add(n),
            3 => Op::TryAdd(n),
            4..8 => Op::Lock,
            8..11 => Op::Unlock,
            11 => Op::UnlockFair,
            12 | 13 => Op::UnlockAll,
            14 => Op::Bump,
            _ => Op::IsMine,
        }
    }

    fn closing(&self, _party: usize) -> Option<Op> {
        Some(Op::UnlockAll)
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r Real,
        guards: &'l mut Guards<'r>,
        op: &Op,
    ) -> Started<'l, Ret> {
        let together = real.maker == thread_id();
        let ret = move |number| Ret { together, number };
        Started::Done(ret(match *op {
            Op::Add(n) => {
                return Started::waits(real.mutex.lock_async(), move |locked| {
                    locked.map(|guard| ret(add(&guard, n))).map_err(stop)
                });
            }
            Op::Lock => {
                return Started::waits(real.mutex.lock_async(), move |locked| {
                    let guard = locked.map_err(stop)?;
                    let number = guard.get();
                    guards.push(guard);
                    Ok(ret(Some(number)))
                });
            }
            Op::TryAdd(n) => match real.mutex.try_lock() {
                Ok(guard) => add(&guard, n),
                Err(_) => return Started::Refused,
            },
            Op::Unlock => {
                drop(guards.pop());
                None
            }
            Op::UnlockFair => {
                if let Some(guard) = guards.pop() {
                    ReentrantMutexGuard::unlock_fair(guard);
                }
                None
            }
            Op::UnlockAll => {
                // The first one first: any order will do.
                guards.drain(..).for_each(drop);
                None
            }
            Op::Bump => guards.last_mut().map(|guard| {
                ReentrantMutexGuard::bump(guard);
                guard.get()
            }),
            Op::IsMine => Some(u64::from(real.mutex.is_owned_by_current_thread())),
            Op::LetGo | Op::Relock => unreachable!("parts of others"),
        }))
    }
}
