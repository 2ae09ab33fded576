//! A read-write lock whose plain verbs are futures.

use core::fmt;
use core::ptr::NonNull;
use counterpoint_base::const_fn;
use counterpoint_sync as sync;
use std::sync::Arc;

use super::TryLockError;
use crate::face::{guard_traits, guards, transparent};

/// As many as tokio lets one ask for.
const MOST_READERS: u32 = u32::MAX >> 3;

/// A value that many may read at once, or one may write, in the order of arrival; see
/// [`counterpoint_sync::RwLock::fair`].
#[repr(transparent)]
pub struct RwLock<T: ?Sized>(sync::RwLock<T>);

transparent! { RwLock [T: ?Sized] [T] (sync::RwLock<T>); }

impl<T> RwLock<T> {
    const_fn! {
        /// A free lock around `value`, in a constant.
        pub const fn const_new(value: T) -> RwLock<T> {
            RwLock(sync::RwLock::fair(value))
        }

        /// A free lock around `value`, in a constant; see
        /// [`with_max_readers`](Self::with_max_readers).
        ///
        /// # Panics
        /// If `max_reads` is zero, or more than `u32::MAX >> 3`.
        #[track_caller]
        pub const fn const_with_max_readers(value: T, max_reads: u32) -> RwLock<T> {
            assert!(max_reads > 0, "a RwLock may not be created with 0 readers");
            assert!(
                max_reads <= MOST_READERS,
                "a RwLock may not be created with more than 536870911 readers"
            );
            RwLock(sync::RwLock::fair(value))
        }
    }

    /// A free lock around `value`.
    pub fn new(value: T) -> RwLock<T> {
        RwLock::const_new(value)
    }

    /// A free lock around `value`. As many as [`counterpoint_sync::RwLock::MAX_READERS`] read at once,
    /// whatever `max_reads` is.
    ///
    /// # Panics
    /// If `max_reads` is zero, or more than `u32::MAX >> 3`.
    #[track_caller]
    pub fn with_max_readers(value: T, max_reads: u32) -> RwLock<T> {
        RwLock::const_with_max_readers(value, max_reads)
    }

    /// The value back.
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Comes in to read.
    ///
    /// # Cancel safety
    /// Dropping the future gives up its place in line.
    pub async fn read(&self) -> RwLockReadGuard<'_, T> {
        read_guard(self.0.read_async().await)
    }

    /// Blocks this thread until it may read.
    #[track_caller]
    pub fn blocking_read(&self) -> RwLockReadGuard<'_, T> {
        read_guard(self.0.read())
    }

    /// As [`read`](Self::read), with a guard that keeps the lock alive.
    ///
    /// # Cancel safety
    /// Dropping the future gives up its place in line.
    pub async fn read_owned(self: Arc<Self>) -> OwnedRwLockReadGuard<T> {
        let read = RwLock::shared(&self).read_owned_async();
        drop(self);
        owned_read_guard(read.await)
    }

    /// Comes in to read if that needs no wait.
    ///
    /// # Errors
    /// [`TryLockError`] if somebody writes, or waits.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_read(&self) -> Result<RwLockReadGuard<'_, T>, TryLockError> {
        let guard = self.0.try_read();
        guard.map(read_guard).map_err(|_| TryLockError(()))
    }

    /// As [`try_read`](Self::try_read), with a guard that keeps the lock alive.
    ///
    /// # Errors
    /// [`TryLockError`] if somebody writes, or waits.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_read_owned(self: Arc<Self>) -> Result<OwnedRwLockReadGuard<T>, TryLockError> {
        let guard = RwLock::shared(&self).try_read_owned();
        guard.map(owned_read_guard).map_err(|_| TryLockError(()))
    }

    /// Comes in to write.
    ///
    /// # Cancel safety
    /// Dropping the future gives up its place in line, and lets in whom it held back.
    pub async fn write(&self) -> RwLockWriteGuard<'_, T> {
        RwLockWriteGuard(self.0.write_async().await)
    }

    /// Blocks this thread until it may write.
    #[track_caller]
    pub fn blocking_write(&self) -> RwLockWriteGuard<'_, T> {
        RwLockWriteGuard(self.0.write())
    }

    /// As [`write`](Self::write), with a guard that keeps the lock alive.
    ///
    /// # Cancel safety
    /// Dropping the future gives up its place in line, and lets in whom it held back.
    pub async fn write_owned(self: Arc<Self>) -> OwnedRwLockWriteGuard<T> {
        let write = RwLock::shared(&self).write_owned_async();
        drop(self);
        OwnedRwLockWriteGuard(write.await)
    }

    /// Comes in to write if that needs no wait.
    ///
    /// # Errors
    /// [`TryLockError`] if somebody reads or writes, or waits.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_write(&self) -> Result<RwLockWriteGuard<'_, T>, TryLockError> {
        let guard = self.0.try_write();
        guard.map(RwLockWriteGuard).map_err(|_| TryLockError(()))
    }

    /// As [`try_write`](Self::try_write), with a guard that keeps the lock alive.
    ///
    /// # Errors
    /// [`TryLockError`] if somebody reads or writes, or waits.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_write_owned(self: Arc<Self>) -> Result<OwnedRwLockWriteGuard<T>, TryLockError> {
        let guard = RwLock::shared(&self).try_write_owned();
        guard
            .map(OwnedRwLockWriteGuard)
            .map_err(|_| TryLockError(()))
    }

    /// The value, through exclusive access; locks nothing.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
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
    /// Never waits; shows `<locked>` in place of a value that it could not read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RwLock");
        match self.0.try_read() {
            Ok(guard) => debug.field("data", &&*guard),
            Err(_) => debug.field("data", &format_args!("<locked>")),
        };
        debug.finish()
    }
}

