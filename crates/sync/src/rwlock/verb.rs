//! The waiting verbs of the read-write lock; the protocol is in `raw.rs`.

use core::fmt;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::Context;
use counterpoint_base::prim::time::Instant;
use counterpoint_wait::hooks::{Hold, Site};
use counterpoint_wait::op::{LockedQueue, Op, Stop, Turn, Verb};
use counterpoint_wait::queue::WaitQueue;
use counterpoint_wait::waker::WakeBatch;
use std::sync::Arc;

use super::raw::{State, Want};
use super::word::Kind;
use super::{
    OwnedRwLockReadGuard, OwnedRwLockUpgradableReadGuard, OwnedRwLockWriteGuard, RwLock,
    RwLockError, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard, UpgradeError,
};
use crate::fairness::Patience;

mod sealed {
    #[expect(
        unnameable_types,
        reason = "so that nobody else implements the traits here"
    )]
    pub trait Sealed {}
}
use sealed::Sealed;

/// A guard, as a verb makes it. Implemented by the guards of this module.
pub trait Guard: Sealed {
    #[doc(hidden)]
    fn tell_held(&mut self, site: Site);
}

/// What one does with the lock: [`Shared`], [`Recursive`], [`Upgradable`] or [`Exclusive`].
pub trait Mode: Sealed {
    /// The guard that borrows the lock.
    type Guard<'a, T: ?Sized + 'a>: Guard;
    /// The guard that keeps the lock alive.
    type OwnedGuard<T: ?Sized>: Guard;

    #[doc(hidden)]
    const KIND: Kind;
    #[doc(hidden)]
    const NAME: &'static str;
    #[doc(hidden)]
    const OWNED_NAME: &'static str;

    #[doc(hidden)]
    fn guard<T: ?Sized>(lock: &RwLock<T>) -> Self::Guard<'_, T>;
    #[doc(hidden)]
    fn owned_guard<T: ?Sized>(lock: Arc<RwLock<T>>) -> Self::OwnedGuard<T>;
}

macro_rules! modes {
    ($($(#[$meta:meta])* $mode:ident, $kind:ident, $guard:ident, $owned:ident, $name:literal, $owned_name:literal;)*) => {$(
        $(#[$meta])*
        #[derive(Debug)]
        pub enum $mode {}

        impl Sealed for $mode {}

        impl Mode for $mode {
            type Guard<'a, T: ?Sized + 'a> = $guard<'a, T>;
            type OwnedGuard<T: ?Sized> = $owned<T>;

            const KIND: Kind = Kind::$kind;
            const NAME: &'static str = $name;
            const OWNED_NAME: &'static str = $owned_name;

            #[inline(always)]
            fn guard<T: ?Sized>(lock: &RwLock<T>) -> $guard<'_, T> {
                $guard::new(lock, Hold::NONE)
            }

            #[inline(always)]
            fn owned_guard<T: ?Sized>(lock: Arc<RwLock<T>>) -> $owned<T> {
                $owned::new(lock, Hold::NONE)
            }
        }
    )*};
}

modes! {
    /// Reads beside others who read.
    Shared, Read, RwLockReadGuard, OwnedRwLockReadGuard, "RwLock::read", "RwLock::read_owned";
    /// Reads beside others who read, whoever waits.
    Recursive, Recursive, RwLockReadGuard, OwnedRwLockReadGuard, "RwLock::read_recursive", "RwLock::read_recursive_owned";
    /// Reads beside others who read, and may write later.
    Upgradable, Upgradable, RwLockUpgradableReadGuard, OwnedRwLockUpgradableReadGuard, "RwLock::upgradable_read", "RwLock::upgradable_read_owned";
    /// Writes, alone.
    Exclusive, Write, RwLockWriteGuard, OwnedRwLockWriteGuard, "RwLock::write", "RwLock::write_owned";
}

impl<T: ?Sized> Sealed for RwLockReadGuard<'_, T> {}
impl<T: ?Sized> Sealed for RwLockUpgradableReadGuard<'_, T> {}
impl<T: ?Sized> Sealed for RwLockWriteGuard<'_, T> {}
impl<T: ?Sized> Sealed for OwnedRwLockReadGuard<T> {}
impl<T: ?Sized> Sealed for OwnedRwLockUpgradableReadGuard<T> {}
impl<T: ?Sized> Sealed for OwnedRwLockWriteGuard<T> {}

/// Where a waiting operation finds its lock, and what it yields. Not for others to implement.
pub trait Access: Sealed {
    /// What it yields.
    type Guard: Guard;
    /// What it yields if it is stopped.
    type Error;
    /// The value of the lock.
    type Value: ?Sized;

    #[doc(hidden)]
    const KIND: Kind;
    #[doc(hidden)]
    const NAME: &'static str;

    #[doc(hidden)]
    fn lock(&self) -> &RwLock<Self::Value>;
    /// It came in; the operation is over.
    #[doc(hidden)]
    fn guard(&mut self) -> Self::Guard;
    #[doc(hidden)]
    fn error(&mut self, why: Stop) -> Self::Error;
}

const OVER: &str = "a lock operation used after completion";

/// A lock that the operation borrows.
pub struct Borrowed<'a, T: ?Sized, M> {
    lock: &'a RwLock<T>,
    _mode: PhantomData<fn() -> M>,
}

