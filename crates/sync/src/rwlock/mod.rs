//! [`RwLock`]: one value, many readers or one writer at a time, for threads and tasks alike.

#[cfg(doctest)]
mod compile_fail;
mod error;
mod guard;
mod mapped;
mod raw;
mod verb;
mod word;

use crate::show::show;
use crate::telemetry::Telemetry;
use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::hooks::{self, Site};
use std::sync::Arc;

pub use error::{RwLockError, TryReadError, TryWriteError, UpgradeError};
pub use guard::{
    OwnedRwLockReadGuard, OwnedRwLockUpgradableReadGuard, OwnedRwLockWriteGuard, RwLockReadGuard,
    RwLockUpgradableReadGuard, RwLockWriteGuard,
};
pub use mapped::{
    MappedRwLockReadGuard, MappedRwLockWriteGuard, OwnedMappedRwLockReadGuard,
    OwnedMappedRwLockWriteGuard,
};
pub use raw::{State, Want};
pub use verb::{
    Access, AccessVerb, Borrowed, Exclusive, Guard, Mode, Owned, Read, ReadOwned, ReadRecursive,
    ReadRecursiveOwned, Recursive, Shared, Upgradable, UpgradableRead, UpgradableReadOwned,
    Upgrade, UpgradeOwned, Upgrading, Write, WriteOwned,
};

pub use word::Kind;

use raw::RawRwLock;

/// A value that many may read at once, or one may write.
///
/// `read` and `write` block the thread; `read_async` and `write_async` are operations: `.await`
/// them, `.wait()` for them, bound them by `.timeout`, `.deadline`, `.with(&ctl)` or
/// `.until(future)`, or make them arms of a `select!`. Guards may be held across an `.await` and
/// moved to another thread.
///
/// Use it where reading takes long or writing is rare. Where both are short a `Mutex` is faster; a
/// small `Copy` value that is read often belongs into a `SeqCell`.
///
/// # Fairness
/// A writer in line keeps new readers from joining those who hold the lock. All readers in line
/// before the next writer come in together; readers that a waiting writer held back come in at once
/// when it gives up. A newcomer may take a *free* lock before a waiter that was just woken; a waiter
/// that has lost for half a millisecond gets the lock reserved. [`RwLock::fair`] serves strictly in
/// order. A wake-up never transfers the lock, so a future that was granted it and is not polled
/// keeps nobody out; a reservation for such a future ends a millisecond after somebody queues behind
/// it.
///
/// # Poison
/// A panic while the guard that writes is held unlocks and sets a flag:
/// [`is_poisoned`](Self::is_poisoned). Locking never fails because of it.
///
/// # Deadlocks
/// Writing while holding a guard waits for ever. So does reading while holding a guard that reads,
/// if a writer came between: use [`read_recursive`](Self::read_recursive) there. A `select!` over
/// writing and reading keeps its own reader back while its writer is in line, as any writer would.
///
/// # Cost
/// 24 bytes and the value. Free: one exchange to come in, one addition or exchange to leave. A wait
/// allocates nothing. As many as [`MAX_READERS`](Self::MAX_READERS) read at once; more wait.
///
/// ```
/// use counterpoint_sync::RwLock;
///
/// let lock = RwLock::new(5);
/// {
///     let (one, other) = (lock.read(), lock.read());
///     assert_eq!(*one + *other, 10);
/// }
/// *lock.write() += 1;
/// assert_eq!(lock.into_inner(), 6);
/// ```
pub struct RwLock<T: ?Sized> {
    raw: RawRwLock,
    data: UnsafeCell<T>,
}

// SAFETY: the data goes from thread to thread with the lock; raw.rs I1 makes a writer exclusive.
unsafe impl<T: ?Sized + Send> Send for RwLock<T> {}
// SAFETY: as above; readers of several threads have shared references at once.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}

impl<T: ?Sized> core::panic::UnwindSafe for RwLock<T> {}
impl<T: ?Sized> core::panic::RefUnwindSafe for RwLock<T> {}

