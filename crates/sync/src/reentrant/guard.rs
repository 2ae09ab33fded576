//! The guards of the reentrant mutex.

use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::Deref;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::NonNull;
use counterpoint_base::prim::thread::panicking;
use counterpoint_wait::hooks::{self, Hold, Site};

use super::{Owner, ReentrantMutex};
use crate::mutex::raw::RawMutex;

/// One guard lets go; unlocks with the last, in the way given. A panic since the guard was made
/// poisons.
#[inline]
fn leave(
    raw: &RawMutex,
    owner: &Owner,
    panicked_before: bool,
    hold: Hold,
    unlock: impl FnOnce(&RawMutex),
) {
    hooks::released(hold);
    if !panicked_before && panicking() {
        raw.poison();
    }
    if owner.change(|depth| depth - 1) == 0 {
        owner.end();
        unlock(raw);
    }
}

impl<T: ?Sized> ReentrantMutex<T> {
    /// The guard of a lock that was just taken, or taken again.
    #[inline]
    pub(super) fn guard(&self, site: Site) -> ReentrantMutexGuard<'_, T> {
        let mut guard = ReentrantMutexGuard::new(self);
        guard.tell_held(site);
        guard
    }
}

/// One hold of a [`ReentrantMutex`], until dropped.
///
/// It gives a shared reference, and stays on its thread, whose lock it is.
#[must_use = "dropping the guard at once unlocks at once"]
pub struct ReentrantMutexGuard<'a, T: ?Sized> {
    mutex: &'a ReentrantMutex<T>,
    /// The thread was unwinding already when it locked.
    panicking: bool,
    hold: Hold,
    /// Not `Send`: the owner is a thread. `Sync` only if the value is.
    _value: PhantomData<*const T>,
}

// SAFETY: a shared guard gives shared references to the value, which is `Sync`, and to the mutex, by
// which another thread comes to such references as well, never to an exclusive one or the value.
unsafe impl<T: ?Sized + Sync> Sync for ReentrantMutexGuard<'_, T> {}

// A panic with the guard sets the flag of the mutex.
impl<T: ?Sized> UnwindSafe for ReentrantMutexGuard<'_, T> {}
impl<T: ?Sized> RefUnwindSafe for ReentrantMutexGuard<'_, T> {}

impl<'a, T: ?Sized> ReentrantMutexGuard<'a, T> {
    #[inline]
    pub(super) fn new(mutex: &'a ReentrantMutex<T>) -> ReentrantMutexGuard<'a, T> {
        ReentrantMutexGuard {
            mutex,
            panicking: panicking(),
            hold: Hold::NONE,
            _value: PhantomData,
        }
    }

    #[inline(always)]
    pub(super) fn tell_held(&mut self, site: Site) {
        self.hold = hooks::held("ReentrantMutexGuard", self.mutex.raw.queue(), site, 1);
    }

    /// The mutex it holds.
    pub fn mutex(this: &ReentrantMutexGuard<'a, T>) -> &'a ReentrantMutex<T> {
        this.mutex
    }

    /// A guard of a part of the value.
    ///
    /// # Panics
    /// If `part` panics; this hold is released.
    pub fn map<U: ?Sized>(
        this: ReentrantMutexGuard<'a, T>,
        part: impl FnOnce(&T) -> &U,
    ) -> MappedReentrantMutexGuard<'a, U> {
        let part = NonNull::from(part(&*this));
        let this = ManuallyDrop::new(this);
        MappedReentrantMutexGuard {
            raw: &this.mutex.raw,
            owner: &this.mutex.owner,
            part,
            panicking: this.panicking,
            hold: this.hold,
            _value: PhantomData,
        }
    }

    /// A guard of a part of the value, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `part` returns `None`.
    pub fn try_map<U: ?Sized>(
        this: ReentrantMutexGuard<'a, T>,
        part: impl FnOnce(&T) -> Option<&U>,
    ) -> Result<MappedReentrantMutexGuard<'a, U>, ReentrantMutexGuard<'a, T>> {
        match part(&*this).map(NonNull::from) {
            None => Err(this),
            Some(part) => {
                let this = ManuallyDrop::new(this);
                Ok(MappedReentrantMutexGuard {
                    raw: &this.mutex.raw,
                    owner: &this.mutex.owner,
                    part,
                    panicking: this.panicking,
                    hold: this.hold,
                    _value: PhantomData,
                })
            }
        }
    }

    /// Lets go; if it was the last guard of its thread, the lock is reserved for the first waiter if
    /// there is one.
    pub fn unlock_fair(this: ReentrantMutexGuard<'a, T>) {
        let this = ManuallyDrop::new(this);
        this.leave(RawMutex::unlock_fair);
    }

    /// Lets the first waiter go ahead, if there is one and this is the only guard of its thread, and
    /// takes the lock again; else it costs a load or two.
    ///
    /// # Deadlocks
    /// Blocks the thread, as `lock` does.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn bump(this: &mut ReentrantMutexGuard<'a, T>) {
        if this.mutex.raw.has_waiters() && this.mutex.owner.change(|depth| depth) == 1 {
            let relock = Relock(this, Site::here());
            relock.0.leave(RawMutex::unlock_fair);
        }
    }

