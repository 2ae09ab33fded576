//! The guards of the mutex that counts.

use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::{self, NonNull};
use counterpoint_base::prim::thread::panicking;
use counterpoint_wait::hooks::{self, Hold, Site};
use std::sync::Arc;

use super::ContendedMutex;
use super::chosen::{Holding, Since};
use crate::mutex::{MappedMutexGuard, MutexGuard, release};

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
        since: Since,
    ) -> ContendedMutexGuard<'a, T> {
        ContendedMutexGuard {
            mutex,
            holding: Holding::new(&mutex.metrics, since),
            guard,
        }
    }

    #[inline(always)]
    pub(super) fn tell_held(&mut self, site: Site) {
        self.guard.tell_held(site);
    }

    /// The mutex it holds.
    pub fn mutex(this: &ContendedMutexGuard<'a, T>) -> &'a ContendedMutex<T> {
        this.mutex
    }

    /// A guard of a part of the value; the hold is counted as one.
    ///
    /// # Panics
    /// If `part` panics; the lock is released.
    ///
    /// ```
    /// use counterpoint_sync::{ContendedMutex, ContendedMutexGuard};
    ///
    /// let mutex = ContendedMutex::new((1, "one"));
    /// let mut number = ContendedMutexGuard::map(mutex.lock(), |pair| &mut pair.0);
    /// *number += 1;
    /// drop(number);
    /// assert_eq!(mutex.lock().0, 2);
    /// ```
    pub fn map<U: ?Sized>(
        mut this: ContendedMutexGuard<'a, T>,
        part: impl FnOnce(&mut T) -> &mut U,
    ) -> MappedContendedMutexGuard<'a, U> {
        let part = NonNull::from(part(&mut *this));
        this.narrowed(part)
    }

    /// A guard of a part of the value, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `part` returns `None`.
    pub fn try_map<U: ?Sized>(
        mut this: ContendedMutexGuard<'a, T>,
        part: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<MappedContendedMutexGuard<'a, U>, ContendedMutexGuard<'a, T>> {
        match part(&mut *this).map(NonNull::from) {
            None => Err(this),
            Some(part) => Ok(this.narrowed(part)),
        }
    }

    fn narrowed<U: ?Sized>(self, part: NonNull<U>) -> MappedContendedMutexGuard<'a, U> {
        let ContendedMutexGuard { holding, guard, .. } = self;
        MappedContendedMutexGuard {
            holding,
            guard: guard.narrowed(part),
        }
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

/// Holds a [`ContendedMutex`] until dropped, and shows a part of its value; made by
/// [`ContendedMutexGuard::map`].
#[must_use = "dropping the guard at once unlocks at once"]
pub struct MappedContendedMutexGuard<'a, U: ?Sized> {
    /// Dropped before the guard, so that the counts change under the lock.
    holding: Holding<'a>,
    guard: MappedMutexGuard<'a, U>,
}

impl<'a, U: ?Sized> MappedContendedMutexGuard<'a, U> {
    /// A guard of a smaller part.
    ///
    /// # Panics
    /// If `part` panics; the lock is released.
    pub fn map<V: ?Sized>(
        mut this: MappedContendedMutexGuard<'a, U>,
        part: impl FnOnce(&mut U) -> &mut V,
    ) -> MappedContendedMutexGuard<'a, V> {
        let part = NonNull::from(part(&mut *this));
        this.narrowed(part)
    }

    /// A guard of a smaller part, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `part` returns `None`.
    pub fn try_map<V: ?Sized>(
        mut this: MappedContendedMutexGuard<'a, U>,
        part: impl FnOnce(&mut U) -> Option<&mut V>,
    ) -> Result<MappedContendedMutexGuard<'a, V>, MappedContendedMutexGuard<'a, U>> {
        match part(&mut *this).map(NonNull::from) {
            None => Err(this),
            Some(part) => Ok(this.narrowed(part)),
        }
    }

    fn narrowed<V: ?Sized>(self, part: NonNull<V>) -> MappedContendedMutexGuard<'a, V> {
        let MappedContendedMutexGuard { holding, guard } = self;
        MappedContendedMutexGuard {
            holding,
            guard: guard.narrowed(part),
        }
    }
}

impl<U: ?Sized> Deref for MappedContendedMutexGuard<'_, U> {
    type Target = U;

    fn deref(&self) -> &U {
        &self.guard
    }
}

impl<U: ?Sized> DerefMut for MappedContendedMutexGuard<'_, U> {
    fn deref_mut(&mut self) -> &mut U {
        &mut self.guard
    }
}

