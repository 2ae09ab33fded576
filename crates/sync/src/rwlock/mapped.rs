//! Guards of a part of the value.

use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::NonNull;
use counterpoint_wait::hooks::{self, Hold, Obligation};
use std::sync::Arc;

use super::RwLock;
use super::guard::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, release_read, release_write};
use super::raw::RawRwLock;

/// Reads a part of the value of a [`RwLock`] until dropped; made by
/// [`RwLockReadGuard::map`](super::RwLockReadGuard::map).
#[must_use = "dropping the guard at once unlocks at once"]
pub struct MappedRwLockReadGuard<'a, U: ?Sized> {
    raw: &'a RawRwLock,
    part: NonNull<U>,
    hold: Hold,
    _value: PhantomData<&'a U>,
}

// SAFETY: a shared reference to the part, which the held lock protects.
unsafe impl<U: ?Sized + Sync> Send for MappedRwLockReadGuard<'_, U> {}
// SAFETY: as above.
unsafe impl<U: ?Sized + Sync> Sync for MappedRwLockReadGuard<'_, U> {}

// As of the whole guards.
impl<U: ?Sized> UnwindSafe for MappedRwLockReadGuard<'_, U> {}
impl<U: ?Sized> RefUnwindSafe for MappedRwLockReadGuard<'_, U> {}

impl<'a, U: ?Sized> MappedRwLockReadGuard<'a, U> {
    pub(super) fn new(raw: &'a RawRwLock, part: NonNull<U>, hold: Hold) -> Self {
        MappedRwLockReadGuard {
            raw,
            part,
            hold,
            _value: PhantomData,
        }
    }

    /// A guard of a smaller part.
    ///
    /// # Panics
    /// If `part` panics; the lock is released.
    pub fn map<V: ?Sized>(
        this: MappedRwLockReadGuard<'a, U>,
        part: impl FnOnce(&U) -> &V,
    ) -> MappedRwLockReadGuard<'a, V> {
        let part = part(&this).into();
        let this = ManuallyDrop::new(this);
        MappedRwLockReadGuard::new(this.raw, part, this.hold)
    }

    /// A guard of a smaller part, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `part` returns `None`.
    pub fn try_map<V: ?Sized>(
        this: MappedRwLockReadGuard<'a, U>,
        part: impl FnOnce(&U) -> Option<&V>,
    ) -> Result<MappedRwLockReadGuard<'a, V>, MappedRwLockReadGuard<'a, U>> {
        let Some(part) = part(&this).map(Into::into) else {
            return Err(this);
        };
        let this = ManuallyDrop::new(this);
        Ok(MappedRwLockReadGuard::new(this.raw, part, this.hold))
    }
}

impl<U: ?Sized> Drop for MappedRwLockReadGuard<'_, U> {
    fn drop(&mut self) {
        release_read(self.raw, self.hold);
    }
}

impl<U: ?Sized> Deref for MappedRwLockReadGuard<'_, U> {
    type Target = U;

    fn deref(&self) -> &U {
        hooks::used(&self.hold);
        // SAFETY: made from a shared reference under the lock, which is still held.
        unsafe { self.part.as_ref() }
    }
}

/// Writes a part of the value of a [`RwLock`] until dropped; made by
/// [`RwLockWriteGuard::map`](super::RwLockWriteGuard::map).
#[must_use = "dropping the guard at once unlocks at once"]
pub struct MappedRwLockWriteGuard<'a, U: ?Sized> {
    raw: &'a RawRwLock,
    part: NonNull<U>,
    panicking: bool,
    hold: Hold,
    _value: PhantomData<&'a mut U>,
}

// SAFETY: an exclusive reference to the part, which the held lock protects.
unsafe impl<U: ?Sized + Send> Send for MappedRwLockWriteGuard<'_, U> {}
// SAFETY: as above; a shared guard gives shared references only.
unsafe impl<U: ?Sized + Sync> Sync for MappedRwLockWriteGuard<'_, U> {}

impl<U: ?Sized> UnwindSafe for MappedRwLockWriteGuard<'_, U> {}
impl<U: ?Sized> RefUnwindSafe for MappedRwLockWriteGuard<'_, U> {}

impl<'a, U: ?Sized> MappedRwLockWriteGuard<'a, U> {
    pub(super) fn new(raw: &'a RawRwLock, part: NonNull<U>, panicking: bool, hold: Hold) -> Self {
        MappedRwLockWriteGuard {
            raw,
            part,
            panicking,
            hold,
            _value: PhantomData,
        }
    }