    /// Runs `f` without this guard, and takes the lock again, also if `f` panics. The lock is free
    /// meanwhile if this is the only guard of its thread.
    ///
    /// # Deadlocks
    /// Blocks the thread, as `lock` does.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn unlocked<R>(this: &mut ReentrantMutexGuard<'a, T>, f: impl FnOnce() -> R) -> R {
        let relock = Relock(this, Site::here());
        relock.0.leave(RawMutex::unlock);
        f()
    }

    fn leave(&self, unlock: impl FnOnce(&RawMutex)) {
        let mutex = self.mutex;
        leave(&mutex.raw, &mutex.owner, self.panicking, self.hold, unlock);
    }
}

/// Takes the lock again for a guard that gave it up, whatever happened meanwhile: the guard is
/// still in the caller's hands.
struct Relock<'g, 'a, T: ?Sized>(&'g mut ReentrantMutexGuard<'a, T>, Site);

impl<T: ?Sized> Drop for Relock<'_, '_, T> {
    fn drop(&mut self) {
        let _calm = hooks::Calm::begin();
        self.0.hold = ManuallyDrop::new(self.0.mutex.lock_at(self.1)).hold;
        // A panic while the lock was not held does not poison.
        self.0.panicking |= panicking();
    }
}

impl<T: ?Sized> Drop for ReentrantMutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.leave(RawMutex::unlock);
    }
}

impl<T: ?Sized> Deref for ReentrantMutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        hooks::used(&self.hold);
        // SAFETY: the thread holds the lock, and all guards give shared references only (mod.rs I1).
        self.mutex.data.with(|data| unsafe { &*data })
    }
}

/// One hold of a [`ReentrantMutex`] that shows a part of its value; made by
/// [`ReentrantMutexGuard::map`].
#[must_use = "dropping the guard at once unlocks at once"]
pub struct MappedReentrantMutexGuard<'a, U: ?Sized> {
    raw: &'a RawMutex,
    owner: &'a Owner,
    part: NonNull<U>,
    panicking: bool,
    hold: Hold,
    _value: PhantomData<*const U>,
}

// SAFETY: a shared guard gives shared references to the part.
unsafe impl<U: ?Sized + Sync> Sync for MappedReentrantMutexGuard<'_, U> {}

// As of the whole guard.
impl<U: ?Sized> UnwindSafe for MappedReentrantMutexGuard<'_, U> {}
impl<U: ?Sized> RefUnwindSafe for MappedReentrantMutexGuard<'_, U> {}

impl<'a, U: ?Sized> MappedReentrantMutexGuard<'a, U> {
    /// A guard of a smaller part.
    ///
    /// # Panics
    /// If `part` panics; this hold is released.
    pub fn map<V: ?Sized>(
        this: MappedReentrantMutexGuard<'a, U>,
        part: impl FnOnce(&U) -> &V,
    ) -> MappedReentrantMutexGuard<'a, V> {
        let part = NonNull::from(part(&*this));
        let this = ManuallyDrop::new(this);
        MappedReentrantMutexGuard {
            raw: this.raw,
            owner: this.owner,
            part,
            panicking: this.panicking,
            hold: this.hold,
            _value: PhantomData,
        }
    }
}

impl<U: ?Sized> Drop for MappedReentrantMutexGuard<'_, U> {
    fn drop(&mut self) {
        leave(
            self.raw,
            self.owner,
            self.panicking,
            self.hold,
            RawMutex::unlock,
        );
    }
}

impl<U: ?Sized> Deref for MappedReentrantMutexGuard<'_, U> {
    type Target = U;

    fn deref(&self) -> &U {
        hooks::used(&self.hold);
        // SAFETY: made from a shared reference under the lock, which is still held.
        unsafe { self.part.as_ref() }
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

show! { ReentrantMutexGuard MappedReentrantMutexGuard }

crate::mutex::obligations! {
    [T: ?Sized] ReentrantMutexGuard<'_, T>: hold;
    [U: ?Sized] MappedReentrantMutexGuard<'_, U>: hold;
}
