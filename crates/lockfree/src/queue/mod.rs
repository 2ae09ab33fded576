//! Queues for any number of threads, in which nobody sleeps: a full or empty one says so.

mod array;

pub use array::{ArrayQueue, SP};
