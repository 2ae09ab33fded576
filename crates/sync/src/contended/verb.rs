//! The waiting verbs of the mutex that counts.

use core::fmt;
use core::pin::Pin;
use core::task::Context;
use counterpoint_base::prim::atomic::AtomicU32;
use counterpoint_base::prim::thread::panicking;
use counterpoint_base::prim::time::Instant;
use counterpoint_wait::hooks::{Hold, Site};
use counterpoint_wait::op::{LockedQueue, Op, Stop, Turn, Verb};
use counterpoint_wait::queue::WaitQueue;
use counterpoint_wait::waker::WakeBatch;
use std::sync::Arc;

use super::{ContendedMutex, ContendedMutexGuard, Metrics, OwnedContendedMutexGuard, Watch};
use crate::fairness::Patience;
use crate::mutex::raw::{Baton, RawMutex};
use crate::mutex::{LockError, Mutex, MutexGuard, verb::lock_verb};

/// Waits for a mutex that counts; see [`ContendedMutex::lock_async`].
pub type ContendedLock<'a, T> = Op<ContendedVerb<'a, T>>;

/// Waits for a mutex that counts and that it keeps alive; see [`ContendedMutex::lock_owned_async`].
pub type ContendedLockOwned<T> = Op<ContendedOwnedVerb<T>>;

/// The verb of [`ContendedLock`].
pub struct ContendedVerb<'a, T: ?Sized> {
    mutex: &'a ContendedMutex<T>,
    patience: Patience,
    watch: Watch,
}

/// The verb of [`ContendedLockOwned`].
pub struct ContendedOwnedVerb<T: ?Sized> {
    /// Taken when the guard is made.
    mutex: Option<Arc<ContendedMutex<T>>>,
    patience: Patience,
    watch: Watch,
}

#[inline(always)]
#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn lock<T: ?Sized>(mutex: &ContendedMutex<T>) -> ContendedLock<'_, T> {
    Op::new(
        ContendedVerb {
            mutex,
            patience: Patience::new(),
            watch: Watch::new(),
        },
        Baton::NONE,
    )
}

#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn lock_owned<T: ?Sized>(mutex: Arc<ContendedMutex<T>>) -> ContendedLockOwned<T> {
    Op::new(
        ContendedOwnedVerb {
            mutex: Some(mutex),
            patience: Patience::new(),
            watch: Watch::new(),
        },
        Baton::NONE,
    )
}

impl<T: ?Sized> ContendedVerb<'_, T> {
    #[inline(always)]
    fn mutex(&self) -> &Mutex<T> {
        &self.mutex.mutex
    }

    #[inline(always)]
    fn metrics(&self) -> &Metrics {
        &self.mutex.metrics
    }
}

impl<T: ?Sized> ContendedOwnedVerb<T> {
    fn whole(&self) -> &ContendedMutex<T> {
        self.mutex
            .as_deref()
            .expect("a lock operation used after completion")
    }

    fn mutex(&self) -> &Mutex<T> {
        &self.whole().mutex
    }

    fn metrics(&self) -> &Metrics {
        &self.whole().metrics
    }
}

impl<T: ?Sized> Drop for ContendedVerb<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.watch.has_left() {
            self.metrics().dropped();
        }
    }
}

impl<T: ?Sized> Drop for ContendedOwnedVerb<T> {
    fn drop(&mut self) {
        // Without the mutex it has become a guard.
        if let (Some(mutex), true) = (&self.mutex, self.watch.has_left()) {
            mutex.metrics.dropped();
        }
    }
}

impl<T: ?Sized> fmt::Debug for ContendedVerb<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContendedVerb").finish_non_exhaustive()
    }
}

impl<T: ?Sized> fmt::Debug for ContendedOwnedVerb<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContendedOwnedVerb").finish_non_exhaustive()
    }
}

lock_verb!(
    ['a,] ContendedVerb<'a, T>, ContendedMutexGuard<'a, T>, "ContendedMutex::lock",
    |this| {
        let guard = MutexGuard::new(&this.mutex.mutex, panicking(), Hold::NONE);
        let waited = this.watch.taken();
        ContendedMutexGuard::new(this.mutex, guard, this.mutex.metrics.had_after(waited))
    }; watch watch
);

lock_verb!(
    [] ContendedOwnedVerb<T>, OwnedContendedMutexGuard<T>, "ContendedMutex::lock_owned",
    |this| {
        let waited = this.watch.taken();
        let mutex = this.mutex.take().expect("a lock operation used after completion");
        let since = mutex.metrics.had_after(waited);
        OwnedContendedMutexGuard::new(mutex, panicking(), Hold::NONE, since)
    }; watch watch
);
