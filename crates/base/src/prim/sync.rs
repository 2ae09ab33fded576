//! Shared ownership that a checker sees.

#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
pub use std::sync::Arc;

#[cfg(counterpoint_loom)]
pub use loom::sync::Arc;

#[cfg(counterpoint_shuttle)]
pub use shuttle::sync::Arc;
