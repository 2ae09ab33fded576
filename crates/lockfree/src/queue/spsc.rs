//! A ring between two threads: one pushes, one pops, values one by one or in chunks.
//!
//! # From
//! L. Lamport's buffer for one producer and one consumer (1983), with the other side's position kept
//! in a copy that is read anew only when it says that there is nothing to do, as in Lee, Bu and
//! Chandranmenon's MCRingBuffer (2010) and rtrb, whose names the chunks have. Differs: each end keeps where it stands
//! in the buffer beside a position that only counts, so any capacity has exactly its memory, and no
//! step divides or branches on a power of two.
//!
//! # State
//! `tail` counts the values that were pushed, `head` those that were popped; both wrap around.
//!
//! | `tail` - `head` | meaning | who leaves it |
//! |---|---|---|
//! | 0 | nothing to pop | the producer |
//! | between | as many values | both |
//! | the capacity | no room | the consumer |
//!
//! `gone`:
//!
//! | bit | meaning | who leaves it |
//! |---|---|---|
//! | `PRODUCER` | the producer was dropped | nobody |
//! | `CONSUMER` | the consumer was dropped | nobody |
//!
//! # Fields
//! A place belongs to the producer while its position is neither below `tail` nor a lap ahead of
//! `head`, else to the consumer. `tail` is written by the producer, `head` by the consumer, and
//! `oldest` by the consumer as it leaves; it is read by whoever frees the ring.
//!
//! # Invariants
//! * I1: an end is one value, and its operations take `&mut`: there is one producer and one consumer.
//! * I2: `seen` of an end is a position where the other one was: so the producer has at least the room that
//!   it makes of it, and the consumer the values, until they push or pop themselves.
//! * I3: `next` of an end is below the capacity, and is the place of its position.
//! * I4: the values in the ring are those of the positions from `head` to `tail`; each is initialized,
//!   and read once: an end counts a value as its own, or as given away, before any code of the user's can run.
//! * I5: the ring is freed once, by the end that finds the other's bit in `gone`. Both ends have told by then where they
//!   stood: a consumer that goes, or finds nothing, first tells of what a forgotten iterator has moved out.
//!
//! # Edges
//! * E1: release of `tail` by the producer → acquire by the consumer: the values below it. Models:
//!   `values_come_in_order`, `chunks_come_whole`.
//! * E2: release of `head` by the consumer → acquire by the producer: the places below it are free.
//!   Models: the same.
//! * E3: release of `gone` by the end that goes first → acquire of it by the other, in the same exchange: whatever the
//!   first did to the ring, which the other frees. Models: `both_ends_go_at_once`.
//! * E4: release of `gone` by the end that goes → acquire in `is_abandoned`: who is told that the
//!   producer is gone finds all its values. Model: `who_is_abandoned_has_seen_all`.
//!
//! Nothing orders a look at the other's position behind the store of one's own, as E3 of `array.rs` does: a push that
//! finds no room and a pop that finds nothing may each have missed the other. So both ends can say so at once.
//!
//! # Waiting
//! Nobody waits: every operation is a fixed number of steps, and as many copies as values.
//!
//! # Cancel
//! none. A chunk that is dropped or forgotten before it is committed has done nothing; values that were moved out of
//! one are out, also if the iterator is forgotten.
//!
//! # Panic
//! Foreign code runs in `WriteChunk::fill` (an iterator) and as values are dropped. What the iterator
//! gave before it panicked is in the ring; values that were to be dropped are out of it, and the
//! others are dropped also if one panics. A second one that panics meanwhile ends the process, as in a `Vec`.
//!
//! # Rejected
//! * A flag beside each value in place of positions (FastForward, 2008): one cache line a value instead of two
//!   where the consumer has caught up, but no slices of values, and memory for the flags.
//! * Telling of a value later, with some others: nobody knows when it comes; chunks say where that is wanted.
//! * A fence where nothing or no room is found, as in the other queues: half of the time of a push, for those who sleep
//!   on the answer, and they fence anyway.
//!
//! # Checked by
//! dev/model tests/spsc.rs, in which positions wrap around; tests/spsc.rs; histories in dev/stress.