    /// A guard of a smaller part.
    ///
    /// # Panics
    /// If `part` panics; the lock is released.
    pub fn map<V: ?Sized>(
        mut this: MappedRwLockWriteGuard<'a, U>,
        part: impl FnOnce(&mut U) -> &mut V,
    ) -> MappedRwLockWriteGuard<'a, V> {
        let part = part(&mut *this).into();
        let this = ManuallyDrop::new(this);
        MappedRwLockWriteGuard::new(this.raw, part, this.panicking, this.hold)
    }

    /// A guard of a smaller part, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `part` returns `None`.
    pub fn try_map<V: ?Sized>(
        mut this: MappedRwLockWriteGuard<'a, U>,
        part: impl FnOnce(&mut U) -> Option<&mut V>,
    ) -> Result<MappedRwLockWriteGuard<'a, V>, MappedRwLockWriteGuard<'a, U>> {
        let Some(part) = part(&mut *this).map(Into::into) else {
            return Err(this);
        };
        let this = ManuallyDrop::new(this);
        let (raw, panicking, hold) = (this.raw, this.panicking, this.hold);
        Ok(MappedRwLockWriteGuard::new(raw, part, panicking, hold))
    }
}

impl<U: ?Sized> Drop for MappedRwLockWriteGuard<'_, U> {
    fn drop(&mut self) {
        release_write(self.raw, self.panicking, self.hold);
    }
}

impl<U: ?Sized> Deref for MappedRwLockWriteGuard<'_, U> {
    type Target = U;

    fn deref(&self) -> &U {
        hooks::used(&self.hold);
        // SAFETY: made from an exclusive reference under the lock, which is still held.
        unsafe { self.part.as_ref() }
    }
}

impl<U: ?Sized> DerefMut for MappedRwLockWriteGuard<'_, U> {
    fn deref_mut(&mut self) -> &mut U {
        hooks::used(&self.hold);
        // SAFETY: as in `deref`, and borrowed exclusively.
        unsafe { self.part.as_mut() }
    }
}

/// Reads a part of the value of a [`RwLock`] that it keeps alive, until dropped; made by
/// [`OwnedRwLockReadGuard::map`].
#[must_use = "dropping the guard at once unlocks at once"]
pub struct OwnedMappedRwLockReadGuard<T: ?Sized, U: ?Sized> {
    part: NonNull<U>,
    guard: OwnedRwLockReadGuard<T>,
    _part: PhantomData<*const U>,
}

// SAFETY: a shared reference to the part, and a guard.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Sync> Send for OwnedMappedRwLockReadGuard<T, U> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Sync> Sync for OwnedMappedRwLockReadGuard<T, U> {}

impl<T: ?Sized, U: ?Sized> UnwindSafe for OwnedMappedRwLockReadGuard<T, U> {}
impl<T: ?Sized, U: ?Sized> RefUnwindSafe for OwnedMappedRwLockReadGuard<T, U> {}

impl<T: ?Sized, U: ?Sized> OwnedMappedRwLockReadGuard<T, U> {
    pub(super) fn new(part: NonNull<U>, guard: OwnedRwLockReadGuard<T>) -> Self {
        OwnedMappedRwLockReadGuard {
            part,
            guard,
            _part: PhantomData,
        }
    }

    /// A guard of a smaller part.
    ///
    /// # Panics
    /// If `part` panics; the lock is released.
    pub fn map<V: ?Sized>(
        this: OwnedMappedRwLockReadGuard<T, U>,
        part: impl FnOnce(&U) -> &V,
    ) -> OwnedMappedRwLockReadGuard<T, V> {
        let part = part(&this).into();
        OwnedMappedRwLockReadGuard::new(part, this.guard)
    }

    /// A guard of a smaller part, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `part` returns `None`.
    pub fn try_map<V: ?Sized>(
        this: OwnedMappedRwLockReadGuard<T, U>,
        part: impl FnOnce(&U) -> Option<&V>,
    ) -> Result<OwnedMappedRwLockReadGuard<T, V>, OwnedMappedRwLockReadGuard<T, U>> {
        match part(&this).map(Into::into) {
            None => Err(this),
            Some(part) => Ok(OwnedMappedRwLockReadGuard::new(part, this.guard)),
        }
    }

    /// The lock it holds.
    pub fn rwlock(this: &OwnedMappedRwLockReadGuard<T, U>) -> &Arc<RwLock<T>> {
        OwnedRwLockReadGuard::rwlock(&this.guard)
    }
}

impl<T: ?Sized, U: ?Sized> Deref for OwnedMappedRwLockReadGuard<T, U> {
    type Target = U;

    fn deref(&self) -> &U {
        hooks::used(self.guard.hold());
        // SAFETY: made from a shared reference under the lock, which is still held.
        unsafe { self.part.as_ref() }
    }
}

