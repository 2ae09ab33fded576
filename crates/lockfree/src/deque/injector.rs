//! A queue of tasks for everybody; how it works is told in `segments`.

use super::steal::Steal;
use super::worker::{Flavor, Worker};
use super::{BATCH, half};
use crate::segments::{Attempt, Segments, Taken};
use core::fmt;
use counterpoint_base::Backoff;

/// A queue, first in, first out, to which any thread pushes tasks and from which workers steal
/// them: the entrance of a scheduler.
///
/// It grows by blocks of 31 tasks and uses emptied blocks again; [`SegQueue`](crate::queue::SegQueue)
/// is the same with `pop` in place of `steal`, and tells of cost and progress.
///
/// Not for waiting: who finds nothing goes elsewhere or sleeps by other means.
///
/// # Examples
/// ```
/// use counterpoint_lockfree::deque::{Injector, Steal, Worker};
///
/// let entrance = Injector::new();
/// (1..=4).for_each(|task| entrance.push(task));
/// let worker = Worker::new_fifo();
/// // Half of them; one is returned at once.
/// assert_eq!(entrance.steal_batch_and_pop(&worker), Steal::Success(1));
/// assert_eq!(worker.pop(), Some(2));
/// assert_eq!(entrance.len(), 2);
/// ```
pub struct Injector<T> {
    segments: Segments<T>,
}

impl<T> core::panic::UnwindSafe for Injector<T> {}
impl<T> core::panic::RefUnwindSafe for Injector<T> {}

impl<T> Injector<T> {
    counterpoint_base::const_fn! {
        /// An empty queue, which owns no memory yet.
        pub const fn new() -> Injector<T> {
            Injector { segments: Segments::new() }
        }
    }

    /// Appends a task. It does not order a later look at another variable: who tells a sleeper of it
    /// puts a sequentially consistent fence between the two.
    #[inline]
    pub fn push(&self, task: T) {
        self.segments.push(task);
    }

    /// Takes the oldest task.
    ///
    /// `Empty` means: every task whose push came before this call was taken.
    ///
    /// ```
    /// use counterpoint_lockfree::deque::{Injector, Steal};
    ///
    /// let entrance = Injector::new();
    /// entrance.push('a');
    /// assert_eq!(entrance.steal(), Steal::Success('a'));
    /// assert_eq!(entrance.steal(), Steal::Empty);
    /// ```
    #[inline]
    pub fn steal(&self) -> Steal<T> {
        match self.segments.take(&Backoff::new(), |_, _| 1) {
            Attempt::Taken(mut taken) => Steal::Success(taken.read()),
            Attempt::Empty => Steal::Empty,
            Attempt::Lost => Steal::Retry,
        }
    }

    /// Moves half of the tasks, 32 at most, to `dest`; of a block that is full to its end, all that
    /// is left in it.
    pub fn steal_batch(&self, dest: &Worker<T>) -> Steal<()> {
        self.steal_batch_with_limit(dest, BATCH)
    }

    /// Moves half of the tasks, `limit` at most, to `dest`; of a block that is full to its end, all that
    /// is left in it. Where one of them is still being pushed it waits for that, with the tasks that it has taken.
    ///
    /// # Panics
    /// If `limit` is 0.
    ///
    /// ```
    /// use counterpoint_lockfree::deque::{Injector, Steal, Worker};
    ///
    /// let entrance = Injector::new();
    /// (1..=8).for_each(|task| entrance.push(task));
    /// let worker = Worker::new_fifo();
    /// assert_eq!(entrance.steal_batch_with_limit(&worker, 3), Steal::Success(()));
    /// assert_eq!(worker.len(), 3);
    /// ```
    pub fn steal_batch_with_limit(&self, dest: &Worker<T>, limit: usize) -> Steal<()> {
        assert!(limit > 0, "a batch of no tasks");
        match self.batch(dest, limit) {
            Attempt::Taken(taken) => {
                dest.fill(taken, Flavor::Fifo);
                Steal::Success(())
            }
            Attempt::Empty => Steal::Empty,
            Attempt::Lost => Steal::Retry,
        }
    }

    /// Moves half of the tasks, 33 at most, to `dest`, except for the oldest, which is returned.
    pub fn steal_batch_and_pop(&self, dest: &Worker<T>) -> Steal<T> {
        self.steal_batch_with_limit_and_pop(dest, BATCH + 1)
    }

    /// Takes half of the tasks, `limit` at most; returns the oldest and moves the others to `dest`.
    ///
    /// # Panics
    /// If `limit` is 0.
    ///
    /// ```
    /// use counterpoint_lockfree::deque::{Injector, Steal, Worker};
    ///
    /// let entrance = Injector::new();
    /// (1..=8).for_each(|task| entrance.push(task));
    /// let worker = Worker::new_lifo();
    /// let first = entrance.steal_batch_with_limit_and_pop(&worker, 3);
    /// assert_eq!(first, Steal::Success(1));
    /// assert_eq!((worker.pop(), worker.pop(), worker.pop()), (Some(2), Some(3), None));
    /// ```
    pub fn steal_batch_with_limit_and_pop(&self, dest: &Worker<T>, limit: usize) -> Steal<T> {
        assert!(limit > 0, "a batch of no tasks");
        match self.batch(dest, limit) {
            Attempt::Taken(mut taken) => {
                let first = taken.read();
                dest.fill(taken, Flavor::Fifo);
                Steal::Success(first)
            }
            Attempt::Empty => Steal::Empty,
            Attempt::Lost => Steal::Retry,
        }
    }

    fn batch(&self, dest: &Worker<T>, limit: usize) -> Attempt<'_, T> {
        self.segments.take(&Backoff::new(), |here, all| {
            // If there are later blocks, the rest of this one counts as the first half.
            let count = if all > here { here } else { half(all) }.min(limit);
            dest.make_room(count as u32);
            count
        })
    }

    /// Whether there is nothing to steal: old when it is read, while others work on the queue.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// How many tasks there are: exact if nobody works on the queue, beside others a number that it
    /// had while this call ran.
    pub fn len(&self) -> usize {
        self.segments.len()
    }
}

impl<T> Default for Injector<T> {
    fn default() -> Injector<T> {
        Injector::new()
    }
}

impl<T> fmt::Debug for Injector<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injector")
            .field("len", &self.len())
            .finish()
    }
}

impl<T> super::worker::Loot<T> for Taken<'_, T> {
    fn left(&self) -> u32 {
        self.count() as u32
    }

    fn next(&mut self) -> T {
        self.read()
    }
}
