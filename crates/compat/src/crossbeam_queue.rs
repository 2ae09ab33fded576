//! `crossbeam-queue` 0.3: `ArrayQueue` and `SegQueue`.
//!
//! ```
//! use counterpoint_compat::crossbeam_queue::{ArrayQueue, SegQueue};
//!
//! let bounded = ArrayQueue::new(1);
//! assert_eq!((bounded.push('a'), bounded.push('b')), (Ok(()), Err('b')));
//! let unbounded = SegQueue::new();
//! unbounded.push('a');
//! assert_eq!(unbounded.pop(), Some('a'));
//! ```

pub use counterpoint_lockfree::queue::{ArrayQueue, SegQueue};
