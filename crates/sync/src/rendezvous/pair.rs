//! The two types for two; the protocol is in `spot.rs` and `half.rs`.

use core::fmt;
use counterpoint_base::CachePadded;
use counterpoint_base::prim::time::{Duration, Instant};

use super::half::{Half, Meet};
use super::{Disconnected, RendezvousError, TryRendezvousError};

/// Waits for the partner; made by [`Rendezvous::wait_async`] and [`RendezvousData::wait_async`].
pub type RendezvousWait<'h, T = ()> = Meet<'h, T, ()>;

/// Swaps with the partner; made by [`RendezvousData::swap_async`].
pub type RendezvousSwap<'h, T> = Meet<'h, T, &'h mut T>;

/// One of two parties that meet again and again: each waits until the other has arrived as well.
///
/// What one did before a meeting is seen by the other after it. A party that waits looks for some
/// microseconds and sleeps then; where the process may use one processor only, it sleeps at once.
///
/// Do not use it for partners that are not the same each time (use
/// [`Exchanger`](crate::Exchanger)), or to hand values over one way (use a channel). For more than
/// two see [`RendezvousGroup`](super::RendezvousGroup), to swap values [`RendezvousData`].
///
/// # When the partner is gone
/// A partner whose handle was dropped, perhaps by a panic, never arrives. Then
/// [`wait`](Self::wait) panics and all other forms report [`Disconnected`]. A meeting for which it
/// had arrived before counts.
///
/// A waker of the partner's task that panics does so in the call that wakes it; the meeting was met.
///
/// # Cancel safety
/// An arrival stays: a call that timed out, was cancelled, or was one of several arms of a select
/// and lost, has arrived, and the partner need not wait for it. The next call is for the same
/// meeting. Nothing else is left behind. (An operation that was stopped before it began, by a token
/// cancelled already, has not arrived.)
///
/// # Cost
/// For both an allocation of three or four cache lines, and each party is a line of its own: two that
/// lie side by side do not disturb each other. Who arrives last: one store and two loads,
/// no exchange; and no fence where the kernel has `membarrier`. Who arrives first and must sleep
/// pays for that fence, and then as for every wait.
///
/// # Examples
/// ```
/// use counterpoint_sync::Rendezvous;
///
/// let (mut mine, mut theirs) = Rendezvous::new();
/// std::thread::scope(|s| {
///     s.spawn(move || {
///         for step in 1..5 {
///             println!("{step}");
///             theirs.wait();
///         }
///     });
///     for step in 1..5 {
///         println!("{step}");
///         mine.wait(); // Nobody is a step ahead.
///     }
/// });
/// ```
pub struct Rendezvous(CachePadded<Half<()>>);

// As std's `Barrier`: there is nothing behind it that a panic could leave half-changed.
impl core::panic::UnwindSafe for Rendezvous {}
impl core::panic::RefUnwindSafe for Rendezvous {}

