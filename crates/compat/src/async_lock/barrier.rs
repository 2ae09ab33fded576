//! A barrier whose plain verb is a future.

use counterpoint_base::const_fn;
use counterpoint_sync::{self as sync, BarrierWaitResult};

use crate::face::futures;

/// A number of parties that wait for each other, round by round; see [`counterpoint_sync::Barrier`].
#[derive(Debug)]
pub struct Barrier(sync::Barrier);

impl Barrier {
    const_fn! {
        /// A barrier for `n` parties; none is as one.
        pub const fn new(n: usize) -> Barrier {
            Barrier(sync::Barrier::new(n))
        }
    }

    /// Arrives, and waits for the others.
    ///
    /// # Cancel safety
    /// Dropping the future takes the arrival back.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait(&self) -> BarrierWait<'_> {
        BarrierWait(self.0.wait_async())
    }

    /// Arrives, and blocks this thread until the others have.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_blocking(&self) -> BarrierWaitResult {
        self.0.wait()
    }
}

futures! {
    /// Waits at a [`Barrier`]; made by [`Barrier::wait`].
    BarrierWait ['a] ['a] (sync::barrier::BarrierWait<'a>) -> BarrierWaitResult, |result| result;
}
