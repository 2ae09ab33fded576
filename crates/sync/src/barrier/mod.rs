//! [`Barrier`]: nobody goes on until all have arrived.

mod raw;
mod verb;

use crate::telemetry::Telemetry;
use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::Stop;
use counterpoint_wait::hooks::{self, Hold, Site};

pub use raw::{Seat, State};
pub use verb::{BarrierVerb, BarrierWait};

use raw::{Outcome, RawBarrier};

/// A number of parties that wait for each other, round by round.
///
/// `wait` blocks the thread until as many have arrived as there are parties; `wait_async` is the
/// same as an operation, for tasks, bounds and selects. Then all go on, and the next round begins.
///
/// Use it where the same parties meet again and again. To wait until others are done use a
/// `WaitGroup`; for two that meet, a `Rendezvous`.
///
/// # The leader
/// One of each round is told so by [`is_leader`](BarrierWaitResult::is_leader): the last to arrive
/// of those who wait. If it is dropped before it returns, another one that has not returned leads;
/// if there is none, nobody does.
///
/// # Cancel safety
/// A wait that is dropped, timed out or cancelled takes its arrival back: the others go on waiting
/// for somebody in its place. If the round ended first, the arrival counts, and a bounded wait
/// yields success. With [`OnStop::Break`] it breaks the barrier instead: all who wait, and all who
/// come, are told until [`reset`](Self::reset). [`arrive`](Self::arrive) is an arrival that is not
/// taken back.
///
/// # In a select
/// An arm that is the last to arrive can win at once; else it arrives and stays so until the select
/// ends. At the end of the select's own patience the arm wins if its round is over, and is stopped
/// if not. A look by `default` arrives only as the last. An arm that does not win is dropped, which
/// with [`OnStop::Break`] breaks the barrier; and if its round has ended by then, it was counted, and
/// nobody is told. Where that matters, as in a loop, pin the wait outside and hand in
/// `wait.as_mut()`: it keeps its arrival from one select to the next, and its pass. That is also how
/// a party arrives whose other arms always have something to do.
///
/// # Deadlocks
/// A round for which fewer come than there are parties waits for ever.
///
/// # Cost
/// 144 bytes. Each arrival takes a lock for a moment; a wait allocates nothing.
///
/// ```
/// use counterpoint_sync::Barrier;
///
/// let barrier = Barrier::new(3);
/// let leaders: usize = std::thread::scope(|scope| {
///     let threads = [(); 3].map(|()| scope.spawn(|| barrier.wait().is_leader()));
///     threads.map(|thread| usize::from(thread.join().unwrap())).iter().sum()
/// });
/// assert_eq!(leaders, 1);
/// ```
pub struct Barrier {
    raw: RawBarrier,
}

/// What a wait does that is stopped or dropped before its round is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnStop {
    /// It takes its arrival back.
    #[default]
    Retract,
    /// It breaks the barrier: all others fail until it is reset. So does a wait whose token was
    /// cancelled before its first poll; one that is only dropped before that never was.
    Break,
}

/// How a wait at a [`Barrier`] ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BarrierWaitResult(Outcome);

impl BarrierWaitResult {
    /// True for one of those who waited in a round.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.0 == Outcome::Passed(true)
    }

    /// True if not all have arrived: the barrier was broken or reset. The bounded forms return
    /// [`BarrierWaitError::Broken`] in place of such a result.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.0 == Outcome::Broken
    }
}

impl fmt::Debug for BarrierWaitResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BarrierWaitResult")
            .field("is_leader", &self.is_leader())
            .field("is_broken", &self.is_broken())
            .finish()
    }
}

/// Why a bounded wait at a [`Barrier`] failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BarrierWaitError {
    /// The barrier was broken or reset.
    Broken,
    /// The deadline came.
    TimedOut,
    /// The token was cancelled, or the future given to `until` was ready.
    Cancelled,
}