use alloc::boxed::Box;
use core::fmt;
use core::marker::PhantomData;
use core::mem::{self, MaybeUninit};
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::{self, NonNull};
use counterpoint_base::CachePadded;
use counterpoint_base::prim::atomic::{AtomicU8, AtomicUsize, RELAXED, acq_rel, acquire, release};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::tune::FIRST_LAP;

pub use chunk::{ReadChunk, Values, WriteChunk};

mod chunk;
mod trace;

use trace::Trace;

/// The producer is gone.
const PRODUCER: u8 = 0b01;
/// The consumer is gone.
const CONSUMER: u8 = 0b10;

/// Where positions begin: under a checker two before they wrap around.
const START: usize = FIRST_LAP as usize;

struct Ring<T> {
    tail: CachePadded<AtomicUsize>,
    head: CachePadded<AtomicUsize>,
    gone: AtomicU8,
    /// The place of `head`, when the consumer is gone.
    oldest: UnsafeCell<usize>,
    /// As many places as the capacity, from a box.
    places: NonNull<[MaybeUninit<T>]>,
    trace: Trace,
    /// The producer may not take values that live shorter than those the consumer has.
    marker: PhantomData<fn(T) -> T>,
}

/// A ring with room for `capacity` values, by its two ends.
///
/// # Panics
/// If `capacity` is zero, or needs more bytes than an allocation can have.
///
/// # Examples
/// ```
/// use counterpoint_lockfree::queue::spsc;
///
/// let (mut producer, mut consumer) = spsc::ring(2);
/// std::thread::scope(|s| {
///     s.spawn(move || {
///         for word in ["one", "two", "three"] {
///             while producer.push(word).is_err() {
///                 std::thread::yield_now();
///             }
///         }
///     });
///     let mut words = Vec::new();
///     while !consumer.is_abandoned() {
///         words.extend(consumer.pop());
///     }
///     words.extend(std::iter::from_fn(|| consumer.pop()));
///     assert_eq!(words, ["one", "two", "three"]);
/// });
/// ```
pub fn ring<T>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    assert!(
        capacity > 0,
        "a ring of no room: its capacity must be non-zero"
    );
    let places = Box::into_raw(Box::<[T]>::new_uninit_slice(capacity));
    // SAFETY: from a box.
    let places = unsafe { NonNull::new_unchecked(places) };
    let ring = Box::into_raw(Box::new(Ring {
        tail: CachePadded::new(AtomicUsize::new(START)),
        head: CachePadded::new(AtomicUsize::new(START)),
        gone: AtomicU8::new(0),
        oldest: UnsafeCell::new(0),
        places,
        trace: Trace::new(capacity),
        marker: PhantomData,
    }));
    // SAFETY: from a box.
    let ring = unsafe { NonNull::new_unchecked(ring) };
    let producer = Producer {
        ring,
        places: places.cast(),
        capacity,
        tail: START,
        next: 0,
        seen: START,
    };
    let consumer = Consumer {
        ring,
        places: places.cast(),
        capacity,
        head: START,
        next: 0,
        seen: START,
    };
    (producer, consumer)
}

/// The place `count` behind `next`, which is below the capacity; `count` is at most that.
#[inline(always)]
fn behind(next: usize, count: usize, capacity: usize) -> usize {
    let left = capacity - next;
    if count < left {
        next + count
    } else {
        count - left
    }
}

/// The place after `next`. Not without a branch: the place of the next value would wait for it.
#[inline(always)]
fn after(next: usize, capacity: usize) -> usize {
    let after = next + 1;
    if after == capacity { first() } else { after }
}

/// The place at the beginning, seldom.
#[cold]
#[inline(never)]
fn first() -> usize {
    0
}

/// How many of `count` places from `next` on lie before the end of the buffer.
#[inline(always)]
fn before_end(next: usize, count: usize, capacity: usize) -> usize {
    count.min(capacity - next)
}

impl<T> Ring<T> {
    /// Says that an end is gone; the last one frees the ring.
    ///
    /// # Safety
    /// The caller is the end of this bit, for the last time.
    unsafe fn leave(ring: NonNull<Ring<T>>, end: u8) {
        // SAFETY: it is freed by the last end, which is this one or comes later (I5).
        let gone = unsafe { &ring.as_ref().gone };
        // Release [E3, E4]: what this end did; acquire [E3]: what the other one did.
        if gone.fetch_or(end, acq_rel("spsc.leave")) != 0 {
            // SAFETY: both ends are gone, and this is the one that frees it (I5).
            drop(unsafe { Box::from_raw(ring.as_ptr()) });
        }
    }

