//! `ShardedLock`: a number that many read and one at a time changes.

use crate::history::Call;
use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use counterpoint_sync::{LockError, ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};
use counterpoint_wait::Stop;

/// What is done with it. A party that holds a guard uses that one, and takes no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Reads the number.
    Get,
    /// The same, unless it has to wait.
    TryGet,
    /// Adds; returns the number before. Nothing if this party only reads.
    Add(u64),
    /// The same, unless it has to wait.
    TryAdd(u64),
    /// Reads from now on; returns the number.
    Read,
    /// Writes from now on; returns the number. Nothing if this party reads.
    Write,
    /// Gives the guard back.
    Release,
}

/// Which guard a party holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Guarded {
    /// None.
    Nothing,
    /// One of many.
    Read,
    /// The only one.
    Write,
}

/// Who holds what, and the number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    guards: Vec<Guarded>,
    number: u64,
}

/// A lock.
#[derive(Clone, Copy, Debug)]
pub struct Shards;

fn writes(op: &Op) -> bool {
    matches!(op, Op::Add(_) | Op::TryAdd(_) | Op::Write)
}

fn reads(op: &Op) -> bool {
    matches!(op, Op::Get | Op::TryGet | Op::Read)
}

impl Model for Shards {
    type Op = Op;
    type Ret = Option<u64>;
    type State = Held;

    fn initial(&self, parties: usize) -> Held {
        Held {
            guards: vec![Guarded::Nothing; parties],
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
        if self.waits(state, call.party, call.op) {
            return;
        }
        let has = state.guards[call.party];
        let mut after = state.clone();
        let right = match (call.op, has) {
            (Op::Add(_) | Op::TryAdd(_) | Op::Write, Guarded::Read) => None,
            (Op::Add(n) | Op::TryAdd(n), _) => {
                after.number += n;
                Some(state.number)
            }
            (Op::Read, Guarded::Nothing) => {
                after.guards[call.party] = Guarded::Read;
                Some(state.number)
            }
            (Op::Write, _) => {
                after.guards[call.party] = Guarded::Write;
                Some(state.number)
            }
            (Op::Get | Op::TryGet | Op::Read, _) => Some(state.number),
            (Op::Release, _) => {
                after.guards[call.party] = Guarded::Nothing;
                None
            }
        };
        if *call.ret == right {
            next.push(after);
        }
    }

    fn waits(&self, state: &Held, party: usize, op: &Op) -> bool {
        if state.guards[party] != Guarded::Nothing {
            return false;
        }
        // It holds nothing itself.
        let mut guards = state.guards.iter();
        match writes(op) {
            true => guards.any(|guard| *guard != Guarded::Nothing),
            false => reads(op) && guards.any(|guard| *guard == Guarded::Write),
        }
    }

    fn may_rest(&self, state: &Held, waiting: &[Call<Op, Option<u64>>]) -> bool {
        // One that waits to write keeps the others out.
        let waits = |call: &Call<Op, _>| self.waits(state, call.party, &call.op);
        match waiting.iter().any(|call| writes(&call.op)) {
            true => waiting.iter().any(waits),
            false => waiting.iter().all(waits),
        }
    }

    fn may_refuse(&self, op: &Op, beside: &Beside<'_, Op, Option<u64>>) -> bool {
        // A writer keeps readers out before it has the lock, and a reader counts itself before it
        // looks whether it may.
        beside.any(|call| writes(&call.op) || writes(op) && reads(&call.op))
    }
}

/// A party's guard.
#[derive(Debug, Default)]
pub enum Local<'r> {
    /// None.
    #[default]
    Nothing,
    /// One of many.
    Read(ShardedLockReadGuard<'r, u64>),
    /// The only one.
    Write(ShardedLockWriteGuard<'r, u64>),
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

impl Subject for Shards {
    const NAME: &'static str = "ShardedLock";

    type Real = ShardedLock<u64>;
    type Local<'r> = Local<'r>;

    fn real(&self, _parties: usize) -> ShardedLock<u64> {
        ShardedLock::new(0)
    }

    fn local<'r>(&self, _real: &'r ShardedLock<u64>, _party: usize) -> Local<'r> {
        Local::Nothing
    }

    fn choose(&self, _party: usize, pick: &mut Pick<'_>) -> Op {
        let n = 1 + u64::from(pick.below(3));
        match pick.below(16) {
            0..3 => Op::Get,
            3 => Op::TryGet,
            4..6 => Op::Add(n),
            6 => Op::TryAdd(n),
            7..10 => Op::Read,
            10 | 11 => Op::Write,
            _ => Op::Release,
        }
    }

    fn closing(&self, _party: usize) -> Option<Op> {
        Some(Op::Release)
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r ShardedLock<u64>,
        local: &'l mut Local<'r>,
        op: &Op,
    ) -> Started<'l, Option<u64>> {
        if *op == Op::Release {
            *local = Local::Nothing;
            return Started::Done(None);
        }
        Started::Done(match local {
            Local::Nothing => return enter(real, local, op),
            Local::Read(_) if writes(op) => None,
            Local::Read(guard) => Some(**guard),
            Local::Write(guard) => match op {
                Op::Add(n) | Op::TryAdd(n) => add(guard, *n),
                _ => Some(**guard),
            },
        })
    }
}

/// What a party does that holds nothing.
fn enter<'l, 'r: 'l>(
    real: &'r ShardedLock<u64>,
    local: &'l mut Local<'r>,
    op: &Op,
) -> Started<'l, Option<u64>> {
    match *op {
        Op::Get => Started::waits(real.read_async(), |guard| {
            guard.map(|guard| Some(*guard)).map_err(stop)
        }),
        Op::TryGet => match real.try_read() {
            Ok(guard) => Started::Done(Some(*guard)),
            Err(_) => Started::Refused,
        },
        Op::Add(n) => Started::waits(real.write_async(), move |guard| {
            guard.map(|mut guard| add(&mut guard, n)).map_err(stop)
        }),
        Op::TryAdd(n) => match real.try_write() {
            Ok(mut guard) => Started::Done(add(&mut guard, n)),
            Err(_) => Started::Refused,
        },
        Op::Read => Started::waits(real.read_async(), move |guard| {
            let guard = guard.map_err(stop)?;
            let number = *guard;
            *local = Local::Read(guard);
            Ok(Some(number))
        }),
        Op::Write => Started::waits(real.write_async(), move |guard| {
            let guard = guard.map_err(stop)?;
            let number = *guard;
            *local = Local::Write(guard);
            Ok(Some(number))
        }),
        Op::Release => Started::Done(None),
    }
}
