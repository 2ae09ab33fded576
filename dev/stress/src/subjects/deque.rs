//! `Worker` and `Stealer`: the first party owns the deque, the others steal.

use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use counterpoint_lockfree::deque::{Steal, Stealer, Worker};
use std::sync::{Mutex, PoisonError};

/// What is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// The owner adds a task.
    Push(u32),
    /// The owner takes one.
    Pop,
    /// A thief takes the oldest one.
    Steal,
    /// A thief takes half, three at most.
    StealSome,
    /// A thief looks whether there is something.
    IsEmpty,
}

/// What a call returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ret {
    /// It is done.
    Done,
    /// The tasks that were taken, in the order in which their taker gets them.
    Tasks(Vec<u32>),
    /// Another one came in between.
    Retry,
    /// What a look says.
    Nothing(bool),
}

/// The most tasks that are taken at once.
const SOME: usize = 3;

/// A deque whose owner pops the newest task first, or the oldest.
#[derive(Clone, Copy, Debug)]
pub struct Deque<const NEWEST: bool>;

/// A deque of which the owner has not taken possession yet.
#[derive(Debug)]
pub struct Real {
    worker: Mutex<Option<Worker<u32>>>,
    stealer: Stealer<u32>,
}

/// What a party has: the deque, or a deque of its own.
#[derive(Debug)]
pub struct Local {
    worker: Worker<u32>,
}

fn fresh(newest: bool) -> Worker<u32> {
    if newest {
        Worker::new_lifo()
    } else {
        Worker::new_fifo()
    }
}

impl<const NEWEST: bool> Model for Deque<NEWEST> {
    type Op = Op;
    type Ret = Ret;
    type State = Vec<u32>;

    fn initial(&self, _parties: usize) -> Vec<u32> {
        Vec::new()
    }

    fn done(
        &self,
        state: &Vec<u32>,
        call: Done<'_, Op, Ret>,
        beside: &Beside<'_, Op, Ret>,
        next: &mut Vec<Vec<u32>>,
    ) {
        let mut after = state.clone();
        let right = match (call.op, call.ret) {
            (Op::Push(task), ret) => {
                after.push(*task);
                *ret == Ret::Done
            }
            // Nobody gives up without another one who works on it.
            (Op::Steal | Op::StealSome, Ret::Retry) => beside.any(|_| true),
            // What seems to be there may be gone.
            (Op::IsEmpty, Ret::Nothing(nothing)) => !nothing || state.is_empty(),
            (Op::Pop, Ret::Tasks(tasks)) => {
                let at = if NEWEST {
                    after.len().saturating_sub(1)
                } else {
                    0
                };
                let taken = (!after.is_empty()).then(|| after.remove(at));
                *tasks == Vec::from_iter(taken)
            }
            (Op::Steal, Ret::Tasks(tasks)) => {
                let taken = (!after.is_empty()).then(|| after.remove(0));
                *tasks == Vec::from_iter(taken)
            }
            (Op::StealSome, Ret::Tasks(tasks)) => {
                let most = (after.len() - after.len() / 2).min(SOME);
                // Half of what it saw, or of what the owner has offered.
                let few = tasks.len() <= after.len().min(SOME) && (tasks.is_empty() == (most == 0));
                let mut taken: Vec<u32> = after.drain(..tasks.len().min(state.len())).collect();
                if NEWEST {
                    taken.reverse();
                }
                few && taken == *tasks
            }
            _ => false,
        };
        if right {
            next.push(after);
        }
    }
}

impl<const NEWEST: bool> Subject for Deque<NEWEST> {
    const NAME: &'static str = if NEWEST {
        "Worker, LIFO"
    } else {
        "Worker, FIFO"
    };

    type Real = Real;
    type Local<'r> = Local;

    fn real(&self, _parties: usize) -> Real {
        let worker = fresh(NEWEST);
        Real {
            stealer: worker.stealer(),
            worker: Mutex::new(Some(worker)),
        }
    }

    fn local(&self, real: &Real, party: usize) -> Local {
        let owned = if party == 0 {
            real.worker
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take()
        } else {
            None
        };
        Local {
            worker: owned.unwrap_or_else(|| fresh(NEWEST)),
        }
    }

    fn choose(&self, party: usize, pick: &mut Pick<'_>) -> Op {
        match (party, pick.below(8)) {
            (0, 0..5) => Op::Push(pick.below(1000)),
            (0, _) => Op::Pop,
            (_, 0..4) => Op::Steal,
            (_, 4 | 5) => Op::IsEmpty,
            _ => Op::StealSome,
        }
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r Real,
        local: &'l mut Local,
        op: &Op,
    ) -> Started<'l, Ret> {
        let own = &local.worker;
        let taken = |steal| match steal {
            Steal::Success(task) => Ret::Tasks(vec![task]),
            Steal::Empty => Ret::Tasks(Vec::new()),
            Steal::Retry => Ret::Retry,
        };
        Started::Done(match *op {
            Op::Push(task) => {
                own.push(task);
                Ret::Done
            }
            Op::Pop => Ret::Tasks(Vec::from_iter(own.pop())),
            Op::Steal => taken(real.stealer.steal()),
            Op::IsEmpty => Ret::Nothing(real.stealer.is_empty()),
            Op::StealSome => match taken(real.stealer.steal_batch_with_limit_and_pop(own, SOME)) {
                Ret::Tasks(mut tasks) => {
                    tasks.extend(core::iter::from_fn(|| own.pop()));
                    Ret::Tasks(tasks)
                }
                other => other,
            },
        })
    }
}
