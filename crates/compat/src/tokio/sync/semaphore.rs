//! A number of permits whose plain verbs are futures.

use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_sync as sync;
use std::sync::Arc;

use crate::face::transparent;

/// A number of permits, given in the order of arrival; see [`counterpoint_sync::Semaphore::fair`].
#[repr(transparent)]
pub struct Semaphore(sync::Semaphore);

transparent! { Semaphore [] [] (sync::Semaphore); }

/// The semaphore was closed.
#[derive(Debug)]
pub struct AcquireError(());

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("semaphore closed")
    }
}

impl core::error::Error for AcquireError {}

/// Why permits were not given at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryAcquireError {
    /// The semaphore was closed.
    Closed,
    /// Not enough permits, or others wait for them.
    NoPermits,
}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryAcquireError::Closed => "semaphore closed",
            TryAcquireError::NoPermits => "no permits available",
        })
    }
}

impl core::error::Error for TryAcquireError {}

impl From<sync::TryAcquireError> for TryAcquireError {
    fn from(error: sync::TryAcquireError) -> TryAcquireError {
        match error {
            sync::TryAcquireError::Closed => TryAcquireError::Closed,
            // There is no ceiling here.
            sync::TryAcquireError::NoPermits | sync::TryAcquireError::TooMany => {
                TryAcquireError::NoPermits
            }
        }
    }
}

/// What an acquisition without bounds and ceiling ends with.
fn outcome<P, G>(
    acquired: Result<P, sync::AcquireError>,
    permit: impl FnOnce(P) -> G,
) -> Result<G, AcquireError> {
    acquired.map(permit).map_err(|_| AcquireError(()))
}

/// More than `u32` holds is on every machine more than there can be, or as much as it says.
const fn many(n: u32) -> usize {
    n as usize
}

impl Semaphore {
    /// The most permits that a semaphore can hold.
    pub const MAX_PERMITS: usize = sync::Semaphore::MAX_PERMITS;

    const_fn! {
        /// A semaphore with `permits` permits, in a constant.
        ///
        /// # Panics
        /// If `permits` is more than [`MAX_PERMITS`](Self::MAX_PERMITS).
        #[track_caller]
        pub const fn const_new(permits: usize) -> Semaphore {
            Semaphore(sync::Semaphore::fair(permits))
        }
    }

    /// A semaphore with `permits` permits.
    ///
    /// # Panics
    /// If `permits` is more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    #[track_caller]
    pub fn new(permits: usize) -> Semaphore {
        Semaphore::const_new(permits)
    }

    /// The permits that are available; may be wrong at the next moment.
    pub fn available_permits(&self) -> usize {
        self.0.available_permits()
    }

    /// Adds `n` permits.
    ///
    /// # Panics
    /// If there would be more than [`MAX_PERMITS`](Self::MAX_PERMITS) available.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn add_permits(&self, n: usize) {
        self.0.add_permits(n);
    }

    /// Takes away up to `n` available permits for good. Returns how many it were.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn forget_permits(&self, n: usize) -> usize {
        self.0.forget_permits(n)
    }

    /// Closes it for good: all who wait, and all who come, get an error.
    pub fn close(&self) {
        self.0.close();
    }

    /// True once it is closed.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

