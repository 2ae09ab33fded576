//! Queues for any number of threads, in which nobody sleeps: a full or an empty one says so.
//!
//! | you want | use |
//! |---|---|
//! | a bound, and one allocation | [`ArrayQueue`] |
//! | no bound, and memory by the block | [`SegQueue`] |

pub mod array;
pub mod seg;

pub use array::ArrayQueue;
pub use seg::SegQueue;
