//! `crossbeam-utils` 0.8: scopes, `Backoff`, `CachePadded`, `AtomicCell`, `AtomicConsume`, `Parker`,
//! `ShardedLock`, `WaitGroup`.
//!
//! ```
//! use counterpoint_compat::crossbeam_utils::{CachePadded, sync::WaitGroup, thread};
//! use std::sync::atomic::{AtomicUsize, Ordering};
//!
//! let count = CachePadded::new(AtomicUsize::new(0));
//! let group = WaitGroup::new();
//! thread::scope(|s| {
//!     for _ in 0..3 {
//!         let group = group.clone();
//!         let count = &count;
//!         s.spawn(move |_| {
//!             count.fetch_add(1, Ordering::Relaxed);
//!             drop(group);
//!         });
//!     }
//!     group.wait();
//!     assert_eq!(count.load(Ordering::Relaxed), 3);
//! })
//! .unwrap();
//! ```

pub mod atomic;
pub mod sync;
pub mod thread;

pub use counterpoint_base::{Backoff, CachePadded};
