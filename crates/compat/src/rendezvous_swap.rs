//! `rendezvous_swap` 0.1: `Rendezvous` and `RendezvousData`.
//!
//! What differs: a party whose partner is gone panics in place of waiting for ever; one that waits
//! for long sleeps.
//!
//! ```
//! use counterpoint_compat::rendezvous_swap::RendezvousData;
//! use std::thread;
//!
//! let (mut mine, mut theirs) = RendezvousData::new(1, 2);
//! let other = thread::spawn(move || assert_eq!(*theirs.swap(), 1));
//! assert_eq!(*mine.swap(), 2);
//! other.join().unwrap();
//! ```

use core::fmt;

/// One of two parties that wait for each other; see [`counterpoint_sync::Rendezvous`].
pub struct Rendezvous(counterpoint_sync::Rendezvous);

impl fmt::Debug for Rendezvous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Rendezvous {
    /// Two parties.
    #[allow(
        clippy::new_ret_no_self,
        reason = "there is no use for one of them alone"
    )]
    pub fn new() -> (Rendezvous, Rendezvous) {
        let (a, b) = counterpoint_sync::Rendezvous::new();
        (Rendezvous(a), Rendezvous(b))
    }

    /// Waits until the partner has arrived as well.
    ///
    /// # Panics
    /// If the partner is gone.
    #[track_caller]
    pub fn wait(&mut self) {
        self.0.wait();
    }

    /// As [`wait`](Self::wait), inlined into the caller.
    ///
    /// # Panics
    /// If the partner is gone.
    #[inline(always)]
    #[track_caller]
    pub fn wait_inline(&mut self) {
        self.0.wait();
    }
}

/// One of two parties that swap values; see [`counterpoint_sync::RendezvousData`].
pub struct RendezvousData<T: Send + Sync>(counterpoint_sync::RendezvousData<T>);

impl<T: Send + Sync> fmt::Debug for RendezvousData<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: Send + Sync> RendezvousData<T> {
    /// Two parties; the first one has `theirs` after the first meeting.
    #[allow(
        clippy::new_ret_no_self,
        reason = "there is no use for one of them alone"
    )]
    pub fn new(mine: T, theirs: T) -> (RendezvousData<T>, RendezvousData<T>) {
        let (a, b) = counterpoint_sync::RendezvousData::new(mine, theirs);
        (RendezvousData(a), RendezvousData(b))
    }

    /// Waits until the partner has arrived as well; returns the value that it brought.
    ///
    /// # Panics
    /// If the partner is gone.
    #[track_caller]
    pub fn swap(&mut self) -> &mut T {
        self.0.swap()
    }

    /// As [`swap`](Self::swap), inlined into the caller.
    ///
    /// # Panics
    /// If the partner is gone.
    #[inline(always)]
    #[track_caller]
    pub fn swap_inline(&mut self) -> &mut T {
        self.0.swap()
    }
}
