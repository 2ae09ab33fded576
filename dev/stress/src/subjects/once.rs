//! `OnceCell`: a value that is put in place once.

use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Awaited, Bound, End, Started, Subject, Wait};
use counterpoint_base::prim::time::Duration;
use counterpoint_sync::once::{Claim, OnceCell, OnceCellError, OnceInit, SetError};
use counterpoint_wait::Stop;
use counterpoint_wait::cancel::Ctl;
use std::task::Poll;

/// What is done with it. A party that holds the claim takes no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// The value, if it is there.
    Get,
    /// Puts a value in place, without waiting.
    Set(u32),
    /// Waits for the value or the claim.
    Claim,
    /// The same, unless it has to wait.
    TryClaim,
    /// Puts a value in place, if this party holds the claim.
    Fill(u32),
    /// Gives the claim up.
    GiveUp,
    /// Waits for the value.
    Wait,
    /// Waits for the value, and makes it if nobody does: a future that is ready at its second poll.
    Init(u32),
    /// The same with one that fails.
    Fail,
}

/// What a call returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ret {
    /// The value.
    Value(u32),
    /// The claim.
    Claimed,
    /// It is done, or there is nothing to do.
    Nothing,
    /// It had a value before.
    Full,
    /// Somebody is about to make one.
    Initializing,
    /// The initializer failed.
    Failed,
}

/// The value, and who holds the claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Held {
    value: Option<u32>,
    holder: Option<usize>,
}

/// A cell.
#[derive(Clone, Copy, Debug)]
pub struct Filled;

/// Whether it holds the claim for a moment.
fn begins(op: &Op) -> bool {
    matches!(op, Op::Init(_) | Op::Fail | Op::Set(_))
}

impl Model for Filled {
    type Op = Op;
    type Ret = Ret;
    type State = Held;

    fn initial(&self, _parties: usize) -> Held {
        Held::default()
    }

    fn done(
        &self,
        state: &Held,
        call: Done<'_, Op, Ret>,
        beside: &Beside<'_, Op, Ret>,
        next: &mut Vec<Held>,
    ) {
        let mine = state.holder == Some(call.party);
        let free = state.holder.is_none();
        let mut after = state.clone();
        let right = match (call.op, state.value) {
            (Op::Claim | Op::Init(_) | Op::Fail | Op::TryClaim, _) if mine => Ret::Nothing,
            (Op::Get | Op::Claim | Op::TryClaim | Op::Wait, Some(value)) => Ret::Value(value),
            (Op::Init(_) | Op::Fail, Some(value)) => Ret::Value(value),
            (Op::Set(_), Some(_)) => Ret::Full,
            (Op::Get, None) => Ret::Nothing,
            (Op::Set(_), None)
                if *call.ret == Ret::Initializing
                    && (!free || beside.any(|other| begins(&other.op))) =>
            {
                Ret::Initializing
            }
            (Op::Set(value), None) if free => {
                after.value = Some(*value);
                Ret::Nothing
            }
            (Op::Claim | Op::TryClaim, None) if free => {
                after.holder = Some(call.party);
                Ret::Claimed
            }
            (Op::Init(value), None) if free => {
                after.value = Some(*value);
                Ret::Value(*value)
            }
            (Op::Fail, None) if free => Ret::Failed,
            (Op::Fill(value), None) if mine => {
                after = Held {
                    value: Some(*value),
                    holder: None,
                };
                Ret::Value(*value)
            }
            (Op::GiveUp, _) if mine => {
                after.holder = None;
                Ret::Nothing
            }
            (Op::Fill(_) | Op::GiveUp, _) if !mine => Ret::Nothing,
            _ => return,
        };
        if *call.ret == right {
            next.push(after);
        }
    }

    fn waits(&self, state: &Held, party: usize, op: &Op) -> bool {
        match op {
            Op::Wait => state.value.is_none(),
            Op::Claim | Op::TryClaim | Op::Init(_) | Op::Fail => {
                state.holder.is_some_and(|holder| holder != party)
            }
            _ => false,
        }
    }

    fn may_refuse(&self, _op: &Op, beside: &Beside<'_, Op, Ret>) -> bool {
        beside.any(|other| begins(&other.op))
    }
}

/// A future that fills the cell, with bounds of its own.
struct Filling<'r> {
    cell: &'r OnceCell<u32>,
    /// Nothing: it fails.
    value: Option<u32>,
}

type Made = Result<u32, ()>;

fn outcome(got: Result<&u32, OnceCellError<()>>) -> Result<Ret, Stop> {
    match got {
        Ok(value) => Ok(Ret::Value(*value)),
        Err(OnceCellError::Init(())) => Ok(Ret::Failed),
        Err(OnceCellError::TimedOut) => Err(Stop::TimedOut),
        Err(OnceCellError::Cancelled) => Err(Stop::Cancelled),
        Err(OnceCellError::Reentrant) => panic!("nobody asks inside of an initializer"),
    }
}

