//! The whole wait for a condition: give the mutex back, wait to be notified, take it again; once,
//! or until a predicate says that it is enough.
//!
//! # State
//! | stage | the guard | an operation runs |
//! |---|---|---|
//! | `Held` | here | none |
//! | `Waiting` | given back | the wait for a notification |
//! | `Locking` | given back | the one that takes the mutex again |
//! | `Done` | yielded | none |
//!
//! # Invariants
//! * I1: the wait is linked before the guard is given back (raw.rs I1), in one poll.
//! * I2: bounds end the stage `Waiting` and nothing else; a notification that came first wins.
//! * I3: `baton` says that a notification for one was received that is not yet used: the mutex is
//!   not taken yet, or the predicate has not said what comes of it. Who is dropped then, or whose
//!   predicate panics, hands it to another.
//!
//! # Cancel
//! Dropped in `Held`: the guard is, which unlocks. In `Waiting`: the wait leaves its queue, or passes
//! its notification on. In `Locking`: I3. In none of them is the mutex taken again.
//!
//! # Panic
//! A predicate runs with the guard held here: a panic passes the notification on that it was to
//! use (I3), unlocks and poisons. A panic of a waker's clone as the wait begins unlocks and poisons.
//! A panic of a waker while the mutex is given back leaves the wait linked.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::cancel::Ctl;
use counterpoint_wait::hooks::Site;
use counterpoint_wait::staged::{Limit, Never, Staged, Unlimited, wait_staged};
use counterpoint_wait::{Bounded, CtlStop, Operation, Stop, Stops, UntilStop};
use std::sync::Arc;

use super::Condvar;
use super::verb::{self, Wait};
use crate::mutex::{Lock, LockOwned, Mutex, MutexGuard, OwnedMutexGuard};

mod sealed {
    #[expect(
        unnameable_types,
        reason = "so that nobody else implements the traits here"
    )]
    pub trait Sealed {}
}
use sealed::Sealed;

/// A guard with which one can wait for a condition: [`MutexGuard`] or [`OwnedMutexGuard`].
pub trait Relock: Sealed + Sized {
    /// The value it guards.
    type Value: ?Sized;
    /// The operation that takes the mutex again.
    #[doc(hidden)]
    type Lock: Operation<Output = Self>;
    #[doc(hidden)]
    fn lock_again(&self, site: Site) -> Self::Lock;
    #[doc(hidden)]
    fn value(&mut self) -> &mut Self::Value;
}

impl<T: ?Sized> Sealed for MutexGuard<'_, T> {}
impl<T: ?Sized> Sealed for OwnedMutexGuard<T> {}

impl<'m, T: ?Sized> Relock for MutexGuard<'m, T> {
    type Value = T;
    type Lock = Lock<'m, T>;

    fn lock_again(&self, site: Site) -> Lock<'m, T> {
        MutexGuard::mutex(self).lock_async().made_at(site)
    }

    fn value(&mut self) -> &mut T {
        self
    }
}

impl<T: ?Sized> Relock for OwnedMutexGuard<T> {
    type Value = T;
    type Lock = LockOwned<T>;

    fn lock_again(&self, site: Site) -> LockOwned<T> {
        let mutex: &Arc<Mutex<T>> = OwnedMutexGuard::mutex(self);
        mutex.lock_owned_async().made_at(site)
    }

    fn value(&mut self) -> &mut T {
        self
    }
}

/// When a wait is over: after one notification ([`Once`]), or when a predicate is false ([`While`]).
pub trait Condition<T: ?Sized>: Sealed {
    /// The guard is held; `waited`: was given back before. Returns how the wait ends, if it does.
    #[doc(hidden)]
    fn ends(&mut self, value: &mut T, waited: bool, stopped: Option<Stop>) -> Option<Ended>;
}

/// How a wait ends.
type Ended = Result<(), Stop>;

/// After one notification.
#[derive(Debug)]
pub struct Once(());

/// When the predicate is false.
pub struct While<F>(F);

impl<F> fmt::Debug for While<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("While").finish_non_exhaustive()
    }
}

impl Sealed for Once {}
impl<F> Sealed for While<F> {}

