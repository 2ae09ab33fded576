//! The waiting verb of the semaphore; the protocol is in `raw.rs`.

use core::fmt;
use core::pin::Pin;
use core::task::Context;
use counterpoint_base::prim::time::Instant;
use counterpoint_wait::hooks::Site;
use counterpoint_wait::op::{LockedQueue, Op, Stop, Turn, Verb};
use counterpoint_wait::queue::{Node, WaitQueue};
use counterpoint_wait::waker::WakeBatch;
use std::sync::Arc;

use super::raw::{LockedSemaphore, RawSemaphore, Refused, Right, State, Want};
use super::{AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use crate::fairness::Patience;

/// Where a waiting operation finds its semaphore, and what permits it makes. Implemented for a
/// reference and for [`Shared`], and not elsewhere.
pub trait Source: sealed::Sealed {
    /// The permit.
    type Permit;

    #[doc(hidden)]
    fn semaphore(&self) -> &Semaphore;

    /// Permits that were taken; the operation is over.
    #[doc(hidden)]
    fn permit(&mut self, permits: usize) -> Self::Permit;

    /// The permit was asked for at `site`.
    #[doc(hidden)]
    fn tell_held(permit: &mut Self::Permit, site: Site);
}

mod sealed {
    #[expect(unnameable_types, reason = "so that nobody else implements `Source`")]
    pub trait Sealed {}
    impl Sealed for &super::Semaphore {}
    impl Sealed for super::Shared {}
}

impl<'a> Source for &'a Semaphore {
    type Permit = SemaphorePermit<'a>;

    #[inline(always)]
    fn semaphore(&self) -> &Semaphore {
        self
    }

    #[inline(always)]
    fn permit(&mut self, permits: usize) -> SemaphorePermit<'a> {
        SemaphorePermit::new(self, permits)
    }

    #[inline(always)]
    fn tell_held(permit: &mut SemaphorePermit<'a>, site: Site) {
        permit.tell_held(site);
    }
}

/// The semaphore of an operation that keeps it alive, until the permit does.
#[derive(Debug)]
pub struct Shared(Option<Arc<Semaphore>>);

impl Source for Shared {
    type Permit = OwnedSemaphorePermit;

    fn semaphore(&self) -> &Semaphore {
        self.0
            .as_ref()
            .expect("taken only when the operation is over")
    }

    fn permit(&mut self, permits: usize) -> OwnedSemaphorePermit {
        let semaphore = self
            .0
            .take()
            .expect("taken only when the operation is over");
        OwnedSemaphorePermit::new(semaphore, permits)
    }

    #[inline(always)]
    fn tell_held(permit: &mut OwnedSemaphorePermit, site: Site) {
        permit.tell_held(site);
    }
}

/// Acquires permits; made by [`Semaphore::acquire_async`] and its kin.
pub type Acquire<'a> = Op<AcquireVerb<&'a Semaphore>>;

/// Acquires permits that keep the semaphore alive; made by [`Semaphore::acquire_owned_async`] and
/// its kin.
pub type AcquireOwned = Op<AcquireVerb<Shared>>;

/// The verb of [`Acquire`] and [`AcquireOwned`].
pub struct AcquireVerb<S: Source> {
    source: S,
    min: usize,
    max: usize,
    patience: Patience,
    ticket: Option<u32>,
    /// Taken under the lock, and not yet made a permit.
    ready: Option<i64>,
    /// It is counted among the starving.
    starving: bool,
}

impl<S: Source> fmt::Debug for AcquireVerb<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcquireVerb")
            .field("min", &self.min)
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}

/// As the counter counts; more than it can hold is never there.
#[inline(always)]
pub(super) fn signed(permits: usize) -> i64 {
    i64::try_from(permits).unwrap_or(i64::MAX)
}

#[inline]
#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn acquire<'a>(semaphore: &'a Semaphore, min: usize, max: usize) -> Acquire<'a> {
    Op::new(
        AcquireVerb::new(semaphore, min, max),
        Want::new(signed(min)),
    )
}

