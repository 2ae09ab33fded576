//! The tickets of a stage by the hash of their tokens: a table that grows by one bucket at a time.
//!
//! # From
//! Litwin, "Linear hashing" (1980): the bucket that is split next does not depend on where an entry
//! goes, so each insertion does a bounded part of the growing.
//!
//! # Invariants
//! * I1: no token is hashed or compared here, and no entry dropped: entries come and go as shared
//!   pointers, found by their hash. Who looks for a token compares it with one entry after the other,
//!   in the order of their numbers, without the lock.
//! * I2: an entry is in the bucket that [`Table::index`] names for its hash.
//! * I3: an entry that is moved by a split goes to a higher bucket. So who walks the buckets upwards
//!   meets every entry that was there when it began and is still there.
//!
//! # Edges
//! None: all of it is reached under the lock of the stage.
//!
//! # Rejected
//! `HashMap` under the lock: it hashes and compares with the lock held, and moves all entries at once
//! when it grows.
//!
//! # Checked by
//! stage/table/tests.rs.

use std::sync::Arc;

use super::entry::Entry;

/// Buckets of the first segment; each next one doubles the table.
const FIRST: usize = 8;
const SEGMENTS: usize = usize::BITS as usize - FIRST.trailing_zeros() as usize + 1;

type Bucket<T, V> = Option<Arc<Entry<T, V>>>;

/// A run of buckets.
pub(super) type Segment<T, V> = Box<[Bucket<T, V>]>;

/// Buckets for a table that has `len` of them in its segments.
pub(super) fn segment<T, V>(len: usize) -> Segment<T, V> {
    let mut buckets = Vec::with_capacity(len);
    buckets.resize_with(len, || None);
    buckets.into_boxed_slice()
}

pub(super) struct Table<T, V> {
    segments: [Option<Segment<T, V>>; SEGMENTS],
    /// Buckets in use.
    buckets: usize,
    len: usize,
    last_id: u64,
    /// Somebody makes the next segment.
    grows: bool,
}

/// The segment of a bucket, and its place in there.
fn locate(index: usize) -> (usize, usize) {
    if index < FIRST {
        return (0, index);
    }
    let log = index.ilog2();
    ((log - FIRST.ilog2() + 1) as usize, index - (1_usize << log))
}

/// How many buckets a segment has.
fn length(segment: usize) -> usize {
    FIRST << segment.saturating_sub(1)
}

