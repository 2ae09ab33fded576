//! Models of the read-write lock.

use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_model::{Branch, choose, model};
use counterpoint_sync::{RwLock, RwLockUpgradableReadGuard, RwLockWriteGuard, UpgradeError};
use counterpoint_wait::block_on;
use std::time::Duration;

type Pair = RwLock<(u32, u32)>;

/// Starts each of `bodies` in a thread, runs `here`, and returns what was written at the end, when
/// somebody else must be able to write.
fn contend(lock: Pair, bodies: &[fn(&Pair)], here: impl FnOnce(&Pair)) -> u32 {
    let lock = Arc::new(lock);
    let threads: Vec<_> = bodies
        .iter()
        .map(|body| {
            let (lock, body) = (lock.clone(), *body);
            thread::spawn(move || body(&lock))
        })
        .collect();
    here(&lock);
    for thread in threads {
        thread.join().unwrap();
    }
    finish(&lock)
}

fn finish(lock: &Pair) -> u32 {
    let pair = lock.try_write().expect("everybody has left");
    assert_eq!(pair.0, pair.1);
    pair.0
}

fn write(lock: &Pair) {
    add(&mut lock.write());
}

fn add(pair: &mut (u32, u32)) {
    assert_eq!(pair.0, pair.1);
    pair.0 += 1;
    pair.1 += 1;
}

