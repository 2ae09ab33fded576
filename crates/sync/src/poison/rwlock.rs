//! A read-write lock whose `read` and `write` fail after a panic.

use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use counterpoint_base::const_fn;

use super::{LockResult, TryLockError, TryLockResult, checked};

/// A value that many threads may read at once, or one may write, and that tells each of them if one
/// who wrote panicked.
///
/// See [`crate::RwLock`], which it is, for fairness, deadlocks and cost.
///
/// ```
/// use counterpoint_sync::poison::RwLock;
///
/// let lock = RwLock::new(5);
/// *lock.write().unwrap() += 1;
/// let (one, other) = (lock.read().unwrap(), lock.read().unwrap());
/// assert_eq!(*one + *other, 12);
/// ```
pub struct RwLock<T: ?Sized>(crate::RwLock<T>);

impl<T> RwLock<T> {
    const_fn! {
        /// A free lock around `value`.
        #[inline]
        pub const fn new(value: T) -> RwLock<T> {
            RwLock(crate::RwLock::new(value))
        }
    }

    /// The value back.
    ///
    /// # Errors
    /// The value as well, if one who wrote panicked.
    pub fn into_inner(self) -> LockResult<T> {
        let poisoned = self.is_poisoned();
        checked(poisoned, self.0.into_inner())
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Blocks this thread until it may read.
    ///
    /// # Errors
    /// The guard as well, if one who wrote panicked.
    ///
    /// # Deadlocks
    /// May wait for ever if this thread holds a guard already: a writer may be in line between them.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        RwLockReadGuard::checked(self.0.read())
    }

    /// Reads if that needs no wait.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if somebody writes, or waits to; [`TryLockError::Poisoned`] with
    /// the guard, if one who wrote panicked.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        match self.0.try_read() {
            Ok(guard) => Ok(RwLockReadGuard::checked(guard)?),
            Err(_) => Err(TryLockError::WouldBlock),
        }
    }

    /// Blocks this thread until it may write.
    ///
    /// # Errors
    /// The guard as well, if one who wrote panicked.
    ///
    /// # Deadlocks
    /// Waits for ever if this thread holds a guard already.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        RwLockWriteGuard::checked(self.0.write())
    }

    /// Writes if that needs no wait.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if somebody reads or writes; [`TryLockError::Poisoned`] with the
    /// guard, if one who wrote panicked.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        match self.0.try_write() {
            Ok(guard) => Ok(RwLockWriteGuard::checked(guard)?),
            Err(_) => Err(TryLockError::WouldBlock),
        }
    }

    /// The value, through exclusive access; locks nothing.
    ///
    /// # Errors
    /// The reference as well, if one who wrote panicked.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        let poisoned = self.is_poisoned();
        checked(poisoned, self.0.get_mut())
    }

    /// True if one who wrote panicked since the flag was last cleared.
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.0.is_poisoned()
    }

    /// Clears the flag that makes locks fail.
    #[inline]
    pub fn clear_poison(&self) {
        self.0.clear_poison();
    }

    /// The lock underneath: the same lock, whose verbs have all their forms and whose guards may be
    /// sent. It tells of a panic by `is_poisoned` only.
    #[inline]
    pub const fn plain(&self) -> &crate::RwLock<T> {
        &self.0
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> RwLock<T> {
        RwLock::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> RwLock<T> {
        RwLock::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    /// Never blocks; shows `<locked>` in place of a value that it could not read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! guards {
    ($($(#[$meta:meta])* $name:ident;)*) => {$(
        $(#[$meta])*
        #[must_use = "dropping the guard at once unlocks at once"]
        pub struct $name<'a, T: ?Sized> {
            guard: crate::$name<'a, T>,
            _stays: PhantomData<*const ()>,
        }

        // SAFETY: a shared guard gives shared references to the value only.
        unsafe impl<T: ?Sized + Sync> Sync for $name<'_, T> {}

        impl<'a, T: ?Sized> $name<'a, T> {
            #[inline]
            fn new(guard: crate::$name<'a, T>) -> $name<'a, T> {
                $name { guard, _stays: PhantomData }
            }

            /// A guard that tells of poison.
            #[inline]
            fn checked(guard: crate::$name<'a, T>) -> LockResult<$name<'a, T>> {
                let poisoned = crate::$name::rwlock(&guard).is_poisoned();
                checked(poisoned, $name::new(guard))
            }
        }

        impl<T: ?Sized> Deref for $name<'_, T> {
            type Target = T;

            #[inline]
            fn deref(&self) -> &T {
                &self.guard
            }
        }

        impl<T: ?Sized + fmt::Debug> fmt::Debug for $name<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&**self, f)
            }
        }

        impl<T: ?Sized + fmt::Display> fmt::Display for $name<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&**self, f)
            }
        }
    )*};
}

guards! {
    /// Reads a [`RwLock`] until dropped, on the thread that came in.
    ///
    /// It stays there:
    /// ```compile_fail,E0277
    /// let lock = counterpoint_sync::poison::RwLock::new(1);
    /// let guard = lock.read().unwrap();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(move || drop(guard));
    /// });
    /// ```
    /// ```
    /// let lock = counterpoint_sync::poison::RwLock::new(1);
    /// let guard = lock.read().unwrap();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| assert_eq!(*guard, 1));
    /// });
    /// ```
    RwLockReadGuard;
    /// Writes a [`RwLock`] until dropped, on the thread that came in.
    ///
    /// It stays there:
    /// ```compile_fail,E0277
    /// let lock = counterpoint_sync::poison::RwLock::new(1);
    /// let guard = lock.write().unwrap();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(move || drop(guard));
    /// });
    /// ```
    /// ```
    /// let lock = counterpoint_sync::poison::RwLock::new(1);
    /// let guard = lock.write().unwrap();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| assert_eq!(*guard, 1));
    /// });
    /// ```
    RwLockWriteGuard;
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// Goes on reading; others who read may come in, nobody writes in between. Poisons nothing.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn downgrade(this: RwLockWriteGuard<'a, T>) -> RwLockReadGuard<'a, T> {
        RwLockReadGuard::new(crate::RwLockWriteGuard::downgrade_unpoisoned(this.guard))
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}
