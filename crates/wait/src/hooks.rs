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
//! | waits, for the first time since it was made or left | `Waiting` | `Granted`, `Again`, `Taken` or `Left` |
//! | waits once more: what it was granted is gone, or it left its place by itself | `Again` | as after `Waiting` |
//! | was granted something by somebody else | `Granted`, by the granter | `Taken` or `Left`, or it waits on |
//! | took what it waited for | `Taken` | if that is a guard, `Held` |
//! | gave up, was dropped, or lost in a select | `Left` | nothing |
//!
//! An operation that never had to wait tells only `Held`, of its guard.
//!
//! A thread that polls a future, or several operations, tells `Asleep` before it sleeps, when all that it
//! waits for was told, and `Awake` after it: only in between it does nothing else.
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
//! | `MutexGuard`, `OwnedMutexGuard` | `Mutex::lock`, `Mutex::lock_owned`; `ContendedMutex::lock` |
//! | `OwnedContendedMutexGuard` | `ContendedMutex::lock`, `ContendedMutex::lock_owned` |
//! | `ReentrantMutexGuard` | `ReentrantMutex::lock` |
//! | `RwLockWriteGuard` and its kin | all verbs of that `RwLock` |
//! | `RwLockReadGuard`, `RwLockUpgradableReadGuard` and their kin | `RwLock::write`, `upgrade`; while one of these waits, `RwLock::read` as well |
//! | `OnceInit` | `OnceCell::claim`, `OnceCell::wait` |
//! | `SemaphorePermit`, `OwnedSemaphorePermit` | `Semaphore::acquire`, which anybody's `Added` may end as well |
//! | `BufMutexEntry`: the time of a merge or a look | `BufMutex::enter` |
//! | `SharedBufMutex`, `OrderedShare`, `StripedShare`, `LiveShare` | `BufMutex::wait_idle` |
//! | `WaitGroup`, unless it is lent | `WaitGroup::wait`, `WaitGroup::wait_ref` |
//! | `Director` | `Stage::enter`, which anybody's `notify` may end as well |
//! | `Ticket`, `Arrival` | nobody: its owner waits with it |
//! | `ShardedLockReadGuard`, `ShardedLockWriteGuard` | `ShardedLock::write`; the latter also `ShardedLock::read` |
//! | nothing: whoever comes by may end the wait | `Notify::notified`, `Event::listen`, `CancelToken::cancelled`, `Condvar::wait`, `ManualResetEvent::wait`, `AutoResetEvent::wait`, `Latch::wait` |
//!
//! # Fields
//! The mark of a node belongs to its owner while the node is not linked; under the queue's lock
//! granters and `visit` copy it. `Hold` belongs to its guard, `Lending` to the verb that waits.
//!
//! # Invariants
//! * I1: a sink is never called under an internal lock.
//! * I2: a panic of a sink ends there, except out of `Waiting` or `Again` of an operation that is polled or
//!   waited for by itself: then the node is linked and everything is as if it had been polled, so
//!   the operation is dropped like any other. Nor does it come out where somebody is `Calm`: where a
//!   guard that is still in the caller's hands takes its lock again.
//! * I3: what a sink does while it is called is not told, nor what is done where its panic is dropped.
//! * I4: numbers are given once. Those of waits grow, and so do those of one thread's holds: what has
//!   the larger one began later.
//!
//! # Edges
//! Those of `hooks/slot.rs`.
//!
//! # The book
//! Each hold has a line of its thread's page (`hooks/page.rs`), written by plain stores and closed by one
//! store when it ends; a guard knows where its line is, and nothing more. `book` reads them all. After
//! `keep_book` the sink is told of holds only where a thread has several, so that it sees the order of locks.
//! A state that is read when somebody asks, not events: nothing is lost, and a lock that nobody else
//! wants calls nobody.
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
//! * The book kept by the sink, one call for each lock and one for each unlock: 20 ns a pair.
//! * The notice of a hold kept in its guard, for the end: 72 bytes that each move of the guard copies.
//! * A sink called under the queue's lock, for an order that is exact: it is user code.
//!
//! # Checked by
//! dev/model tests/hooks.rs; tests/hooks.rs.

#[cfg(feature = "hooks")]
mod calm;
#[cfg(feature = "hooks")]
mod hold;
#[cfg(feature = "hooks")]
mod holds;
#[cfg(feature = "hooks")]
mod names;
#[cfg(not(feature = "hooks"))]
mod off;
#[cfg(feature = "hooks")]
mod on;
mod page;
mod slot;

/// A guard, a permit or the like, of which a ledger can be told who holds it.
pub trait Obligation {
    /// What the hooks know of it.
    #[doc(hidden)]
    fn hold(&self) -> &Hold;
}

#[cfg(not(feature = "hooks"))]
use off as chosen;
#[cfg(feature = "hooks")]
use on as chosen;

#[cfg(feature = "hooks")]
pub(crate) use chosen::Driving;
#[cfg(feature = "hooks")]
pub use chosen::{
    AlreadyInstalled, Ends, Notice, Sink, Waiter, What, id_of, install, name_of, object_of,
    quietly, rank_of, visit,
};
pub use chosen::{
    Calm, Hold, Lending, Site, added, bounded, changed, forgotten, held, label, moved, name, rank,
    released, removed, used,
};
pub(crate) use chosen::{Firm, Mark, Mixed, Place, Polled, Tag, in_poll};
#[cfg(feature = "hooks")]
pub use holds::{UNKNOWN, as_party, book, holds_any, keep_book, my_holds, party, threads};
pub use page::Line;
#[doc(hidden)]
pub use page::{Entry, Page};
#[doc(hidden)]
pub use slot::Slot;
