//! A read-write lock whose plain verbs are futures.

use core::fmt;
use core::future::Future;
use core::marker::PhantomData;
use core::ops::Deref;
use core::pin::Pin;
use core::ptr::NonNull;
use core::task::{Context, Poll};
use counterpoint_base::const_fn;
use counterpoint_sync::{self as sync, rwlock as native};
use counterpoint_wait::hooks::Hold;
use std::sync::Arc;

use crate::face::{futures, guards, transparent};

/// A value that many may read at once, or one may write; see [`counterpoint_sync::RwLock`].
#[repr(transparent)]
pub struct RwLock<T: ?Sized>(sync::RwLock<T>);

transparent! { RwLock [T: ?Sized] [T] (sync::RwLock<T>); }

impl<T> RwLock<T> {
    const_fn! {
        /// A free lock around `t`.
        pub const fn new(t: T) -> RwLock<T> {
            RwLock(sync::RwLock::new(t))
        }
    }

    /// The value back.
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }

    /// As [`try_read`](Self::try_read), with a guard that keeps the lock alive.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_read_arc(self: &Arc<Self>) -> Option<RwLockReadGuardArc<T>> {
        let guard = RwLock::shared(self).try_read_owned();
        guard.ok().map(RwLockReadGuardArc::new)
    }

    /// As [`read`](Self::read), with a guard that keeps the lock alive.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn read_arc(self: &Arc<Self>) -> ReadArc<'_, T> {
        ReadArc(Lent::new(RwLock::shared(self).read_owned_async()))
    }

    /// As [`read_blocking`](Self::read_blocking), with a guard that keeps the lock alive.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn read_arc_blocking(self: &Arc<Self>) -> RwLockReadGuardArc<T> {
        RwLockReadGuardArc::new(RwLock::shared(self).read_owned())
    }
}

/// The forms of one verb.
macro_rules! forms {
    ($what:literal, $guard:ident, $op:ident, $name:ident, $try_:ident, $async_:ident, $blocking:ident,
     |$it:ident| $shown:expr) => {
        impl<T: ?Sized> RwLock<T> {
            #[doc = concat!("Comes in to ", $what, ".")]
            ///
            /// # Cancel safety
            /// Dropping the future gives up its place in line, and lets in whom it held back.
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $name(&self) -> $op<'_, T> {
                $op(self.0.$async_())
            }

            #[doc = concat!("Blocks this thread until it may ", $what, ".")]
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $blocking(&self) -> $guard<'_, T> {
                let $it = self.0.$name();
                $guard($shown)
            }

            #[doc = concat!("Comes in to ", $what, " if that needs no wait.")]
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $try_(&self) -> Option<$guard<'_, T>> {
                self.0.$try_().ok().map(|$it| $guard($shown))
            }
        }
    };
}

/// The same with guards that keep the lock alive.
macro_rules! forms_arc {
    ($guard:ident, $op:ident, $native:ident, $native_try:ident, $native_async:ident,
     $name:ident: $of:literal, $try_:ident: $of_try:literal, $blocking:ident: $of_blocking:literal) => {
        impl<T: ?Sized> RwLock<T> {
            #[doc = concat!("As [`", $of, "`](Self::", $of, "), with a guard that keeps the lock alive.")]
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $name(self: &Arc<Self>) -> $op<'_, T> {
                $op(Lent::new(RwLock::shared(self).$native_async()))
            }

            #[doc = concat!("As [`", $of_blocking, "`](Self::", $of_blocking, "), with a guard that keeps the lock alive.")]
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $blocking(self: &Arc<Self>) -> $guard<T> {
                $guard(RwLock::shared(self).$native())
            }

            #[doc = concat!("As [`", $of_try, "`](Self::", $of_try, "), with a guard that keeps the lock alive.")]
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn $try_(self: &Arc<Self>) -> Option<$guard<T>> {
                RwLock::shared(self).$native_try().ok().map($guard)
            }
        }
    };
}

