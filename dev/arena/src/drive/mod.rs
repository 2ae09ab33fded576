//! Ways to run the operations of a subject: alone, on pinned threads, as tasks.

pub(crate) mod alone;
pub(crate) mod tasks;
pub(crate) mod threads;