impl Rendezvous {
    /// Two parties.
    #[allow(
        clippy::new_ret_no_self,
        reason = "there is no use for one of them alone"
    )]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn new() -> (Rendezvous, Rendezvous) {
        let (a, b) = Half::pair((), ());
        (Rendezvous(a.into()), Rendezvous(b.into()))
    }

    /// Blocks this thread until the partner has arrived as well.
    ///
    /// # Panics
    /// If the partner is gone.
    ///
    /// # Deadlocks
    /// Waits for ever for a partner that is neither dropped nor comes, such as one of the same
    /// thread. Inside a task it blocks the executor's thread: use [`wait_async`](Self::wait_async)
    /// there.
    #[inline]
    #[track_caller]
    pub fn wait(&mut self) {
        if self.0.meet().is_err() {
            gone("Rendezvous::wait");
        }
    }

    /// Blocks this thread until the partner has arrived as well.
    ///
    /// # Errors
    /// [`Disconnected`] if the partner is gone.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_checked(&mut self) -> Result<(), Disconnected> {
        self.0.meet()
    }

    /// Arrives, and looks whether the partner has. If not, the arrival stays. Two who try at the same
    /// moment may both miss the other; the next look of each finds it.
    ///
    /// # Errors
    /// [`TryRendezvousError::WouldBlock`] if the partner has not arrived;
    /// [`TryRendezvousError::Disconnected`] if it is gone.
    pub fn try_wait(&mut self) -> Result<(), TryRendezvousError> {
        self.0.try_meet()
    }

    /// Blocks this thread until the partner has arrived as well, at most for `timeout`; zero looks
    /// once.
    ///
    /// # Errors
    /// [`RendezvousError::TimedOut`]: the arrival stays, and the next call is for the same meeting;
    /// [`RendezvousError::Disconnected`] if the partner is gone.
    ///
    /// ```
    /// use counterpoint_sync::rendezvous::{Rendezvous, RendezvousError};
    /// use std::time::Duration;
    ///
    /// let (mut a, mut b) = Rendezvous::new();
    /// assert_eq!(a.wait_timeout(Duration::ZERO), Err(RendezvousError::TimedOut));
    /// b.wait(); // `a` has arrived.
    /// a.wait(); // The same meeting.
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_timeout(&mut self, timeout: Duration) -> Result<(), RendezvousError> {
        self.0.meet_timeout(timeout)
    }

    /// Blocks this thread until the partner has arrived as well, at most until `deadline`; one in
    /// the past looks once.
    ///
    /// # Errors
    /// As for [`wait_timeout`](Self::wait_timeout).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_deadline(&mut self, deadline: Instant) -> Result<(), RendezvousError> {
        self.0.meet_deadline(deadline)
    }

    /// The operation that waits for the partner. It arrives at its first poll, and does not look
    /// again and again before it sleeps, as the blocking forms do.
    ///
    /// # Cancel safety
    /// Dropped after its first poll it leaves the arrival, and nothing else: see [`Rendezvous`].
    ///
    /// # Errors
    /// [`Disconnected`] if the partner is gone.
    ///
    /// ```
    /// use counterpoint_sync::Rendezvous;
    /// use counterpoint_wait::block_on;
    ///
    /// let (mut a, mut b) = Rendezvous::new();
    /// std::thread::scope(|s| {
    ///     s.spawn(|| a.wait());
    ///     block_on(async { b.wait_async().await.unwrap() });
    /// });
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_async(&mut self) -> RendezvousWait<'_> {
        self.0.operation()
    }
}

impl fmt::Debug for Rendezvous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendezvous")
            .field("arrived", &self.0.has_arrived())
            .finish_non_exhaustive()
    }
}

/// One of two parties that swap values each time they meet.
///
/// Each holds one of the two values. As they meet, the values change hands by pointer, however
/// large they are; each party may use what it got until its next call. So one fills a buffer while
/// the other one empties the other.
///
/// Waiting, and what happens when the partner is gone, is as for [`Rendezvous`]. A value is dropped
/// with the party that holds it, or, if it was offered in vain, with the last of both.
///
/// # Cancel safety
/// As for [`Rendezvous`]: the arrival stays. From then on the value belongs to nobody, so
/// [`get_mut`](Self::get_mut) is `None` and [`into_inner`](Self::into_inner) fails, until a call
/// has met.
///
/// A loop that tries again until it has a borrow does not compile, since the borrow would last over
/// the next try. Wait in the loop, and borrow after it:
///
/// ```
/// use counterpoint_sync::rendezvous::{RendezvousData, RendezvousError};
/// use std::time::Duration;
///
/// fn next<'a>(party: &'a mut RendezvousData<String>, mut idle: impl FnMut()) -> &'a mut String {
///     while party.wait_timeout(Duration::from_millis(1)) == Err(RendezvousError::TimedOut) {
///         idle();
///     }
///     party.get_mut().expect("met")
/// }
///
/// let (mut a, mut b) = RendezvousData::new("a".to_string(), "b".to_string());
/// std::thread::scope(|s| {
///     s.spawn(|| assert_eq!(b.swap(), "a"));
///     assert_eq!(next(&mut a, || ()), "b");
/// });
/// ```
///
/// # Cost
/// As for [`Rendezvous`]. A value of up to some hundred bytes lies on the cache line of the
/// arrival, so one line travels for both.
///
/// # Examples
/// ```
/// use counterpoint_sync::RendezvousData;
///
/// let (mut mine, mut theirs) = RendezvousData::new(Vec::new(), Vec::new());
/// std::thread::scope(|s| {
///     s.spawn(move || {
///         for step in 0..3 {
///             let buffer = theirs.swap();
///             buffer.clear();
///             buffer.push(step);
///         }
///         theirs.swap();
///     });
///     assert!(mine.swap().is_empty());
///     for step in 0..3 {
///         assert_eq!(mine.swap(), &[step]);
///     }
/// });
/// ```
pub struct RendezvousData<T>(CachePadded<Half<T>>);

