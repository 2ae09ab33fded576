//! Who waits for whom, and who will wait for ever.
//!
//! # From
//! The reduction of and-or graphs (Knapp, "Deadlock Detection in Distributed Databases", 1987): mark
//! who can go on, then who waits for those, and so on; who is left never goes on. An arm of a select is
//! an *or*, all holders of a lock are an *and*.
//!
//! # Invariants
//! * I1: who may go on by anything that is not seen here is taken for one that does.
//! * I2: a finding is *certain* only if each of its members is a blocked thread that waits for one lock
//!   alone ([`Ends::Never`]), and each guard excludes that waiter and cannot leave its thread.
//! * I3: a party is one of those who never go on only while it does nothing: it is blocked for one operation, or
//!   sleeps, or is a task that is not being polled.
//! * I4: a hold keeps only those waiting who wait for the very primitive it is of, by number: a guard that was
//!   forgotten outlives its primitive, and another one may be at that address.
//!
//! # Why what is certain is true
//! While a guard that excludes a waiter has a line, that waiter has not got the lock: lines are opened
//! after the lock was taken, and closed before it is given back. The thread that is blocked holds its own
//! guards as long as it is blocked. Each member is looked at twice; a hold that has a line both times, with
//! one number, was held in between, when its holder was seen to wait. So at one moment each of them
//! waited for what the next held, and none of them can move.
//!
//! What is not seen is a borrowed guard that was moved to another thread, which has not used it: its line
//! says that the first one holds it. So what rests on guards that can be sent is suspected, however long it stands
//! still; how long that is, as the youngest of its waits says, is in [`Deadlock::stood_still`], and whoever
//! knows that no guard of his is held elsewhere for so long may act on it.
//!
//! # Rejected
//! * Stopping everybody for a look at one instant: a lock around each lock.
//! * Taking a task's wait for certain: it may be one arm of a select, with a timer in another.

use counterpoint_wait::hooks::{self, Ends};
use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Deadlock, Link, Shape};
use crate::snapshot::{Held, Party, Snapshot, Waiting};

/// What ends a wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// All of its holders have to let go.
    All,
    /// One of them is enough.
    Any,
    /// Anybody may.
    Anybody,
}

fn rule(kind: &str) -> Rule {
    match kind {
        "Semaphore::acquire" => Rule::Any,
        "Mutex::lock"
        | "Mutex::lock_owned"
        | "ReentrantMutex::lock"
        | "ContendedMutex::lock"
        | "ContendedMutex::lock_owned"
        | "BufMutex::enter"
        | "BufMutex::wait_idle"
        | "OnceCell::claim"
        | "OnceCell::wait"
        | "WaitGroup::wait"
        | "WaitGroup::wait_ref" => Rule::All,
        _ if kind.starts_with("RwLock::")
            || kind.starts_with("ShardedLock::")
            || kind.ends_with("RwLockUpgradableReadGuard::upgrade") =>
        {
            Rule::All
        }
        _ => Rule::Anybody,
    }
}

fn writes(held: &Held) -> bool {
    held.kind.contains("WriteGuard")
}

/// Whether it waits to write: then it keeps readers out that come later.
fn wants_to_write(waits: &Waiting) -> bool {
    let writes = waits.kind.contains("Lock::write") || waits.kind.ends_with("::upgrade");
    writes && !waits.bounded && !waits.granted
}

/// Whether `waits` cannot have been served while `held` is.
fn excludes(held: &Held, waits: &Waiting) -> bool {
    match waits.kind {
        "Mutex::lock"
        | "Mutex::lock_owned"
        | "ReentrantMutex::lock"
        | "ContendedMutex::lock"
        | "ContendedMutex::lock_owned"
        | "BufMutex::enter"
        | "OnceCell::claim"
        | "OnceCell::wait" => true,
        kind if kind.contains("Lock::write") => true,
        kind if kind.contains("Lock::") => writes(held),
        _ => false,
    }
}

/// Whether the guard is where it was taken, as far as anybody said: an owned one may go where it likes.
fn stays(held: &Held) -> bool {
    let guard = held.kind.ends_with("Guard") || matches!(held.kind, "BufMutexEntry" | "OnceInit");
    guard && !held.kind.starts_with("Owned") && !held.line.confirmed && !held.line.polled
}

/// Whether no thread but that which took it can have it.
fn is_bound(held: &Held) -> bool {
    matches!(
        held.kind,
        "BufMutexEntry" | "ReentrantMutexGuard" | "ShardedLockReadGuard" | "ShardedLockWriteGuard"
    )
}

/// Whether `held` keeps `waits` waiting for as long as it stands still, unless the guard was sent away.
fn is_steady(waits: &Waiting, held: &Held) -> bool {
    // I2
    waits.wait.notice.ends == Ends::Never && excludes(held, waits) && stays(held)
}

/// Whether nothing tells the party from others: any unknown task may be it.
fn is_anybody(party: u64) -> bool {
    party == hooks::UNKNOWN
}

