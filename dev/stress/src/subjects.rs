//! The structures under test, a file for each.

pub mod mutex;
pub mod semaphore;
pub mod seq_cell;
pub mod sharded_counter;
