//! The guard of the mutex that counts.

use core::fmt;
use core::ops::{Deref, DerefMut};
use counterpoint_wait::hooks;

use super::ContendedMutex;
use super::chosen::Holding;
use crate::mutex::MutexGuard;

/// Holds a [`ContendedMutex`] until dropped.
///
/// It is `Send` if the value is: the lock belongs to the guard, not to the thread.
#[must_use = "dropping the guard at once unlocks at once"]
pub struct ContendedMutexGuard<'a, T: ?Sized> {
    mutex: &'a ContendedMutex<T>,
    /// Dropped before the guard, so that the counts change under the lock.
    holding: Holding<'a>,
    guard: MutexGuard<'a, T>,
}

impl<'a, T: ?Sized> ContendedMutexGuard<'a, T> {
    #[inline(always)]
    pub(super) fn new(
        mutex: &'a ContendedMutex<T>,
        guard: MutexGuard<'a, T>,
        holding: Holding<'a>,
    ) -> ContendedMutexGuard<'a, T> {
        ContendedMutexGuard {
            mutex,
            holding,
            guard,
        }
    }

    #[inline(always)]
    pub(super) fn tell_held(&mut self, site: hooks::Site) {
        self.guard.tell_held(site);
    }

    /// The mutex it holds.
    pub fn mutex(this: &ContendedMutexGuard<'a, T>) -> &'a ContendedMutex<T> {
        this.mutex
    }

    /// Unlocks, and reserves the lock for the first waiter if there is one; see
    /// [`MutexGuard::unlock_fair`].
    pub fn unlock_fair(this: ContendedMutexGuard<'a, T>) {
        let ContendedMutexGuard { holding, guard, .. } = this;
        holding.end();
        MutexGuard::unlock_fair(guard);
    }
}

impl<T: ?Sized> Deref for ContendedMutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T: ?Sized> DerefMut for ContendedMutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for ContendedMutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for ContendedMutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

impl<T: ?Sized> hooks::Obligation for ContendedMutexGuard<'_, T> {
    fn hold(&self) -> &hooks::Hold {
        hooks::Obligation::hold(&self.guard)
    }
}
