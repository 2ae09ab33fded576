//! The waiting verb of the mutex that counts.

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

use super::{ContendedMutex, ContendedMutexGuard, Watch};
use crate::fairness::Patience;
use crate::mutex::raw::{Baton, RawMutex};
use crate::mutex::{LockError, Mutex, MutexGuard, verb::lock_verb};

/// Waits for a mutex that counts; see [`ContendedMutex::lock_async`].
pub type ContendedLock<'a, T> = Op<ContendedVerb<'a, T>>;

/// The verb of [`ContendedLock`].
pub struct ContendedVerb<'a, T: ?Sized> {
    mutex: &'a ContendedMutex<T>,
    patience: Patience,
    watch: Watch<'a>,
}

#[inline(always)]
#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn lock<T: ?Sized>(mutex: &ContendedMutex<T>) -> ContendedLock<'_, T> {
    Op::new(
        ContendedVerb {
            mutex,
            patience: Patience::new(),
            watch: Watch::new(&mutex.metrics),
        },
        Baton::NONE,
    )
}

impl<T: ?Sized> ContendedVerb<'_, T> {
    #[inline(always)]
    fn mutex(&self) -> &Mutex<T> {
        &self.mutex.mutex
    }
}

impl<T: ?Sized> fmt::Debug for ContendedVerb<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContendedVerb").finish_non_exhaustive()
    }
}

lock_verb!(
    ['a,] ContendedVerb<'a, T>, ContendedMutexGuard<'a, T>, "ContendedMutex::lock",
    |this| {
        let guard = MutexGuard::new(&this.mutex.mutex, panicking(), Hold::NONE);
        ContendedMutexGuard::new(this.mutex, guard, this.watch.had())
    }; watch watch
);