forms! {
    "read", RwLockReadGuard, Read, read, try_read, read_async, read_blocking, |guard| whole(guard)
}
forms! {
    "read, and perhaps to write later", RwLockUpgradableReadGuard, UpgradableRead, upgradable_read,
    try_upgradable_read, upgradable_read_async, upgradable_read_blocking, |guard| guard
}
forms! {
    "write", RwLockWriteGuard, Write, write, try_write, write_async, write_blocking, |guard| guard
}
forms_arc! {
    RwLockUpgradableReadGuardArc, UpgradableReadArc, upgradable_read_owned,
    try_upgradable_read_owned, upgradable_read_owned_async,
    upgradable_read_arc: "upgradable_read", try_upgradable_read_arc: "try_upgradable_read",
    upgradable_read_arc_blocking: "upgradable_read_blocking"
}
forms_arc! {
    RwLockWriteGuardArc, WriteArc, write_owned, try_write_owned, write_owned_async,
    write_arc: "write", try_write_arc: "try_write", write_arc_blocking: "write_blocking"
}

impl<T: ?Sized> RwLock<T> {
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
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A guard of all of the value, which forgets the lock's type: it may be used as one of a value that
/// lives shorter.
fn whole<T: ?Sized>(guard: sync::RwLockReadGuard<'_, T>) -> sync::MappedRwLockReadGuard<'_, T> {
    sync::RwLockReadGuard::map(guard, |value| value)
}

guards! {
    /// Reads a [`RwLock`] until dropped.
    ///
    /// It may be used as one of a value that lives shorter:
    /// ```
    /// use counterpoint_compat::async_lock::RwLockReadGuard;
    ///
    /// fn shorten<'g>(guard: RwLockReadGuard<'g, &'static str>) -> RwLockReadGuard<'g, &'g str> {
    ///     guard
    /// }
    /// ```
    RwLockReadGuard ['a, T: ?Sized] ['a, T] (sync::MappedRwLockReadGuard<'a, T>) => T;
    /// Reads a [`RwLock`] until dropped, and may become the one who writes.
    RwLockUpgradableReadGuard ['a, T: ?Sized] ['a, T] (sync::RwLockUpgradableReadGuard<'a, T>) => T;
    /// Writes a [`RwLock`] until dropped.
    RwLockWriteGuard ['a, T: ?Sized] ['a, T] (sync::RwLockWriteGuard<'a, T>) => T, mut;
    /// As [`RwLockUpgradableReadGuard`], and keeps the lock alive.
    RwLockUpgradableReadGuardArc [T: ?Sized] [T] (sync::OwnedRwLockUpgradableReadGuard<T>) => T;
    /// As [`RwLockWriteGuard`], and keeps the lock alive.
    RwLockWriteGuardArc [T: ?Sized] [T] (sync::OwnedRwLockWriteGuard<T>) => T, mut;
}

/// As [`RwLockReadGuard`], and keeps the lock alive.
#[must_use = "dropping the guard at once unlocks at once"]
pub struct RwLockReadGuardArc<T> {
    value: NonNull<T>,
    /// From `Arc<sync::RwLock<T>>`, of which the type would not let `T` live shorter.
    lock: *const (),
    hold: Hold,
    _value: PhantomData<T>,
}

// SAFETY: a shared reference to the value, and a share of the lock, which may be the last.
unsafe impl<T: Send + Sync> Send for RwLockReadGuardArc<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for RwLockReadGuardArc<T> {}

// As of the guard that borrows.
impl<T> core::panic::UnwindSafe for RwLockReadGuardArc<T> {}
impl<T> core::panic::RefUnwindSafe for RwLockReadGuardArc<T> {}

impl<T> RwLockReadGuardArc<T> {
    fn new(guard: sync::OwnedRwLockReadGuard<T>) -> RwLockReadGuardArc<T> {
        let value = NonNull::from(&*guard);
        let (lock, hold) = sync::OwnedRwLockReadGuard::into_parts(guard);
        RwLockReadGuardArc {
            value,
            lock: Arc::into_raw(lock).cast(),
            hold,
            _value: PhantomData,
        }
    }
}

impl<T> Drop for RwLockReadGuardArc<T> {
    fn drop(&mut self) {
        // SAFETY: from `into_raw` in `new`, and taken back once; if a reference inside the value
        // lives shorter by now, that is another name for the same type.
        let lock = unsafe { Arc::from_raw(self.lock.cast::<sync::RwLock<T>>()) };
        // SAFETY: from `into_parts` in `new`, once.
        drop(unsafe { sync::OwnedRwLockReadGuard::from_parts(lock, self.hold) });
    }
}

impl<T> Deref for RwLockReadGuardArc<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the lock is held to read, and alive.
        unsafe { self.value.as_ref() }
    }
}

impl<T: fmt::Debug> fmt::Debug for RwLockReadGuardArc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: fmt::Display> fmt::Display for RwLockReadGuardArc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

impl<'a, T: ?Sized> RwLockUpgradableReadGuard<'a, T> {
    /// Goes on reading as others do.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn downgrade(guard: Self) -> RwLockReadGuard<'a, T> {
        let guard = sync::RwLockUpgradableReadGuard::downgrade(guard.0);
        RwLockReadGuard(whole(guard))
    }

    /// Writes from now on, if nobody else reads.
    ///
    /// # Errors
    /// The guard, if somebody does.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_upgrade(guard: Self) -> Result<RwLockWriteGuard<'a, T>, Self> {
        match sync::RwLockUpgradableReadGuard::try_upgrade(guard.0) {
            Ok(guard) => Ok(RwLockWriteGuard(guard)),
            Err(guard) => Err(RwLockUpgradableReadGuard(guard)),
        }
    }

    /// Waits until all others who read have left, and writes from then on.
    ///
    /// # Cancel safety
    /// Dropping the future drops this guard.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn upgrade(guard: Self) -> Upgrade<'a, T> {
        Upgrade(sync::RwLockUpgradableReadGuard::upgrade_async(guard.0))
    }

