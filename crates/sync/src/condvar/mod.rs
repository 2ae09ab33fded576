//! [`Condvar`]: waits, with a mutex given back, until what it guards has changed.

mod raw;
mod verb;
mod wait;

use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_base::prim::time::{Duration, Instant, deadline};
use counterpoint_wait::Stop;
use counterpoint_wait::hooks::{self, Site};
use counterpoint_wait::staged::wait_staged;

pub use raw::Seat;
pub use verb::ConditionVerb;
pub use wait::{Condition, CondvarWait, Once, Relock, While};

use crate::telemetry::Telemetry;
use raw::RawCondvar;
use wait::Claim;

/// Lets threads and tasks wait until what a [`Mutex`](crate::Mutex) guards has changed.
///
/// Who waits holds the mutex and finds that it cannot go on: waiting gives the mutex back, sleeps
/// until it is notified, and takes the mutex again. Who changes the value notifies. Look again after
/// each wait, or use the forms with `while`: another one may have been faster, and a wait may also
/// end without a notification that was meant for it.
///
/// `wait` and its kin block the thread and take the guard by reference, as parking_lot's do;
/// [`wait_async`](Self::wait_async) takes it by value and yields it again. Both take the guards of a
/// [`Mutex`](crate::Mutex), borrowed or owned. Bounds end the wait and never the taking of the
/// mutex: each form gives the guard back, locked.
///
/// Do not use it for a signal without a value (`Notify`), to count (`Semaphore`), or for something
/// that happens once (`Latch`, `OnceCell`).
///
/// # One mutex or several
/// The condition variable keeps no mutex in mind: those who wait may have come with different ones,
/// and each takes its own again. Change what is waited for with the mutex held with which it is
/// waited for: a change without it may be missed.
///
/// # Cancel safety
/// A [`CondvarWait`] that is dropped does not take the mutex again: the guard is gone. If
/// [`notify_one`](Self::notify_one) had chosen it, the notification goes on to the next, also while it
/// was about to take the mutex. A broadcast is not passed on.
///
/// # Cost
/// 16 bytes. Notifying while nobody waits is one load. A wait allocates nothing, but for an
/// owned guard's count.
///
/// ```
/// use counterpoint_sync::{Condvar, Mutex};
///
/// let (queue, filled) = (Mutex::new(Vec::new()), Condvar::new());
/// std::thread::scope(|scope| {
///     scope.spawn(|| {
///         queue.lock().push("a job");
///         filled.notify_one();
///     });
///     let mut jobs = queue.lock();
///     filled.wait_while(&mut jobs, |jobs| jobs.is_empty());
///     assert_eq!(jobs.pop(), Some("a job"));
/// });
/// ```
pub struct Condvar {
    raw: RawCondvar,
}

/// Whether a wait ended because its time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// True if the time was over before the wait was.
    #[must_use]
    pub const fn timed_out(&self) -> bool {
        self.0
    }
}

impl From<Result<(), Stop>> for WaitTimeoutResult {
    fn from(result: Result<(), Stop>) -> WaitTimeoutResult {
        WaitTimeoutResult(result.is_err())
    }
}

/// Gives the guard away for a wait by value, and puts what comes back into its place.
fn lend<G: Relock, R>(guard: &mut G, site: Site, wait: impl FnOnce(G) -> (G, R)) -> R {
    /// The wait panicked and has no guard any more, but the caller has: it is locked again.
    struct Panicked<'g, G: Relock> {
        slot: &'g mut G,
        lock: Option<G::Lock>,
    }
    impl<G: Relock> Drop for Panicked<'_, G> {
        fn drop(&mut self) {
            if let Some(lock) = self.lock.take() {
                let _calm = hooks::Calm::begin();
                let guard: *mut G = self.slot;
                let again = counterpoint_wait::Operation::wait(lock);
                // SAFETY: what was there was moved out and is not dropped here.
                unsafe { guard.write(again) };
            }
        }
    }
    let _calm = hooks::Calm::begin();
    let lock = Some(guard.lock_again(site));
    let mut lent = Panicked { slot: guard, lock };
    let taken: *const G = lent.slot;
    // SAFETY: the place is filled again in any case before the borrow of the guard ends.
    let (again, result) = wait(unsafe { taken.read() });
    lent.lock = None;
    let slot: *mut G = lent.slot;
    // SAFETY: as above; what was there was moved out.
    unsafe { slot.write(again) };
    result
}

impl Condvar {
    const_fn! {
        /// One that nobody waits for.
        #[inline]
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn new() -> Condvar {
            Condvar { raw: RawCondvar::new() }
        }
    }

