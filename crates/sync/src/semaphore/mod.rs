//! [`Semaphore`]: a number of permits, for threads and tasks alike.

mod error;
mod permit;
mod raw;
mod verb;

use crate::telemetry::Telemetry;
use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_base::prim::thread::panicking;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::hooks::{self, Site};
use std::sync::Arc;

pub use error::{AcquireError, TryAcquireError};
pub use permit::{OwnedSemaphorePermit, SemaphorePermit};
pub use raw::{State, Want};
pub use verb::{Acquire, AcquireOwned, AcquireVerb, Shared, Source};

use raw::{RawSemaphore, Refused};
use verb::signed;

/// A number of permits, of which everyone who does something holds some.
///
/// Use it to bound how many do the same thing at once: open files, requests on their way. For one
/// at a time with a value behind it use `Mutex`; to say that something happened use `Notify`.
///
/// `acquire` blocks the thread; `acquire_async` is an operation: `.await` it, `.wait()` for it,
/// bound it by `.timeout`, `.deadline`, `.with(&ctl)` or `.until(future)`, or make it an arm of a
/// `select!`.
///
/// # Batches
/// `acquire_many` waits for all its permits at once. Until they are all there it takes none: with
/// five permits free and a waiter for ten, five are available to others. Waiters are served in the
/// order in which they came, whatever their size; if the first one leaves, the next are looked at.
///
/// # Fairness
/// A newcomer may take permits before a waiter that was just woken. A waiter that has lost for half
/// a millisecond makes newcomers queue until it is served. [`Semaphore::fair`] always makes them
/// queue, and `try_acquire` fails while anyone waits. A wake-up never transfers permits, so a
/// future that was granted some and is not polled does not hold them; what is kept for it goes to
/// whoever comes by, a millisecond after somebody has queued behind it.
///
/// # Closing
/// [`close`](Self::close) ends all waits with [`AcquireError::Closed`]; permits that are held stay
/// valid. A waiter that was granted its permits before may still take them.
///
/// # Cancel safety
/// Dropping an operation gives up its place in line; permits that were kept for it go to the next.
///
/// # Cost
/// Nobody waits: one exchange to acquire, one addition to release. A wait allocates nothing.
///
/// ```
/// use counterpoint_sync::{Semaphore, TryAcquireError};
///
/// let semaphore = Semaphore::new(2);
/// let one = semaphore.acquire()?;
/// let two = semaphore.acquire()?;
/// assert_eq!(semaphore.try_acquire().err(), Some(TryAcquireError::NoPermits));
/// drop(one);
/// assert!(semaphore.try_acquire().is_ok());
/// # drop(two);
/// # Ok::<(), counterpoint_sync::AcquireError>(())
/// ```
pub struct Semaphore {
    raw: RawSemaphore,
}

impl Semaphore {
    /// The most permits that a semaphore can hold.
    pub const MAX_PERMITS: usize = raw::MAX as usize;

    const_fn! {
        /// A semaphore with `permits` permits.
        ///
        /// # Panics
        /// If `permits` is more than [`MAX_PERMITS`](Self::MAX_PERMITS).
        #[inline]
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn new(permits: usize) -> Semaphore {
            Semaphore::build(permits, usize::MAX, false)
        }

        /// A semaphore that serves strictly in the order of arrival: nobody overtakes, and `try_*`
        /// fail while anyone waits.
        ///
        /// Costs a context switch per release under contention. A first in line that does not claim
        /// for a millisecond while somebody queues behind it is passed over.
        ///
        /// # Panics
        /// If `permits` is more than [`MAX_PERMITS`](Self::MAX_PERMITS).
        #[inline]
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn fair(permits: usize) -> Semaphore {
            Semaphore::build(permits, usize::MAX, true)
        }

        /// This semaphore, still unused, with the promise that it will never have more than
        /// `ceiling` permits at once: who asks for more gets `TooMany` instead of waiting for ever.
        #[must_use]
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn with_ceiling(mut self, ceiling: usize) -> Semaphore {
            self.raw.set_ceiling(ceiling);
            self
        }

        #[cfg_attr(feature = "hooks", track_caller)]
        const fn build(permits: usize, ceiling: usize, strict: bool) -> Semaphore {
            assert!(
                permits <= Semaphore::MAX_PERMITS,
                "counterpoint: Semaphore: `permits` is more than MAX_PERMITS"
            );
            Semaphore { raw: RawSemaphore::new(permits, ceiling, strict) }
        }
    }