impl From<Stop> for BarrierWaitError {
    fn from(why: Stop) -> BarrierWaitError {
        match why {
            Stop::TimedOut => BarrierWaitError::TimedOut,
            Stop::Cancelled => BarrierWaitError::Cancelled,
        }
    }
}

impl fmt::Display for BarrierWaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BarrierWaitError::Broken => f.write_str("the barrier is broken"),
            BarrierWaitError::TimedOut => Stop::TimedOut.fmt(f),
            BarrierWaitError::Cancelled => Stop::Cancelled.fmt(f),
        }
    }
}

impl core::error::Error for BarrierWaitError {}

type Waited = Result<BarrierWaitResult, BarrierWaitError>;

impl Barrier {
    const_fn! {
        /// A barrier for so many parties. None counts as one.
        #[must_use]
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn new(parties: usize) -> Barrier {
            Barrier { raw: RawBarrier::new(parties, OnStop::Retract) }
        }

        /// The same, with a choice what a wait does that is stopped.
        #[must_use]
        pub const fn with_on_stop(parties: usize, on_stop: OnStop) -> Barrier {
            Barrier { raw: RawBarrier::new(parties, on_stop) }
        }
    }

    /// Arrives, and blocks this thread until all have.
    ///
    /// # Deadlocks
    /// See [`Barrier`]. Inside a task it blocks the executor's thread: use
    /// [`wait_async`](Self::wait_async) there.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait(&self) -> BarrierWaitResult {
        self.wait_async().wait()
    }

    /// Arrives if all the others have, or if the barrier is broken.
    #[must_use]
    pub fn try_wait(&self) -> Option<BarrierWaitResult> {
        self.raw.arrive_last().map(BarrierWaitResult)
    }

    /// Arrives, and blocks this thread until all have, at most for `timeout`; with zero it arrives
    /// if all the others have, and else is stopped at once.
    ///
    /// # Errors
    /// [`BarrierWaitError::TimedOut`], the arrival is taken back, or with [`OnStop::Break`] the
    /// barrier is broken by it; [`BarrierWaitError::Broken`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_timeout(&self, timeout: Duration) -> Waited {
        self.wait_async().timeout(timeout).wait()
    }

    /// Arrives, and blocks this thread until all have, at most until `deadline`; one in the past
    /// arrives if all the others have.
    ///
    /// # Errors
    /// [`BarrierWaitError::TimedOut`], the arrival is taken back, or with [`OnStop::Break`] the
    /// barrier is broken by it; [`BarrierWaitError::Broken`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_deadline(&self, deadline: Instant) -> Waited {
        self.wait_async().deadline(deadline).wait()
    }

    /// The operation that arrives, at its first poll, and waits until all have.
    ///
    /// # Cancel safety
    /// Dropping it takes the arrival back, or breaks the barrier; see [`Barrier`].
    ///
    /// ```
    /// use counterpoint_sync::{Barrier, BarrierWaitError};
    /// use std::time::Duration;
    ///
    /// let barrier = Barrier::new(2);
    /// let alone = barrier.wait_async().timeout(Duration::from_millis(1)).wait();
    /// assert_eq!(alone, Err(BarrierWaitError::TimedOut));
    /// assert_eq!(barrier.arrived(), 0);
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_async(&self) -> BarrierWait<'_> {
        verb::wait(self)
    }

    /// Arrives for good, without waiting: the round may be waited for later, or not at all.
    ///
    /// At a broken barrier it counts for nothing, and waiting for it tells so.
    ///
    /// ```
    /// use counterpoint_sync::Barrier;
    ///
    /// let barrier = Barrier::new(2);
    /// let early = barrier.arrive();
    /// assert!(!early.is_over());
    /// assert!(barrier.wait().is_leader());
    /// assert!(early.is_over() && !early.wait().is_leader());
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn arrive(&self) -> Arrival<'_> {
        Arrival {
            barrier: self,
            round: self.raw.arrive(),
            hold: hooks::held("Arrival", self.raw.queue(), Site::here(), 1),
        }
    }

    /// Arrives in this round, and is none of the parties from the next one on.
    ///
    /// # Panics
    /// If there is no party.
    pub fn arrive_and_leave(&self) {
        assert!(
            self.raw.leave(true),
            "counterpoint: Barrier: nobody is left"
        );
    }

    /// One party more is waited for, in this round already.
    pub fn join(&self) {
        self.raw.join();
    }

    /// One party less is waited for, in this round already; which may end it.
    ///
    /// # Panics
    /// If there is no party.
    pub fn leave(&self) {
        assert!(
            self.raw.leave(false),
            "counterpoint: Barrier: nobody is left"
        );
    }

    /// Wakes all who wait, with [`is_broken`](BarrierWaitResult::is_broken) or
    /// [`BarrierWaitError::Broken`], and begins a new round with nobody in it. A broken barrier
    /// works again. Waiting for any [`Arrival`] from before tells that it was reset.
    pub fn reset(&self) {
        self.raw.reset();
    }

    /// True if a wait was stopped and [`OnStop::Break`] chosen, until [`reset`](Self::reset).
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.raw.is_broken()
    }

    /// How many arrivals make a round.
    #[must_use]
    pub fn parties(&self) -> usize {
        self.raw.parties()
    }

    /// How many have arrived in this round; may be wrong at the next moment.
    #[must_use]
    pub fn arrived(&self) -> usize {
        self.raw.arrived()
    }

    /// Names it in what the hooks tell. The name belongs to its place: name it where it stays.
    /// Without the feature `hooks` this does nothing.
    #[inline(always)]
    pub fn named(&self, name: &'static str) {
        hooks::name(self.raw.queue(), name);
    }

    /// What state it is in, all of one instant; see [`Telemetry`].
    pub fn telemetry(&self) -> Telemetry {
        self.raw.telemetry()
    }

    /// Those who wait at this instant, in the order of their places.
    #[cfg(feature = "hooks")]
    pub fn waiters(&self) -> Vec<hooks::Waiter> {
        hooks::visit(self.raw.queue())
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier")
            .field("parties", &self.parties())
            .field("arrived", &self.arrived())
            .field("broken", &self.is_broken())
            .finish()
    }
}