/// Holds a [`ContendedMutex`] and keeps it alive until dropped; made by
/// [`ContendedMutex::lock_owned`].
#[must_use = "dropping the guard at once unlocks at once"]
pub struct OwnedContendedMutexGuard<T: ?Sized> {
    mutex: Arc<ContendedMutex<T>>,
    since: Since,
    /// The thread was unwinding already when it locked.
    panicking: bool,
    hold: Hold,
    _value: PhantomData<*mut T>,
}

// SAFETY: an exclusive reference to the value, which the held lock protects, and a share of a
// mutex that is `Send + Sync` if the value is `Send`.
unsafe impl<T: ?Sized + Send> Send for OwnedContendedMutexGuard<T> {}
// SAFETY: as above; a shared guard gives shared references only.
unsafe impl<T: ?Sized + Send + Sync> Sync for OwnedContendedMutexGuard<T> {}

// As of the guard that borrows: a panic with the guard sets the flag of the mutex.
impl<T: ?Sized> UnwindSafe for OwnedContendedMutexGuard<T> {}
impl<T: ?Sized> RefUnwindSafe for OwnedContendedMutexGuard<T> {}

impl<T: ?Sized> OwnedContendedMutexGuard<T> {
    #[inline(always)]
    pub(super) fn new(
        mutex: Arc<ContendedMutex<T>>,
        panicking: bool,
        hold: Hold,
        since: Since,
    ) -> OwnedContendedMutexGuard<T> {
        OwnedContendedMutexGuard {
            mutex,
            since,
            panicking,
            hold,
            _value: PhantomData,
        }
    }

    #[inline(always)]
    pub(super) fn tell_held(&mut self, site: Site) {
        let queue = self.mutex.mutex.raw.queue();
        self.hold = hooks::held("OwnedContendedMutexGuard", queue, site, 1);
    }

    /// The mutex it holds.
    pub fn mutex(this: &OwnedContendedMutexGuard<T>) -> &Arc<ContendedMutex<T>> {
        &this.mutex
    }

    /// A guard of a part of the value; the hold is counted as one.
    ///
    /// # Panics
    /// If `part` panics; the lock is released.
    pub fn map<U: ?Sized>(
        mut this: OwnedContendedMutexGuard<T>,
        part: impl FnOnce(&mut T) -> &mut U,
    ) -> OwnedMappedContendedMutexGuard<T, U> {
        let part = NonNull::from(part(&mut *this));
        OwnedMappedContendedMutexGuard {
            part,
            guard: this,
            _part: PhantomData,
        }
    }

    /// A guard of a part of the value, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `part` returns `None`.
    pub fn try_map<U: ?Sized>(
        mut this: OwnedContendedMutexGuard<T>,
        part: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<OwnedMappedContendedMutexGuard<T, U>, OwnedContendedMutexGuard<T>> {
        match part(&mut *this).map(NonNull::from) {
            None => Err(this),
            Some(part) => Ok(OwnedMappedContendedMutexGuard {
                part,
                guard: this,
                _part: PhantomData,
            }),
        }
    }

    /// Unlocks, and reserves the lock for the first waiter if there is one.
    pub fn unlock_fair(this: OwnedContendedMutexGuard<T>) {
        let this = ManuallyDrop::new(this);
        // SAFETY: read once; `this` is not dropped.
        let mutex = unsafe { ptr::read(&this.mutex) };
        mutex.metrics.ended(this.since);
        hooks::released(this.hold);
        if !this.panicking && panicking() {
            mutex.mutex.raw.poison();
        }
        mutex.mutex.raw.unlock_fair();
    }
}

impl<T: ?Sized> Drop for OwnedContendedMutexGuard<T> {
    fn drop(&mut self) {
        // Under the lock.
        self.mutex.metrics.ended(self.since);
        release(&self.mutex.mutex.raw, self.panicking, self.hold);
    }
}

impl<T: ?Sized> Deref for OwnedContendedMutexGuard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        hooks::used(&self.hold);
        let data = self.mutex.mutex.data();
        // SAFETY: the guard holds the lock (raw.rs I1).
        data.with(|data| unsafe { &*data })
    }
}

impl<T: ?Sized> DerefMut for OwnedContendedMutexGuard<T> {
    fn deref_mut(&mut self) -> &mut T {
        hooks::used(&self.hold);
        let data = self.mutex.mutex.data();
        // SAFETY: the guard holds the lock (raw.rs I1), and is borrowed exclusively.
        data.with_mut(|data| unsafe { &mut *data })
    }
}

