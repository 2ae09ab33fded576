//! A bounded queue in one allocation, for any number of threads at both ends.
//!
//! # From
//! D. Vyukov's bounded MPMC queue (1024cores.net), in the form of crossbeam's `ArrayQueue`: any
//! capacity, and `force_push`. Differs: positions have 64 bits on every machine; the exchanges are
//! weaker, since the stamps order everything; what happens beside the plain path is kept out of
//! it.
//!
//! # State
//! A position is a lap (upper bits) and an index below the capacity. Of the slot at its index:
//!
//! | stamp | meaning | who leaves it |
//! |---|---|---|
//! | the position | empty, waits for the push of this lap | the pusher that moved `tail` over it |
//! | position + 1 | full | the popper that moved `head` over it, or a `force_push` that did |
//! | position + a lap | empty for the next lap | as the first row |
//!
//! # Fields
//! `value` of a slot belongs to the thread that moved `tail` (or `head`) over its position, until
//! that thread writes the next stamp.
//!
//! # Invariants
//! * I1: `head` and `tail` move by one position at a time, and each position is passed by one
//!   thread: by an exchange, or by the `force_push` that has moved `head` while the queue was full
//!   and so alone may move `tail`.
//! * I2: the value of a slot is initialized while its stamp is a position + 1.
//! * I3: every index is below the capacity, which is the length of the buffer.
//! * I4: positions wrap around after 2^64 laps and indices; laps divide that, so nothing happens.
//!
//! # Edges
//! * E1: release of the stamp in `push` → acquire in `pop`: the value.
//! * E2: release of the stamp in `pop` → acquire in `push`: the value was moved out.
//! * E3: fence in `pop` before the last look at `tail` → the same in another `pop`, and likewise
//!   in `push` for `head`: two threads that each push to one queue and then find the other one
//!   empty do not exist.
//! * E4: release of a moved `tail` or `head` → acquire in `len`: whoever sees the tail of a lap sees
//!   that the head made room for it, and whoever sees the head sees that the tail was there first.
//!
//! # Waiting
//! Nobody sleeps. A thread that was interrupted between its exchange and its stamp keeps others
//! from its slot: they back off, and yield after some rounds.
//!
//! # Cancel
//! none.
//!
//! # Panic
//! No foreign code runs here but `Drop` of the values, in the queue's own `drop`, which goes on with
//! the others when one panics.
//!
//! # Rejected
//! * Prefetching the next line for writing, and looking at a slot again before a queue is called
//!   empty: no faster from two threads, and slower from one.
//! * Spreading neighbouring positions over cache lines: each line is then moved for each value.
//!
//! # Checked by
//! dev/model tests/array_queue.rs, which begins two laps before positions wrap around;
//! tests/array_queue.rs; array/tests.rs; histories in dev/stress.

use alloc::boxed::Box;
use core::fmt;
use core::iter::FusedIterator;
use core::mem::MaybeUninit;
use core::panic::{RefUnwindSafe, UnwindSafe};
use counterpoint_base::prim::atomic::{AtomicU64, RELAXED, acquire, fence_seq_cst, release};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::hint;
use counterpoint_base::tune::FIRST_LAP;
use counterpoint_base::{Backoff, CachePadded};

struct Slot<T> {
    stamp: AtomicU64,
    value: UnsafeCell<MaybeUninit<T>>,
}

impl<T> Slot<T> {
    /// # Safety
    /// The caller owns the slot, which is empty.
    #[inline(always)]
    unsafe fn write(&self, value: T) {
        self.value.with_mut(|to| {
            // SAFETY: by the caller's promise nobody else has access.
            unsafe { to.write(MaybeUninit::new(value)) };
        });
    }

    /// # Safety
    /// The caller owns the slot, which is full; it is empty afterwards.
    #[inline(always)]
    unsafe fn read(&self) -> T {
        self.value.with(|from| {
            // SAFETY: by the caller's promise nobody writes.
            let value = unsafe { from.read() };
            // SAFETY: by the caller's promise it is full (I2).
            unsafe { value.assume_init() }
        })
    }
}

