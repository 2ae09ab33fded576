//! A barrier whose verb is a future.

use counterpoint_sync::{self as sync, BarrierWaitResult};

/// A number of parties that wait for each other, round by round; see [`counterpoint_sync::Barrier`].
#[derive(Debug)]
pub struct Barrier(sync::Barrier);

impl Barrier {
    /// A barrier for `n` parties; none is as one.
    pub fn new(n: usize) -> Barrier {
        Barrier(sync::Barrier::new(n))
    }

    /// Arrives, and waits for the others.
    ///
    /// # Cancel safety
    /// Dropping the future takes the arrival back.
    pub async fn wait(&self) -> BarrierWaitResult {
        self.0.wait_async().await
    }
}