    #[inline(always)]
    const fn raw(&self) -> &RawSemaphore {
        &self.raw
    }

    /// The permits in the counter: those that `acquire` could take, were there no order. May be
    /// wrong at the next moment.
    pub fn available_permits(&self) -> usize {
        usize::try_from(self.raw.permits()).unwrap_or(0)
    }

    /// How many permits are still to be given back before any is available again; see
    /// [`reduce`](Self::reduce).
    pub fn debt(&self) -> usize {
        usize::try_from(-self.raw.permits()).unwrap_or(0)
    }

    /// Adds `permits` permits, and wakes whoever can have some now. They pay a debt first.
    ///
    /// # Panics
    /// If there would be more than [`MAX_PERMITS`](Self::MAX_PERMITS) available.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn add_permits(&self, permits: usize) {
        let (kind, queue, site) = ("Semaphore::add_permits", self.raw.queue(), Site::here());
        hooks::added(kind, queue, site, permits);
        if permits > Semaphore::MAX_PERMITS || !self.raw.add(permits as u64) {
            hooks::removed(kind, queue, site, permits);
            panic!(
                "counterpoint: Semaphore::add_permits: `permits` = {permits} is more than \
                 MAX_PERMITS together with what is available"
            );
        }
    }

    /// Takes away up to `permits` available permits for good. Returns how many it were.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn forget_permits(&self, permits: usize) -> usize {
        let taken = self.raw.forget(signed(permits)) as usize;
        let (kind, queue) = ("Semaphore::forget_permits", self.raw.queue());
        hooks::removed(kind, queue, Site::here(), taken);
        taken
    }

    /// Takes away `permits` permits for good: those that are not available are a debt, which later
    /// releases pay before anybody is given one.
    ///
    /// # Panics
    /// If the debt would be more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn reduce(&self, permits: usize) {
        assert!(
            permits <= Semaphore::MAX_PERMITS && self.raw.reduce(signed(permits)),
            "counterpoint: Semaphore::reduce: `permits` = {permits} makes a debt of more than \
             MAX_PERMITS"
        );
        let (kind, queue) = ("Semaphore::reduce", self.raw.queue());
        hooks::removed(kind, queue, Site::here(), permits);
    }

    /// Closes it for good: nobody gets a permit any more, and all who wait get
    /// [`AcquireError::Closed`]. Permits that are held stay valid.
    ///
    /// ```
    /// use counterpoint_sync::{AcquireError, Semaphore};
    ///
    /// let semaphore = Semaphore::new(1);
    /// let held = semaphore.acquire()?;
    /// semaphore.close();
    /// assert_eq!(semaphore.acquire().err(), Some(AcquireError::Closed));
    /// assert_eq!(held.num_permits(), 1);
    /// # Ok::<(), AcquireError>(())
    /// ```
    pub fn close(&self) {
        self.raw.close();
    }

    /// Names the semaphore in what the hooks tell. The name belongs to its place: name it where it
    /// stays. Without the feature `hooks` this does nothing.
    #[inline(always)]
    pub fn named(&self, name: &'static str) {
        hooks::name(self.raw.queue(), name);
    }

    /// What state it is in, all of one instant; see [`Telemetry`].
    pub fn telemetry(&self) -> Telemetry {
        self.raw.telemetry()
    }

    /// Those who wait for permits at this instant, in the order of their places.
    #[cfg(feature = "hooks")]
    pub fn waiters(&self) -> Vec<hooks::Waiter> {
        hooks::visit(self.raw.queue())
    }

    /// True once it is closed.
    pub fn is_closed(&self) -> bool {
        self.raw.is_closed()
    }

    #[inline]
    fn take(&self, min: usize, max: usize) -> Result<usize, TryAcquireError> {
        assert!(
            min <= max,
            "counterpoint: Semaphore: `min` = {min} is more than `max` = {max}"
        );
        if min > self.raw.ceiling() {
            return Err(TryAcquireError::TooMany);
        }
        let mut taken = self.raw.try_take(signed(min), signed(max));
        if taken == Err(Refused::Fair) {
            taken = self.raw.try_take_fair(signed(min), signed(max));
        }
        match taken {
            Ok(taken) => Ok(taken as usize),
            Err(Refused::Closed) => Err(TryAcquireError::Closed),
            Err(Refused::Few | Refused::Fair) => Err(TryAcquireError::NoPermits),
        }
    }

    /// A permit ends.
    #[inline]
    fn give_back(&self, permits: usize) {
        if !self.raw.release(permits as u64) {
            too_many_given_back(permits);
        }
    }
}