/// The forms of one verb: for `$arg` permits, or for one.
macro_rules! forms {
    ($what:literal, ($($arg:ident)?), $count:expr,
     $name:ident, $try_:ident, $blocking:ident, $owned:ident, $try_owned:ident, $blocking_owned:ident) => {
        impl Semaphore {
            #[doc = concat!("Takes ", $what, ".")]
            ///
            /// # Errors
            /// [`AcquireError`] if it is closed.
            ///
            /// # Cancel safety
            /// Dropping the future gives up its place in line.
            pub async fn $name(&self, $($arg: u32)?) -> Result<SemaphorePermit<'_>, AcquireError> {
                outcome(self.0.acquire_many_async($count).await, SemaphorePermit)
            }

            #[doc = concat!("Takes ", $what, " if that needs no wait.")]
            ///
            /// # Errors
            /// [`TryAcquireError`] says why not.
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $try_(&self, $($arg: u32)?) -> Result<SemaphorePermit<'_>, TryAcquireError> {
                Ok(SemaphorePermit(self.0.try_acquire_many($count)?))
            }

            #[doc = concat!("Blocks this thread until it has ", $what, ".")]
            ///
            /// # Errors
            /// [`AcquireError`] if it is closed.
            #[track_caller]
            pub fn $blocking(&self, $($arg: u32)?) -> Result<SemaphorePermit<'_>, AcquireError> {
                outcome(self.0.acquire_many($count), SemaphorePermit)
            }

            #[doc = concat!("Takes ", $what, "; what it yields keeps the semaphore alive.")]
            ///
            /// # Errors
            /// [`AcquireError`] if it is closed.
            ///
            /// # Cancel safety
            /// Dropping the future gives up its place in line.
            pub async fn $owned(self: Arc<Self>, $($arg: u32)?) -> Result<OwnedSemaphorePermit, AcquireError> {
                let acquire = Semaphore::shared(&self).acquire_many_owned_async($count);
                drop(self);
                outcome(acquire.await, OwnedSemaphorePermit)
            }

            #[doc = concat!("Takes ", $what, " if that needs no wait; what it yields keeps the semaphore alive.")]
            ///
            /// # Errors
            /// [`TryAcquireError`] says why not.
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $try_owned(self: Arc<Self>, $($arg: u32)?) -> Result<OwnedSemaphorePermit, TryAcquireError> {
                let permit = Semaphore::shared(&self).try_acquire_many_owned($count)?;
                Ok(OwnedSemaphorePermit(permit))
            }

            #[doc = concat!("Blocks this thread until it has ", $what, ", which keeps the semaphore alive.")]
            ///
            /// # Errors
            /// [`AcquireError`] if it is closed.
            #[track_caller]
            pub fn $blocking_owned(self: Arc<Self>, $($arg: u32)?) -> Result<OwnedSemaphorePermit, AcquireError> {
                outcome(Semaphore::shared(&self).acquire_many_owned($count), OwnedSemaphorePermit)
            }
        }
    };
}

forms! {
    "a permit", (), 1,
    acquire, try_acquire, blocking_acquire, acquire_owned, try_acquire_owned, blocking_acquire_owned
}
forms! {
    "`n` permits at once", (n), many(n),
    acquire_many, try_acquire_many, blocking_acquire_many, acquire_many_owned,
    try_acquire_many_owned, blocking_acquire_many_owned
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What permits of both kinds do.
macro_rules! permits {
    ($($(#[$meta:meta])* $name:ident [$($life:lifetime)?] ($inside:ty) $shown:ty, |$it:ident| $semaphore:expr;)*) => {$(
        $(#[$meta])*
        #[derive(Debug)]
        #[must_use = "dropping the permit at once gives it back at once"]
        pub struct $name$(<$life>)?($inside);

        impl$(<$life>)? $name$(<$life>)? {
            /// Gives the permits up without giving them back.
            pub fn forget(self) {
                self.0.forget();
            }

            /// Takes over the permits of `other`.
            ///
            /// # Panics
            /// If `other` belongs to another semaphore; its permits are given back.
            #[track_caller]
            pub fn merge(&mut self, other: Self) {
                self.0.merge(other.0);
            }

            /// Splits off `n` permits; `None` if it has fewer.
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn split(&mut self, n: usize) -> Option<Self> {
                self.0.split(n).map($name)
            }

            /// The semaphore it belongs to.
            pub fn semaphore(&self) -> $shown {
                let $it = &self.0;
                $semaphore
            }

            /// How many permits it stands for.
            pub fn num_permits(&self) -> usize {
                self.0.num_permits()
            }
        }
    )*};
}

permits! {
    /// Permits of a [`Semaphore`], given back when dropped.
    SemaphorePermit ['a] (sync::SemaphorePermit<'a>) &Semaphore, |it| Semaphore::around(it.semaphore());
    /// Permits of a [`Semaphore`] that they keep alive, given back when dropped.
    OwnedSemaphorePermit [] (sync::OwnedSemaphorePermit) &Arc<Semaphore>, |it| Semaphore::shared_around(it.semaphore());
}