impl<T, V> Table<T, V> {
    pub(super) fn new() -> Table<T, V> {
        let mut segments = [const { None }; SEGMENTS];
        segments[0] = Some(segment(FIRST));
        Table {
            segments,
            buckets: FIRST,
            len: 0,
            last_id: 0,
            grows: false,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn buckets(&self) -> usize {
        self.buckets
    }

    /// The number of the entry that was inserted last.
    pub(super) fn last_id(&self) -> u64 {
        self.last_id
    }

    fn index(&self, hash: u64) -> usize {
        // The table never has more buckets than a number holds: the upper half of a hash is spare.
        let mask = self.buckets.next_power_of_two() - 1;
        let index = hash as usize & mask;
        if index < self.buckets {
            index
        } else {
            index & (mask >> 1)
        }
    }

    fn bucket(&mut self, index: usize) -> &mut Bucket<T, V> {
        let (segment, place) = locate(index);
        let segment = self.segments[segment].as_mut();
        &mut segment.expect("buckets in use have their segment")[place]
    }

    /// The first entry of a bucket for which `pick` says yes.
    ///
    /// # Safety
    /// The caller holds the lock of the stage.
    pub(super) unsafe fn find(
        &mut self,
        bucket: usize,
        mut pick: impl FnMut(&Arc<Entry<T, V>>) -> bool,
    ) -> Option<Arc<Entry<T, V>>> {
        let mut next = self.bucket(bucket).as_ref().map(Arc::as_ptr);
        while let Some(entry) = next {
            // SAFETY: it is in the table, which keeps it, and the lock is held.
            let shared = unsafe { shared(entry) };
            if pick(&shared) {
                return Some(Arc::clone(&shared));
            }
            // SAFETY: the lock is held.
            next = unsafe { shared.place(|place| place.next.as_ref().map(Arc::as_ptr)) };
        }
        None
    }

    /// The entry with this hash whose number is the smallest after `after`, and its number.
    ///
    /// # Safety
    /// The caller holds the lock of the stage.
    pub(super) unsafe fn candidate(
        &mut self,
        hash: u64,
        after: u64,
    ) -> Option<(Arc<Entry<T, V>>, u64)> {
        let mut least = u64::MAX;
        let index = self.index(hash);
        let look = |entry: &Arc<Entry<T, V>>| {
            // SAFETY: the lock is held.
            let id = unsafe { entry.place(|place| place.id) };
            if entry.hash == hash && id > after {
                least = least.min(id);
            }
            false
        };
        // SAFETY: the lock is held.
        unsafe { self.find(index, look) };
        // SAFETY: the lock is held.
        let is_least = |entry: &Arc<Entry<T, V>>| unsafe { entry.place(|place| place.id == least) };
        // SAFETY: the lock is held.
        let entry = unsafe { self.find(index, is_least) }?;
        Some((entry, least))
    }

    /// Puts an entry in, which is in no table, and grows if it can.
    ///
    /// # Safety
    /// The caller holds the lock of the stage.
    pub(super) unsafe fn insert(&mut self, entry: Arc<Entry<T, V>>) {
        self.last_id += 1;
        self.len += 1;
        let (hash, id) = (entry.hash, self.last_id);
        let bucket = self.index(hash);
        // SAFETY: the lock is held.
        unsafe { self.put(bucket, entry, Some(id)) };
        // Twice, to make up for the time in which a segment was wanting.
        for _ in 0..2 {
            if self.len > self.buckets && self.wants().is_none() {
                // SAFETY: the lock is held.
                unsafe { self.split() };
            }
        }
    }

    /// # Safety
    /// The caller holds the lock of the stage.
    unsafe fn put(&mut self, bucket: usize, entry: Arc<Entry<T, V>>, id: Option<u64>) {
        let bucket = self.bucket(bucket);
        let next = bucket.take();
        // SAFETY: the lock is held.
        unsafe {
            entry.place(|place| {
                place.next = next;
                place.id = id.unwrap_or(place.id);
            });
        }
        *bucket = Some(entry);
    }

    /// Takes an entry out. Returns what the table had of it, to be dropped after unlocking; none if
    /// it is not there.
    ///
    /// # Safety
    /// The caller holds the lock of the stage.
    pub(super) unsafe fn remove(&mut self, entry: &Entry<T, V>) -> Option<Arc<Entry<T, V>>> {
        let index = self.index(entry.hash);
        let mut before = None;
        let is_it = |other: &Arc<Entry<T, V>>| {
            let found = core::ptr::eq(Arc::as_ptr(other), entry);
            if !found {
                before = Some(Arc::as_ptr(other));
            }
            found
        };
        // SAFETY: the lock is held.
        drop(unsafe { self.find(index, is_it) }?);
        self.len -= 1;
        // SAFETY: the lock is held.
        let next = unsafe {
            entry.place(|place| {
                place.id = 0;
                place.next.take()
            })
        };
        let Some(before) = before else {
            return core::mem::replace(self.bucket(index), next);
        };
        // SAFETY: it is in the table, which keeps it.
        let before = unsafe { shared(before) };
        // SAFETY: the lock is held.
        unsafe { before.place(|place| core::mem::replace(&mut place.next, next)) }
    }

    /// The length of the segment that it needs before it can grow by another bucket.
    pub(super) fn wants(&self) -> Option<usize> {
        let (next, _) = locate(self.buckets);
        self.segments[next].is_none().then(|| length(next))
    }

    /// The same, if the next entry lets it grow and nobody makes that segment: now the caller does,
    /// and gives it. One that does not leaves a table that works and grows no more.
    pub(super) fn begin_to_grow(&mut self) -> Option<usize> {
        if self.grows || self.len < self.buckets {
            return None;
        }
        let wanted = self.wants();
        self.grows = wanted.is_some();
        wanted
    }

    /// Takes the segment that it wants.
    pub(super) fn give(&mut self, segment: Segment<T, V>) {
        debug_assert_eq!(self.wants(), Some(segment.len()));
        let (next, _) = locate(self.buckets);
        self.segments[next] = Some(segment);
        self.grows = false;
    }

    /// Takes another bucket into use, whose segment is there, and moves what belongs into it.
    ///
    /// # Safety
    /// The caller holds the lock of the stage.
    unsafe fn split(&mut self) {
        let new = self.buckets;
        let old = new - (1_usize << new.ilog2());
        self.buckets += 1;
        let mut rest = self.bucket(old).take();
        while let Some(entry) = rest {
            // SAFETY: the lock is held.
            rest = unsafe { entry.place(|place| place.next.take()) };
            let bucket = self.index(entry.hash);
            debug_assert!(bucket == old || bucket == new);
            // SAFETY: the lock is held.
            unsafe { self.put(bucket, entry, None) };
        }
    }
}

/// A shared pointer that does not count.
///
/// # Safety
/// `entry` comes from an `Arc`, one of which lives as long as what is returned.
unsafe fn shared<T, V>(entry: *const Entry<T, V>) -> core::mem::ManuallyDrop<Arc<Entry<T, V>>> {
    // SAFETY: by the caller's promise; never dropped, so not counted.
    core::mem::ManuallyDrop::new(unsafe { Arc::from_raw(entry) })
}

impl<T, V> Drop for Table<T, V> {
    /// Only tickets that were leaked are left. One after the other: a bucket may be long.
    fn drop(&mut self) {
        for index in 0..self.buckets {
            let mut rest = self.bucket(index).take();
            while let Some(entry) = rest {
                // SAFETY: the stage ends, so nobody else is there.
                rest = unsafe { entry.place(|place| place.next.take()) };
            }
        }
    }
}

#[cfg(test)]
mod tests;