    fn has_left(&self, end: u8) -> bool {
        // Acquire [E4]: pairs with the release in `leave`.
        self.gone.load(acquire("spsc.abandoned")) & end != 0
    }
}

/// Frees the places, also when the destructor of a value has panicked.
struct Places<T>(NonNull<[MaybeUninit<T>]>);

impl<T> Drop for Places<T> {
    fn drop(&mut self) {
        // SAFETY: from a box, and dropped once, with the ring.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// Drops values in a row, also when the destructor of another one has panicked.
struct Row<T>(*mut [T]);

impl<T> Drop for Row<T> {
    fn drop(&mut self) {
        // SAFETY: values that belong to who made this, and are not used again.
        unsafe { ptr::drop_in_place(self.0) };
    }
}

/// The `count` values from `next` on, of which some may stand at the beginning of the buffer.
fn rows<T>(
    places: NonNull<MaybeUninit<T>>,
    next: usize,
    count: usize,
    capacity: usize,
) -> (*mut [T], *mut [T]) {
    let first = before_end(next, count, capacity);
    let start = places.cast::<T>().as_ptr();
    // SAFETY: I3: inside the buffer.
    let from = unsafe { start.add(next) };
    (
        ptr::slice_from_raw_parts_mut(from, first),
        ptr::slice_from_raw_parts_mut(start, count - first),
    )
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        let places = Places(self.places);
        if mem::needs_drop::<T>() {
            // Relaxed, both: ordered by the exchange of `gone` [E3].
            let count = self
                .tail
                .load(RELAXED)
                .wrapping_sub(self.head.load(RELAXED));
            let capacity = places.0.len();
            let next = *self.oldest.get_mut();
            self.trace.touch(next, count, capacity);
            let (first, second) = rows::<T>(places.0.cast(), next, count, capacity);
            let second = Row(second);
            drop(Row(first));
            drop(second);
        }
    }
}

/// The end of a ring that pushes.
///
/// Made by [`ring`]. It moves to the thread that pushes; the values that it pushed stay when it is
/// dropped.
///
/// Not for several threads that push, nor for waiting until there is room: see
/// [`ArrayQueue`](super::ArrayQueue), and a channel. Each end belongs into its thread: two that stand beside
/// each other in memory disturb each other.
///
/// # Cost
/// A push is a few plain instructions; the consumer's position is read only where the room that was
/// seen last is used up. The ring is two allocations, made by [`ring`]: one has the values and
/// nothing beside them.
///
/// # Progress
/// Every operation ends after a fixed number of steps, whatever the other end does.
pub struct Producer<T> {
    ring: NonNull<Ring<T>>,
    places: NonNull<MaybeUninit<T>>,
    capacity: usize,
    /// How many were pushed; told to the consumer, but for a chunk that is being filled.
    tail: usize,
    /// Where the next value goes.
    next: usize,
    /// How many were popped, as seen last.
    seen: usize,
}

/// The end of a ring that pops.
///
/// Made by [`ring`]. It moves to the thread that pops. When it is dropped the values that are left
/// stay until the producer is dropped as well.
///
/// Not for several threads that pop, nor for waiting until there is a value: see
/// [`ArrayQueue`](super::ArrayQueue), and a channel.
///
/// # Cost
/// As for the [`Producer`]; the producer's position is read only where the values that were seen last
/// are popped.
///
/// # Progress
/// Every operation ends after a fixed number of steps, whatever the other end does.
pub struct Consumer<T> {
    ring: NonNull<Ring<T>>,
    places: NonNull<MaybeUninit<T>>,
    capacity: usize,
    /// How many were popped; told to the producer, but for a chunk that is being read.
    head: usize,
    /// Where the oldest value stands.
    next: usize,
    /// How many were pushed, as seen last.
    seen: usize,
}

// SAFETY: values move from one end to the other through places that belong to one of them (I1), and
// nothing is read through `&Producer` but counts.
unsafe impl<T: Send> Send for Producer<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Producer<T> {}
// SAFETY: as above, for `&Consumer`.
unsafe impl<T: Send> Send for Consumer<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Consumer<T> {}

// No user code runs while a value is half moved.
impl<T> UnwindSafe for Producer<T> {}
impl<T> RefUnwindSafe for Producer<T> {}
impl<T> UnwindSafe for Consumer<T> {}
impl<T> RefUnwindSafe for Consumer<T> {}

impl<T> Producer<T> {
    #[inline(always)]
    fn ring(&self) -> &Ring<T> {
        // SAFETY: freed by the last end only (I5), and this one is there.
        unsafe { self.ring.as_ref() }
    }

