//! `Semaphore`: permits, in any number.

use crate::history::{Call, Outcome};
use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use counterpoint_sync::{AcquireError, Semaphore, SemaphorePermit, TryAcquireError};
use counterpoint_wait::Stop;

/// What is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Acquires at least and at most so many.
    Acquire(usize, usize),
    /// The same, unless it has to wait.
    TryAcquire(usize, usize),
    /// Gives back what this party acquired last.
    Release,
    /// Gives back everything that this party holds.
    ReleaseAll,
    /// Adds permits.
    Add(usize),
    /// Takes away what is there of so many.
    Forget(usize),
    /// Takes so many away, or makes a debt.
    Reduce(usize),
    /// How many are available.
    Available,
    /// Closes it.
    Close,
}

/// What a call returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ret {
    /// So many permits.
    Permits(usize),
    /// It is closed.
    Closed,
    /// Nothing.
    Nothing,
}

/// A semaphore, and whether it is a fair one.
#[derive(Clone, Copy, Debug)]
pub struct Order<const FAIR: bool>;

/// The permits at the beginning.
const PERMITS: usize = 2;

/// The permits, and who holds how many.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Permits {
    available: i64,
    closed: bool,
    held: Vec<Vec<usize>>,
}

impl Permits {
    fn take(&self, party: usize, count: usize) -> Permits {
        let mut after = self.clone();
        after.available -= count as i64;
        after.held[party].push(count);
        after
    }
}

fn acquires(op: &Op) -> bool {
    matches!(op, Op::Acquire(..))
}

impl<const FAIR: bool> Model for Order<FAIR> {
    type Op = Op;
    type Ret = Ret;
    type State = Permits;

    fn initial(&self, parties: usize) -> Permits {
        Permits {
            available: PERMITS as i64,
            closed: false,
            held: vec![Vec::new(); parties],
        }
    }

    fn done(
        &self,
        state: &Permits,
        call: Done<'_, Op, Ret>,
        beside: &Beside<'_, Op, Ret>,
        next: &mut Vec<Permits>,
    ) {
        let free = state.available.max(0) as usize;
        let mut after = state.clone();
        match (call.op, call.ret) {
            (Op::Acquire(..) | Op::TryAcquire(..), Ret::Closed) if state.closed => {
                next.push(after);
            }
            (Op::Acquire(min, max) | Op::TryAcquire(min, max), Ret::Permits(count)) => {
                // What was promised before it was closed may be taken after.
                let may = !state.closed || beside.any(|other| other.op == Op::Close);
                // Some may be kept for those who wait.
                let all = *count == free.min(*max) || beside.any(|other| acquires(&other.op));
                if may && all && (*min..=*max).contains(count) && *count <= free {
                    next.push(state.take(call.party, *count));
                }
            }
            (Op::Release | Op::ReleaseAll, _) => {
                let count = after.held[call.party].pop().unwrap_or(0);
                after.available += count as i64;
                next.push(after);
            }
            (Op::Add(count), _) => {
                after.available += *count as i64;
                next.push(after);
            }
            (Op::Forget(count), Ret::Permits(taken)) => {
                after.available -= *taken as i64;
                if *taken == free.min(*count) {
                    next.push(after);
                }
            }
            (Op::Reduce(count), _) => {
                after.available -= *count as i64;
                next.push(after);
            }
            (Op::Available, Ret::Permits(count)) if *count == free => next.push(after),
            (Op::Close, _) => {
                after.closed = true;
                next.push(after);
            }
            _ => {}
        }
    }

    fn waits(&self, state: &Permits, _party: usize, op: &Op) -> bool {
        match op {
            Op::Acquire(min, _) | Op::TryAcquire(min, _) => {
                !state.closed && state.available < *min as i64
            }
            _ => false,
        }
    }