    /// Notifies the one that waits longest, and returns whether there was one.
    ///
    /// Call it with the mutex held or after it was given back; a change that was made without the
    /// mutex may be missed. With nobody waiting it is forgotten.
    ///
    /// # Cost
    /// With nobody waiting one load.
    #[inline]
    pub fn notify_one(&self) -> bool {
        self.raw.notify_one()
    }

    /// Notifies all who wait at this moment, and returns how many.
    ///
    /// # Cost
    /// With nobody waiting one load; else the lock of the queue once for every 32.
    #[inline]
    pub fn notify_all(&self) -> usize {
        self.raw.notify_all()
    }

    /// Gives the mutex back, blocks this thread until it is notified, and takes the mutex again.
    ///
    /// # Deadlocks
    /// Inside a task it blocks the executor's thread: use [`wait_async`](Self::wait_async) there.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait<G: Relock>(&self, guard: &mut G) {
        let _ = self.turn(guard, None, Site::here());
    }

    /// As [`wait`](Self::wait), but waits at most for `timeout` to be notified.
    ///
    /// # Errors
    /// [`Stop::TimedOut`]; the mutex is taken again in any case, however long that takes.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_timeout<G: Relock>(&self, guard: &mut G, timeout: Duration) -> Result<(), Stop> {
        self.turn(guard, deadline(timeout), Site::here()).0
    }

    /// As [`wait`](Self::wait), but waits at most until `deadline` to be notified. One in the past
    /// still gives the mutex back and takes it again.
    ///
    /// # Errors
    /// [`Stop::TimedOut`]; the mutex is taken again in any case, however long that takes.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_deadline<G: Relock>(&self, guard: &mut G, deadline: Instant) -> Result<(), Stop> {
        self.turn(guard, Some(deadline), Site::here()).0
    }

    /// One wait; whether it was stopped, and whether the notification was for one.
    fn turn<G: Relock>(
        &self,
        guard: &mut G,
        deadline: Option<Instant>,
        site: Site,
    ) -> (Result<(), Stop>, bool) {
        lend(guard, site, |guard| {
            let wait = wait::once(self, guard, site);
            match deadline {
                Some(deadline) => {
                    let mut wait = core::pin::pin!(wait.deadline(deadline));
                    let (guard, result) = wait_staged(wait.as_mut());
                    (guard, (result, wait.was_for_one()))
                }
                None => {
                    let mut wait = core::pin::pin!(wait);
                    let guard = wait_staged(wait.as_mut());
                    (guard, (Ok(()), wait.was_for_one()))
                }
            }
        })
    }

    /// Waits as long as `condition` is true: looks now and after each wait, with the mutex held.
    ///
    /// # Panics
    /// If `condition` does; the guard is still held then, and a notification for one that it was to
    /// use has gone on to another.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_while<G: Relock>(
        &self,
        guard: &mut G,
        condition: impl FnMut(&mut G::Value) -> bool,
    ) {
        let _ = self.wait_bounded_while(guard, None, condition, Site::here());
    }

    /// As [`wait_while`](Self::wait_while), but waits at most for `timeout`; zero looks, lets others
    /// have the mutex, and looks once more.
    ///
    /// # Errors
    /// [`Stop::TimedOut`] if `condition` was still true then.
    ///
    /// # Panics
    /// As [`wait_while`](Self::wait_while).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_timeout_while<G: Relock>(
        &self,
        guard: &mut G,
        timeout: Duration,
        condition: impl FnMut(&mut G::Value) -> bool,
    ) -> Result<(), Stop> {
        self.wait_bounded_while(guard, deadline(timeout), condition, Site::here())
    }

    /// As [`wait_while`](Self::wait_while), but waits at most until `deadline`.
    ///
    /// # Errors
    /// [`Stop::TimedOut`] if `condition` was still true then.
    ///
    /// # Panics
    /// As [`wait_while`](Self::wait_while).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_deadline_while<G: Relock>(
        &self,
        guard: &mut G,
        deadline: Instant,
        condition: impl FnMut(&mut G::Value) -> bool,
    ) -> Result<(), Stop> {
        self.wait_bounded_while(guard, Some(deadline), condition, Site::here())
    }

    fn wait_bounded_while<G: Relock>(
        &self,
        guard: &mut G,
        deadline: Option<Instant>,
        mut condition: impl FnMut(&mut G::Value) -> bool,
        site: Site,
    ) -> Result<(), Stop> {
        let mut result = Ok(());
        // Passed on if `condition` panics.
        let mut claim = Claim::new(self, false);
        loop {
            let goes_on = condition(guard.value());
            claim.baton = false;
            if !goes_on {
                return Ok(());
            }
            result?;
            (result, claim.baton) = self.turn(guard, deadline, site);
        }
    }

    /// [`wait_timeout`](Self::wait_timeout) under parking_lot's name.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_for<G: Relock>(&self, guard: &mut G, timeout: Duration) -> WaitTimeoutResult {
        self.wait_timeout(guard, timeout).into()
    }

    /// [`wait_deadline`](Self::wait_deadline) under parking_lot's name.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_until<G: Relock>(&self, guard: &mut G, deadline: Instant) -> WaitTimeoutResult {
        self.wait_deadline(guard, deadline).into()
    }

    /// [`wait_timeout_while`](Self::wait_timeout_while) under parking_lot's name.
    ///
    /// # Panics
    /// As [`wait_while`](Self::wait_while).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_while_for<G: Relock>(
        &self,
        guard: &mut G,
        condition: impl FnMut(&mut G::Value) -> bool,
        timeout: Duration,
    ) -> WaitTimeoutResult {
        self.wait_timeout_while(guard, timeout, condition).into()
    }

    /// [`wait_deadline_while`](Self::wait_deadline_while) under parking_lot's name.
    ///
    /// # Panics
    /// As [`wait_while`](Self::wait_while).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_while_until<G: Relock>(
        &self,
        guard: &mut G,
        condition: impl FnMut(&mut G::Value) -> bool,
        deadline: Instant,
    ) -> WaitTimeoutResult {
        self.wait_deadline_while(guard, deadline, condition).into()
    }

    /// The future that gives the mutex back, waits to be notified, takes the mutex again and yields
    /// its guard; a thread can wait for it as well. Bounded, it yields the guard and whether it was
    /// stopped.
    ///
    /// The mutex is given back at its first poll.
    ///
    /// # Cancel safety
    /// Dropping it unlocks, or leaves the mutex unlocked. As an arm of a select that another one
    /// wins it therefore loses the guard; a notification for one that it had received is passed on.
    ///
    /// ```
    /// use counterpoint_sync::{Condvar, Mutex};
    /// use counterpoint_wait::{Stop, block_on};
    /// use std::time::Duration;
    ///
    /// let (mutex, changed) = (Mutex::new(1), Condvar::new());
    /// let soon = Duration::from_millis(1);
    /// let (guard, result) = block_on(changed.wait_async(mutex.lock()).timeout(soon));
    /// assert_eq!((*guard, result), (1, Err(Stop::TimedOut)));
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_async<G: Relock>(&self, guard: G) -> CondvarWait<'_, G> {
        wait::once(self, guard, Site::here())
    }

    /// As [`wait_async`](Self::wait_async), as long as `condition` is true: looks at its first poll
    /// and after each wait, with the mutex held.
    ///
    /// # Cancel safety
    /// Dropping it unlocks, or leaves the mutex unlocked; a notification for one that it had received
    /// since it looked is passed on.
    ///
    /// # Panics
    /// If `condition` does; the mutex is unlocked and poisoned then, and a notification for one that
    /// it was to use has gone on to another.
    ///
    /// ```
    /// use counterpoint_sync::{Condvar, Mutex};
    /// use counterpoint_wait::block_on;
    ///
    /// let (mutex, changed) = (Mutex::new(1), Condvar::new());
    /// let guard = block_on(changed.wait_while_async(mutex.lock(), |value| *value == 0));
    /// assert_eq!(*guard, 1);
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_while_async<G, F>(&self, guard: G, condition: F) -> CondvarWait<'_, G, While<F>>
    where
        G: Relock,
        F: FnMut(&mut G::Value) -> bool,
    {
        wait::wait_while(self, guard, condition, Site::here())
    }

    /// What state it is in at this instant.
    pub fn telemetry(&self) -> Telemetry {
        self.raw.telemetry()
    }

    /// Names it in what the hooks tell. The name belongs to its place: name it where it stays.
    /// Without the feature `hooks` this does nothing.
    #[inline(always)]
    pub fn named(&self, name: &'static str) {
        hooks::name(self.raw.queue(), name);
    }

    /// Those who wait at this instant, in the order of their places.
    #[cfg(feature = "hooks")]
    pub fn waiters(&self) -> Vec<hooks::Waiter> {
        hooks::visit(self.raw.queue())
    }
}

impl Default for Condvar {
    #[cfg_attr(feature = "hooks", track_caller)]
    fn default() -> Condvar {
        Condvar::new()
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}