impl<T: ?Sized> Condition<T> for Once {
    fn ends(&mut self, _value: &mut T, waited: bool, stopped: Option<Stop>) -> Option<Ended> {
        waited.then(|| stopped.map_or(Ok(()), Err))
    }
}

impl<T: ?Sized, F: FnMut(&mut T) -> bool> Condition<T> for While<F> {
    fn ends(&mut self, value: &mut T, _waited: bool, stopped: Option<Stop>) -> Option<Ended> {
        if (self.0)(value) {
            stopped.map(Err)
        } else {
            Some(Ok(()))
        }
    }
}

/// Where a wait is.
enum Stage<G> {
    Held(G),
    Waiting,
    Locking,
    Done,
}

/// What a wait has to do with its condition variable.
pub(super) struct Claim<'c> {
    condvar: &'c Condvar,
    /// A notification for one that is not yet used (I3).
    pub(super) baton: bool,
}

impl<'c> Claim<'c> {
    pub(super) const fn new(condvar: &'c Condvar, baton: bool) -> Claim<'c> {
        Claim { condvar, baton }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if self.baton {
            self.condvar.raw.notify_one();
        }
    }
}

/// Waits for a condition; made by [`Condvar::wait_async`] and [`Condvar::wait_while_async`].
///
/// It is a future that a thread can wait for as well. Without bounds it yields the guard; with bounds
/// the guard and a `Result` that says whether they ended the wait: the mutex is taken again in any
/// case.
///
/// # Cancel safety
/// Dropping it unlocks, or leaves the mutex unlocked, and leaves nothing behind; see [`Condvar`] for a
/// notification that it had received.
///
/// # Panics
/// If the predicate does; the mutex is poisoned then. Polling it after it completed panics.
#[must_use = "a wait does nothing unless you `.await` it or `.wait()` for it"]
pub struct CondvarWait<'c, G: Relock, C = Once, L = Unlimited> {
    stage: Stage<G>,
    condition: C,
    waited: bool,
    stopped: Option<Stop>,
    /// The limit was reached; it is not polled again.
    spent: Option<Stop>,
    site: Site,
    blocking: bool,
    /// The last notification was for one.
    for_one: bool,
    /// Dropped before `claim`: it may be what the baton is passed on to.
    wait: Option<Wait<'c>>,
    lock: Option<G::Lock>,
    limit: L,
    claim: Claim<'c>,
}

impl<G: Relock, C, L> fmt::Debug for CondvarWait<'_, G, C, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::Held(_) => "held",
            Stage::Waiting => "waiting",
            Stage::Locking => "locking",
            Stage::Done => "done",
        };
        f.debug_struct("CondvarWait")
            .field("stage", &stage)
            .finish_non_exhaustive()
    }
}

impl<'c, G: Relock, C> CondvarWait<'c, G, C> {
    fn new(condvar: &'c Condvar, guard: G, condition: C, site: Site) -> CondvarWait<'c, G, C> {
        CondvarWait {
            stage: Stage::Held(guard),
            condition,
            waited: false,
            stopped: None,
            spent: None,
            site,
            blocking: false,
            wait: None,
            lock: None,
            limit: Unlimited,
            for_one: false,
            claim: Claim::new(condvar, false),
        }
    }
}

pub(super) fn once<G: Relock>(condvar: &Condvar, guard: G, site: Site) -> CondvarWait<'_, G> {
    CondvarWait::new(condvar, guard, Once(()), site)
}

pub(super) fn wait_while<G: Relock, F: FnMut(&mut G::Value) -> bool>(
    condvar: &Condvar,
    guard: G,
    condition: F,
    site: Site,
) -> CondvarWait<'_, G, While<F>> {
    CondvarWait::new(condvar, guard, While(condition), site)
}

