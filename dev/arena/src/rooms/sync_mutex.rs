//! `sync/mutex`: locks, for threads and for tasks.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use crate::book::{Book, Bound, Scenario, Subject};
use crate::drive::alone::repeat;
use crate::drive::tasks::Executor;
use crate::drive::threads::{busy, contend};
use crate::sample::Sample;

const UNCONTENDED: &str = "sync/mutex/uncontended";
const ASYNC_UNCONTENDED: &str = "sync/mutex/async_uncontended";
const CONTENDED: &str = "sync/mutex/contended";
const ASYNC_CONTENDED: &str = "sync/mutex/async_contended";
const HAND_OFF: &str = "sync/mutex/queued_hand_off";

/// Threads that contend, and how long a measurement has to be for each to get its turns.
const THREADS: [(usize, u64); 3] = [(2, 5), (4, 12), (16, 30)];

const TASKS: [u64; 2] = [2, 16];

/// How long the lock is held and how long it is let alone, in steps of about a nanosecond.
const INSIDE: u32 = 8;
const BETWEEN: u32 = 32;

const STD_AND_PARKING_LOT: &[&str] = &["std", "parking_lot 0.12", "parking_lot 0.13"];

pub(crate) fn enter(book: &mut Book) {
    book.scenario(
        Scenario::new(UNCONTENDED, "lock, add, unlock, on one thread")
            .beats(0.95, STD_AND_PARKING_LOT)
            .bound(Bound::Bytes(16))
            .bound(Bound::NoAllocations),
    );
    book.scenario(
        Scenario::new(ASYNC_UNCONTENDED, "lock, add, unlock, in one task")
            .beats(2.5, &["tokio"])
            .beats(1.5, &["async-lock"])
            .bound(Bound::NoAllocations),
    );
    for (threads, window) in THREADS {
        book.scenario(
            Scenario::new(format!("{CONTENDED}/{threads}"), "threads lock, add, unlock, work a bit")
                .window(window)
                .watches()
                .beats(1.0, STD_AND_PARKING_LOT)
                .serves(STD_AND_PARKING_LOT)
                .bound(Bound::NoAllocations),
        );
    }
    for tasks in TASKS {
        book.scenario(
            Scenario::new(format!("{ASYNC_CONTENDED}/{tasks}"), "tasks lock, add, unlock, work a bit")
                .at_least(tasks * 100)
                .waits()
                .beats(1.5, &["tokio", "async-lock"])
                .bound(Bound::NoAllocations),
        );
    }
    book.scenario(
        Scenario::new(HAND_OFF, "lock, queue a second future, unlock, finish it, on one thread")
            // Of tokio's 178 ns on the machine where the bound was set.
            .beats(1.78, &["tokio"])
            .bound(Bound::Time(100.0))
            .bound(Bound::NoAllocations),
    );
}

/// A mutex for threads.
pub(crate) trait Lock: 'static {
    type Mutex: Send + Sync + 'static;
    /// The size of a mutex around nothing.
    const BYTES: usize;
    fn new() -> Self::Mutex;
    /// Changes the value under the lock.
    fn with(mutex: &Self::Mutex, change: impl FnOnce(&mut u64));
}

/// Enters a mutex for threads into its scenarios.
pub(crate) fn for_threads<L: Lock>(book: &mut Book, name: &'static str) {
    book.subject(UNCONTENDED, alone::<L>(name));
    for (threads, _) in THREADS {
        book.subject(&format!("{CONTENDED}/{threads}"), fought::<L>(name, threads));
    }
}

/// One thread locks, adds, unlocks.
pub(crate) fn alone<L: Lock>(name: &'static str) -> Subject {
    let subject = Subject::new(name, || {
        let mutex = L::new();
        move |ops| repeat(ops, || L::with(black_box(&mutex), |value| *value += 1))
    });
    subject.bytes(L::BYTES)
}

/// Threads do so, and work a bit.
pub(crate) fn fought<L: Lock>(name: &'static str, threads: usize) -> Subject {
    let subject = Subject::new(name, move || {
        let mutex = L::new();
        move |time| contended::<L>(&mutex, threads, Duration::from_nanos(time))
    });
    subject.bytes(L::BYTES)
}

