//! The guards of the mutex.

use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::NonNull;
use counterpoint_base::prim::thread::panicking;
use counterpoint_wait::hooks::{self, Hold, Site};
use std::sync::Arc;

use super::Mutex;
use super::raw::RawMutex;

/// Unlocks; a panic since the lock was taken poisons.
#[inline]
pub(crate) fn release(raw: &RawMutex, panicked_before: bool, hold: Hold) {
    hooks::released(hold);
    if !panicked_before && panicking() {
        raw.poison();
    }
    raw.unlock();
}

/// Holds a [`Mutex`] until dropped.
///
/// It is `Send` if the value is: the lock belongs to the guard, not to the thread.
#[must_use = "dropping the guard at once unlocks at once"]
pub struct MutexGuard<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    /// The thread was unwinding already when it locked.
    panicking: bool,
    hold: Hold,
    /// `Sync` only if the value is.
    _value: PhantomData<&'a mut T>,
}

// A panic with the guard sets the flag of the mutex.
impl<T: ?Sized> UnwindSafe for MutexGuard<'_, T> {}
impl<T: ?Sized> RefUnwindSafe for MutexGuard<'_, T> {}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    #[inline(always)]
    pub(crate) fn new(mutex: &'a Mutex<T>, panicking: bool, hold: Hold) -> MutexGuard<'a, T> {
        MutexGuard {
            mutex,
            panicking,
            hold,
            _value: PhantomData,
        }
    }

    #[inline(always)]
    pub(crate) fn tell_held(&mut self, site: Site) {
        self.hold = hooks::held("MutexGuard", self.mutex.raw.queue(), site, 1);
    }

    /// The guard of a part of the value, made from an exclusive reference to that which this guard gave.
    #[inline]
    pub(crate) fn narrowed<U: ?Sized>(self, part: NonNull<U>) -> MappedMutexGuard<'a, U> {
        let this = ManuallyDrop::new(self);
        MappedMutexGuard {
            raw: &this.mutex.raw,
            part,
            panicking: this.panicking,
            hold: this.hold,
            _value: PhantomData,
        }
    }

    /// Whether the thread was unwinding already when it locked: then the guard poisons nothing.
    #[inline]
    pub(crate) fn panicking_mut(&mut self) -> &mut bool {
        &mut self.panicking
    }

    /// Keeps the lock held without a guard.
    #[cfg(all(feature = "lock_api", not(counterpoint_loom)))]
    #[inline]
    pub(crate) fn into_hold(self) -> Hold {
        ManuallyDrop::new(self).hold
    }

    /// The mutex it holds.
    pub fn mutex(this: &MutexGuard<'a, T>) -> &'a Mutex<T> {
        this.mutex
    }

    /// A guard of a part of the value.
    ///
    /// # Panics
    /// If `part` panics; the lock is released.
    pub fn map<U: ?Sized>(
        mut this: MutexGuard<'a, T>,
        part: impl FnOnce(&mut T) -> &mut U,
    ) -> MappedMutexGuard<'a, U> {
        let part = NonNull::from(part(&mut *this));
        this.narrowed(part)
    }

    /// A guard of a part of the value, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `part` returns `None`.
    pub fn try_map<U: ?Sized>(
        mut this: MutexGuard<'a, T>,
        part: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<MappedMutexGuard<'a, U>, MutexGuard<'a, T>> {
        match part(&mut *this).map(NonNull::from) {
            None => Err(this),
            Some(part) => Ok(this.narrowed(part)),
        }
    }

    /// Unlocks, and reserves the lock for the first waiter if there is one.
    ///
    /// Use it where a thread takes the same lock in a loop and must not starve the others. Costs a
    /// context switch when somebody waits.
    pub fn unlock_fair(this: MutexGuard<'a, T>) {
        let this = ManuallyDrop::new(this);
        hooks::released(this.hold);
        if !this.panicking && panicking() {
            this.mutex.raw.poison();
        }
        this.mutex.raw.unlock_fair();
    }

    /// Lets the first waiter go ahead, if there is one, and takes the lock again; without waiters
    /// it costs one load.
    ///
    /// # Deadlocks
    /// Blocks the thread, as `lock` does.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn bump(this: &mut MutexGuard<'a, T>) {
        if this.mutex.raw.has_waiters() {
            hooks::released(this.hold);
            let relock = Relock(this, Site::here());
            relock.0.mutex.raw.unlock_fair();
        }
    }

    /// Runs `f` with the lock released, and takes the lock again, also if `f` panics.
    ///
    /// # Deadlocks
    /// Blocks the thread, as `lock` does.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn unlocked<R>(this: &mut MutexGuard<'a, T>, f: impl FnOnce() -> R) -> R {
        hooks::released(this.hold);
        let relock = Relock(this, Site::here());
        relock.0.mutex.raw.unlock();
        f()
    }
}