/// One who waits, as a knot of the graph.
#[derive(Default)]
struct Knot<'s> {
    waits: Vec<&'s Waiting>,
}

impl Knot<'_> {
    /// Keeps those of its waits that it cannot get past now. False if it may go on without any (I3).
    fn is_idle(&mut self, party: u64, snapshot: &Snapshot) -> bool {
        let firm = |waits: &&Waiting| waits.wait.notice.ends == Ends::Never;
        let blocked = self.waits.iter().copied().filter(firm);
        if let Some(innermost) = blocked.max_by_key(|waits| waits.wait.order) {
            self.waits = vec![innermost];
            return true;
        }
        party & hooks::UNKNOWN != 0 || snapshot.idle.contains(&party)
    }
}

struct Graph<'s> {
    snapshot: &'s Snapshot,
    knots: BTreeMap<u64, Knot<'s>>,
    /// By the number of the primitive: an address may be that of another one by now.
    by_primitive: BTreeMap<u64, Vec<&'s Held>>,
    /// Primitives for which somebody waits to write.
    kept_shut: BTreeSet<u64>,
}

impl<'s> Graph<'s> {
    fn new(snapshot: &'s Snapshot) -> Graph<'s> {
        let mut knots: BTreeMap<u64, Knot<'s>> = BTreeMap::new();
        for waits in &snapshot.waiting {
            // I1
            if !is_anybody(waits.wait.notice.party) {
                let knot = knots.entry(waits.wait.notice.party).or_default();
                knot.waits.push(waits);
            }
        }
        knots.retain(|&party, knot| knot.is_idle(party, snapshot));
        let shut = snapshot
            .waiting
            .iter()
            .filter(|waits| wants_to_write(waits));
        let kept_shut = shut.map(|waits| waits.wait.notice.primitive).collect();
        let mut by_primitive: BTreeMap<u64, Vec<&'s Held>> = BTreeMap::new();
        for held in &snapshot.held {
            let holds = by_primitive.entry(held.line.primitive).or_default();
            holds.push(held);
        }
        Graph {
            snapshot,
            knots,
            by_primitive,
            kept_shut,
        }
    }

    /// Whether `held` keeps `waits` waiting.
    fn blocks(&self, held: &Held, waits: &Waiting) -> bool {
        // I4
        if held.line.primitive != waits.wait.notice.primitive || held.line.lent {
            return false;
        }
        // Readers keep out others only as long as somebody waits to write.
        let shut = writes(held) || self.kept_shut.contains(&held.line.primitive);
        match waits.kind {
            "BufMutex::enter" => held.kind == "BufMutexEntry",
            "BufMutex::wait_idle" => held.kind != "BufMutexEntry",
            "RwLock::read_recursive" | "RwLock::read_recursive_owned" => writes(held),
            kind if kind.contains("::upgradable_read") => held.kind.contains("Upgradable") || shut,
            kind if kind.contains("Lock::read") => shut,
            // There is one at a time, which is its own.
            kind if kind.ends_with("::upgrade") => !held.kind.contains("Upgradable"),
            _ => true,
        }
    }

    fn blockers(&self, waits: &'s Waiting) -> impl Iterator<Item = &'s Held> + '_ {
        let held = self.by_primitive.get(&waits.wait.notice.primitive);
        let held = held.map_or(&[][..], Vec::as_slice);
        held.iter()
            .copied()
            .filter(move |held| self.blocks(held, waits))
    }

    /// Whether the holder may go on.
    fn goes_on(&self, held: &Held, stuck: &BTreeSet<u64>) -> bool {
        match held.by {
            Party::UnknownTask if is_anybody(held.line.party) => true,
            // If it was seen elsewhere than where it was taken, who used it may not be who has it: it may be
            // shared, or handed on.
            Party::Ended { .. } => held.line.confirmed,
            _ => !stuck.contains(&held.line.party),
        }
    }

    /// Whether the wait may end.
    fn may_end(&self, waits: &'s Waiting, stuck: &BTreeSet<u64>) -> bool {
        if waits.granted || waits.bounded {
            return true;
        }
        let mut blockers = self.blockers(waits).peekable();
        if blockers.peek().is_none() {
            return true;
        }
        match rule(waits.kind) {
            Rule::Anybody => true,
            Rule::All => blockers.all(|held| self.goes_on(held, stuck)),
            Rule::Any => blockers.any(|held| self.goes_on(held, stuck)),
        }
    }

    /// Those who never go on.
    fn stuck(&self) -> BTreeSet<u64> {
        let mut stuck: BTreeSet<u64> = self.knots.keys().copied().collect();
        loop {
            let free: Vec<u64> = (stuck.iter().copied())
                .filter(|party| {
                    let waits = &self.knots[party].waits;
                    waits.iter().any(|waits| self.may_end(waits, &stuck))
                })
                .collect();
            if free.is_empty() {
                return stuck;
            }
            for party in free {
                stuck.remove(&party);
            }
        }
    }

    /// What keeps `party` waiting for ever, preferring what may be certain.
    fn link(&self, party: u64, stuck: &BTreeSet<u64>) -> Option<(&'s Waiting, &'s Held)> {
        let all = self.knots[&party].waits.iter().flat_map(|waits| {
            let blockers = self.blockers(waits);
            blockers.map(move |held| (*waits, held))
        });
        all.filter(|(_, held)| !self.goes_on(held, stuck))
            .max_by_key(|(waits, held)| is_steady(waits, held))
    }

    /// One deadlock for each way that ends in a cycle or at an owner that is gone.
    fn deadlocks(&self) -> Vec<Deadlock> {
        let stuck = self.stuck();
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for &start in &stuck {
            let mut way: Vec<(u64, Link)> = Vec::new();
            let mut party = start;
            let end = loop {
                if let Some(first) = way.iter().position(|(member, _)| *member == party) {
                    break Some((first, None));
                }
                if !seen.insert(party) {
                    break None;
                }
                let Some((waits, held)) = self.link(party, &stuck) else {
                    break None;
                };
                let link = Link {
                    waits: waits.clone(),
                    held: Some(held.clone()),
                };
                way.push((party, link));
                if matches!(held.by, Party::Ended { .. }) {
                    break Some((way.len() - 1, Some(Shape::LostOwner)));
                }
                party = held.line.party;
            };
            if let Some((first, shape)) = end {
                let links: Vec<Link> = way.drain(first..).map(|(_, link)| link).collect();
                found.push(deadlock(shape, links));
            }
        }
        found.extend(self.futurelocks());
        found
    }

    /// Those who were granted something, do not look, and wait for the same thing again, or were polled
    /// twice since.
    fn futurelocks(&self) -> impl Iterator<Item = Deadlock> + '_ {
        let all = self.knots.iter().flat_map(|(party, knot)| {
            let polls = self.snapshot.polls.get(party).copied();
            knot.waits.iter().filter_map(move |granted| {
                let (_, polls_then) = granted.wait.granted?;
                let other = knot.waits.iter().find(|other| {
                    let same = other.wait.notice.primitive == granted.wait.notice.primitive;
                    !other.granted && same && other.id > granted.id
                });
                let polled = polls.is_some_and(|polls| polls >= polls_then + 2);
                let other =
                    other.or_else(|| knot.waits.iter().find(|other| !other.granted && polled))?;
                Some([*granted, *other])
            })
        });
        all.map(|waits| Deadlock {
            shape: Shape::Futurelock,
            certain: false,
            still: None,
            links: (waits.into_iter())
                .map(|waits| Link {
                    waits: waits.clone(),
                    held: None,
                })
                .collect(),
        })
    }
}

