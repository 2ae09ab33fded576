//! The wait room of counterpoint: the one place that parks a thread or stores a `Waker`.
//!
//! Every waiting verb of every room is an [`Op`]: a future whose node lies in the future itself,
//! that a thread can also wait for, bound by a deadline or a
//! [`CancelToken`](cancel::CancelToken), or make an arm of a [`select!`](macro@crate::select).
//! Users reach these names through the `counterpoint` facade.

pub mod atomic_waker;
mod block;
mod bounded;
pub mod cancel;
pub mod event;
pub mod hooks;
pub mod op;
pub mod parker;
pub mod queue;
pub mod select;
pub mod staged;
pub mod timer;
pub mod token;
pub mod waker;

pub use block::block_on;
pub use bounded::{Bounded, CtlStop, Stops, UntilStop};
pub use op::{Op, Operation, Stop};