guards! {
    /// Reads a [`RwLock`], or a part of its value, until dropped.
    RwLockReadGuard ['a, T: ?Sized] ['a, T] (sync::MappedRwLockReadGuard<'a, T>) => T;
    /// Writes a [`RwLock`] until dropped.
    RwLockWriteGuard ['a, T: ?Sized] ['a, T] (sync::RwLockWriteGuard<'a, T>) => T, mut;
    /// Writes a part of the value of a [`RwLock`] until dropped.
    RwLockMappedWriteGuard ['a, T: ?Sized] ['a, T] (sync::MappedRwLockWriteGuard<'a, T>) => T, mut;
    /// Writes a [`RwLock`] that it keeps alive, until dropped.
    OwnedRwLockWriteGuard [T: ?Sized] [T] (sync::OwnedRwLockWriteGuard<T>) => T, mut;
}

// With defaults in the types, which the macro above does not know.
/// Reads a [`RwLock`] that it keeps alive, or a part of its value, until dropped.
#[must_use = "dropping the guard at once unlocks at once"]
pub struct OwnedRwLockReadGuard<T: ?Sized, U: ?Sized = T>(sync::OwnedMappedRwLockReadGuard<T, U>);

/// Writes a part of the value of a [`RwLock`] that it keeps alive, until dropped.
#[must_use = "dropping the guard at once unlocks at once"]
pub struct OwnedRwLockMappedWriteGuard<T: ?Sized, U: ?Sized = T>(
    sync::OwnedMappedRwLockWriteGuard<T, U>,
);

guard_traits! {
    OwnedRwLockReadGuard [T: ?Sized, U: ?Sized] [T, U] => U;
    OwnedRwLockMappedWriteGuard [T: ?Sized, U: ?Sized] [T, U] => U, mut;
}

fn read_guard<T: ?Sized>(guard: sync::RwLockReadGuard<'_, T>) -> RwLockReadGuard<'_, T> {
    RwLockReadGuard(sync::RwLockReadGuard::map(guard, |value| value))
}

fn owned_read_guard<T: ?Sized>(guard: sync::OwnedRwLockReadGuard<T>) -> OwnedRwLockReadGuard<T> {
    OwnedRwLockReadGuard(sync::OwnedRwLockReadGuard::map(guard, |value| value))
}

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    /// A guard of a part of the value.
    pub fn map<F: FnOnce(&T) -> &U, U: ?Sized>(this: Self, f: F) -> RwLockReadGuard<'a, U> {
        RwLockReadGuard(sync::MappedRwLockReadGuard::map(this.0, f))
    }

    /// A guard of a part of the value, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `f` returns `None`.
    pub fn try_map<F: FnOnce(&T) -> Option<&U>, U: ?Sized>(
        this: Self,
        f: F,
    ) -> Result<RwLockReadGuard<'a, U>, Self> {
        let part = sync::MappedRwLockReadGuard::try_map(this.0, f);
        part.map(RwLockReadGuard).map_err(RwLockReadGuard)
    }
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// A guard of a part of the value.
    pub fn map<F: FnOnce(&mut T) -> &mut U, U: ?Sized>(
        this: Self,
        f: F,
    ) -> RwLockMappedWriteGuard<'a, U> {
        RwLockMappedWriteGuard(sync::RwLockWriteGuard::map(this.0, f))
    }

    /// A guard of a part of the value, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `f` returns `None`.
    pub fn try_map<F: FnOnce(&mut T) -> Option<&mut U>, U: ?Sized>(
        this: Self,
        f: F,
    ) -> Result<RwLockMappedWriteGuard<'a, U>, Self> {
        let part = sync::RwLockWriteGuard::try_map(this.0, f);
        part.map(RwLockMappedWriteGuard).map_err(RwLockWriteGuard)
    }

    /// Goes on reading a part of the value; nobody writes in between.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn downgrade_map<F: FnOnce(&T) -> &U, U: ?Sized>(
        this: Self,
        f: F,
    ) -> RwLockReadGuard<'a, U> {
        let part = NonNull::from(f(&this));
        // SAFETY: a part of the value, which stays where it is and is not written under the guard.
        RwLockReadGuard::map(this.downgrade(), |_| unsafe { part.as_ref() })
    }

    /// Goes on reading a part of the value, if there is one; nobody writes in between.
    ///
    /// # Errors
    /// The guard itself, if `f` returns `None`.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_downgrade_map<F: FnOnce(&T) -> Option<&U>, U: ?Sized>(
        this: Self,
        f: F,
    ) -> Result<RwLockReadGuard<'a, U>, Self> {
        let Some(part) = f(&this).map(NonNull::from) else {
            return Err(this);
        };
        // SAFETY: a part of the value, which stays where it is and is not written under the guard.
        Ok(RwLockReadGuard::map(this.downgrade(), |_| unsafe {
            part.as_ref()
        }))
    }

    /// The same guard, as one of a part that is all of the value.
    pub fn into_mapped(this: Self) -> RwLockMappedWriteGuard<'a, T> {
        RwLockWriteGuard::map(this, |value| value)
    }

    /// Goes on reading; others who read may come in, nobody writes in between.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn downgrade(self) -> RwLockReadGuard<'a, T> {
        read_guard(sync::RwLockWriteGuard::downgrade(self.0))
    }
}

