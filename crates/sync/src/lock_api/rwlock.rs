//! A read-write lock without a value.
//!
//! # Invariants
//! * I1: `hold` is touched by the one who writes or may upgrade only; there is one of the two at a
//!   time.
//! * I2: no wait ends by a panic of a sink: `lock_api` takes the lock again for guards that their owners still
//!   have, by the very calls that take it first; and drops what it asked to upgrade.

use ::lock_api::GuardSend;
use core::fmt;
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::hooks::{self, Calm, Hold};

use crate::rwlock::{RwLock, RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard};

/// A read-write lock without a value; see [`RwLock`] for its fairness.
pub struct RawRwLock {
    lock: RwLock<()>,
    hold: UnsafeCell<Hold>,
}

// SAFETY: what is held is written and read by one at a time (I1), with the lock's ordering.
unsafe impl Sync for RawRwLock {}
// SAFETY: as above; a notice of a holder may be told of by any thread.
unsafe impl Send for RawRwLock {}

// What is in it is of no use to anybody after a panic or before.
impl core::panic::UnwindSafe for RawRwLock {}
impl core::panic::RefUnwindSafe for RawRwLock {}

type Reader<'a> = RwLockReadGuard<'a, ()>;
type Upgradable<'a> = RwLockUpgradableReadGuard<'a, ()>;
type Writer<'a> = RwLockWriteGuard<'a, ()>;

impl RawRwLock {
    /// Free.
    #[inline]
    pub const fn new() -> RawRwLock {
        RawRwLock {
            lock: RwLock::new(()),
            hold: UnsafeCell::new(Hold::NONE),
        }
    }

    /// Keeps the lock without a guard of one who reads.
    #[inline]
    fn keep_reader(&self, guard: Reader<'_>) {
        hooks::released(guard.into_hold());
    }

    #[inline]
    fn kept_reader<E>(&self, guard: Result<Reader<'_>, E>) -> bool {
        guard.map(|guard| self.keep_reader(guard)).is_ok()
    }

    /// Keeps the lock without a guard of the one who writes or may upgrade.
    #[inline]
    fn keep(&self, hold: Hold) {
        // SAFETY: the caller is that one (I1).
        self.hold.with_mut(|it| unsafe { *it = hold });
    }

    #[inline]
    fn kept_writer<E>(&self, guard: Result<Writer<'_>, E>) -> bool {
        guard.map(|guard| self.keep(guard.into_hold())).is_ok()
    }

    #[inline]
    fn kept_upgradable<E>(&self, guard: Result<Upgradable<'_>, E>) -> bool {
        guard.map(|guard| self.keep(guard.into_hold())).is_ok()
    }

    /// Keeps the lock after an upgrade was tried.
    fn kept_upgrade(&self, upgraded: Result<Writer<'_>, Upgradable<'_>>) -> bool {
        let written = upgraded.is_ok();
        self.keep(match upgraded {
            Ok(guard) => guard.into_hold(),
            Err(guard) => guard.into_hold(),
        });
        written
    }

    /// How the one who writes or may upgrade, which the caller is, was told of.
    #[inline]
    fn told(&self) -> Hold {
        // SAFETY: the caller is that one (I1).
        self.hold.with(|it| unsafe { *it })
    }

    /// The guard of one who reads, which the caller is.
    #[inline]
    fn reader(&self) -> Reader<'_> {
        Reader::new(&self.lock, Hold::NONE)
    }

    /// The guard of the one who may upgrade, which the caller is.
    #[inline]
    fn upgradable(&self) -> Upgradable<'_> {
        Upgradable::new(&self.lock, self.told())
    }

    /// The guard of the one who writes, which the caller is. It is made where it ends, so a panic does
    /// not poison.
    #[inline]
    fn writer(&self) -> Writer<'_> {
        Writer::new(&self.lock, self.told())
    }
}

impl Default for RawRwLock {
    fn default() -> RawRwLock {
        RawRwLock::new()
    }
}

impl fmt::Debug for RawRwLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawRwLock")
            .field("locked", &self.lock.is_locked())
            .finish_non_exhaustive()
    }
}

// SAFETY: the lock underneath lets in many who read or one who writes, on any thread.
unsafe impl ::lock_api::RawRwLock for RawRwLock {
    #[allow(
        clippy::declare_interior_mutable_const,
        reason = "it makes a lock anew wherever it is named"
    )]
    const INIT: RawRwLock = RawRwLock::new();

    type GuardMarker = GuardSend;

    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    fn lock_shared(&self) {
        let _calm = Calm::begin(); // I2
        self.keep_reader(self.lock.read());
    }

    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    fn try_lock_shared(&self) -> bool {
        self.kept_reader(self.lock.try_read())
    }

    #[inline]
    unsafe fn unlock_shared(&self) {
        drop(self.reader());
    }

    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    fn lock_exclusive(&self) {
        let _calm = Calm::begin(); // I2
        self.keep(self.lock.write().into_hold());
    }

    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    fn try_lock_exclusive(&self) -> bool {
        self.kept_writer(self.lock.try_write())
    }

    #[inline]
    unsafe fn unlock_exclusive(&self) {
        drop(self.writer());
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.lock.is_locked()
    }

    #[inline]
    fn is_locked_exclusive(&self) -> bool {
        self.lock.is_locked_exclusive()
    }
}

