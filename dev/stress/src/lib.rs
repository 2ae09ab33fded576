//! Whether structures do what they promise, seen from outside.
//!
//! * **Histories**: parties do random operations on a structure, on real threads (`threads`), in
//!   the schedules of a checker (`schedules`) or as tasks of one thread (`tasks`). What they saw
//!   must fit a sequential model (`model`, `linear`), and whoever waits when nothing moves any more
//!   must have to. A wrong history is made as small as it gets and drawn. Long ones of one
//!   structure (`sweep`) show what only many operations bring about.
//! * **Litmus tests** ([`litmus`]): few instructions of a few threads, run often, with a table of
//!   what may come out.
//! * **Faults**: tests/faults and tests/faults_*.rs, with the table faults.toml.
//! * **Fuzzing** (`fuzz`): the histories of tasks, written by libFuzzer; see dev/fuzz.

pub mod litmus;
pub mod report;

// Loom is for litmus tests alone: histories have too many moves for it.
#[cfg(not(counterpoint_loom))]
pub mod desk;
#[cfg(not(counterpoint_loom))]
pub mod failure;
#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
pub mod fuzz;
#[cfg(not(counterpoint_loom))]
pub mod history;
#[cfg(not(counterpoint_loom))]
pub mod linear;
#[cfg(not(counterpoint_loom))]
pub mod model;
#[cfg(not(counterpoint_loom))]
pub mod plan;
#[cfg(counterpoint_shuttle)]
pub mod schedules;
#[cfg(not(counterpoint_loom))]
pub mod subject;
#[cfg(not(counterpoint_loom))]
pub mod subjects;
#[cfg(not(counterpoint_loom))]
pub mod sweep;
#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
pub mod tasks;
#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
pub mod threads;

#[cfg(not(counterpoint_loom))]
pub use {
    history::{Call, History, Outcome, Why},
    model::{Beside, Done, Model},
    plan::Pick,
    subject::{Started, Subject},
};
