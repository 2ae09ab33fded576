//! [`ShardedLock`]: a value that threads read all the time and hardly ever write.

#[cfg(doctest)]
mod compile_fail;
mod guard;
mod raw;
mod verb;

use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::thread::panicking;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::hooks::{self, Hold, Site};

pub use guard::{ShardedLockReadGuard, ShardedLockWriteGuard};
pub use raw::{Role, State};
pub use verb::{ShardRead, ShardReadVerb, ShardWrite, ShardWriteVerb};

use crate::mutex::{LockError, TryLockError};
use crate::show::show;
use crate::telemetry::Telemetry;
use raw::{RawSharded, Slot};

/// A value that threads read without disturbing each other, at the expense of those who write.
///
/// A reader counts itself in a place of its own thread: no exchange, and no cache line that others
/// write. A writer keeps new readers out, interrupts all processors of the process for a moment
/// (`membarrier`, where the kernel has it), and waits until each reader has gone.
///
/// Do not use it where more than one access in some hundred writes (`RwLock`), for a large number of
/// locks (each has 2 KiB), or where a guard has to move to another thread: neither guard is `Send`,
/// since the thread that came in counts it. A task that holds one across an `.await` is therefore not
/// `Send` either.
///
/// # Fairness
/// A writer that has claimed the lock stops new readers, so it is not kept out by them. When it is
/// done, all who wait to read and one who waits to write may try, in no order; a newcomer may be faster.
///
/// # Poison
/// A panic while it is written unlocks and sets a flag: [`is_poisoned`](Self::is_poisoned). Neither
/// reading nor writing fails because of it.
///
/// # Deadlocks
/// To read again while reading waits for ever if a writer came in between; to write while reading, or
/// the reverse, always. A `write_async` that waits for readers keeps new ones out until it is polled
/// to its end or dropped. A read guard that is leaked keeps writers out for good.
///
/// # Cost
/// About 2 KiB and the value. Reading: two stores and two loads in all and no fence where the kernel has
/// `membarrier` (two fences elsewhere), for the 16 threads that first waited or read of those alive;
/// for others two exchanges. Writing: some microseconds. A wait allocates nothing.
///
/// ```
/// use counterpoint_sync::ShardedLock;
///
/// let routes = ShardedLock::new(vec!["a", "b"]);
/// assert_eq!(routes.read().len(), 2);
/// routes.write().push("c");
/// assert_eq!(routes.into_inner().len(), 3);
/// ```
pub struct ShardedLock<T: ?Sized> {
    raw: RawSharded,
    data: UnsafeCell<T>,
}

// SAFETY: the data goes from thread to thread with the lock for writing (raw.rs I2).
unsafe impl<T: ?Sized + Send> Send for ShardedLock<T> {}
// SAFETY: as above; readers share it.
unsafe impl<T: ?Sized + Send + Sync> Sync for ShardedLock<T> {}

impl<T: ?Sized> core::panic::UnwindSafe for ShardedLock<T> {}
impl<T: ?Sized> core::panic::RefUnwindSafe for ShardedLock<T> {}

impl<T> ShardedLock<T> {
    const_fn! {
        /// A free lock around `value`.
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn new(value: T) -> ShardedLock<T> {
            ShardedLock { raw: RawSharded::new(), data: UnsafeCell::new(value) }
        }
    }

    /// The value back.
    pub fn into_inner(self) -> T {
        self.data.into_inner()
    }
}

