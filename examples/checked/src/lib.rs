//! Two small structures that many programs write for themselves, each with a bug that tests
//! rarely meet and without it: a bounded buffer, and a cache that loads an entry once.
//!
//! `cargo run -p checked -- run` uses the right ones. With
//! `RUSTFLAGS="--cfg counterpoint_shuttle" cargo run --target-dir target/shuttle -p checked --
//! find` the checker finds both bugs, and passes the right ones.

pub mod buffer;
pub mod cache;
pub mod programs;
