//! `CancelToken`: a root, a branch and a leaf, and children that come later.
//!
//! A cancellation goes down the tree one token at a time, so it has a part for each.

use crate::history::{Call, Outcome};
use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use counterpoint_wait::cancel::CancelToken;

/// How many tokens there are from the beginning: each is a child of the one before.
const DEPTH: usize = 3;

/// What a party may say when it cancels.
const REASONS: [&str; 3] = ["zero", "one", "two"];

/// What is done with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Cancels a token and all below it, for a reason.
    Cancel(usize, usize),
    /// A part of it: one token.
    Mark(usize, usize),
    /// Asks for the reason of a token.
    Reason(usize),
    /// Waits until a token is cancelled.
    Wait(usize),
    /// Makes a child of the root and keeps it.
    Child,
    /// Asks whether the child is cancelled.
    AskChild,
}

/// What a call returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ret {
    /// Yes or no.
    Is(bool),
    /// For this reason.
    For(Option<&'static str>),
}

/// A chain of tokens.
#[derive(Clone, Copy, Debug)]
pub struct Tree;

/// The reasons of the tokens, and who has a child.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reasons {
    tokens: [Option<usize>; DEPTH],
    children: Vec<bool>,
}

impl Model for Tree {
    type Op = Op;
    type Ret = Ret;
    type State = Reasons;

    fn initial(&self, parties: usize) -> Reasons {
        Reasons {
            tokens: [None; DEPTH],
            children: vec![false; parties],
        }
    }

    fn done(
        &self,
        state: &Reasons,
        call: Done<'_, Op, Ret>,
        beside: &Beside<'_, Op, Ret>,
        next: &mut Vec<Reasons>,
    ) {
        let mut after = state.clone();
        let root = state.tokens[0].is_some();
        let ok = match *call.op {
            Op::Cancel(..) => unreachable!("it has parts"),
            // Whoever asked for it is told whether it was the first; of those below nobody asks.
            Op::Mark(token, reason) => {
                let first = state.tokens[token].is_none();
                after.tokens[token].get_or_insert(reason);
                match call.ret {
                    Ret::Is(claimed) => *claimed == first,
                    Ret::For(_) => true,
                }
            }
            Op::Reason(token) => {
                *call.ret == Ret::For(state.tokens[token].map(|reason| REASONS[reason]))
            }
            Op::Wait(token) => state.tokens[token].is_some(),
            Op::Child => {
                after.children[call.party] = true;
                *call.ret == Ret::Is(root)
            }
            Op::AskChild => {
                let late = beside.any(|other| matches!(other.op, Op::Mark(0, _)));
                let has = state.children[call.party];
                match call.ret {
                    Ret::Is(true) => has && root,
                    _ => !has || !root || late,
                }
            }
        };
        if ok {
            next.push(after);
        }
    }

    fn waits(&self, state: &Reasons, _party: usize, op: &Op) -> bool {
        match op {
            Op::Wait(token) => state.tokens[*token].is_none(),
            _ => false,
        }
    }

    fn parts(&self, call: Call<Op, Ret>) -> Vec<Call<Op, Ret>> {
        let Op::Cancel(token, reason) = call.op else {
            return vec![call];
        };
        let part = |below: usize| Call {
            op: Op::Mark(below, reason),
            outcome: match below == token {
                true => call.outcome.clone(),
                false => Outcome::Done(Ret::For(None)),
            },
            ..call.clone()
        };
        (token..DEPTH).map(part).collect()
    }
}

/// The child that a party has made.
type Child = Option<CancelToken>;

impl Subject for Tree {
    const NAME: &'static str = "CancelToken";

    type Real = [CancelToken; DEPTH];
    type Local<'r> = Child;

    fn real(&self, _parties: usize) -> Self::Real {
        let root = CancelToken::new();
        let branch = root.child();
        let leaf = branch.child();
        [root, branch, leaf]
    }

    fn local(&self, _real: &Self::Real, _party: usize) -> Child {
        None
    }

    fn choose(&self, party: usize, pick: &mut Pick<'_>) -> Op {
        let token = pick.below(DEPTH as u32) as usize;
        match pick.below(12) {
            0 | 1 => Op::Cancel(token, party % REASONS.len()),
            2..6 => Op::Reason(token),
            6..9 => Op::Wait(token),
            9 => Op::Child,
            _ => Op::AskChild,
        }
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r Self::Real,
        local: &'l mut Child,
        op: &Op,
    ) -> Started<'l, Ret> {
        match *op {
            Op::Cancel(token, reason) | Op::Mark(token, reason) => {
                Started::Done(Ret::Is(real[token].cancel(REASONS[reason])))
            }
            Op::Reason(token) => Started::Done(Ret::For(real[token].reason())),
            Op::Wait(token) => Started::waits(real[token].cancelled(), |cancelled| {
                cancelled.map(|()| Ret::Is(true))
            }),
            Op::Child => {
                let child = local.insert(real[0].child());
                // Whether it was born cancelled; it may be cancelled right after, too.
                Started::Done(Ret::Is(child.is_cancelled()))
            }
            Op::AskChild => Started::Done(Ret::Is(
                local.as_ref().is_some_and(CancelToken::is_cancelled),
            )),
        }
    }
}
