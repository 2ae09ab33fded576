//! `std::sync`: locks that tell of poison, cells, `Barrier`, `Arc`.
//!
//! What differs: `Condvar` may be used with several mutexes at a time; a closure that asks for the
//! cell it fills panics in place of waiting for ever; what belongs to a lock is not its size; unlocking
//! may look at the lock for a moment after another thread has it, so unsafe code must not free it as
//! soon as it has locked it for the last time (an `Arc` around it is right). The compiler is stricter in three
//! places: two `OnceLock` or `LazyLock` that refer to each other by a borrow of the same scope do not live long
//! enough; a `RwLockReadGuard` of a long-lived reference is none of a short-lived one; and a `LazyLock` is not
//! reached by an exclusive reference (no `DerefMut`).
//!
//! Not here: `mpsc` and `atomic`, which are no locks, and what std has not made stable.
//!
//! ```
//! use counterpoint_compat::std_sync::{Arc, Mutex};
//! use std::thread;
//!
//! let count = Arc::new(Mutex::new(0));
//! let threads = [1, 2].map(|n| {
//!     let count = Arc::clone(&count);
//!     thread::spawn(move || *count.lock().unwrap() += n)
//! });
//! for thread in threads {
//!     thread.join().unwrap();
//! }
//! assert_eq!(*count.lock().unwrap(), 3);
//! ```

pub use counterpoint_sync::poison::{
    Barrier, BarrierWaitResult, Condvar, LazyLock, LockResult, Mutex, MutexGuard, Once, OnceLock,
    OnceState, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError, TryLockResult,
    WaitTimeoutResult,
};
pub use std::sync::{Arc, Weak};
