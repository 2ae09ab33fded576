//! `crossbeam-deque` 0.8: `Worker`, `Stealer`, `Injector`, `Steal`.
//!
//! ```
//! use counterpoint_compat::crossbeam_deque::{Injector, Steal, Stealer, Worker};
//!
//! let entrance = Injector::new();
//! entrance.push(1);
//! let worker = Worker::new_lifo();
//! let stealer: Stealer<i32> = worker.stealer();
//! assert_eq!(entrance.steal_batch_and_pop(&worker), Steal::Success(1));
//! assert!(stealer.steal().is_empty());
//! ```

pub use counterpoint_lockfree::deque::{Injector, Steal, Stealer, Worker};
