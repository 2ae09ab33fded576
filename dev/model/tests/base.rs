//! Models of the ground room: the internal lock, the table of thread records, asymmetric fences,
//! scoped threads, the striped counter and the sequence cell.

use counterpoint_base::prim::atomic::{AtomicUsize, RELAXED};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::lock::FutexLock;
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_base::record::Registry;
use counterpoint_base::thread::scope;
use counterpoint_base::{SeqCell, ShardedCounter, fence};
use counterpoint_model::{Branch, model};

struct Guarded {
    lock: FutexLock,
    value: UnsafeCell<u32>,
}

// SAFETY: `value` is touched only while `lock` is held.
unsafe impl Sync for Guarded {}
// SAFETY: as above.
unsafe impl Send for Guarded {}

impl Guarded {
    fn add(&self) -> u32 {
        let _held = self.lock.lock();
        self.value.with_mut(|value| {
            // SAFETY: the lock is held.
            let value = unsafe { &mut *value };
            *value += 1;
            *value
        })
    }
}

model! {
    /// Three threads add under the lock; none is lost, and nobody sleeps for ever.
    fn futex_lock_excludes(branches: [Branch::SpuriousWake], per_thread: 1, preemptions: Some(3)) {
        let guarded = Arc::new(Guarded { lock: FutexLock::new(), value: UnsafeCell::new(0) });
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let guarded = guarded.clone();
                thread::spawn(move || { guarded.add(); })
            })
            .collect();
        guarded.add();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(guarded.add(), 4);
    }

    /// A record is held by one thread at a time, and given back for the next one.
    fn records_are_held_once(preemptions: Some(3)) {
        let registry = Arc::new(Registry::new());
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let registry = registry.clone();
                thread::spawn(move || {
                    for _ in 0..2 {
                        let record = registry.take();
                        // Only the holder changes the depth.
                        assert_eq!(record.depth().load(RELAXED), 0, "held twice");
                        record.depth().store(1, RELAXED);
                        thread::yield_now();
                        record.depth().store(0, RELAXED);
                        registry.give_back(record);
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(registry.take().index() < 2, "a record was not given back");
    }

    /// Of a light and a heavy side at least one sees the other's store, in each of two rounds.
    fn asymmetric_fences_forbid_store_buffering() {
        let words = Arc::new([word(), word(), word(), word()]);
        let light = {
            let words = words.clone();
            thread::spawn(move || {
                [0, 2].map(|round| {
                    words[round].store(1, RELAXED);
                    fence::light("fence.light");
                    words[round + 1].load(RELAXED)
                })
            })
        };
        let heavy = thread::spawn(move || {
            [0, 2].map(|round| {
                words[round + 1].store(1, RELAXED);
                fence::heavy("fence.heavy");
                words[round].load(RELAXED)
            })
        });
        let (light, heavy) = (light.join().unwrap(), heavy.join().unwrap());
        for round in 0..2 {
            assert!(light[round] == 1 || heavy[round] == 1, "both missed the other's store");
        }
    }

    /// What the threads of a scope did is seen after it, joined or not, and nothing runs on.
    fn scope_ends_after_its_threads(branches: [Branch::SpuriousWake], per_thread: 1) {
        let (mut one, mut two) = (Tracked::new(), Tracked::new());
        scope(|s| {
            s.spawn(|s| {
                one.add();
                s.spawn(|_| two.add());
            });
        })
        .unwrap();
        assert_eq!((one.get(), two.get()), (1, 1));
    }

    /// A sum that runs beside additions is between the sums before and after; none is lost.
    fn counter_loses_nothing(preemptions: Some(3)) {
        let counter = Arc::new(ShardedCounter::new());
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let counter = counter.clone();
                thread::spawn(move || {
                    counter.add(1);
                    counter.add(1);
                })
            })
            .collect();
        assert!((0..=4).contains(&counter.sum()));
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(counter.sum(), 4);
    }

    /// No read is torn or goes back, and it sees what came before the write it finds.
    fn seq_cell_reads_are_whole(preemptions: Some(3)) {
        let cell = Arc::new((SeqCell::new(0_usize), word()));
        let writer = {
            let cell = cell.clone();
            thread::spawn(move || {
                for value in 1..=2 {
                    cell.1.store(value, RELAXED);
                    cell.0.store(value);
                }
            })
        };
        let reader = {
            let cell = cell.clone();
            thread::spawn(move || {
                let first = cell.0.load();
                assert!(cell.1.load(RELAXED) >= first, "what came before the write is missing");
                let second = cell.0.load();
                assert!(second >= first, "went back");
            })
        };
        writer.join().unwrap();
        reader.join().unwrap();
        assert_eq!(cell.0.load(), 2);
    }

    /// Two threads update at once; both count.
    fn seq_cell_updates_are_not_lost(preemptions: Some(3)) {
        let cell = Arc::new(SeqCell::new(0));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let cell = cell.clone();
                thread::spawn(move || { cell.update(|value| value + 1); })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(cell.load(), 2);
    }
}

/// A word at 0.
fn word() -> AtomicUsize {
    AtomicUsize::new(0)
}

/// A number whose every access the checker sees.
struct Tracked(UnsafeCell<u32>);

impl Tracked {
    fn new() -> Tracked {
        Tracked(UnsafeCell::new(0))
    }

    fn add(&mut self) {
        // SAFETY: `&mut self` keeps others away; the checker looks whether that is so.
        self.0.with_mut(|value| unsafe { *value += 1 });
    }

    fn get(&mut self) -> u32 {
        // SAFETY: as in `add`.
        self.0.with(|value| unsafe { *value })
    }
}
