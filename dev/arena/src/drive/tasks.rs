//! Tasks on an executor.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::sample::{Sample, measure};
use crate::system;

/// Threads that run tasks.
const WORKERS: usize = 2;

/// tokio's scheduler with pinned workers: home of tokio, and of those that name no other.
#[derive(Debug)]
pub(crate) struct Executor(tokio::runtime::Runtime);

impl Executor {
    /// Starts the workers.
    pub(crate) fn new() -> Executor {
        let next = AtomicUsize::new(0);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .on_thread_start(move || system::pin(next.fetch_add(1, Ordering::Relaxed)))
            .build();
        Executor(runtime.expect("the system refuses threads for the executor"))
    }

    /// Runs `ops` operations in one task on this thread.
    pub(crate) fn alone(&self, ops: u64, work: impl Future<Output = ()>) -> Sample {
        system::pin_alone();
        measure(ops, || self.0.block_on(work))
    }

    /// Runs `tasks` tasks, each given its number and how many operations to do, to their end.
    pub(crate) fn together<F>(&self, tasks: u64, ops: u64, task: impl Fn(u64, u64) -> F) -> Sample
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let each = ops.div_ceil(tasks);
        measure(each * tasks, || {
            self.0.block_on(async {
                let handles: Vec<_> = (0..tasks)
                    .map(|index| self.0.spawn(task(index, each)))
                    .collect();
                for handle in handles {
                    handle.await.expect("a task panicked");
                }
            });
        })
    }
}
