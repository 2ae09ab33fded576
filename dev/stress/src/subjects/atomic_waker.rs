//! `AtomicWaker` beside a flag: one task waits for the flag, the others raise it.

use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use counterpoint_base::prim::atomic::{AtomicU32, RELAXED, acquire, release};
use counterpoint_wait::atomic_waker::AtomicWaker;
use std::future::poll_fn;
use std::task::{Context, Poll};

/// What is done with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Waits until the flag is raised, and lowers it; only the first party does.
    Wait,
    /// Raises the flag.
    Raise,
    /// Whether it is raised.
    IsRaised,
}

/// A flag.
#[derive(Clone, Copy, Debug)]
pub struct Flag;

impl Model for Flag {
    type Op = Op;
    type Ret = bool;
    type State = bool;

    fn initial(&self, _parties: usize) -> bool {
        false
    }

    fn done(
        &self,
        raised: &bool,
        call: Done<'_, Op, bool>,
        _beside: &Beside<'_, Op, bool>,
        next: &mut Vec<bool>,
    ) {
        match call.op {
            Op::Wait if *raised => next.push(false),
            Op::Raise => next.push(true),
            Op::IsRaised if call.ret == raised => next.push(*raised),
            Op::Wait | Op::IsRaised => {}
        }
    }

    fn waits(&self, raised: &bool, _party: usize, op: &Op) -> bool {
        *op == Op::Wait && !raised
    }
}

/// A flag, and who waits for it.
#[derive(Debug)]
pub struct Real {
    raised: AtomicU32,
    task: AtomicWaker,
}

impl Real {
    fn poll(&self, cx: &mut Context<'_>) -> Poll<bool> {
        self.task.register(cx.waker());
        match self.raised.swap(0, acquire("stress.lower")) {
            0 => Poll::Pending,
            _ => Poll::Ready(true),
        }
    }
}

impl Subject for Flag {
    const NAME: &'static str = "AtomicWaker";

    type Real = Real;
    type Local<'r> = ();

    fn real(&self, _parties: usize) -> Real {
        Real {
            raised: AtomicU32::new(0),
            task: AtomicWaker::new(),
        }
    }

    fn local(&self, _real: &Real, _party: usize) {}

    fn choose(&self, party: usize, pick: &mut Pick<'_>) -> Op {
        match (party, pick.below(8)) {
            (_, 7) => Op::IsRaised,
            (0, 0..7) => Op::Wait,
            _ => Op::Raise,
        }
    }

    fn start<'l, 'r: 'l>(&'l self, real: &'r Real, (): &'l mut (), op: &Op) -> Started<'l, bool> {
        match op {
            Op::Wait => Started::awaits(poll_fn(|cx| real.poll(cx))),
            Op::Raise => {
                real.raised.swap(1, release("stress.raise"));
                real.task.wake();
                Started::Done(true)
            }
            Op::IsRaised => Started::Done(real.raised.load(RELAXED) != 0),
        }
    }
}