/// Makes a value at its second poll.
async fn make(value: Option<u32>) -> Made {
    let mut polled = false;
    std::future::poll_fn(|cx| match std::mem::replace(&mut polled, true) {
        true => Poll::Ready(()),
        false => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
    value.ok_or(())
}

impl Wait<Ret> for Filling<'_> {
    fn block(self: Box<Self>, bound: &Bound<'_>) -> Result<Ret, Stop> {
        let filling = self.cell.get_or_try_init_async(|| make(self.value));
        let mut ctl = Ctl::new();
        if let Some(timeout) = bound.timeout {
            ctl = ctl.timeout(timeout);
        }
        outcome(match &bound.end {
            End::Unknown if bound.timeout.is_none() => filling.wait(),
            End::Unknown => filling.with(&ctl).wait(),
            End::Token(token) => filling.with(&ctl.cancel(token)).wait(),
            // Nobody has such an end and a timeout.
            End::Signal(signal) => filling.until(signal.clone()).wait(),
        })
    }

    fn awaited<'w>(self: Box<Self>, timeout: Option<Duration>) -> Awaited<'w, Ret>
    where
        Self: 'w,
    {
        let filling = self.cell.get_or_try_init_async(move || make(self.value));
        match timeout {
            None => Box::pin(async move { outcome(filling.await) }),
            Some(timeout) => Box::pin(async move { outcome(filling.timeout(timeout).await) }),
        }
    }
}

impl Subject for Filled {
    const NAME: &'static str = "OnceCell";

    type Real = OnceCell<u32>;
    type Local<'r> = Option<OnceInit<'r, u32>>;

    fn real(&self, _parties: usize) -> OnceCell<u32> {
        OnceCell::new()
    }

    fn local<'r>(&self, _real: &'r OnceCell<u32>, _party: usize) -> Self::Local<'r> {
        None
    }

    fn choose(&self, party: usize, pick: &mut Pick<'_>) -> Op {
        let value = party as u32 * 100 + pick.below(100);
        match pick.below(16) {
            0..4 => Op::Claim,
            4 => Op::TryClaim,
            5 => Op::Fill(value),
            6..9 => Op::GiveUp,
            9 | 10 => Op::Wait,
            11 | 12 => Op::Init(value),
            13 => Op::Fail,
            14 => Op::Set(value),
            _ => Op::Get,
        }
    }

    fn closing(&self, _party: usize) -> Option<Op> {
        Some(Op::GiveUp)
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r OnceCell<u32>,
        local: &'l mut Self::Local<'r>,
        op: &Op,
    ) -> Started<'l, Ret> {
        match (op, local.take()) {
            (Op::Fill(value), Some(init)) => {
                return Started::Done(Ret::Value(*init.fill(*value)));
            }
            (Op::GiveUp, init) => {
                drop(init);
                return Started::Done(Ret::Nothing);
            }
            (_, init) => *local = init,
        }
        let filling = |value| Started::Waits(Box::new(Filling { cell: real, value }));
        let busy = local.is_some();
        let mut keep = move |claim| match claim {
            Claim::Full(value) => Ret::Value(*value),
            Claim::Init(init) => {
                *local = Some(init);
                Ret::Claimed
            }
        };
        match *op {
            Op::Fill(_) | Op::GiveUp => Started::Done(Ret::Nothing),
            Op::Claim | Op::TryClaim | Op::Init(_) | Op::Fail if busy => {
                Started::Done(Ret::Nothing)
            }
            Op::Get => Started::Done(real.get().map_or(Ret::Nothing, |value| Ret::Value(*value))),
            Op::Set(value) => Started::Done(match real.set(value) {
                Ok(()) => Ret::Nothing,
                Err(error) => {
                    let ret = match error {
                        SetError::AlreadyInit(_) => Ret::Full,
                        SetError::Initializing(_) => Ret::Initializing,
                    };
                    assert_eq!(error.into_inner(), value, "the value comes back");
                    ret
                }
            }),
            Op::Claim => Started::waits(real.claim_async(), move |claim| match claim {
                Ok(claim) => Ok(keep(claim)),
                Err(OnceCellError::TimedOut) => Err(Stop::TimedOut),
                Err(OnceCellError::Cancelled) => Err(Stop::Cancelled),
                Err(_) => panic!("nobody asks inside of an initializer"),
            }),
            Op::TryClaim => match real.try_claim() {
                Some(claim) => Started::Done(keep(claim)),
                None => Started::Refused,
            },
            Op::Wait => Started::waits(real.wait_async(), |value| value.map(|it| Ret::Value(*it))),
            Op::Init(value) => filling(Some(value)),
            Op::Fail => filling(None),
        }
    }
}
