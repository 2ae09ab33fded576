//! A mutex whose plain verb is a future.

use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_sync as sync;
use std::sync::Arc;

use crate::face::{futures, guards, transparent};

/// A value that one task or thread at a time may use; see [`counterpoint_sync::Mutex`].
#[repr(transparent)]
pub struct Mutex<T: ?Sized>(sync::Mutex<T>);

transparent! { Mutex [T: ?Sized] [T] (sync::Mutex<T>); }

impl<T> Mutex<T> {
    const_fn! {
        /// A free mutex around `data`.
        pub const fn new(data: T) -> Mutex<T> {
            Mutex(sync::Mutex::new(data))
        }
    }

    /// The value back.
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Takes the lock.
    ///
    /// # Cancel safety
    /// Dropping the future gives up its place in line.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn lock(&self) -> Lock<'_, T> {
        Lock(self.0.lock_async())
    }

    /// Blocks this thread until it has the lock.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn lock_blocking(&self) -> MutexGuard<'_, T> {
        MutexGuard(self.0.lock())
    }

    /// Takes the lock if that needs no wait.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok().map(MutexGuard)
    }

    /// The value, through exclusive access; locks nothing.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }

    /// As [`lock`](Self::lock); future and guard keep the mutex alive.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn lock_arc(self: &Arc<Self>) -> LockArc<T> {
        LockArc(Mutex::shared(self).lock_owned_async())
    }

    /// As [`lock_blocking`](Self::lock_blocking), with a guard that keeps the mutex alive.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn lock_arc_blocking(self: &Arc<Self>) -> MutexGuardArc<T> {
        MutexGuardArc(Mutex::shared(self).lock_owned())
    }

    /// As [`try_lock`](Self::try_lock), with a guard that keeps the mutex alive.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_lock_arc(self: &Arc<Self>) -> Option<MutexGuardArc<T>> {
        Mutex::shared(self).try_lock_owned().ok().map(MutexGuardArc)
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Mutex<T> {
        Mutex::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Mutex<T> {
        Mutex::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

guards! {
    /// Holds a [`Mutex`] until dropped.
    MutexGuard ['a, T: ?Sized] ['a, T] (sync::MutexGuard<'a, T>) => T, mut;
    /// Holds a [`Mutex`] until dropped, and keeps it alive.
    MutexGuardArc [T: ?Sized] [T] (sync::OwnedMutexGuard<T>) => T, mut;
}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    /// The mutex it holds.
    pub fn source(guard: &MutexGuard<'a, T>) -> &'a Mutex<T> {
        Mutex::around(sync::MutexGuard::mutex(&guard.0))
    }
}

impl<T: ?Sized> MutexGuardArc<T> {
    /// The mutex it holds.
    pub fn source(guard: &MutexGuardArc<T>) -> &Arc<Mutex<T>> {
        Mutex::shared_around(sync::OwnedMutexGuard::mutex(&guard.0))
    }
}

futures! {
    /// Takes a [`Mutex`]; made by [`Mutex::lock`].
    Lock ['a, T: ?Sized] ['a, T] (sync::mutex::Lock<'a, T>) -> MutexGuard<'a, T>,
        |guard| MutexGuard(guard);
    /// Takes a [`Mutex`]; made by [`Mutex::lock_arc`].
    LockArc [T: ?Sized] [T] (sync::mutex::LockOwned<T>) -> MutexGuardArc<T>,
        |guard| MutexGuardArc(guard);
}
