//! Whether a history is linearizable: whether its calls can be put in an order that the model
//! allows and that keeps apart what did not overlap.
//!
//! # From
//! J. M. Wing and C. Gong, "Testing and Verifying Concurrent Objects" (1993), with the memory of
//! visited configurations and the linked list of G. Lowe, "Testing for Linearizability" (2017).
//! Histories are split by key first, as linearizability is local (M. P. Herlihy and J. M. Wing,
//! 1990). Here a call may have several outcomes in the model, and a standstill is one more call, at
//! the moment when nothing moved any more: who waits then must have to.
//!
//! # Invariants
//! * I1: the list holds the beginnings and ends of the calls not yet put in order, by time. So a
//!   call may come next exactly if its beginning stands before the first end.
//! * I2: a pair of calls put in order and state is explored once.

use crate::history::{Call, History, Standstill};
use crate::model::{Beside, Model, step};
use std::collections::{BTreeMap, HashSet};

/// More configurations than this are not explored.
const MOST: usize = 2_000_000;

/// The judgement of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is linearizable, in this order of `calls` after splitting.
    Yes,
    /// It is not. This many calls can be put in order at most, of those judged together.
    No {
        /// How many.
        ordered: usize,
        /// Of how many.
        all: usize,
    },
    /// It is too long to tell.
    Unknown,
}

/// Judges a history of so many parties.
pub fn check<M: Model>(model: &M, parties: usize, history: &History<M::Op, M::Ret>) -> Verdict {
    let calls = history.calls.iter().cloned();
    let mut calls: Vec<Call<M::Op, M::Ret>> = calls.flat_map(|call| model.parts(call)).collect();
    let mut standstill = None;
    if let Some(still) = &history.standstill {
        let mut waiting = Vec::new();
        for call in &still.waiting {
            // What comes before the part that waits has happened.
            let mut parts = model.parts(call.clone());
            waiting.extend(parts.pop());
            calls.extend(parts);
        }
        let at = still.at;
        standstill = Some(Standstill { at, waiting });
    }
    let keyed = calls.iter().all(|call| model.key(&call.op).is_some());
    if !keyed {
        return Search::new(model, parties, &calls, standstill.as_ref()).run();
    }
    let mut split: BTreeMap<Option<u64>, Vec<_>> = BTreeMap::new();
    for call in calls {
        split.entry(model.key(&call.op)).or_default().push(call);
    }
    for (key, calls) in split {
        let standstill = standstill.as_ref().map(|still| Standstill {
            at: still.at,
            waiting: still
                .waiting
                .iter()
                .filter(|call| model.key(&call.op) == key)
                .cloned()
                .collect(),
        });
        let verdict = Search::new(model, parties, &calls, standstill.as_ref()).run();
        if verdict != Verdict::Yes {
            return verdict;
        }
    }
    Verdict::Yes
}

/// A set of calls.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Set(Box<[u64]>);

impl Set {
    fn flip(&mut self, index: usize) {
        self.0[index / 64] ^= 1 << (index % 64);
    }
}

/// The beginning or the end of an item.
#[derive(Clone, Copy)]
struct Entry {
    item: usize,
    begins: bool,
}

/// An item that was put in order: what came before it, and which of its outcomes are still untried.
struct Taken<S> {
    item: usize,
    before: S,
    others: Vec<S>,
}

struct Search<'h, M: Model> {
    model: &'h M,
    calls: &'h [Call<M::Op, M::Ret>],
    waiting: &'h [Call<M::Op, M::Ret>],
    /// Of each call, those beside it: numbers above those of `calls` go on in `waiting`.
    beside: Vec<Vec<usize>>,
    entries: Vec<Entry>,
    /// Links of the list over `entries`; one more, the last, is its head.
    next: Vec<usize>,
    prev: Vec<usize>,
    /// Where the beginning and the end of each item are.
    ends: Vec<(usize, usize)>,
    state: M::State,
}