impl<'c, G: Relock, C, L> CondvarWait<'c, G, C, L> {
    /// True once it has completed; polling it again panics.
    pub fn is_terminated(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    /// Whether the notification that it received last was for one.
    pub(super) fn was_for_one(&self) -> bool {
        self.for_one
    }

    fn limited<M>(self, change: impl FnOnce(L) -> M) -> CondvarWait<'c, G, C, M> {
        CondvarWait {
            stage: self.stage,
            condition: self.condition,
            waited: self.waited,
            stopped: self.stopped,
            spent: self.spent,
            for_one: self.for_one,
            site: self.site,
            blocking: self.blocking,
            wait: self.wait,
            lock: self.lock,
            limit: change(self.limit),
            claim: self.claim,
        }
    }
}

macro_rules! modifiers {
    ([$($generics:tt)*] $limit:ty, |$old:ident| $from:expr, $pair:ty) => {
        impl<'c, G: Relock, C, $($generics)*> CondvarWait<'c, G, C, $limit> {
            /// Bounds it: stops waiting after `timeout`, and then takes the mutex again, however
            /// long that takes. A time too long for the clock never comes. Of several bounds the
            /// earliest counts.
            pub fn timeout(self, timeout: Duration) -> CondvarWait<'c, G, C, Bounded<Never, $pair>> {
                self.limited(|$old| $from.timeout(timeout))
            }

            /// Bounds it: stops waiting at `deadline`. One in the past still gives the mutex back
            /// and takes it again.
            pub fn deadline(self, deadline: Instant) -> CondvarWait<'c, G, C, Bounded<Never, $pair>> {
                self.limited(|$old| $from.deadline(deadline))
            }

            /// Bounds it: stops waiting when the token of `ctl` is cancelled or at its deadline.
            /// With a token that is cancelled already the mutex is not given back.
            #[cfg_attr(feature = "hooks", track_caller)]
            pub fn with<'t>(
                self,
                ctl: &Ctl<'t>,
            ) -> CondvarWait<'c, G, C, Bounded<Never, ($pair, CtlStop<'t>)>> {
                self.limited(|$old| $from.with(ctl))
            }

            /// Bounds it: stops waiting, as if cancelled, when `stop` is ready.
            pub fn until<U: Future>(
                self,
                stop: U,
            ) -> CondvarWait<'c, G, C, Bounded<Never, ($pair, UntilStop<U>)>> {
                self.limited(|$old| $from.until(stop))
            }
        }
    };
}

modifiers!([] Unlimited, |_free| Never::new(), ());
modifiers!([S: Stops] Bounded<Never, S>, |old| old, S);

impl<G: Relock, C: Condition<G::Value>, L: Limit> CondvarWait<'_, G, C, L> {
    /// Blocks this thread until it completes.
    ///
    /// # Deadlocks
    /// Inside a task this blocks the executor's thread; `.await` it there.
    pub fn wait(self) -> L::Output<G> {
        wait_staged(core::pin::pin!(self))
    }

    /// The guard is held: gives it back once the wait is linked; or the wait is over.
    ///
    /// # Safety
    /// `self` is pinned.
    unsafe fn begin(&mut self, cx: &mut Context<'_>) -> Option<L::Output<G>> {
        // A panic of the predicate ends it and drops the guard.
        let Stage::Held(mut guard) = core::mem::replace(&mut self.stage, Stage::Done) else {
            unreachable!("the caller looked");
        };
        // Passed on if the predicate panics, while the guard is still here.
        let mut claim = Claim::new(self.claim.condvar, core::mem::take(&mut self.claim.baton));
        let value = guard.value();
        let mut ended = self.condition.ends(value, self.waited, self.stopped);
        claim.baton = false; // I3
        if ended.is_none() {
            // A notification was faster than the limit.
            let again = || self.limit.stopped_already().then_some(Stop::Cancelled);
            ended = self.spent.or_else(again).map(Err);
        }
        if let Some(result) = ended {
            return Some(L::finish(guard, result.err()));
        }
        let lock = self.lock.insert(guard.lock_again(self.site));
        if self.blocking {
            // SAFETY: pinned with this, by the caller's promise, and not moved.
            unsafe { Pin::new_unchecked(lock) }.set_blocking(true);
        }
        // A panic of a waker's clone changes nothing.
        self.stage = Stage::Held(guard);
        let wait = self.wait.insert(verb::wait(self.claim.condvar, self.site));
        // SAFETY: as above.
        let wait = unsafe { Pin::new_unchecked(wait) };
        let linked = L::bounds(|| wait.poll(cx)).is_pending();
        debug_assert!(linked, "an attempt never succeeds");
        self.waited = true;
        drop(core::mem::replace(&mut self.stage, Stage::Waiting)); // I1
        None
    }

    /// Waits for the notification. True if the stage is over.
    ///
    /// # Safety
    /// `self` is pinned.
    unsafe fn listen(&mut self, cx: &mut Context<'_>) -> bool {
        let wait = self.wait.as_mut().expect("linked before");
        // SAFETY: pinned with this, by the caller's promise, and not moved.
        let mut wait = unsafe { Pin::new_unchecked(wait) };
        let result = match L::bounds(|| wait.as_mut().poll(cx)) {
            Poll::Ready(for_one) => Ok(for_one),
            Poll::Pending => {
                // SAFETY: as above.
                let limit = unsafe { Pin::new_unchecked(&mut self.limit) };
                match limit.poll_limit(cx) {
                    Poll::Ready(why) => {
                        self.spent = Some(why);
                        wait.stop(why) // I2
                    }
                    Poll::Pending => return false,
                }
            }
        };
        match result {
            Ok(for_one) => {
                self.for_one = for_one;
                self.claim.baton = for_one; // I3
            }
            Err(why) => self.stopped = Some(why),
        }
        self.stage = Stage::Locking;
        true
    }
}

