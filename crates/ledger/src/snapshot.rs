//! Everything the ledger knows at a moment, as data.

use core::fmt;
use core::panic::Location;
use counterpoint_base::prim::atomic::RELAXED;
use counterpoint_base::prim::time::{Duration, coarse};
use counterpoint_wait::hooks::{self, Ends, Line};
use std::collections::{BTreeMap, BTreeSet};

use crate::state::{PARTIES, SLEEPERS, TASKS, WAITS, Wait};

/// Who holds or waits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Party {
    /// A thread.
    Thread {
        /// Its number in this process.
        id: u64,
        /// Its name, empty if it has none.
        name: String,
    },
    /// A task that [`task`](crate::task) gave a name.
    Task {
        /// Its number in this process.
        id: u64,
        /// Its name.
        name: String,
        /// Where it was given that.
        site: &'static Location<'static>,
    },
    /// A thread or task that has ended; what it held was not given back.
    Ended {
        /// Its number in this process.
        id: u64,
    },
    /// A task without a name, on an executor of somebody else's.
    UnknownTask,
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Party::Thread { id, name } if name.is_empty() => write!(f, "thread {id}"),
            Party::Thread { id, name } => write!(f, "thread {id} \"{name}\""),
            Party::Task { id, name, site } => write!(f, "task {id} \"{name}\" of {site}"),
            Party::Ended { id } if *id > TASKS => write!(f, "task {}, which ended", id - TASKS),
            Party::Ended { id } => write!(f, "thread {id}, which ended"),
            Party::UnknownTask => f.write_str("unknown task"),
        }
    }
}

/// How far an obligation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Something is promised that is still to be done or given up: a ticket of a stage, an arrival at a
    /// barrier, the claim to fill a cell.
    Reserved,
    /// It is held.
    Held,
    /// It is held, and keeps nobody waiting while its owner waits: the handle of a wait group.
    Lent,
}

/// An obligation: something that is held and has to be given back.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Held {
    /// The type of the guard, such as `"MutexGuard"`.
    pub kind: &'static str,
    /// The primitive, by its address.
    pub object: usize,
    /// What the primitive was named.
    pub name: Option<&'static str>,
    /// Where the primitive was made.
    pub made: &'static Location<'static>,
    /// How many units it stands for.
    pub units: usize,
    /// By whom.
    pub by: Party,
    /// Where it was asked for.
    pub site: &'static Location<'static>,
    /// How far it is.
    pub phase: Phase,
    /// For how long, to some milliseconds.
    pub age: Duration,
    /// The number of this hold.
    pub id: u64,
    pub(crate) line: Line,
}

/// One who waits.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Waiting {
    /// The verb, such as `"Mutex::lock"`.
    pub kind: &'static str,
    /// The primitive, by its address.
    pub object: usize,
    /// What the primitive was named.
    pub name: Option<&'static str>,
    /// How many units it waits for.
    pub units: usize,
    /// Who.
    pub by: Party,
    /// Where the operation was made.
    pub site: &'static Location<'static>,
    /// For how long, to some milliseconds.
    pub age: Duration,
    /// The number of this wait.
    pub id: u64,
    /// It was granted something and has not looked yet.
    pub granted: bool,
    /// A deadline, a token or another future may end it as well.
    pub bounded: bool,
    /// For how long it has stood in the queue without a break.
    pub(crate) still: Duration,
    pub(crate) wait: Wait,
}

/// All obligations and all who wait; made by [`snapshot`].
///
/// Each entry is as it was at one instant; they are read one after another, so what changes quickly may
/// be seen before in one entry and after in another. What stands still is seen as it is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// What is held, the longest first.
    pub held: Vec<Held>,
    /// Who waits, the longest first.
    pub waiting: Vec<Waiting>,
    /// How often each task was polled.
    pub(crate) polls: BTreeMap<u64, u64>,
    /// Parties with a future or several operations that do nothing now.
    pub(crate) idle: BTreeSet<u64>,
}

/// Everything the ledger knows now.
///
/// # Cost
/// Reads a page for each thread, and holds up those who begin or end a wait meanwhile.
pub fn snapshot() -> Snapshot {
    Snapshot::now()
}

/// Who has this number now.
pub(crate) fn party_of(id: u64) -> Party {
    let mut names = Names {
        threads: hooks::threads().into_iter().collect(),
        tasks: BTreeMap::new(),
    };
    if let Some(task) = PARTIES.with(id, |task| task.clone()) {
        names.tasks.insert(id, (task.name.clone(), task.site));
    }
    names.waiting(id, id & hooks::UNKNOWN != 0)
}