impl<'h, M: Model> Search<'h, M> {
    fn new(
        model: &'h M,
        parties: usize,
        calls: &'h [Call<M::Op, M::Ret>],
        standstill: Option<&'h Standstill<M::Op, M::Ret>>,
    ) -> Search<'h, M> {
        let waiting = standstill.map_or(&[][..], |still| &still.waiting);
        let mut spans: Vec<(u64, u64)> = calls.iter().map(|call| (call.from, call.to)).collect();
        spans.extend(standstill.iter().map(|still| (still.at, still.at)));
        let mut events: Vec<(u64, bool, Entry)> = Vec::new();
        for (item, (from, to)) in spans.iter().enumerate() {
            events.push((*from, false, Entry { item, begins: true }));
            events.push((
                *to,
                true,
                Entry {
                    item,
                    begins: false,
                },
            ));
        }
        // Of the same moment (of a standstill, or of the parts of a call) beginnings come first.
        events.sort_by_key(|(at, end, _)| (*at, *end));
        let entries: Vec<Entry> = events.into_iter().map(|(_, _, entry)| entry).collect();
        let head = entries.len();
        let mut ends = vec![(0, 0); spans.len()];
        for (at, entry) in entries.iter().enumerate() {
            let ends = &mut ends[entry.item];
            *(if entry.begins {
                &mut ends.0
            } else {
                &mut ends.1
            }) = at;
        }
        let overlapping = |call: &Call<M::Op, M::Ret>| {
            let others = calls.iter().chain(waiting).enumerate();
            let others =
                others.filter(|(_, other)| other.party != call.party && call.overlaps(other));
            others.map(|(index, _)| index).collect()
        };
        Search {
            model,
            calls,
            waiting,
            beside: calls.iter().map(overlapping).collect(),
            next: (0..=head).map(|at| (at + 1) % (head + 1)).collect(),
            prev: (0..=head).map(|at| (at + head) % (head + 1)).collect(),
            ends,
            entries,
            state: model.initial(parties),
        }
    }

    fn unlink(&mut self, entry: usize) {
        let (next, prev) = (self.next[entry], self.prev[entry]);
        self.next[prev] = next;
        self.prev[next] = prev;
    }

    /// Undoes the last `unlink`.
    fn relink(&mut self, entry: usize) {
        let (next, prev) = (self.next[entry], self.prev[entry]);
        self.next[prev] = entry;
        self.prev[next] = entry;
    }

    /// The states that may follow if `item` comes next.
    fn outcomes(&self, item: usize) -> Vec<M::State> {
        let mut next = Vec::new();
        if let Some(call) = self.calls.get(item) {
            let beside = Beside {
                calls: self.calls,
                waiting: self.waiting,
                which: &self.beside[item],
            };
            step(self.model, &self.state, call, &beside, &mut next);
        } else if self.model.may_rest(&self.state, self.waiting) {
            next.push(self.state.clone());
        }
        next
    }

    fn run(mut self) -> Verdict {
        let (head, all) = (self.entries.len(), self.ends.len());
        let mut done = Set(vec![0; all.div_ceil(64)].into());
        let mut visited: HashSet<(Set, M::State)> = HashSet::new();
        let mut taken: Vec<Taken<M::State>> = Vec::new();
        let mut longest = 0;
        let mut at = self.next[head];
        while self.next[head] != head {
            let entry = self.entries[at];
            let (item, before, mut others) = if entry.begins {
                let others = self.outcomes(entry.item);
                (entry.item, self.state.clone(), others)
            } else {
                // I1: who ended must come before whoever begins later. So the last choice was
                // wrong.
                let Some(last) = taken.pop() else {
                    return Verdict::No {
                        ordered: longest,
                        all,
                    };
                };
                let (begin, end) = self.ends[last.item];
                self.relink(end);
                self.relink(begin);
                done.flip(last.item);
                self.state = last.before.clone();
                at = begin;
                (last.item, last.before, last.others)
            };
            done.flip(item);
            let mut found = None;
            while let Some(state) = others.pop() {
                // I2.
                if visited.insert((done.clone(), state.clone())) {
                    found = Some(state);
                    break;
                }
            }
            let Some(state) = found else {
                done.flip(item);
                at = self.next[at];
                continue;
            };
            if visited.len() > MOST {
                return Verdict::Unknown;
            }
            let (begin, end) = self.ends[item];
            self.unlink(begin);
            self.unlink(end);
            self.state = state;
            taken.push(Taken {
                item,
                before,
                others,
            });
            longest = longest.max(taken.len());
            at = self.next[head];
        }
        Verdict::Yes
    }
}
