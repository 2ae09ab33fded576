//! The waiting verbs of the mutex.

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

use super::raw::{Baton, RawMutex};
use super::{LockError, Mutex, MutexGuard, OwnedMutexGuard};
use crate::fairness::Patience;

/// Waits for a mutex; see [`Mutex::lock_async`].
pub type Lock<'a, T> = Op<LockVerb<'a, T>>;

/// Waits for a mutex that it keeps alive; see [`Mutex::lock_owned_async`].
pub type LockOwned<T> = Op<LockOwnedVerb<T>>;

/// The verb of [`Lock`].
pub struct LockVerb<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    patience: Patience,
}

/// The verb of [`LockOwned`].
pub struct LockOwnedVerb<T: ?Sized> {
    /// Taken when the guard is made.
    mutex: Option<Arc<Mutex<T>>>,
    patience: Patience,
}

#[inline(always)]
#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> Lock<'_, T> {
    Op::new(
        LockVerb {
            mutex,
            patience: Patience::new(),
        },
        Baton::NONE,
    )
}

#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn lock_owned<T: ?Sized>(mutex: Arc<Mutex<T>>) -> LockOwned<T> {
    Op::new(
        LockOwnedVerb {
            mutex: Some(mutex),
            patience: Patience::new(),
        },
        Baton::NONE,
    )
}

impl<T: ?Sized> LockVerb<'_, T> {
    #[inline(always)]
    fn mutex(&self) -> &Mutex<T> {
        self.mutex
    }
}

impl<T: ?Sized> LockOwnedVerb<T> {
    fn mutex(&self) -> &Mutex<T> {
        self.mutex
            .as_deref()
            .expect("a lock operation used after completion")
    }
}

impl<T: ?Sized> fmt::Debug for LockVerb<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockVerb").finish_non_exhaustive()
    }
}

impl<T: ?Sized> fmt::Debug for LockOwnedVerb<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockOwnedVerb").finish_non_exhaustive()
    }
}

/// Implements [`Verb`] for one that takes a `RawMutex`. `$again` is a look at whether the caller has
/// the lock already, which only a first attempt takes: what was granted would be forgotten.
macro_rules! lock_verb {
    (
        [$($generics:tt)*] $verb:ty, $guard:ty, $name:literal,
        |$this:ident| $make:expr $(, |$holder:ident| $again:expr)? $(; watch $watch:ident)?
    ) => {
        // SAFETY: one queue, that of the mutex it borrows or owns; no method moves the verb.
        unsafe impl<$($generics)* T: ?Sized> Verb for $verb {
            type State = AtomicU32;
            type Payload = Baton;
            type Output = $guard;
            type Stoppable = Result<$guard, LockError>;

            const NAME: &'static str = $name;

            #[inline]
            fn queue(&self) -> &WaitQueue<AtomicU32, Baton> {
                self.mutex().raw.queue()
            }

            #[inline(always)]
            fn attempt(&mut self, baton: &mut Baton, turn: Turn) -> Option<$guard> {
                $(
                    if turn == Turn::First {
                        let $holder = &*self;
                        let again: Option<$guard> = $again;
                        if again.is_some() {
                            return again;
                        }
                    }
                )?
                // A second borrow of the verb is needed for the patience.
                let raw: *const RawMutex = &raw const self.mutex().raw;
                // SAFETY: the verb borrows or owns the mutex.
                if unsafe { &*raw }.attempt(baton, turn, &mut self.patience) {
                    let $this = self;
                    return Some($make);
                }
                None
            }

            fn prepare(
                &mut self,
                baton: &mut Baton,
                _turn: Turn,
                queue: &mut LockedQueue<'_, Self>,
            ) -> bool {
                let raw: *const RawMutex = &raw const self.mutex().raw;
                // SAFETY: the verb borrows or owns the mutex.
                let ready = unsafe { &*raw }.prepare(baton, &mut self.patience, queue);
                $(
                    if !ready {
                        self.$watch.queues();
                    }
                )?
                ready
            }

            fn collect(&mut self, _baton: &mut Baton) -> $guard {
                unreachable!("a mutex grants batons, not results")
            }

            fn unclaimed(&mut self, baton: &mut Baton, _queue: &mut LockedQueue<'_, Self>) {
                self.mutex().raw.unclaimed(baton);
            }

            fn settle(&mut self, queue: &mut LockedQueue<'_, Self>, wakes: &mut WakeBatch) -> bool {
                self.mutex().raw.settle(queue, wakes)
            }

            const PURE: bool = true;

            const GLANCES: bool = true;

            fn may_succeed(&self, baton: &Baton) -> bool {
                self.mutex().raw.may_succeed(baton)
            }

            const LINGERS: bool = false; // It persists.

            fn persist(&mut self, baton: &mut Baton) -> Option<$guard> {
                if self.mutex().raw.persist(baton) {
                    let $this = self;
                    return Some($make);
                }
                None
            }

            fn look_again(&mut self, _queue: &mut LockedQueue<'_, Self>) -> bool {
                let raw: *const RawMutex = &raw const self.mutex().raw;
                // SAFETY: the verb borrows or owns the mutex.
                unsafe { &*raw }.look_again(&mut self.patience)
            }

            #[inline(always)]
            fn taken(guard: &mut $guard, site: Site) {
                guard.tell_held(site);
            }

            fn recheck_at(&self) -> Option<Instant> {
                self.patience.recheck_at()
            }

            fn poll_recheck(self: Pin<&mut Self>, cx: &mut Context<'_>) {
                // SAFETY: the patience is pinned with the verb and not moved.
                unsafe { self.map_unchecked_mut(|this| &mut this.patience) }.poll(cx);
            }

            fn finish(guard: $guard) -> Result<$guard, LockError> {
                Ok(guard)
            }

            $(
                fn left(&mut self) {
                    self.$watch.left();
                }
            )?

            fn stopped(&mut self, _baton: &mut Baton, why: Stop) -> Result<$guard, LockError> {
                $(
                    self.$watch.explained();
                    self.metrics().stopped(why);
                )?
                Err(match why {
                    Stop::TimedOut => LockError::TimedOut,
                    Stop::Cancelled => LockError::Cancelled,
                })
            }
        }
    };
}

pub(crate) use lock_verb;

lock_verb!(['a,] LockVerb<'a, T>, MutexGuard<'a, T>, "Mutex::lock", |this| {
    MutexGuard::new(this.mutex, panicking(), Hold::NONE)
});

lock_verb!([] LockOwnedVerb<T>, OwnedMutexGuard<T>, "Mutex::lock_owned", |this| {
    let mutex = this.mutex.take().expect("a lock operation used after completion");
    OwnedMutexGuard::new(mutex, panicking(), Hold::NONE)
});
