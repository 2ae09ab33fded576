//! Whether a long history is linearizable: it is gone through from its beginning to its end, and of
//! what lies behind nothing is kept but the states that it may have led to.
//!
//! Where [`linear`](crate::linear) keeps what it tried for the whole history, which bounds how long
//! that may be, this keeps what may be true at one moment. It knows no standstill: of who still
//! waits at the end nothing is asked.
//!
//! # From
//! G. Lowe, "Testing for Linearizability" (2017): just-in-time linearization. As in `linear` a call
//! may have several outcomes in the model.
//!
//! # Invariants
//! * I1: between two moments the configurations are those, and all those, in which every call that
//!   has ended was put in order, and others only where one that has ended came after them.
//!   A call that is open and not in order can still be put after all that are.

use crate::history::Call;
use crate::linear::Verdict;
use crate::model::{Beside, Model, step};
use std::collections::HashSet;

/// More configurations than this are not kept.
const MOST: usize = 200_000;

/// At one moment: which of the open calls, by their places, are in order, and what came of it.
type Configuration<S> = (u64, S);

/// A judgement, and where it fell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Whether it is linearizable.
    pub verdict: Verdict,
    /// The moment up to which it was gone through.
    pub upto: u64,
    /// How many calls overlapped another one.
    pub concurrent: usize,
}

/// Judges calls of so many parties, in any order.
pub fn judge<M: Model>(model: &M, parties: usize, calls: &[Call<M::Op, M::Ret>]) -> Judgement {
    let calls: Vec<_> = calls
        .iter()
        .flat_map(|call| model.parts(call.clone()))
        .collect();
    let moments = moments(&calls);
    let beside = beside(&calls, &moments);
    let mut sweep = Sweep {
        model,
        calls: &calls,
        beside: &beside,
        open: Vec::new(),
        configurations: HashSet::from([(0, model.initial(parties))]),
    };
    let concurrent = beside.iter().filter(|others| !others.is_empty()).count();
    let mut ended = 0;
    for moment in &moments {
        if !moment.ends {
            sweep.begin(moment.call);
            continue;
        }
        sweep.end(moment.call);
        let kept = sweep.configurations.len();
        if kept == 0 || kept > MOST {
            let (ordered, all) = (ended, calls.len());
            let verdict = match kept {
                0 => Verdict::No { ordered, all },
                _ => Verdict::Unknown,
            };
            let upto = calls[moment.call].to;
            return Judgement {
                verdict,
                upto,
                concurrent,
            };
        }
        ended += 1;
    }
    Judgement {
        verdict: Verdict::Yes,
        upto: calls.iter().map(|call| call.to).max().unwrap_or(0),
        concurrent,
    }
}

/// The beginning or the end of a call.
struct Moment {
    call: usize,
    ends: bool,
}

/// All of them by time.
fn moments<O, R>(calls: &[Call<O, R>]) -> Vec<Moment> {
    let mut all: Vec<(u64, bool, usize)> = Vec::new();
    for (number, call) in calls.iter().enumerate() {
        all.push((call.from, false, number));
        all.push((call.to, true, number));
    }
    // Parts of a call have its moments: they begin before any of them ends.
    all.sort_unstable();
    all.into_iter()
        .map(|(_, ends, call)| Moment { call, ends })
        .collect()
}

/// Of each call, those of other parties that it overlaps.
fn beside<O, R>(calls: &[Call<O, R>], moments: &[Moment]) -> Vec<Vec<usize>> {
    let mut beside = vec![Vec::new(); calls.len()];
    let mut open: Vec<usize> = Vec::new();
    for moment in moments {
        let this = moment.call;
        if moment.ends {
            open.retain(|other| *other != this);
            continue;
        }
        for other in open.iter().copied() {
            if calls[other].party != calls[this].party {
                beside[other].push(this);
                beside[this].push(other);
            }
        }
        open.push(this);
    }
    beside
}

struct Sweep<'h, M: Model> {
    model: &'h M,
    calls: &'h [Call<M::Op, M::Ret>],
    beside: &'h [Vec<usize>],
    /// The open calls by place.
    open: Vec<Option<usize>>,
    configurations: HashSet<Configuration<M::State>>,
}

impl<M: Model> Sweep<'_, M> {
    fn begin(&mut self, call: usize) {
        match self.open.iter().position(Option::is_none) {
            Some(place) => self.open[place] = Some(call),
            None => self.open.push(Some(call)),
        }
        assert!(self.open.len() <= 64, "more than 64 calls are open at once");
    }

    /// Leaves the configurations in which `call` is in order.
    fn end(&mut self, call: usize) {
        let place = self.open.iter().position(|open| *open == Some(call));
        let place = place.expect("what ends has begun");
        let mut kept = HashSet::new();
        let mut seen: HashSet<Configuration<M::State>> = HashSet::new();
        let mut left: Vec<_> = self.configurations.drain().collect();
        while let Some((ordered, state)) = left.pop() {
            if ordered & 1 << place != 0 {
                // The place is free for another one. What else is open can come later (I1).
                kept.insert((ordered & !(1 << place), state));
                continue;
            }
            for (next, open) in self.open.iter().enumerate() {
                let Some(open) = open.filter(|_| ordered & 1 << next == 0) else {
                    continue;
                };
                for after in self.outcomes(&state, open) {
                    let configuration = (ordered | 1 << next, after);
                    if seen.insert(configuration.clone()) {
                        left.push(configuration);
                    }
                }
            }
            if seen.len() > MOST {
                break;
            }
        }
        self.open[place] = None;
        self.configurations = if seen.len() > MOST { seen } else { kept };
    }

    fn outcomes(&self, state: &M::State, call: usize) -> Vec<M::State> {
        let beside = Beside {
            calls: self.calls,
            waiting: &[],
            which: &self.beside[call],
        };
        let mut next = Vec::new();
        step(self.model, state, &self.calls[call], &beside, &mut next);
        next
    }
}
