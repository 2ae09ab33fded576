//! What a piece of code leaves behind.

use core::fmt;
use counterpoint_wait::hooks;
use std::collections::BTreeSet;

use crate::snapshot::{Held, Party, Snapshot};
use crate::state::{PARTIES, TASKS, last_task};

/// What was taken inside a [`scope`] and is still held at its end.
#[derive(Clone, Debug)]
#[must_use = "look whether it is empty, or assert it"]
pub struct LeakReport {
    /// Each with the place where it was taken, the oldest first.
    pub leaks: Vec<Held>,
}

impl LeakReport {
    /// True if nothing is left.
    pub fn is_empty(&self) -> bool {
        self.leaks.is_empty()
    }

    /// For tests.
    ///
    /// # Panics
    /// If something is left, with the report as the message.
    #[track_caller]
    pub fn assert_empty(&self) {
        assert!(self.is_empty(), "counterpoint: {self}");
    }
}

impl fmt::Display for LeakReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing is still held");
        }
        write!(f, "{} still held, or forgotten:", self.leaks.len())?;
        for held in &self.leaks {
            write!(f, "\n  by {}: {held}", held.by)?;
        }
        Ok(())
    }
}

/// Runs `f`, and tells what was taken in it and is still held: by the caller, by tasks that it made inside, and
/// by threads that began inside and have ended. So guards that were forgotten by `mem::forget`, or are hidden in
/// something that lives on, are named.
///
/// What other threads hold that live on is not the caller's leak, so it is not in the report. Threads that
/// others start meanwhile look like those that `f` starts. Does nothing but run `f` before
/// [`start`](crate::start).
///
/// ```
/// use counterpoint_ledger as ledger;
///
/// ledger::start().unwrap();
/// ledger::scope(|| ()).assert_empty();
/// ```
pub fn scope(f: impl FnOnce()) -> LeakReport {
    let me = hooks::party();
    let before: BTreeSet<u64> = hooks::book().iter().map(|line| line.id).collect();
    let first_task = last_task();
    let lived_before: BTreeSet<u64> = hooks::threads().into_iter().map(|(id, _)| id).collect();
    f();
    let mut leaks = Snapshot::now().held;
    let made_here = |party: u64| {
        let by_me = PARTIES.with(party, |task| task.made_by == me);
        party > first_task && by_me.unwrap_or(true)
    };
    leaks.retain(|held| {
        let party = held.line.party;
        let ended =
            matches!(held.by, Party::Ended { id } if id < TASKS && !lived_before.contains(&id));
        !before.contains(&held.id) && (party == me || made_here(party) || ended)
    });
    LeakReport { leaks }
}
