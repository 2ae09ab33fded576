//! A work-stealing scheduler: a deque for each thread, an entrance for tasks from outside, and
//! thieves. What it runs is up to the tasks; see `queens.rs` for some.

pub mod queens;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use counterpoint::Backoff;
use counterpoint::deque::{Injector, Steal, Stealer, Worker};

/// A piece of work that may make more of it.
pub trait Task: Send {
    /// What all tasks together yield.
    type Sum: Default + Send + std::ops::AddAssign;
    /// Does the work; new tasks are given to `spawn`.
    fn run(self, spawn: &mut dyn FnMut(Self)) -> Self::Sum
    where
        Self: Sized;
}

/// What the threads share.
struct Pool<T> {
    entrance: Injector<T>,
    thieves: Vec<Stealer<T>>,
    /// Tasks that are not yet done.
    left: AtomicUsize,
}

/// Runs tasks, and those they make, on so many threads, and adds up what they yield.
///
/// # Panics
/// If a task does; the others are then done first, as far as they were spawned.
pub fn run_all<T: Task>(tasks: impl IntoIterator<Item = T>, threads: usize) -> T::Sum {
    let workers: Vec<Worker<T>> = (0..threads.max(1)).map(|_| Worker::new_lifo()).collect();
    let pool = Pool {
        entrance: Injector::new(),
        thieves: workers.iter().map(Worker::stealer).collect(),
        left: AtomicUsize::new(0),
    };
    for task in tasks {
        pool.left.fetch_add(1, Ordering::Relaxed);
        pool.entrance.push(task);
    }
    let mut sum = T::Sum::default();
    thread::scope(|scope| {
        let pool = &pool;
        let work = |(index, own)| scope.spawn(move || pool.work(index, &own));
        let handles: Vec<_> = workers.into_iter().enumerate().map(work).collect();
        for handle in handles {
            match handle.join() {
                Ok(part) => sum += part,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    sum
}

/// One task less, also if it panics.
struct Done<'a>(&'a AtomicUsize);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        // Release: the last one to be done, and who sees that, see the work of all.
        self.0.fetch_sub(1, Ordering::Release);
    }
}

impl<T: Task> Pool<T> {
    /// The life of a thread.
    fn work(&self, index: usize, own: &Worker<T>) -> T::Sum {
        let mut sum = T::Sum::default();
        let idle = Backoff::new();
        while self.left.load(Ordering::Acquire) > 0 {
            let Some(task) = own.pop().or_else(|| self.find(index, own)) else {
                idle.snooze();
                continue;
            };
            idle.reset();
            let _done = Done(&self.left);
            sum += task.run(&mut |more| {
                // Relaxed: this task is not done yet, so the count is not 0.
                self.left.fetch_add(1, Ordering::Relaxed);
                own.push(more);
            });
        }
        sum
    }

    /// A task from the entrance, or half of what another thread has.
    fn find(&self, index: usize, own: &Worker<T>) -> Option<T> {
        loop {
            let (before, after) = self.thieves.split_at(index);
            // From the neighbour on, so that not all look at the same one.
            let others = after.iter().skip(1).chain(before);
            let found = self
                .entrance
                .steal_batch_and_pop(own)
                .or_else(|| others.map(|other| other.steal_batch_and_pop(own)).collect());
            match found {
                Steal::Success(task) => return Some(task),
                Steal::Empty => return None,
                Steal::Retry => {}
            }
        }
    }
}
