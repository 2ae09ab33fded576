//! `ShardedLock`, whose poison comes as an error.

use core::fmt;
use core::ops::{Deref, DerefMut};
use core::panic::{RefUnwindSafe, UnwindSafe};
use counterpoint_base::prim::sync::{LockResult, PoisonError, TryLockError, TryLockResult};
use counterpoint_sync::sharded_lock;

/// A value that threads read without disturbing each other; see
/// [`counterpoint_sync::ShardedLock`], whose guards come back directly.
///
/// ```
/// use counterpoint_compat::crossbeam_utils::sync::ShardedLock;
///
/// let lock = ShardedLock::new(5);
/// assert_eq!(*lock.read().unwrap() + *lock.read().unwrap(), 10);
/// *lock.write().unwrap() += 1;
/// assert_eq!(lock.into_inner().unwrap(), 6);
/// ```
pub struct ShardedLock<T: ?Sized>(sharded_lock::ShardedLock<T>);

/// The right to read; gives it back when dropped.
#[must_use = "the lock is free again when the guard is dropped"]
pub struct ShardedLockReadGuard<'a, T: ?Sized>(sharded_lock::ShardedLockReadGuard<'a, T>);

/// The right to read and write; gives it back when dropped.
#[must_use = "the lock is free again when the guard is dropped"]
pub struct ShardedLockWriteGuard<'a, T: ?Sized>(sharded_lock::ShardedLockWriteGuard<'a, T>);

impl<T: ?Sized> UnwindSafe for ShardedLock<T> {}
impl<T: ?Sized> RefUnwindSafe for ShardedLock<T> {}

impl<T> ShardedLock<T> {
    /// A free lock around `value`.
    pub fn new(value: T) -> ShardedLock<T> {
        ShardedLock(sharded_lock::ShardedLock::new(value))
    }

    /// The value back.
    ///
    /// # Errors
    /// If a thread panicked while it wrote; with the value.
    pub fn into_inner(self) -> LockResult<T> {
        let poisoned = self.0.is_poisoned();
        told(poisoned, self.0.into_inner())
    }
}

fn told<G>(poisoned: bool, guard: G) -> LockResult<G> {
    if poisoned {
        Err(PoisonError::new(guard))
    } else {
        Ok(guard)
    }
}

impl<T: ?Sized> ShardedLock<T> {
    /// Whether a thread panicked while it wrote.
    pub fn is_poisoned(&self) -> bool {
        self.0.is_poisoned()
    }

    /// The value, through exclusive access.
    ///
    /// # Errors
    /// If a thread panicked while it wrote; with the value.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        told(self.0.is_poisoned(), self.0.get_mut())
    }

    /// Reads if that needs no wait.
    ///
    /// # Errors
    /// If it does, or if a thread panicked while it wrote (with the guard).
    pub fn try_read(&self) -> TryLockResult<ShardedLockReadGuard<'_, T>> {
        match self.0.try_read() {
            Ok(guard) => Ok(told(self.0.is_poisoned(), ShardedLockReadGuard(guard))?),
            Err(_) => Err(TryLockError::WouldBlock),
        }
    }

    /// Blocks this thread until it may read.
    ///
    /// # Errors
    /// If a thread panicked while it wrote; with the guard.
    pub fn read(&self) -> LockResult<ShardedLockReadGuard<'_, T>> {
        let guard = ShardedLockReadGuard(self.0.read());
        told(self.0.is_poisoned(), guard)
    }

    /// Writes if that needs no wait.
    ///
    /// # Errors
    /// If it does, or if a thread panicked while it wrote (with the guard).
    pub fn try_write(&self) -> TryLockResult<ShardedLockWriteGuard<'_, T>> {
        match self.0.try_write() {
            Ok(guard) => Ok(told(self.0.is_poisoned(), ShardedLockWriteGuard(guard))?),
            Err(_) => Err(TryLockError::WouldBlock),
        }
    }

    /// Blocks this thread until it may write.
    ///
    /// # Errors
    /// If a thread panicked while it wrote; with the guard.
    pub fn write(&self) -> LockResult<ShardedLockWriteGuard<'_, T>> {
        let guard = ShardedLockWriteGuard(self.0.write());
        told(self.0.is_poisoned(), guard)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for ShardedLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<T: Default> Default for ShardedLock<T> {
    fn default() -> ShardedLock<T> {
        ShardedLock::new(T::default())
    }
}

impl<T> From<T> for ShardedLock<T> {
    fn from(value: T) -> ShardedLock<T> {
        ShardedLock::new(value)
    }
}

impl<T: ?Sized> DerefMut for ShardedLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

macro_rules! guard {
    ($($guard:ident),*) => {$(
        impl<T: ?Sized> Deref for $guard<'_, T> {
            type Target = T;

            fn deref(&self) -> &T {
                &self.0
            }
        }

        impl<T: ?Sized + fmt::Debug> fmt::Debug for $guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl<T: ?Sized + fmt::Display> fmt::Display for $guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    )*};
}

guard!(ShardedLockReadGuard, ShardedLockWriteGuard);