impl<'a, T: ?Sized> RwLockMappedWriteGuard<'a, T> {
    /// A guard of a smaller part.
    pub fn map<F: FnOnce(&mut T) -> &mut U, U: ?Sized>(
        this: Self,
        f: F,
    ) -> RwLockMappedWriteGuard<'a, U> {
        RwLockMappedWriteGuard(sync::MappedRwLockWriteGuard::map(this.0, f))
    }

    /// A guard of a smaller part, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `f` returns `None`.
    pub fn try_map<F: FnOnce(&mut T) -> Option<&mut U>, U: ?Sized>(
        this: Self,
        f: F,
    ) -> Result<RwLockMappedWriteGuard<'a, U>, Self> {
        let part = sync::MappedRwLockWriteGuard::try_map(this.0, f);
        part.map(RwLockMappedWriteGuard)
            .map_err(RwLockMappedWriteGuard)
    }
}

impl<T: ?Sized, U: ?Sized> OwnedRwLockReadGuard<T, U> {
    /// A guard of a part of the value.
    pub fn map<F: FnOnce(&U) -> &V, V: ?Sized>(this: Self, f: F) -> OwnedRwLockReadGuard<T, V> {
        OwnedRwLockReadGuard(sync::OwnedMappedRwLockReadGuard::map(this.0, f))
    }