#[cold]
fn too_many_given_back(permits: usize) {
    assert!(
        panicking(),
        "counterpoint: Semaphore: permits were added while `permits` = {permits} were held, and now \
         there are more than MAX_PERMITS"
    );
}

/// The forms of one waiting verb; `$owned` are those on a shared pointer.
macro_rules! forms {
    (
        $what:literal, ($($arg:ident),*) => ($min:expr, $max:expr),
        $name:ident, $try_:ident, $timeout:ident, $deadline:ident, $async_:ident,
        $owned:ident, $try_owned:ident, $owned_timeout:ident, $owned_deadline:ident,
        $owned_async:ident, { $($example:literal)* }
    ) => {
        impl Semaphore {
            #[doc = concat!("Blocks this thread until it has ", $what, ".")]
            ///
            /// # Errors
            /// [`AcquireError::Closed`]; [`AcquireError::TooMany`] above the ceiling.
            ///
            /// # Deadlocks
            #[doc = concat!("Inside a task it blocks the executor's thread: use [`", stringify!($async_), "`](Self::", stringify!($async_), ") there.")]
            #[inline]
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $name(&self, $($arg: usize),*) -> Result<SemaphorePermit<'_>, AcquireError> {
                match self.take($min, $max) {
                    Ok(taken) => Ok(SemaphorePermit::new(self, taken).held_at(Site::here())),
                    Err(_) => self.$async_($($arg),*).wait(),
                }
            }

            #[doc = concat!("Takes ", $what, " if that needs no wait.")]
            ///
            /// # Errors
            /// [`TryAcquireError::NoPermits`] if there are not enough, or they are kept for those
            /// who wait; [`TryAcquireError::Closed`]; [`TryAcquireError::TooMany`] above the
            /// ceiling.
            #[inline]
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $try_(&self, $($arg: usize),*) -> Result<SemaphorePermit<'_>, TryAcquireError> {
                let taken = self.take($min, $max)?;
                Ok(SemaphorePermit::new(self, taken).held_at(Site::here()))
            }

            #[doc = concat!("Blocks this thread until it has ", $what, ", at most for `timeout`; zero tries once.")]
            ///
            /// # Errors
            /// [`AcquireError::TimedOut`], and those of the form without timeout.
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $timeout(
                &self, $($arg: usize,)* timeout: Duration
            ) -> Result<SemaphorePermit<'_>, AcquireError> {
                self.$async_($($arg),*).timeout(timeout).wait()
            }

            #[doc = concat!("Blocks this thread until it has ", $what, ", at most until `deadline`; one in the past tries once.")]
            ///
            /// # Errors
            /// [`AcquireError::TimedOut`], and those of the form without deadline.
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $deadline(
                &self, $($arg: usize,)* deadline: Instant
            ) -> Result<SemaphorePermit<'_>, AcquireError> {
                self.$async_($($arg),*).deadline(deadline).wait()
            }

            #[doc = concat!("The operation that takes ", $what, "; yields the permit.")]
            ///
            /// # Errors
            /// [`AcquireError::Closed`]; [`AcquireError::TooMany`] above the ceiling; of bounded
            /// forms also [`AcquireError::TimedOut`] and [`AcquireError::Cancelled`].
            ///
            /// # Cancel safety
            /// Dropping it gives up its place in line and leaves nothing behind.
            ///
            $(#[doc = $example])*
            #[inline]
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $async_(&self, $($arg: usize),*) -> Acquire<'_> {
                verb::acquire(self, $min, $max)
            }

            #[doc = concat!("As [`", stringify!($name), "`](Self::", stringify!($name), "), with a permit that keeps the semaphore alive.")]
            ///
            /// # Errors
            /// [`AcquireError::Closed`]; [`AcquireError::TooMany`] above the ceiling.
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $owned(
                self: &Arc<Self>, $($arg: usize),*
            ) -> Result<OwnedSemaphorePermit, AcquireError> {
                match self.take($min, $max) {
                    Ok(taken) => {
                        Ok(OwnedSemaphorePermit::new(self.clone(), taken).held_at(Site::here()))
                    }
                    Err(_) => self.$owned_async($($arg),*).wait(),
                }
            }

            #[doc = concat!("As [`", stringify!($try_), "`](Self::", stringify!($try_), "), with a permit that keeps the semaphore alive.")]
            ///
            /// # Errors
            /// [`TryAcquireError::NoPermits`], [`TryAcquireError::Closed`],
            /// [`TryAcquireError::TooMany`].
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $try_owned(
                self: &Arc<Self>, $($arg: usize),*
            ) -> Result<OwnedSemaphorePermit, TryAcquireError> {
                let taken = self.take($min, $max)?;
                Ok(OwnedSemaphorePermit::new(self.clone(), taken).held_at(Site::here()))
            }

            #[doc = concat!("As [`", stringify!($timeout), "`](Self::", stringify!($timeout), "), with a permit that keeps the semaphore alive.")]
            ///
            /// # Errors
            /// [`AcquireError::TimedOut`], and those of the form without timeout.
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $owned_timeout(
                self: &Arc<Self>, $($arg: usize,)* timeout: Duration
            ) -> Result<OwnedSemaphorePermit, AcquireError> {
                self.$owned_async($($arg),*).timeout(timeout).wait()
            }

            #[doc = concat!("As [`", stringify!($deadline), "`](Self::", stringify!($deadline), "), with a permit that keeps the semaphore alive.")]
            ///
            /// # Errors
            /// [`AcquireError::TimedOut`], and those of the form without deadline.
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $owned_deadline(
                self: &Arc<Self>, $($arg: usize,)* deadline: Instant
            ) -> Result<OwnedSemaphorePermit, AcquireError> {
                self.$owned_async($($arg),*).deadline(deadline).wait()
            }

            #[doc = concat!("As [`", stringify!($async_), "`](Self::", stringify!($async_), "); the operation and its permit keep the semaphore alive.")]
            ///
            /// # Errors
            /// As without `owned`.
            ///
            /// # Cancel safety
            /// Dropping it gives up its place in line and leaves nothing behind.
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $owned_async(self: &Arc<Self>, $($arg: usize),*) -> AcquireOwned {
                verb::acquire_owned(self.clone(), $min, $max)
            }
        }
    };
}