impl<T> RwLock<T> {
    const_fn! {
        /// A free lock around `value`.
        #[inline]
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn new(value: T) -> RwLock<T> {
            RwLock { raw: RawRwLock::new(false), data: UnsafeCell::new(value) }
        }

        /// A free lock that serves strictly in the order of arrival: nobody overtakes, and `try_*`
        /// fail while anyone waits. One who reads beside an upgradable reader is not held back by
        /// those who wait to be upgradable readers.
        ///
        /// Costs context switches under contention. A first in line that does not come for a
        /// millisecond while somebody queues behind it is passed over.
        #[inline]
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn fair(value: T) -> RwLock<T> {
            RwLock { raw: RawRwLock::new(true), data: UnsafeCell::new(value) }
        }
    }

    /// The value back.
    pub fn into_inner(self) -> T {
        self.data.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// How many may read at once.
    pub const MAX_READERS: usize = word::MAX_READERS;

    /// Why one who reads could not come in at once.
    #[cold]
    fn refused_read(&self) -> TryReadError {
        if self.raw.readers() >= Self::MAX_READERS {
            TryReadError::TooManyReaders
        } else {
            TryReadError::WouldBlock
        }
    }

    /// Why one who writes could not come in at once.
    const fn refused_write(&self) -> TryWriteError {
        TryWriteError::WouldBlock
    }

    /// The value, through exclusive access; locks nothing.
    pub fn get_mut(&mut self) -> &mut T {
        self.data.get_mut()
    }

    /// True if one who wrote panicked since the flag was last cleared.
    pub fn is_poisoned(&self) -> bool {
        self.raw.is_poisoned()
    }

    /// Clears the flag that [`is_poisoned`](Self::is_poisoned) reads.
    pub fn clear_poison(&self) {
        self.raw.clear_poison();
    }

    /// Names the lock in what the hooks tell. The name belongs to its place: name it where it
    /// stays. Without the feature `hooks` this does nothing.
    #[inline(always)]
    pub fn named(&self, name: &'static str) {
        hooks::name(self.raw.queue(), name);
    }

    /// Gives the lock a rank in the order of locks, as [`Mutex::ranked`](crate::Mutex::ranked) does.
    #[inline(always)]
    pub fn ranked(&self, rank: u32) {
        hooks::rank(self.raw.queue(), rank);
    }

    /// Those who wait for it at this instant, in the order of their places.
    #[cfg(feature = "hooks")]
    pub fn waiters(&self) -> Vec<hooks::Waiter> {
        hooks::visit(self.raw.queue())
    }

    /// What state it is in, all of one instant; see [`Telemetry`].
    pub fn telemetry(&self) -> Telemetry {
        self.raw.telemetry()
    }

    /// True if anybody reads or writes at this moment; may be wrong at the next.
    pub fn is_locked(&self) -> bool {
        self.raw.is_locked()
    }

    /// True if somebody writes at this moment; may be wrong at the next.
    pub fn is_locked_exclusive(&self) -> bool {
        self.raw.is_locked_to_write()
    }

    /// How many read at this moment; may be wrong at the next.
    pub fn readers(&self) -> usize {
        self.raw.readers()
    }
}

/// The forms of one waiting verb; `$owned` are those on a shared pointer.
macro_rules! forms {
    (
        $mode:ident, $guard:ident, $owned_guard:ident, $op:ident, $op_owned:ident, $what:literal,
        |$raw:ident| $enter:expr, $kind:ident, $error:ident, $refused:ident,
        $name:ident, $try_:ident, $timeout:ident, $deadline:ident, $async_:ident,
        $owned:ident, $try_owned:ident, $owned_timeout:ident, $owned_deadline:ident,
        $owned_async:ident, { $($more:literal)* } { $($example:literal)* }
    ) => {
        impl<T: ?Sized> RwLock<T> {
            #[doc = concat!("Blocks this thread until it may ", $what, ".")]
            $(#[doc = $more])*
            ///
            /// # Deadlocks
            #[doc = concat!("See [`RwLock`]. Inside a task it blocks the executor's thread: use [`", stringify!($async_), "`](Self::", stringify!($async_), ") there.")]
            #[inline]
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $name(&self) -> $guard<'_, T> {
                let $raw = &self.raw;
                if $enter || $raw.spin(Kind::$kind) {
                    return self.entered::<$mode>(Site::here());
                }
                self.$async_().wait()
            }

            #[doc = concat!("Comes in to ", $what, " if that needs no wait.")]
            ///
            /// # Errors
            #[doc = concat!("[`", stringify!($error), "`], says why not.")]
            #[inline]
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $try_(&self) -> Result<$guard<'_, T>, $error> {
                let $raw = &self.raw;
                if $enter {
                    return Ok(self.entered::<$mode>(Site::here().trying()));
                }
                Err(self.$refused())
            }

            #[doc = concat!("Blocks this thread until it may ", $what, ", at most for `timeout`; zero tries once.")]
            ///
            /// # Errors
            /// [`RwLockError::TimedOut`].
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $timeout(&self, timeout: Duration) -> Result<$guard<'_, T>, RwLockError> {
                self.$async_().timeout(timeout).wait()
            }

            #[doc = concat!("Blocks this thread until it may ", $what, ", at most until `deadline`; one in the past tries once.")]
            ///
            /// # Errors
            /// [`RwLockError::TimedOut`].
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $deadline(&self, deadline: Instant) -> Result<$guard<'_, T>, RwLockError> {
                self.$async_().deadline(deadline).wait()
            }

