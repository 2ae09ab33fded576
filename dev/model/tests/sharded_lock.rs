//! Models of the sharded lock. Two threads have shards of their own, others are the crowd.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Waker};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread::{self, JoinHandle};
use counterpoint_base::record;
use counterpoint_model::{Branch, model};
use counterpoint_sync::ShardedLock;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A number whose every access the checker watches.
struct Watched(UnsafeCell<u32>);

// SAFETY: read and written with the lock held for that only.
unsafe impl Sync for Watched {}
// SAFETY: as above.
unsafe impl Send for Watched {}

type Lock = Arc<ShardedLock<Watched>>;

fn lock() -> Lock {
    Arc::new(ShardedLock::new(Watched(UnsafeCell::new(0))))
}

fn spawn(lock: &Lock, body: fn(&ShardedLock<Watched>)) -> JoinHandle<()> {
    let lock = lock.clone();
    thread::spawn(move || body(&lock))
}

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    for thread in threads {
        thread.join().unwrap();
    }
}

fn look(value: &Watched) -> u32 {
    // SAFETY: the lock is held.
    value.0.with(|value| unsafe { *value })
}

fn reads(lock: &ShardedLock<Watched>) {
    look(&lock.read());
}

/// Reads if nobody writes, on a thread that has waited or read before: the short way.
fn tries_to_read(lock: &ShardedLock<Watched>) {
    record::with(|_| ());
    if let Ok(guard) = lock.try_read() {
        look(&guard);
    }
}

fn add(value: &Watched) {
    // SAFETY: the lock is held for writing.
    value.0.with_mut(|value| unsafe { *value += 1 });
}

fn writes(lock: &ShardedLock<Watched>) {
    add(&lock.write());
}

/// Claims the lock if nobody writes, waits for readers, and is dropped where it is then.
fn comes_and_goes(lock: &ShardedLock<Watched>) {
    let mut write = pin!(lock.write_async());
    let mut cx = Context::from_waker(Waker::noop());
    if let core::task::Poll::Ready(guard) = write.as_mut().poll(&mut cx) {
        add(&guard);
    }
}

model! {
    /// The flag of a writer and the count of a reader: they never miss each other.
    fn writers_exclude_readers() {
        let lock = lock();
        let threads = [spawn(&lock, tries_to_read), spawn(&lock, |lock| {
            if let Ok(guard) = lock.try_write() {
                add(&guard);
            }
        })];
        join(threads);
    }

    /// The same for a reader without a shard of its own: of three threads one has none.
    fn a_crowd_is_excluded() {
        let lock = lock();
        let threads = [spawn(&lock, |_| ()), spawn(&lock, tries_to_read)];
        if let Ok(guard) = lock.try_write() {
            add(&guard);
        }
        join(threads);
    }

    /// Who reads sees what was written, and what it reads is not written meanwhile.
    fn readers_see_what_was_written(preemptions: Some(3)) {
        let lock = lock();
        join([spawn(&lock, writes), spawn(&lock, reads)]);
        assert_eq!(look(&lock.read()), 1);
    }

    /// Who writes sees what was written before.
    fn writers_take_turns(preemptions: Some(3)) {
        let lock = lock();
        join([spawn(&lock, writes), spawn(&lock, writes)]);
        assert_eq!(look(&lock.read()), 2);
    }

    /// A writer waits for two that read; the last one wakes it.
    fn the_last_reader_wakes_the_writer(preemptions: Some(3)) {
        let lock = lock();
        let first = lock.read();
        let threads = [spawn(&lock, writes), spawn(&lock, tries_to_read)];
        look(&first);
        drop(first);
        join(threads);
    }

    /// A writer that waits for a reader is dropped: the reader it held back comes in.
    fn a_dropped_writer_frees_readers(preemptions: Some(3)) {
        let lock = lock();
        let held = lock.read();
        let threads = [spawn(&lock, comes_and_goes), spawn(&lock, reads)];
        join(threads);
        drop(held);
        assert!(lock.try_write().is_ok());
    }

    /// A writer's time is over while a reader goes: it writes, or another one can.
    fn a_late_writer_frees_the_next(
        branches: [Branch::DeadlineFirst],
        per_thread: 1,
        preemptions: Some(3),
    ) {
        let lock = lock();
        let held = lock.read();
        let late = spawn(&lock, |lock| {
            if let Ok(guard) = lock.write_timeout(SECOND) {
                add(&guard);
            }
        });
        let next = spawn(&lock, writes);
        drop(held);
        join([late, next]);
        assert!(look(&lock.read()) >= 1);
    }

    /// A reader and a writer queue behind a writer; the reader is dropped.
    fn who_waits_is_let_in(preemptions: Some(3)) {
        let lock = lock();
        let held = lock.write();
        let goes = spawn(&lock, |lock| {
            let mut read = pin!(lock.read_async());
            let mut cx = Context::from_waker(Waker::noop());
            if let core::task::Poll::Ready(guard) = read.as_mut().poll(&mut cx) {
                look(&guard);
            }
        });
        let waits = spawn(&lock, writes);
        add(&held);
        drop(held);
        join([goes, waits]);
        assert_eq!(look(&lock.read()), 2);
    }
}
