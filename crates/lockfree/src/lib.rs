//! The lock-free room of counterpoint: queues in which nobody sleeps, and memory that is freed when
//! nobody looks at it.
//!
//! Users reach these names through the `counterpoint` facade. Without the `std` feature the crate
//! is `no_std` and needs `alloc`.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod deque;
pub mod epoch;
pub mod queue;
mod segments;
