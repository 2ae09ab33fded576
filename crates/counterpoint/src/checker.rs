//! What `counterpoint::model` holds under the cfg of a checker.

use crate::cancel::CancelToken;
use crate::sync::Notify;
use crate::wait::block_on;
use core::future::Future;
use counterpoint_base::prim::{self, thread};
use std::fmt;
use std::sync::Arc;

#[doc(inline)]
pub use counterpoint_base::prim::{Branch, choose};

/// Runs `program` in many schedules, as [`Checker::new`] does it; returns how many.
///
/// # Panics
/// If `program` panics, deadlocks or races in one of them. Before that, a line
/// `COUNTERPOINT_SCHEDULE=…` is printed: with this variable set the same schedule runs again.
///
/// ```
/// # #[cfg(any(counterpoint_loom, counterpoint_shuttle))]
/// counterpoint::model::check(|| {
///     let count = std::sync::Arc::new(counterpoint::sync::Mutex::new(0));
///     let other = count.clone();
///     let thread = counterpoint::thread::spawn(move || *other.lock() += 1);
///     *count.lock() += 1;
///     thread.join().unwrap();
///     assert_eq!(*count.lock(), 2);
/// });
/// ```
pub fn check(program: impl Fn() + Send + Sync + 'static) -> u64 {
    Checker::new().check(program)
}

/// How a program is checked.
///
/// The variables `COUNTERPOINT_EXECUTIONS`, `COUNTERPOINT_SEED` and `COUNTERPOINT_SCHEDULE` go
/// before what is said here.
///
/// ```
/// # #[cfg(any(counterpoint_loom, counterpoint_shuttle))] {
/// use counterpoint::model::{Branch, Checker};
///
/// let tried = Checker::new()
///     .name("one alone")
///     .schedules(100)
///     .branches(&[Branch::DeadlineFirst])
///     .check(|| drop(counterpoint::sync::Mutex::new(0).try_lock()));
/// assert!(tried > 0);
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Checker {
    how: prim::Check,
}

impl Default for Checker {
    fn default() -> Checker {
        Checker::new()
    }
}

impl Checker {
    /// Under shuttle: 10,000 random schedules and 10,000 by random priorities. Under loom: every
    /// schedule with at most two preemptions. No branches.
    pub const fn new() -> Checker {
        let mut how = prim::Check::new("a program");
        how.schedules = 10_000;
        how.preemptions = Some(2);
        Checker { how }
    }

    /// The name in what is printed.
    pub const fn name(mut self, name: &'static str) -> Checker {
        self.how.name = name;
        self
    }

    /// Under shuttle, how many random schedules to try, and as many by priorities.
    pub const fn schedules(mut self, schedules: usize) -> Checker {
        self.how.schedules = schedules;
        self
    }

    /// Under shuttle, where the random numbers begin; a fixed number otherwise.
    pub const fn seed(mut self, seed: u64) -> Checker {
        self.how.seed = seed;
        self
    }

    /// Under loom, how often a thread may be interrupted where it could have gone on; `None` for
    /// any number, which is every schedule and soon takes too long.
    pub const fn preemptions(mut self, most: Option<usize>) -> Checker {
        self.how.preemptions = most;
        self
    }

    /// What may happen besides the schedule: deadlines, wake-ups for no reason, and what
    /// [`choose`] and [`task`] are asked for. Each thread meets each branch twice at most.
    pub const fn branches(mut self, branches: &'static [Branch]) -> Checker {
        self.how.branches = branches;
        self
    }

    /// Only this schedule, from the line that a failed check printed.
    pub fn replay(mut self, schedule: impl Into<String>) -> Checker {
        self.how.replay = Some(schedule.into());
        self
    }

    /// Runs the program; returns in how many schedules.
    ///
    /// The program starts afresh each time: it makes what it uses, takes its threads from
    /// [`thread`](crate::thread) and joins them, and depends on nothing but the schedule and
    /// [`choose`] (no clock, no random numbers, no order of a hash map).
    ///
    /// # Panics
    /// As [`check`]; and if a schedule that was to be replayed does not fail.
    pub fn check(self, program: impl Fn() + Send + Sync + 'static) -> u64 {
        prim::check(&self.how, program)
    }
}

/// A future that runs by itself; see [`task`].
pub struct Task<T> {
    thread: thread::JoinHandle<Option<T>>,
    token: CancelToken,
    ended: Arc<Notify>,
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").finish_non_exhaustive()
    }
}

/// Runs `future` beside the caller, as an executor would.
///
/// Each task is a party of its own, with all schedules of its steps against those of the others.
/// With [`Branch::DropBeforePoll`] among the branches it may be dropped before any of its polls,
/// like a future that lost a race: its task then ends without a result.
///
/// ```
/// # #[cfg(any(counterpoint_loom, counterpoint_shuttle))]
/// counterpoint::model::check(|| {
///     let two = counterpoint::model::task(async { 2 });
///     assert_eq!(two.join(), Some(2));
/// });
/// ```
pub fn task<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Task<T> {
    let (token, ended) = (CancelToken::new(), Arc::new(Notify::new()));
    let (cancelled, ends) = (token.clone(), ended.clone());
    let thread = thread::spawn(move || {
        let mut future = Box::pin(future);
        let output = block_on(cancelled.run_until_cancelled(core::future::poll_fn(|cx| {
            if choose(Branch::DropBeforePoll) {
                return core::task::Poll::Ready(None);
            }
            future.as_mut().poll(cx).map(Some)
        })));
        drop(future);
        ends.notify_one();
        output.flatten()
    });
    Task {
        thread,
        token,
        ended,
    }
}

impl<T> Task<T> {
    /// Waits for the result; `None` if the task was dropped before it had one.
    ///
    /// # Panics
    /// If the task panicked.
    pub fn join(self) -> Option<T> {
        self.thread.join().expect("the task does not panic")
    }

    /// [`join`](Task::join) in a task.
    ///
    /// # Panics
    /// If the task panicked.
    ///
    /// # Cancel safety
    /// Dropped before it ends, it leaves the task running.
    pub async fn join_async(self) -> Option<T> {
        self.ended.notified().await;
        self.join()
    }

    /// Drops the future before its next poll. The task then has no result, unless it has one
    /// already.
    pub fn abort(&self) {
        self.token.cancel("the task was aborted");
    }
}