/// A lock that the operation keeps alive, until the guard does.
pub struct Owned<T: ?Sized, M> {
    /// Taken when the guard is made.
    lock: Option<Arc<RwLock<T>>>,
    _mode: PhantomData<fn() -> M>,
}

/// The upgradable guard that waits to be one that writes.
pub struct Upgrading<G> {
    /// Taken when the operation ends.
    guard: Option<G>,
}

impl<T: ?Sized, M> Sealed for Borrowed<'_, T, M> {}
impl<T: ?Sized, M> Sealed for Owned<T, M> {}
impl<G> Sealed for Upgrading<G> {}

impl<T: ?Sized, M> fmt::Debug for Borrowed<'_, T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Borrowed").finish_non_exhaustive()
    }
}

impl<T: ?Sized, M> fmt::Debug for Owned<T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owned").finish_non_exhaustive()
    }
}

impl<G> fmt::Debug for Upgrading<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrading").finish_non_exhaustive()
    }
}

impl<'a, T: ?Sized, M: Mode> Access for Borrowed<'a, T, M> {
    type Guard = M::Guard<'a, T>;
    type Error = RwLockError;
    type Value = T;

    const KIND: Kind = M::KIND;
    const NAME: &'static str = M::NAME;

    #[inline(always)]
    fn lock(&self) -> &RwLock<T> {
        self.lock
    }

    #[inline(always)]
    fn guard(&mut self) -> M::Guard<'a, T> {
        M::guard(self.lock)
    }

    fn error(&mut self, why: Stop) -> RwLockError {
        why.into()
    }
}

impl<T: ?Sized, M: Mode> Access for Owned<T, M> {
    type Guard = M::OwnedGuard<T>;
    type Error = RwLockError;
    type Value = T;

    const KIND: Kind = M::KIND;
    const NAME: &'static str = M::OWNED_NAME;

    fn lock(&self) -> &RwLock<T> {
        self.lock.as_ref().expect(OVER)
    }

    fn guard(&mut self) -> M::OwnedGuard<T> {
        M::owned_guard(self.lock.take().expect(OVER))
    }

    fn error(&mut self, why: Stop) -> RwLockError {
        why.into()
    }
}

impl<'a, T: ?Sized> Access for Upgrading<RwLockUpgradableReadGuard<'a, T>> {
    type Guard = RwLockWriteGuard<'a, T>;
    type Error = UpgradeError<RwLockUpgradableReadGuard<'a, T>>;
    type Value = T;

    const KIND: Kind = Kind::Upgrade;
    const NAME: &'static str = "RwLockUpgradableReadGuard::upgrade";

    fn lock(&self) -> &RwLock<T> {
        RwLockUpgradableReadGuard::rwlock(self.guard.as_ref().expect(OVER))
    }