fn contended<L: Lock>(mutex: &L::Mutex, threads: usize, time: Duration) -> Sample {
    let read = || {
        let mut sum = 0;
        L::with(mutex, |value| sum = *value);
        sum
    };
    let before = read();
    let sample = contend(threads, time, |_, shift| {
        shift.watched(|| {
            L::with(mutex, |value| {
                busy(INSIDE);
                *value += 1;
            });
            busy(BETWEEN);
        });
    });
    assert_eq!(read() - before, sample.ops, "the mutex has lost additions");
    sample
}

/// A mutex for tasks.
pub(crate) trait AsyncLock: 'static {
    type Mutex: Send + Sync + 'static;
    /// The size of a mutex around nothing.
    const BYTES: usize;
    fn new() -> Self::Mutex;
    /// Changes the value under the lock.
    fn with(
        mutex: &Self::Mutex,
        change: impl FnOnce(&mut u64) + Send,
    ) -> impl Future<Output = ()> + Send;
}

/// Enters a mutex for tasks into its scenarios.
pub(crate) fn for_tasks<L: AsyncLock>(book: &mut Book, name: &'static str) {
    let subject = Subject::new(name, || {
        let (mutex, executor) = (L::new(), Executor::new());
        move |ops| {
            executor.alone(ops, async {
                for _ in 0..ops {
                    L::with(black_box(&mutex), |value| *value += 1).await;
                }
            })
        }
    });
    book.subject(ASYNC_UNCONTENDED, subject.bytes(L::BYTES));
}

/// Enters a mutex for tasks into the scenarios where several want it.
pub(crate) fn for_tasks_contended<L: AsyncLock>(book: &mut Book, name: &'static str) {
    for tasks in TASKS {
        let subject = Subject::new(name, move || {
            let (mutex, executor) = (Arc::new(L::new()), Executor::new());
            move |ops| async_contended::<L>(&executor, &mutex, tasks, ops)
        });
        book.subject(&format!("{ASYNC_CONTENDED}/{tasks}"), subject.bytes(L::BYTES));
    }
}

fn async_contended<L: AsyncLock>(
    executor: &Executor,
    mutex: &Arc<L::Mutex>,
    tasks: u64,
    ops: u64,
) -> Sample {
    let mut before = 0;
    executor.alone(1, L::with(mutex, |value| before = *value));
    let sample = executor.together(tasks, ops, |_, each| {
        let mutex = mutex.clone();
        async move {
            for _ in 0..each {
                L::with(&mutex, |value| {
                    busy(INSIDE);
                    *value += 1;
                })
                .await;
                busy(BETWEEN);
            }
        }
    });
    let mut after = 0;
    executor.alone(1, L::with(mutex, |value| after = *value));
    assert_eq!(after - before, sample.ops, "the mutex has lost additions");
    sample
}

/// Enters a mutex for tasks into the scenario of the queued hand-off.
pub(crate) fn for_hand_off<M, G, F>(
    book: &mut Book,
    name: &'static str,
    new: fn() -> M,
    lock: impl Fn(&'static M) -> F + Copy + 'static,
) where
    M: Sync + 'static,
    F: Future<Output = G> + 'static,
    G: 'static,
{
    let subject = Subject::new(name, move || {
        let mutex: &'static M = Box::leak(Box::new(new()));
        move |ops| repeat(ops, || hand_off(black_box(mutex), lock))
    });
    book.subject(HAND_OFF, subject);
}

#[inline(always)]
fn hand_off<M, G, F>(mutex: &'static M, lock: impl Fn(&'static M) -> F)
where
    F: Future<Output = G>,
{
    let mut context = Context::from_waker(Waker::noop());
    let first = pin!(lock(mutex)).as_mut().poll(&mut context);
    assert!(first.is_ready(), "nobody held the lock");
    let mut second = pin!(lock(mutex));
    assert!(second.as_mut().poll(&mut context).is_pending(), "the lock is held");
    drop(first);
    assert!(second.as_mut().poll(&mut context).is_ready(), "the lock is free");
}