impl<G: Relock, C: Condition<G::Value>, L: Limit> Future for CondvarWait<'_, G, C, L> {
    type Output = L::Output<G>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<L::Output<G>> {
        // SAFETY: the operations and the limit are pinned with this, and neither moved nor replaced
        // but in their place; the rest is not structurally pinned.
        let this = unsafe { self.get_unchecked_mut() };
        loop {
            match this.stage {
                Stage::Done => panic!("counterpoint: Condvar::wait polled after completion"),
                Stage::Held(_) => {
                    // SAFETY: pinned.
                    if let Some(output) = unsafe { this.begin(cx) } {
                        return Poll::Ready(output);
                    }
                }
                Stage::Waiting => {
                    // SAFETY: pinned.
                    if !unsafe { this.listen(cx) } {
                        return Poll::Pending;
                    }
                }
                Stage::Locking => {
                    let lock = this.lock.as_mut().expect("made with the wait");
                    // SAFETY: pinned with this and not moved.
                    match unsafe { Pin::new_unchecked(lock) }.poll(cx) {
                        Poll::Pending => return Poll::Pending,
                        Poll::Ready(guard) => this.stage = Stage::Held(guard),
                    }
                }
            }
        }
    }
}

impl<G: Relock, C: Condition<G::Value>, L: Limit> Staged for CondvarWait<'_, G, C, L> {
    const COMMITTED: bool = L::COMMITTED;

    fn set_blocking(self: Pin<&mut Self>, blocking: bool) {
        // SAFETY: as in `poll`.
        let this = unsafe { self.get_unchecked_mut() };
        this.blocking = blocking;
        // SAFETY: pinned with this and not moved.
        unsafe { Pin::new_unchecked(&mut this.limit) }.set_blocking(blocking);
        if let Some(lock) = &mut this.lock {
            // SAFETY: as above.
            unsafe { Pin::new_unchecked(lock) }.set_blocking(blocking);
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        match self.stage {
            Stage::Waiting => self.limit.wake_at(),
            Stage::Locking => self.lock.as_ref().and_then(Operation::wake_at),
            Stage::Held(_) | Stage::Done => None,
        }
    }

    fn expire(self: Pin<&mut Self>, at: Instant) {
        // SAFETY: as in `poll`.
        let this = unsafe { self.get_unchecked_mut() };
        match this.stage {
            // SAFETY: pinned with this and not moved.
            Stage::Waiting => unsafe { Pin::new_unchecked(&mut this.limit) }.expire(at),
            Stage::Locking => {
                if let Some(lock) = &mut this.lock {
                    // SAFETY: as above.
                    unsafe { Pin::new_unchecked(lock) }.expire(at);
                }
            }
            Stage::Held(_) | Stage::Done => {}
        }
    }
}