/// A queue of fixed capacity that any number of threads push to and pop from.
///
/// A full queue refuses a [`push`](ArrayQueue::push), an empty one has nothing to
/// [`pop`](ArrayQueue::pop): no call waits for a value or for room. [`force_push`](ArrayQueue::force_push) makes room by
/// taking the oldest value out, which makes the queue a ring that keeps the latest ones.
///
/// Not for waiting: a loop around `pop` burns a processor; a channel wakes its receiver. Nor for
/// one producer and one consumer, whom a ring of their own serves several times faster; nor where
/// no bound is known.
///
/// # Cost
/// One allocation, in [`new`](ArrayQueue::new): 8 bytes more than a value for each slot, aligned as
/// both. A push or a pop is one read-modify-write, some 3 ns alone.
///
/// # Progress
/// No lock is held, but a thread that is interrupted in the middle of a push or a pop keeps whoever
/// comes to its slot next waiting; they give their processor away meanwhile. So not in a signal
/// handler, nor in the child of a fork that interrupted another thread there, nor where the waiting
/// one keeps the other from its processor: threads of different real-time priority on one processor,
/// or without `std` a task that interrupts another. `len` and its like look again as long as others
/// push in between.
///
/// # Examples
/// ```
/// use counterpoint_lockfree::queue::ArrayQueue;
///
/// let queue = ArrayQueue::new(2);
/// assert_eq!(queue.push('a'), Ok(()));
/// assert_eq!(queue.push('b'), Ok(()));
/// assert_eq!(queue.push('c'), Err('c'));
/// assert_eq!(queue.pop(), Some('a'));
/// ```
pub struct ArrayQueue<T> {
    /// The next position to pop.
    head: CachePadded<AtomicU64>,
    /// The next position to push to.
    tail: CachePadded<AtomicU64>,
    buffer: Box<[Slot<T>]>,
    /// Positions of one lap: a power of two above the capacity, so that the stamp of a full last
    /// slot is not yet that of the next lap.
    lap: u64,
}

// SAFETY: values move in and out of slots, each owned by one thread at a time (I1).
unsafe impl<T: Send> Sync for ArrayQueue<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for ArrayQueue<T> {}

// No user code runs while a value is half moved.
impl<T> UnwindSafe for ArrayQueue<T> {}
impl<T> RefUnwindSafe for ArrayQueue<T> {}

impl<T> ArrayQueue<T> {
    /// An empty queue for `capacity` values.
    ///
    /// # Panics
    /// If `capacity` is zero, or needs more bytes than an allocation can have.
    ///
    /// ```
    /// use counterpoint_lockfree::queue::ArrayQueue;
    ///
    /// let queue = ArrayQueue::<u8>::new(100);
    /// assert_eq!(queue.capacity(), 100);
    /// ```
    pub fn new(capacity: usize) -> ArrayQueue<T> {
        assert!(
            capacity > 0,
            "a queue of no room: its capacity must be non-zero"
        );
        let lap = (capacity as u64)
            .checked_add(1)
            .and_then(u64::checked_next_power_of_two)
            .expect("the capacity is too large");
        Self::starting(capacity, lap, FIRST_LAP)
    }

    /// A queue whose positions begin in this lap.
    fn starting(capacity: usize, lap: u64, first: u64) -> ArrayQueue<T> {
        // I4: the first laps of a checker or a test lead over the end of the numbers.
        let start = first.wrapping_mul(lap);
        let slot = |index| Slot {
            stamp: AtomicU64::new(start + index),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        };
        ArrayQueue {
            head: CachePadded::new(AtomicU64::new(start)),
            tail: CachePadded::new(AtomicU64::new(start)),
            buffer: (0..capacity as u64).map(slot).collect(),
            lap,
        }
    }

    /// Where `position` lies in the buffer.
    #[inline(always)]
    fn index(&self, position: u64) -> usize {
        (position & (self.lap - 1)) as usize
    }

    #[inline(always)]
    fn slot(&self, position: u64) -> &Slot<T> {
        let index = self.index(position);
        debug_assert!(index < self.buffer.len());
        // SAFETY: I3.
        unsafe { self.buffer.get_unchecked(index) }
    }

    /// The position after this one.
    #[inline(always)]
    fn next(&self, position: u64) -> u64 {
        if self.index(position) + 1 < self.buffer.len() {
            position + 1
        } else {
            (position | (self.lap - 1)).wrapping_add(1)
        }
    }

    /// Appends `value`. It does not order a later look at another variable: who tells a sleeper of it
    /// puts a sequentially consistent fence between the two.
    ///
    /// # Errors
    /// The value, if the queue is full.
    ///
    /// ```
    /// use counterpoint_lockfree::queue::ArrayQueue;
    ///
    /// let queue = ArrayQueue::new(1);
    /// assert_eq!(queue.push(10), Ok(()));
    /// assert_eq!(queue.push(20), Err(20));
    /// ```
    #[inline]
    pub fn push(&self, value: T) -> Result<(), T> {
        let backoff = Backoff::new();
        // Relaxed: a guess; the stamp tells whether it is right.
        let mut tail = self.tail.load(RELAXED);
        loop {
            let slot = self.slot(tail);
            // Acquire [E2]: pairs with the release in `pop`.
            let stamp = slot.stamp.load(acquire("array.push_slot"));
            if stamp == tail {
                // Release [E4]: for `len` alone; the stamps order the slots.
                match self.tail.compare_exchange_weak(
                    tail,
                    self.next(tail),
                    release("array.tail_moved"),
                    RELAXED,
                ) {
                    Ok(_) => {
                        // SAFETY: I1: this thread passed the position, and the slot was empty.
                        unsafe { slot.write(value) };
                        // Release [E1]: hands the value to the acquire in `pop`.
                        slot.stamp.store(tail + 1, release("array.filled"));
                        return Ok(());
                    }
                    Err(found) => {
                        tail = found;
                        backoff.spin();
                        continue;
                    }
                }
            }
            if self.is_full_at(tail, stamp, &backoff) {
                return Err(value);
            }
            tail = self.tail.load(RELAXED);
        }
    }

