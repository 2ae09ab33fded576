//! The guards of the read-write lock: borrowed, owned, and what they turn into.

use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use counterpoint_base::prim::thread::panicking;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::hooks::{self, Hold, Site};
use std::sync::Arc;

use super::mapped::{
    MappedRwLockReadGuard, MappedRwLockWriteGuard, OwnedMappedRwLockReadGuard,
    OwnedMappedRwLockWriteGuard,
};
use super::raw::RawRwLock;
use super::verb::{self, Guard, Upgrade, UpgradeOwned};
use super::word::Kind;
use super::{RwLock, UpgradeError};

/// One who wrote leaves; a panic since poisons.
#[inline]
pub(super) fn release_write(raw: &RawRwLock, panicked_before: bool, hold: Hold) {
    hooks::released(hold);
    if !panicked_before && panicking() {
        raw.poison();
    }
    raw.release_write();
}

/// One who read leaves.
#[inline]
pub(super) fn release_read(raw: &RawRwLock, hold: Hold) {
    hooks::released(hold);
    raw.release_read();
}

/// Reads a [`RwLock`] until dropped, beside others who read.
///
/// It is `Send` if the value is `Send` and `Sync`: the lock belongs to the guard, not to the thread.
#[must_use = "dropping the guard at once unlocks at once"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    lock: &'a RwLock<T>,
    hold: Hold,
}

/// Reads a [`RwLock`] until dropped, beside others who read, and may become the one who writes.
///
/// There is one such guard at a time. It is the way to look first and to write only if need be,
/// without anybody writing in between.
#[must_use = "dropping the guard at once unlocks at once"]
pub struct RwLockUpgradableReadGuard<'a, T: ?Sized> {
    lock: &'a RwLock<T>,
    hold: Hold,
}

/// Writes a [`RwLock`] until dropped, alone.
///
/// It is `Send` if the value is `Send` and `Sync`: the lock belongs to the guard, not to the thread.
#[must_use = "dropping the guard at once unlocks at once"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    lock: &'a RwLock<T>,
    /// The thread was unwinding already when it came in.
    panicking: bool,
    hold: Hold,
}

/// As [`RwLockReadGuard`], and keeps the lock alive.
#[must_use = "dropping the guard at once unlocks at once"]
pub struct OwnedRwLockReadGuard<T: ?Sized> {
    lock: Arc<RwLock<T>>,
    hold: Hold,
}

/// As [`RwLockUpgradableReadGuard`], and keeps the lock alive.
#[must_use = "dropping the guard at once unlocks at once"]
pub struct OwnedRwLockUpgradableReadGuard<T: ?Sized> {
    lock: Arc<RwLock<T>>,
    hold: Hold,
}

/// As [`RwLockWriteGuard`], and keeps the lock alive.
#[must_use = "dropping the guard at once unlocks at once"]
pub struct OwnedRwLockWriteGuard<T: ?Sized> {
    lock: Arc<RwLock<T>>,
    /// The thread was unwinding already when it came in.
    panicking: bool,
    hold: Hold,
}

