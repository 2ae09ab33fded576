//! Tasks that have a name.

use core::fmt;
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};
use counterpoint_wait::hooks;

use crate::state::{self, TaskFacts};

/// A future with a name, under which the ledger knows what it holds and waits for; made by [`task`].
#[must_use = "futures do nothing unless polled"]
pub struct Task<F> {
    /// Taken when it is dropped.
    future: Option<Pin<Box<F>>>,
    party: u64,
}

/// Names a task: what it takes and waits for while it is polled, on whatever executor, is its own.
///
/// Wrap the whole future that you spawn. What a task that is not wrapped takes by `.await` appears as
/// held by an unknown task.
///
/// # Cost
/// One allocation; a lock of the ledger's for each poll.
///
/// ```
/// use counterpoint_ledger as ledger;
///
/// let two = ledger::task("adds", async { 1 + 1 });
/// assert_eq!(counterpoint_wait::block_on(two), 2);
/// ```
#[track_caller]
pub fn task<F: Future>(name: impl Into<String>, future: F) -> Task<F> {
    let facts = TaskFacts {
        name: name.into(),
        site: Location::caller(),
        made_by: hooks::party(),
        polls: 0,
    };
    let party = state::with(|state| {
        state.next_task += 1;
        state.tasks.insert(state.next_task, facts);
        state.next_task
    });
    Task {
        future: Some(Box::pin(future)),
        party,
    }
}

impl<F: Future> Future for Task<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let party = self.party;
        state::with(|state| {
            if let Some(facts) = state.tasks.get_mut(&party) {
                facts.polls += 1;
            }
        });
        let future = self.future.as_mut().expect("taken by the drop only");
        hooks::as_party(party, || future.as_mut().poll(cx))
    }
}

impl<F> Drop for Task<F> {
    fn drop(&mut self) {
        struct Forget(u64);
        impl Drop for Forget {
            fn drop(&mut self) {
                let facts = state::with(|state| state.tasks.remove(&self.0));
                drop(facts);
            }
        }
        let _forget = Forget(self.party);
        let future = self.future.take();
        hooks::as_party(self.party, || drop(future));
    }
}

impl<F> fmt::Debug for Task<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = state::with(|state| state.tasks.get(&self.party).map(|task| task.name.clone()));
        f.debug_struct("Task")
            .field("name", &name.unwrap_or_default())
            .finish_non_exhaustive()
    }
}