/// Who has which number.
struct Names {
    threads: BTreeMap<u64, String>,
    tasks: BTreeMap<u64, (String, &'static Location<'static>)>,
}

impl Names {
    fn party(&self, id: u64, unknown: bool) -> Party {
        if unknown {
            return Party::UnknownTask;
        }
        match (self.threads.get(&id), self.tasks.get(&id)) {
            (Some(name), _) => Party::Thread {
                id,
                name: name.clone(),
            },
            (_, Some(&(ref name, site))) => Party::Task {
                id: id - TASKS,
                name: name.clone(),
                site,
            },
            (None, None) => Party::Ended { id },
        }
    }

    /// One who waits lives, also if it never held anything.
    fn waiting(&self, id: u64, unknown: bool) -> Party {
        match self.party(id, unknown) {
            Party::Ended { id } if id < TASKS => Party::Thread {
                id,
                name: String::new(),
            },
            party => party,
        }
    }
}

impl Snapshot {
    pub(crate) fn now() -> Snapshot {
        // Before the tasks, so that none that holds is taken for one that ended.
        let lines = hooks::book();
        let waits = WAITS.all();
        let mut idle: BTreeSet<u64> = SLEEPERS.all().into_iter().map(|(id, ())| id).collect();
        let (mut polls, mut tasks) = (BTreeMap::new(), BTreeMap::new());
        for (id, task) in PARTIES.all() {
            // Relaxed, both: who looks closely looks twice.
            polls.insert(id, task.polls.load(RELAXED));
            if !task.runs.load(RELAXED) {
                idle.insert(id);
            }
            tasks.insert(id, (task.name.clone(), task.site));
        }
        let names = Names {
            threads: hooks::threads().into_iter().collect(),
            tasks,
        };
        let now = coarse();
        let age = |since: u64| Duration::from_nanos(now.saturating_sub(since));
        let mut held: Vec<Held> = lines
            .into_iter()
            .map(|line| Held {
                kind: line.kind,
                object: line.object,
                name: hooks::name_of(line.object),
                made: line.made,
                units: line.units,
                by: names.party(line.party, line.polled && !line.confirmed),
                site: line.site,
                phase: phase(&line),
                age: age(line.since),
                id: line.id,
                line,
            })
            .collect();
        held.sort_by_key(|held| (held.line.since, held.id));
        let mut waiting: Vec<Waiting> = waits
            .into_iter()
            .map(|(_, wait)| Waiting {
                kind: wait.notice.kind,
                object: wait.notice.object,
                name: hooks::name_of(wait.notice.object),
                units: wait.notice.units,
                by: names.waiting(wait.notice.party, wait.notice.polled),
                site: wait.notice.site,
                age: age(wait.since),
                id: wait.notice.id,
                granted: wait.granted.is_some(),
                bounded: wait.notice.ends == Ends::Bounded,
                still: age(wait.queued),
                wait,
            })
            .collect();
        waiting.sort_by_key(|waiting| (waiting.wait.since, waiting.id));
        Snapshot {
            held,
            waiting,
            polls,
            idle,
        }
    }
}

fn phase(line: &Line) -> Phase {
    match line.kind {
        _ if line.lent => Phase::Lent,
        "Arrival" | "OnceInit" | "Ticket" => Phase::Reserved,
        _ => Phase::Held,
    }
}

/// `"name"`, or the place where it was made.
pub(crate) struct Object<'a>(
    pub(crate) Option<&'a str>,
    pub(crate) &'static Location<'static>,
);

impl fmt::Display for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(name) => write!(f, "\"{name}\""),
            None => write!(f, "what was made at {}", self.1),
        }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = Object(self.name, self.made);
        write!(f, "{} of {object}", self.kind)?;
        if self.units != 1 {
            write!(f, ", {} units", self.units)?;
        }
        write!(f, ", taken at {}, {:.1?} ago", self.site, self.age)?;
        match self.phase {
            Phase::Reserved => f.write_str(", reserved"),
            Phase::Held => Ok(()),
            Phase::Lent => f.write_str(", lent while its owner waits"),
        }
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = Object(self.name, self.wait.notice.made);
        write!(f, "{} of {object}", self.kind)?;
        if self.units != 1 {
            write!(f, ", {} units", self.units)?;
        }
        write!(f, ", asked for at {}, {:.1?} ago", self.site, self.age)?;
        match (self.granted, self.bounded) {
            (true, _) => f.write_str(", granted and not yet looked at"),
            (false, true) => f.write_str(", bounded"),
            (false, false) => Ok(()),
        }
    }
}
