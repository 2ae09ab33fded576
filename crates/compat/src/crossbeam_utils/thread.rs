//! Threads that may borrow; see [`counterpoint_base::thread`].

pub use counterpoint_base::thread::{Result, Scope, ScopedJoinHandle, ScopedThreadBuilder, scope};
