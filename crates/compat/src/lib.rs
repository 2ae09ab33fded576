//! The peers' public paths and signatures over counterpoint's parts: change a `use` line and keep
//! the program.
//!
//! Each module has the name of the crate it stands for and no algorithm of its own. Users reach
//! them as `counterpoint::compat`.

pub mod buf_mutex;
pub mod crossbeam_deque;
pub mod crossbeam_queue;
pub mod crossbeam_utils;
pub mod openmp_reducer;
pub mod rendezvous_swap;
