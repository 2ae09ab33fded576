//! The order in which locks are taken, by class: what is taken in both orders hangs some day.
//!
//! # From
//! Linux's lockdep: classes instead of instances, and an order that was seen once is known for ever.
//! Differs: a class is a name, or the place where a lock was made; two of one class are not compared.
//!
//! # Invariants
//! * I1: an edge is in the book once; a pair that was reported is not reported again.

use core::cell::Cell;
use core::panic::Location;
use counterpoint_base::prim::lock::Guarded;
use counterpoint_wait::hooks::{self, Line, Notice};
use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Finding, Inversion, Ordered};
use crate::policy;

/// At most so many edges are kept; what comes later is not compared.
const EDGES: usize = 65_536;

/// Edges that a thread knows to be in the book.
const CACHE: usize = 64;

/// A class: the address of a name or of a place.
type Class = usize;

struct Order {
    /// From what was held to what was taken then.
    edges: BTreeMap<Class, BTreeMap<Class, (Ordered, Ordered)>>,
    count: usize,
    reported: BTreeSet<(Class, Class)>,
}

counterpoint_base::static_! {
    static ORDER: Guarded<Order> = Guarded::new(Order {
        edges: BTreeMap::new(),
        count: 0,
        reported: BTreeSet::new(),
    });
}

thread_local! {
    static KNOWN: [Cell<(Class, Class)>; CACHE] = const { [const { Cell::new((0, 0)) }; CACHE] };
}

fn class(object: usize, made: &'static Location<'static>) -> (Class, Option<&'static str>) {
    match hooks::name_of(object) {
        Some(name) => (name.as_ptr().addr(), Some(name)),
        None => (core::ptr::from_ref(made).addr(), None),
    }
}

/// Locks take part in the order: what is held for others to wait for one at a time.
fn is_lock(kind: &str) -> bool {
    kind.ends_with("Guard")
}

/// A guard was taken by a thread that has others.
pub(crate) fn taken(notice: &Notice) {
    if notice.trying || notice.polled || !is_lock(notice.kind) || policy::is_silent() {
        return;
    }
    for held in hooks::my_holds() {
        let other = held.party == notice.party && held.id < notice.id && is_lock(held.kind);
        if other && held.object != notice.object {
            follow(&held, notice);
        }
    }
}

fn follow(held: &Line, taken: &Notice) {
    let (from, held_name) = class(held.object, held.made);
    let (to, taken_name) = class(taken.object, taken.made);
    if from == to {
        return;
    }
    let slot = (from ^ to.rotate_left(17)).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as usize) >> 20;
    let known = KNOWN.with(|known| known[slot % CACHE].replace((from, to)) == (from, to));
    if known {
        return;
    }
    let held_rank = hooks::rank_of(held.object);
    let held = Ordered {
        kind: held.kind,
        name: held_name,
        made: held.made,
        site: held.site,
    };
    let ordered = Ordered {
        kind: taken.kind,
        name: taken_name,
        made: taken.made,
        site: taken.site,
    };
    let ranks = hooks::rank_of(taken.object).zip(held_rank);
    let by_rank = ranks.is_some_and(|(new, old)| new > old);
    let before = ORDER.with(|order| {
        order.insert(from, to, (held, ordered));
        let way = order.way(to, from);
        let new = (way.is_some() || by_rank) && order.reported.insert((from.min(to), from.max(to)));
        new.then(|| way.unwrap_or_default())
    });
    if let Some(before) = before {
        policy::send(&Finding::Inversion(Inversion {
            held,
            taken: ordered,
            before,
            by_rank,
            by: taken.party,
        }));
    }
}

impl Order {
    fn insert(&mut self, from: Class, to: Class, edge: (Ordered, Ordered)) {
        if self.count < EDGES {
            let edges = self.edges.entry(from).or_default();
            if edges.insert(to, edge).is_none() {
                self.count += 1;
            }
        }
    }

    /// A way from one class to another, as edges.
    fn way(&self, from: Class, to: Class) -> Option<Vec<(Ordered, Ordered)>> {
        let mut came: BTreeMap<Class, Class> = BTreeMap::new();
        let mut open = vec![from];
        while let Some(class) = open.pop() {
            if class == to {
                let mut way = Vec::new();
                let mut at = to;
                while at != from {
                    let before = came[&at];
                    way.push(self.edges[&before][&at]);
                    at = before;
                }
                way.reverse();
                return Some(way);
            }
            for &next in self.edges.get(&class).into_iter().flat_map(BTreeMap::keys) {
                if next != from && !came.contains_key(&next) {
                    came.insert(next, class);
                    open.push(next);
                }
            }
        }
        None
    }
}
