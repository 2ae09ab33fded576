//! `Condvar` with its mutex: who is notified, who passes on, and that each comes back with the mutex.
//!
//! A wait gives the mutex back as it takes its place, is notified later, and takes the mutex again
//! after that; or it is called off, and then takes the mutex again. So it has two or three parts.

use crate::history::{Call, Outcome, Why};
use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Awaited, Bound, End, Started, Subject, Wait};
use counterpoint_base::prim::time::Duration;
use counterpoint_sync::{Condvar, LockError, Mutex, MutexGuard};
use counterpoint_wait::Stop;
use counterpoint_wait::cancel::Ctl;
use std::collections::VecDeque;

/// What is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Adds, with the mutex held; returns the number before.
    Add(u64),
    /// Locks and stays so; returns the number.
    Lock,
    /// Unlocks, if this party holds it.
    Unlock,
    /// Gives the mutex back, waits to be notified, and holds it again; returns the number. Nothing if
    /// this party does not hold it.
    Wait,
    /// A part of `Wait`: takes its place and gives the mutex back.
    Sit,
    /// A part of one that was called off: leaves its place; if it was not because of its time, then
    /// perhaps.
    Quit(bool),
    /// Notifies the first.
    One,
    /// Notifies all.
    All,
}

/// How a place was notified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Told {
    One,
    All,
}

/// Who holds the mutex, the number, who is in line, and what the places were told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Room {
    holder: Option<usize>,
    number: u64,
    waiting: VecDeque<usize>,
    told: Vec<Option<Told>>,
}

impl Room {
    fn tell_one(&mut self) -> u64 {
        let first = self.waiting.pop_front();
        first.map_or(0, |party| {
            self.told[party] = Some(Told::One);
            1
        })
    }

    fn leave(&mut self, party: usize) {
        self.waiting.retain(|other| *other != party);
    }
}

/// A mutex and a condition variable.
#[derive(Clone, Copy, Debug)]
pub struct Rooms;

type Ret = Option<u64>;

impl Model for Rooms {
    type Op = Op;
    type Ret = Ret;
    type State = Room;

    fn initial(&self, parties: usize) -> Room {
        Room {
            holder: None,
            number: 0,
            waiting: VecDeque::new(),
            told: vec![None; parties],
        }
    }

    fn done(
        &self,
        state: &Room,
        call: Done<'_, Op, Ret>,
        _beside: &Beside<'_, Op, Ret>,
        next: &mut Vec<Room>,
    ) {
        let party = call.party;
        let (mine, free) = (state.holder == Some(party), state.holder.is_none());
        let mut after = state.clone();
        let right = match *call.op {
            Op::Add(n) if mine || free => {
                after.number += n;
                Some(state.number)
            }
            Op::Lock if mine || free => {
                after.holder = Some(party);
                Some(state.number)
            }
            Op::Unlock => {
                after.holder = state.holder.filter(|_| !mine);
                None
            }
            Op::Wait if call.ret.is_none() && !mine => None,
            Op::Wait if free && state.told[party].is_some() => {
                after.told[party] = None;
                after.holder = Some(party);
                Some(state.number)
            }
            Op::Sit if mine => {
                after.holder = None;
                after.waiting.push_back(party);
                None
            }
            Op::Quit(certain) => {
                if !certain {
                    next.push(state.clone());
                }
                if !state.waiting.contains(&party) {
                    return;
                }
                after.leave(party);
                None
            }
            Op::One => Some(after.tell_one()),
            Op::All => {
                let all = std::mem::take(&mut after.waiting);
                all.iter()
                    .for_each(|party| after.told[*party] = Some(Told::All));
                Some(all.len() as u64)
            }
            _ => return,
        };
        if *call.ret == right {
            next.push(after);
        }
    }

    fn waits(&self, state: &Room, party: usize, op: &Op) -> bool {
        let taken = state.holder.is_some_and(|holder| holder != party);
        match op {
            Op::Add(_) | Op::Lock => taken,
            Op::Wait => state.waiting.contains(&party) || taken,
            _ => false,
        }
    }

    fn gave_up(&self, state: &Room, call: &Call<Op, Ret>, next: &mut Vec<Room>) {
        let (party, mut after) = (call.party, state.clone());
        if call.op == Op::Wait {
            after.leave(party);
            match &call.outcome {
                // It has lost the mutex, and passes on what it was told.
                Outcome::GaveUp(Why::Dropped) if state.holder != Some(party) => {
                    if after.told[party].take() == Some(Told::One) {
                        after.tell_one();
                    }
                }
                // A notification that comes first is none of these; the mutex is taken again.
                Outcome::GaveUp(Why::TimedOut | Why::Stopped)
                    if state.holder.is_none() && state.told[party].is_none() =>
                {
                    after.holder = Some(party);
                }
                _ => return,
            }
        }
        next.push(after);
    }

    fn parts(&self, call: Call<Op, Ret>) -> Vec<Call<Op, Ret>> {
        let part = |op| Call {
            op,
            outcome: Outcome::Done(None),
            ..call.clone()
        };
        match (&call.op, &call.outcome) {
            (Op::Wait, Outcome::Done(Some(_))) => vec![part(Op::Sit), call],
            (Op::Wait, Outcome::GaveUp(why)) => {
                vec![part(Op::Sit), part(Op::Quit(*why == Why::TimedOut)), call]
            }
            _ => vec![call],
        }
    }
}