forms! {
    "one permit", () => (1, 1),
    acquire, try_acquire, acquire_timeout, acquire_deadline, acquire_async,
    acquire_owned, try_acquire_owned, acquire_owned_timeout, acquire_owned_deadline,
    acquire_owned_async,
    {
        "```"
        "use counterpoint_sync::{AcquireError, Semaphore};"
        "use std::time::Duration;"
        ""
        "let semaphore = Semaphore::new(1);"
        "let held = semaphore.acquire_async().wait()?;"
        "let second = semaphore.acquire_async().timeout(Duration::from_millis(1)).wait();"
        "assert_eq!(second.err(), Some(AcquireError::TimedOut));"
        "# drop(held);"
        "# Ok::<(), AcquireError>(())"
        "```"
    }
}

forms! {
    "`permits` permits at once", (permits) => (permits, permits),
    acquire_many, try_acquire_many, acquire_many_timeout, acquire_many_deadline,
    acquire_many_async,
    acquire_many_owned, try_acquire_many_owned, acquire_many_owned_timeout,
    acquire_many_owned_deadline, acquire_many_owned_async,
    {
        "```"
        "use counterpoint_sync::Semaphore;"
        ""
        "let semaphore = Semaphore::new(3);"
        "let two = semaphore.acquire_many_async(2).wait()?;"
        "assert_eq!(two.num_permits(), 2);"
        "# Ok::<(), counterpoint_sync::AcquireError>(())"
        "```"
    }
}

forms! {
    "at least `min` permits, and up to `max` if they are there (panics if `min` is more than `max`)",
    (min, max) => (min, max),
    acquire_up_to, try_acquire_up_to, acquire_up_to_timeout, acquire_up_to_deadline,
    acquire_up_to_async,
    acquire_up_to_owned, try_acquire_up_to_owned, acquire_up_to_owned_timeout,
    acquire_up_to_owned_deadline, acquire_up_to_owned_async,
    {
        "```"
        "use counterpoint_sync::Semaphore;"
        ""
        "let semaphore = Semaphore::new(3);"
        "let some = semaphore.acquire_up_to_async(1, 8).wait()?;"
        "assert_eq!(some.num_permits(), 3);"
        "# Ok::<(), counterpoint_sync::AcquireError>(())"
        "```"
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("available", &self.available_permits())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
