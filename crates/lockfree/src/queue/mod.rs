//! Queues for any number of threads, in which nobody sleeps: a full or an empty one says so.
//!
//! | you want | use |
//! |---|---|
//! | a bound, and one allocation | [`ArrayQueue`] |
//! | no bound, and memory by the block | [`SegQueue`] |
//! | one thread that pushes and one that pops | [`spsc`] |

pub mod array;
pub mod seg;
pub mod spsc;

pub use array::ArrayQueue;
pub use seg::SegQueue;
