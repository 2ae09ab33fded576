//! `RwLock`: a number that many may read or one may change.

use crate::history::{Call, Outcome, Why};
use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use counterpoint_sync::rwlock::{
    RwLock, RwLockError, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard, UpgradeError,
};
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
    /// Takes a guard and keeps it; returns the number.
    Hold(Guarded),
    /// The same, unless it has to wait.
    TryHold(Guarded),
    /// Reads past those who wait, and keeps the guard.
    Recursive,
    /// Writes from now on, if this party holds the upgradable guard; returns the number.
    Upgrade,
    /// The same, unless it has to wait.
    TryUpgrade,
    /// Becomes one who reads, if this party holds more than that.
    Downgrade,
    /// Becomes the one who may upgrade, if this party writes.
    ToUpgradable,
    /// Gives the guard back.
    Release,
    /// The same, and keeps the lock for the first in line.
    ReleaseFair,
}

/// Which guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Guarded {
    /// One of many.
    Read,
    /// The one that may write later.
    Upgradable,
    /// The one that writes.
    Write,
}

/// A lock, and whether it is a fair one.
#[derive(Clone, Copy, Debug)]
pub struct Fairness<const FAIR: bool>;

/// Who holds what, and the number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    guards: Vec<Option<Guarded>>,
    number: u64,
}

impl Held {
    /// True if somebody else's guard is such.
    fn another(&self, party: usize, such: impl Fn(Guarded) -> bool) -> bool {
        let mut others = self.guards.iter().enumerate();
        others.any(|(other, guard)| other != party && guard.is_some_and(&such))
    }

    /// True if a guard of this kind may not be taken now.
    fn excludes(&self, party: usize, wanted: Guarded) -> bool {
        self.another(party, |guard| match wanted {
            Guarded::Read => guard == Guarded::Write,
            Guarded::Upgradable => guard != Guarded::Read,
            Guarded::Write => true,
        })
    }
}

/// The guard that an operation wants; of `Upgrade` only if it has what it starts from.
fn wanted(op: &Op, has: Option<Guarded>) -> Option<Guarded> {
    match (op, has) {
        (Op::Upgrade | Op::TryUpgrade, Some(Guarded::Upgradable)) => Some(Guarded::Write),
        (Op::Upgrade | Op::TryUpgrade, _) | (_, Some(_)) => None,
        (Op::Get | Op::TryGet | Op::Recursive, None) => Some(Guarded::Read),
        (Op::Add(_) | Op::TryAdd(_), None) => Some(Guarded::Write),
        (Op::Hold(guard) | Op::TryHold(guard), None) => Some(*guard),
        _ => None,
    }
}

impl<const FAIR: bool> Model for Fairness<FAIR> {
    type Op = Op;
    type Ret = Option<u64>;
    type State = Held;

