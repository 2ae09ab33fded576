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
//!
//! # What for what
//! | you want | use |
//! |---|---|
//! | a value that one at a time may use | [`sync::Mutex`] |
//! | the same, again by the thread that has it | [`sync::ReentrantMutex`] |
//! | to know whether a mutex is fought over | [`sync::ContendedMutex`] |
//! | a value that many read and few write | [`sync::RwLock`] |
//! | a value that is read all the time and hardly ever written | [`sync::ShardedLock`] |
//! | a value that is made once | [`sync::OnceCell`], [`sync::LazyCell`]; without a value [`sync::Once`] |
//! | at most so many at once | [`sync::Semaphore`] |
//! | a number of parties that go on when all have arrived | [`sync::Barrier`] |
//! | to wait until what a mutex guards has changed | [`sync::Condvar`] |
//! | to say that something happened | [`sync::Notify`] |
//! | a gate that opens and closes, or lets one through | [`sync::ManualResetEvent`], [`sync::AutoResetEvent`] |
//! | a gate that opens for good after a number of things | [`sync::Latch`] |
//! | to say that data of your own changed | [`wait::Event`] |
//! | to wait until all of an unknown number are done | [`sync::WaitGroup`] |
//! | two that meet step by step, with or without swapping values | [`sync::Rendezvous`], [`sync::RendezvousData`] |
//! | a number of them that meet step by step | [`sync::RendezvousGroup`] |
//! | to swap values with whoever comes next | [`sync::Exchanger`] |
//! | a sum to which many threads add without meeting | [`sync::BufMutex`] |
//! | a value of any type that is read and replaced as a whole | [`atomic::AtomicCell`] |
//! | a large `Copy` value that is read often | [`SeqCell`] |
//! | a count that many threads change and few read | [`ShardedCounter`] |
//! | to hand values over without ever waiting | [`queue::ArrayQueue`], without a bound [`queue::SegQueue`], between two threads [`queue::spsc`] |
//! | to free what other threads may still be reading | [`epoch`] |
//! | to stop what is under way | [`cancel::CancelToken`], and [`cancel::Ctl`] to pass it on |
//! | the first of several | [`select!`], in a task [`select_async!`] |
//! | threads that borrow | [`thread::scope`] |
//! | to find what only some schedules do | [`model`] |
//! | a delay | [`time::sleep`] |
//! | one future, on this thread | [`wait::block_on`] |
//! | to build something that waits | [`wait::Parker`], [`wait::AtomicWaker`], [`wait::build`] |
//!
//! # Forms
//! | form | waits |
//! |---|---|
//! | `x.verb()` | blocking the thread |
//! | `x.try_verb()` | not at all |
//! | `x.verb_timeout(duration)`, `x.verb_deadline(instant)` | blocking the thread, bounded; zero or the past tries once |
//! | `x.verb_async().await` | in a task |
//! | `x.verb_async().timeout(d)`, `.deadline(t)`, `.with(&ctl)`, `.until(future)` | bounded, in any combination; then `.await` or `.wait()` |
//! | `pattern = x.verb_async() => …` in a select | until the first of several |
//! | `x.verb_owned…` on an `Arc` | as each of these; what it yields keeps `x` alive |
//!
//! # Features
//! `compat`: the peers' public paths and signatures, as `counterpoint::compat`.
//! `futures`: `FusedFuture` of futures-core for every operation.
//! `lock-metrics`: [`sync::ContendedMutex`] counts; without it, it is a `Mutex`.
//! `ledger`: who holds what since when and where, leaks and deadlocks, as `counterpoint::ledger`; `tracing`:
//! what it finds, as events.
//! `hooks`: tells a sink who waits, who was granted and who holds; see [`wait::build::hooks`].
#![forbid(unsafe_code)]

pub use counterpoint_base::{Backoff, CachePadded, SeqCell, ShardedCounter, static_};
pub use counterpoint_wait::{listener, select, select_async, select_biased};

/// Cancellation that is passed explicitly: a tree of tokens, and the context of a call.
pub mod cancel {
    #[doc(inline)]
    pub use counterpoint_wait::cancel::{
        CancelToken, Cancelled, Ctl, DropGuard, RunUntilCancelled,
    };
}

/// Deques for schedulers: the tasks of a thread, open to thieves, and those that come from anywhere.
pub mod deque {
    #[doc(inline)]
    pub use counterpoint_lockfree::deque::*;
}

/// Queues for any number of threads, in which nobody sleeps.
pub mod queue {
    #[doc(inline)]
    pub use counterpoint_lockfree::queue::*;
}

