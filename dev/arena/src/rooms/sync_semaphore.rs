//! `sync/semaphore`: permits, for tasks.

use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;

use crate::book::{Book, Bound, Scenario, Subject};
use crate::drive::tasks::Executor;
use crate::drive::threads::busy;

const UNCONTENDED: &str = "sync/semaphore/uncontended";
const CONTENDED: &str = "sync/semaphore/contended";

const PEERS: &[&str] = &["tokio", "async-lock"];

/// Tasks that want the one permit.
const TASKS: u64 = 4;

/// How long the permit is held and how long it is let alone, in steps of about a nanosecond.
const INSIDE: u32 = 8;
const BETWEEN: u32 = 32;

pub(crate) fn enter(book: &mut Book) {
    let bounds = |scenario: Scenario| scenario.beats(1.5, PEERS).bound(Bound::NoAllocations);
    book.scenario(bounds(Scenario::new(
        UNCONTENDED,
        "acquire and release one of four permits, in one task",
    )));
    book.scenario(bounds(
        Scenario::new(CONTENDED, "four tasks acquire the only permit, work a bit, release it")
            .at_least(TASKS * 100)
            .waits(),
    ));
}

/// A semaphore for tasks.
pub(crate) trait Permits: 'static {
    type Semaphore: Send + Sync + 'static;
    fn new(permits: usize) -> Self::Semaphore;
    /// Does `work` while it holds a permit.
    fn with(
        semaphore: &Self::Semaphore,
        work: impl FnOnce() + Send,
    ) -> impl Future<Output = ()> + Send;
}

/// Enters a semaphore into all scenarios.
pub(crate) fn for_tasks<P: Permits>(book: &mut Book, name: &'static str) {
    let bytes = size_of::<P::Semaphore>();
    let subject = Subject::new(name, || {
        let (semaphore, executor) = (P::new(4), Executor::new());
        move |ops| {
            executor.alone(ops, async {
                for _ in 0..ops {
                    P::with(black_box(&semaphore), || ()).await;
                }
            })
        }
    });
    book.subject(UNCONTENDED, subject.bytes(bytes));
    let subject = Subject::new(name, || {
        let (semaphore, executor) = (Arc::new(P::new(1)), Executor::new());
        move |ops| {
            executor.together(TASKS, ops, |_, each| {
                let semaphore = semaphore.clone();
                async move {
                    for _ in 0..each {
                        P::with(&semaphore, || busy(INSIDE)).await;
                        busy(BETWEEN);
                    }
                }
            })
        }
    });
    book.subject(CONTENDED, subject.bytes(bytes));
}
