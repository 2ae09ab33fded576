//! The waiting verb of the reentrant mutex.

use core::fmt;
use core::pin::Pin;
use core::task::Context;
use counterpoint_base::prim::atomic::AtomicU32;
use counterpoint_base::prim::time::Instant;
use counterpoint_wait::hooks::Site;
use counterpoint_wait::op::{LockedQueue, Op, Stop, Turn, Verb};
use counterpoint_wait::queue::WaitQueue;
use counterpoint_wait::waker::WakeBatch;

use super::{ReentrantMutex, ReentrantMutexGuard};
use crate::fairness::Patience;
use crate::mutex::raw::{Baton, RawMutex};
use crate::mutex::{LockError, verb::lock_verb};

/// Waits for a reentrant mutex; see [`ReentrantMutex::lock_async`].
pub type ReentrantLock<'a, T> = Op<ReentrantVerb<'a, T>>;

/// The verb of [`ReentrantLock`].
pub struct ReentrantVerb<'a, T: ?Sized> {
    mutex: &'a ReentrantMutex<T>,
    patience: Patience,
}

#[inline(always)]
#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn lock<T: ?Sized>(mutex: &ReentrantMutex<T>) -> ReentrantLock<'_, T> {
    Op::new(
        ReentrantVerb {
            mutex,
            patience: Patience::new(),
        },
        Baton::NONE,
    )
}

impl<T: ?Sized> ReentrantVerb<'_, T> {
    fn mutex(&self) -> &ReentrantMutex<T> {
        self.mutex
    }
}

impl<T: ?Sized> fmt::Debug for ReentrantVerb<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReentrantVerb").finish_non_exhaustive()
    }
}

lock_verb!(
    ['a,] ReentrantVerb<'a, T>, ReentrantMutexGuard<'a, T>, "ReentrantMutex::lock",
    |this| {
        this.mutex.owner.begin();
        ReentrantMutexGuard::new(this.mutex)
    },
    |this| this.mutex.take_again().then(|| ReentrantMutexGuard::new(this.mutex))
);
