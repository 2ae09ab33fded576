//! The forms of an operation: blocking, and bounded in four ways.

use core::future::Future;
use core::pin::Pin;
use counterpoint_base::prim::time::{Duration, Instant, deadline};

use super::{Op, Operation, Verb};
use crate::bounded::{Bounded, CtlStop, UntilStop};
use crate::cancel::Ctl;

macro_rules! inherent_methods {
    () => {
        /// Blocks this thread until it completes.
        ///
        /// # Deadlocks
        /// Inside a task this blocks the executor's thread; `.await` it there.
        #[inline]
        pub fn wait(self) -> <Self as Future>::Output {
            Operation::wait(self)
        }

        /// Blocks this thread until it completes, without taking it: for one that was pinned to be
        /// enabled before.
        ///
        /// # Deadlocks
        /// As for [`wait`](Self::wait).
        #[inline]
        pub fn wait_pinned(self: Pin<&mut Self>) -> <Self as Future>::Output {
            crate::block::drive(self)
        }

        /// True once it has completed; polling it again panics.
        pub fn is_terminated(&self) -> bool {
            Operation::is_terminated(self)
        }
    };
}
pub(crate) use inherent_methods;

impl<V: Verb> Op<V> {
    inherent_methods!();

    /// Bounds it: stops after `timeout`. Zero still tries once; a time too long for the clock
    /// never comes. Of several bounds the earliest counts.
    pub fn timeout(self, timeout: Duration) -> Bounded<Op<V>> {
        Bounded::new(self, (), deadline(timeout))
    }

    /// Bounds it: stops at `deadline`. One in the past still tries once.
    pub fn deadline(self, deadline: Instant) -> Bounded<Op<V>> {
        Bounded::new(self, (), Some(deadline))
    }

    /// Bounds it: stops when the token of `ctl` is cancelled or at its deadline. With a token
    /// that is cancelled already nothing is tried.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn with<'c>(self, ctl: &Ctl<'c>) -> Bounded<Op<V>, ((), CtlStop<'c>)> {
        Bounded::new(self, ((), CtlStop::new(ctl)), ctl.deadline)
    }

    /// Bounds it: stops, as if cancelled, when `stop` is ready; if both are, the operation wins.
    pub fn until<F: Future>(self, stop: F) -> Bounded<Op<V>, ((), UntilStop<F>)> {
        Bounded::new(self, ((), UntilStop::new(stop)), None)
    }
}