/// Holds a [`ContendedMutex`], keeps it alive, and shows a part of its value; made by
/// [`OwnedContendedMutexGuard::map`].
///
/// A guard of a long-lived reference cannot be used as one of a short-lived reference, or the
/// short-lived one could be left in the mutex:
///
/// ```compile_fail,E0308
/// # use counterpoint_sync::OwnedMappedContendedMutexGuard;
/// fn shorten<'a, T>(
///     guard: OwnedMappedContendedMutexGuard<T, &'static str>,
/// ) -> OwnedMappedContendedMutexGuard<T, &'a str> {
///     guard
/// }
/// ```
///
/// ```
/// # use counterpoint_sync::OwnedMappedContendedMutexGuard;
/// fn keep<T>(
///     guard: OwnedMappedContendedMutexGuard<T, &'static str>,
/// ) -> OwnedMappedContendedMutexGuard<T, &'static str> {
///     guard
/// }
/// ```
#[must_use = "dropping the guard at once unlocks at once"]
pub struct OwnedMappedContendedMutexGuard<T: ?Sized, U: ?Sized> {
    part: NonNull<U>,
    guard: OwnedContendedMutexGuard<T>,
    /// Invariant, as an exclusive reference is.
    _part: PhantomData<*mut U>,
}

// SAFETY: an exclusive reference to the part, and a guard.
unsafe impl<T: ?Sized + Send, U: ?Sized + Send> Send for OwnedMappedContendedMutexGuard<T, U> {}
// SAFETY: as above; a shared guard gives shared references to the part only.
unsafe impl<T: ?Sized + Send, U: ?Sized + Sync> Sync for OwnedMappedContendedMutexGuard<T, U> {}

// As of the guard that borrows.
impl<T: ?Sized, U: ?Sized> UnwindSafe for OwnedMappedContendedMutexGuard<T, U> {}
impl<T: ?Sized, U: ?Sized> RefUnwindSafe for OwnedMappedContendedMutexGuard<T, U> {}

impl<T: ?Sized, U: ?Sized> OwnedMappedContendedMutexGuard<T, U> {
    /// A guard of a smaller part.
    ///
    /// # Panics
    /// If `part` panics; the lock is released.
    pub fn map<V: ?Sized>(
        mut this: OwnedMappedContendedMutexGuard<T, U>,
        part: impl FnOnce(&mut U) -> &mut V,
    ) -> OwnedMappedContendedMutexGuard<T, V> {
        let part = NonNull::from(part(&mut *this));
        OwnedMappedContendedMutexGuard {
            part,
            guard: this.guard,
            _part: PhantomData,
        }
    }

    /// A guard of a smaller part, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `part` returns `None`.
    pub fn try_map<V: ?Sized>(
        mut this: OwnedMappedContendedMutexGuard<T, U>,
        part: impl FnOnce(&mut U) -> Option<&mut V>,
    ) -> Result<OwnedMappedContendedMutexGuard<T, V>, OwnedMappedContendedMutexGuard<T, U>> {
        match part(&mut *this).map(NonNull::from) {
            None => Err(this),
            Some(part) => Ok(OwnedMappedContendedMutexGuard {
                part,
                guard: this.guard,
                _part: PhantomData,
            }),
        }
    }

    /// The mutex it holds.
    pub fn mutex(this: &OwnedMappedContendedMutexGuard<T, U>) -> &Arc<ContendedMutex<T>> {
        OwnedContendedMutexGuard::mutex(&this.guard)
    }
}

impl<T: ?Sized, U: ?Sized> Deref for OwnedMappedContendedMutexGuard<T, U> {
    type Target = U;

    fn deref(&self) -> &U {
        hooks::used(&self.guard.hold);
        // SAFETY: made from an exclusive reference under the lock, which is still held.
        unsafe { self.part.as_ref() }
    }
}

impl<T: ?Sized, U: ?Sized> DerefMut for OwnedMappedContendedMutexGuard<T, U> {
    fn deref_mut(&mut self) -> &mut U {
        hooks::used(&self.guard.hold);
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
    [T] ContendedMutexGuard<'_, T>;
    [U] MappedContendedMutexGuard<'_, U>;
    [T] OwnedContendedMutexGuard<T>;
    [T: ?Sized, U] OwnedMappedContendedMutexGuard<T, U>;
}

macro_rules! within {
    ($($guard:ident)*) => {$(
        impl<T: ?Sized> hooks::Obligation for $guard<'_, T> {
            fn hold(&self) -> &Hold {
                hooks::Obligation::hold(&self.guard)
            }
        }
    )*};
}

within! { ContendedMutexGuard MappedContendedMutexGuard }

crate::mutex::obligations! {
    [T: ?Sized] OwnedContendedMutexGuard<T>: hold;
    [T: ?Sized, U: ?Sized] OwnedMappedContendedMutexGuard<T, U>: guard.hold;
}
