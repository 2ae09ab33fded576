//! [`ReentrantMutex`]: a lock that its thread may take again.
//!
//! # From
//! parking_lot's `ReentrantMutex` and std's `ReentrantLock`. Differs: deadlines, tokens and select as
//! every lock here has them, a poison flag, and the mutex underneath is that of [`Mutex`](crate::Mutex),
//! with its fairness.
//!
//! # State
//! | word of the mutex | `thread` | `depth` | meaning |
//! |---|---|---|---|
//! | free | 0 | 0 | free |
//! | `LOCKED` | 0 | 0 | just taken, or about to be given back |
//! | `LOCKED` | a thread | its guards | held |
//!
//! # Fields
//! `thread` is written by the holder of the mutex only, and read by anybody; `depth` belongs to the
//! thread that `thread` names.
//!
//! # Invariants
//! * I1: `thread` is the number of a thread only while that thread holds the mutex. The number is
//!   never given to another thread, and stays the thread's own while its destructors run.
//! * I2: `depth` is the number of guards; the mutex is given back with the last.
//!
//! # Edges
//! E1 of `mutex/raw.rs`. Reading its own number, a thread reads what it wrote itself.
//!
//! # Waiting, Cancel
//! Those of the mutex. A thread that holds it already takes it again at a first attempt only: what an
//! operation was granted is claimed or passed on, never forgotten.
//!
//! # Panic
//! A guard that is dropped by a panic since it was made poisons, also if it is not the last.
//!
//! # Rejected
//! * The index of the thread's record as its number: an ending thread gives its record back while
//!   destructors of its thread-locals still run, in which it may hold the lock; another thread would
//!   then take itself for the owner, and two would share what is not `Sync`.
//! * An owner per task: a guard would have to know its task on any executor.
//!
//! # Checked by
//! dev/model tests/reentrant.rs; crates/sync tests/reentrant.rs.

mod guard;
mod verb;

use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::{AtomicU64, RELAXED};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_base::record::thread_id;
use counterpoint_wait::hooks::{self, Site};

pub use guard::{MappedReentrantMutexGuard, ReentrantMutexGuard};
pub use verb::{ReentrantLock, ReentrantVerb};

use crate::mutex::raw::RawMutex;
use crate::mutex::{LockError, TryLockError};
use crate::show::show;
use crate::telemetry::Telemetry;

/// Who holds a reentrant mutex, and how often.
struct Owner {
    thread: AtomicU64,
    depth: UnsafeCell<usize>,
}

impl Owner {
    const_fn! {
        const fn new() -> Owner {
            Owner { thread: AtomicU64::new(0), depth: UnsafeCell::new(0) }
        }
    }

    /// This thread holds it.
    #[inline]
    fn is_me(&self) -> bool {
        // Relaxed: only this thread can have written its own number (I1).
        self.thread.load(RELAXED) == thread_id()
    }

    /// The mutex was just taken by this thread.
    #[inline]
    fn begin(&self) {
        self.thread.store(thread_id(), RELAXED); // Relaxed: for this thread alone (I1).
        // SAFETY: this thread holds the mutex (I1).
        self.depth.with_mut(|depth| unsafe { *depth = 1 });
    }

    /// One guard more or less; returns how many there are.
    #[inline]
    fn change(&self, by: impl FnOnce(usize) -> usize) -> usize {
        debug_assert!(self.is_me());
        self.depth.with_mut(|depth| {
            // SAFETY: this thread holds the mutex, since it has a guard or is the owner (I1).
            let depth = unsafe { &mut *depth };
            *depth = by(*depth);
            *depth
        })
    }

    /// The last guard lets go.
    #[inline]
    fn end(&self) {
        self.thread.store(0, RELAXED); // Relaxed: as in `begin`.
    }
}