fn deadlock(shape: Option<Shape>, links: Vec<Link>) -> Deadlock {
    let is_steady = |link: &Link| {
        let held = link.held.as_ref();
        held.is_some_and(|held| is_steady(&link.waits, held))
    };
    let is_bound = |link: &Link| link.held.as_ref().is_some_and(is_bound);
    let steady = shape.is_none() && links.iter().all(is_steady);
    // The youngest wait says how long nothing has moved.
    let still = links.iter().map(|link| link.waits.still).min();
    let certain = steady && links.iter().all(is_bound);
    let shape = shape.unwrap_or(match links.len() {
        1 => Shape::Itself,
        _ => Shape::Cycle,
    });
    Deadlock {
        shape,
        certain,
        still: still.filter(|_| steady),
        links,
    }
}

/// Who will wait for ever by this snapshot.
pub(crate) fn find(snapshot: &Snapshot) -> Vec<Deadlock> {
    Graph::new(snapshot).deadlocks()
}

/// Those of which nothing has moved since.
pub(crate) fn confirmed(found: &[Deadlock]) -> Vec<Deadlock> {
    if found.is_empty() {
        return Vec::new();
    }
    let again = Snapshot::now();
    let waits: BTreeMap<u64, (bool, u64)> = (again.waiting.iter())
        .map(|waits| (waits.id, (waits.granted, waits.wait.order)))
        .collect();
    let held: BTreeMap<u64, u64> = (again.held.iter())
        .map(|held| (held.id, held.line.party))
        .collect();
    let still = |link: &Link| {
        let before = (link.waits.granted, link.waits.wait.order);
        let waits = waits.get(&link.waits.id) == Some(&before);
        let held = |found: &Held| held.get(&found.id) == Some(&found.line.party);
        waits && link.held.as_ref().is_none_or(held)
    };
    let found = found
        .iter()
        .filter(|deadlock| deadlock.links.iter().all(still));
    found.cloned().collect()
}

/// Who will wait for ever now, each looked at twice.
pub(crate) fn deadlocks() -> Vec<Deadlock> {
    confirmed(&find(&Snapshot::now()))
}
