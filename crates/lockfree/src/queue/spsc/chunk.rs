//! Many values at once; the protocol is told in `spsc`.

use super::{Consumer, Producer, Row, rows};
use core::fmt;
use core::iter::FusedIterator;
use core::marker::PhantomData;
use core::mem::{self, MaybeUninit};

/// Places that a [`Producer`] has reserved, in [`write_chunk`](Producer::write_chunk).
///
/// Dropped without [`fill`](WriteChunk::fill) or [`commit`](WriteChunk::commit) it leaves the ring as
/// it was; values that were written are then forgotten, without a destructor.
#[must_use = "nothing is pushed until it is filled or committed"]
pub struct WriteChunk<'p, T> {
    producer: &'p mut Producer<T>,
    count: usize,
    /// It lends places out.
    marker: PhantomData<&'p mut [T]>,
}

/// Counts what was written and tells the consumer of it, also when an iterator has panicked.
struct Told<'p, T> {
    producer: &'p mut Producer<T>,
    written: usize,
}

impl<T> Drop for Told<'_, T> {
    fn drop(&mut self) {
        self.producer.count(self.written);
        self.producer.tell();
    }
}

impl<'p, T> WriteChunk<'p, T> {
    pub(super) fn new(producer: &'p mut Producer<T>, count: usize) -> WriteChunk<'p, T> {
        debug_assert!(count <= producer.room());
        WriteChunk {
            producer,
            count,
            marker: PhantomData,
        }
    }

    /// How many places there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Pushes what `values` gives, as many as there are places at most, and returns how many; the
    /// consumer is told of all at once.
    ///
    /// # Panics
    /// If `values` does; what it gave before is pushed.
    ///
    /// ```
    /// use counterpoint_lockfree::queue::spsc;
    ///
    /// let (mut producer, mut consumer) = spsc::ring(3);
    /// assert_eq!(producer.write_chunk(3).unwrap().fill(["a", "b"]), 2);
    /// assert_eq!((consumer.pop(), consumer.pop(), consumer.pop()), (Some("a"), Some("b"), None));
    /// ```
    pub fn fill<I: IntoIterator<Item = T>>(self, values: I) -> usize {
        let WriteChunk {
            producer, count, ..
        } = self;
        producer
            .ring()
            .trace
            .touch(producer.next, count, producer.capacity);
        let (first, second) = rows(producer.places, producer.next, count, producer.capacity);
        let mut told = Told {
            producer,
            written: 0,
        };
        let mut values = values.into_iter();
        for row in [first, second] {
            for at in 0..row.len() {
                let Some(value) = values.next() else {
                    return told.written;
                };
                // SAFETY: inside the row.
                let place = unsafe { row.cast::<T>().add(at) };
                // SAFETY: a free place of the chunk, which is the producer's (`spsc.rs I2`).
                unsafe { place.write(value) };
                told.written += 1;
            }
        }
        told.written
    }

    /// The places: those up to the end of the buffer, and those at its beginning.
    ///
    /// ```
    /// use counterpoint_lockfree::queue::spsc;
    ///
    /// let (mut producer, mut consumer) = spsc::ring(4);
    /// let mut chunk = producer.write_chunk(2).unwrap();
    /// let (first, _) = chunk.as_mut_slices();
    /// first[0].write(1);
    /// first[1].write(2);
    /// // SAFETY: both were written.
    /// unsafe { chunk.commit(2) };
    /// assert_eq!((consumer.pop(), consumer.pop()), (Some(1), Some(2)));
    /// ```
    pub fn as_mut_slices(&mut self) -> (&mut [MaybeUninit<T>], &mut [MaybeUninit<T>]) {
        let ends = &*self.producer;
        ends.ring()
            .trace
            .touch(ends.next, self.count, ends.capacity);
        let places = ends.places.cast::<MaybeUninit<MaybeUninit<T>>>();
        let (first, second) = rows(places, ends.next, self.count, ends.capacity);
        // SAFETY: free places, which are the producer's (`spsc.rs I2`), and it is borrowed.
        let first = unsafe { &mut *first };
        // SAFETY: as above; they do not overlap.
        let second = unsafe { &mut *second };
        (first, second)
    }

    /// Pushes the first `count` values; the consumer is told of all at once.
    ///
    /// # Panics
    /// If there are not so many places.
    ///
    /// # Safety
    /// Each of the first `count` places was written with a value.
    pub unsafe fn commit(self, count: usize) {
        assert!(count <= self.count, "more values than were reserved");
        let producer = self.producer;
        producer
            .ring()
            .trace
            .touch(producer.next, count, producer.capacity);
        producer.count(count);
        producer.tell();
    }
}

impl<T> fmt::Debug for WriteChunk<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteChunk")
            .field("len", &self.count)
            .finish_non_exhaustive()
    }
}