#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn acquire_owned(semaphore: Arc<Semaphore>, min: usize, max: usize) -> AcquireOwned {
    Op::new(
        AcquireVerb::new(Shared(Some(semaphore)), min, max),
        Want::new(signed(min)),
    )
}

type Outcome<S> = Result<<S as Source>::Permit, AcquireError>;

impl<S: Source> AcquireVerb<S> {
    #[inline]
    fn new(source: S, min: usize, max: usize) -> AcquireVerb<S> {
        assert!(
            min <= max,
            "counterpoint: Semaphore: `min` = {min} is more than `max` = {max}"
        );
        AcquireVerb {
            source,
            min,
            max,
            patience: Patience::new(),
            ticket: None,
            ready: None,
            starving: false,
        }
    }

    #[inline(always)]
    fn raw(&self) -> &RawSemaphore {
        self.source.semaphore().raw()
    }

    fn permit(&mut self, taken: i64) -> Outcome<S> {
        Ok(self.source.permit(taken as usize))
    }

    /// Takes what was promised, or finds that others were faster.
    fn claim(&mut self, want: &mut Want) -> Option<i64> {
        let promise = want.take_promise()?;
        let raw = self.source.semaphore().raw();
        let mut queue = raw.queue().lock();
        raw.discharge(&mut queue, promise);
        // The flags are written as if it starved no more; if it still does, they stay.
        let starved = sated(raw, &mut self.starving, &mut queue);
        let taken = raw.take_locked(&mut queue, want.min, signed(self.max), Right::Promise);
        if taken.is_none() {
            self.patience.lost();
            if starved {
                self.starving = true;
                raw.starve(&mut queue, true);
            }
        }
        taken
    }

    /// Takes what is there, under the lock, into `ready`. With `retry` it leaves to an attempt
    /// what an attempt can take: an arm of a select must not hold what it may not need.
    fn take_waiting(&mut self, queue: &mut LockedQueue<'_, Self>, retry: bool) -> bool {
        let raw = self.source.semaphore().raw();
        let want = (signed(self.min), signed(self.max));
        let open = raw.is_open(want.0);
        if !open && !raw.is_fair() {
            self.patience.behind(None);
            return false;
        }
        if open && retry {
            return true;
        }
        let reservation = raw.reservation(queue);
        let impatient = reservation.is_some_and(|number| self.patience.expired(number));
        if retry && raw.could_take(queue, want.0, self.ticket, impatient) {
            return true;
        }
        if retry {
            self.patience.behind(reservation.filter(|_| !impatient));
            return false;
        }
        self.ready = raw.take_waiting(queue, want, self.ticket, impatient);
        if self.ready.is_none() {
            // An impatient one need not look again: a release will find the promises void.
            self.patience.behind(reservation.filter(|_| !impatient));
            return false;
        }
        if sated(raw, &mut self.starving, queue) {
            raw.write_flags(queue);
        }
        true
    }
}

/// It does not starve any more. Returns whether it did.
fn sated(raw: &RawSemaphore, starving: &mut bool, queue: &mut LockedSemaphore<'_>) -> bool {
    let did = core::mem::take(starving);
    if did {
        raw.starve(queue, false);
    }
    did
}

// SAFETY: one queue, that of the semaphore of its source; no method moves the verb.
unsafe impl<S: Source> Verb for AcquireVerb<S> {
    type State = State;
    type Payload = Want;
    type Output = Outcome<S>;
    type Stoppable = Outcome<S>;

    const NAME: &'static str = "Semaphore::acquire";

    #[inline]
    fn queue(&self) -> &WaitQueue<State, Want> {
        self.raw().queue()
    }

