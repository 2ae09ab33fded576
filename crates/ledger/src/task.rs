//! Tasks that have a name.

use core::fmt;
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use counterpoint_base::prim::atomic::{AtomicBool, AtomicU64, RELAXED};
use counterpoint_wait::hooks;
use std::sync::Arc;

use crate::look;
use crate::state::{PARTIES, TaskFacts, UNLOOKED, next_task};

/// A future with a name, under which the ledger knows what it holds and waits for; made by [`task`].
#[must_use = "futures do nothing unless polled"]
pub struct Task<F> {
    /// Taken when it is dropped.
    future: Option<Pin<Box<F>>>,
    party: u64,
    facts: Arc<TaskFacts>,
}

/// Names a task: what it takes and waits for while it is polled, on whatever executor, is its own.
///
/// Wrap the whole future that you spawn. What a task that is not wrapped takes by `.await` appears as
/// held by an unknown task.
///
/// # Panics
/// Polling it panics where the future does, and where the function of [`Policy::Call`](crate::Policy::Call)
/// panics.
///
/// # Cost
/// Three allocations; a small lock for each poll.
///
/// ```
/// use counterpoint_ledger as ledger;
///
/// let two = ledger::task("adds", async { 1 + 1 });
/// assert_eq!(counterpoint_wait::block_on(two), 2);
/// ```
#[track_caller]
pub fn task<F: Future>(name: impl Into<String>, future: F) -> Task<F> {
    let facts = Arc::new(TaskFacts {
        name: name.into(),
        site: Location::caller(),
        made_by: hooks::party(),
        polls: AtomicU64::new(0),
        runs: AtomicBool::new(false),
    });
    let future = Some(Box::pin(future));
    let party = next_task();
    PARTIES.insert(party, facts.clone(), |_| ());
    Task {
        future,
        party,
        facts,
    }
}

impl<F: Future> Future for Task<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        /// Also if the future panics.
        struct Runs<'t>(&'t AtomicBool);
        impl Drop for Runs<'_> {
            fn drop(&mut self) {
                self.0.store(false, RELAXED); // Relaxed: as below.
            }
        }
        let (party, facts) = (self.party, self.facts.clone());
        // Relaxed, both: whoever looks does so twice.
        facts.polls.fetch_add(1, RELAXED);
        facts.runs.store(true, RELAXED);
        let runs = Runs(&facts.runs);
        let future = self.future.as_mut().expect("taken by the drop only");
        let polled = hooks::as_party(party, || future.as_mut().poll(cx));
        drop(runs);
        if UNLOOKED.remove(party).is_some() && polled.is_pending() {
            hooks::quietly(|| look::before_sleeping(party, None));
        }
        polled
    }
}

impl<F> Drop for Task<F> {
    fn drop(&mut self) {
        struct Forget(u64);
        impl Drop for Forget {
            fn drop(&mut self) {
                UNLOOKED.remove(self.0);
                PARTIES.remove(self.0);
            }
        }
        let _forget = Forget(self.party);
        let future = self.future.take();
        hooks::as_party(self.party, || drop(future));
    }
}

impl<F> fmt::Debug for Task<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("name", &self.facts.name)
            .finish_non_exhaustive()
    }
}