// SAFETY: as above; the lock is given back.
unsafe impl ::lock_api::RawRwLockFair for RawRwLock {
    unsafe fn unlock_shared_fair(&self) {
        Reader::unlock_fair(self.reader());
    }

    unsafe fn unlock_exclusive_fair(&self) {
        Writer::unlock_fair(self.writer());
    }
}

// SAFETY: as above; nobody writes in between.
unsafe impl ::lock_api::RawRwLockDowngrade for RawRwLock {
    #[cfg_attr(feature = "hooks", track_caller)]
    unsafe fn downgrade(&self) {
        self.keep_reader(Writer::downgrade(self.writer()));
    }
}

// SAFETY: as above; true only if the lock was taken.
unsafe impl ::lock_api::RawRwLockTimed for RawRwLock {
    type Duration = Duration;
    type Instant = Instant;

    #[cfg_attr(feature = "hooks", track_caller)]
    fn try_lock_shared_for(&self, timeout: Duration) -> bool {
        self.kept_reader(self.lock.read_timeout(timeout))
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    fn try_lock_shared_until(&self, deadline: Instant) -> bool {
        self.kept_reader(self.lock.read_deadline(deadline))
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    fn try_lock_exclusive_for(&self, timeout: Duration) -> bool {
        self.kept_writer(self.lock.write_timeout(timeout))
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    fn try_lock_exclusive_until(&self, deadline: Instant) -> bool {
        self.kept_writer(self.lock.write_deadline(deadline))
    }
}

// SAFETY: as above; one who reads already comes in beside those who read.
unsafe impl ::lock_api::RawRwLockRecursive for RawRwLock {
    #[cfg_attr(feature = "hooks", track_caller)]
    fn lock_shared_recursive(&self) {
        let _calm = Calm::begin(); // I2
        self.keep_reader(self.lock.read_recursive());
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    fn try_lock_shared_recursive(&self) -> bool {
        self.kept_reader(self.lock.try_read_recursive())
    }
}

// SAFETY: as above.
unsafe impl ::lock_api::RawRwLockRecursiveTimed for RawRwLock {
    #[cfg_attr(feature = "hooks", track_caller)]
    fn try_lock_shared_recursive_for(&self, timeout: Duration) -> bool {
        self.kept_reader(self.lock.read_recursive_timeout(timeout))
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    fn try_lock_shared_recursive_until(&self, deadline: Instant) -> bool {
        self.kept_reader(self.lock.read_recursive_deadline(deadline))
    }
}

// SAFETY: as above; one at a time may upgrade, and writes alone from then on.
unsafe impl ::lock_api::RawRwLockUpgrade for RawRwLock {
    #[cfg_attr(feature = "hooks", track_caller)]
    fn lock_upgradable(&self) {
        let _calm = Calm::begin(); // I2
        self.keep(self.lock.upgradable_read().into_hold());
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    fn try_lock_upgradable(&self) -> bool {
        self.kept_upgradable(self.lock.try_upgradable_read())
    }

    unsafe fn unlock_upgradable(&self) {
        drop(self.upgradable());
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    unsafe fn upgrade(&self) {
        let _calm = Calm::begin(); // I2
        self.keep(Upgradable::upgrade(self.upgradable()).into_hold());
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    unsafe fn try_upgrade(&self) -> bool {
        self.kept_upgrade(Upgradable::try_upgrade(self.upgradable()))
    }
}

// SAFETY: as above.
unsafe impl ::lock_api::RawRwLockUpgradeFair for RawRwLock {
    unsafe fn unlock_upgradable_fair(&self) {
        Upgradable::unlock_fair(self.upgradable());
    }
}

// SAFETY: as above.
unsafe impl ::lock_api::RawRwLockUpgradeDowngrade for RawRwLock {
    #[cfg_attr(feature = "hooks", track_caller)]
    unsafe fn downgrade_upgradable(&self) {
        self.keep_reader(Upgradable::downgrade(self.upgradable()));
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    unsafe fn downgrade_to_upgradable(&self) {
        self.keep(Writer::downgrade_to_upgradable(self.writer()).into_hold());
    }
}

// SAFETY: as above; one whose time is over reads on as the one who may upgrade.
unsafe impl ::lock_api::RawRwLockUpgradeTimed for RawRwLock {
    #[cfg_attr(feature = "hooks", track_caller)]
    fn try_lock_upgradable_for(&self, timeout: Duration) -> bool {
        self.kept_upgradable(self.lock.upgradable_read_timeout(timeout))
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    fn try_lock_upgradable_until(&self, deadline: Instant) -> bool {
        self.kept_upgradable(self.lock.upgradable_read_deadline(deadline))
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    unsafe fn try_upgrade_for(&self, timeout: Duration) -> bool {
        let _calm = Calm::begin(); // I2
        let upgraded = Upgradable::upgrade_timeout(self.upgradable(), timeout);
        self.kept_upgrade(upgraded.map_err(|error| error.into_inner()))
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    unsafe fn try_upgrade_until(&self, deadline: Instant) -> bool {
        let _calm = Calm::begin(); // I2
        let upgraded = Upgradable::upgrade_deadline(self.upgradable(), deadline);
        self.kept_upgrade(upgraded.map_err(|error| error.into_inner()))
    }
}