fn read(lock: &Pair) {
    let pair = lock.read();
    assert_eq!(pair.0, pair.1);
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls an operation that writes once and drops it, or awaits it.
fn write_or_drop(lock: &Pair) {
    let mut writes = pin!(lock.write_async());
    if let Poll::Ready(mut pair) = poll_once(writes.as_mut()) {
        return add(&mut pair);
    }
    if !choose(Branch::DropBeforePoll) {
        add(&mut block_on(writes));
    }
}

/// The same, reading.
fn read_or_drop(lock: &Pair) {
    let mut reads = pin!(lock.read_async());
    if let Poll::Ready(pair) = poll_once(reads.as_mut()) {
        return assert_eq!(pair.0, pair.1);
    }
    if !choose(Branch::DropBeforePoll) {
        let pair = block_on(reads);
        assert_eq!(pair.0, pair.1);
    }
}

/// Upgrades, or goes on reading and writes later.
fn upgrade(lock: &Pair) {
    let reads = lock.upgradable_read();
    let seen = reads.0;
    let upgrade = RwLockUpgradableReadGuard::upgrade_timeout(reads, Duration::from_secs(1));
    match upgrade {
        Ok(mut pair) => {
            assert_eq!(pair.0, seen, "nobody writes in between");
            add(&mut pair);
        }
        Err(error) => {
            assert!(matches!(error, UpgradeError::TimedOut(_)));
            assert_eq!(error.into_inner().0, seen, "nobody writes in between");
            write(lock);
        }
    }
}

model! {
    /// Three write: none is lost and none sleeps for ever.
    fn writers_exclude(preemptions: Some(3)) {
        assert_eq!(contend(RwLock::new((0, 0)), &[write, write], write), 3);
    }

    /// One writes and two read.
    fn readers_and_writers_exclude(preemptions: Some(3)) {
        assert_eq!(contend(RwLock::new((0, 0)), &[write, read], read), 1);
    }

    /// The same, served strictly in order.
    fn a_fair_lock_excludes(preemptions: Some(3)) {
        assert_eq!(contend(RwLock::fair((0, 0)), &[write, read], |_| ()), 1);
    }

    /// One comes to write without the queue, after one who read and one who wrote.
    fn trying_to_write_excludes(preemptions: Some(3)) {
        let tries: fn(&Pair) = |lock| {
            if let Ok(mut pair) = lock.try_write() {
                add(&mut pair);
            }
            if let Ok(pair) = lock.try_read() {
                assert_eq!(pair.0, pair.1);
            }
        };
        contend(RwLock::new((0, 0)), &[tries, tries], tries);
    }

    /// The last waiter registers while the holder leaves.
    fn last_waiter_registers_while_leaving(branches: [Branch::SpuriousWake]) {
        assert_eq!(contend(RwLock::new((0, 0)), &[write], write), 2);
    }

    /// The same after one who read.
    fn writer_registers_while_a_reader_leaves(branches: [Branch::SpuriousWake]) {
        assert_eq!(contend(RwLock::new((0, 0)), &[read], write), 1);
    }

    /// A writer in line keeps a reader out and gives up: the reader comes in while the first one
    /// still reads.
    fn a_writer_that_gives_up_frees_readers(branches: [Branch::DropBeforePoll], preemptions: Some(3)) {
        let lock = Arc::new(Pair::new((0, 0)));
        let reads = lock.read();
        let mut writes = Box::pin(lock.write_async());
        assert!(poll_once(writes.as_mut()).is_pending());
        let others = [(); 2].map(|()| {
            let lock = lock.clone();
            thread::spawn(move || read(&lock))
        });
        drop(writes);
        for other in others {
            // The guard is still held.
            other.join().unwrap();
        }
        drop(reads);
        assert_eq!(finish(&lock), 0);
    }

    /// The same while the first reader leaves, so that the writer may be granted before it is
    /// dropped.
    fn writer_cancel_races_readers(branches: [Branch::DropBeforePoll], per_thread: 1, preemptions: Some(2)) {
        let lock = Arc::new(Pair::new((0, 0)));
        let reads = lock.read();
        let writer = { let lock = lock.clone(); thread::spawn(move || write_or_drop(&lock)) };
        let reader = { let lock = lock.clone(); thread::spawn(move || read(&lock)) };
        drop(reads);
        writer.join().unwrap();
        reader.join().unwrap();
        assert!(finish(&lock) <= 1);
    }

    /// A writer's deadline comes while it is granted: the reader and the other writer come in.
    fn writer_timeout_races_readers(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let lock = Arc::new(Pair::new((0, 0)));
        let reads = lock.read();
        let timed = {
            let lock = lock.clone();
            thread::spawn(move || {
                if let Ok(mut pair) = lock.write_timeout(Duration::from_secs(1)) {
                    add(&mut pair);
                }
            })
        };
        let reader = { let lock = lock.clone(); thread::spawn(move || read(&lock)) };
        drop(reads);
        timed.join().unwrap();
        reader.join().unwrap();
        assert!(finish(&lock) <= 1);
    }

    /// Readers in line are dropped while they are let in: the writer behind them comes.
    fn reader_cancel_races_writer(branches: [Branch::DropBeforePoll], per_thread: 1, preemptions: Some(2)) {
        let lock = Arc::new(Pair::new((0, 0)));
        let writes = lock.write();
        let reader = { let lock = lock.clone(); thread::spawn(move || read_or_drop(&lock)) };
        let writer = { let lock = lock.clone(); thread::spawn(move || write(&lock)) };
        drop(writes);
        reader.join().unwrap();
        writer.join().unwrap();
        assert_eq!(finish(&lock), 1);
    }

    /// One upgrades while another writes: it sees nobody else's change in between.
    fn upgrade_races_writer(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        assert_eq!(contend(RwLock::new((0, 0)), &[upgrade, write], |_| ()), 2);
    }

    /// An upgrade waits for one that reads.
    fn upgrade_waits_for_readers(preemptions: Some(2)) {
        let lock = Arc::new(Pair::new((0, 0)));
        let reads = lock.upgradable_read();
        let others = [(); 2].map(|()| {
            let lock = lock.clone();
            thread::spawn(move || read(&lock))
        });
        add(&mut RwLockUpgradableReadGuard::upgrade(reads));
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(finish(&lock), 1);
    }

    /// Two want the upgradable guard; the second one gets it when the first becomes a reader like
    /// any other, or writes.
    fn upgradable_guards_come_one_by_one(preemptions: Some(3)) {
        let lock = Arc::new(Pair::new((0, 0)));
        let reads = lock.upgradable_read();
        let others = [(); 2].map(|()| {
            let lock = lock.clone();
            thread::spawn(move || drop(lock.upgradable_read()))
        });
        let reads = RwLockUpgradableReadGuard::downgrade(reads);
        for other in others {
            // The guard is still held.
            other.join().unwrap();
        }
        drop(reads);
        assert_eq!(finish(&lock), 0);
    }

    /// The last upgradable guard ends while one waits for it to write.
    fn an_upgradable_reader_has_read_before_it_is_overwritten(preemptions: Some(3)) {
        let body: fn(&Pair) = |lock| {
            let pair = lock.upgradable_read();
            assert_eq!(pair.0, pair.1);
        };
        assert_eq!(contend(RwLock::new((0, 0)), &[body, write], |_| ()), 1);
    }

    /// One who has written goes on reading: who comes in beside it sees what was written.
    fn downgrade_shows_what_was_written(preemptions: Some(2)) {
        let lock = Arc::new(Pair::new((0, 0)));
        let mut writes = lock.write();
        let others = [(); 2].map(|()| {
            let lock = lock.clone();
            thread::spawn(move || assert_eq!(*lock.read(), (1, 1)))
        });
        add(&mut writes);
        let reads = RwLockWriteGuard::downgrade(writes);
        for other in others {
            // The guard is still held.
            other.join().unwrap();
        }
        drop(reads);
        assert_eq!(finish(&lock), 1);
    }

    /// A reservation for a writer that is dropped while the lock is kept for it, and one who waits
    /// to write: the millisecond ends at any moment or not at all, and nobody sleeps for ever.
    fn reservations_end(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let lock = std::sync::Arc::new(Pair::fair((0, 0)));
        let held = lock.write();
        let mut dormant = Box::pin(lock.write_owned_async());
        assert!(poll_once(dormant.as_mut()).is_pending());
        let dropper = thread::spawn(move || drop(dormant));
        let writer = { let lock = lock.clone(); thread::spawn(move || write(&lock)) };
        drop(held);
        dropper.join().unwrap();
        writer.join().unwrap();
        assert_eq!(finish(&lock), 1);
    }

    /// The same with one who reads, for whom it is kept.
    fn reservations_for_readers_end(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let lock = std::sync::Arc::new(Pair::fair((0, 0)));
        let held = lock.write();
        let mut dormant = Box::pin(lock.read_owned_async());
        assert!(poll_once(dormant.as_mut()).is_pending());
        let dropper = thread::spawn(move || drop(dormant));
        let writer = { let lock = lock.clone(); thread::spawn(move || write(&lock)) };
        drop(held);
        dropper.join().unwrap();
        writer.join().unwrap();
        assert_eq!(finish(&lock), 1);
    }
}
