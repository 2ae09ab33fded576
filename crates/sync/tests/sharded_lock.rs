//! The sharded lock, form by form.

mod task;

use counterpoint_sync::{LockError, ShardedLock, TryLockError};
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::{block_on, select, select_async};
use std::cell::RefCell;
use std::future::{Future, pending, ready};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, RawWaker, RawWakerVTable, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};
use task::Task;

const SHORT: Duration = Duration::from_millis(2);
const LONG: Duration = Duration::from_secs(600);

fn panics<R>(f: impl FnOnce() -> R) -> bool {
    panic::catch_unwind(AssertUnwindSafe(f)).is_err()
}

#[test]
fn many_read_or_one_writes() {
    let mut lock = ShardedLock::new(1);
    {
        let (one, two) = (lock.read(), lock.try_read().unwrap());
        assert_eq!((*one, *two), (1, 1));
        let would_block = Err(TryLockError::WouldBlock);
        assert_eq!(lock.try_write().map(|_| ()), would_block);
        drop(one);
        assert_eq!(lock.try_write().map(|_| ()), would_block);
        assert_eq!(*lock.read_timeout(Duration::ZERO).unwrap(), 1);
        assert_eq!(*lock.read_deadline(Instant::now()).unwrap(), 1);
    }
    let mut written = lock.write();
    *written += 1;
    assert_eq!(lock.try_read().err(), Some(TryLockError::WouldBlock));
    assert_eq!(lock.try_write().err(), Some(TryLockError::WouldBlock));
    assert!(format!("{lock:?} {written:?} {written}").contains("<locked>"));
    drop(written);
    *lock.try_write().unwrap() += 1;
    *lock.write_timeout(Duration::ZERO).unwrap() += 1;
    *lock.write_deadline(Instant::now()).unwrap() += 1;
    *block_on(lock.write_async()) += 1;
    assert_eq!(*block_on(lock.read_async()), 6);
    *lock.get_mut() += 1;
    let text = "ShardedLock { data: 7, poisoned: false, .. } 7";
    assert_eq!(format!("{lock:?} {}", lock.read()), text);
    assert_eq!(lock.into_inner(), 7);
    let unsized_: &ShardedLock<[u8]> = &ShardedLock::new([1, 2]);
    assert_eq!(unsized_.read().len(), 2);
    assert_eq!(*ShardedLock::<u8>::default().read(), 0);
    assert_eq!(*ShardedLock::from(3).read(), 3);
}

#[test]
fn bounds_end_a_wait() {
    let (lock, token) = (ShardedLock::new(()), CancelToken::new());
    let ctl = Ctl::new().cancel(&token);
    let held = lock.read();
    let late = Some(LockError::TimedOut);
    assert_eq!(lock.write_timeout(SHORT).err(), late);
    assert_eq!(lock.write_deadline(Instant::now()).err(), late);
    let cancelled = Some(LockError::Cancelled);
    let mut by_future = Task::queued(lock.write_async());
    assert_eq!(lock.read_async().until(ready(())).wait().err(), cancelled);
    assert_eq!(lock.read_timeout(SHORT).err(), late);
    assert_eq!(lock.read_deadline(Instant::now()).err(), late);
    let mut by_token = Task::queued(lock.read_async().with(&ctl).timeout(LONG));
    let mut writes = Task::queued(lock.write_async().with(&ctl));
    token.cancel("enough");
    assert_eq!(by_token.ready().err(), cancelled);
    assert_eq!(writes.ready().err(), cancelled);
    drop(held);
    assert_eq!(by_future.woken(), 1);
    drop(by_future.ready());
    // Nothing is tried.
    assert_eq!(lock.read_async().with(&ctl).wait().err(), cancelled);
    assert_eq!(lock.write_async().with(&ctl).wait().err(), cancelled);
    assert!(lock.try_write().is_ok());
}

#[test]
fn a_writer_that_waits_keeps_readers_out_until_it_is_dropped() {
    let lock = ShardedLock::new(());
    let held = lock.read();
    let writer = Task::queued(lock.write_async());
    assert!(lock.try_read().is_err());
    let mut others = [(); 40].map(|()| Task::queued(lock.read_async()));
    let mut second = Task::queued(lock.write_async());
    drop(writer);
    assert!(others.iter().all(|other| other.woken() == 1) && second.woken() == 1);
    let guards = others.each_mut().map(Task::ready);
    assert!(second.poll().is_pending());
    drop(guards);
    assert!(second.poll().is_pending());
    drop(held);
    assert_eq!(second.woken(), 2);
    drop(second.ready());
    assert!(lock.try_write().is_ok());
    // One that was granted and is dropped lets the others in.
    let held = lock.write();
    let first = Task::queued(lock.write_async());
    let mut second = Task::queued(lock.write_async());
    drop(held);
    drop(first);
    drop(second.ready());
    // One that is never polled holds nobody up who comes later, or is polled.
    let held = lock.write();
    let dormant = Task::queued(lock.write_async());
    let mut polled = Task::queued(lock.write_async());
    drop(held);
    assert!(lock.try_read().is_ok());
    drop(polled.ready());
    drop(dormant);
    // Granted first, then too late: it has it.
    let held = lock.read();
    let mut timed = Task::queued(lock.write_async().timeout(SHORT));
    drop(held);
    thread::sleep(2 * SHORT);
    assert!(timed.ready().is_ok());
}