/// The oldest values of a ring, in [`read_chunk`](Consumer::read_chunk).
///
/// They stay in the ring until they are taken: by [`commit`](ReadChunk::commit), which drops them, or
/// by iterating, which moves them out.
#[must_use = "nothing is taken until it is committed or iterated"]
pub struct ReadChunk<'c, T> {
    consumer: &'c mut Consumer<T>,
    count: usize,
    /// It lends values out.
    marker: PhantomData<&'c mut [T]>,
}

/// Tells the producer of free places, also when the destructor of a value has panicked.
struct Freed<'c, T>(&'c mut Consumer<T>);

impl<T> Drop for Freed<'_, T> {
    fn drop(&mut self) {
        self.0.tell();
    }
}

impl<'c, T> ReadChunk<'c, T> {
    pub(super) fn new(consumer: &'c mut Consumer<T>, count: usize) -> ReadChunk<'c, T> {
        debug_assert!(count <= consumer.ready());
        consumer
            .ring()
            .trace
            .touch(consumer.next, count, consumer.capacity);
        ReadChunk {
            consumer,
            count,
            marker: PhantomData,
        }
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn rows(&self, count: usize) -> (*mut [T], *mut [T]) {
        let ends = &*self.consumer;
        rows(ends.places, ends.next, count, ends.capacity)
    }

    /// The values, oldest first: those up to the end of the buffer, and those at its beginning.
    pub fn as_slices(&self) -> (&[T], &[T]) {
        let (first, second) = self.rows(self.count);
        // SAFETY: values that are the consumer's (`spsc.rs I2`, `spsc.rs I4`), and it is borrowed.
        let first = unsafe { &*first };
        // SAFETY: as above.
        let second = unsafe { &*second };
        (first, second)
    }

    /// The same, to be changed where they stand.
    pub fn as_mut_slices(&mut self) -> (&mut [T], &mut [T]) {
        let (first, second) = self.rows(self.count);
        // SAFETY: as in `as_slices`, and borrowed by this alone.
        let first = unsafe { &mut *first };
        // SAFETY: as above; they do not overlap.
        let second = unsafe { &mut *second };
        (first, second)
    }

    /// Drops the `count` oldest values; their places are free after that, all at once.
    ///
    /// # Panics
    /// If there are not so many; or if the destructor of a value does: all of them are out of the ring
    /// nevertheless.
    ///
    /// ```
    /// use counterpoint_lockfree::queue::spsc;
    ///
    /// let (mut producer, mut consumer) = spsc::ring(3);
    /// assert_eq!(producer.push_slice(&[1, 2, 3]), 3);
    /// consumer.read_chunk(3).unwrap().commit(2);
    /// assert_eq!((consumer.pop(), consumer.pop()), (Some(3), None));
    /// ```
    pub fn commit(self, count: usize) {
        assert!(count <= self.count, "more values than were there");
        let (first, second) = self.rows(count);
        let consumer = self.consumer;
        consumer
            .ring()
            .trace
            .touch(consumer.next, count, consumer.capacity);
        // `spsc.rs I4`: not the ring's any more, whatever their destructors do.
        consumer.count(count);
        let freed = Freed(consumer);
        if mem::needs_drop::<T>() {
            let second = Row(second);
            drop(Row(first));
            drop(second);
        }
        drop(freed);
    }

    /// Drops all values of the chunk; see [`commit`](ReadChunk::commit).
    pub fn commit_all(self) {
        let count = self.count;
        self.commit(count);
    }
}

impl<T: fmt::Debug> fmt::Debug for ReadChunk<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second) = self.as_slices();
        f.debug_list().entries(first).entries(second).finish()
    }
}

impl<'c, T> IntoIterator for ReadChunk<'c, T> {
    type Item = T;
    type IntoIter = Values<'c, T>;

    fn into_iter(self) -> Values<'c, T> {
        Values {
            freed: Freed(self.consumer),
            left: self.count,
        }
    }
}

/// The values of a [`ReadChunk`], moved out one by one.
///
/// Those that were not moved out when this is dropped stay in the ring; the places of the others are
/// free then, all at once; if this is forgotten, when the consumer next takes a value, finds none, or is dropped.
pub struct Values<'c, T> {
    freed: Freed<'c, T>,
    left: usize,
}

impl<T> Iterator for Values<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        // SAFETY: as many are there as the chunk has.
        Some(unsafe { self.freed.0.take() })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T> ExactSizeIterator for Values<'_, T> {}
impl<T> FusedIterator for Values<'_, T> {}

impl<T> fmt::Debug for Values<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Values")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}