    /// Appends `value`. It does not order a later look at another variable: who tells a sleeper of it
    /// puts a sequentially consistent fence between the two.
    ///
    /// # Errors
    /// The value, if the ring is full, whether or not the consumer is still there. That orders nothing either: while
    /// values are on their way the producer may find the ring full and the consumer find it empty, at once.
    ///
    /// ```
    /// use counterpoint_lockfree::queue::spsc;
    ///
    /// let (mut producer, mut consumer) = spsc::ring(1);
    /// assert_eq!(producer.push(10), Ok(()));
    /// assert_eq!(producer.push(20), Err(20));
    /// assert_eq!(consumer.pop(), Some(10));
    /// ```
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), T> {
        if self.room() == 0 && !self.has_room(1) {
            return Err(value);
        }
        // SAFETY: there is room.
        unsafe { self.put(value) };
        self.tell();
        Ok(())
    }

    /// Places that are free, as seen last.
    #[inline(always)]
    fn room(&self) -> usize {
        self.capacity - self.tail.wrapping_sub(self.seen)
    }

    /// Looks for room for so many.
    #[inline]
    fn has_room(&mut self, count: usize) -> bool {
        // Acquire [E2]: pairs with the release in `Consumer::tell`.
        self.seen = self.ring().head.load(acquire("spsc.room"));
        self.room() >= count
    }

    /// Writes a value that the consumer is not yet told of.
    ///
    /// # Safety
    /// There is room.
    #[inline(always)]
    unsafe fn put(&mut self, value: T) {
        debug_assert!(self.room() > 0);
        self.ring().trace.touch(self.next, 1, self.capacity);
        // SAFETY: I3.
        let place = unsafe { self.places.add(self.next) };
        // SAFETY: I2: the place is the producer's.
        unsafe { place.write(MaybeUninit::new(value)) };
        self.tail = self.tail.wrapping_add(1);
        self.next = after(self.next, self.capacity);
    }

    /// Counts values that were written.
    #[inline(always)]
    fn count(&mut self, count: usize) {
        debug_assert!(count <= self.room());
        self.tail = self.tail.wrapping_add(count);
        self.next = behind(self.next, count, self.capacity);
    }

    /// Tells the consumer of what was written.
    #[inline(always)]
    fn tell(&mut self) {
        let tail = self.tail;
        // Release [E1]: hands the values to the acquire in `Consumer::has_ready`.
        self.ring().tail.store(tail, release("spsc.pushed"));
    }