/// A value behind a lock that the thread which holds it may take again.
///
/// Guards give shared references, since one thread may have several; put a `Cell` or a `RefCell` inside
/// to change the value. The lock belongs to the thread: a guard cannot be sent away, and a future
/// that holds one is not `Send`. Do not use it where a [`Mutex`](crate::Mutex) does: a lock that is
/// taken again hides that a function is entered in the middle of its own work.
///
/// **In tasks** the owner is still the thread: two tasks on one thread pass as one owner. Hold no
/// guard across an `.await`.
///
/// # Poison
/// As of [`Mutex`](crate::Mutex): a panic sets a flag and unlocks.
///
/// # Cost
/// 32 bytes and the value. Free: one exchange each way, as the mutex; again: a comparison.
///
/// ```
/// use counterpoint_sync::ReentrantMutex;
/// use std::cell::Cell;
///
/// let depth = ReentrantMutex::new(Cell::new(0));
/// let outer = depth.lock();
/// let inner = depth.lock();
/// inner.set(outer.get() + 1);
/// drop((outer, inner));
/// assert_eq!(depth.into_inner().get(), 1);
/// ```
pub struct ReentrantMutex<T: ?Sized> {
    raw: RawMutex,
    owner: Owner,
    data: UnsafeCell<T>,
}

// SAFETY: the value goes from thread to thread with the lock, and one thread at a time has
// references to it (I1).
unsafe impl<T: ?Sized + Send> Send for ReentrantMutex<T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send> Sync for ReentrantMutex<T> {}

// A panic with a guard sets the flag.
impl<T: ?Sized> core::panic::UnwindSafe for ReentrantMutex<T> {}
impl<T: ?Sized> core::panic::RefUnwindSafe for ReentrantMutex<T> {}

impl<T> ReentrantMutex<T> {
    const_fn! {
        /// A free mutex around `value`.
        #[inline]
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn new(value: T) -> ReentrantMutex<T> {
            ReentrantMutex {
                raw: RawMutex::new(false),
                owner: Owner::new(),
                data: UnsafeCell::new(value),
            }
        }

        /// A free mutex that serves other threads strictly in the order of arrival, as
        /// [`Mutex::fair`](crate::Mutex::fair) does; its owner does not wait.
        #[inline]
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn fair(value: T) -> ReentrantMutex<T> {
            ReentrantMutex {
                raw: RawMutex::new(true),
                owner: Owner::new(),
                data: UnsafeCell::new(value),
            }
        }
    }

    /// The value back.
    pub fn into_inner(self) -> T {
        self.data.into_inner()
    }
}