    /// A guard of a part of the value, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `f` returns `None`.
    pub fn try_map<F: FnOnce(&U) -> Option<&V>, V: ?Sized>(
        this: Self,
        f: F,
    ) -> Result<OwnedRwLockReadGuard<T, V>, Self> {
        let part = sync::OwnedMappedRwLockReadGuard::try_map(this.0, f);
        part.map(OwnedRwLockReadGuard).map_err(OwnedRwLockReadGuard)
    }

    /// The lock it holds.
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        RwLock::shared_around(sync::OwnedMappedRwLockReadGuard::rwlock(&this.0))
    }
}

impl<T: ?Sized> OwnedRwLockWriteGuard<T> {
    /// A guard of a part of the value.
    pub fn map<F: FnOnce(&mut T) -> &mut U, U: ?Sized>(
        this: Self,
        f: F,
    ) -> OwnedRwLockMappedWriteGuard<T, U> {
        OwnedRwLockMappedWriteGuard(sync::OwnedRwLockWriteGuard::map(this.0, f))
    }

    /// A guard of a part of the value, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `f` returns `None`.
    pub fn try_map<F: FnOnce(&mut T) -> Option<&mut U>, U: ?Sized>(
        this: Self,
        f: F,
    ) -> Result<OwnedRwLockMappedWriteGuard<T, U>, Self> {
        let part = sync::OwnedRwLockWriteGuard::try_map(this.0, f);
        part.map(OwnedRwLockMappedWriteGuard)
            .map_err(OwnedRwLockWriteGuard)
    }

    /// Goes on reading a part of the value; nobody writes in between.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn downgrade_map<F: FnOnce(&T) -> &U, U: ?Sized>(
        this: Self,
        f: F,
    ) -> OwnedRwLockReadGuard<T, U> {
        let part = NonNull::from(f(&this));
        // SAFETY: a part of the value, which stays where it is and is not written under the guard.
        OwnedRwLockReadGuard::map(this.downgrade(), |_| unsafe { part.as_ref() })
    }

    /// Goes on reading a part of the value, if there is one; nobody writes in between.
    ///
    /// # Errors
    /// The guard itself, if `f` returns `None`.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_downgrade_map<F: FnOnce(&T) -> Option<&U>, U: ?Sized>(
        this: Self,
        f: F,
    ) -> Result<OwnedRwLockReadGuard<T, U>, Self> {
        let Some(part) = f(&this).map(NonNull::from) else {
            return Err(this);
        };
        // SAFETY: a part of the value, which stays where it is and is not written under the guard.
        Ok(OwnedRwLockReadGuard::map(this.downgrade(), |_| unsafe {
            part.as_ref()
        }))
    }

    /// The same guard, as one of a part that is all of the value.
    pub fn into_mapped(this: Self) -> OwnedRwLockMappedWriteGuard<T> {
        OwnedRwLockWriteGuard::map(this, |value| value)
    }

    /// Goes on reading; others who read may come in, nobody writes in between.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn downgrade(self) -> OwnedRwLockReadGuard<T> {
        owned_read_guard(sync::OwnedRwLockWriteGuard::downgrade(self.0))
    }

    /// The lock it holds.
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        RwLock::shared_around(sync::OwnedRwLockWriteGuard::rwlock(&this.0))
    }
}

impl<T: ?Sized, U: ?Sized> OwnedRwLockMappedWriteGuard<T, U> {
    /// A guard of a smaller part.
    pub fn map<F: FnOnce(&mut U) -> &mut V, V: ?Sized>(
        this: Self,
        f: F,
    ) -> OwnedRwLockMappedWriteGuard<T, V> {
        OwnedRwLockMappedWriteGuard(sync::OwnedMappedRwLockWriteGuard::map(this.0, f))
    }

    /// A guard of a smaller part, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `f` returns `None`.
    pub fn try_map<F: FnOnce(&mut U) -> Option<&mut V>, V: ?Sized>(
        this: Self,
        f: F,
    ) -> Result<OwnedRwLockMappedWriteGuard<T, V>, Self> {
        let part = sync::OwnedMappedRwLockWriteGuard::try_map(this.0, f);
        part.map(OwnedRwLockMappedWriteGuard)
            .map_err(OwnedRwLockMappedWriteGuard)
    }

    /// The lock it holds.
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        RwLock::shared_around(sync::OwnedMappedRwLockWriteGuard::rwlock(&this.0))
    }
}
