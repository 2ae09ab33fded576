//! A select of two semaphores: exactly one gives a permit, and the other keeps its own.

use crate::history::Call;
use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Awaited, Bound, End, Started, Subject, Wait};
use counterpoint_base::prim::time::Duration;
use counterpoint_sync::{AcquireError, Semaphore, SemaphorePermit};
use counterpoint_wait::{Stop, block_on, select, select_async};

/// What is done with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Waits for a permit of this one.
    Take(usize),
    /// The same, unless it has to wait.
    TryTake(usize),
    /// Waits for one of either; returns of which.
    Either,
    /// Adds a permit to this one.
    Give(usize),
}

/// Of which one a permit was taken.
type Ret = usize;

/// A pair of semaphores.
#[derive(Clone, Copy, Debug)]
pub struct Pair;

impl Model for Pair {
    type Op = Op;
    type Ret = Ret;
    type State = [u32; 2];

    fn initial(&self, _parties: usize) -> [u32; 2] {
        [0; 2]
    }

    fn done(
        &self,
        state: &[u32; 2],
        call: Done<'_, Op, Ret>,
        _beside: &Beside<'_, Op, Ret>,
        next: &mut Vec<[u32; 2]>,
    ) {
        let mut after = *state;
        let at = *call.ret;
        match *call.op {
            Op::Give(which) if at == which => after[at] += 1,
            Op::Take(which) | Op::TryTake(which) if at != which => return,
            Op::Give(_) => return,
            Op::Take(_) | Op::TryTake(_) | Op::Either => match after[at].checked_sub(1) {
                Some(left) => after[at] = left,
                None => return,
            },
        }
        next.push(after);
    }

    fn waits(&self, state: &[u32; 2], _party: usize, op: &Op) -> bool {
        match *op {
            Op::Take(which) | Op::TryTake(which) => state[which] == 0,
            Op::Either => *state == [0; 2],
            Op::Give(_) => false,
        }
    }

    fn may_refuse(&self, _op: &Op, beside: &Beside<'_, Op, Ret>) -> bool {
        // It may be kept for one that waits, or be on its way to another.
        beside.any(|call: &Call<Op, Ret>| !matches!(call.op, Op::Give(_)))
    }
}

/// A select that was not yet begun.
struct Choice<'r>(&'r [Semaphore; 2]);

/// Keeps no permit: says of which semaphore it was.
fn taken(permit: Result<SemaphorePermit<'_>, AcquireError>, which: usize) -> Result<Ret, Stop> {
    match permit {
        Ok(permit) => {
            permit.forget();
            Ok(which)
        }
        Err(AcquireError::TimedOut) => Err(Stop::TimedOut),
        Err(AcquireError::Cancelled) => Err(Stop::Cancelled),
        Err(_) => panic!("nobody closes it, or wants more than there may be"),
    }
}

impl Wait<Ret> for Choice<'_> {
    fn block(self: Box<Self>, bound: &Bound<'_>) -> Result<Ret, Stop> {
        let [one, other] = self.0;
        match (&bound.end, bound.timeout) {
            (End::Unknown | End::Signal(_), None) => {
                let end = async {
                    match &bound.end {
                        End::Signal(signal) => signal.clone().await,
                        _ => std::future::pending().await,
                    }
                };
                block_on(async {
                    select_async! {
                        permit = one.acquire_async() => taken(permit, 0),
                        permit = other.acquire_async() => taken(permit, 1),
                        () = end => Err(Stop::Cancelled)
                    }
                })
            }
            (End::Token(token), None) => select! {
                permit = one.acquire_async() => taken(permit, 0),
                permit = other.acquire_async() => taken(permit, 1),
                () = token.cancelled() => Err(Stop::Cancelled)
            },
            (End::Token(token), Some(timeout)) => select! {
                permit = one.acquire_async() => taken(permit, 0),
                permit = other.acquire_async() => taken(permit, 1),
                () = token.cancelled() => Err(Stop::Cancelled),
                timeout(timeout) => Err(Stop::TimedOut)
            },
            (End::Unknown | End::Signal(_), Some(timeout)) => select! {
                permit = one.acquire_async() => taken(permit, 0),
                permit = other.acquire_async() => taken(permit, 1),
                timeout(timeout) => Err(Stop::TimedOut)
            },
        }
    }

    fn awaited<'w>(self: Box<Self>, timeout: Option<Duration>) -> Awaited<'w, Ret>
    where
        Self: 'w,
    {
        let [one, other] = self.0;
        match timeout {
            None => Box::pin(async move {
                select_async! {
                    permit = one.acquire_async() => taken(permit, 0),
                    permit = other.acquire_async() => taken(permit, 1),
                }
            }),
            Some(timeout) => Box::pin(async move {
                select_async! {
                    permit = one.acquire_async() => taken(permit, 0),
                    permit = other.acquire_async() => taken(permit, 1),
                    timeout(timeout) => Err(Stop::TimedOut)
                }
            }),
        }
    }
}

impl Subject for Pair {
    const NAME: &'static str = "select";

    type Real = [Semaphore; 2];
    type Local<'r> = ();

    fn real(&self, _parties: usize) -> [Semaphore; 2] {
        [Semaphore::new(0), Semaphore::new(0)]
    }

    fn local(&self, _real: &[Semaphore; 2], _party: usize) {}

    fn choose(&self, _party: usize, pick: &mut Pick<'_>) -> Op {
        let which = pick.below(2) as usize;
        match pick.below(16) {
            0..5 => Op::Either,
            5..8 => Op::Take(which),
            8 | 9 => Op::TryTake(which),
            _ => Op::Give(which),
        }
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r [Semaphore; 2],
        (): &'l mut (),
        op: &Op,
    ) -> Started<'l, Ret> {
        match *op {
            Op::Either => Started::Waits(Box::new(Choice(real))),
            Op::Take(which) => Started::waits(real[which].acquire_async(), move |permit| {
                taken(permit, which)
            }),
            Op::TryTake(which) => match real[which].try_acquire() {
                Ok(permit) => {
                    permit.forget();
                    Started::Done(which)
                }
                Err(_) => Started::Refused,
            },
            Op::Give(which) => {
                real[which].add_permits(1);
                Started::Done(which)
            }
        }
    }
}