    fn may_rest(&self, state: &Permits, waiting: &[Call<Op, Ret>]) -> bool {
        // The others may stand behind it: they are served in order, whatever their size.
        waiting
            .iter()
            .any(|call| self.waits(state, call.party, &call.op))
    }

    fn may_refuse(&self, _op: &Op, beside: &Beside<'_, Op, Ret>) -> bool {
        beside.any(|other| acquires(&other.op))
    }

    fn parts(&self, call: Call<Op, Ret>) -> Vec<Call<Op, Ret>> {
        match (&call.op, &call.outcome) {
            (Op::ReleaseAll, Outcome::Done(Ret::Permits(count))) => vec![
                Call {
                    op: Op::Release,
                    ..call.clone()
                };
                *count
            ],
            _ => vec![call],
        }
    }
}

impl<const FAIR: bool> Subject for Order<FAIR> {
    const NAME: &'static str = if FAIR { "Semaphore::fair" } else { "Semaphore" };

    type Real = Semaphore;
    type Local<'r> = Vec<SemaphorePermit<'r>>;

    fn real(&self, _parties: usize) -> Semaphore {
        if FAIR {
            Semaphore::fair(PERMITS)
        } else {
            Semaphore::new(PERMITS)
        }
    }

    fn local<'r>(&self, _real: &'r Semaphore, _party: usize) -> Self::Local<'r> {
        Vec::new()
    }

    fn choose(&self, _party: usize, pick: &mut Pick<'_>) -> Op {
        let count = 1 + pick.below(3) as usize;
        let more = count + pick.below(3) as usize;
        match pick.below(32) {
            0..8 => Op::Acquire(count, count),
            8..11 => Op::Acquire(count, more),
            11..14 => Op::TryAcquire(count, count),
            14 => Op::TryAcquire(count, more),
            15..25 => Op::Release,
            25 | 26 => Op::Add(count),
            27 => Op::Forget(count),
            28 => Op::Reduce(count),
            29 | 30 => Op::Available,
            _ => Op::Close,
        }
    }

    fn closing(&self, _party: usize) -> Option<Op> {
        Some(Op::ReleaseAll)
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r Semaphore,
        local: &'l mut Self::Local<'r>,
        op: &Op,
    ) -> Started<'l, Ret> {
        match *op {
            Op::Acquire(min, max) => {
                let acquire = match min == max {
                    true => real.acquire_many_async(min),
                    false => real.acquire_up_to_async(min, max),
                };
                Started::waits(acquire, move |acquired| match acquired {
                    Ok(permit) => {
                        let count = permit.num_permits();
                        local.push(permit);
                        Ok(Ret::Permits(count))
                    }
                    Err(AcquireError::TimedOut) => Err(Stop::TimedOut),
                    Err(AcquireError::Cancelled) => Err(Stop::Cancelled),
                    Err(_) => Ok(Ret::Closed),
                })
            }
            Op::TryAcquire(min, max) => match real.try_acquire_up_to(min, max) {
                Ok(permit) => {
                    let count = permit.num_permits();
                    local.push(permit);
                    Started::Done(Ret::Permits(count))
                }
                Err(TryAcquireError::NoPermits) => Started::Refused,
                Err(_) => Started::Done(Ret::Closed),
            },
            Op::Release => {
                drop(local.pop());
                Started::Done(Ret::Nothing)
            }
            Op::ReleaseAll => {
                let count = local.len();
                while local.pop().is_some() {}
                Started::Done(Ret::Permits(count))
            }
            Op::Add(count) => {
                real.add_permits(count);
                Started::Done(Ret::Nothing)
            }
            Op::Forget(count) => Started::Done(Ret::Permits(real.forget_permits(count))),
            Op::Reduce(count) => {
                real.reduce(count);
                Started::Done(Ret::Nothing)
            }
            Op::Available => Started::Done(Ret::Permits(real.available_permits())),
            Op::Close => {
                real.close();
                Started::Done(Ret::Nothing)
            }
        }
    }
}
