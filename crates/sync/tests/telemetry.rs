//! What state a primitive says it is in.

mod task;

use counterpoint_sync::{
    AutoResetEvent, Barrier, Claim, Condvar, Latch, ManualResetEvent, Mutex, Notify, OnceCell,
    ReentrantMutex, RwLock, Semaphore, ShardedLock, Telemetry, WaitGroup,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use task::Task;

/// Kind, held, free, waiters.
type Row = (&'static str, Option<usize>, Option<isize>, usize);

fn row(seen: Telemetry) -> Row {
    (seen.kind, seen.held, seen.free, seen.waiters)
}

#[test]
fn locks() {
    let mutex = Mutex::new(());
    assert_eq!(row(mutex.telemetry()), ("Mutex", Some(0), Some(1), 0));
    let held = mutex.lock();
    let waits = Task::queued(mutex.lock_async());
    assert_eq!(row(mutex.telemetry()), ("Mutex", Some(1), Some(0), 1));
    assert!(mutex.telemetry().exclusive && !mutex.telemetry().closed);
    drop((waits, held));
    let panics = || {
        let _guard = mutex.lock();
        panic!("for this test");
    };
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    assert!(mutex.telemetry().poisoned && !mutex.telemetry().exclusive);

    let again = ReentrantMutex::new(());
    let _held = (again.lock(), again.lock());
    assert_eq!(
        row(again.telemetry()),
        ("ReentrantMutex", Some(1), Some(0), 0)
    );

    let lock = RwLock::new(());
    let reads = (lock.read(), lock.upgradable_read());
    let waits = Task::queued(lock.write_async());
    assert_eq!(row(lock.telemetry()), ("RwLock", Some(2), None, 1));
    assert!(!lock.telemetry().exclusive);
    drop((waits, reads));
    let _writes = lock.write();
    assert_eq!(row(lock.telemetry()), ("RwLock", Some(1), None, 0));
    assert!(lock.telemetry().exclusive);
}

#[test]
fn permits_and_signals() {
    let slots = Semaphore::new(3);
    let held = slots.acquire_many(2).unwrap();
    let waits = Task::queued(slots.acquire_many_async(2));
    assert_eq!(row(slots.telemetry()), ("Semaphore", None, Some(1), 1));
    drop((waits, held));
    slots.reduce(5);
    assert_eq!(slots.telemetry().free, Some(-2));
    slots.close();
    assert!(slots.telemetry().closed);

    let notify = Notify::new();
    let waits = Task::queued(notify.notified());
    assert_eq!(row(notify.telemetry()), ("Notify", None, Some(0), 1));
    drop(waits);
    notify.notify_one();
    assert_eq!(row(notify.telemetry()), ("Notify", None, Some(1), 0));
}

#[test]
fn groups_and_cells() {
    let barrier = Barrier::new(3);
    let waits = Task::queued(barrier.wait_async());
    assert_eq!(row(barrier.telemetry()), ("Barrier", Some(1), Some(2), 1));
    drop(waits);
    assert_eq!(row(barrier.telemetry()), ("Barrier", Some(0), Some(3), 0));

    let group = WaitGroup::new();
    let other = group.clone();
    let waits = Task::queued(group.wait_ref_async());
    // The handle that waits is lent meanwhile.
    assert_eq!(row(group.telemetry()), ("WaitGroup", Some(1), None, 1));
    drop((waits, other));

    let cell = OnceCell::new();
    assert_eq!(row(cell.telemetry()), ("OnceCell", Some(0), Some(1), 0));
    let Some(Claim::Init(init)) = cell.try_claim() else {
        panic!("it is empty");
    };
    let waits = Task::queued(cell.wait_async());
    assert_eq!(row(cell.telemetry()), ("OnceCell", Some(1), Some(0), 1));
    init.fill(1);
    drop(waits);
    assert_eq!(row(cell.telemetry()), ("OnceCell", Some(0), Some(0), 0));
    assert!(cell.telemetry().closed);
}

#[test]
fn conditions_gates_and_shards() {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    let waits = Task::queued(condvar.wait_async(mutex.lock()));
    assert_eq!(row(condvar.telemetry()), ("Condvar", None, None, 1));
    drop(waits);
    let (gate, turnstile) = (ManualResetEvent::new(false), AutoResetEvent::new(true));
    let waits = Task::queued(gate.wait_async());
    assert_eq!(
        row(gate.telemetry()),
        ("ManualResetEvent", None, Some(0), 1)
    );
    drop(waits);
    assert_eq!(
        row(turnstile.telemetry()),
        ("AutoResetEvent", None, Some(1), 0)
    );
    let latch = Latch::new(1);
    assert!(!latch.telemetry().closed && latch.count_down() && latch.telemetry().closed);
    assert_eq!(row(latch.telemetry()), ("Latch", None, None, 0));
    let lock = ShardedLock::new(());
    let held = lock.read();
    let waits = Task::queued(lock.write_async());
    assert_eq!(row(lock.telemetry()), ("ShardedLock", None, None, 1));
    drop((waits, held));
    let held = lock.write();
    assert_eq!(row(lock.telemetry()), ("ShardedLock", Some(1), None, 0));
    assert!(lock.telemetry().exclusive);
    drop(held);
}

#[test]
fn names_are_known_where_there_are_hooks() {
    let mutex = Mutex::new(());
    mutex.named("orders");
    let expected = cfg!(feature = "hooks").then_some("orders");
    assert_eq!(mutex.telemetry().name, expected);
}

/// A lock is free or held, never both or neither.
#[test]
fn it_is_of_one_instant() {
    let mutex = Mutex::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..3000).for_each(|_| *mutex.lock() += 1));
        }
        for _ in 0..300 {
            let seen = mutex.telemetry();
            assert_eq!(seen.held.unwrap() as isize + seen.free.unwrap(), 1);
            assert!(seen.waiters <= 2);
        }
    });
}