    fn initial(&self, parties: usize) -> Held {
        Held {
            guards: vec![None; parties],
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
        let has = state.guards[call.party];
        let mut after = state.clone();
        let mine = &mut after.guards[call.party];
        let wants = wanted(call.op, has);
        if wants.is_some_and(|guard| state.excludes(call.party, guard)) {
            return;
        }
        let number = Some(state.number);
        let right = match (call.op, has) {
            (Op::Get | Op::TryGet, _) => number,
            (Op::Add(n) | Op::TryAdd(n), None | Some(Guarded::Write)) => {
                after.number += n;
                number
            }
            (Op::Hold(_) | Op::TryHold(_) | Op::Recursive, None) => {
                *mine = wants;
                number
            }
            (Op::Upgrade | Op::TryUpgrade, Some(Guarded::Upgradable)) => {
                *mine = wants;
                number
            }
            (Op::Downgrade, Some(_)) => {
                *mine = Some(Guarded::Read);
                None
            }
            (Op::ToUpgradable, Some(Guarded::Write)) => {
                *mine = Some(Guarded::Upgradable);
                None
            }
            (Op::Release | Op::ReleaseFair, _) => {
                *mine = None;
                None
            }
            _ => None,
        };
        if *call.ret == right {
            next.push(after);
        }
    }

    fn waits(&self, state: &Held, party: usize, op: &Op) -> bool {
        let wanted = wanted(op, state.guards[party]);
        wanted.is_some_and(|guard| state.excludes(party, guard))
    }

    fn may_rest(&self, state: &Held, waiting: &[Call<Op, Option<u64>>]) -> bool {
        // The others may stand behind it.
        let waits = |call: &Call<_, _>| self.waits(state, call.party, &call.op);
        let reads = |call: &Call<Op, _>| matches!(call.op, Op::Get | Op::Hold(Guarded::Read));
        match waiting.iter().all(reads) {
            true => waiting.iter().all(waits),
            false => waiting.iter().any(waits),
        }
    }

    fn may_refuse(&self, _op: &Op, beside: &Beside<'_, Op, Option<u64>>) -> bool {
        // Some hold it for a moment, and it may be kept for one that waits.
        beside.any(|call| !matches!(call.op, Op::Release | Op::Downgrade | Op::ToUpgradable))
    }

    fn gave_up(&self, state: &Held, call: &Call<Op, Option<u64>>, next: &mut Vec<Held>) {
        let mut after = state.clone();
        // Who drops an upgrade drops the guard with it.
        if call.op == Op::Upgrade && call.outcome == Outcome::GaveUp(Why::Dropped) {
            after.guards[call.party] = None;
        }
        next.push(after);
    }
}

/// A party's guard.
#[derive(Debug, Default)]
pub enum Local<'r> {
    /// None.
    #[default]
    Nothing,
    /// One of many.
    Read(RwLockReadGuard<'r, u64>),
    /// The one that may write later.
    Upgradable(RwLockUpgradableReadGuard<'r, u64>),
    /// The one that writes.
    Write(RwLockWriteGuard<'r, u64>),
}

impl Local<'_> {
    fn number(&self) -> Option<u64> {
        match self {
            Local::Nothing => None,
            Local::Read(guard) => Some(**guard),
            Local::Upgradable(guard) => Some(**guard),
            Local::Write(guard) => Some(**guard),
        }
    }
}

fn stop(error: RwLockError) -> Stop {
    match error {
        RwLockError::TimedOut => Stop::TimedOut,
        RwLockError::Cancelled => Stop::Cancelled,
    }
}

fn add(number: &mut u64, n: u64) -> Option<u64> {
    let before = *number;
    // As two steps, so that two holders lose one of them.
    std::hint::black_box(&mut *number);
    *number = before + n;
    Some(before)
}

/// Keeps a guard and tells the number, or why there is none.
macro_rules! keep {
    ($local:ident, $kind:ident) => {
        move |guard| {
            *$local = Local::$kind(guard.map_err(stop)?);
            Ok($local.number())
        }
    };
}

macro_rules! try_keep {
    ($local:ident, $kind:ident, $guard:expr) => {
        match $guard {
            Ok(guard) => {
                *$local = Local::$kind(guard);
                Started::Done($local.number())
            }
            Err(_) => Started::Refused,
        }
    };
}

impl<const FAIR: bool> Subject for Fairness<FAIR> {
    const NAME: &'static str = if FAIR { "RwLock::fair" } else { "RwLock" };

    type Real = RwLock<u64>;
    type Local<'r> = Local<'r>;

    fn real(&self, _parties: usize) -> RwLock<u64> {
        if FAIR {
            RwLock::fair(0)
        } else {
            RwLock::new(0)
        }
    }

    fn local<'r>(&self, _real: &'r RwLock<u64>, _party: usize) -> Local<'r> {
        Local::Nothing
    }

    fn choose(&self, _party: usize, pick: &mut Pick<'_>) -> Op {
        let n = 1 + u64::from(pick.below(3));
        let guard = pick.one_of(&[Guarded::Read, Guarded::Upgradable, Guarded::Write]);
        match pick.below(24) {
            0..4 => Op::Get,
            4 => Op::TryGet,
            5..8 => Op::Add(n),
            8 => Op::TryAdd(n),
            9..13 => Op::Hold(guard),
            13 => Op::TryHold(guard),
            14 => Op::Recursive,
            15 | 16 => Op::Upgrade,
            17 => Op::TryUpgrade,
            18 => Op::Downgrade,
            19 => Op::ToUpgradable,
            20 => Op::ReleaseFair,
            _ => Op::Release,
        }
    }

