//! The switch: one set of names for atomics, cells, threads, parking, hints and time, served by
//! `std`, by loom (cfg `counterpoint_loom`) or by shuttle (cfg `counterpoint_shuttle`).
//!
//! Two things are not as in `std`, on purpose:
//!
//! * an ordering stronger than relaxed carries the **name of its site** ([`atomic::acquire`],
//!   [`atomic::release`], [`atomic::acq_rel`]), so that a checker can weaken one site at run time
//!   and see which model notices. There are no sequentially consistent accesses, only fences;
//! * [`choose`] lets a model branch on what a machine decides by itself: the deadline comes
//!   first, a wake-up is spurious, a weak exchange fails. On plain threads it is `false` and
//!   costs nothing.

pub mod atomic;
pub mod cell;
pub mod hint;

#[cfg(feature = "std")]
mod choose;
#[cfg(feature = "std")]
pub mod futex;
#[cfg(all(
    feature = "std",
    counterpoint_jitter,
    not(any(counterpoint_loom, counterpoint_shuttle))
))]
mod jitter;
#[cfg(feature = "std")]
pub mod lock;
#[cfg(feature = "std")]
pub mod sync;
#[cfg(feature = "std")]
pub mod thread;
#[cfg(feature = "std")]
pub mod time;

#[cfg(feature = "std")]
pub use choose::{Branch, Check, check, choose};

#[cfg(counterpoint_loom)]
#[doc(hidden)]
pub use loom::{lazy_static as __engine_lazy_static, thread_local as __engine_thread_local};
#[cfg(counterpoint_shuttle)]
#[doc(hidden)]
pub use shuttle::{lazy_static as __engine_lazy_static, thread_local as __engine_thread_local};
