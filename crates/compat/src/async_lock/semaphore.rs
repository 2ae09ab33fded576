//! A number of permits whose plain verb is a future.

use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_sync as sync;
use std::sync::Arc;

use crate::face::{futures, transparent};

/// A number of permits; see [`counterpoint_sync::Semaphore`].
#[repr(transparent)]
pub struct Semaphore(sync::Semaphore);

transparent! { Semaphore [] [] (sync::Semaphore); }

/// Nobody can close it from here.
fn open<P>(acquired: Result<P, sync::AcquireError>) -> P {
    acquired.expect("counterpoint: a semaphore of async_lock is never closed")
}

impl Semaphore {
    const_fn! {
        /// A semaphore with `n` permits.
        ///
        /// # Panics
        /// If `n` is more than [`counterpoint_sync::Semaphore::MAX_PERMITS`].
        pub const fn new(n: usize) -> Semaphore {
            Semaphore(sync::Semaphore::new(n))
        }
    }

    /// Takes a permit if that needs no wait.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_acquire(&self) -> Option<SemaphoreGuard<'_>> {
        self.0.try_acquire().ok().map(SemaphoreGuard)
    }

    /// Takes a permit.
    ///
    /// # Cancel safety
    /// Dropping the future gives up its place in line.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn acquire(&self) -> Acquire<'_> {
        Acquire(self.0.acquire_async())
    }

    /// Blocks this thread until it has a permit.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn acquire_blocking(&self) -> SemaphoreGuard<'_> {
        SemaphoreGuard(open(self.0.acquire()))
    }

    /// As [`try_acquire`](Self::try_acquire), with a permit that keeps the semaphore alive.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_acquire_arc(self: &Arc<Self>) -> Option<SemaphoreGuardArc> {
        let permit = Semaphore::shared(self).try_acquire_owned();
        permit.ok().map(SemaphoreGuardArc)
    }

    /// As [`acquire`](Self::acquire); future and permit keep the semaphore alive.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn acquire_arc(self: &Arc<Self>) -> AcquireArc {
        AcquireArc(Semaphore::shared(self).acquire_owned_async())
    }

    /// As [`acquire_blocking`](Self::acquire_blocking), with a permit that keeps the semaphore alive.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn acquire_arc_blocking(self: &Arc<Self>) -> SemaphoreGuardArc {
        SemaphoreGuardArc(open(Semaphore::shared(self).acquire_owned()))
    }

    /// Adds `n` permits.
    ///
    /// # Panics
    /// If there would be more than [`counterpoint_sync::Semaphore::MAX_PERMITS`] available.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn add_permits(&self, n: usize) {
        self.0.add_permits(n);
    }

    /// The permits that are available; may be wrong at the next moment.
    pub fn available_permits(&self) -> usize {
        self.0.available_permits()
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A permit of a [`Semaphore`], given back when dropped.
#[derive(Debug)]
#[must_use = "dropping the permit at once gives it back at once"]
pub struct SemaphoreGuard<'a>(sync::SemaphorePermit<'a>);

impl SemaphoreGuard<'_> {
    /// Gives the permit up without giving it back.
    pub fn forget(self) {
        self.0.forget();
    }
}

/// A permit of a [`Semaphore`] that it keeps alive, given back when dropped.
#[derive(Debug)]
#[must_use = "dropping the permit at once gives it back at once"]
pub struct SemaphoreGuardArc(sync::OwnedSemaphorePermit);

impl SemaphoreGuardArc {
    /// Gives the permit up without giving it back.
    pub fn forget(self) {
        self.0.forget();
    }
}

futures! {
    /// Takes a permit; made by [`Semaphore::acquire`].
    Acquire ['a] ['a] (sync::semaphore::Acquire<'a>) -> SemaphoreGuard<'a>,
        |permit| SemaphoreGuard(open(permit));
    /// Takes a permit; made by [`Semaphore::acquire_arc`].
    AcquireArc [] [] (sync::semaphore::AcquireOwned) -> SemaphoreGuardArc,
        |permit| SemaphoreGuardArc(open(permit));
}
