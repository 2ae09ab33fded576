//! What a structure should do, told one call at a time.

use crate::history::{Call, Outcome};
use std::fmt::Debug;
use std::hash::Hash;

/// The calls that overlap a call.
#[derive(Debug)]
pub struct Beside<'h, O, R> {
    pub(crate) calls: &'h [Call<O, R>],
    pub(crate) waiting: &'h [Call<O, R>],
    pub(crate) which: &'h [usize],
}

impl<'h, O, R> Beside<'h, O, R> {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &'h Call<O, R>> + '_ {
        self.which.iter().map(|index| {
            let above = index.checked_sub(self.calls.len());
            above.map_or_else(|| &self.calls[*index], |above| &self.waiting[above])
        })
    }

    /// True if one of them is such.
    pub fn any(&self, such: impl Fn(&Call<O, R>) -> bool) -> bool {
        self.iter().any(such)
    }
}

/// The sequential behaviour of a structure: its states, and what each call makes of them.
///
/// A history is correct if its calls can be put in an order in which each is allowed by the model,
/// each somewhere between its beginning and its end. So a model never thinks of two calls at once,
/// with two exceptions, both in favour of the structure: what it may refuse or see *beside* others
/// ([`Beside`]), and calls that the structure promises only in [`parts`](Model::parts).
pub trait Model {
    /// A call.
    type Op: Clone + Debug + Send + Sync + 'static;
    /// What a call that took effect returns.
    type Ret: Clone + Debug + PartialEq + Send + Sync + 'static;
    /// What the structure holds, and who holds what of it.
    type State: Clone + Debug + Eq + Hash;

    /// The state at the beginning, for this many parties.
    fn initial(&self, parties: usize) -> Self::State;

    /// Adds to `next` each state that may follow if `op` of `party` returned `ret` in `state`; none
    /// if it cannot have.
    fn done(
        &self,
        state: &Self::State,
        call: Done<'_, Self::Op, Self::Ret>,
        beside: &Beside<'_, Self::Op, Self::Ret>,
        next: &mut Vec<Self::State>,
    );

    /// True if `op` of `party` has to wait in `state`.
    fn waits(&self, state: &Self::State, party: usize, op: &Self::Op) -> bool {
        let _ = (state, party, op);
        false
    }

    /// True if `state` may last for ever while these wait. By default all must have to wait.
    fn may_rest(&self, state: &Self::State, waiting: &[Call<Self::Op, Self::Ret>]) -> bool {
        waiting
            .iter()
            .all(|call| self.waits(state, call.party, &call.op))
    }

    /// True if an attempt may be refused although it need not wait, because of what goes on
    /// beside it.
    fn may_refuse(&self, op: &Self::Op, beside: &Beside<'_, Self::Op, Self::Ret>) -> bool {
        let _ = (op, beside);
        false
    }

    /// Adds to `next` what may follow if the call ended with nothing: usually the same state.
    fn gave_up(
        &self,
        state: &Self::State,
        call: &Call<Self::Op, Self::Ret>,
        next: &mut Vec<Self::State>,
    ) {
        let _ = call;
        next.push(state.clone());
    }

    /// A call as the calls that each happen at one moment, in any order that the model allows: for
    /// calls that promise no more. Of one that was stopped, or still waits, the last is the one that
    /// waits. Usually the call itself.
    fn parts(&self, call: Call<Self::Op, Self::Ret>) -> Vec<Call<Self::Op, Self::Ret>> {
        vec![call]
    }

    /// Which part of the structure the call is about, if calls on different parts have nothing to
    /// do with each other: each part is then judged alone.
    fn key(&self, op: &Self::Op) -> Option<u64> {
        let _ = op;
        None
    }
}

/// A call that took effect.
#[derive(Debug)]
pub struct Done<'c, O, R> {
    /// Whose.
    pub party: usize,
    /// Which.
    pub op: &'c O,
    /// What it returned.
    pub ret: &'c R,
}

/// Every state that may follow `call` in `state`.
pub(crate) fn step<M: Model>(
    model: &M,
    state: &M::State,
    call: &Call<M::Op, M::Ret>,
    beside: &Beside<'_, M::Op, M::Ret>,
    next: &mut Vec<M::State>,
) {
    let (party, op) = (call.party, &call.op);
    match &call.outcome {
        Outcome::Done(ret) => model.done(state, Done { party, op, ret }, beside, next),
        Outcome::GaveUp(_) => model.gave_up(state, call, next),
        Outcome::Refused => {
            if model.waits(state, party, op) || model.may_refuse(op, beside) {
                next.push(state.clone());
            }
        }
    }
}