/// An arrival that stands; made by [`Barrier::arrive`]. Dropping it does not take it back.
#[must_use = "an arrival stands without being waited for: drop it if that is meant"]
pub struct Arrival<'a> {
    barrier: &'a Barrier,
    round: u64,
    hold: Hold,
}

impl<'a> Arrival<'a> {
    /// True if the round it was made in is over.
    pub fn is_over(&self) -> bool {
        self.barrier.raw.ended(self.round).is_some()
    }

    /// Blocks this thread until all have arrived.
    ///
    /// # Deadlocks
    /// Inside a task it blocks the executor's thread: use [`wait_async`](Self::wait_async) there.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait(self) -> BarrierWaitResult {
        self.wait_async().wait()
    }

    /// Blocks this thread until all have arrived, at most for `timeout`; zero looks once.
    ///
    /// # Errors
    /// [`BarrierWaitError::TimedOut`], the arrival stands; [`BarrierWaitError::Broken`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_timeout(self, timeout: Duration) -> Waited {
        self.wait_async().timeout(timeout).wait()
    }

    /// Blocks this thread until all have arrived, at most until `deadline`; one in the past looks
    /// once.
    ///
    /// # Errors
    /// [`BarrierWaitError::TimedOut`], the arrival stands; [`BarrierWaitError::Broken`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_deadline(self, deadline: Instant) -> Waited {
        self.wait_async().deadline(deadline).wait()
    }

    /// The operation that waits until all have arrived.
    ///
    /// # Cancel safety
    /// Dropping it leaves the arrival standing.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_async(self) -> BarrierWait<'a> {
        verb::wait_arrived(self.barrier, self.round)
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        hooks::released(self.hold);
    }
}

impl fmt::Debug for Arrival<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrival")
            .field("is_over", &self.is_over())
            .finish_non_exhaustive()
    }
}

crate::mutex::obligations! {
    [] Arrival<'_>: hold;
}
