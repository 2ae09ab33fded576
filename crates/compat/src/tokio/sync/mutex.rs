//! A mutex whose plain verb is a future.

use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_sync as sync;
use std::sync::Arc;

use crate::face::{guard_traits, guards, transparent};

/// A value that one task or thread at a time may use, in the order of arrival; see
/// [`counterpoint_sync::Mutex::fair`].
#[repr(transparent)]
pub struct Mutex<T: ?Sized>(sync::Mutex<T>);

transparent! { Mutex [T: ?Sized] [T] (sync::Mutex<T>); }

/// A lock is held, or others wait for it.
#[derive(Debug)]
pub struct TryLockError(pub(super) ());

impl fmt::Display for TryLockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("operation would block")
    }
}

impl core::error::Error for TryLockError {}

impl<T> Mutex<T> {
    const_fn! {
        /// A free mutex around `t`, in a constant.
        pub const fn const_new(t: T) -> Mutex<T> {
            Mutex(sync::Mutex::fair(t))
        }
    }

    /// A free mutex around `t`.
    pub fn new(t: T) -> Mutex<T> {
        Mutex::const_new(t)
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
    pub async fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(self.0.lock_async().await)
    }

    /// Blocks this thread until it has the lock.
    #[track_caller]
    pub fn blocking_lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(self.0.lock())
    }

    /// As [`blocking_lock`](Self::blocking_lock), with a guard that keeps the mutex alive.
    #[track_caller]
    pub fn blocking_lock_owned(self: Arc<Self>) -> OwnedMutexGuard<T> {
        OwnedMutexGuard(Mutex::shared(&self).lock_owned())
    }

    /// As [`lock`](Self::lock), with a guard that keeps the mutex alive.
    ///
    /// # Cancel safety
    /// Dropping the future gives up its place in line.
    pub async fn lock_owned(self: Arc<Self>) -> OwnedMutexGuard<T> {
        let lock = Mutex::shared(&self).lock_owned_async();
        drop(self);
        OwnedMutexGuard(lock.await)
    }

    /// Takes the lock if that needs no wait.
    ///
    /// # Errors
    /// [`TryLockError`] if it is held, or somebody waits for it.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>, TryLockError> {
        let guard = self.0.try_lock();
        guard.map(MutexGuard).map_err(|_| TryLockError(()))
    }

    /// As [`try_lock`](Self::try_lock), with a guard that keeps the mutex alive.
    ///
    /// # Errors
    /// [`TryLockError`] if it is held, or somebody waits for it.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_lock_owned(self: Arc<Self>) -> Result<OwnedMutexGuard<T>, TryLockError> {
        let guard = Mutex::shared(&self).try_lock_owned();
        guard.map(OwnedMutexGuard).map_err(|_| TryLockError(()))
    }

    /// The value, through exclusive access; locks nothing.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
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
    /// Never waits; shows `<locked>` in place of a value it could not lock.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Mutex");
        match self.0.try_lock() {
            Ok(guard) => debug.field("data", &&*guard),
            Err(_) => debug.field("data", &format_args!("<locked>")),
        };
        debug.finish()
    }
}

