//! The order in which locks are taken, by class: what is taken in both orders hangs some day.
//!
//! # From
//! Linux's lockdep: classes instead of instances, and an order that was seen once is known for ever.
//! Differs: a class is a name, or the place where a lock was made; two of one class are not compared.
//!
//! # Invariants
//! * I1: an edge comes into the table once, and is looked at then; a pair that was reported is not reported
//!   again.

use core::cell::Cell;
use core::panic::Location;
use core::ptr;
use counterpoint_base::prim::atomic::{AtomicU64, RELAXED};
use counterpoint_wait::hooks::{self, Line, Notice};
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::finding::{Finding, Inversion, Ordered};
use crate::policy;
use crate::snapshot::party_of;
use crate::table::Table;

/// At most so many edges are kept; what comes later is not compared.
const EDGES: u64 = 8192;

/// Edges that a thread knows to be in the table.
const CACHE: usize = 64;

/// A class: a number made of a name or of a place.
type Class = u64;

/// What [`mark`] returns.
type Mark = (usize, usize);

/// That `taken` was taken while `held` was held.
#[derive(Clone, Copy)]
struct Edge {
    from: Class,
    to: Class,
    held: Ordered,
    taken: Ordered,
}

counterpoint_base::static_! {
    static ORDER: Table<Edge> = Table::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    /// Pairs that were reported.
    static REPORTED: Table<()> = Table::new();
    static FOUND: Table<Arc<Inversion>> = Table::new();
}

thread_local! {
    static KNOWN: [Cell<(Mark, Mark)>; CACHE] =
        const { [const { Cell::new(((0, 0), (0, 0))) }; CACHE] };
}

/// What tells the class of an object from others for this thread: an address, and of a name its length.
fn mark(name: Option<&'static str>, made: &'static Location<'static>) -> Mark {
    name.map_or((ptr::from_ref(made).addr(), usize::MAX), |name| {
        (name.as_ptr().addr(), name.len())
    })
}

/// By what is written there: a name or a place may be in the program more than once.
fn class(of: &Ordered) -> Class {
    let (text, place) = match of.name {
        Some(name) => (name, 0),
        None => {
            let (line, column) = (of.made.line(), of.made.column());
            (of.made.file(), u64::from(line) << 20 ^ u64::from(column))
        }
    };
    // Fowler, Noll, Vo.
    let mixed = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    mixed ^ place.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn pair(from: Class, to: Class) -> u64 {
    from.rotate_left(23).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ to
}

/// Locks take part in the order: what is held for others to wait for one at a time.
fn is_lock(kind: &str) -> bool {
    kind.ends_with("Guard")
}

/// A guard was taken by a thread that has others.
pub(crate) fn taken(notice: &Notice) {
    if notice.trying || notice.polled || !is_lock(notice.kind) {
        return;
    }
    for held in hooks::my_holds() {
        let other = held.party == notice.party && held.id < notice.id && is_lock(held.kind);
        if other && held.primitive != notice.primitive {
            follow(&held, notice);
        }
    }
}

fn follow(held: &Line, taken: &Notice) {
    let (held_name, taken_name) = (hooks::name_of(held.object), hooks::name_of(taken.object));
    let (from, to) = (mark(held_name, held.made), mark(taken_name, taken.made));
    let slot =
        (from.0 ^ to.0.rotate_left(17)).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as usize) >> 20;
    let known = KNOWN.with(|known| known[slot % CACHE].replace((from, to)) == (from, to));
    if known {
        return;
    }
    let ranks = hooks::rank_of(taken.object).zip(hooks::rank_of(held.object));
    let by_rank = ranks.is_some_and(|(new, old)| new > old);
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
    let edge = Edge {
        from: class(&held),
        to: class(&ordered),
        held,
        taken: ordered,
    };
    if edge.from != edge.to {
        learn(edge, by_rank, taken.party);
    }
}

fn learn(edge: Edge, by_rank: bool, party: u64) {
    // Relaxed: a limit that a few may exceed.
    if COUNT.load(RELAXED) >= EDGES || !ORDER.add(pair(edge.from, edge.to), edge) {
        return; // I1
    }
    let number = COUNT.fetch_add(1, RELAXED); // Relaxed: as above.
    // After the edge is in the table: of two that close a way at once, one sees the other.
    let before = way(edge.to, edge.from);
    let is_new = (before.is_some() || by_rank)
        && REPORTED.add(pair(edge.from.min(edge.to), edge.from.max(edge.to)), ());
    if is_new {
        let inversion = Inversion {
            held: edge.held,
            taken: edge.taken,
            before: before.unwrap_or_default(),
            by_rank,
            by: party_of(party),
        };
        FOUND.add(number, Arc::new(inversion.clone()));
        policy::send(&Finding::Inversion(inversion));
    }
}

/// What was found since the start, the first first.
pub(crate) fn found() -> Vec<Inversion> {
    let mut found = FOUND.all();
    found.sort_by_key(|(number, _)| *number);
    let found = found.into_iter();
    found.map(|(_, inversion)| (*inversion).clone()).collect()
}

/// A way from one class to another, as edges.
fn way(from: Class, to: Class) -> Option<Vec<(Ordered, Ordered)>> {
    let mut edges: BTreeMap<Class, Vec<Edge>> = BTreeMap::new();
    for (_, edge) in ORDER.all() {
        edges.entry(edge.from).or_default().push(edge);
    }
    let mut came: BTreeMap<Class, Edge> = BTreeMap::new();
    let mut open = vec![from];
    while let Some(class) = open.pop() {
        if class == to {
            let mut way = Vec::new();
            let mut at = to;
            while at != from {
                let edge = came[&at];
                way.push((edge.held, edge.taken));
                at = edge.from;
            }
            way.reverse();
            return Some(way);
        }
        for edge in edges.get(&class).into_iter().flatten() {
            if edge.to != from && !came.contains_key(&edge.to) {
                came.insert(edge.to, *edge);
                open.push(edge.to);
            }
        }
    }
    None
}
