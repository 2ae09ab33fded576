//! The lock-free room of counterpoint: queues and deques in which nobody sleeps.
//!
//! Users reach these names through the `counterpoint` facade. Without the `std` feature the crate
//! is `no_std` and needs `alloc`.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod deque;
pub mod queue;
mod segments;