    /// Blocks this thread until all others who read have left, and writes from then on.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn upgrade_blocking(guard: Self) -> RwLockWriteGuard<'a, T> {
        RwLockWriteGuard(sync::RwLockUpgradableReadGuard::upgrade(guard.0))
    }
}

impl<T> RwLockUpgradableReadGuardArc<T> {
    /// Goes on reading as others do.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn downgrade(guard: Self) -> RwLockReadGuardArc<T> {
        let guard = sync::OwnedRwLockUpgradableReadGuard::downgrade(guard.0);
        RwLockReadGuardArc::new(guard)
    }
}

impl<T: ?Sized> RwLockUpgradableReadGuardArc<T> {
    /// Writes from now on, if nobody else reads.
    ///
    /// # Errors
    /// The guard, if somebody does.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_upgrade(guard: Self) -> Result<RwLockWriteGuardArc<T>, Self> {
        match sync::OwnedRwLockUpgradableReadGuard::try_upgrade(guard.0) {
            Ok(guard) => Ok(RwLockWriteGuardArc(guard)),
            Err(guard) => Err(RwLockUpgradableReadGuardArc(guard)),
        }
    }

    /// Waits until all others who read have left, and writes from then on.
    ///
    /// # Cancel safety
    /// Dropping the future drops this guard.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn upgrade(guard: Self) -> UpgradeArc<T> {
        UpgradeArc(sync::OwnedRwLockUpgradableReadGuard::upgrade_async(guard.0))
    }

    /// Blocks this thread until all others who read have left, and writes from then on.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn upgrade_blocking(guard: Self) -> RwLockWriteGuardArc<T> {
        RwLockWriteGuardArc(sync::OwnedRwLockUpgradableReadGuard::upgrade(guard.0))
    }
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// Goes on reading; others who read may come in, nobody writes in between.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn downgrade(guard: Self) -> RwLockReadGuard<'a, T> {
        RwLockReadGuard(whole(sync::RwLockWriteGuard::downgrade(guard.0)))
    }

    /// Goes on reading as the one who may upgrade.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn downgrade_to_upgradable(guard: Self) -> RwLockUpgradableReadGuard<'a, T> {
        let guard = sync::RwLockWriteGuard::downgrade_to_upgradable(guard.0);
        RwLockUpgradableReadGuard(guard)
    }
}

