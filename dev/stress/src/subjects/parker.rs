//! `Parker`: one token, taken by its owner, left by anybody.

use crate::history::{Call, Outcome, Why};
use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Awaited, Bound, Started, Subject, Wait};
use counterpoint_base::prim::time::Duration;
use counterpoint_wait::Stop;
use counterpoint_wait::parker::{Parker, UnparkReason, Unparker};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

/// What is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Takes the token.
    Park,
    /// Leaves it.
    Unpark,
}

/// A parker, owned by the first party.
#[derive(Clone, Copy, Debug)]
pub struct Token;

impl Model for Token {
    type Op = Op;
    type Ret = ();
    /// Whether the token is there.
    type State = bool;

    fn initial(&self, _parties: usize) -> bool {
        false
    }

    fn done(
        &self,
        state: &bool,
        call: Done<'_, Op, ()>,
        _beside: &Beside<'_, Op, ()>,
        next: &mut Vec<bool>,
    ) {
        match call.op {
            Op::Park if *state => next.push(false),
            Op::Park => {}
            Op::Unpark => next.push(true),
        }
    }

    fn waits(&self, state: &bool, _party: usize, op: &Op) -> bool {
        *op == Op::Park && !state
    }

    fn gave_up(&self, state: &bool, call: &Call<Op, ()>, next: &mut Vec<bool>) {
        // A token that is there when the time is up is taken.
        let dropped = call.outcome == Outcome::GaveUp(Why::Dropped);
        if dropped || !state {
            next.push(*state);
        }
    }
}

/// What the parties share.
#[derive(Debug)]
pub struct Shared {
    parker: Mutex<Option<Parker>>,
    unparker: Unparker,
    /// The last token ends the run and is no other.
    stopped: AtomicBool,
}

impl Shared {
    /// What it means that a token was taken.
    fn taken(&self) -> Result<(), Stop> {
        match self.stopped.load(Ordering::Acquire) {
            true => Err(Stop::Cancelled),
            false => Ok(()),
        }
    }
}

/// What a party holds.
#[derive(Debug)]
pub struct Local<'r> {
    parker: Option<Parker>,
    shared: &'r Shared,
}

impl Subject for Token {
    const NAME: &'static str = "Parker";

    type Real = Shared;
    type Local<'r> = Local<'r>;

    fn real(&self, _parties: usize) -> Shared {
        let parker = Parker::new();
        Shared {
            unparker: parker.unparker().clone(),
            parker: Mutex::new(Some(parker)),
            stopped: AtomicBool::new(false),
        }
    }

    fn local<'r>(&self, real: &'r Shared, party: usize) -> Local<'r> {
        let parker = (party == 0).then(|| real.parker.lock().expect("no panics in here").take());
        Local {
            parker: parker.flatten(),
            shared: real,
        }
    }

    fn choose(&self, party: usize, pick: &mut Pick<'_>) -> Op {
        match party == 0 && pick.below(4) > 0 {
            true => Op::Park,
            false => Op::Unpark,
        }
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r Shared,
        local: &'l mut Local<'r>,
        op: &Op,
    ) -> Started<'l, ()> {
        match (op, &local.parker) {
            (Op::Park, Some(_)) => Started::Waits(Box::new(Park(local))),
            _ => {
                real.unparker.unpark();
                Started::Done(())
            }
        }
    }

    fn stop(&self, real: &Shared) {
        real.stopped.store(true, Ordering::Release);
        real.unparker.unpark();
    }
}

struct Park<'l, 'r>(&'l mut Local<'r>);

impl Wait<()> for Park<'_, '_> {
    fn block(self: Box<Self>, bound: &Bound<'_>) -> Result<(), Stop> {
        let parker = self.0.parker.as_ref().expect("its owner parks");
        match bound.timeout {
            Some(timeout) => match parker.park_timeout(timeout) {
                UnparkReason::Timeout => return Err(Stop::TimedOut),
                UnparkReason::Unparked => {}
            },
            None => parker.park(),
        }
        self.0.shared.taken()
    }

    fn awaited<'w>(self: Box<Self>, timeout: Option<Duration>) -> Awaited<'w, ()>
    where
        Self: 'w,
    {
        Box::pin(async move {
            let parker = self.0.parker.as_mut().expect("its owner parks");
            let mut park = parker.park_async();
            let now = timeout.is_some();
            poll_fn(|cx| match Pin::new(&mut park).poll(cx) {
                Poll::Pending if now => Poll::Ready(Err(Stop::TimedOut)),
                polled => polled.map(Ok),
            })
            .await?;
            self.0.shared.taken()
        })
    }
}
