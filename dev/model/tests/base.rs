//! Models of the ground room: the internal lock and the table of thread records.

use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::lock::FutexLock;
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_base::record::Registry;
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
                        use counterpoint_base::prim::atomic::RELAXED;
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
}
