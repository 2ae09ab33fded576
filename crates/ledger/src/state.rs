//! What the ledger is told, and keeps: who waits, and which tasks there are.
//!
//! # Invariants
//! * I1: nothing of users' runs while the state is reached.

use core::fmt;
use core::panic::Location;
use counterpoint_base::prim::lock::Guarded;
use counterpoint_base::prim::time::coarse;
use counterpoint_wait::hooks::{self, Ends, Notice, Sink, What};
use std::collections::BTreeMap;

use crate::{graph, order};

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
}

/// One task that was named.
#[derive(Clone, Debug)]
pub(crate) struct TaskFacts {
    pub(crate) name: String,
    pub(crate) site: &'static Location<'static>,
    pub(crate) made_by: u64,
    pub(crate) polls: u64,
}

pub(crate) struct State {
    pub(crate) waits: BTreeMap<u64, Wait>,
    pub(crate) tasks: BTreeMap<u64, TaskFacts>,
    pub(crate) next_task: u64,
    /// How many waits became known.
    pub(crate) known: u64,
}

counterpoint_base::static_! {
    static STATE: Guarded<State> = Guarded::new(State {
        waits: BTreeMap::new(),
        tasks: BTreeMap::new(),
        next_task: TASKS,
        known: 0,
    });
    /// Whether the ledger was started.
    static STARTED: Guarded<bool> = Guarded::new(false);
}

pub(crate) fn with<R>(f: impl FnOnce(&mut State) -> R) -> R {
    STATE.with(f)
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
    STARTED.with(|started| {
        if !*started {
            hooks::install(&Ledger).map_err(|_| AlreadyInstalled)?;
            hooks::keep_book();
            *started = true;
        }
        Ok(())
    })
}

struct Ledger;

impl Sink for Ledger {
    fn notice(&self, notice: &Notice) {
        match notice.what {
            What::Waiting => {
                let since = coarse();
                with(|state| {
                    state.known += 1;
                    let wait = Wait {
                        notice: *notice,
                        since,
                        order: state.known,
                        granted: None,
                    };
                    state.waits.insert(notice.id, wait);
                });
                if notice.ends == Ends::Never {
                    graph::look_before_sleeping(notice);
                }
            }
            What::Granted => with(|state| {
                let Some(wait) = state.waits.get_mut(&notice.id) else {
                    return;
                };
                let task = state.tasks.get(&wait.notice.party);
                wait.granted = Some((coarse(), task.map_or(0, |task| task.polls)));
            }),
            What::Taken | What::Left => with(|state| {
                state.waits.remove(&notice.id);
            }),
            // Told only if the thread has others.
            What::Held => order::taken(notice),
            _ => {}
        }
    }
}