    /// Whether the queue is full, as the slot at `tail` says; waits a little if it is not.
    #[cold]
    #[inline(never)]
    fn is_full_at(&self, tail: u64, stamp: u64, backoff: &Backoff) -> bool {
        if stamp.wrapping_add(self.lap) != tail + 1 {
            // Another thread is ahead and has not written its stamp yet.
            backoff.snooze();
            return false;
        }
        fence_seq_cst("array.full"); // [E3]
        // Relaxed: ordered by the fence.
        if self.head.load(RELAXED).wrapping_add(self.lap) == tail {
            return true;
        }
        // The popper of the slot has not written its stamp yet.
        backoff.snooze();
        false
    }

    /// Appends `value`; if the queue is full, in place of the oldest one, which is returned.
    ///
    /// Not for a bounded number of steps: it goes round as long as others keep taking the room.
    ///
    /// ```
    /// use counterpoint_lockfree::queue::ArrayQueue;
    ///
    /// let latest = ArrayQueue::new(2);
    /// assert_eq!(latest.force_push(10), None);
    /// assert_eq!(latest.force_push(20), None);
    /// assert_eq!(latest.force_push(30), Some(10));
    /// assert_eq!(latest.pop(), Some(20));
    /// ```
    pub fn force_push(&self, value: T) -> Option<T> {
        let backoff = Backoff::new();
        let mut value = value;
        loop {
            match self.push(value) {
                Ok(()) => return None,
                Err(back) => value = back,
            }
            // Relaxed: a guess; the stamp and the exchange tell whether it is right.
            let tail = self.tail.load(RELAXED);
            let slot = self.slot(tail);
            // Acquire [E1]: pairs with the release in `push`, a lap ago.
            let stamp = slot.stamp.load(acquire("array.force_slot"));
            let head = tail.wrapping_sub(self.lap);
            if stamp == head.wrapping_add(1) {
                let next = self.next(tail);
                // Release [E4]: as in `pop`. The fence by which `push` found the queue full does not
                // do: the tail was read again after it.
                let taken = self.head.compare_exchange_weak(
                    head,
                    next.wrapping_sub(self.lap),
                    release("array.head_forced"),
                    RELAXED,
                );
                if taken.is_ok() {
                    // I1: no other thread moves the tail now. Release [E4]: as in `push`.
                    self.tail.store(next, release("array.tail_forced"));
                    // SAFETY: I1: this thread passed the position, and the slot was full.
                    let oldest = unsafe { slot.read() };
                    // SAFETY: still its own, and empty now.
                    unsafe { slot.write(value) };
                    // Release [E1]: hands the value to the acquire in `pop`.
                    slot.stamp.store(tail + 1, release("array.forced"));
                    return Some(oldest);
                }
            }
            backoff.spin();
        }
    }

    /// Appends `value` through exclusive access, without atomic steps that cost anything.
    ///
    /// # Errors
    /// The value, if the queue is full.
    pub fn push_mut(&mut self, value: T) -> Result<(), T> {
        // Relaxed: `&mut self` shows that every other thread is done.
        let (head, tail) = (self.head.load(RELAXED), self.tail.load(RELAXED));
        if head.wrapping_add(self.lap) == tail {
            return Err(value);
        }
        let slot = self.slot(tail);
        // SAFETY: exclusive, and the queue is not full.
        unsafe { slot.write(value) };
        // Relaxed: as above.
        slot.stamp.store(tail + 1, RELAXED);
        self.tail.store(self.next(tail), RELAXED);
        Ok(())
    }