    /// Reserves `count` places in a row, to be written and then told of all at once; `None` if there
    /// are not so many.
    ///
    /// ```
    /// use counterpoint_lockfree::queue::spsc;
    ///
    /// let (mut producer, mut consumer) = spsc::ring(4);
    /// assert!(producer.write_chunk(5).is_none());
    /// let chunk = producer.write_chunk(3).unwrap();
    /// assert_eq!(chunk.fill(10..), 3);
    /// assert_eq!((consumer.pop(), producer.slots()), (Some(10), 2));
    /// ```
    #[inline]
    pub fn write_chunk(&mut self, count: usize) -> Option<WriteChunk<'_, T>> {
        if self.room() < count && !self.has_room(count) {
            return None;
        }
        Some(WriteChunk::new(self, count))
    }

    /// Appends as many of `values` as there is room for, and returns how many. Room that the consumer
    /// makes meanwhile is not used; it is told of all at the end.
    ///
    /// ```
    /// use counterpoint_lockfree::queue::spsc;
    ///
    /// let (mut producer, mut consumer) = spsc::ring(4);
    /// assert_eq!(producer.push_slice(b"rings"), 4);
    /// let mut read = [0; 8];
    /// assert_eq!(consumer.pop_slice(&mut read), 4);
    /// assert_eq!(&read[..4], b"ring");
    /// ```
    pub fn push_slice(&mut self, values: &[T]) -> usize
    where
        T: Copy,
    {
        if self.room() < values.len() {
            self.has_room(values.len());
        }
        let count = self.room().min(values.len());
        let mut chunk = WriteChunk::new(self, count);
        let (first, second) = chunk.as_mut_slices();
        let (to_first, to_second) = values[..count].split_at(first.len());
        copy_into(to_first, first);
        copy_into(to_second, second);
        // SAFETY: each place was written.
        unsafe { chunk.commit(count) };
        count
    }

    /// How many values the ring has room for in all.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many values can be pushed now; the consumer may make more room at any time.
    #[inline]
    pub fn slots(&self) -> usize {
        // Relaxed: who uses the places looks again.
        let head = self.ring().head.load(RELAXED);
        self.capacity - self.tail.wrapping_sub(head)
    }

    /// Whether a push would be refused now.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.slots() == 0
    }

    /// Whether the consumer was dropped: what is pushed is popped by nobody.
    #[inline]
    pub fn is_abandoned(&self) -> bool {
        self.ring().has_left(CONSUMER)
    }
}

fn copy_into<T: Copy>(from: &[T], to: &mut [MaybeUninit<T>]) {
    for (to, from) in to.iter_mut().zip(from) {
        to.write(*from);
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        // SAFETY: the producer, for the last time.
        unsafe { Ring::leave(self.ring, PRODUCER) };
    }
}

impl<T> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("slots", &self.slots())
            .field("capacity", &self.capacity)
            .finish()
    }
}

impl<T> Consumer<T> {
    #[inline(always)]
    fn ring(&self) -> &Ring<T> {
        // SAFETY: freed by the last end only (I5), and this one is there.
        unsafe { self.ring.as_ref() }
    }

