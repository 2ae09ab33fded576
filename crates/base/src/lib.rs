//! The ground room of counterpoint: the one switch behind which atomics, cells, threads, parking
//! and time are chosen (`std`, or a model checker), and the small things everything else stands on.
//!
//! Users reach these names through the `counterpoint` facade. Without the `std` feature the crate
//! is `no_std` and holds [`Backoff`], [`CachePadded`], [`atomic`], the fences of [`fence`], which cost
//! the same on both sides then, and the atomics of [`prim`].
#![cfg_attr(not(feature = "std"), no_std)]

#[macro_use]
mod macros;

pub mod atomic;
mod backoff;
mod cache_padded;
pub mod prim;
#[cfg(all(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_pointer_width = "64",
    target_endian = "little",
    not(any(counterpoint_loom, counterpoint_shuttle, miri))
))]
mod racy;
pub mod tune;

#[cfg(feature = "std")]
mod counter;
pub mod fence;
#[cfg(feature = "std")]
pub mod habit;
#[cfg(feature = "std")]
pub mod record;
#[cfg(feature = "std")]
mod seq;
#[cfg(feature = "std")]
pub mod thread;

pub use backoff::Backoff;
pub use cache_padded::CachePadded;
#[cfg(feature = "std")]
pub use counter::ShardedCounter;
#[cfg(feature = "std")]
pub use seq::SeqCell;