    fn guard(&mut self) -> RwLockWriteGuard<'a, T> {
        self.guard.take().expect(OVER).upgraded()
    }

    fn error(&mut self, why: Stop) -> Self::Error {
        UpgradeError::new(why, self.guard.take().expect(OVER))
    }
}

impl<T: ?Sized> Access for Upgrading<OwnedRwLockUpgradableReadGuard<T>> {
    type Guard = OwnedRwLockWriteGuard<T>;
    type Error = UpgradeError<OwnedRwLockUpgradableReadGuard<T>>;
    type Value = T;

    const KIND: Kind = Kind::Upgrade;
    const NAME: &'static str = "OwnedRwLockUpgradableReadGuard::upgrade";

    fn lock(&self) -> &RwLock<T> {
        OwnedRwLockUpgradableReadGuard::rwlock(self.guard.as_ref().expect(OVER))
    }

    fn guard(&mut self) -> OwnedRwLockWriteGuard<T> {
        self.guard.take().expect(OVER).upgraded()
    }

    fn error(&mut self, why: Stop) -> Self::Error {
        UpgradeError::new(why, self.guard.take().expect(OVER))
    }
}

/// Waits for a read-write lock, to read; see [`RwLock::read_async`].
pub type Read<'a, T> = Op<AccessVerb<Borrowed<'a, T, Shared>>>;
/// Waits to read, whoever else waits; see [`RwLock::read_recursive_async`].
pub type ReadRecursive<'a, T> = Op<AccessVerb<Borrowed<'a, T, Recursive>>>;
/// Waits to read, and perhaps to write later; see [`RwLock::upgradable_read_async`].
pub type UpgradableRead<'a, T> = Op<AccessVerb<Borrowed<'a, T, Upgradable>>>;
/// Waits for a read-write lock, to write; see [`RwLock::write_async`].
pub type Write<'a, T> = Op<AccessVerb<Borrowed<'a, T, Exclusive>>>;
/// [`Read`] of a lock that it keeps alive; see [`RwLock::read_owned_async`].
pub type ReadOwned<T> = Op<AccessVerb<Owned<T, Shared>>>;
/// [`ReadRecursive`] of a lock that it keeps alive; see [`RwLock::read_recursive_owned_async`].
pub type ReadRecursiveOwned<T> = Op<AccessVerb<Owned<T, Recursive>>>;
/// [`UpgradableRead`] of a lock that it keeps alive; see [`RwLock::upgradable_read_owned_async`].
pub type UpgradableReadOwned<T> = Op<AccessVerb<Owned<T, Upgradable>>>;
/// [`Write`] of a lock that it keeps alive; see [`RwLock::write_owned_async`].
pub type WriteOwned<T> = Op<AccessVerb<Owned<T, Exclusive>>>;
/// Waits until no one else reads; see [`RwLockUpgradableReadGuard::upgrade_async`].
pub type Upgrade<'a, T> = Op<AccessVerb<Upgrading<RwLockUpgradableReadGuard<'a, T>>>>;
/// Waits until no one else reads; see [`OwnedRwLockUpgradableReadGuard::upgrade_async`].
pub type UpgradeOwned<T> = Op<AccessVerb<Upgrading<OwnedRwLockUpgradableReadGuard<T>>>>;

/// The verb of all operations on a read-write lock.
pub struct AccessVerb<A: Access> {
    patience: Patience,
    access: A,
    /// It is counted in line (raw.rs I6).
    in_line: bool,
    /// It left the line to try by itself: others may follow it, or come in its place (raw.rs I3).
    left: bool,
}

impl<A: Access> fmt::Debug for AccessVerb<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessVerb")
            .field("kind", &A::KIND)
            .finish_non_exhaustive()
    }
}

#[inline]
#[cfg_attr(feature = "hooks", track_caller)]
fn operation<A: Access>(access: A) -> Op<AccessVerb<A>> {
    let verb = AccessVerb {
        access,
        patience: Patience::new(),
        in_line: false,
        left: false,
    };
    Op::new(verb, Want::new(A::KIND))
}

