//! The waiting verb of the exchanger; the protocol is in `raw.rs`.

use core::fmt;
use counterpoint_wait::op::{LockedQueue, Op, Stop, Turn, Verb};
use counterpoint_wait::queue::WaitQueue;
use counterpoint_wait::waker::WakeBatch;
use std::sync::Arc;

use super::raw::{RawExchanger, State, Wish};
use super::{ExchangeError, Exchanger};

/// Where a waiting operation finds its exchanger. Implemented for a reference and for a shared
/// pointer, and not elsewhere.
pub trait Source<T>: sealed::Sealed {
    #[doc(hidden)]
    fn exchanger(&self) -> &Exchanger<T>;
}

mod sealed {
    #[expect(unnameable_types, reason = "so that nobody else implements `Source`")]
    pub trait Sealed {}
    impl<T> Sealed for &super::Exchanger<T> {}
    impl<T> Sealed for super::Arc<super::Exchanger<T>> {}
}

impl<T> Source<T> for &Exchanger<T> {
    #[inline(always)]
    fn exchanger(&self) -> &Exchanger<T> {
        self
    }
}

impl<T> Source<T> for Arc<Exchanger<T>> {
    #[inline(always)]
    fn exchanger(&self) -> &Exchanger<T> {
        self
    }
}

/// Waits for a partner; made by [`Exchanger::exchange_async`].
pub type Exchange<'a, T> = Op<ExchangeVerb<&'a Exchanger<T>, T>>;

/// Waits for a partner and keeps the exchanger alive; made by [`Exchanger::exchange_owned_async`].
pub type ExchangeOwned<T> = Op<ExchangeVerb<Arc<Exchanger<T>>, T>>;

/// The verb of [`Exchange`] and [`ExchangeOwned`].
pub struct ExchangeVerb<S, T> {
    source: S,
    value: core::marker::PhantomData<fn(T) -> T>,
}

impl<S, T> fmt::Debug for ExchangeVerb<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeVerb").finish_non_exhaustive()
    }
}

#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn exchange<T, S: Source<T>>(source: S, value: T) -> Op<ExchangeVerb<S, T>> {
    let verb = ExchangeVerb {
        source,
        value: core::marker::PhantomData,
    };
    Op::new(verb, Wish::new(value))
}

impl<S: Source<T>, T> ExchangeVerb<S, T> {
    fn raw(&self) -> &RawExchanger<T> {
        &self.source.exchanger().raw
    }
}

// SAFETY: one queue, that of the exchanger of its source; no method moves the verb.

unsafe impl<S: Source<T>, T> Verb for ExchangeVerb<S, T> {
    type State = State<T>;
    type Payload = Wish<T>;
    type Output = T;
    type Stoppable = Result<T, ExchangeError<T>>;

    const NAME: &'static str = "Exchanger::exchange";

    fn queue(&self) -> &WaitQueue<State<T>, Wish<T>> {
        self.raw().queue()
    }

    fn attempt(&mut self, wish: &mut Wish<T>, _turn: Turn) -> Option<T> {
        // An arm that had met when its select was dropped, or whose partner's waker panicked.
        if let Some(theirs) = wish.theirs.take() {
            return Some(theirs);
        }
        let mine = wish.mine.take().expect("an exchange that has not met");
        let mut wakes = WakeBatch::new();
        match self.raw().try_exchange(mine, &mut wakes) {
            Ok(theirs) => {
                // A waker may panic: then the next attempt yields it.
                wish.theirs = Some(theirs);
                wakes.wake();
                wish.theirs.take()
            }
            Err(mine) => {
                wish.mine = Some(mine);
                None
            }
        }
    }

    fn prepare(&mut self, _: &mut Wish<T>, _: Turn, queue: &mut LockedQueue<'_, Self>) -> bool {
        !self.raw().mark(queue)
    }

    fn collect(&mut self, wish: &mut Wish<T>) -> T {
        wish.theirs.take().expect("the partner left its value")
    }

    /// The value it got stays in the wish, for the next attempt or until the operation is dropped:
    /// the partner cannot be asked back.
    fn unclaimed(&mut self, _wish: &mut Wish<T>, _queue: &mut LockedQueue<'_, Self>) {}

    fn settle(&mut self, queue: &mut LockedQueue<'_, Self>, _wakes: &mut WakeBatch) -> bool {
        self.raw().clear_waiters(queue);
        false
    }

    fn finish(theirs: T) -> Result<T, ExchangeError<T>> {
        Ok(theirs)
    }

    fn stopped(&mut self, wish: &mut Wish<T>, why: Stop) -> Result<T, ExchangeError<T>> {
        if let Some(theirs) = wish.theirs.take() {
            return Ok(theirs);
        }
        let mine = wish.mine.take().expect("a stopped exchange has not met");
        Err(match why {
            Stop::TimedOut => ExchangeError::TimedOut(mine),
            Stop::Cancelled => ExchangeError::Cancelled(mine),
        })
    }
}