/// Takes the lock again for a guard that gave it up, whatever happened meanwhile: the guard is
/// still in the caller's hands.
struct Relock<'g, 'a, T: ?Sized>(&'g mut MutexGuard<'a, T>, Site);

impl<T: ?Sized> Drop for Relock<'_, '_, T> {
    fn drop(&mut self) {
        let _calm = hooks::Calm::begin();
        self.0.hold = ManuallyDrop::new(self.0.mutex.lock_at(self.1)).hold;
        // A panic while the lock was not held does not poison.
        self.0.panicking |= panicking();
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        release(&self.mutex.raw, self.panicking, self.hold);
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        hooks::used(&self.hold);
        // SAFETY: the guard holds the lock (raw.rs I1).
        self.mutex.data.with(|data| unsafe { &*data })
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        hooks::used(&self.hold);
        // SAFETY: the guard holds the lock (raw.rs I1), and is borrowed exclusively.
        self.mutex.data.with_mut(|data| unsafe { &mut *data })
    }
}

/// Holds a [`Mutex`] until dropped, and shows a part of its value; made by [`MutexGuard::map`].
#[must_use = "dropping the guard at once unlocks at once"]
pub struct MappedMutexGuard<'a, U: ?Sized> {
    raw: &'a RawMutex,
    part: NonNull<U>,
    panicking: bool,
    hold: Hold,
    _value: PhantomData<&'a mut U>,
}

// SAFETY: an exclusive reference to the part, which the held lock protects.
unsafe impl<U: ?Sized + Send> Send for MappedMutexGuard<'_, U> {}
// SAFETY: as above.
unsafe impl<U: ?Sized + Sync> Sync for MappedMutexGuard<'_, U> {}

// As of the whole guard.
impl<U: ?Sized> UnwindSafe for MappedMutexGuard<'_, U> {}
impl<U: ?Sized> RefUnwindSafe for MappedMutexGuard<'_, U> {}

impl<'a, U: ?Sized> MappedMutexGuard<'a, U> {
    /// A guard of a smaller part.
    ///
    /// # Panics
    /// If `part` panics; the lock is released.
    pub fn map<V: ?Sized>(
        mut this: MappedMutexGuard<'a, U>,
        part: impl FnOnce(&mut U) -> &mut V,
    ) -> MappedMutexGuard<'a, V> {
        let part = NonNull::from(part(&mut *this));
        this.narrowed(part)
    }

    /// A guard of a smaller part, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `part` returns `None`.
    pub fn try_map<V: ?Sized>(
        mut this: MappedMutexGuard<'a, U>,
        part: impl FnOnce(&mut U) -> Option<&mut V>,
    ) -> Result<MappedMutexGuard<'a, V>, MappedMutexGuard<'a, U>> {
        match part(&mut *this).map(NonNull::from) {
            None => Err(this),
            Some(part) => Ok(this.narrowed(part)),
        }
    }

    /// As [`MutexGuard::narrowed`].
    #[inline]
    pub(crate) fn narrowed<V: ?Sized>(self, part: NonNull<V>) -> MappedMutexGuard<'a, V> {
        let this = ManuallyDrop::new(self);
        MappedMutexGuard {
            raw: this.raw,
            part,
            panicking: this.panicking,
            hold: this.hold,
            _value: PhantomData,
        }
    }
}

impl<U: ?Sized> Drop for MappedMutexGuard<'_, U> {
    fn drop(&mut self) {
        release(self.raw, self.panicking, self.hold);
    }
}

impl<U: ?Sized> Deref for MappedMutexGuard<'_, U> {
    type Target = U;

    fn deref(&self) -> &U {
        hooks::used(&self.hold);
        // SAFETY: made from an exclusive reference under the lock, which is still held.
        unsafe { self.part.as_ref() }
    }
}