    /// Takes the oldest value; `None` if there is none.
    ///
    /// `None` means: every value whose push came before this call was taken.
    ///
    /// ```
    /// use counterpoint_lockfree::queue::ArrayQueue;
    ///
    /// let queue = ArrayQueue::new(1);
    /// assert_eq!(queue.push(10), Ok(()));
    /// assert_eq!(queue.pop(), Some(10));
    /// assert_eq!(queue.pop(), None);
    /// ```
    #[inline]
    pub fn pop(&self) -> Option<T> {
        let backoff = Backoff::new();
        // Relaxed: a guess; the stamp tells whether it is right.
        let mut head = self.head.load(RELAXED);
        loop {
            let slot = self.slot(head);
            // Acquire [E1]: pairs with the releases in `push` and `force_push`.
            let stamp = slot.stamp.load(acquire("array.pop_slot"));
            if stamp == head + 1 {
                // Release [E4]: for `len` alone; the stamps order the slots.
                match self.head.compare_exchange_weak(
                    head,
                    self.next(head),
                    release("array.head_moved"),
                    RELAXED,
                ) {
                    Ok(_) => {
                        // SAFETY: I1: this thread passed the position, and the slot was full.
                        let value = unsafe { slot.read() };
                        let empty = head.wrapping_add(self.lap);
                        // Release [E2]: tells the acquire in `push` that the value is out.
                        slot.stamp.store(empty, release("array.emptied"));
                        return Some(value);
                    }
                    Err(found) => {
                        head = found;
                        backoff.spin();
                        continue;
                    }
                }
            }
            if self.is_empty_at(head, stamp, &backoff) {
                return None;
            }
            head = self.head.load(RELAXED);
        }
    }

    /// Whether the queue is empty, as the slot at `head` says; waits a little if it is not.
    #[cold]
    #[inline(never)]
    fn is_empty_at(&self, head: u64, stamp: u64, backoff: &Backoff) -> bool {
        if stamp != head {
            // Another thread is ahead and has not written its stamp yet.
            backoff.snooze();
            return false;
        }
        fence_seq_cst("array.empty"); // [E3]
        // Relaxed: ordered by the fence.
        if self.tail.load(RELAXED) == head {
            return true;
        }
        backoff.snooze();
        false
    }

    /// Takes the oldest value through exclusive access.
    pub fn pop_mut(&mut self) -> Option<T> {
        // Relaxed: `&mut self` shows that every other thread is done.
        let (head, tail) = (self.head.load(RELAXED), self.tail.load(RELAXED));
        if head == tail {
            return None;
        }
        let slot = self.slot(head);
        // SAFETY: exclusive, and the queue is not empty.
        let value = unsafe { slot.read() };
        // Relaxed: as above.
        slot.stamp.store(head.wrapping_add(self.lap), RELAXED);
        self.head.store(self.next(head), RELAXED);
        Some(value)
    }

    /// How many values the queue has room for.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.buffer.len()
    }

    /// Whether there is nothing to pop.
    ///
    /// While others work on the queue the answer is old when it is read. It orders nothing: who
    /// falls asleep on it needs a fence of their own.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a push would be refused; see [`is_empty`](ArrayQueue::is_empty).
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// How many values are in the queue: exact if nobody works on it, at most the capacity always.
    ///
    /// Beside others it is a number that the queue had while this call ran; a
    /// [`force_push`](ArrayQueue::force_push) into a full queue counts as a pop and a push, so a queue
    /// of capacity 1 may be seen empty in between.
    pub fn len(&self) -> usize {
        loop {
            // Acquire [E4]: the head that is read next is not older than the tail.
            let tail = self.tail.load(acquire("array.len_tail"));
            // Acquire [E4]: nor is the tail that is read again older than the head.
            let head = self.head.load(acquire("array.len_head"));
            // Relaxed: ordered by the load before. A tail that has not moved was the tail while
            // the head was read.
            if self.tail.load(RELAXED) != tail {
                hint::spin_loop();
                continue;
            }
            let (from, to) = (self.index(head), self.index(tail));
            return if from < to {
                to - from
            } else if from > to {
                self.capacity() - from + to
            } else if head == tail {
                0
            } else {
                self.capacity()
            };
        }
    }
}

/// Drops what is left when the destructor of a value has panicked.
struct Rest<'q, T>(&'q mut ArrayQueue<T>);

impl<T> Drop for Rest<'_, T> {
    fn drop(&mut self) {
        self.0.clear();
    }
}

impl<T> ArrayQueue<T> {
    fn clear(&mut self) {
        while let Some(value) = self.pop_mut() {
            drop(value);
        }
    }
}

impl<T> Drop for ArrayQueue<T> {
    fn drop(&mut self) {
        if core::mem::needs_drop::<T>() {
            let rest = Rest(self);
            rest.0.clear();
        }
    }
}

impl<T> fmt::Debug for ArrayQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrayQueue")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish()
    }
}

impl<T> IntoIterator for ArrayQueue<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter { queue: self }
    }
}

/// The values of an [`ArrayQueue`], oldest first.
#[derive(Debug)]
pub struct IntoIter<T> {
    queue: ArrayQueue<T>,
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

#[cfg(test)]
mod tests;
