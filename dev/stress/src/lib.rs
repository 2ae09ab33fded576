//! Whether structures do what they promise, seen from outside.
//!
//! * **Histories**: parties do random operations on a structure, on real threads
//!   ([`threads`]), in the schedules of a checker ([`schedules`]) or as tasks of one thread
//!   ([`tasks`]). What they saw must fit a sequential [`Model`] ([`linear`]), and whoever waits when
//!   nothing moves any more must have to. A wrong history is made as small as it gets and drawn.
//! * **Litmus tests** ([`litmus`]): few instructions of a few threads, run often, with a table of
//!   what may come out.
//! * **Faults**: tests/faults_*.rs, with the table faults.toml.

pub mod desk;
pub mod failure;
pub mod history;
pub mod linear;
pub mod model;
pub mod plan;
pub mod report;
#[cfg(counterpoint_shuttle)]
pub mod schedules;
pub mod subject;
pub mod subjects;
#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
pub mod threads;

pub use history::{Call, History, Outcome, Why};
pub use model::{Beside, Done, Model};
pub use plan::Pick;
pub use subject::{Started, Subject};