impl<U: ?Sized> DerefMut for MappedMutexGuard<'_, U> {
    fn deref_mut(&mut self) -> &mut U {
        hooks::used(&self.hold);
        // SAFETY: as in `deref`, and borrowed exclusively.
        unsafe { self.part.as_mut() }
    }
}

/// Holds a [`Mutex`] and keeps it alive until dropped; made by [`Mutex::lock_owned`].
#[must_use = "dropping the guard at once unlocks at once"]
pub struct OwnedMutexGuard<T: ?Sized> {
    mutex: Arc<Mutex<T>>,
    panicking: bool,
    hold: Hold,
    _value: PhantomData<*mut T>,
}

// SAFETY: an exclusive reference to the value, which the held lock protects, and a share of a
// mutex that is `Send + Sync` if the value is `Send`.
unsafe impl<T: ?Sized + Send> Send for OwnedMutexGuard<T> {}
// SAFETY: as above; a shared guard gives shared references only.
unsafe impl<T: ?Sized + Send + Sync> Sync for OwnedMutexGuard<T> {}

// As of the guard that borrows.
impl<T: ?Sized> UnwindSafe for OwnedMutexGuard<T> {}
impl<T: ?Sized> RefUnwindSafe for OwnedMutexGuard<T> {}

impl<T: ?Sized> OwnedMutexGuard<T> {
    #[inline(always)]
    pub(super) fn new(mutex: Arc<Mutex<T>>, panicking: bool, hold: Hold) -> OwnedMutexGuard<T> {
        OwnedMutexGuard {
            mutex,
            panicking,
            hold,
            _value: PhantomData,
        }
    }

    #[inline(always)]
    pub(super) fn tell_held(&mut self, site: Site) {
        self.hold = hooks::held("OwnedMutexGuard", self.mutex.raw.queue(), site, 1);
    }

    /// The mutex it holds.
    pub fn mutex(this: &OwnedMutexGuard<T>) -> &Arc<Mutex<T>> {
        &this.mutex
    }

    /// A guard of a part of the value.
    ///
    /// # Panics
    /// If `part` panics; the lock is released.
    pub fn map<U: ?Sized>(
        mut this: OwnedMutexGuard<T>,
        part: impl FnOnce(&mut T) -> &mut U,
    ) -> OwnedMappedMutexGuard<T, U> {
        let part = NonNull::from(part(&mut *this));
        OwnedMappedMutexGuard {
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
        mut this: OwnedMutexGuard<T>,
        part: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<OwnedMappedMutexGuard<T, U>, OwnedMutexGuard<T>> {
        match part(&mut *this).map(NonNull::from) {
            None => Err(this),
            Some(part) => Ok(OwnedMappedMutexGuard {
                part,
                guard: this,
                _part: PhantomData,
            }),
        }
    }

    /// Unlocks, and reserves the lock for the first waiter if there is one.
    pub fn unlock_fair(this: OwnedMutexGuard<T>) {
        let this = ManuallyDrop::new(this);
        // SAFETY: read once; `this` is not dropped.
        let mutex = unsafe { core::ptr::read(&this.mutex) };
        hooks::released(this.hold);
        if !this.panicking && panicking() {
            mutex.raw.poison();
        }
        mutex.raw.unlock_fair();
    }
}

impl<T: ?Sized> Drop for OwnedMutexGuard<T> {
    fn drop(&mut self) {
        release(&self.mutex.raw, self.panicking, self.hold);
    }
}

impl<T: ?Sized> Deref for OwnedMutexGuard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        hooks::used(&self.hold);
        // SAFETY: the guard holds the lock (raw.rs I1).
        self.mutex.data.with(|data| unsafe { &*data })
    }
}

impl<T: ?Sized> DerefMut for OwnedMutexGuard<T> {
    fn deref_mut(&mut self) -> &mut T {
        hooks::used(&self.hold);
        // SAFETY: the guard holds the lock (raw.rs I1), and is borrowed exclusively.
        self.mutex.data.with_mut(|data| unsafe { &mut *data })
    }
}