impl<T: ?Sized> ShardedLock<T> {
    /// Blocks this thread until it may read.
    ///
    /// # Deadlocks
    /// May wait for ever if this thread holds a guard already. Inside a task it blocks the
    /// executor's thread: use [`read_async`](Self::read_async) there.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn read(&self) -> ShardedLockReadGuard<'_, T> {
        match self.raw.try_read() {
            Some(slot) => self.read_guard(slot, Site::here()),
            None => self.read_slow(Site::here()),
        }
    }

    #[cold]
    #[inline(never)]
    fn read_slow(&self, site: Site) -> ShardedLockReadGuard<'_, T> {
        self.read_async().made_at(site).wait()
    }

    #[inline(always)]
    fn read_guard<'a>(&'a self, slot: Slot<'a>, site: Site) -> ShardedLockReadGuard<'a, T> {
        let hold = hooks::held("ShardedLockReadGuard", self.raw.queue(), site, 1);
        ShardedLockReadGuard::new(self, slot, hold)
    }

    /// Reads if that needs no wait.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if somebody writes, or waits for readers to go so that it can.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_read(&self) -> Result<ShardedLockReadGuard<'_, T>, TryLockError> {
        match self.raw.try_read() {
            Some(slot) => Ok(self.read_guard(slot, Site::here().trying())),
            None => Err(TryLockError::WouldBlock),
        }
    }

    /// Blocks this thread until it may read, at most for `timeout`; zero tries once.
    ///
    /// # Errors
    /// [`LockError::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn read_timeout(
        &self,
        timeout: Duration,
    ) -> Result<ShardedLockReadGuard<'_, T>, LockError> {
        self.read_async().timeout(timeout).wait()
    }

    /// Blocks this thread until it may read, at most until `deadline`; one in the past tries once.
    ///
    /// # Errors
    /// [`LockError::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn read_deadline(
        &self,
        deadline: Instant,
    ) -> Result<ShardedLockReadGuard<'_, T>, LockError> {
        self.read_async().deadline(deadline).wait()
    }

    /// The operation that waits to read; yields the guard, which is not `Send`.
    ///
    /// # Cancel safety
    /// Dropping it leaves nothing behind.
    ///
    /// ```
    /// use counterpoint_sync::{LockError, ShardedLock};
    /// use counterpoint_wait::block_on;
    /// use std::time::Duration;
    ///
    /// let lock = ShardedLock::new(1);
    /// assert_eq!(*block_on(lock.read_async()), 1);
    /// let written = lock.write();
    /// let soon = lock.read_async().timeout(Duration::from_millis(1));
    /// assert_eq!(soon.wait().err(), Some(LockError::TimedOut));
    /// drop(written);
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn read_async(&self) -> ShardRead<'_, T> {
        verb::read(self)
    }

    /// Blocks this thread until it may write.
    ///
    /// # Deadlocks
    /// Waits for ever if this thread holds a guard already. Inside a task it blocks the executor's
    /// thread: use [`write_async`](Self::write_async) there.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn write(&self) -> ShardedLockWriteGuard<'_, T> {
        self.write_async().wait()
    }

    /// Writes if that needs no wait.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if somebody reads or writes. To find that somebody reads, it keeps
    /// new readers out for a moment, in which a `try_read` fails.
    ///
    /// # Cost
    /// Some microseconds also if somebody reads.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_write(&self) -> Result<ShardedLockWriteGuard<'_, T>, TryLockError> {
        if !self.raw.try_claim() {
            return Err(TryLockError::WouldBlock);
        }
        if !self.raw.try_begin() {
            self.raw.unlock();
            return Err(TryLockError::WouldBlock);
        }
        let mut guard = ShardedLockWriteGuard::new(self, panicking(), Hold::NONE);
        guard.tell_held(Site::here().trying());
        Ok(guard)
    }

    /// Blocks this thread until it may write, at most for `timeout`; zero tries once.
    ///
    /// # Errors
    /// [`LockError::TimedOut`]; readers that it held back come in.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn write_timeout(
        &self,
        timeout: Duration,
    ) -> Result<ShardedLockWriteGuard<'_, T>, LockError> {
        self.write_async().timeout(timeout).wait()
    }

    /// Blocks this thread until it may write, at most until `deadline`; one in the past tries once.
    ///
    /// # Errors
    /// [`LockError::TimedOut`]; readers that it held back come in.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn write_deadline(
        &self,
        deadline: Instant,
    ) -> Result<ShardedLockWriteGuard<'_, T>, LockError> {
        self.write_async().deadline(deadline).wait()
    }

    /// The operation that waits to write; yields the guard, which is not `Send`.
    ///
    /// As an arm of a select it keeps its place, and readers out, as long as the select goes on.
    ///
    /// # Cancel safety
    /// Dropping it lets in the readers that it held back, and leaves nothing behind.
    ///
    /// ```
    /// use counterpoint_sync::ShardedLock;
    /// use counterpoint_wait::block_on;
    ///
    /// let lock = ShardedLock::new(1);
    /// *block_on(lock.write_async()) += 1;
    /// assert_eq!(*lock.read(), 2);
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn write_async(&self) -> ShardWrite<'_, T> {
        verb::write(self)
    }

    /// The value, through exclusive access; locks nothing.
    pub fn get_mut(&mut self) -> &mut T {
        self.data.get_mut()
    }

    /// True if a writer panicked since the flag was last cleared.
    pub fn is_poisoned(&self) -> bool {
        self.raw.is_poisoned()
    }

    /// Clears the flag that [`is_poisoned`](Self::is_poisoned) reads.
    pub fn clear_poison(&self) {
        self.raw.clear_poison();
    }

    /// What state it is in at this instant.
    pub fn telemetry(&self) -> Telemetry {
        self.raw.telemetry()
    }

    /// Names the lock in what the hooks tell. The name belongs to its place: name it where it stays.
    /// Without the feature `hooks` this does nothing.
    #[inline(always)]
    pub fn named(&self, name: &'static str) {
        hooks::name(self.raw.queue(), name);
    }

    /// Gives the lock a rank in the order of locks: see `hooks::rank`. Without the feature `hooks` this
    /// does nothing.
    #[inline(always)]
    pub fn ranked(&self, rank: u32) {
        hooks::rank(self.raw.queue(), rank);
    }

    /// Those who wait for it at this instant, in the order of their places.
    #[cfg(feature = "hooks")]
    pub fn waiters(&self) -> Vec<hooks::Waiter> {
        hooks::visit(self.raw.queue())
    }
}

impl<T: Default> Default for ShardedLock<T> {
    #[cfg_attr(feature = "hooks", track_caller)]
    fn default() -> ShardedLock<T> {
        ShardedLock::new(T::default())
    }
}

impl<T> From<T> for ShardedLock<T> {
    #[cfg_attr(feature = "hooks", track_caller)]
    fn from(value: T) -> ShardedLock<T> {
        ShardedLock::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for ShardedLock<T> {
    /// Never blocks; shows `<locked>` in place of a value it could not read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, "ShardedLock", self.try_read().ok(), self.is_poisoned())
    }
}
