//! The structures under test, a file for each.

pub mod buf_mutex;
pub mod cancel;
pub mod event;
pub mod mutex;
pub mod notify;
pub mod parker;
pub mod semaphore;
pub mod seq_cell;
pub mod sharded_counter;
pub mod wait_group;