/// Holds a [`Mutex`], keeps it alive, and shows a part of its value; made by
/// [`OwnedMutexGuard::map`].
///
/// A guard of a long-lived reference cannot be used as one of a short-lived reference, or the
/// short-lived one could be left in the mutex:
///
/// ```compile_fail,E0308
/// # use counterpoint_sync::OwnedMappedMutexGuard;
/// fn shorten<'a, T>(
///     guard: OwnedMappedMutexGuard<T, &'static str>,
/// ) -> OwnedMappedMutexGuard<T, &'a str> {
///     guard
/// }
/// ```
///
/// ```
/// # use counterpoint_sync::OwnedMappedMutexGuard;
/// fn keep<T>(
///     guard: OwnedMappedMutexGuard<T, &'static str>,
/// ) -> OwnedMappedMutexGuard<T, &'static str> {
///     guard
/// }
/// ```
#[must_use = "dropping the guard at once unlocks at once"]
pub struct OwnedMappedMutexGuard<T: ?Sized, U: ?Sized> {
    part: NonNull<U>,
    guard: OwnedMutexGuard<T>,
    /// Invariant, as an exclusive reference is.
    _part: PhantomData<*mut U>,
}

// SAFETY: an exclusive reference to the part, and a guard.
unsafe impl<T: ?Sized + Send, U: ?Sized + Send> Send for OwnedMappedMutexGuard<T, U> {}
// SAFETY: as above; a shared guard gives shared references to the part only.
unsafe impl<T: ?Sized + Send, U: ?Sized + Sync> Sync for OwnedMappedMutexGuard<T, U> {}

// As of the guard that borrows.
impl<T: ?Sized, U: ?Sized> UnwindSafe for OwnedMappedMutexGuard<T, U> {}
impl<T: ?Sized, U: ?Sized> RefUnwindSafe for OwnedMappedMutexGuard<T, U> {}

impl<T: ?Sized, U: ?Sized> OwnedMappedMutexGuard<T, U> {
    /// A guard of a smaller part.
    ///
    /// # Panics
    /// If `part` panics; the lock is released.
    pub fn map<V: ?Sized>(
        mut this: OwnedMappedMutexGuard<T, U>,
        part: impl FnOnce(&mut U) -> &mut V,
    ) -> OwnedMappedMutexGuard<T, V> {
        let part = NonNull::from(part(&mut *this));
        OwnedMappedMutexGuard {
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
        mut this: OwnedMappedMutexGuard<T, U>,
        part: impl FnOnce(&mut U) -> Option<&mut V>,
    ) -> Result<OwnedMappedMutexGuard<T, V>, OwnedMappedMutexGuard<T, U>> {
        match part(&mut *this).map(NonNull::from) {
            None => Err(this),
            Some(part) => Ok(OwnedMappedMutexGuard {
                part,
                guard: this.guard,
                _part: PhantomData,
            }),
        }
    }

    /// The mutex it holds.
    pub fn mutex(this: &OwnedMappedMutexGuard<T, U>) -> &Arc<Mutex<T>> {
        OwnedMutexGuard::mutex(&this.guard)
    }
}

impl<T: ?Sized, U: ?Sized> Deref for OwnedMappedMutexGuard<T, U> {
    type Target = U;

    fn deref(&self) -> &U {
        hooks::used(&self.guard.hold);
        // SAFETY: made from an exclusive reference under the lock, which is still held.
        unsafe { self.part.as_ref() }
    }
}

impl<T: ?Sized, U: ?Sized> DerefMut for OwnedMappedMutexGuard<T, U> {
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
    [T] MutexGuard<'_, T>;
    [U] MappedMutexGuard<'_, U>;
    [T] OwnedMutexGuard<T>;
    [T: ?Sized, U] OwnedMappedMutexGuard<T, U>;
}

macro_rules! obligations {
    ($([$($generics:tt)*] $guard:ty: $($field:ident).+;)*) => {$(
        impl<$($generics)*> counterpoint_wait::hooks::Obligation for $guard {
            fn hold(&self) -> &counterpoint_wait::hooks::Hold {
                &self.$($field).+
            }
        }
    )*};
}
pub(crate) use obligations;

obligations! {
    [T: ?Sized] MutexGuard<'_, T>: hold;
    [U: ?Sized] MappedMutexGuard<'_, U>: hold;
    [T: ?Sized] OwnedMutexGuard<T>: hold;
    [T: ?Sized, U: ?Sized] OwnedMappedMutexGuard<T, U>: guard.hold;
}
