//! What the ledger is told, and keeps: who waits, who sleeps, and which tasks there are.
//!
//! # Invariants
//! * I1: a wait gets its place in the order of all waits under the lock under which it comes into the table. So
//!   who looks at the table after its own wait came into it finds all that are before it in that order. One that
//!   waits again gets another place in the same way.
//! * I2: a grant is that of one round of a wait: one that is told after the wait has gone into the next round is
//!   past.

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
    /// When it queued, the last time that it did.
    pub(crate) queued: u64,
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
            What::Waiting => {
                let wait = Wait::begin(notice);
                WAITS.insert(notice.id, wait, |wait| wait.order = next_order());
                look_at(notice);
            }
            What::Granted => {
                // The count of its task first: one table is under lock at a time.
                let granted = (coarse(), polls_of(notice.party).unwrap_or(0));
                WAITS.with(notice.id, |wait| {
                    // I2
                    if wait.notice.round == notice.round {
                        wait.granted = Some(granted);
                    }
                });
            }
            What::Again => {
                let queued = coarse();
                WAITS.with(notice.id, |wait| {
                    // It is not granted any more, and has come after all that are known by now.
                    (wait.notice, wait.granted) = (*notice, None);
                    (wait.queued, wait.order) = (queued, next_order());
                    // What it closes from now on is another ring.
                    wait.reported = false;
                });
                look_at(notice);
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

impl Wait {
    fn begin(notice: &Notice) -> Wait {
        let now = coarse();
        Wait {
            notice: *notice,
            since: now,
            queued: now,
            order: 0,
            granted: None,
            reported: false,
        }
    }
}

/// Asked for under the lock of the table (I1).
fn next_order() -> u64 {
    KNOWN.fetch_add(1, RELAXED) // Relaxed: under the lock (I1).
}

/// Somebody waits, or waits again.
fn look_at(notice: &Notice) {
    match notice.ends {
        Ends::Never => look::before_sleeping(notice.party, Some(notice.id)),
        Ends::Otherwise if !notice.polled => {
            UNLOOKED.add(notice.party, ());
        }
        _ => {}
    }
}