impl<T: ?Sized> ReentrantMutex<T> {
    /// Blocks this thread until it has the lock; at once if it has it already.
    ///
    /// # Panics
    /// If this thread has `usize::MAX` guards.
    ///
    /// # Deadlocks
    /// Inside a task it blocks the executor's thread: use [`lock_async`](Self::lock_async) there.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn lock(&self) -> ReentrantMutexGuard<'_, T> {
        self.lock_at(Site::here())
    }

    fn lock_at(&self, site: Site) -> ReentrantMutexGuard<'_, T> {
        if self.take() {
            return self.guard(site);
        }
        if self.raw.spin() {
            self.owner.begin();
            return self.guard(site);
        }
        self.lock_async().made_at(site).wait()
    }

    /// Takes the lock if that needs no wait.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if another thread holds it, or it is kept for one that waits.
    ///
    /// # Panics
    /// If this thread has `usize::MAX` guards.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_lock(&self) -> Result<ReentrantMutexGuard<'_, T>, TryLockError> {
        match self.take() {
            true => Ok(self.guard(Site::here().trying())),
            false => Err(TryLockError::WouldBlock),
        }
    }

    /// Blocks this thread until it has the lock, at most for `timeout`; zero tries once.
    ///
    /// # Errors
    /// [`LockError::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn lock_timeout(&self, timeout: Duration) -> Result<ReentrantMutexGuard<'_, T>, LockError> {
        self.lock_async().timeout(timeout).wait()
    }

    /// Blocks this thread until it has the lock, at most until `deadline`; one in the past tries
    /// once.
    ///
    /// # Errors
    /// [`LockError::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn lock_deadline(
        &self,
        deadline: Instant,
    ) -> Result<ReentrantMutexGuard<'_, T>, LockError> {
        self.lock_async().deadline(deadline).wait()
    }

    /// The operation that takes the lock; yields the guard, to the thread that polls it.
    ///
    /// # Cancel safety
    /// Dropping it gives up its place in line and leaves nothing behind.
    ///
    /// # Deadlocks
    /// One that stands in line waits for the lock as any other: a thread that takes the lock meanwhile,
    /// by another call, and then waits for this one waits for itself.
    ///
    /// ```
    /// use counterpoint_sync::{LockError, ReentrantMutex};
    /// use counterpoint_wait::cancel::{CancelToken, Ctl};
    ///
    /// let mutex = ReentrantMutex::new(());
    /// let _held = mutex.lock();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         let token = CancelToken::new();
    ///         token.cancel("no patience");
    ///         let other = mutex.lock_async().with(&Ctl::new().cancel(&token)).wait();
    ///         assert_eq!(other.err(), Some(LockError::Cancelled));
    ///     });
    /// });
    /// ```
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn lock_async(&self) -> ReentrantLock<'_, T> {
        verb::lock(self)
    }

    /// The value, through exclusive access; locks nothing.
    pub fn get_mut(&mut self) -> &mut T {
        self.data.get_mut()
    }

    /// What state it is in, all of one instant; see [`Telemetry`].
    pub fn telemetry(&self) -> Telemetry {
        self.raw.telemetry("ReentrantMutex")
    }

    /// True if it is held at this moment; may be wrong at the next.
    pub fn is_locked(&self) -> bool {
        self.raw.is_locked()
    }

    /// True if this thread holds it.
    pub fn is_owned_by_current_thread(&self) -> bool {
        self.owner.is_me()
    }

    /// True if a holder panicked since the flag was last cleared.
    pub fn is_poisoned(&self) -> bool {
        self.raw.is_poisoned()
    }

    /// Clears the flag that [`is_poisoned`](Self::is_poisoned) reads.
    pub fn clear_poison(&self) {
        self.raw.clear_poison();
    }

    /// Names the mutex in what the hooks tell, as [`Mutex::named`](crate::Mutex::named) does.
    #[inline(always)]
    pub fn named(&self, name: &'static str) {
        hooks::name(self.raw.queue(), name);
    }

    /// Gives the mutex a rank in the order of locks, as [`Mutex::ranked`](crate::Mutex::ranked) does.
    #[inline(always)]
    pub fn ranked(&self, rank: u32) {
        hooks::rank(self.raw.queue(), rank);
    }

    /// Those who wait for it at this instant, in the order of their places.
    #[cfg(feature = "hooks")]
    pub fn waiters(&self) -> Vec<hooks::Waiter> {
        hooks::visit(self.raw.queue())
    }

    /// Takes the lock, or takes it again, if that needs no wait.
    #[inline]
    fn take(&self) -> bool {
        if self.raw.try_lock() {
            self.owner.begin();
            return true;
        }
        self.take_again()
    }

    /// Takes it again, if this thread holds it.
    fn take_again(&self) -> bool {
        let mine = self.owner.is_me();
        if mine {
            self.owner.change(|depth| {
                depth
                    .checked_add(1)
                    .expect("counterpoint: a reentrant mutex has too many guards")
            });
        }
        mine
    }
}

impl<T: Default> Default for ReentrantMutex<T> {
    #[cfg_attr(feature = "hooks", track_caller)]
    fn default() -> ReentrantMutex<T> {
        ReentrantMutex::new(T::default())
    }
}

impl<T> From<T> for ReentrantMutex<T> {
    #[cfg_attr(feature = "hooks", track_caller)]
    fn from(value: T) -> ReentrantMutex<T> {
        ReentrantMutex::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for ReentrantMutex<T> {
    /// Never blocks; shows `<locked>` in place of a value it could not lock.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(
            f,
            "ReentrantMutex",
            self.try_lock().ok(),
            self.is_poisoned(),
        )
    }
}