    #[inline]
    fn attempt(&mut self, want: &mut Want, turn: Turn) -> Option<Outcome<S>> {
        if turn == Turn::Notified || self.ticket.is_some() || self.ready.is_some() {
            let taken = self.ready.take().or_else(|| self.claim(want));
            if let Some(taken) = taken {
                return Some(self.permit(taken));
            }
        }
        if self.min > self.raw().ceiling() {
            return Some(Err(AcquireError::TooMany));
        }
        match self.raw().try_take(want.min, signed(self.max)) {
            Ok(taken) => Some(self.permit(taken)),
            Err(Refused::Closed) => Some(Err(AcquireError::Closed)),
            Err(Refused::Few) => None,
            Err(Refused::Fair) => {
                let queue: *const WaitQueue<State, Want> = self.raw().queue();
                // SAFETY: the source borrows or owns the semaphore, and outlives this call.
                let mut queue = unsafe { &*queue }.lock();
                self.take_waiting(&mut queue, false);
                drop(queue);
                let taken = self.ready.take()?;
                Some(self.permit(taken))
            }
        }
    }

    fn prepare(&mut self, want: &mut Want, _turn: Turn, queue: &mut LockedQueue<'_, Self>) -> bool {
        if self.take_waiting(queue, true) {
            return true;
        }
        if !self.starving && self.patience.starving() {
            self.starving = true;
            self.raw().starve(queue, true);
        }
        let marked = self.raw().mark(queue, want);
        self.ticket = RawSemaphore::ticket(want);
        if !marked {
            // It tries again without a place in line: it may succeed where nobody clears this.
            sated(self.source.semaphore().raw(), &mut self.starving, queue);
        }
        !marked
    }

    /// A promise that was not kept may be enough for who is first now (raw.rs I3).
    fn linked(&mut self, _node: *const Node<Want>, queue: &mut LockedQueue<'_, Self>) -> bool {
        self.raw().first_fits(queue)
    }

    fn serve(&mut self) {
        self.raw().settle_all();
    }

    fn collect(&mut self, _want: &mut Want) -> Outcome<S> {
        unreachable!("a semaphore hands nothing over")
    }

    fn unclaimed(&mut self, want: &mut Want, queue: &mut LockedQueue<'_, Self>) {
        if let Some(promise) = want.take_promise() {
            self.raw().discharge(queue, promise);
        }
    }

    fn settle(&mut self, queue: &mut LockedQueue<'_, Self>, wakes: &mut WakeBatch) -> bool {
        let raw = self.source.semaphore().raw();
        sated(raw, &mut self.starving, queue);
        raw.settle(queue, wakes)
    }

    const GLANCES: bool = true;
    const LINGERS: bool = false;

    fn may_succeed(&self, want: &Want) -> bool {
        self.raw().is_open(want.min)
    }

    fn units(&self, _want: &Want) -> usize {
        self.min
    }

    #[inline(always)]
    fn taken(output: &mut Outcome<S>, site: Site) {
        if let Ok(permit) = output {
            S::tell_held(permit, site);
        }
    }

    #[inline]
    fn finish(output: Outcome<S>) -> Outcome<S> {
        output
    }

    fn stopped(&mut self, _want: &mut Want, why: Stop) -> Outcome<S> {
        Err(match why {
            Stop::TimedOut => AcquireError::TimedOut,
            Stop::Cancelled => AcquireError::Cancelled,
        })
    }

    fn look_again(&mut self, queue: &mut LockedQueue<'_, Self>) -> bool {
        self.take_waiting(queue, false)
    }

    fn recheck_at(&self) -> Option<Instant> {
        self.patience.recheck_at()
    }

    fn poll_recheck(self: Pin<&mut Self>, cx: &mut Context<'_>) {
        // SAFETY: the patience is pinned with the verb and not moved.
        unsafe { self.map_unchecked_mut(|this| &mut this.patience) }.poll(cx);
    }
}

impl<S: Source> Drop for AcquireVerb<S> {
    /// Only after a panic of a waker is there anything to do.
    #[inline]
    fn drop(&mut self) {
        if self.ready.is_some() || self.starving {
            self.abandon();
        }
    }
}

impl<S: Source> AcquireVerb<S> {
    #[cold]
    fn abandon(&mut self) {
        if let Some(taken) = self.ready.take() {
            drop(self.source.permit(taken as usize));
        }
        if self.starving {
            // `starving` is cleared before a permit is made, so the source is there.
            let raw = self.source.semaphore().raw();
            sated(raw, &mut self.starving, &mut raw.queue().lock());
            raw.settle_all();
        }
    }
}
