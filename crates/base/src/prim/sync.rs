//! Shared ownership that a checker sees, and the words of std's locks for what is poisoned.

#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
pub use std::sync::Arc;

#[cfg(counterpoint_loom)]
pub use loom::sync::Arc;

#[cfg(counterpoint_shuttle)]
pub use shuttle::sync::Arc;

pub use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

/// A value that is made at its first use: for a static whose initializer is not a constant.
///
/// Under a checker [`static_!`](crate::static_) does the same.
#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
#[derive(Debug)]
pub struct Lazy<T>(std::sync::OnceLock<T>);

#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
impl<T> Lazy<T> {
    /// One that is not made yet.
    #[allow(clippy::new_without_default, reason = "for statics alone")]
    pub const fn new() -> Lazy<T> {
        Lazy(std::sync::OnceLock::new())
    }

    /// The value; made by `make` if there is none. Other threads wait meanwhile.
    #[inline]
    pub fn get_or_make(&self, make: impl FnOnce() -> T) -> &T {
        self.0.get_or_init(make)
    }
}
