//! Hooks for a ledger: who waits for what, who was granted, who holds, and where in the program.
//!
//! With the feature `hooks` off all of it is empty: [`Site`], [`Hold`] and [`Lending`] have no size,
//! [`held`], [`released`], [`name`] and their likes have no body, and `install`, `visit` and what
//! they need do not exist.
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
//! | of a hold | told | what follows |
//! |---|---|---|
//! | a guard, permit, share or handle came to be | `Held` | `Released` or `Forgotten`; nothing if it is leaked |
//! | it stands for another number of units | `Changed` | as before |
//! | its owner waits, and it keeps nobody waiting meanwhile | `Lent` | `Back`, or the end |
//! | it lets go | `Released`, before it does | nothing |
//! | it is given up for good | `Forgotten` | nothing |
//!
//! Told so that the units held are never more than there are: a part is split off after its whole
//! was told to be smaller, and what is merged is told to be released before the whole grows.
//! `Added` and `Removed` tell of units that come to be and end without a holder.
//!
//! | what is held | who waits for it |
//! |---|---|
//! | `MutexGuard`, `OwnedMutexGuard` | `Mutex::lock`, `Mutex::lock_owned` |
//! | `SemaphorePermit`, `OwnedSemaphorePermit` | `Semaphore::acquire`, which anybody's `Added` may end as well |
//! | `BufMutexEntry`: the time of a merge or a look | `BufMutex::enter` |
//! | `SharedBufMutex`, `OrderedShare`, `StripedShare`, `LiveShare` | `BufMutex::wait_idle` |
//! | `WaitGroup`, unless it is lent | `WaitGroup::wait`, `WaitGroup::wait_ref` |
//! | `Director` | `Stage::enter`, which anybody's `notify` may end as well |
//! | `Ticket` | nobody: its owner waits with it |
//! | `ShardedLockReadGuard`, `ShardedLockWriteGuard` | `ShardedLock::write`; the latter also `ShardedLock::read` |
//! | nothing: whoever comes by may end the wait | `Notify::notified`, `Event::listen`, `CancelToken::cancelled`, `Condvar::wait`, `ManualResetEvent::wait`, `AutoResetEvent::wait`, `Latch::wait` |
//!
//! # Fields
//! The mark of a node belongs to its owner while the node is not linked; under the queue's lock
//! granters and `visit` copy it. `Hold` belongs to its guard, `Lending` to the verb that waits.
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
    AlreadyInstalled, Notice, Sink, Waiter, What, id_of, install, name_of, object_of, rank_of,
    visit,
};
pub use chosen::{
    Hold, Lending, Site, added, changed, forgotten, held, label, name, rank, released, removed,
};
pub(crate) use chosen::{Mark, Place, Tag};
#[doc(hidden)]
pub use slot::Slot;