/// A mutex and who waits for its number to change.
#[derive(Debug)]
pub struct Real {
    number: Mutex<u64>,
    changed: Condvar,
}

/// A wait, with bounds of its own: it gives the guard back in any case.
struct Sitting<'l, 'r> {
    changed: &'r Condvar,
    guard: MutexGuard<'r, u64>,
    local: &'l mut Option<MutexGuard<'r, u64>>,
}

/// Keeps the guard, and tells the number or why there was no notification.
fn keep<'r>(
    local: &mut Option<MutexGuard<'r, u64>>,
    guard: MutexGuard<'r, u64>,
    result: Result<(), Stop>,
) -> Result<Ret, Stop> {
    let number = *guard;
    *local = Some(guard);
    result.map(|()| Some(number))
}

impl Wait<Ret> for Sitting<'_, '_> {
    fn block(self: Box<Self>, bound: &Bound<'_>) -> Result<Ret, Stop> {
        let Sitting {
            changed,
            mut guard,
            local,
        } = *self;
        let (guard, result) = match (&bound.end, bound.timeout) {
            (End::Unknown, None) => {
                changed.wait(&mut guard);
                (guard, Ok(()))
            }
            (End::Unknown, Some(timeout)) => {
                let result = changed.wait_timeout(&mut guard, timeout);
                (guard, result)
            }
            (End::Token(token), None) => {
                let ctl = Ctl::new().cancel(token);
                changed.wait_async(guard).with(&ctl).wait()
            }
            (End::Token(token), Some(timeout)) => {
                let ctl = Ctl::new().cancel(token);
                let wait = changed.wait_async(guard).with(&ctl);
                wait.timeout(timeout).wait()
            }
            (End::Signal(signal), None) => changed.wait_async(guard).until(signal.clone()).wait(),
            (End::Signal(signal), Some(timeout)) => {
                let wait = changed.wait_async(guard).until(signal.clone());
                wait.timeout(timeout).wait()
            }
        };
        keep(local, guard, result)
    }

    fn awaited<'w>(self: Box<Self>, timeout: Option<Duration>) -> Awaited<'w, Ret>
    where
        Self: 'w,
    {
        let Sitting {
            changed,
            guard,
            local,
        } = *self;
        let wait = changed.wait_async(guard);
        match timeout {
            None => Box::pin(async move { keep(local, wait.await, Ok(())) }),
            Some(timeout) => Box::pin(async move {
                let (guard, result) = wait.timeout(timeout).await;
                keep(local, guard, result)
            }),
        }
    }
}

fn stop(error: LockError) -> Stop {
    match error {
        LockError::TimedOut => Stop::TimedOut,
        LockError::Cancelled => Stop::Cancelled,
    }
}

fn add(number: &mut u64, n: u64) -> Ret {
    let before = *number;
    // As two steps, so that two holders lose one of them.
    std::hint::black_box(&mut *number);
    *number = before + n;
    Some(before)
}

impl Subject for Rooms {
    const NAME: &'static str = "Condvar";

    type Real = Real;
    type Local<'r> = Option<MutexGuard<'r, u64>>;

    fn real(&self, _parties: usize) -> Real {
        Real {
            number: Mutex::new(0),
            changed: Condvar::new(),
        }
    }

    fn local<'r>(&self, _real: &'r Real, _party: usize) -> Self::Local<'r> {
        None
    }

    fn choose(&self, _party: usize, pick: &mut Pick<'_>) -> Op {
        match pick.below(16) {
            0 | 1 => Op::Add(1 + u64::from(pick.below(3))),
            2..5 => Op::Lock,
            5 => Op::Unlock,
            6..11 => Op::Wait,
            11..14 => Op::One,
            _ => Op::All,
        }
    }

    fn closing(&self, _party: usize) -> Option<Op> {
        Some(Op::Unlock)
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r Real,
        local: &'l mut Self::Local<'r>,
        op: &Op,
    ) -> Started<'l, Ret> {
        Started::Done(match (op, local.take()) {
            (Op::One, held) => {
                *local = held;
                Some(u64::from(real.changed.notify_one()))
            }
            (Op::All, held) => {
                *local = held;
                Some(real.changed.notify_all() as u64)
            }
            (Op::Unlock, held) => {
                drop(held);
                None
            }
            (Op::Wait, None) => None,
            (Op::Wait, Some(guard)) => {
                let changed = &real.changed;
                return Started::Waits(Box::new(Sitting {
                    changed,
                    guard,
                    local,
                }));
            }
            (Op::Add(n), Some(mut guard)) => {
                let before = add(&mut guard, *n);
                *local = Some(guard);
                before
            }
            (Op::Lock, Some(guard)) => {
                let number = *guard;
                *local = Some(guard);
                Some(number)
            }
            (Op::Add(n), None) => {
                let n = *n;
                return Started::waits(real.number.lock_async(), move |locked| {
                    locked.map(|mut guard| add(&mut guard, n)).map_err(stop)
                });
            }
            (Op::Lock, None) => {
                return Started::waits(real.number.lock_async(), move |locked| {
                    keep(local, locked.map_err(stop)?, Ok(()))
                });
            }
            (Op::Sit | Op::Quit(_), _) => unreachable!("parts of others"),
        })
    }
}