            #[doc = concat!("The operation that comes in to ", $what, "; yields the guard.")]
            ///
            /// # Cancel safety
            /// Dropping it gives up its place in line, lets in whom it held back, and leaves
            /// nothing behind.
            ///
            $(#[doc = $example])*
            #[inline]
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $async_(&self) -> $op<'_, T> {
                verb::borrowed(self)
            }

            #[doc = concat!("As [`", stringify!($name), "`](Self::", stringify!($name), "), with a guard that keeps the lock alive.")]
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $owned(self: &Arc<Self>) -> $owned_guard<T> {
                let $raw = &self.raw;
                if $enter {
                    return self.entered_owned::<$mode>(Site::here());
                }
                self.$owned_async().wait()
            }

            #[doc = concat!("As [`", stringify!($try_), "`](Self::", stringify!($try_), "), with a guard that keeps the lock alive.")]
            ///
            /// # Errors
            #[doc = concat!("[`", stringify!($error), "`], says why not.")]
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $try_owned(self: &Arc<Self>) -> Result<$owned_guard<T>, $error> {
                let $raw = &self.raw;
                if $enter {
                    return Ok(self.entered_owned::<$mode>(Site::here().trying()));
                }
                Err(self.$refused())
            }

            #[doc = concat!("As [`", stringify!($timeout), "`](Self::", stringify!($timeout), "), with a guard that keeps the lock alive.")]
            ///
            /// # Errors
            /// [`RwLockError::TimedOut`].
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $owned_timeout(
                self: &Arc<Self>,
                timeout: Duration,
            ) -> Result<$owned_guard<T>, RwLockError> {
                self.$owned_async().timeout(timeout).wait()
            }

            #[doc = concat!("As [`", stringify!($deadline), "`](Self::", stringify!($deadline), "), with a guard that keeps the lock alive.")]
            ///
            /// # Errors
            /// [`RwLockError::TimedOut`].
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $owned_deadline(
                self: &Arc<Self>,
                deadline: Instant,
            ) -> Result<$owned_guard<T>, RwLockError> {
                self.$owned_async().deadline(deadline).wait()
            }

            #[doc = concat!("As [`", stringify!($async_), "`](Self::", stringify!($async_), "); the operation and its guard keep the lock alive.")]
            ///
            /// # Cancel safety
            /// As there.
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $owned_async(self: &Arc<Self>) -> $op_owned<T> {
                verb::owned(self.clone())
            }
        }
    };
}

