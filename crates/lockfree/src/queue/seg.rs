//! An unbounded queue that grows by blocks; how it works is told in `segments`.

use crate::segments::Segments;
use core::fmt;
use core::iter::FusedIterator;
use core::panic::{RefUnwindSafe, UnwindSafe};

/// A queue without bound that any number of threads push to and pop from.
///
/// It grows by blocks of 31 values and uses emptied blocks again: two are kept, and those in which a
/// pop was interrupted until the next block is emptied; others are freed.
///
/// Not for waiting: a loop around `pop` burns a processor; a channel wakes its receiver. Nor where
/// producers can be faster than consumers for long, since nothing slows them down: see
/// [`ArrayQueue`](super::ArrayQueue).
///
/// # Cost
/// [`new`](SegQueue::new) allocates nothing, the first push a block, and later ones a block where
/// none is left to use again; where several push at the end of a block, some take one that is given
/// back. A push or a pop is one read-modify-write, a pop that finds nothing a fence. A value takes its
/// own size and that of a byte, aligned.
///
/// # Progress
/// No lock is held, but a thread that is interrupted inside a push keeps the popper of its slot
/// waiting, and at the end of a block, or in the first push, a push or a pop keeps others as well; they
/// give their processor away meanwhile. So not in a signal handler, nor in the child of a fork that
/// interrupted another thread there, nor where the waiting one keeps the other from its processor:
/// threads of different real-time priority on one processor, or without `std` a task that interrupts
/// another. `len` looks again as long as others push in between.
///
/// # Examples
/// ```
/// use counterpoint_lockfree::queue::SegQueue;
///
/// static QUEUE: SegQueue<char> = SegQueue::new();
///
/// QUEUE.push('a');
/// QUEUE.push('b');
/// assert_eq!(QUEUE.pop(), Some('a'));
/// assert_eq!(QUEUE.pop(), Some('b'));
/// assert_eq!(QUEUE.pop(), None);
/// ```
pub struct SegQueue<T> {
    segments: Segments<T>,
}

// No user code runs while a value is half moved.
impl<T> UnwindSafe for SegQueue<T> {}
impl<T> RefUnwindSafe for SegQueue<T> {}

impl<T> SegQueue<T> {
    counterpoint_base::const_fn! {
        /// An empty queue, which owns no memory yet.
        pub const fn new() -> SegQueue<T> {
            SegQueue { segments: Segments::new() }
        }
    }

    /// Appends `value`. It does not order a later look at another variable: who tells a sleeper of it
    /// puts a sequentially consistent fence between the two.
    #[inline]
    pub fn push(&self, value: T) {
        self.segments.push(value);
    }

    /// Appends `value` through exclusive access, at the same cost.
    pub fn push_mut(&mut self, value: T) {
        self.segments.push(value);
    }

    /// Takes the oldest value; `None` if there is none.
    ///
    /// `None` means: every value whose push came before this call was taken.
    #[inline]
    pub fn pop(&self) -> Option<T> {
        self.segments.pop()
    }

    /// Takes the oldest value through exclusive access, at the same cost.
    pub fn pop_mut(&mut self) -> Option<T> {
        self.segments.pop()
    }

    /// Whether there is nothing to pop.
    ///
    /// While others work on the queue the answer is old when it is read. It orders nothing: who
    /// falls asleep on it needs a fence of their own.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// How many values are in the queue: exact if nobody works on it, beside others a number that it
    /// had while this call ran.
    ///
    /// ```
    /// use counterpoint_lockfree::queue::SegQueue;
    ///
    /// let queue: SegQueue<u32> = (0..100).collect();
    /// assert_eq!(queue.len(), 100);
    /// ```
    pub fn len(&self) -> usize {
        self.segments.len()
    }
}

impl<T> Default for SegQueue<T> {
    fn default() -> SegQueue<T> {
        SegQueue::new()
    }
}

impl<T> FromIterator<T> for SegQueue<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> SegQueue<T> {
        let queue = SegQueue::new();
        values.into_iter().for_each(|value| queue.push(value));
        queue
    }
}

impl<T> fmt::Debug for SegQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegQueue")
            .field("len", &self.len())
            .finish()
    }
}

impl<T> IntoIterator for SegQueue<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { queue: self }
    }
}

/// The values of a [`SegQueue`], oldest first.
#[derive(Debug)]
pub struct IntoIter<T> {
    queue: SegQueue<T>,
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.queue.pop_mut()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.queue.len();
        (left, Some(left))
    }
}

impl<T> ExactSizeIterator for IntoIter<T> {}
impl<T> FusedIterator for IntoIter<T> {}
