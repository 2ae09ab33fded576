//! The handle of a thief.

use core::fmt;

use super::shared::{Attempt, Claimed, Shared};
use super::steal::Steal;
use super::worker::{Flavor, Loot, Worker};
use super::{Arc, BATCH, half, len_of};

/// The end of a deque from which any thread steals the oldest tasks.
///
/// Cheap to clone; it keeps the deque alive, also when the worker is gone.
///
/// # Cost
/// A theft is one exchange if the owner has offered tasks, which it does while there are thieves;
/// else it asks, by a system call on Linux: some hundred nanoseconds to some microseconds. Who
/// finds nothing pays a fence.
///
/// # Examples
/// ```
/// use counterpoint_lockfree::deque::{Steal, Worker};
///
/// let worker = Worker::new_fifo();
/// (1..=4).for_each(|task| worker.push(task));
/// let thief = worker.stealer();
/// let own = Worker::new_fifo();
/// std::thread::scope(|s| {
///     s.spawn(|| assert_eq!(thief.steal(), Steal::Success(1)));
/// });
/// // Half of what is left.
/// assert_eq!(thief.steal_batch(&own), Steal::Success(()));
/// assert_eq!((own.len(), worker.len()), (2, 1));
/// ```
pub struct Stealer<T> {
    shared: Arc<Shared<T>>,
}

impl<T> core::panic::UnwindSafe for Stealer<T> {}
impl<T> core::panic::RefUnwindSafe for Stealer<T> {}

impl<T> Stealer<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Stealer<T> {
        Stealer { shared }
    }

    /// Takes the oldest task.
    ///
    /// `Empty` means: every task whose push came before this call was taken.
    #[inline]
    pub fn steal(&self) -> Steal<T> {
        match self.shared.claim(|_| 1) {
            // SAFETY: the only one, read once.
            Attempt::Claimed(one) => Steal::Success(unsafe { one.take(one.start) }),
            Attempt::Empty => Steal::Empty,
            Attempt::Lost => Steal::Retry,
        }
    }

    /// Moves half of the tasks, 32 at most, to `dest`.
    ///
    /// The order in which they are popped there stays as it was, if both are of a kind; else the
    /// worker pops them in the order in which the owner would have.
    ///
    /// ```
    /// use counterpoint_lockfree::deque::{Steal, Worker};
    ///
    /// let (rich, poor) = (Worker::new_lifo(), Worker::new_lifo());
    /// (1..=4).for_each(|task| rich.push(task));
    /// assert_eq!(rich.stealer().steal_batch(&poor), Steal::Success(()));
    /// assert_eq!((poor.pop(), poor.pop()), (Some(2), Some(1)));
    /// ```
    pub fn steal_batch(&self, dest: &Worker<T>) -> Steal<()> {
        self.steal_batch_with_limit(dest, BATCH)
    }

    /// Moves half of the tasks, `limit` at most, to `dest`; fewer if the owner has offered fewer.
    ///
    /// # Panics
    /// If `limit` is 0.
    ///
    /// ```
    /// use counterpoint_lockfree::deque::{Steal, Worker};
    ///
    /// let (rich, poor) = (Worker::new_fifo(), Worker::new_fifo());
    /// (1..=100).for_each(|task| rich.push(task));
    /// let thief = rich.stealer();
    /// assert_eq!(thief.steal_batch_with_limit(&poor, 40), Steal::Success(()));
    /// assert_eq!((poor.len(), rich.len()), (40, 60));
    /// ```
    pub fn steal_batch_with_limit(&self, dest: &Worker<T>, limit: usize) -> Steal<()> {
        assert!(limit > 0, "a batch of no tasks");
        if Arc::ptr_eq(&self.shared, &dest.shared) {
            return if dest.is_empty() {
                Steal::Empty
            } else {
                Steal::Success(())
            };
        }
        match self.batch(dest, limit) {
            Attempt::Claimed(claimed) => {
                dest.fill(Row::new(claimed), self.shared.flavor);
                Steal::Success(())
            }
            Attempt::Empty => Steal::Empty,
            Attempt::Lost => Steal::Retry,
        }
    }

    /// Moves half of the tasks, 32 at most, to `dest`, except for one, which is returned: the one
    /// that the owner would have popped first.
    pub fn steal_batch_and_pop(&self, dest: &Worker<T>) -> Steal<T> {
        self.steal_batch_with_limit_and_pop(dest, BATCH)
    }

    /// Takes half of the tasks, `limit` at most; returns the one that the owner would have popped
    /// first, and moves the others to `dest`.
    ///
    /// # Panics
    /// If `limit` is 0.
    ///
    /// ```
    /// use counterpoint_lockfree::deque::{Steal, Worker};
    ///
    /// let (rich, poor) = (Worker::new_lifo(), Worker::new_lifo());
    /// (1..=6).for_each(|task| rich.push(task));
    /// let thief = rich.stealer();
    /// assert_eq!(thief.steal_batch_with_limit_and_pop(&poor, 2), Steal::Success(2));
    /// assert_eq!((poor.pop(), poor.pop()), (Some(1), None));
    /// ```
    pub fn steal_batch_with_limit_and_pop(&self, dest: &Worker<T>, limit: usize) -> Steal<T> {
        assert!(limit > 0, "a batch of no tasks");
        if Arc::ptr_eq(&self.shared, &dest.shared) {
            return dest.pop().map_or(Steal::Empty, Steal::Success);
        }
        match self.batch(dest, limit) {
            Attempt::Claimed(claimed) => {
                let mut row = Row::new(claimed);
                let first = match self.shared.flavor {
                    Flavor::Fifo => row.next(),
                    Flavor::Lifo => row.last(),
                };
                dest.fill(row, self.shared.flavor);
                Steal::Success(first)
            }
            Attempt::Empty => Steal::Empty,
            Attempt::Lost => Steal::Retry,
        }
    }

    fn batch(&self, dest: &Worker<T>, limit: usize) -> Attempt<T> {
        self.shared.claim(|all| {
            let count = half(all as usize).min(limit) as u32;
            dest.make_room(count);
            count
        })
    }

    /// Whether there seems to be nothing to steal; old when it is read.
    ///
    /// It orders nothing: who falls asleep on it needs a fence of their own.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many tasks there seem to be; old when it is read, and exact if nobody works on the
    /// deque.
    pub fn len(&self) -> usize {
        len_of(&self.shared)
    }
}

impl<T> Clone for Stealer<T> {
    fn clone(&self) -> Stealer<T> {
        Stealer::new(self.shared.clone())
    }
}

impl<T> fmt::Debug for Stealer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stealer").field("len", &self.len()).finish()
    }
}

/// Tasks that were taken, and are read from both ends.
struct Row<T> {
    claimed: Claimed<T>,
    next: u32,
    left: u32,
}

impl<T> Row<T> {
    fn new(claimed: Claimed<T>) -> Row<T> {
        Row {
            next: claimed.start,
            left: claimed.count,
            claimed,
        }
    }

    fn last(&mut self) -> T {
        debug_assert!(self.left > 0);
        self.left -= 1;
        // SAFETY: each is read once.
        unsafe { self.claimed.take(self.next.wrapping_add(self.left)) }
    }
}

impl<T> Loot<T> for Row<T> {
    fn left(&self) -> u32 {
        self.left
    }

    fn next(&mut self) -> T {
        debug_assert!(self.left > 0);
        let position = self.next;
        self.next = position.wrapping_add(1);
        self.left -= 1;
        // SAFETY: each is read once.
        unsafe { self.claimed.take(position) }
    }
}