    fn closing(&self, _party: usize) -> Option<Op> {
        Some(Op::Release)
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r RwLock<u64>,
        local: &'l mut Local<'r>,
        op: &Op,
    ) -> Started<'l, Option<u64>> {
        match (op, std::mem::take(local)) {
            (Op::Release, held) => {
                drop(held);
                Started::Done(None)
            }
            (Op::ReleaseFair, held) => {
                match held {
                    Local::Nothing => {}
                    Local::Read(guard) => RwLockReadGuard::unlock_fair(guard),
                    Local::Upgradable(guard) => RwLockUpgradableReadGuard::unlock_fair(guard),
                    Local::Write(guard) => RwLockWriteGuard::unlock_fair(guard),
                }
                Started::Done(None)
            }
            (_, Local::Nothing) => enter(real, local, op),
            (Op::Upgrade, Local::Upgradable(guard)) => {
                let upgrade = RwLockUpgradableReadGuard::upgrade_async(guard);
                Started::waits(upgrade, move |upgraded| match upgraded {
                    Ok(guard) => {
                        *local = Local::Write(guard);
                        Ok(local.number())
                    }
                    Err(UpgradeError::TimedOut(guard)) => {
                        *local = Local::Upgradable(guard);
                        Err(Stop::TimedOut)
                    }
                    Err(UpgradeError::Cancelled(guard)) => {
                        *local = Local::Upgradable(guard);
                        Err(Stop::Cancelled)
                    }
                })
            }
            (Op::TryUpgrade, Local::Upgradable(guard)) => {
                match RwLockUpgradableReadGuard::try_upgrade(guard) {
                    Ok(guard) => {
                        *local = Local::Write(guard);
                        Started::Done(local.number())
                    }
                    Err(guard) => {
                        *local = Local::Upgradable(guard);
                        Started::Refused
                    }
                }
            }
            (op, held) => {
                let (held, ret) = with_guard(op, held);
                *local = held;
                Started::Done(ret)
            }
        }
    }
}

/// What needs no waiting, as the guard is there already.
fn with_guard<'r>(op: &Op, held: Local<'r>) -> (Local<'r>, Option<u64>) {
    match (op, held) {
        (Op::Get | Op::TryGet, held) => {
            let number = held.number();
            (held, number)
        }
        (Op::Add(n) | Op::TryAdd(n), Local::Write(mut guard)) => {
            let before = add(&mut guard, *n);
            (Local::Write(guard), before)
        }
        (Op::Downgrade, Local::Write(guard)) => {
            (Local::Read(RwLockWriteGuard::downgrade(guard)), None)
        }
        (Op::Downgrade, Local::Upgradable(guard)) => {
            let guard = RwLockUpgradableReadGuard::downgrade(guard);
            (Local::Read(guard), None)
        }
        (Op::ToUpgradable, Local::Write(guard)) => {
            let guard = RwLockWriteGuard::downgrade_to_upgradable(guard);
            (Local::Upgradable(guard), None)
        }
        (_, held) => (held, None),
    }
}

/// What a party does that holds nothing.
fn enter<'l, 'r: 'l>(
    real: &'r RwLock<u64>,
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
        Op::Hold(Guarded::Read) => Started::waits(real.read_async(), keep!(local, Read)),
        Op::Hold(Guarded::Upgradable) => {
            Started::waits(real.upgradable_read_async(), keep!(local, Upgradable))
        }
        Op::Hold(Guarded::Write) => Started::waits(real.write_async(), keep!(local, Write)),
        Op::Recursive => Started::waits(real.read_recursive_async(), keep!(local, Read)),
        Op::TryHold(Guarded::Read) => try_keep!(local, Read, real.try_read()),
        Op::TryHold(Guarded::Upgradable) => {
            try_keep!(local, Upgradable, real.try_upgradable_read())
        }
        Op::TryHold(Guarded::Write) => try_keep!(local, Write, real.try_write()),
        _ => Started::Done(None),
    }
}