    /// Takes the oldest value; `None` if there is none, which orders nothing: see
    /// [`push`](Producer::push).
    ///
    /// ```
    /// use counterpoint_lockfree::queue::spsc;
    ///
    /// let (mut producer, mut consumer) = spsc::ring(2);
    /// assert_eq!((producer.push('a'), producer.push('b')), (Ok(()), Ok(())));
    /// assert_eq!((consumer.pop(), consumer.pop()), (Some('a'), Some('b')));
    /// assert_eq!(consumer.pop(), None);
    /// ```
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        if self.ready() == 0 && !self.has_ready(1) {
            return None;
        }
        // SAFETY: there is one.
        let value = unsafe { self.take() };
        self.tell();
        Some(value)
    }

    /// Values that are there, as seen last.
    #[inline(always)]
    fn ready(&self) -> usize {
        self.seen.wrapping_sub(self.head)
    }

    /// Looks for so many values.
    #[inline]
    fn has_ready(&mut self, count: usize) -> bool {
        // Acquire [E1]: pairs with the release in `Producer::tell`.
        self.seen = self.ring().tail.load(acquire("spsc.ready"));
        let is_ready = self.ready() >= count;
        if !is_ready {
            self.tell_rest();
        }
        is_ready
    }

    /// Moves the oldest value out; the producer is not yet told of it.
    ///
    /// # Safety
    /// There is one.
    #[inline(always)]
    unsafe fn take(&mut self) -> T {
        debug_assert!(self.ready() > 0);
        self.ring().trace.touch(self.next, 1, self.capacity);
        // SAFETY: I3.
        let place = unsafe { self.places.add(self.next) };
        // SAFETY: I2: the place is the consumer's.
        let value = unsafe { place.read() };
        self.head = self.head.wrapping_add(1);
        self.next = after(self.next, self.capacity);
        // SAFETY: I4.
        unsafe { value.assume_init() }
    }

    /// Counts values that belong to the ring no more.
    #[inline(always)]
    fn count(&mut self, count: usize) {
        debug_assert!(count <= self.ready());
        self.head = self.head.wrapping_add(count);
        self.next = behind(self.next, count, self.capacity);
    }

    /// Tells the producer of the places that are free.
    #[inline(always)]
    fn tell(&mut self) {
        let head = self.head;
        // Release [E2]: hands the places to the acquire in `Producer::has_room`.
        self.ring().head.store(head, release("spsc.popped"));
    }

    /// Tells of what a forgotten iterator has moved out (I5).
    #[inline(always)]
    fn tell_rest(&mut self) {
        // Relaxed: written by this end alone.
        if self.ring().head.load(RELAXED) != self.head {
            self.tell();
        }
    }

    /// The oldest value, which stays; `None` if there is none.
    ///
    /// ```
    /// use counterpoint_lockfree::queue::spsc;
    ///
    /// let (mut producer, mut consumer) = spsc::ring(2);
    /// assert_eq!(consumer.peek(), None);
    /// assert_eq!(producer.push(7), Ok(()));
    /// assert_eq!(consumer.peek(), Some(&7));
    /// assert_eq!(consumer.pop(), Some(7));
    /// ```
    #[inline]
    pub fn peek(&mut self) -> Option<&T> {
        if self.ready() == 0 && !self.has_ready(1) {
            return None;
        }
        self.ring().trace.touch(self.next, 1, self.capacity);
        // SAFETY: I3.
        let place = unsafe { self.places.cast::<T>().add(self.next) };
        // SAFETY: I2, I4: it is initialized, and the consumer's, which is borrowed.
        Some(unsafe { place.as_ref() })
    }

    /// The `count` oldest values, to be looked at and then taken all at once; `None` if there are not
    /// so many.
    ///
    /// ```
    /// use counterpoint_lockfree::queue::spsc;
    ///
    /// let (mut producer, mut consumer) = spsc::ring(4);
    /// assert_eq!(producer.push_slice(&[1, 2, 3]), 3);
    /// assert!(consumer.read_chunk(4).is_none());
    /// let chunk = consumer.read_chunk(2).unwrap();
    /// assert_eq!(chunk.as_slices(), (&[1, 2][..], &[][..]));
    /// chunk.commit_all();
    /// assert_eq!((consumer.pop(), producer.slots()), (Some(3), 4));
    /// ```
    #[inline]
    pub fn read_chunk(&mut self, count: usize) -> Option<ReadChunk<'_, T>> {
        if self.ready() < count && !self.has_ready(count) {
            return None;
        }
        Some(ReadChunk::new(self, count))
    }

    /// Moves the oldest values into `values`, as many as there are and fit, and returns how many;
    /// see [`push_slice`](Producer::push_slice).
    pub fn pop_slice(&mut self, values: &mut [T]) -> usize
    where
        T: Copy,
    {
        if self.ready() < values.len() {
            self.has_ready(values.len());
        }
        let count = self.ready().min(values.len());
        let chunk = ReadChunk::new(self, count);
        let (first, second) = chunk.as_slices();
        let (to_first, to_second) = values[..count].split_at_mut(first.len());
        to_first.copy_from_slice(first);
        to_second.copy_from_slice(second);
        chunk.commit_all();
        count
    }

    /// How many values the ring has room for in all.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many values can be popped now; the producer may push more at any time.
    #[inline]
    pub fn slots(&self) -> usize {
        // Relaxed: who reads the values looks again.
        self.ring().tail.load(RELAXED).wrapping_sub(self.head)
    }

    /// Whether there is nothing to pop now.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.slots() == 0
    }

    /// Whether the producer was dropped: what [`pop`](Consumer::pop) finds after that is all there will
    /// be.
    #[inline]
    pub fn is_abandoned(&self) -> bool {
        self.ring().has_left(PRODUCER)
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        self.tell_rest();
        let next = self.next;
        self.ring().oldest.with_mut(|oldest| {
            // SAFETY: the consumer's until the ring is freed.
            unsafe { oldest.write(next) };
        });
        // SAFETY: the consumer, for the last time.
        unsafe { Ring::leave(self.ring, CONSUMER) };
    }
}

impl<T> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("slots", &self.slots())
            .field("capacity", &self.capacity)
            .finish()
    }
}
