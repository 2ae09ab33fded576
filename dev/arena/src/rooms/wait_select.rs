//! `wait/select`: the first of two, in a thread or in a task.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::book::{Book, Bound, OURS, Scenario, Subject};
use crate::drive::alone::repeat;
use crate::drive::tasks::Executor;
use crate::drive::threads::contend;
use crate::sample::Sample;

/// Ours where it is a task that selects.
pub(crate) const OURS_IN_A_TASK: &str = "counterpoint, in a task";

const READY: &str = "wait/select/2_ready";
const BLOCKED: &str = "wait/select/2_blocked";

/// The scenario runs for a time because of its threads; tasks take a number, so they are given one
/// wake-up for so many nanoseconds.
const A_WAKE_UP: u64 = 500;

pub(crate) fn enter(book: &mut Book) {
    let bounds = |scenario: Scenario| {
        scenario.beats(1.2, &["tokio", "crossbeam"]).bound(Bound::NoAllocations)
    };
    book.scenario(bounds(Scenario::new(
        READY,
        "select over two signals that are both there; crossbeam in a thread, tokio in a task",
    )));
    book.scenario(bounds(
        Scenario::new(
            BLOCKED,
            "two that select over two signals wake each other; crossbeam's threads, tokio's tasks",
        )
        .unit("ns/wake-up")
        .window(8)
        .waits(),
    ));
}

/// Two signals, and a thread that takes the first that comes.
pub(crate) trait ThreadSelect: 'static {
    type Two: Send + Sync + 'static;
    fn new() -> Self::Two;
    /// Sends the first or the second.
    fn send(two: &Self::Two, first: bool);
    /// Waits for either; true for the first.
    fn take(two: &Self::Two) -> bool;
}

/// Two signals, and a task that takes the first that comes.
pub(crate) trait TaskSelect: 'static {
    type Two: Send + Sync + 'static;
    fn new() -> Self::Two;
    /// Sends the first or the second.
    fn send(two: &Self::Two, first: bool);
    /// Waits for either; true for the first.
    fn take(two: &Self::Two) -> impl Future<Output = bool> + Send;
}

/// Enters a select for threads, beside [`OURS`], into all scenarios.
pub(crate) fn for_threads<S: ThreadSelect>(book: &mut Book, name: &'static str) {
    let ready = || {
        let two = S::new();
        S::send(&two, true);
        S::send(&two, false);
        move |ops| {
            repeat(ops, || {
                let first = S::take(&two);
                S::send(&two, first);
            })
        }
    };
    book.subject(READY, Subject::new(name, ready).beside(OURS));
    let blocked = || |time| wake_threads::<S>(Duration::from_nanos(time));
    book.subject(BLOCKED, Subject::new(name, blocked).beside(OURS));
}

fn wake_threads<S: ThreadSelect>(time: Duration) -> Sample {
    let (both, over) = ([S::new(), S::new()], AtomicBool::new(false));
    let mut sample = contend(2, time, |thread, shift| {
        let (mine, other) = (&both[thread], &both[1 - thread]);
        if thread == 0 {
            let mut first = true;
            shift.watched(|| {
                S::send(other, first);
                assert_eq!(S::take(mine), first, "a wake-up from nowhere");
                first = !first;
            });
            // Relaxed: the signal after it carries it.
            over.store(true, Ordering::Relaxed);
            S::send(other, true);
        } else {
            loop {
                let first = S::take(mine);
                if over.load(Ordering::Relaxed) {
                    break;
                }
                S::send(other, first);
            }
        }
    });
    // A turn of the first thread wakes both.
    sample.ops *= 2;
    sample
}

/// Enters a select for tasks, beside [`OURS_IN_A_TASK`], into all scenarios.
pub(crate) fn for_tasks<S: TaskSelect>(book: &mut Book, name: &'static str) {
    let ready = || {
        let (two, executor) = (S::new(), Executor::new());
        S::send(&two, true);
        S::send(&two, false);
        move |ops| {
            executor.alone(ops, async {
                for _ in 0..ops {
                    let first = S::take(&two).await;
                    S::send(&two, first);
                }
            })
        }
    };
    book.subject(READY, Subject::new(name, ready).beside(OURS_IN_A_TASK));
    let blocked = || {
        let executor = Executor::new();
        move |time: u64| wake_tasks::<S>(&executor, time / A_WAKE_UP)
    };
    book.subject(BLOCKED, Subject::new(name, blocked).beside(OURS_IN_A_TASK));
}

fn wake_tasks<S: TaskSelect>(executor: &Executor, ops: u64) -> Sample {
    let both = Arc::new([S::new(), S::new()]);
    executor.together(2, ops, |task, each| {
        let both = both.clone();
        async move {
            let (mine, other) = (&both[task as usize], &both[1 - task as usize]);
            for turn in 0..each {
                let first = turn % 2 == 0;
                if task == 0 {
                    S::send(other, first);
                    assert_eq!(S::take(mine).await, first, "a wake-up from nowhere");
                } else {
                    let first = S::take(mine).await;
                    S::send(other, first);
                }
            }
        }
    })
}
