//! **counterpoint**: a concurrency toolkit in which everything that waits, waits the same way.
//!
//! Every waiting verb blocks as in `std` under its plain name, and is one operation value under
//! its `…_async` name: a future that a thread can also wait for, bound by a deadline or a
//! [`CancelToken`](cancel::CancelToken), and an arm of one [`select!`], in a thread or in a task.
//!
//! ```
//! use counterpoint::sync::{Mutex, Semaphore};
//! use counterpoint::select;
//! use std::time::Duration;
//!
//! let (ledger, slots) = (Mutex::new(Vec::new()), Semaphore::new(1));
//! select! {
//!     mut entries = ledger.lock_async() => entries.push("got the lock first"),
//!     slot = slots.acquire_async() => drop(slot),
//!     timeout(Duration::from_secs(1)) => println!("neither in time"),
//! }
//! ```
#![forbid(unsafe_code)]

pub use counterpoint_base::{Backoff, CachePadded, SeqCell, ShardedCounter, static_};
pub use counterpoint_wait::{select, select_async, select_biased};

/// Cancellation that is passed explicitly: a tree of tokens, and the context of a call.
pub mod cancel {
    #[doc(inline)]
    pub use counterpoint_wait::cancel::{
        CancelToken, Cancelled, Ctl, DropGuard, RunUntilCancelled,
    };
}

/// Locks, permits, signals and groups, for threads and tasks alike.
pub mod sync {
    #[doc(inline)]
    pub use counterpoint_sync::*;
}

/// Threads that end before the scope they were started in.
pub mod thread {
    #[doc(inline)]
    pub use counterpoint_base::thread::{Scope, ScopedJoinHandle, ScopedThreadBuilder, scope};
}

/// Sleeping tasks, and the driver of their timers.
pub mod time {
    #[doc(inline)]
    pub use counterpoint_wait::timer::{
        AlreadyInstalled, SleepUntil, TimerNode, TimerSource, fire, install, sleep, sleep_until,
    };
}

/// The wait core: what every waiting verb is, and the small primitives that are nothing else.
pub mod wait {
    #[doc(inline)]
    pub use counterpoint_wait::{
        Bounded, CtlStop, Op, Operation, Stop, Stops, UntilStop,
        atomic_waker::AtomicWaker,
        block_on,
        parker::{ParkAsync, Parker, UnparkReason, Unparker},
    };

    /// Selecting over arms that are known at run time only.
    pub mod select {
        #[doc(inline)]
        pub use counterpoint_wait::select::{
            ArmSlot, FutureSlot, Select, SelectWait, arm, future_arm,
        };
    }

    /// For those who build primitives: the verb behind an operation, and the queue it waits in.
    pub mod build {
        #[doc(inline)]
        pub use counterpoint_wait::op::{LockedQueue, Turn, Verb};
        #[doc(inline)]
        pub use counterpoint_wait::queue::{End, Grant, Locked, Pick, WaitQueue};
        #[doc(inline)]
        pub use counterpoint_wait::waker::{WakeBatch, wake_in_batches};
    }
}

#[cfg(feature = "compat")]
#[doc(inline)]
pub use counterpoint_compat as compat;

/// What most programs use.
pub mod prelude {
    #[doc(no_inline)]
    pub use crate::cancel::{CancelToken, Ctl};
    #[doc(no_inline)]
    pub use crate::wait::Operation;
    #[doc(no_inline)]
    pub use crate::{select, select_async, select_biased};
}

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