#[inline]
#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn borrowed<T: ?Sized, M: Mode>(lock: &RwLock<T>) -> Op<AccessVerb<Borrowed<'_, T, M>>> {
    operation(Borrowed {
        lock,
        _mode: PhantomData,
    })
}

#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn owned<T: ?Sized, M: Mode>(lock: Arc<RwLock<T>>) -> Op<AccessVerb<Owned<T, M>>> {
    operation(Owned {
        lock: Some(lock),
        _mode: PhantomData,
    })
}

#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn upgrade<G>(guard: G) -> Op<AccessVerb<Upgrading<G>>>
where
    Upgrading<G>: Access,
{
    operation(Upgrading { guard: Some(guard) })
}

// SAFETY: one queue, that of the lock it borrows or keeps alive; no method moves the verb.

unsafe impl<A: Access> Verb for AccessVerb<A> {
    type State = State;
    type Payload = Want;
    type Output = A::Guard;
    type Stoppable = Result<A::Guard, A::Error>;

    const NAME: &'static str = A::NAME;

    #[inline]
    fn queue(&self) -> &WaitQueue<State, Want> {
        self.access.lock().raw.queue()
    }

    #[inline]
    fn attempt(&mut self, want: &mut Want, turn: Turn) -> Option<A::Guard> {
        let free = match A::KIND {
            _ if turn == Turn::Notified || self.left => false,
            Kind::Read => self.access.lock().raw.try_read(),
            Kind::Write => self.access.lock().raw.try_write(),
            _ => false,
        };
        if free || self.attempt_slow(want) {
            return Some(self.access.guard());
        }
        None
    }

    fn prepare(&mut self, want: &mut Want, _: Turn, queue: &mut LockedQueue<'_, Self>) -> bool {
        let again = self
            .access
            .lock()
            .raw
            .prepare(want, &mut self.patience, queue);
        self.in_line = !again;
        again
    }

    fn collect(&mut self, _want: &mut Want) -> A::Guard {
        unreachable!("a read-write lock grants batons, not results")
    }

    fn unclaimed(&mut self, want: &mut Want, queue: &mut LockedQueue<'_, Self>) {
        self.in_line = false;
        self.access.lock().raw.unclaimed(want, queue);
    }

    fn settle(&mut self, queue: &mut LockedQueue<'_, Self>, wakes: &mut WakeBatch) -> bool {
        let raw = &self.access.lock().raw;
        if core::mem::take(&mut self.in_line) {
            raw.leave(A::KIND, queue);
        }
        raw.settle(queue, wakes)
    }

    fn look_again(&mut self, queue: &mut LockedQueue<'_, Self>) -> bool {
        let raw = &self.access.lock().raw;
        let open = raw.look_again(A::KIND, &mut self.patience, queue);
        if open {
            self.in_line = false;
            self.left = true;
        }
        open
    }

    #[inline(always)]
    fn taken(guard: &mut A::Guard, site: Site) {
        guard.tell_held(site);
    }

    fn recheck_at(&self) -> Option<Instant> {
        self.patience.recheck_at()
    }

    fn poll_recheck(self: Pin<&mut Self>, cx: &mut Context<'_>) {
        // SAFETY: the patience is pinned with the verb and not moved.
        unsafe { self.map_unchecked_mut(|this| &mut this.patience) }.poll(cx);
    }

    fn finish(guard: A::Guard) -> Result<A::Guard, A::Error> {
        Ok(guard)
    }

    fn stopped(&mut self, _want: &mut Want, why: Stop) -> Result<A::Guard, A::Error> {
        Err(self.access.error(why))
    }
}

impl<A: Access> AccessVerb<A> {
    fn attempt_slow(&mut self, want: &mut Want) -> bool {
        self.in_line = false;
        let raw = &self.access.lock().raw;
        let inside = raw.attempt(want, &mut self.patience);
        if core::mem::take(&mut self.left) {
            raw.tried(A::KIND, inside);
        }
        inside
    }
}
