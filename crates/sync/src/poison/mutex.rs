//! A mutex whose `lock` fails after a panic.

use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use counterpoint_base::const_fn;

use super::{LockResult, TryLockError, TryLockResult, checked};

/// A value that one thread at a time may use, and that tells each of them if a holder panicked.
///
/// See [`crate::Mutex`], which it is, for fairness, deadlocks and cost.
///
/// # Poison
/// A panic while the guard is held unlocks, and from then on every lock is an error that holds the
/// guard, until [`clear_poison`](Self::clear_poison).
///
/// ```
/// use counterpoint_sync::poison::{Mutex, PoisonError};
///
/// let mutex = Mutex::new(1);
/// let panicked = std::thread::scope(|scope| {
///     scope.spawn(|| {
///         let _held = mutex.lock().unwrap();
///         panic!("planned");
///     }).join()
/// });
/// assert!(panicked.is_err() && mutex.is_poisoned());
/// let value = mutex.lock().unwrap_or_else(PoisonError::into_inner);
/// mutex.clear_poison();
/// assert_eq!(*value, 1);
/// ```
pub struct Mutex<T: ?Sized>(crate::Mutex<T>);

impl<T> Mutex<T> {
    const_fn! {
        /// A free mutex around `value`.
        #[inline]
        pub const fn new(value: T) -> Mutex<T> {
            Mutex(crate::Mutex::new(value))
        }
    }

    /// The value back.
    ///
    /// # Errors
    /// The value as well, if a holder panicked.
    pub fn into_inner(self) -> LockResult<T> {
        let poisoned = self.is_poisoned();
        checked(poisoned, self.0.into_inner())
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Blocks this thread until it has the lock.
    ///
    /// # Errors
    /// The guard as well, if a holder panicked.
    ///
    /// # Deadlocks
    /// Waits for ever if this thread holds the guard already.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        MutexGuard::checked(self.0.lock())
    }

    /// Takes the lock if that needs no wait.
    ///
    /// # Errors
    /// [`TryLockError::WouldBlock`] if it is held, or kept for somebody who waits;
    /// [`TryLockError::Poisoned`] with the guard, if a holder panicked.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Ok(MutexGuard::checked(guard)?),
            Err(crate::TryLockError::WouldBlock) => Err(TryLockError::WouldBlock),
        }
    }

    /// The value, through exclusive access; locks nothing.
    ///
    /// # Errors
    /// The reference as well, if a holder panicked.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        let poisoned = self.is_poisoned();
        checked(poisoned, self.0.get_mut())
    }

    /// True if a holder panicked since the flag was last cleared.
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.0.is_poisoned()
    }

    /// Clears the flag that makes locks fail.
    #[inline]
    pub fn clear_poison(&self) {
        self.0.clear_poison();
    }

    /// The mutex underneath: the same lock, whose verbs have all their forms and whose guards may be
    /// sent. It tells of a panic by `is_poisoned` only.
    ///
    /// ```
    /// use counterpoint_sync::{LockError, poison::Mutex};
    /// use std::time::Duration;
    ///
    /// let mutex = Mutex::new(1);
    /// let held = mutex.lock().unwrap();
    /// let other = mutex.plain().lock_timeout(Duration::from_millis(1));
    /// assert_eq!(other.err(), Some(LockError::TimedOut));
    /// drop(held);
    /// ```
    #[inline]
    pub const fn plain(&self) -> &crate::Mutex<T> {
        &self.0
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
    /// Never blocks; shows `<locked>` in place of a value it could not lock.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Holds a [`Mutex`] until dropped, on the thread that locked it.
///
/// It stays there:
/// ```compile_fail,E0277
/// let mutex = counterpoint_sync::poison::Mutex::new(1);
/// let guard = mutex.lock().unwrap();
/// std::thread::scope(|scope| {
///     scope.spawn(move || drop(guard));
/// });
/// ```
/// ```
/// let mutex = counterpoint_sync::poison::Mutex::new(1);
/// let guard = mutex.lock().unwrap();
/// std::thread::scope(|scope| {
///     scope.spawn(|| assert_eq!(*guard, 1));
/// });
/// ```
#[must_use = "dropping the guard at once unlocks at once"]
pub struct MutexGuard<'a, T: ?Sized> {
    pub(super) guard: crate::MutexGuard<'a, T>,
    _stays: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives shared references to the value only.
unsafe impl<T: ?Sized + Sync> Sync for MutexGuard<'_, T> {}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    /// A guard that tells of poison.
    #[inline]
    pub(super) fn checked(guard: crate::MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let guard = MutexGuard {
            guard,
            _stays: PhantomData,
        };
        checked(guard.is_poisoned(), guard)
    }

    #[inline]
    pub(super) fn is_poisoned(&self) -> bool {
        crate::MutexGuard::mutex(&self.guard).is_poisoned()
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}
