//! Memory that is freed when nobody can be looking at it any longer.
//!
//! In a structure without locks one thread takes a node out while another one still reads it. Here
//! a reader *pins* itself while it looks, which costs a store, and a thread that took something out
//! *retires* it: it is freed when everybody who was pinned at that time has unpinned once.
//!
//! ```
//! use counterpoint_lockfree::epoch::{self, Atomic, Owned};
//! use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};
//!
//! struct Config(Atomic<String>);
//!
//! impl Config {
//!     fn length(&self) -> usize {
//!         let guard = epoch::pin();
//!         let text = self.0.load(Acquire, &guard);
//!         // SAFETY: never null, published with release, and retired before it is freed.
//!         unsafe { text.deref() }.len()
//!     }
//!
//!     fn replace(&self, text: &str) {
//!         let guard = epoch::pin();
//!         let old = self.0.swap(Owned::new(text.to_owned()), AcqRel, &guard);
//!         // SAFETY: taken out by this thread alone, and reached by nobody who pins from now on.
//!         unsafe { guard.defer_destroy(old) };
//!     }
//! }
//!
//! impl Drop for Config {
//!     fn drop(&mut self) {
//!         // SAFETY: `&mut self` shows that nobody else looks.
//!         drop(unsafe { std::mem::take(&mut self.0).try_into_owned() });
//!     }
//! }
//!
//! let config = Config(Atomic::new("a".to_owned()));
//! config.replace("bcd");
//! assert_eq!(config.length(), 3);
//! ```
//!
//! # When not to use it
//! * One value that is replaced as a whole and read often: a `SeqCell` or a lock needs no `unsafe`.
//! * Tasks that wait while they look: a [`Guard`] stays with its thread. [`OwnedGuard`] goes with the task,
//!   and holds up what all the others retire for as long.
//! * Readers that hold a guard for long: while one thread is pinned, nothing that is retired after
//!   can be freed. [`Collector::stats`] says who it is and where it pinned, and
//!   [`Collector::on_stall`] tells of it.
//!
//! # What waits, and for how long
//! What a thread retires is handed on by the bag of 64 (or of 64 KiB), and freed by whoever finds
//! three advances of the epoch later that it is due: the next pin of a thread that handed on a bag, every
//! 128th pin of a thread, and one that flushes; each frees a few bags. As long as nobody holds the
//! epoch up they also take over what threads that are not pinned have begun to collect. A thread that
//! ends hands on the rest and frees what it can; whom it finds pinned does so after it unpins (without
//! `membarrier` perhaps only after it unpins once more). Where nobody retires anything, nobody looks for
//! something to free.
//!
//! After a fork the child has the pins of threads that it does not have: what it retires is kept, and
//! what such a thread was just about to run is lost in the child. A guard that is forgotten pins its
//! record for ever.
//!
//! # Names
//! Those of crossbeam's epoch, for the same things. Differs: a pointer stays a pointer and keeps its
//! provenance; orderings may carry the name of their site; a handle that is registered again
//! allocates nothing.

mod atomic;
mod barrier;
mod collector;
#[cfg(feature = "std")]
mod default;
mod deferred;
mod guard;
mod handle;
mod local;
mod nested;
mod owned;
mod pointer;
#[cfg(feature = "std")]
mod stall;
mod stats;

pub use atomic::{Atomic, CompareExchangeError};
pub use collector::Collector;
#[cfg(feature = "std")]
pub use default::{default_collector, is_pinned, pin};
pub use guard::{Guard, unprotected};
pub use handle::LocalHandle;
pub use owned::OwnedGuard;
pub use pointer::{Owned, Pointable, Pointer, Shared};
#[cfg(feature = "std")]
pub use stall::Stall;
pub use stats::{OldestPin, Stats};

#[cfg(all(test, feature = "std"))]
mod tests;
