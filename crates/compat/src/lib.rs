//! The peers' public paths and signatures over counterpoint's parts: change a `use` line and keep
//! the program.
//!
//! Each module has the name of the crate it stands for and no algorithm of its own. Users reach
//! them as `counterpoint::compat`.
//!
//! | module | for | what its own tests say |
//! |---|---|---|
//! | [`async_lock`] | async-lock 3 | the published suite runs |
//! | [`buf_mutex`] | buf-mutex 0.2 | not published |
//! | [`crossbeam_epoch`] | crossbeam-epoch 0.9 | the published examples, and the unit tests that look into nothing private, run |
//! | [`crossbeam_utils`] | crossbeam-utils 0.8 | the published suite runs, as far as its parts are here |
//! | [`openmp_reducer`] | openmp-reducer 0.2.6 | the published suite runs |
//! | `parking_lot` | parking_lot 0.12 | the published unit tests run |
//! | [`rendezvous_swap`] | rendezvous_swap 0.1 | the published suite runs |
//! | [`std_sync`] | `std::sync` | std's tests are in no registry: a table of our own asks for what std promises |
//! | [`tokio`] | tokio 1 | the published suite of `sync` runs, but for the channels |
//! | [`tokio_util`] | tokio-util 0.7 | the published suite of `CancellationToken` runs |
//!
//! `cargo xtask peers` runs them, and tells what is excepted and why.

pub mod async_lock;
pub mod buf_mutex;
pub mod crossbeam_deque;
pub mod crossbeam_epoch;
pub mod crossbeam_queue;
pub mod crossbeam_utils;
mod face;
pub mod openmp_reducer;
// Its constants are no constants under a checker.
#[cfg(not(counterpoint_loom))]
pub mod parking_lot;
pub mod rendezvous_swap;
pub mod std_sync;
pub mod tokio;
pub mod tokio_util;