/// Writes a part of the value of a [`RwLock`] that it keeps alive, until dropped; made by
/// [`OwnedRwLockWriteGuard::map`].
#[must_use = "dropping the guard at once unlocks at once"]
pub struct OwnedMappedRwLockWriteGuard<T: ?Sized, U: ?Sized> {
    part: NonNull<U>,
    guard: OwnedRwLockWriteGuard<T>,
    /// Invariant, as an exclusive reference is.
    _part: PhantomData<*mut U>,
}

// SAFETY: an exclusive reference to the part, and a guard.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Send> Send for OwnedMappedRwLockWriteGuard<T, U> {}
// SAFETY: as above; a shared guard gives shared references to the part only.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Sync> Sync for OwnedMappedRwLockWriteGuard<T, U> {}

impl<T: ?Sized, U: ?Sized> UnwindSafe for OwnedMappedRwLockWriteGuard<T, U> {}
impl<T: ?Sized, U: ?Sized> RefUnwindSafe for OwnedMappedRwLockWriteGuard<T, U> {}

impl<T: ?Sized, U: ?Sized> OwnedMappedRwLockWriteGuard<T, U> {
    pub(super) fn new(part: NonNull<U>, guard: OwnedRwLockWriteGuard<T>) -> Self {
        OwnedMappedRwLockWriteGuard {
            part,
            guard,
            _part: PhantomData,
        }
    }

    /// A guard of a smaller part.
    ///
    /// # Panics
    /// If `part` panics; the lock is released.
    pub fn map<V: ?Sized>(
        mut this: OwnedMappedRwLockWriteGuard<T, U>,
        part: impl FnOnce(&mut U) -> &mut V,
    ) -> OwnedMappedRwLockWriteGuard<T, V> {
        let part = part(&mut *this).into();
        OwnedMappedRwLockWriteGuard::new(part, this.guard)
    }

    /// A guard of a smaller part, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `part` returns `None`.
    pub fn try_map<V: ?Sized>(
        mut this: OwnedMappedRwLockWriteGuard<T, U>,
        part: impl FnOnce(&mut U) -> Option<&mut V>,
    ) -> Result<OwnedMappedRwLockWriteGuard<T, V>, OwnedMappedRwLockWriteGuard<T, U>> {
        match part(&mut *this).map(Into::into) {
            None => Err(this),
            Some(part) => Ok(OwnedMappedRwLockWriteGuard::new(part, this.guard)),
        }
    }

    /// The lock it holds.
    pub fn rwlock(this: &OwnedMappedRwLockWriteGuard<T, U>) -> &Arc<RwLock<T>> {
        OwnedRwLockWriteGuard::rwlock(&this.guard)
    }
}

impl<T: ?Sized, U: ?Sized> Deref for OwnedMappedRwLockWriteGuard<T, U> {
    type Target = U;

    fn deref(&self) -> &U {
        hooks::used(self.guard.hold());
        // SAFETY: made from an exclusive reference under the lock, which is still held.
        unsafe { self.part.as_ref() }
    }
}

impl<T: ?Sized, U: ?Sized> DerefMut for OwnedMappedRwLockWriteGuard<T, U> {
    fn deref_mut(&mut self) -> &mut U {
        hooks::used(self.guard.hold());
        // SAFETY: as in `deref`, and borrowed exclusively.
        unsafe { self.part.as_mut() }
    }
}

macro_rules! show {
    ($([$($generics:tt)*] $guard:ty;)*) => {$(
        impl<$($generics)*: ?Sized + fmt::Debug> fmt::Debug for $guard {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&**self, f)
            }
        }

        impl<$($generics)*: ?Sized + fmt::Display> fmt::Display for $guard {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&**self, f)
            }
        }
    )*};
}

show! {
    [U] MappedRwLockReadGuard<'_, U>;
    [U] MappedRwLockWriteGuard<'_, U>;
    [T: ?Sized, U] OwnedMappedRwLockReadGuard<T, U>;
    [T: ?Sized, U] OwnedMappedRwLockWriteGuard<T, U>;
}

crate::mutex::obligations! {
    [U: ?Sized] MappedRwLockReadGuard<'_, U>: hold;
    [U: ?Sized] MappedRwLockWriteGuard<'_, U>: hold;
}

impl<T: ?Sized, U: ?Sized> Obligation for OwnedMappedRwLockReadGuard<T, U> {
    fn hold(&self) -> &Hold {
        self.guard.hold()
    }
}

impl<T: ?Sized, U: ?Sized> Obligation for OwnedMappedRwLockWriteGuard<T, U> {
    fn hold(&self) -> &Hold {
        self.guard.hold()
    }
}
