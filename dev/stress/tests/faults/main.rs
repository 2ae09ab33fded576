//! Faults, on every primitive: futures that are dropped before any poll, deadlines of every size,
//! threads that end while they hold something, and code of the user's that panics.
//!
//! Which test is for which piece of the user's code stands in dev/stress/faults.toml; many of them
//! are with the rooms. Allocations that fail are in faults_memory.rs, a binary of its own.
#![cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]

mod cancel;
mod faces;
#[path = "../../../../crates/base/tests/leak/mod.rs"]
mod leak;
mod loud;
mod makers;
mod panics;
mod stages;
mod threads;
mod times;
mod verbs;
mod wakers;

/// Drops it, be it `Copy` or not.
pub(crate) fn ignore<T>(_: T) {}
