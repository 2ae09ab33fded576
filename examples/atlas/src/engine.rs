//! Walks the paths and reads the files, in parallel, on any [`Backend`].
//!
//! Threads take directories and batches of files from one list under a lock.
//! Listing a directory adds batches to it; when nothing is left, all end. Counts
//! are kept per thread and merged once; names of files and identifiers go to
//! shared tables at intervals. Everything is ordered afterwards, so that the
//! result does not depend on the number of threads.

pub mod backend;
mod roots;
mod walk;
mod work;
mod worker;

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::finding::{Findings, Problem};
use crate::identifiers::Identifiers;
use crate::report::Atlas;
use crate::totals::Totals;
use backend::{Backend, Done, Permits, Table, Token, Totals as _};
use work::WorkList;

/// How often the observer is called.
const TICK: Duration = Duration::from_millis(100);

/// The reason a token is cancelled with when the deadline passes.
pub const TIMEOUT: &str = "the time limit";

/// What to map and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Files and directories to start from.
    pub paths: Vec<PathBuf>,
    /// How many threads read.
    pub threads: usize,
    /// How many files may be open at once.
    pub open_files: usize,
    /// How many entries the lists of a report have.
    pub top: usize,
    /// Also walk version control stores and tagged caches.
    pub all: bool,
    /// When to stop with what there is.
    pub deadline: Option<Instant>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            paths: vec![PathBuf::from(".")],
            threads: std::thread::available_parallelism().map_or(2, usize::from),
            open_files: 64,
            top: 20,
            all: false,
            deadline: None,
        }
    }
}

/// How far the engine is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// Files met so far.
    pub found_files: u64,
    /// Their bytes.
    pub found_bytes: u64,
    /// Files dealt with so far.
    pub done_files: u64,
    /// Their bytes.
    pub done_bytes: u64,
}

/// None of the paths could be read.
#[derive(Debug)]
pub struct NoReadablePath(pub Vec<Problem>);

impl fmt::Display for NoReadablePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |problem: &Problem| format!("{} ({})", problem.path.display(), problem.detail);
        let named: Vec<_> = self.0.iter().map(named).collect();
        write!(
            f,
            "nothing to map: cannot read {}; name a file or directory that exists and that you \
             may read",
            named.join(", ")
        )
    }
}

impl std::error::Error for NoReadablePath {}

/// What all threads share.
struct Shared<'a, B: Backend> {
    options: &'a Options,
    token: &'a B::Token,
    list: WorkList<B>,
    permits: B::Permits,
    identifiers: B::Table<Identifiers>,
    findings: B::Table<Findings>,
    roots: roots::Roots,
    counters: Counters,
}

/// Progress as the threads write it; read for display only, so Relaxed.
#[derive(Default)]
struct Counters {
    found_files: AtomicU64,
    found_bytes: AtomicU64,
    done_files: AtomicU64,
    done_bytes: AtomicU64,
    cut_short: AtomicBool,
}

impl Counters {
    fn found(&self, files: u64, bytes: u64) {
        self.found_files.fetch_add(files, Ordering::Relaxed);
        self.found_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn done(&self, bytes: u64) {
        self.done_files.fetch_add(1, Ordering::Relaxed);
        self.done_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn progress(&self) -> Progress {
        Progress {
            found_files: self.found_files.load(Ordering::Relaxed),
            found_bytes: self.found_bytes.load(Ordering::Relaxed),
            done_files: self.done_files.load(Ordering::Relaxed),
            done_bytes: self.done_bytes.load(Ordering::Relaxed),
        }
    }
}

/// Maps `options.paths`. Cancelling `token` ends it early with a partial result;
/// so does the deadline, which cancels the token. `observe` is called now and
/// then on the calling thread.
///
/// # Errors
/// When none of the paths can be read.
///
/// # Panics
/// When a worker panicked.
pub fn map<B: Backend>(
    options: &Options,
    token: &B::Token,
    observe: &mut dyn FnMut(Progress),
) -> Result<Atlas, NoReadablePath> {
    let (roots, starts, problems) = roots::resolve(&options.paths);
    if starts.is_empty() {
        return Err(NoReadablePath(problems));
    }
    let shared = Shared::<B> {
        options,
        token,
        list: WorkList::new(),
        permits: Permits::new(options.open_files.max(1)),
        identifiers: Table::new(Identifiers::default()),
        findings: Table::new(Findings {
            problems,
            ..Findings::default()
        }),
        roots,
        counters: Counters::default(),
    };
    for start in &starts {
        if let work::Item::Read(batch) = start {
            shared
                .counters
                .found(1, batch.files.iter().map(|file| file.bytes).sum());
        }
    }
    shared.list.push(starts);
    let totals: B::Totals<Totals> = backend::Totals::new(Totals::default(), Totals::merge);
    run(&shared, &totals, observe);

    let cut_short =
        shared.list.outstanding() > 0 || shared.counters.cut_short.load(Ordering::Relaxed);
    let stopped_by = if cut_short { token.reason() } else { None };
    Ok(Atlas::new(
        options,
        stopped_by,
        totals.into_inner(),
        shared.findings.into_inner(),
        shared.identifiers.into_inner(),
    ))
}

/// Starts the threads and waits for their end.
fn run<B: Backend>(
    shared: &Shared<'_, B>,
    totals: &B::Totals<Totals>,
    observe: &mut dyn FnMut(Progress),
) {
    let done = B::Done::new();
    let workers: Vec<_> = (0..shared.options.threads.max(1))
        .map(|_| {
            let unit = done.clone();
            move || {
                worker::Worker::new(shared, totals.share()).run();
                drop(unit);
            }
        })
        .collect();
    let watch = || {
        let deadline = shared.options.deadline;
        let left = deadline.map_or(TICK, |deadline| {
            TICK.min(deadline.saturating_duration_since(Instant::now()))
        });
        done.wait(left.max(Duration::from_millis(1)), &mut || {
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                shared.token.cancel(TIMEOUT);
            }
            observe(shared.counters.progress());
        });
        observe(shared.counters.progress());
    };
    if let Err(panic) = B::scope(workers, watch) {
        std::panic::resume_unwind(panic);
    }
}
