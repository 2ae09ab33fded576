//! What the ledger is told, and keeps: who waits, who sleeps, and which tasks there are.
//!
//! # Invariants
//! * I1: a wait gets its place in the order of all waits under the lock under which it comes into the table. So
//!   who looks at the table after its own wait came into it finds all that are before it in that order.

use core::fmt;
use core::panic::Location;
use counterpoint_base::prim::atomic::{AtomicBool, AtomicU64, RELAXED};
use counterpoint_base::prim::lock::Guarded;
use counterpoint_base::prim::time::coarse;
use counterpoint_wait::hooks::{self, Ends, Notice, Sink, What};
use std::sync::Arc;

use crate::table::Table;
use crate::{look, order};

/// Numbers of tasks begin here, so none is a thread's.
pub(crate) const TASKS: u64 = 1 << 63;

/// One who waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) notice: Notice,
    pub(crate) since: u64,
    /// The larger, the later it became known.
    pub(crate) order: u64,
    /// Granted: since when, and how often its task had been polled.
    pub(crate) granted: Option<(u64, u64)>,
    /// A deadlock that this one closed was sent where the policy says.
    pub(crate) reported: bool,
}

/// One task that was named.
#[derive(Debug)]
pub(crate) struct TaskFacts {
    pub(crate) name: String,
    pub(crate) site: &'static Location<'static>,
    pub(crate) made_by: u64,
    /// How often it was polled.
    pub(crate) polls: AtomicU64,
    /// It is being polled.
    pub(crate) runs: AtomicBool,
}

counterpoint_base::static_! {
    /// Who waits, by the number of the wait.
    pub(crate) static WAITS: Table<Wait> = Table::new();
    /// Named tasks, by their number.
    pub(crate) static PARTIES: Table<Arc<TaskFacts>> = Table::new();
    /// Parties that sleep with a future or several operations, and whether their waits were looked at.
    pub(crate) static SLEEPERS: Table<()> = Table::new();
    /// Parties that began waits at which nobody has looked.
    pub(crate) static UNLOOKED: Table<()> = Table::new();
    static KNOWN: AtomicU64 = AtomicU64::new(0);
    static NEXT_TASK: AtomicU64 = AtomicU64::new(TASKS);
    /// Whether the ledger was started.
    static STARTED: Guarded<bool> = Guarded::new(false);
}

/// A number for a task.
pub(crate) fn next_task() -> u64 {
    NEXT_TASK.fetch_add(1, RELAXED) + 1 // Relaxed: only a number.
}

/// The number of the latest task.
pub(crate) fn last_task() -> u64 {
    NEXT_TASK.load(RELAXED) // Relaxed: only a number.
}

/// Something else is told by the hooks already, and stays for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AlreadyInstalled;

impl fmt::Display for AlreadyInstalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("another sink of the hooks is installed")
    }
}

impl core::error::Error for AlreadyInstalled {}

/// Keeps the ledger from now on, for ever. Again it does nothing.
///
/// Guards and waits from before are not known.
///
/// # Errors
/// [`AlreadyInstalled`] if the program gave the hooks a sink of its own.
pub fn start() -> Result<(), AlreadyInstalled> {
    if STARTED.with(|started| *started) {
        return Ok(());
    }
    let installed = hooks::install(&Ledger);
    STARTED.with(|started| {
        // Another thread may have been faster.
        if installed.is_err() && !*started {
            return Err(AlreadyInstalled);
        }
        *started = true;
        hooks::keep_book();
        Ok(())
    })
}

struct Ledger;

impl Sink for Ledger {
    fn notice(&self, notice: &Notice) {
        match notice.what {
            What::Waiting => begin(notice),
            What::Granted => {
                let since = coarse();
                WAITS.with(notice.id, |wait| wait.granted = Some((since, 0)));
                // The count of its task, in a second step: one table is under lock at a time.
                if let Some(polls) = polls_of(notice.party) {
                    WAITS.with(notice.id, |wait| wait.granted = Some((since, polls)));
                }
            }
            What::Taken | What::Left => {
                WAITS.remove(notice.id);
                // A task takes its mark off at the end of the poll; a thread may have ended before it sleeps.
                if notice.party < TASKS {
                    UNLOOKED.remove(notice.party);
                }
            }
            What::Asleep => {
                SLEEPERS.add(notice.party, ());
                if UNLOOKED.remove(notice.party).is_some() {
                    look::before_sleeping(notice.party, None);
                }
            }
            What::Awake => {
                SLEEPERS.remove(notice.party);
            }
            // Told only if the thread has others.
            What::Held => order::taken(notice),
            _ => {}
        }
    }
}

fn polls_of(party: u64) -> Option<u64> {
    if party < TASKS {
        return None;
    }
    // Relaxed: a count that says how long ago something was.
    PARTIES.with(party, |task| task.polls.load(RELAXED))
}

fn begin(notice: &Notice) {
    let wait = Wait {
        notice: *notice,
        since: coarse(),
        order: 0,
        granted: None,
        reported: false,
    };
    WAITS.insert(notice.id, wait, |wait| {
        wait.order = KNOWN.fetch_add(1, RELAXED); // Relaxed: under the lock (I1).
    });
    match notice.ends {
        Ends::Never => look::before_sleeping(notice.party, Some(notice.id)),
        Ends::Otherwise if !notice.polled => {
            UNLOOKED.add(notice.party, ());
        }
        _ => {}
    }
}