/// What all six have in common. `$lock` is how they hold the lock, `$field` what they have beside it.
macro_rules! common {
    ($([$($a:lifetime)?] $name:ident, $lock:ty, $shown:ty, |$it:ident| $show:expr, {$($field:ident: $value:expr)?}, |$this:ident| $release:expr;)*) => {$(
        impl<$($a,)? T: ?Sized> $name<$($a,)? T> {
            #[inline(always)]
            pub(crate) fn new(lock: $lock, hold: Hold) -> Self {
                $name { lock, $($field: $value,)? hold }
            }

            /// The lock it holds.
            pub fn rwlock(this: &Self) -> $shown {
                let $it = this;
                $show
            }

            #[inline(always)]
            pub(super) fn raw(&self) -> &RawRwLock {
                &self.lock.raw
            }

            /// Unlocks, and reserves the lock for the first in line if there is one.
            ///
            /// Use it where a thread takes the same lock in a loop and must not starve the others.
            pub fn unlock_fair(this: Self) {
                this.raw().reserve_next();
                drop(this);
            }
        }

        impl<$($a,)? T: ?Sized> Guard for $name<$($a,)? T> {
            #[inline(always)]
            fn tell_held(&mut self, site: Site) {
                self.hold = hooks::held(stringify!($name), self.raw().queue(), site, 1);
            }
        }

        impl<$($a,)? T: ?Sized> Drop for $name<$($a,)? T> {
            #[inline]
            fn drop(&mut self) {
                let $this = self;
                $release
            }
        }

        impl<$($a,)? T: ?Sized> Deref for $name<$($a,)? T> {
            type Target = T;

            #[inline]
            fn deref(&self) -> &T {
                hooks::used(&self.hold);
                // SAFETY: the guard holds the lock, at least to read (raw.rs I1).
                self.lock.data.with(|data| unsafe { &*data })
            }
        }

        impl<$($a,)? T: ?Sized + fmt::Debug> fmt::Debug for $name<$($a,)? T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&**self, f)
            }
        }

        impl<$($a,)? T: ?Sized + fmt::Display> fmt::Display for $name<$($a,)? T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&**self, f)
            }
        }
    )*};
}

common! {
    ['a] RwLockReadGuard, &'a RwLock<T>, &'a RwLock<T>, |it| it.lock, {}, |this| release_read(&this.lock.raw, this.hold);
    ['a] RwLockUpgradableReadGuard, &'a RwLock<T>, &'a RwLock<T>, |it| it.lock, {}, |this| {
        hooks::released(this.hold);
        this.lock.raw.release_upgradable();
    };
    ['a] RwLockWriteGuard, &'a RwLock<T>, &'a RwLock<T>, |it| it.lock, { panicking: panicking() }, |this| {
        release_write(&this.lock.raw, this.panicking, this.hold)
    };
    [] OwnedRwLockReadGuard, Arc<RwLock<T>>, &Arc<RwLock<T>>, |it| &it.lock, {}, |this| release_read(&this.lock.raw, this.hold);
    [] OwnedRwLockUpgradableReadGuard, Arc<RwLock<T>>, &Arc<RwLock<T>>, |it| &it.lock, {}, |this| {
        hooks::released(this.hold);
        this.lock.raw.release_upgradable();
    };
    [] OwnedRwLockWriteGuard, Arc<RwLock<T>>, &Arc<RwLock<T>>, |it| &it.lock, { panicking: panicking() }, |this| {
        release_write(&this.lock.raw, this.panicking, this.hold)
    };
}

/// Guards that become others.
macro_rules! becomes {
    ($([$($a:lifetime)?] $name:ident, $lock:ty;)*) => {$(
        impl<$($a,)? T: ?Sized> $name<$($a,)? T> {
            /// Takes the guard apart without unlocking; what it was told as is over.
            #[inline(always)]
            fn into_lock(self) -> $lock {
                let this = ManuallyDrop::new(self);
                hooks::released(this.hold);
                // SAFETY: moved out once; `this` is not dropped.
                unsafe { core::ptr::read(&this.lock) }
            }
        }
    )*};
}

macro_rules! kept {
    ($($name:ident)*) => {$(
        #[cfg(all(feature = "lock_api", not(counterpoint_loom)))]
        impl<T: ?Sized> $name<'_, T> {
            /// Keeps the lock held without a guard.
            #[inline]
            pub(crate) fn into_hold(self) -> Hold {
                ManuallyDrop::new(self).hold
            }
        }
    )*};
}

kept!(RwLockReadGuard RwLockUpgradableReadGuard RwLockWriteGuard);

