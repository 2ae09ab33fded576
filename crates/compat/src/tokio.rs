//! `tokio` 1: what it has for tasks that wait for each other.

pub mod sync;
