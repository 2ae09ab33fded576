//! The ledger as text.

use core::fmt;
use std::collections::BTreeMap;

use crate::finding::{Deadlock, Inversion};
use crate::snapshot::{Held, Party, Snapshot, Waiting};
use crate::{graph, order, snapshot};

/// How many of the longest holds a report names again at its end.
const LONGEST: usize = 5;

/// Who holds and waits, what that leads to, and the longest holds: shown like a thread dump.
#[derive(Clone, Debug)]
pub struct Report {
    snapshot: Snapshot,
    deadlocks: Vec<Deadlock>,
    inversions: Vec<Inversion>,
}

/// A report of everything the ledger knows now, to print.
///
/// ```
/// let text = counterpoint_ledger::report().to_string();
/// assert!(text.starts_with("counterpoint ledger: "));
/// ```
pub fn report() -> Report {
    let snapshot = snapshot::snapshot();
    let deadlocks = graph::confirmed(&graph::find(&snapshot));
    Report {
        snapshot,
        deadlocks,
        inversions: order::found(),
    }
}

impl Report {
    /// What it was made from.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Who will wait for ever, as far as can be seen.
    pub fn deadlocks(&self) -> &[Deadlock] {
        &self.deadlocks
    }

    /// Locks that were taken in both orders since the start.
    pub fn inversions(&self) -> &[Inversion] {
        &self.inversions
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Snapshot { held, waiting, .. } = &self.snapshot;
        let mut parties: BTreeMap<&Party, (Vec<&Held>, Vec<&Waiting>)> = BTreeMap::new();
        for held in held {
            parties.entry(&held.by).or_default().0.push(held);
        }
        for waiting in waiting {
            parties.entry(&waiting.by).or_default().1.push(waiting);
        }
        write!(
            f,
            "counterpoint ledger: {} parties, {} held, {} waits",
            parties.len(),
            held.len(),
            waiting.len()
        )?;
        for (party, (holds, waits)) in &parties {
            write!(f, "\n\n{party}")?;
            for held in holds {
                write!(f, "\n  holds {held}")?;
            }
            for waiting in waits {
                write!(f, "\n  waits {waiting}")?;
                let holders = held
                    .iter()
                    .filter(|held| held.line.primitive == waiting.wait.notice.primitive);
                for held in holders {
                    write!(f, "\n    held by {}, taken at {}", held.by, held.site)?;
                }
            }
        }
        if held.len() > 1 {
            f.write_str("\n\nlongest holds")?;
            for held in held.iter().take(LONGEST) {
                write!(f, "\n  {} holds {held}", held.by)?;
            }
        }
        for deadlock in &self.deadlocks {
            write!(f, "\n\n{deadlock}")?;
        }
        for inversion in &self.inversions {
            write!(f, "\n\n{inversion}")?;
        }
        Ok(())
    }
}