/// Memory that is freed when nobody can be looking at it any longer.
pub mod epoch {
    #[doc(inline)]
    pub use counterpoint_lockfree::epoch::*;
}

/// Locks, permits, signals and groups, for threads and tasks alike.
pub mod sync {
    #[doc(inline)]
    pub use counterpoint_sync::*;
}

/// A cell for values of any type, and loads that order what depends on them. Also atomics that a
/// checker sees, and can weaken by the name of their site: for programs that are to run under
/// [`model`].
pub mod atomic {
    #[doc(inline)]
    pub use counterpoint_base::atomic::{AtomicCell, AtomicConsume};
    #[doc(inline)]
    pub use counterpoint_base::prim::atomic::{
        AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Order, RELAXED,
        acq_rel, acquire, fence_acquire, fence_release, fence_seq_cst, release,
    };
}

#[cfg(any(counterpoint_loom, counterpoint_shuttle))]
mod checker;

/// Runs a program written with counterpoint under a checker, which tries its schedules and finds
/// deadlocks, lost updates and lost wake-ups.
///
/// **Empty unless a checker is chosen**, for all code that is built, by one of
/// `RUSTFLAGS="--cfg counterpoint_shuttle"` (many schedules, at random; no weak memory; any number
/// of threads) and `RUSTFLAGS="--cfg counterpoint_loom"` (every schedule up to a number of
/// preemptions, with weak memory; five threads at most, in small programs). Then it holds
/// `check(program)`, `Checker` for its options, `task(future)`, `choose(branch)` and `Branch`.
///
/// What the checker has to see comes from here: threads and scopes from [`thread`], locks and
/// signals from [`sync`], atomics from [`atomic`], deadlines from the operations themselves. `Arc`
/// is std's. Not for programs that take time, random numbers or files into their decisions: the
/// same schedule must do the same again.
///
/// ```
/// #[cfg(any(counterpoint_loom, counterpoint_shuttle))]
/// fn no_update_is_lost() {
///     use counterpoint::{model, sync::Mutex, thread};
///     use std::sync::Arc;
///
///     model::check(|| {
///         let count = Arc::new(Mutex::new(0));
///         let threads = [0, 1].map(|_| {
///             let count = count.clone();
///             thread::spawn(move || *count.lock() += 1)
///         });
///         for thread in threads {
///             thread.join().unwrap();
///         }
///         assert_eq!(*count.lock(), 2);
///     });
/// }
/// ```
///
/// A check that fails prints `COUNTERPOINT_SCHEDULE=…`; with that variable set the same program
/// runs the same schedule again, under a debugger if you like. `COUNTERPOINT_EXECUTIONS` and
/// `COUNTERPOINT_SEED` choose how many schedules there are, and which. The guide is
/// `docs/guide/checking.md` of the repository.
pub mod model {
    #[cfg(any(counterpoint_loom, counterpoint_shuttle))]
    #[doc(inline)]
    pub use crate::checker::{Branch, Checker, Task, check, choose, task};
}

/// Threads: std's, or under [`model`] the checker's; and scopes, whose threads may borrow.
pub mod thread {
    #[doc(inline)]
    pub use counterpoint_base::prim::thread::{JoinHandle, spawn, yield_now};
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
        Bounded, Op, Operation, Stop,
        atomic_waker::AtomicWaker,
        block_on,
        event::{Event, Listen},
        parker::{ParkAsync, Parker, UnparkReason, Unparker},
    };

    /// Selecting over arms that are known at run time only.
    pub mod select {
        #[doc(inline)]
        pub use counterpoint_wait::select::{
            ArmSlot, FutureSlot, Select, SelectWait, arm, future_arm,
        };
    }

    /// What bounds an operation, by name.
    #[doc(inline)]
    pub use counterpoint_wait::{CtlStop, Stops, UntilStop};

    /// For those who build primitives: the verb behind an operation, and the queue it waits in.
    pub mod build {
        #[doc(inline)]
        pub use counterpoint_wait::hooks;
        #[doc(inline)]
        pub use counterpoint_wait::op::{Enable, LockedQueue, Turn, Verb};
        #[doc(inline)]
        pub use counterpoint_wait::queue::{End, Grant, Locked, Node, Pick, WaitQueue};
        #[doc(inline)]
        pub use counterpoint_wait::staged;
        #[doc(inline)]
        pub use counterpoint_wait::waker::{WakeBatch, wake_in_batches, wake_in_batches_or};
    }
}

#[cfg(feature = "compat")]
#[doc(inline)]
pub use counterpoint_compat as compat;

#[cfg(feature = "ledger")]
#[doc(inline)]
pub use counterpoint_ledger as ledger;

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

#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/checking.md")]
struct Checking;
