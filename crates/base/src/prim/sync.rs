//! Shared ownership that a checker sees, and the words of std's locks for what is poisoned.

#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
pub use std::sync::Arc;

#[cfg(counterpoint_loom)]
pub use loom::sync::Arc;

#[cfg(counterpoint_shuttle)]
pub use shuttle::sync::Arc;

pub use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};