impl<T> RwLockWriteGuardArc<T> {
    /// Goes on reading; others who read may come in, nobody writes in between.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn downgrade(guard: Self) -> RwLockReadGuardArc<T> {
        RwLockReadGuardArc::new(sync::OwnedRwLockWriteGuard::downgrade(guard.0))
    }
}

impl<T: ?Sized> RwLockWriteGuardArc<T> {
    /// Goes on reading as the one who may upgrade.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn downgrade_to_upgradable(guard: Self) -> RwLockUpgradableReadGuardArc<T> {
        let guard = sync::OwnedRwLockWriteGuard::downgrade_to_upgradable(guard.0);
        RwLockUpgradableReadGuardArc(guard)
    }
}

/// An operation that is not to outlive the pointer it was made through, as the peer's do not.
#[derive(Debug)]
struct Lent<'a, O>(O, PhantomData<&'a ()>);

impl<O> Lent<'_, O> {
    fn new(operation: O) -> Self {
        Lent(operation, PhantomData)
    }
}

impl<O: Future> Future for Lent<'_, O> {
    type Output = O::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O::Output> {
        // SAFETY: pinned with this and not moved.
        unsafe { self.map_unchecked_mut(|this| &mut this.0) }.poll(cx)
    }
}

futures! {
    /// Comes in to read; made by [`RwLock::read`].
    Read ['a, T: ?Sized] ['a, T] (native::Read<'a, T>) -> RwLockReadGuard<'a, T>,
        |guard| RwLockReadGuard(whole(guard));
    /// Comes in to read; made by [`RwLock::read_arc`].
    ReadArc ['a, T] ['a, T] (Lent<'a, native::ReadOwned<T>>) -> RwLockReadGuardArc<T>,
        |guard| RwLockReadGuardArc::new(guard);
    /// Comes in to read, and perhaps to write later; made by [`RwLock::upgradable_read`].
    UpgradableRead ['a, T: ?Sized] ['a, T] (native::UpgradableRead<'a, T>) -> RwLockUpgradableReadGuard<'a, T>,
        |guard| RwLockUpgradableReadGuard(guard);
    /// Comes in to read, and perhaps to write later; made by [`RwLock::upgradable_read_arc`].
    UpgradableReadArc ['a, T: ?Sized] ['a, T] (Lent<'a, native::UpgradableReadOwned<T>>) -> RwLockUpgradableReadGuardArc<T>,
        |guard| RwLockUpgradableReadGuardArc(guard);
    /// Comes in to write; made by [`RwLock::write`].
    Write ['a, T: ?Sized] ['a, T] (native::Write<'a, T>) -> RwLockWriteGuard<'a, T>,
        |guard| RwLockWriteGuard(guard);
    /// Comes in to write; made by [`RwLock::write_arc`].
    WriteArc ['a, T: ?Sized] ['a, T] (Lent<'a, native::WriteOwned<T>>) -> RwLockWriteGuardArc<T>,
        |guard| RwLockWriteGuardArc(guard);
    /// Waits to write; made by [`RwLockUpgradableReadGuard::upgrade`].
    Upgrade ['a, T: ?Sized] ['a, T] (native::Upgrade<'a, T>) -> RwLockWriteGuard<'a, T>,
        |guard| RwLockWriteGuard(guard);
    /// Waits to write; made by [`RwLockUpgradableReadGuardArc::upgrade`].
    UpgradeArc [T: ?Sized] [T] (native::UpgradeOwned<T>) -> RwLockWriteGuardArc<T>,
        |guard| RwLockWriteGuardArc(guard);
}
