//! The ledger of counterpoint: who holds what since when and where, who waits for it, what was never
//! given back, and who will wait for ever.
//!
//! Call [`start`] first thing in `main` (or in a test): from then on every guard, permit, ticket,
//! share and handle has a line in a book, and every wait is known. [`snapshot`] and [`report`] show
//! both as a thread dump does; [`scope`] finds what a piece of code has left behind; [`deadlocks`]
//! finds cycles over threads and tasks, [`inversions`] locks that are taken in both orders; and what is about to
//! wait for ever is found as it begins to wait, and goes where [`set_policy`] says. [`task`] names a task, so that what it
//! holds and waits for is known as its own on any executor.
//!
//! Users reach these names as `counterpoint::ledger`, with the feature `ledger`. What is tracked in
//! which build is in docs/design/011-ledger.md. Without the feature nothing of it exists.
//!
//! # What is certain
//! A finding is *certain* if each member is a thread that is blocked on one lock alone, with no bound,
//! and each guard cannot leave its thread. What rests on a task (which may wait for more than this), on an
//! unnamed task, or on a guard that can be sent (which may have gone to another thread that has not used it
//! yet) is *suspected*: it is reported, and does not panic, unless you allow that for what has stood still for a
//! while ([`Policy::PanicAfter`], [`Deadlock::stood_still`]).
//!
//! # Cost
//! A lock and unlock that nobody else wants cost some ten nanoseconds more, a wait a microsecond.
//! Nothing is recorded before `start`.
//!
//! ```
//! use counterpoint_ledger as ledger;
//!
//! ledger::start().unwrap();
//! let leaks = ledger::scope(|| {
//!     // Nothing is taken here, so nothing is left.
//! });
//! assert!(leaks.is_empty());
//! println!("{}", ledger::report());
//! ```
#![forbid(unsafe_code)]

mod finding;
mod graph;
mod look;
mod order;
mod policy;
mod report;
mod scope;
mod snapshot;
mod state;
mod table;
mod task;

pub use finding::{Deadlock, Finding, Inversion, Link, Ordered, Shape};
pub use policy::{Policy, set_policy};
pub use report::{Report, report};
pub use scope::{LeakReport, scope};
pub use snapshot::{Held, Party, Phase, Snapshot, Waiting, snapshot};
pub use state::{AlreadyInstalled, start};
pub use task::{Task, task};

use counterpoint_wait::hooks::{self, Obligation};

/// Tells the ledger that the caller holds `guard` from now on: after it was moved to another thread or
/// task. A use of a lock's guard tells the same by itself.
pub fn transfer<G: Obligation + ?Sized>(guard: &G) {
    hooks::moved(guard.hold());
}

/// Those who wait for each other, and for owners that are gone, as far as it can be seen now.
///
/// Each is looked at twice, and is in the answer only if nothing has moved in between. One that is not
/// [`certain`](Deadlock::certain) may end by what the ledger does not see: ask again a second later.
pub fn deadlocks() -> Vec<Deadlock> {
    graph::deadlocks()
}

/// Locks that were taken in both orders, or against their ranks, since the start: some day by two at once.
pub fn inversions() -> Vec<Inversion> {
    order::found()
}
