use super::{Entry, Heap};
use core::task::Waker;
use counterpoint_base::prim::time::{self, Duration, Instant};
use std::collections::BTreeMap;

/// A small generator, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn after(start: Instant, micros: u64) -> Instant {
    start + Duration::from_micros(micros)
}

#[test]
fn heap_agrees_with_a_sorted_map() {
    let start = time::now();
    for seed in 1..=40 {
        let mut random = Random(0x9E37_79B9_7F4A_7C15 ^ (seed << 32) ^ seed);
        let entries: Vec<Entry> = (0..200).map(|_| Entry::new()).collect();
        let mut heap = Heap::new();
        let mut model: BTreeMap<usize, Instant> = BTreeMap::new();
        for _ in 0..5_000 {
            let which = random.below(entries.len() as u64) as usize;
            match random.below(5) {
                0..=1 => {
                    model.entry(which).or_insert_with(|| {
                        let deadline = after(start, random.below(1_000));
                        // SAFETY: not linked, as the model knows; lives longer than the heap.
                        unsafe { heap.insert(&entries[which], deadline, Waker::noop().clone()) };
                        deadline
                    });
                }
                2..=3 => {
                    // SAFETY: the entry is alive, and there is one heap.
                    let waker = unsafe { heap.remove(&entries[which]) };
                    assert_eq!(waker.is_some(), model.remove(&which).is_some());
                }
                _ => {
                    let now = after(start, random.below(300));
                    let earliest = model.values().min().copied();
                    let popped = heap.pop_due(now).is_some();
                    assert_eq!(popped, earliest.is_some_and(|earliest| earliest <= now));
                    if popped {
                        // The one that left the heap is the one that is unlinked now.
                        let gone: Vec<usize> = model
                            .keys()
                            .copied()
                            // SAFETY: the entry is alive.
                            .filter(|&one| unsafe { heap.deadline(&entries[one]) }.is_none())
                            .collect();
                        assert_eq!(gone.len(), 1);
                        assert_eq!(model.remove(&gone[0]), earliest);
                    }
                }
            }
            assert_eq!(heap.earliest(), model.values().min().copied());
        }
        let end = after(start, 2_000);
        for _ in 0..model.len() {
            assert!(heap.pop_due(end).is_some());
        }
        assert!(heap.pop_due(end).is_none());
    }
}

#[test]
fn many_equal_deadlines_need_no_stack() {
    let start = time::now();
    let entries: Vec<Entry> = (0..200_000).map(|_| Entry::new()).collect();
    let mut heap = Heap::new();
    for entry in &entries {
        // SAFETY: not linked yet; lives longer than the heap.
        unsafe { heap.insert(entry, start, Waker::noop().clone()) };
    }
    for _ in &entries {
        assert!(heap.pop_due(start).is_some());
    }
    assert_eq!(heap.earliest(), None);
}