guards! {
    /// Holds a [`Mutex`] until dropped.
    MutexGuard ['a, T: ?Sized] ['a, T] (sync::MutexGuard<'a, T>) => T, mut;
    /// Holds a [`Mutex`] until dropped, and keeps it alive.
    OwnedMutexGuard [T: ?Sized] [T] (sync::OwnedMutexGuard<T>) => T, mut;
    /// Holds a [`Mutex`] until dropped, and shows a part of its value.
    MappedMutexGuard ['a, T: ?Sized] ['a, T] (sync::MappedMutexGuard<'a, T>) => T, mut;
}

// With a default in the type, which the macro above does not know.
/// Holds a [`Mutex`] until dropped, keeps it alive, and shows a part of its value.
#[must_use = "dropping the guard at once unlocks at once"]
pub struct OwnedMappedMutexGuard<T: ?Sized, U: ?Sized = T>(sync::OwnedMappedMutexGuard<T, U>);

guard_traits! { OwnedMappedMutexGuard [T: ?Sized, U: ?Sized] [T, U] => U, mut; }

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    /// A guard of a part of the value.
    pub fn map<U: ?Sized, F: FnOnce(&mut T) -> &mut U>(
        this: Self,
        f: F,
    ) -> MappedMutexGuard<'a, U> {
        MappedMutexGuard(sync::MutexGuard::map(this.0, f))
    }

    /// A guard of a part of the value, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `f` returns `None`.
    pub fn try_map<U: ?Sized, F: FnOnce(&mut T) -> Option<&mut U>>(
        this: Self,
        f: F,
    ) -> Result<MappedMutexGuard<'a, U>, Self> {
        let part = sync::MutexGuard::try_map(this.0, f);
        part.map(MappedMutexGuard).map_err(MutexGuard)
    }

    /// The mutex it holds.
    pub fn mutex(this: &Self) -> &'a Mutex<T> {
        Mutex::around(sync::MutexGuard::mutex(&this.0))
    }
}

impl<T: ?Sized> OwnedMutexGuard<T> {
    /// A guard of a part of the value.
    pub fn map<U: ?Sized, F: FnOnce(&mut T) -> &mut U>(
        this: Self,
        f: F,
    ) -> OwnedMappedMutexGuard<T, U> {
        OwnedMappedMutexGuard(sync::OwnedMutexGuard::map(this.0, f))
    }

    /// A guard of a part of the value, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `f` returns `None`.
    pub fn try_map<U: ?Sized, F: FnOnce(&mut T) -> Option<&mut U>>(
        this: Self,
        f: F,
    ) -> Result<OwnedMappedMutexGuard<T, U>, Self> {
        let part = sync::OwnedMutexGuard::try_map(this.0, f);
        part.map(OwnedMappedMutexGuard).map_err(OwnedMutexGuard)
    }

    /// The mutex it holds.
    pub fn mutex(this: &Self) -> &Arc<Mutex<T>> {
        Mutex::shared_around(sync::OwnedMutexGuard::mutex(&this.0))
    }
}

impl<'a, T: ?Sized> MappedMutexGuard<'a, T> {
    /// A guard of a smaller part.
    pub fn map<U: ?Sized, F: FnOnce(&mut T) -> &mut U>(
        this: Self,
        f: F,
    ) -> MappedMutexGuard<'a, U> {
        MappedMutexGuard(sync::MappedMutexGuard::map(this.0, f))
    }

    /// A guard of a smaller part, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `f` returns `None`.
    pub fn try_map<U: ?Sized, F: FnOnce(&mut T) -> Option<&mut U>>(
        this: Self,
        f: F,
    ) -> Result<MappedMutexGuard<'a, U>, Self> {
        let part = sync::MappedMutexGuard::try_map(this.0, f);
        part.map(MappedMutexGuard).map_err(MappedMutexGuard)
    }
}

impl<T: ?Sized, U: ?Sized> OwnedMappedMutexGuard<T, U> {
    /// A guard of a smaller part.
    pub fn map<S: ?Sized, F: FnOnce(&mut U) -> &mut S>(
        this: Self,
        f: F,
    ) -> OwnedMappedMutexGuard<T, S> {
        OwnedMappedMutexGuard(sync::OwnedMappedMutexGuard::map(this.0, f))
    }

    /// A guard of a smaller part, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `f` returns `None`.
    pub fn try_map<S: ?Sized, F: FnOnce(&mut U) -> Option<&mut S>>(
        this: Self,
        f: F,
    ) -> Result<OwnedMappedMutexGuard<T, S>, Self> {
        let part = sync::OwnedMappedMutexGuard::try_map(this.0, f);
        part.map(OwnedMappedMutexGuard)
            .map_err(OwnedMappedMutexGuard)
    }
}
