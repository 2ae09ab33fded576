//! The guards of the sharded lock.

use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::panic::{RefUnwindSafe, UnwindSafe};
use counterpoint_base::prim::thread::panicking;
use counterpoint_wait::hooks::{self, Hold, Site};

use super::ShardedLock;
use super::raw::Slot;

/// Reads a [`ShardedLock`] until dropped.
///
/// It stays on the thread that came in, which counts it.
#[must_use = "dropping the guard at once unlocks at once"]
pub struct ShardedLockReadGuard<'a, T: ?Sized> {
    lock: &'a ShardedLock<T>,
    slot: Slot<'a>,
    hold: Hold,
    _stays: PhantomData<*const T>,
}

/// Writes a [`ShardedLock`] until dropped.
///
/// It stays on the thread that took it, as crossbeam's does.
#[must_use = "dropping the guard at once unlocks at once"]
pub struct ShardedLockWriteGuard<'a, T: ?Sized> {
    lock: &'a ShardedLock<T>,
    /// The thread was unwinding already when it locked.
    panicking: bool,
    hold: Hold,
    _stays: PhantomData<*mut T>,
}

// SAFETY: a shared guard gives shared references to the value only.
unsafe impl<T: ?Sized + Sync> Sync for ShardedLockReadGuard<'_, T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Sync> Sync for ShardedLockWriteGuard<'_, T> {}

// A panic with the guard sets the flag of the lock, if something may have been written.
impl<T: ?Sized> UnwindSafe for ShardedLockReadGuard<'_, T> {}
impl<T: ?Sized> RefUnwindSafe for ShardedLockReadGuard<'_, T> {}
impl<T: ?Sized> UnwindSafe for ShardedLockWriteGuard<'_, T> {}
impl<T: ?Sized> RefUnwindSafe for ShardedLockWriteGuard<'_, T> {}

impl<'a, T: ?Sized> ShardedLockReadGuard<'a, T> {
    #[inline(always)]
    pub(super) fn new(
        lock: &'a ShardedLock<T>,
        slot: Slot<'a>,
        hold: Hold,
    ) -> ShardedLockReadGuard<'a, T> {
        ShardedLockReadGuard {
            lock,
            slot,
            hold,
            _stays: PhantomData,
        }
    }

    #[inline(always)]
    pub(super) fn tell_held(&mut self, site: Site) {
        self.hold = hooks::held("ShardedLockReadGuard", self.lock.raw.queue(), site, 1);
    }
}

impl<'a, T: ?Sized> ShardedLockWriteGuard<'a, T> {
    pub(super) fn new(
        lock: &'a ShardedLock<T>,
        panicking: bool,
        hold: Hold,
    ) -> ShardedLockWriteGuard<'a, T> {
        ShardedLockWriteGuard {
            lock,
            panicking,
            hold,
            _stays: PhantomData,
        }
    }

    #[inline(always)]
    pub(super) fn tell_held(&mut self, site: Site) {
        self.hold = hooks::held("ShardedLockWriteGuard", self.lock.raw.queue(), site, 1);
    }
}

impl<T: ?Sized> Drop for ShardedLockReadGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        hooks::released(self.hold);
        self.lock.raw.leave(self.slot);
    }
}

impl<T: ?Sized> Drop for ShardedLockWriteGuard<'_, T> {
    fn drop(&mut self) {
        hooks::released(self.hold);
        if !self.panicking && panicking() {
            self.lock.raw.poison();
        }
        self.lock.raw.unlock();
    }
}

impl<T: ?Sized> Deref for ShardedLockReadGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        hooks::used(&self.hold);
        // SAFETY: a reader is in, so no writer is (raw.rs I2).
        self.lock.data.with(|data| unsafe { &*data })
    }
}

impl<T: ?Sized> Deref for ShardedLockWriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        hooks::used(&self.hold);
        // SAFETY: the writer is in, so nobody else is (raw.rs I2, I4).
        self.lock.data.with(|data| unsafe { &*data })
    }
}

impl<T: ?Sized> DerefMut for ShardedLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        hooks::used(&self.hold);
        // SAFETY: as in `deref`, and the guard is borrowed exclusively.
        self.lock.data.with_mut(|data| unsafe { &mut *data })
    }
}

macro_rules! show {
    ($($guard:ident)*) => {$(
        impl<T: ?Sized + fmt::Debug> fmt::Debug for $guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&**self, f)
            }
        }

        impl<T: ?Sized + fmt::Display> fmt::Display for $guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&**self, f)
            }
        }
    )*};
}

show!(ShardedLockReadGuard ShardedLockWriteGuard);

crate::mutex::obligations! {
    [T: ?Sized] ShardedLockReadGuard<'_, T>: hold;
    [T: ?Sized] ShardedLockWriteGuard<'_, T>: hold;
}
