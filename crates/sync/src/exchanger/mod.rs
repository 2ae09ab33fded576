//! [`Exchanger`]: whoever comes next swaps values with whoever waits.

mod raw;
mod verb;

use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_base::prim::time::{Duration, Instant, deadline, reached};
use counterpoint_wait::hooks;
use counterpoint_wait::waker::WakeBatch;
use std::sync::Arc;

pub use raw::{State, Wish};
pub use verb::{Exchange, ExchangeOwned, ExchangeVerb, Source};

use raw::RawExchanger;

/// Why an exchange found no partner; it holds the value that was not given away.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExchangeError<T> {
    /// The deadline came first.
    TimedOut(T),
    /// The token was cancelled, or the future given to `until` was ready.
    Cancelled(T),
}

impl<T> ExchangeError<T> {
    /// The value that was not given away.
    pub fn into_inner(self) -> T {
        match self {
            ExchangeError::TimedOut(value) | ExchangeError::Cancelled(value) => value,
        }
    }
}

impl<T> fmt::Debug for ExchangeError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ExchangeError::TimedOut(_) => "TimedOut(..)",
            ExchangeError::Cancelled(_) => "Cancelled(..)",
        })
    }
}

impl<T> fmt::Display for ExchangeError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ExchangeError::TimedOut(_) => "no partner before the deadline",
            ExchangeError::Cancelled(_) => "cancelled while waiting for a partner",
        })
    }
}

impl<T> core::error::Error for ExchangeError<T> {}

/// A place where two meet who need not know each other, and swap values.
///
/// Each call waits for one other call, on a thread or in a task, and gets its value for its own.
/// Any number may use one exchanger; they meet in pairs. Who waits in the queue meets in the order
/// in which they came, except that a thread which looks for a partner before it queues may meet one
/// that comes just then.
///
/// Do not use it for the same two each time ([`RendezvousData`](crate::RendezvousData) is several
/// times as fast, and swaps by pointer), or to hand values over one way (use a channel).
///
/// # Cancel safety
/// An exchange that is stopped by its deadline or token gives its value back; one that is dropped,
/// as the losing arms of a `select!` are, drops it. Both are as if they had never come. One that was
/// met and is dropped before it yields drops the value that it got: the partner has gone on. An arm
/// that was met while its select was dropped keeps that value, and yields it as it is used again.
///
/// # Panics
/// A waker of the partner's task that panics does so in the call that wakes it. Both have met; of
/// the forms other than the operation the value got is lost with the call.
///
/// # Deadlocks
/// Of an odd number of calls one waits for ever.
///
/// # Cost
/// No allocation. Where two threads come within some microseconds of each other three exchanges in
/// all and no system call; else one of them sleeps. The values are moved.
///
/// # Examples
/// Two threads work with two buffers, one filling and one emptying:
/// ```
/// use counterpoint_sync::Exchanger;
///
/// let exchanger = Exchanger::new();
/// std::thread::scope(|s| {
///     s.spawn(|| {
///         let mut buffer = Vec::new();
///         for number in 0..3 {
///             buffer.push(number);
///             buffer = exchanger.exchange(buffer); // An empty one for a full one.
///         }
///     });
///     let mut buffer = Vec::new();
///     for number in 0..3 {
///         buffer.clear();
///         buffer = exchanger.exchange(buffer);
///         assert_eq!(buffer, [number]);
///     }
/// });
/// ```
pub struct Exchanger<T> {
    raw: RawExchanger<T>,
}

impl<T> Exchanger<T> {
    const_fn! {
        /// A place where nobody waits.
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn new() -> Exchanger<T> {
            Exchanger { raw: RawExchanger::new() }
        }
    }

