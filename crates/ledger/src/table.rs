//! A table by number, in many short lists, each under a small lock.
//!
//! # Invariants
//! * I1: nothing is allocated, freed or called with a lock held: an allocator is foreign code, and may wait
//!   for something of which the ledger is told.

use counterpoint_base::prim::lock::Guarded;

const BUCKETS: usize = 512;

struct Entry<V> {
    key: u64,
    value: V,
    next: List<V>,
}

type List<V> = Option<Box<Entry<V>>>;

/// Values by number. To clone one allocates nothing.
pub(crate) struct Table<V> {
    buckets: [Guarded<List<V>>; BUCKETS],
}

/// The place of the entry of `key`, or the end of the list.
fn find<V>(mut place: &mut List<V>, key: u64) -> &mut List<V> {
    while place.as_ref().is_some_and(|entry| entry.key != key) {
        place = &mut place.as_mut().expect("looked at just now").next;
    }
    place
}

impl<V: Clone> Table<V> {
    #[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
    pub(crate) const fn new() -> Table<V> {
        Table {
            buckets: [const { Guarded::new(None) }; BUCKETS],
        }
    }

    #[cfg(any(counterpoint_loom, counterpoint_shuttle))]
    pub(crate) fn new() -> Table<V> {
        Table {
            buckets: core::array::from_fn(|_| Guarded::new(None)),
        }
    }

    fn bucket(&self, key: u64) -> &Guarded<List<V>> {
        // Numbers of one thread follow each other, and addresses are multiples of eight or more.
        let mixed = key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48;
        &self.buckets[mixed as usize % BUCKETS]
    }

    /// Adds a value, which `seal` changes under the lock. The number is not in the table.
    pub(crate) fn insert(&self, key: u64, value: V, seal: impl FnOnce(&mut V)) {
        let mut new = Box::new(Entry {
            key,
            value,
            next: None,
        });
        self.bucket(key).with(|first| {
            seal(&mut new.value);
            new.next = first.take();
            *first = Some(new);
        });
    }

    /// Adds a value, unless the number is there: then returns false.
    pub(crate) fn add(&self, key: u64, value: V) -> bool {
        let mut new = Some(Box::new(Entry {
            key,
            value,
            next: None,
        }));
        self.bucket(key).with(|first| {
            let place = find(first, key);
            if place.is_none() {
                *place = new.take();
            }
        });
        // I1: what is left of `new` is freed here.
        new.is_none()
    }

    /// Takes a value out.
    pub(crate) fn remove(&self, key: u64) -> Option<V> {
        let entry = self.bucket(key).with(|first| {
            let place = find(first, key);
            let mut entry = place.take();
            if let Some(entry) = &mut entry {
                *place = entry.next.take();
            }
            entry
        });
        // I1: freed here.
        entry.map(|entry| entry.value)
    }

    /// Runs `f` on a value, with the lock held (I1).
    pub(crate) fn with<R>(&self, key: u64, f: impl FnOnce(&mut V) -> R) -> Option<R> {
        self.bucket(key)
            .with(|first| find(first, key).as_mut().map(|entry| f(&mut entry.value)))
    }

    /// All values, each as it was at one instant.
    pub(crate) fn all(&self) -> Vec<(u64, V)> {
        let mut found = Vec::new();
        for bucket in &self.buckets {
            copy(bucket, &mut found);
        }
        found
    }
}

/// Copies a list as it is at one instant. Room is made with the lock released (I1).
fn copy<V: Clone>(bucket: &Guarded<List<V>>, found: &mut Vec<(u64, V)>) {
    let before = found.len();
    loop {
        let mut missing = 0;
        bucket.with(|first| {
            let mut next = first.as_ref();
            while let Some(entry) = next {
                if found.len() < found.capacity() {
                    found.push((entry.key, entry.value.clone()));
                } else {
                    missing += 1;
                }
                next = entry.next.as_ref();
            }
        });
        if missing == 0 {
            return;
        }
        let all = found.len() - before + missing;
        found.truncate(before);
        // A few more than there were, as more may come meanwhile.
        found.reserve(all + 4);
    }
}
