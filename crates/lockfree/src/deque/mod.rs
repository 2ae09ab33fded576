//! Deques for schedulers: each thread pushes and pops at its own, and others steal from it.
//!
//! | you want | use |
//! |---|---|
//! | the tasks of one thread, open to thieves | [`Worker`], and its [`Stealer`]s |
//! | tasks that come from anywhere | [`Injector`] |
//!
//! A worker that has nothing looks into the injector, then steals from the others:
//! ```
//! use counterpoint_lockfree::deque::{Injector, Steal, Stealer, Worker};
//!
//! fn find<T>(own: &Worker<T>, entrance: &Injector<T>, others: &[Stealer<T>]) -> Option<T> {
//!     own.pop().or_else(|| {
//!         std::iter::repeat_with(|| {
//!             let steal = entrance.steal_batch_and_pop(own);
//!             steal.or_else(|| others.iter().map(|other| other.steal()).collect())
//!         })
//!         .find(|steal| !steal.is_retry())
//!         .and_then(Steal::success)
//!     })
//! }
//!
//! let (own, other, entrance) = (Worker::new_fifo(), Worker::new_fifo(), Injector::new());
//! other.push(1);
//! assert_eq!(find(&own, &entrance, &[other.stealer()]), Some(1));
//! assert_eq!(find(&own, &entrance, &[other.stealer()]), None);
//! ```

mod injector;
mod ring;
mod shared;
mod steal;
mod stealer;
mod word;
mod worker;

pub use injector::Injector;
pub use steal::Steal;
pub use stealer::Stealer;
pub use worker::Worker;

#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
use alloc::sync::Arc;
#[cfg(any(counterpoint_loom, counterpoint_shuttle))]
use counterpoint_base::prim::sync::Arc;

/// The most tasks that are moved at once unless the caller says otherwise.
const BATCH: usize = 32;

/// Half, rounded up.
const fn half(all: usize) -> usize {
    all - all / 2
}

fn len_of<T>(shared: &shared::Shared<T>) -> usize {
    shared.len() as usize
}
