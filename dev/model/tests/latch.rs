//! Models of the latch.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Waker};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread::{self, JoinHandle};
use counterpoint_model::{Branch, model};
use counterpoint_sync::Latch;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

struct Work {
    done: Latch,
    parts: [UnsafeCell<u32>; 2],
}

// SAFETY: each part is written by one before it counts down, and read after the latch is open.
unsafe impl Sync for Work {}
// SAFETY: as above.
unsafe impl Send for Work {}

impl Work {
    fn new() -> Arc<Work> {
        Arc::new(Work {
            done: Latch::new(2),
            parts: [UnsafeCell::new(0), UnsafeCell::new(0)],
        })
    }

    fn write(&self, mine: usize) {
        // SAFETY: before it counts down.
        self.parts[mine].with_mut(|value| unsafe { *value = 7 });
    }

    fn read(&self) {
        for part in &self.parts {
            // SAFETY: the latch is open.
            part.with(|value| unsafe { assert_eq!(*value, 7) });
        }
    }
}

fn spawn(work: &Arc<Work>, body: fn(&Work)) -> JoinHandle<()> {
    let work = work.clone();
    thread::spawn(move || body(&work))
}

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    for thread in threads {
        thread.join().unwrap();
    }
}

model! {
    /// Who waits sees what each did before it counted down, also the one that counts last.
    fn count_carries_data(preemptions: Some(3)) {
        let work = Work::new();
        let counts = spawn(&work, |work| {
            work.write(0);
            work.done.count_down();
        });
        let arrives = spawn(&work, |work| {
            work.write(1);
            work.done.arrive_and_wait();
            work.read();
        });
        work.done.wait();
        work.read();
        join([counts, arrives]);
    }

    /// One looks and never waits.
    fn a_look_carries_data() {
        let work = Work::new();
        let counts = spawn(&work, |work| {
            work.write(0);
            work.done.count_down();
        });
        let others = spawn(&work, |work| {
            work.write(1);
            work.done.count_down();
        });
        if work.done.try_wait() {
            work.read();
        }
        join([counts, others]);
    }

    /// One that waits is dropped, and one times out, as it opens.
    fn drop_and_timeout_race_opening(
        branches: [Branch::DeadlineFirst],
        per_thread: 1,
        preemptions: Some(3),
    ) {
        let work = Work::new();
        work.done.count_down();
        let goes = spawn(&work, |work| {
            let mut wait = pin!(work.done.wait_async());
            let mut cx = Context::from_waker(Waker::noop());
            let _ = wait.as_mut().poll(&mut cx);
        });
        let late = spawn(&work, |work| {
            if work.done.wait_timeout(SECOND).is_err() {
                work.done.wait();
            }
        });
        assert!(work.done.count_down());
        join([goes, late]);
        assert!(work.done.is_open());
    }
}