    /// Blocks this thread until a partner comes; gives it `value` and returns the partner's.
    ///
    /// # Deadlocks
    /// Waits for ever if nobody comes. Inside a task it blocks the executor's thread: use
    /// [`exchange_async`](Self::exchange_async) there.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn exchange(&self, value: T) -> T {
        match self.soon(value, None) {
            Ok(theirs) => theirs,
            Err(value) => self.exchange_async(value).wait(),
        }
    }

    /// Swaps values with a partner that waits.
    ///
    /// # Errors
    /// The value, if nobody can be met at this moment. A thread that has come and is about to queue
    /// may be missed.
    ///
    /// ```
    /// use counterpoint_sync::Exchanger;
    ///
    /// assert_eq!(Exchanger::new().try_exchange("mine"), Err("mine"));
    /// ```
    pub fn try_exchange(&self, value: T) -> Result<T, T> {
        let mut wakes = WakeBatch::new();
        let met = self.raw.try_exchange(value, &mut wakes);
        wakes.wake();
        met
    }

    /// Blocks this thread until a partner comes, at most for `timeout`; zero looks once.
    ///
    /// # Errors
    /// [`ExchangeError::TimedOut`] with the value.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn exchange_timeout(&self, value: T, timeout: Duration) -> Result<T, ExchangeError<T>> {
        match deadline(timeout) {
            Some(deadline) => self.exchange_until(value, deadline, !timeout.is_zero()),
            None => Ok(self.exchange(value)),
        }
    }

    /// Blocks this thread until a partner comes, at most until `deadline`; one in the past looks
    /// once.
    ///
    /// # Errors
    /// [`ExchangeError::TimedOut`] with the value.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn exchange_deadline(&self, value: T, deadline: Instant) -> Result<T, ExchangeError<T>> {
        let spins = !reached(deadline);
        self.exchange_until(value, deadline, spins)
    }

    #[cfg_attr(feature = "hooks", track_caller)]
    fn exchange_until(
        &self,
        value: T,
        deadline: Instant,
        spins: bool,
    ) -> Result<T, ExchangeError<T>> {
        let met = match spins {
            true => self.soon(value, Some(deadline)),
            false => self.try_exchange(value),
        };
        match met {
            Ok(theirs) => Ok(theirs),
            Err(value) => self.exchange_async(value).deadline(deadline).wait(),
        }
    }

    fn soon(&self, value: T, until: Option<Instant>) -> Result<T, T> {
        let mut wakes = WakeBatch::new();
        let met = self.raw.exchange_soon(value, until, &mut wakes);
        wakes.wake();
        met
    }

    /// The operation that waits for a partner; yields the partner's value. It does not look for a
    /// while before it sleeps, as the blocking forms do.
    ///
    /// # Cancel safety
    /// Dropping it takes the value back; see [`Exchanger`] for one that was met already.
    ///
    /// ```
    /// use counterpoint_sync::Exchanger;
    /// use counterpoint_sync::exchanger::ExchangeError;
    /// use std::time::Duration;
    ///
    /// let exchanger = Exchanger::new();
    /// let alone = exchanger.exchange_async("mine").timeout(Duration::from_millis(1)).wait();
    /// assert_eq!(alone, Err(ExchangeError::TimedOut("mine")));
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn exchange_async(&self, value: T) -> Exchange<'_, T> {
        verb::exchange(self, value)
    }

    /// The operation that waits for a partner; it keeps the exchanger alive.
    ///
    /// # Cancel safety
    /// As for [`exchange_async`](Self::exchange_async).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn exchange_owned_async(self: &Arc<Self>, value: T) -> ExchangeOwned<T> {
        verb::exchange(self.clone(), value)
    }

    /// Names the exchanger in what the hooks tell. The name belongs to its place: name it where it
    /// stays. Without the feature `hooks` this does nothing.
    #[inline(always)]
    pub fn named(&self, name: &'static str) {
        hooks::name(self.raw.queue(), name);
    }

    /// Those who wait for it at this instant, in the order of their places.
    #[cfg(feature = "hooks")]
    pub fn waiters(&self) -> Vec<hooks::Waiter> {
        hooks::visit(self.raw.queue())
    }
}

impl<T> Default for Exchanger<T> {
    #[cfg_attr(feature = "hooks", track_caller)]
    fn default() -> Exchanger<T> {
        Exchanger::new()
    }
}

impl<T> fmt::Debug for Exchanger<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchanger").finish_non_exhaustive()
    }
}
