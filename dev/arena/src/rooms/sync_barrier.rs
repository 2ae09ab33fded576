//! `sync/barrier`: threads or tasks that all wait for each other, again and again.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::book::{Book, Bound, Scenario, Subject};
use crate::drive::tasks::Executor;
use crate::sample::Sample;
use crate::system::{self, Usage};

/// Ours, as it is used in tasks.
pub(crate) const OURS_IN_TASKS: &str = "counterpoint, tasks";

const PARTIES: [usize; 2] = [2, 8];

pub(crate) fn enter(book: &mut Book) {
    for parties in PARTIES {
        book.scenario(
            Scenario::new(id(parties), "all wait for each other; beside async peers in tasks")
                .unit("ns/meeting")
                .at_least(100)
                .waits()
                .beats(1.2, &["std", "tokio"])
                .bound(Bound::NoAllocations),
        );
    }
}

fn id(parties: usize) -> String {
    format!("sync/barrier/{parties}")
}

/// A barrier for threads.
pub(crate) trait Meeting: 'static {
    type Barrier: Send + Sync + 'static;
    fn new(parties: usize) -> Self::Barrier;
    /// Waits for all, and says whether it leads.
    fn wait(barrier: &Self::Barrier) -> bool;
}

/// Enters a barrier for threads.
pub(crate) fn for_threads<M: Meeting>(book: &mut Book, name: &'static str) {
    for parties in PARTIES {
        let start = move || move |ops| threads::<M>(parties, ops);
        book.subject(&id(parties), Subject::new(name, start));
    }
}

fn threads<M: Meeting>(parties: usize, ops: u64) -> Sample {
    let (barrier, ready) = (M::new(parties), std::sync::Barrier::new(parties));
    let led = AtomicU64::new(0);
    let run = |index: usize| {
        system::pin(index);
        ready.wait();
        let (begun, before) = (Instant::now(), Usage::of_thread());
        let leads = (0..ops).filter(|_| M::wait(&barrier)).count();
        let (ended, used) = (Instant::now(), Usage::of_thread().since(before));
        led.fetch_add(leads as u64, Ordering::Relaxed);
        (begun, ended, used)
    };
    let all: Vec<_> = std::thread::scope(|scope| {
        let run = &run;
        let handles: Vec<_> = (0..parties)
            .map(|index| scope.spawn(move || run(index)))
            .collect();
        let joined = handles.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined.map(|all| all.expect("it does not panic")).collect()
    });
    assert_eq!(led.into_inner(), ops, "not one leader a meeting");
    let begun = all.iter().map(|one| one.0).min();
    let ended = all.iter().map(|one| one.1).max();
    let wall = ended.zip(begun).map(|(ended, begun)| ended - begun);
    Sample {
        ops,
        wall: wall.expect("there are parties").as_nanos() as u64,
        cpu: all.iter().map(|one| one.2.cpu).sum(),
        switches: all.iter().map(|one| one.2.switches).sum(),
        longest: 0,
    }
}

/// A barrier for tasks.
pub(crate) trait AsyncMeeting: 'static {
    type Barrier: Send + Sync + 'static;
    fn new(parties: usize) -> Self::Barrier;
    /// Waits for all, and says whether it leads.
    fn wait(barrier: &Self::Barrier) -> impl Future<Output = bool> + Send;
}

/// Enters a barrier for tasks.
pub(crate) fn for_tasks<M: AsyncMeeting>(book: &mut Book, name: &'static str) {
    for parties in PARTIES {
        let subject = Subject::new(name, move || {
            let executor = Executor::new();
            move |ops| tasks::<M>(&executor, parties as u64, ops)
        });
        book.subject(&id(parties), subject.beside(OURS_IN_TASKS));
    }
}

fn tasks<M: AsyncMeeting>(executor: &Executor, parties: u64, ops: u64) -> Sample {
    let barrier = Arc::new(M::new(parties as usize));
    let led = Arc::new(AtomicU64::new(0));
    let sample = executor.together(parties, ops * parties, |_, each| {
        let (barrier, led) = (barrier.clone(), led.clone());
        async move {
            let mut leads = 0;
            for _ in 0..each {
                leads += u64::from(M::wait(&barrier).await);
            }
            led.fetch_add(leads, Ordering::Relaxed);
        }
    });
    assert_eq!(led.load(Ordering::Relaxed), ops, "not one leader a meeting");
    Sample { ops, ..sample }
}
