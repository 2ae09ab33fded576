//! What is known of primitives besides what they do, by address: names, ranks and numbers, in a table
//! of short lists.
//!
//! # Invariants
//! * I1: a list is reached under the lock of its bucket only.
//! * I2: entries are allocated before and freed after the lock is held: an allocator is foreign
//!   code.

use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::{AtomicUsize, RELAXED};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::lock::RawLock;

const BUCKETS: usize = 64;

/// What is known of one primitive.
#[derive(Clone, Copy)]
pub(super) struct Facts {
    /// No other primitive has had it, not even one that was at this address before.
    pub(super) id: u64,
    pub(super) name: Option<&'static str>,
    pub(super) rank: Option<u32>,
}

struct Entry {
    object: usize,
    facts: Facts,
    next: Option<Box<Entry>>,
}

struct Bucket {
    lock: RawLock,
    first: UnsafeCell<Option<Box<Entry>>>,
}

// SAFETY: I1; entries hold numbers and a static string, so any thread may reach and free them.
unsafe impl Send for Bucket {}
// SAFETY: as above.
unsafe impl Sync for Bucket {}

impl Bucket {
    const_fn! {
        const fn new() -> Bucket {
            Bucket { lock: RawLock::new(), first: UnsafeCell::new(None) }
        }
    }

    /// Runs `f` on the list, with the lock held; `f` neither allocates nor frees (I2).
    fn with<R>(&self, f: impl FnOnce(&mut Option<Box<Entry>>) -> R) -> R {
        let _guard = self.lock.lock();
        // SAFETY: I1: the lock is held.
        self.first.with_mut(|first| f(unsafe { &mut *first }))
    }
}

#[cfg(not(counterpoint_loom))]
const fn empty() -> [Bucket; BUCKETS] {
    [const { Bucket::new() }; BUCKETS]
}

#[cfg(counterpoint_loom)]
fn empty() -> [Bucket; BUCKETS] {
    core::array::from_fn(|_| Bucket::new())
}

counterpoint_base::static_! {
    /// How many entries there are.
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    static TABLE: [Bucket; BUCKETS] = empty();
}

fn bucket(object: usize) -> &'static Bucket {
    // The lowest bits of addresses are alike.
    &TABLE[(object >> 4) % BUCKETS]
}

/// The place of the entry of `object`, or the end of the list.
fn find(mut place: &mut Option<Box<Entry>>, object: usize) -> &mut Option<Box<Entry>> {
    while place.as_ref().is_some_and(|entry| entry.object != object) {
        place = &mut place.as_mut().expect("looked at just now").next;
    }
    place
}

/// Changes what is known of `object`, and returns it as it is then.
pub(super) fn edit(object: usize, mut change: impl FnMut(&mut Facts)) -> Facts {
    let mut new = Some(Box::new(Entry {
        object,
        facts: Facts {
            id: super::on::number(),
            name: None,
            rank: None,
        },
        next: None,
    }));
    let facts = bucket(object).with(|first| {
        let place = find(first, object);
        if place.is_none() {
            *place = new.take();
        }
        let entry = place.as_mut().expect("it was there, or is there now");
        change(&mut entry.facts);
        entry.facts
    });
    if new.is_none() {
        // Relaxed: whoever drops the primitive orders that after telling this of it.
        COUNT.fetch_add(1, RELAXED);
    }
    // I2: what is left of `new` is freed here.
    facts
}

/// What is known of `object`, if anything was named at all.
pub(super) fn get(object: usize) -> Option<Facts> {
    // Relaxed: as in `edit`.
    if COUNT.load(RELAXED) == 0 {
        return None;
    }
    bucket(object).with(|first| find(first, object).as_ref().map(|entry| entry.facts))
}

pub(super) fn forget(object: usize) {
    // Relaxed: as in `edit`; most programs name little, and every primitive that ends comes here.
    if COUNT.load(RELAXED) == 0 {
        return;
    }
    let entry = bucket(object).with(|first| {
        let place = find(first, object);
        let mut entry = place.take();
        if let Some(entry) = &mut entry {
            *place = entry.next.take();
        }
        entry
    });
    if entry.is_some() {
        // Relaxed: as in `edit`.
        COUNT.fetch_sub(1, RELAXED);
    }
    // I2: freed here.
}
