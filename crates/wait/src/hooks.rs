//! Hooks for a ledger: who waits for what, who was granted, who holds, and where in the program.
//!
//! With the feature `hooks` off all of it is empty: [`Site`] and [`Hold`] have no size, [`held`],
//! [`released`] and [`name`] have no body, and `install`, `visit` and what they need do not exist.
//! With it on, each event is told to the one installed `Sink`.
//!
//! # From
//! Go's park reasons and lockdep's classes; parking_lot's `deadlock_detection`. Differs: nothing
//! of an event is in the primitive, whose size does not depend on a name; and the book is kept by
//! somebody else.
//!
//! # State
//! | of an operation | told | what follows |
//! |---|---|---|
//! | waits, for the first time since it was made or left | `Waiting` | `Granted`, `Taken` or `Left` |
//! | was granted something by somebody else | `Granted`, by the granter | `Taken` or `Left`, or it waits on |
//! | took what it waited for | `Taken` | if that is a guard, `Held` |
//! | gave up, was dropped, or lost in a select | `Left` | nothing |
//!
//! An operation that never had to wait tells only `Held`, of its guard.
//!
//! # Fields
//! The mark of a node belongs to its owner while the node is not linked; under the queue's lock
//! granters and `visit` copy it. `Hold` belongs to its guard.
//!
//! # Invariants
//! * I1: a sink is never called under an internal lock.
//! * I2: a panic of a sink ends there, except out of `Waiting` of an operation that is polled or
//!   waited for by itself: then the node is linked and everything is as if it had been polled, so
//!   the operation is dropped like any other.
//! * I3: what a sink does while it is called is not told.
//! * I4: numbers grow: what has the larger one began later.
//!
//! # Edges
//! Those of `hooks/slot.rs`.
//!
//! # Waiting, Cancel
//! None of its own.
//!
//! # Panic
//! See I2.
//!
//! # Rejected
//! * Names in the primitive: a word in each for what few have.
//! * `Granted` told by the one that was granted: a grant to a future that nobody polls is what a
//!   ledger wants to see.
//! * A sink called under the queue's lock, for an order that is exact: it is user code.
//!
//! # Checked by
//! dev/model tests/hooks.rs; tests/hooks.rs.

#[cfg(feature = "hooks")]
mod names;
#[cfg(not(feature = "hooks"))]
mod off;
#[cfg(feature = "hooks")]
mod on;
mod slot;

#[cfg(not(feature = "hooks"))]
use off as chosen;
#[cfg(feature = "hooks")]
use on as chosen;

#[cfg(feature = "hooks")]
pub use chosen::{
    AlreadyInstalled, Notice, Sink, Waiter, What, install, name_of, object_of, visit,
};
pub use chosen::{Hold, Site, held, name, released};
pub(crate) use chosen::{Mark, Tag};
#[doc(hidden)]
pub use slot::Slot;