#[test]
fn a_panicking_writer_poisons_and_a_reader_does_not() {
    let lock = ShardedLock::new(0);
    assert!(panics(|| {
        let _reads = lock.read();
        panic!("a reader panics");
    }));
    assert!(!lock.is_poisoned());
    assert!(panics(|| {
        *lock.write() = 1;
        let _writes = lock.write();
        panic!("a writer panics");
    }));
    assert!(lock.is_poisoned() && *lock.read() == 1);
    lock.clear_poison();
    assert!(!lock.is_poisoned() && lock.try_write().is_ok());
}

#[test]
fn they_are_arms() {
    let (one, two) = (ShardedLock::new(1), ShardedLock::new(2));
    let held = one.read();
    select! {
        _guard = one.write_async() => panic!("it is read"),
        guard = two.read_async() => assert_eq!(*guard, 2),
    }
    assert!(one.try_read().is_ok(), "the losing arm holds nobody back");
    let mut select = Task::queued(async {
        select_async! {
            guard = one.write_async() => *guard,
            () = pending::<()>() => unreachable!(),
        }
    });
    assert!(select.poll().is_pending() && one.try_read().is_err());
    drop(held);
    assert_eq!(select.ready(), 1);
    assert!(one.try_write().is_ok());
}

#[test]
fn a_panicking_waker_leaves_no_claim() {
    struct Bomb;
    impl Wake for Bomb {
        fn wake(self: Arc<Bomb>) {
            panic!("a waker panics");
        }
    }
    const TABLE: RawWakerVTable =
        RawWakerVTable::new(|_| panic!("a clone panics"), |_| (), |_| (), |_| ());
    let lock = ShardedLock::new(());
    let held = lock.read();
    // SAFETY: the functions of the table take any data.
    let bad = unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &TABLE)) };
    let mut writes = Box::pin(lock.write_async());
    let mut cx = Context::from_waker(&bad);
    assert!(panics(|| writes.as_mut().poll(&mut cx).is_ready()));
    assert!(lock.try_read().is_err(), "it has claimed the lock");
    let mut waits = Task::queued(lock.read_async());
    drop(writes);
    drop(waits.ready());
    drop(held);
    // As it is woken.
    let held = lock.read();
    let bomb = Waker::from(Arc::new(Bomb));
    let mut writes = Box::pin(lock.write_async());
    let pending = writes.as_mut().poll(&mut Context::from_waker(&bomb));
    assert!(pending.is_pending() && panics(|| drop(held)));
    drop(writes);
    assert!(lock.try_write().is_ok());
}

static LAST: ShardedLock<u32> = ShardedLock::new(0);

/// A guard that is dropped, and one that is taken, after the thread has given its record back.
#[test]
fn destructors_of_thread_locals_may_hold_guards() {
    struct Late(RefCell<Option<counterpoint_sync::ShardedLockReadGuard<'static, u32>>>);
    impl Drop for Late {
        fn drop(&mut self) {
            let more = LAST.try_read();
            drop(self.0.take());
            drop(more);
            drop(LAST.try_read());
        }
    }
    thread_local! {
        static LATE: Late = const { Late(RefCell::new(None)) };
    }
    for _ in 0..50 {
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    // First touched, so destroyed after the record was given back.
                    LATE.with(|late| {
                        *late.0.borrow_mut() = Some(LAST.read());
                    });
                });
            }
        });
        *LAST.write_timeout(LONG).unwrap() += 1;
    }
    assert_eq!(*LAST.read(), 50);
}

#[test]
fn more_threads_than_shards_read_and_write() {
    const ROUNDS: usize = 300;
    let (lock, writes) = (ShardedLock::new((0, 0)), AtomicUsize::new(0));
    thread::scope(|scope| {
        for number in 0..24 {
            let (lock, writes) = (&lock, &writes);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    if (number + round) % 50 == 0 {
                        let mut guard = match number % 3 {
                            0 => lock.write(),
                            1 => block_on(lock.write_async()),
                            _ => match lock.write_timeout(Duration::from_micros(20)) {
                                Ok(guard) => guard,
                                Err(_) => continue,
                            },
                        };
                        guard.0 += 1;
                        thread::yield_now();
                        guard.1 += 1;
                        writes.fetch_add(1, Ordering::SeqCst);
                    } else {
                        let guard = match number % 3 {
                            0 => lock.read(),
                            1 => block_on(lock.read_async()),
                            _ => match lock.read_timeout(Duration::from_micros(20)) {
                                Ok(guard) => guard,
                                Err(_) => continue,
                            },
                        };
                        assert_eq!(guard.0, guard.1);
                    }
                }
            });
        }
    });
    assert_eq!(lock.into_inner().0, writes.into_inner());
}
