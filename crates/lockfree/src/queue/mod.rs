//! Queues for any number of threads, in which nobody sleeps: a full or an empty one says so.
//!
//! | you want | use |
//! |---|---|
//! | a bound, and one allocation | [`ArrayQueue`] |

pub mod array;

pub use array::ArrayQueue;