forms! {
    Shared, RwLockReadGuard, OwnedRwLockReadGuard, Read, ReadOwned, "read",
    |raw| raw.try_read(), Read, TryReadError, refused_read,
    read, try_read, read_timeout, read_deadline, read_async,
    read_owned, try_read_owned, read_owned_timeout, read_owned_deadline, read_owned_async,
    {}
    {
        "```"
        "use counterpoint_sync::{RwLock, RwLockError};"
        "use std::time::Duration;"
        ""
        "let lock = RwLock::new(1);"
        "let writes = lock.write();"
        "let reads = lock.read_async().timeout(Duration::from_millis(1)).wait();"
        "assert_eq!(reads.err(), Some(RwLockError::TimedOut));"
        "drop(writes);"
        "assert_eq!(*lock.read_async().wait(), 1);"
        "```"
    }
}

forms! {
    Exclusive, RwLockWriteGuard, OwnedRwLockWriteGuard, Write, WriteOwned, "write",
    |raw| raw.try_write(), Write, TryWriteError, refused_write,
    write, try_write, write_timeout, write_deadline, write_async,
    write_owned, try_write_owned, write_owned_timeout, write_owned_deadline, write_owned_async,
    {}
    {
        "```"
        "use counterpoint_sync::{RwLock, RwLockWriteGuard};"
        ""
        "let lock = RwLock::new(1);"
        "let mut writes = lock.write_async().wait();"
        "*writes += 1;"
        "let reads = RwLockWriteGuard::downgrade(writes);"
        "assert_eq!(*reads + *lock.read(), 4);"
        "```"
    }
}

forms! {
    Upgradable, RwLockUpgradableReadGuard, OwnedRwLockUpgradableReadGuard, UpgradableRead,
    UpgradableReadOwned, "read, and perhaps to write later",
    |raw| raw.try_take(Kind::Upgradable), Upgradable, TryReadError, refused_read,
    upgradable_read, try_upgradable_read, upgradable_read_timeout, upgradable_read_deadline,
    upgradable_read_async,
    upgradable_read_owned, try_upgradable_read_owned, upgradable_read_owned_timeout,
    upgradable_read_owned_deadline, upgradable_read_owned_async,
    { "" "One at a time holds such a guard; others may read beside it." }
    {
        "```"
        "use counterpoint_sync::{RwLock, RwLockUpgradableReadGuard};"
        ""
        "let lock = RwLock::new(Vec::new());"
        "let reads = lock.upgradable_read_async().wait();"
        "if reads.is_empty() {"
        "    RwLockUpgradableReadGuard::upgrade(reads).push(1);"
        "}"
        "assert_eq!(*lock.read(), [1]);"
        "```"
    }
}

forms! {
    Recursive, RwLockReadGuard, OwnedRwLockReadGuard, ReadRecursive, ReadRecursiveOwned,
    "read",
    |raw| raw.try_take(Kind::Recursive), Recursive, TryReadError, refused_read,
    read_recursive, try_read_recursive, read_recursive_timeout, read_recursive_deadline,
    read_recursive_async,
    read_recursive_owned, try_read_recursive_owned, read_recursive_owned_timeout,
    read_recursive_owned_deadline, read_recursive_owned_async,
    {
        ", and comes in at once if somebody reads already, also before a writer in line."
        ""
        "So one who reads may read once more without waiting. One that came while somebody wrote stands"
        "in line like others, and is let in before a writer in front of it only if it looks again."
        "Writers may starve if all read this way."
    }
    {
        "```"
        "use counterpoint_sync::RwLock;"
        ""
        "let lock = RwLock::new(1);"
        "let outer = lock.read();"
        "assert_eq!(*outer, *lock.read_recursive_async().wait());"
        "```"
    }
}

impl<T: Default> Default for RwLock<T> {
    #[cfg_attr(feature = "hooks", track_caller)]
    fn default() -> RwLock<T> {
        RwLock::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    #[cfg_attr(feature = "hooks", track_caller)]
    fn from(value: T) -> RwLock<T> {
        RwLock::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    /// Never blocks; shows `<locked>` in place of a value that it could not read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(
            f,
            "RwLock",
            self.try_read_recursive().ok(),
            self.is_poisoned(),
        )
    }
}