becomes! {
    ['a] RwLockUpgradableReadGuard, &'a RwLock<T>;
    ['a] RwLockWriteGuard, &'a RwLock<T>;
    [] OwnedRwLockUpgradableReadGuard, Arc<RwLock<T>>;
    [] OwnedRwLockWriteGuard, Arc<RwLock<T>>;
}

/// What guards that write have in common.
macro_rules! writes {
    ($([$($a:lifetime)?] $name:ident, $read:ident, $upgradable:ident;)*) => {$(
        impl<$($a,)? T: ?Sized> $name<$($a,)? T> {
            /// Goes on reading; others who read may come in, nobody writes in between.
            ///
            /// A panic while it wrote, if there was one, has poisoned the lock.
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn downgrade(this: Self) -> $read<$($a,)? T> {
                this.poison_if_panicked();
                Self::downgrade_unpoisoned(this)
            }

            /// The same, and a panic that goes on poisons nothing.
            #[cfg_attr(feature = "hooks", track_caller)]
            pub(crate) fn downgrade_unpoisoned(this: Self) -> $read<$($a,)? T> {
                let lock = this.into_lock();
                lock.raw.downgrade(Kind::Read);
                let mut guard = $read::new(lock, Hold::NONE);
                guard.tell_held(Site::here());
                guard.raw().let_followers_in();
                guard
            }

            /// Goes on reading, as the one who may upgrade; others who read may come in, nobody
            /// writes in between.
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn downgrade_to_upgradable(this: Self) -> $upgradable<$($a,)? T> {
                this.poison_if_panicked();
                let lock = this.into_lock();
                lock.raw.downgrade(Kind::Upgradable);
                let mut guard = $upgradable::new(lock, Hold::NONE);
                guard.tell_held(Site::here());
                guard.raw().let_followers_in();
                guard
            }

            fn poison_if_panicked(&self) {
                if !self.panicking && panicking() {
                    self.raw().poison();
                }
            }
        }

        impl<$($a,)? T: ?Sized> DerefMut for $name<$($a,)? T> {
            #[inline]
            fn deref_mut(&mut self) -> &mut T {
                hooks::used(&self.hold);
                // SAFETY: the guard holds the lock alone (raw.rs I1), and is borrowed exclusively.
                self.lock.data.with_mut(|data| unsafe { &mut *data })
            }
        }
    )*};
}

writes! {
    ['a] RwLockWriteGuard, RwLockReadGuard, RwLockUpgradableReadGuard;
    [] OwnedRwLockWriteGuard, OwnedRwLockReadGuard, OwnedRwLockUpgradableReadGuard;
}

/// What guards that may upgrade have in common.
macro_rules! upgrades {
    ($([$($a:lifetime)?] $name:ident, $read:ident, $write:ident, $operation:ty;)*) => {$(
        impl<$($a,)? T: ?Sized> $name<$($a,)? T> {
            /// Blocks this thread until all others who read have left, and writes from then on.
            /// Nobody writes in between. While it is in line no new readers come in but recursive
            /// ones; once it was woken, one may still come in before it looks, and it waits again.
            ///
            /// # Deadlocks
            /// Waits for ever if this thread holds another guard that reads. Inside a task use
            /// [`upgrade_async`](Self::upgrade_async).
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn upgrade(this: Self) -> $write<$($a,)? T> {
                Self::upgrade_async(this).wait()
            }

            /// Writes from now on, if nobody else reads.
            ///
            /// # Errors
            /// The guard, if somebody does.
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn try_upgrade(this: Self) -> Result<$write<$($a,)? T>, Self> {
                if !this.raw().try_take(Kind::Upgrade) {
                    return Err(this);
                }
                let mut guard = this.upgraded();
                guard.tell_held(Site::here());
                Ok(guard)
            }

            /// As [`upgrade`](Self::upgrade), at most for `timeout`; zero tries once.
            ///
            /// # Errors
            /// [`UpgradeError::TimedOut`], with the guard.
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn upgrade_timeout(
                this: Self,
                timeout: Duration,
            ) -> Result<$write<$($a,)? T>, UpgradeError<Self>> {
                Self::upgrade_async(this).timeout(timeout).wait()
            }

            /// As [`upgrade`](Self::upgrade), at most until `deadline`; one in the past tries once.
            ///
            /// # Errors
            /// [`UpgradeError::TimedOut`], with the guard.
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn upgrade_deadline(
                this: Self,
                deadline: Instant,
            ) -> Result<$write<$($a,)? T>, UpgradeError<Self>> {
                Self::upgrade_async(this).deadline(deadline).wait()
            }

            /// The operation that waits until all others who read have left; yields the guard that
            /// writes. One that is stopped by a bound yields this guard again.
            ///
            /// # Cancel safety
            /// Dropping it drops this guard, and lets those in whom it held back.
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn upgrade_async(this: Self) -> $operation {
                verb::upgrade(this)
            }

            /// Becomes a guard like the others who read, so that another one may be the one who may
            /// upgrade.
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn downgrade(this: Self) -> $read<$($a,)? T> {
                let lock = this.into_lock();
                lock.raw.downgrade_upgradable();
                let mut guard = $read::new(lock, Hold::NONE);
                guard.tell_held(Site::here());
                guard.raw().let_followers_in();
                guard
            }

            /// The lock was upgraded: the guard that writes.
            pub(super) fn upgraded(self) -> $write<$($a,)? T> {
                $write::new(self.into_lock(), Hold::NONE)
            }
        }
    )*};
}

upgrades! {
    ['a] RwLockUpgradableReadGuard, RwLockReadGuard, RwLockWriteGuard, Upgrade<'a, T>;
    [] OwnedRwLockUpgradableReadGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, UpgradeOwned<T>;
}

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    /// A guard of a part of the value.
    ///
    /// # Panics
    /// If `part` panics; the lock is released.
    pub fn map<U: ?Sized>(
        this: RwLockReadGuard<'a, T>,
        part: impl FnOnce(&T) -> &U,
    ) -> MappedRwLockReadGuard<'a, U> {
        let part = part(&this).into();
        let this = ManuallyDrop::new(this);
        MappedRwLockReadGuard::new(&this.lock.raw, part, this.hold)
    }

    /// A guard of a part of the value, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `part` returns `None`.
    pub fn try_map<U: ?Sized>(
        this: RwLockReadGuard<'a, T>,
        part: impl FnOnce(&T) -> Option<&U>,
    ) -> Result<MappedRwLockReadGuard<'a, U>, RwLockReadGuard<'a, T>> {
        let Some(part) = part(&this).map(Into::into) else {
            return Err(this);
        };
        let this = ManuallyDrop::new(this);
        Ok(MappedRwLockReadGuard::new(&this.lock.raw, part, this.hold))
    }
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// A guard of a part of the value.
    ///
    /// # Panics
    /// If `part` panics; the lock is released.
    pub fn map<U: ?Sized>(
        mut this: RwLockWriteGuard<'a, T>,
        part: impl FnOnce(&mut T) -> &mut U,
    ) -> MappedRwLockWriteGuard<'a, U> {
        let part = part(&mut *this).into();
        let this = ManuallyDrop::new(this);
        MappedRwLockWriteGuard::new(&this.lock.raw, part, this.panicking, this.hold)
    }

    /// A guard of a part of the value, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `part` returns `None`.
    pub fn try_map<U: ?Sized>(
        mut this: RwLockWriteGuard<'a, T>,
        part: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<MappedRwLockWriteGuard<'a, U>, RwLockWriteGuard<'a, T>> {
        let Some(part) = part(&mut *this).map(Into::into) else {
            return Err(this);
        };
        let this = ManuallyDrop::new(this);
        Ok(MappedRwLockWriteGuard::new(
            &this.lock.raw,
            part,
            this.panicking,
            this.hold,
        ))
    }
}

impl<T: ?Sized> OwnedRwLockReadGuard<T> {
    /// A guard of a part of the value.
    ///
    /// # Panics
    /// If `part` panics; the lock is released.
    pub fn map<U: ?Sized>(
        this: OwnedRwLockReadGuard<T>,
        part: impl FnOnce(&T) -> &U,
    ) -> OwnedMappedRwLockReadGuard<T, U> {
        let part = part(&this).into();
        OwnedMappedRwLockReadGuard::new(part, this)
    }

    /// A guard of a part of the value, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `part` returns `None`.
    pub fn try_map<U: ?Sized>(
        this: OwnedRwLockReadGuard<T>,
        part: impl FnOnce(&T) -> Option<&U>,
    ) -> Result<OwnedMappedRwLockReadGuard<T, U>, OwnedRwLockReadGuard<T>> {
        match part(&this).map(Into::into) {
            None => Err(this),
            Some(part) => Ok(OwnedMappedRwLockReadGuard::new(part, this)),
        }
    }
}

impl<T: ?Sized> OwnedRwLockWriteGuard<T> {
    /// A guard of a part of the value.
    ///
    /// # Panics
    /// If `part` panics; the lock is released.
    pub fn map<U: ?Sized>(
        mut this: OwnedRwLockWriteGuard<T>,
        part: impl FnOnce(&mut T) -> &mut U,
    ) -> OwnedMappedRwLockWriteGuard<T, U> {
        let part = part(&mut *this).into();
        OwnedMappedRwLockWriteGuard::new(part, this)
    }

    /// A guard of a part of the value, if there is one.
    ///
    /// # Errors
    /// The guard itself, if `part` returns `None`.
    pub fn try_map<U: ?Sized>(
        mut this: OwnedRwLockWriteGuard<T>,
        part: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<OwnedMappedRwLockWriteGuard<T, U>, OwnedRwLockWriteGuard<T>> {
        match part(&mut *this).map(Into::into) {
            None => Err(this),
            Some(part) => Ok(OwnedMappedRwLockWriteGuard::new(part, this)),
        }
    }
}

impl<T: ?Sized> OwnedRwLockReadGuard<T> {
    /// The lock, still held to read, and how that was told: for who builds a guard of another shape.
    pub fn into_parts(this: OwnedRwLockReadGuard<T>) -> (Arc<RwLock<T>>, Hold) {
        let this = ManuallyDrop::new(this);
        // SAFETY: moved out once; `this` is not dropped.
        (unsafe { core::ptr::read(&this.lock) }, this.hold)
    }

    /// The guard again.
    ///
    /// # Safety
    /// The parts come from [`into_parts`](Self::into_parts), and are put together once.
    pub unsafe fn from_parts(lock: Arc<RwLock<T>>, hold: Hold) -> OwnedRwLockReadGuard<T> {
        OwnedRwLockReadGuard::new(lock, hold)
    }
}

impl<'a, T: ?Sized> RwLock<T> {
    /// The guard of a form that came in at once.
    #[inline(always)]
    pub(super) fn entered<M: verb::Mode>(&'a self, site: Site) -> M::Guard<'a, T> {
        let mut guard = M::guard(self);
        guard.tell_held(site);
        guard
    }

    /// As `entered`, for an owned guard.
    pub(super) fn entered_owned<M: verb::Mode>(self: &Arc<Self>, site: Site) -> M::OwnedGuard<T> {
        let mut guard = M::owned_guard(self.clone());
        guard.tell_held(site);
        guard
    }
}

crate::mutex::obligations! {
    [T: ?Sized] RwLockReadGuard<'_, T>: hold;
    [T: ?Sized] RwLockUpgradableReadGuard<'_, T>: hold;
    [T: ?Sized] RwLockWriteGuard<'_, T>: hold;
    [T: ?Sized] OwnedRwLockReadGuard<T>: hold;
    [T: ?Sized] OwnedRwLockUpgradableReadGuard<T>: hold;
    [T: ?Sized] OwnedRwLockWriteGuard<T>: hold;
}