impl<T> RendezvousData<T> {
    /// Two parties; the first one holds `a`, and has `b` after the first meeting.
    #[allow(
        clippy::new_ret_no_self,
        reason = "there is no use for one of them alone"
    )]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn new(a: T, b: T) -> (RendezvousData<T>, RendezvousData<T>) {
        let (a, b) = Half::pair(a, b);
        (RendezvousData(a.into()), RendezvousData(b.into()))
    }

    /// Blocks this thread until the partner has arrived as well; returns the value that it brought.
    /// The borrow ends at the next call.
    ///
    /// # Panics
    /// If the partner is gone.
    ///
    /// # Deadlocks
    /// As for [`Rendezvous::wait`].
    #[inline]
    #[track_caller]
    pub fn swap(&mut self) -> &mut T {
        if self.0.meet().is_err() {
            gone("RendezvousData::swap");
        }
        self.0.value()
    }

    /// Blocks this thread until the partner has arrived as well; returns the value that it brought.
    ///
    /// # Errors
    /// [`Disconnected`] if the partner is gone. The own value is still there: see
    /// [`get_mut`](Self::get_mut).
    ///
    /// ```
    /// use counterpoint_sync::rendezvous::{Disconnected, RendezvousData};
    ///
    /// let (mut a, b) = RendezvousData::new(1, 2);
    /// drop(b);
    /// assert_eq!(a.swap_checked(), Err(Disconnected));
    /// assert_eq!(a.into_inner().ok(), Some(1));
    /// ```
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn swap_checked(&mut self) -> Result<&mut T, Disconnected> {
        self.0.meet()?;
        Ok(self.0.value())
    }

    /// Arrives, and looks whether the partner has. If not, the arrival stays. Two who try at the same
    /// moment may both miss the other; the next look of each finds it.
    ///
    /// # Errors
    /// [`TryRendezvousError::WouldBlock`] if the partner has not arrived;
    /// [`TryRendezvousError::Disconnected`] if it is gone.
    pub fn try_swap(&mut self) -> Result<&mut T, TryRendezvousError> {
        self.0.try_meet()?;
        Ok(self.0.value())
    }

    /// Blocks this thread until the partner has arrived as well, at most for `timeout`; zero looks
    /// once.
    ///
    /// # Errors
    /// [`RendezvousError::TimedOut`]: the arrival stays, and the next call is for the same meeting;
    /// [`RendezvousError::Disconnected`] if the partner is gone.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn swap_timeout(&mut self, timeout: Duration) -> Result<&mut T, RendezvousError> {
        self.0.meet_timeout(timeout)?;
        Ok(self.0.value())
    }

    /// Blocks this thread until the partner has arrived as well, at most until `deadline`; one in
    /// the past looks once.
    ///
    /// # Errors
    /// As for [`swap_timeout`](Self::swap_timeout).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn swap_deadline(&mut self, deadline: Instant) -> Result<&mut T, RendezvousError> {
        self.0.meet_deadline(deadline)?;
        Ok(self.0.value())
    }

    /// The operation that waits for the partner and yields the value that it brought. It arrives at
    /// its first poll, and does not look again and again before it sleeps, as the blocking forms
    /// do.
    ///
    /// # Cancel safety
    /// Dropped after its first poll it leaves the arrival, and nothing else: see
    /// [`RendezvousData`].
    ///
    /// # Errors
    /// [`Disconnected`] if the partner is gone.
    ///
    /// ```
    /// use counterpoint_sync::RendezvousData;
    /// use counterpoint_wait::block_on;
    ///
    /// let (mut a, mut b) = RendezvousData::new('a', 'b');
    /// std::thread::scope(|s| {
    ///     s.spawn(|| assert_eq!(*a.swap(), 'b'));
    ///     block_on(async { assert_eq!(*b.swap_async().await.unwrap(), 'a') });
    /// });
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn swap_async(&mut self) -> RendezvousSwap<'_, T> {
        self.0.operation()
    }

    /// As [`swap`](Self::swap); the value is in [`get_mut`](Self::get_mut) after it.
    ///
    /// # Panics
    /// If the partner is gone.
    ///
    /// # Deadlocks
    /// As for [`Rendezvous::wait`].
    #[inline]
    #[track_caller]
    pub fn wait(&mut self) {
        if self.0.meet().is_err() {
            gone("RendezvousData::wait");
        }
    }

    /// As [`swap_checked`](Self::swap_checked); the value is in [`get_mut`](Self::get_mut) after
    /// it.
    ///
    /// # Errors
    /// [`Disconnected`] if the partner is gone.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_checked(&mut self) -> Result<(), Disconnected> {
        self.0.meet()
    }

    /// As [`try_swap`](Self::try_swap); the value is in [`get_mut`](Self::get_mut) after it.
    ///
    /// # Errors
    /// As for [`try_swap`](Self::try_swap).
    pub fn try_wait(&mut self) -> Result<(), TryRendezvousError> {
        self.0.try_meet()
    }

    /// As [`swap_timeout`](Self::swap_timeout); the value is in [`get_mut`](Self::get_mut) after
    /// it. This is the form for loops.
    ///
    /// # Errors
    /// As for [`swap_timeout`](Self::swap_timeout).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_timeout(&mut self, timeout: Duration) -> Result<(), RendezvousError> {
        self.0.meet_timeout(timeout)
    }

    /// As [`swap_deadline`](Self::swap_deadline); the value is in [`get_mut`](Self::get_mut) after
    /// it.
    ///
    /// # Errors
    /// As for [`swap_timeout`](Self::swap_timeout).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_deadline(&mut self, deadline: Instant) -> Result<(), RendezvousError> {
        self.0.meet_deadline(deadline)
    }

    /// As [`swap_async`](Self::swap_async); the value is in [`get_mut`](Self::get_mut) after it.
    ///
    /// # Cancel safety
    /// As for [`swap_async`](Self::swap_async).
    ///
    /// # Errors
    /// [`Disconnected`] if the partner is gone.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_async(&mut self) -> RendezvousWait<'_, T> {
        self.0.operation()
    }

    /// The value it holds, without a meeting: its own before the first one. `None` if a call has
    /// arrived and not met, until another one meets.
    ///
    /// ```
    /// use counterpoint_sync::RendezvousData;
    ///
    /// let (mut a, mut b) = RendezvousData::new(1, 2);
    /// *a.get_mut().unwrap() = 10;
    /// assert!(a.try_swap().is_err());
    /// assert_eq!(a.get_mut(), None);
    /// assert_eq!(*b.swap(), 10);
    /// assert_eq!(*a.swap(), 2);
    /// ```
    pub fn get_mut(&mut self) -> Option<&mut T> {
        (!self.0.has_arrived()).then(|| self.0.value())
    }

    /// The value it holds; the partner finds this party gone.
    ///
    /// # Errors
    /// The party itself, if a call has arrived and not met: then the value is the partner's to
    /// take.
    #[allow(
        clippy::result_large_err,
        reason = "the party is as large as its padding; nobody who is in a hurry takes it apart"
    )]
    pub fn into_inner(self) -> Result<T, RendezvousData<T>> {
        let half = self.0.into_inner();
        half.take().map_err(|half| RendezvousData(half.into()))
    }
}

impl<T> fmt::Debug for RendezvousData<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RendezvousData")
            .field("arrived", &self.0.has_arrived())
            .finish_non_exhaustive()
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn gone(verb: &str) -> ! {
    panic!("counterpoint: {verb}: the partner is gone")
}
