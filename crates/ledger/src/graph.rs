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
//! * I5: rings are looked for over what is certain alone, then over what stands still, then over all: a way over
//!   something weaker hides nothing that is stronger.
//! * I6: of those who close a ring at the same time, the last to be known finds it: it looks for rings of waits
//!   that are not younger than its own.
//! * I7: who polls a named task does what that one does as long as it polls it.
//!
//! # Why what is certain is true
//! While a guard that excludes a waiter has a line, that waiter has not got the lock: lines are opened
//! after the lock was taken, and closed before it is given back. The thread that is blocked holds its own
//! guards as long as it is blocked. Each member is looked at twice; a hold that has a line both times, with
//! one number, was held in between, when its holder was seen to wait. Who polls a task that is blocked is in its
//! poll for as long (I7). So at one moment each of them
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

use counterpoint_wait::hooks::{self, Ends, Notice};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

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

/// Whether it is a wait for writing.
pub(crate) fn is_for_writing(notice: &Notice) -> bool {
    notice.kind.contains("Lock::write") || notice.kind.ends_with("::upgrade")
}

/// Whether it waits to write: then it keeps readers out that come later.
fn wants_to_write(waits: &Waiting) -> bool {
    is_for_writing(&waits.wait.notice) && !waits.bounded && !waits.granted
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

/// Whether the guard is where it was taken, as far as anybody said: an owned one may go where it likes, and one
/// that an attempt took may be a task's, which goes on elsewhere.
fn stays(held: &Held) -> bool {
    let guard = held.kind.ends_with("Guard") || matches!(held.kind, "BufMutexEntry" | "OnceInit");
    let of_a_thread = is_bound(held) || !(held.line.polled || held.line.trying);
    guard && !held.kind.starts_with("Owned") && !held.line.confirmed && of_a_thread
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

/// What a way through the graph may rest on.
#[derive(Clone, Copy)]
enum Layer {
    /// Guards that cannot leave their thread.
    Bound,
    /// Guards that stay, as far as anybody said.
    Steady,
    All,
}

/// The strongest first (I5).
const LAYERS: [Layer; 3] = [Layer::Bound, Layer::Steady, Layer::All];

impl Layer {
    fn allows(self, (waits, held): (&Waiting, &Held)) -> bool {
        match self {
            Layer::Bound => is_steady(waits, held) && is_bound(held),
            Layer::Steady => is_steady(waits, held),
            Layer::All => true,
        }
    }
}

/// That something held keeps somebody waiting.
type Edge<'s> = (&'s Waiting, &'s Held);

/// A party on a way: how it goes on from there, and where else it may.
struct Step<'s> {
    party: u64,
    taken: Option<Edge<'s>>,
    open: Vec<Edge<'s>>,
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
    /// Those who never go on.
    stuck: BTreeSet<u64>,
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
        let mut graph = Graph {
            snapshot,
            knots,
            by_primitive,
            kept_shut,
            stuck: BTreeSet::new(),
        };
        graph.stuck = graph.reduced();
        graph
    }

    /// Who does what `party` does: the task that it polls (I7).
    fn acting(&self, party: u64) -> u64 {
        let mut acting = party;
        // Each polls one, so more steps than that are none.
        for _ in 0..self.snapshot.polling.len() {
            match self.snapshot.polling.get(&acting) {
                Some(&inner) => acting = inner,
                None => break,
            }
        }
        acting
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
            _ => !stuck.contains(&self.acting(held.line.party)),
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

    fn reduced(&self) -> BTreeSet<u64> {
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

    /// What keeps `party` waiting for ever.
    fn edges(&self, party: u64) -> impl Iterator<Item = Edge<'s>> + '_ {
        let knot = self.knots.get(&party);
        let waits = knot.map_or(&[][..], |knot| &knot.waits);
        let all = waits.iter().flat_map(|waits| {
            let blockers = self.blockers(waits);
            blockers.map(move |held| (*waits, held))
        });
        all.filter(|(_, held)| !self.goes_on(held, &self.stuck))
    }

    /// Walks from each of `starts`, once over each edge that `layer` allows; says of each ring on which places of
    /// the way it is.
    fn walk(
        &self,
        starts: &[u64],
        layer: Layer,
        youngest: u64,
        mut ring: impl FnMut(&[Step<'s>], Range<usize>),
    ) {
        let step = |party| {
            let edges = self.edges(party);
            let allowed = edges.filter(|edge| layer.allows(*edge) && edge.0.wait.order <= youngest);
            Step {
                party,
                taken: None,
                open: allowed.collect(),
            }
        };
        let mut seen = BTreeSet::new();
        for &start in starts {
            let mut way = Vec::new();
            if seen.insert(start) {
                way.push(step(start));
            }
            while let Some(last) = way.last_mut() {
                last.taken = last.open.pop();
                let Some((_, held)) = last.taken else {
                    way.pop();
                    continue;
                };
                let next = self.acting(held.line.party);
                if seen.insert(next) {
                    way.push(step(next));
                } else if let Some(first) = way.iter().position(|step| step.party == next) {
                    ring(&way, first..way.len());
                }
            }
        }
    }

    /// Rings of all who are stuck, each of whom is in one at most: the strongest.
    fn rings(&self) -> Vec<Deadlock> {
        let starts: Vec<u64> = self.stuck.iter().copied().collect();
        let mut members = BTreeSet::new();
        let mut found = Vec::new();
        for layer in LAYERS {
            self.walk(&starts, layer, u64::MAX, |way, ring| {
                let ring = &way[ring];
                if ring.iter().all(|step| !members.contains(&step.party)) {
                    members.extend(ring.iter().map(|step| step.party));
                    found.push(deadlock(None, ring.iter().filter_map(|step| step.taken)));
                }
            });
        }
        found
    }

    /// The strongest ring through `party`.
    fn ring_through(&self, party: u64, youngest: u64) -> Option<Deadlock> {
        LAYERS.into_iter().find_map(|layer| {
            let mut found = None;
            self.walk(&[party], layer, youngest, |way, ring| {
                if ring.start == 0 && found.is_none() {
                    found = Some(deadlock(None, way.iter().filter_map(|step| step.taken)));
                }
            });
            found
        })
    }

    /// Rings of readers that are kept out since `writer` waits.
    fn rings_shut_by(&self, writer: &Waiting) -> Vec<Deadlock> {
        let primitive = writer.wait.notice.primitive;
        let shut = |deadlock: &Deadlock| {
            deadlock.links.iter().any(|Link { waits, held }| {
                let reader = held.as_ref().is_some_and(|held| !writes(held));
                waits.wait.notice.primitive == primitive && reader && !wants_to_write(waits)
            })
        };
        let rings = self.rings().into_iter();
        rings.filter(shut).collect()
    }

    /// Those who wait for somebody who has ended, once for each.
    fn lost_owners(&self) -> impl Iterator<Item = Deadlock> + '_ {
        self.stuck.iter().filter_map(|&party| {
            let mut edges = self.edges(party);
            let lost = edges.find(|(_, held)| matches!(held.by, Party::Ended { .. }))?;
            Some(deadlock(Some(Shape::LostOwner), [lost]))
        })
    }

    /// All deadlocks.
    fn deadlocks(&self) -> Vec<Deadlock> {
        let mut found = self.rings();
        found.extend(self.lost_owners());
        found.extend(self.futurelocks());
        found
    }

    /// Those that `party` closes, by its wait of the number `wait` if it is blocked for that.
    fn closed_by(&self, party: u64, wait: Option<u64>) -> Vec<Deadlock> {
        let all = &self.snapshot.waiting;
        let mine = wait.and_then(|wait| all.iter().find(|waits| waits.id == wait));
        let youngest = mine.map_or(u64::MAX, |mine| mine.wait.order); // I6
        let others = self.lost_owners().chain(self.futurelocks());
        let others = others.filter(|deadlock| match wait {
            Some(wait) => deadlock.last().id == wait,
            None => deadlock.is_of(party),
        });
        let mut found: Vec<Deadlock> = self.ring_through(party, youngest).into_iter().collect();
        found.extend(others);
        let writers = all.iter().filter(|waits| {
            waits.wait.notice.party == party
                && wants_to_write(waits)
                && mine.is_none_or(|mine| mine.id == waits.id)
        });
        for writer in writers {
            found.extend(self.rings_shut_by(writer));
        }
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

fn deadlock<'s>(shape: Option<Shape>, edges: impl IntoIterator<Item = Edge<'s>>) -> Deadlock {
    let links = edges.into_iter().map(|(waits, held)| Link {
        waits: waits.clone(),
        held: Some(held.clone()),
    });
    let links: Vec<Link> = links.collect();
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

/// What `party` closes now by its waits, looked at twice; `wait`: it is blocked for this alone.
pub(crate) fn closed_by(party: u64, wait: Option<u64>) -> Vec<Deadlock> {
    confirmed(&Graph::new(&Snapshot::now()).closed_by(party, wait))
}
