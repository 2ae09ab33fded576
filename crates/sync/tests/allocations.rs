//! Waits allocate nothing; counted over the whole process, so this is one test in a binary of its
//! own.

use counterpoint_sync::mutex::{Baton, Lock, LockOwned};
use counterpoint_sync::semaphore::Acquire;
use counterpoint_sync::wait_group::WaitGroupWaitRef;
use counterpoint_sync::{
    AutoResetEvent, Barrier, Condvar, Exchanger, Latch, ManualResetEvent, Mutex, MutexGuard,
    Notify, OnceCell, RwLock, Semaphore, ShardedLock, WaitGroup,
};
use counterpoint_wait::cancel::{CancelToken, Cancelled, Ctl};
use counterpoint_wait::queue::Node;
use counterpoint_wait::timer::SleepUntil;
use counterpoint_wait::{Bounded, block_on, select, select_async};
use std::alloc::{GlobalAlloc, Layout, System};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator with a number beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::SeqCst);
        // SAFETY: by the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: by the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations() -> usize {
    ALLOCATIONS.load(Ordering::SeqCst)
}

#[track_caller]
fn free(what: &str, f: impl FnOnce()) {
    let before = allocations();
    f();
    let after = allocations();
    assert_eq!(after - before, 0, "allocations of {what}");
}

const SHORT: Duration = Duration::from_millis(2);

fn alone() {
    let (mutex, fair) = (Mutex::new(1), Mutex::fair(1));
    let owned = Arc::new(Mutex::new(1));
    let (semaphore, group, token) = (Semaphore::new(1), WaitGroup::new(), CancelToken::new());
    let rwlock = RwLock::new(1);
    let mut cx = Context::from_waker(Waker::noop());
    free("uncontended verbs", || {
        drop(mutex.lock());
        drop(mutex.try_lock());
        drop(fair.lock());
        drop(owned.lock_owned());
        drop(semaphore.acquire());
        group.wait_ref();
        drop(mutex.lock_timeout(SHORT));
        drop(rwlock.read());
        drop(rwlock.write());
        drop(rwlock.upgradable_read());
        block_on(async { drop(rwlock.read_async().await) });
    });
    let held = mutex.lock();
    let (held_fair, permit) = (fair.lock(), semaphore.acquire());
    free("timeouts", || {
        assert!(mutex.lock_timeout(SHORT).is_err());
        assert!(fair.lock_timeout(SHORT).is_err());
        assert!(semaphore.acquire_timeout(SHORT).is_err());
        assert!(token.cancelled().timeout(SHORT).wait().is_err());
        block_on(async { assert!(mutex.lock_async().timeout(SHORT).await.is_err()) });
        assert!(
            mutex
                .lock_async()
                .until(token.cancelled())
                .timeout(SHORT)
                .wait()
                .is_err()
        );
    });
    free("waits to read and to write", || {
        let reads = rwlock.read();
        assert!(rwlock.write_timeout(SHORT).is_err());
        let mut writes = pin!(rwlock.write_async());
        let mut more = pin!(rwlock.read_async());
        assert!(writes.as_mut().poll(&mut cx).is_pending());
        assert!(more.as_mut().poll(&mut cx).is_pending());
        drop(reads);
        assert!(writes.as_mut().poll(&mut cx).is_ready());
        assert!(more.as_mut().poll(&mut cx).is_ready());
    });
    free("waits for a value and for others", || {
        let (cell, barrier) = (OnceCell::new(), Barrier::new(2));
        let mut reads = pin!(cell.wait_async());
        let mut fills = pin!(cell.get_or_init_async(async || 1));
        assert!(reads.as_mut().poll(&mut cx).is_pending());
        assert!(fills.as_mut().poll(&mut cx).is_ready());
        assert!(reads.as_mut().poll(&mut cx).is_ready());
        assert!(barrier.wait_timeout(SHORT).is_err());
        let mut arrives = pin!(barrier.wait_async());
        assert!(arrives.as_mut().poll(&mut cx).is_pending());
        assert!(barrier.wait().is_leader());
        assert!(arrives.as_mut().poll(&mut cx).is_ready());
    });
    free("conditions and gates", || {
        let (value, condvar) = (Mutex::new(1), Condvar::new());
        let mut guard = value.lock();
        assert!(condvar.wait_timeout(&mut guard, SHORT).is_err());
        let mut waits = pin!(condvar.wait_while_async(guard, |value| *value == 1));
        assert!(waits.as_mut().poll(&mut cx).is_pending());
        *value.lock() = 2;
        assert!(condvar.notify_one());
        assert!(waits.as_mut().poll(&mut cx).is_ready());
        let (gate, turnstile) = (ManualResetEvent::new(false), AutoResetEvent::new(false));
        let latch = Latch::new(1);
        assert!(gate.wait_timeout(SHORT).is_err());
        assert!(turnstile.wait_timeout(SHORT).is_err());
        assert!(latch.wait_timeout(SHORT).is_err());
        let mut waits = (
            pin!(gate.wait_async()),
            pin!(turnstile.wait_async()),
            pin!(latch.wait_async()),
        );
        assert!(waits.0.as_mut().poll(&mut cx).is_pending());
        assert!(waits.1.as_mut().poll(&mut cx).is_pending());
        assert!(waits.2.as_mut().poll(&mut cx).is_pending());
        assert!(gate.set() && turnstile.set() && latch.count_down());
        assert!(waits.0.as_mut().poll(&mut cx).is_ready());
        assert!(waits.1.as_mut().poll(&mut cx).is_ready());
        assert!(waits.2.as_mut().poll(&mut cx).is_ready());
    });
    free("a sharded lock", || {
        let lock = ShardedLock::new(1);
        drop((lock.read(), lock.read()));
        *lock.write() = 2;
        let reads = lock.read();
        assert!(lock.write_timeout(SHORT).is_err());
        let mut writes = pin!(lock.write_async());
        assert!(writes.as_mut().poll(&mut cx).is_pending());
        let mut waits = pin!(lock.read_async());
        assert!(waits.as_mut().poll(&mut cx).is_pending());
        drop(reads);
        assert!(writes.as_mut().poll(&mut cx).is_ready());
        assert!(waits.as_mut().poll(&mut cx).is_ready());
    });
    free("selects", || {
        for _ in 0..3 {
            select! {
                _guard = mutex.lock_async() => unreachable!(),
                _guard = fair.lock_async() => unreachable!(),
                () = token.cancelled() => unreachable!(),
                timeout(SHORT) => {}
            }
            block_on(async {
                select_async! {
                    _guard = mutex.lock_async() => unreachable!(),
                    _permit = semaphore.acquire_async() => unreachable!(),
                    timeout(SHORT) => {}
                }
            });
            select! { _guard = mutex.lock_async() => unreachable!(), default => {} }
        }
    });
    free("queued, moved on, woken, dropped", || {
        let mut first = pin!(fair.lock_async());
        let mut second = pin!(fair.lock_async());
        assert!(first.as_mut().poll(&mut cx).is_pending());
        assert!(second.as_mut().poll(&mut cx).is_pending());
        MutexGuard::unlock_fair(held_fair);
        assert!(first.as_mut().poll(&mut cx).is_ready());
        assert!(second.as_mut().poll(&mut cx).is_ready());
    });
    free("cancel", || {
        let ctl = Ctl::new().cancel(&token);
        let mut lock = pin!(mutex.lock_async().with(&ctl));
        let mut cancelled = pin!(token.cancelled());
        assert!(lock.as_mut().poll(&mut cx).is_pending());
        assert!(cancelled.as_mut().poll(&mut cx).is_pending());
        token.cancel("now");
        assert!(matches!(lock.as_mut().poll(&mut cx), Poll::Ready(Err(_))));
        assert!(cancelled.as_mut().poll(&mut cx).is_ready());
    });
    drop((held, permit));
}

/// Those that meet, those that are told, and what looks at the others.
fn meetings() {
    let mut cx = Context::from_waker(Waker::noop());
    let (exchanger, notify, mutex) = (Exchanger::new(), Notify::new(), Mutex::new(0));
    free("exchanges", || {
        assert_eq!(exchanger.try_exchange(1), Err(1));
        assert!(exchanger.exchange_timeout(1, SHORT).is_err());
        let mut first = pin!(exchanger.exchange_async(1));
        let mut second = pin!(exchanger.exchange_async(2));
        assert!(first.as_mut().poll(&mut cx).is_pending());
        assert_eq!(second.as_mut().poll(&mut cx), Poll::Ready(1));
        assert_eq!(first.as_mut().poll(&mut cx), Poll::Ready(2));
    });
    free("notifications", || {
        assert!(notify.wait_timeout(SHORT).is_err());
        let mut notified = pin!(notify.notified());
        assert!(notified.as_mut().poll(&mut cx).is_pending());
        notify.notify_one();
        assert!(notified.as_mut().poll(&mut cx).is_ready());
    });
    let held = mutex.lock();
    free("telemetry", || {
        let mut waits = pin!(mutex.lock_async());
        assert!(waits.as_mut().poll(&mut cx).is_pending());
        assert_eq!(mutex.telemetry().waiters, 1);
    });
    drop(held);
}

/// A thread waits, and is woken by this one, again and again.
fn woken() {
    const ROUNDS: usize = 100;
    let (mutex, queued) = (Mutex::fair(0), AtomicBool::new(false));
    let start = std::sync::Barrier::new(2);
    let mut held = Some(mutex.lock());
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            // Its record, before anything is counted.
            assert!(mutex.lock_timeout(Duration::ZERO).is_err());
            start.wait();
            for _ in 0..ROUNDS {
                let tell = poll_fn(|_| {
                    queued.store(true, Ordering::SeqCst);
                    Poll::<()>::Pending
                });
                *mutex.lock_async().until(tell).wait().unwrap() += 1;
                start.wait();
            }
        });
        start.wait();
        free("waits and wake-ups", || {
            for round in 0..ROUNDS {
                while !queued.swap(false, Ordering::SeqCst) {
                    thread::yield_now();
                }
                // Again, if the thread slept for so long that its reservation ended.
                while held.as_ref().is_some_and(|count| **count == round) {
                    if let Some(held) = held.take() {
                        MutexGuard::unlock_fair(held);
                    }
                    // Before the thread goes on, so that it has to queue again.
                    held = Some(mutex.lock());
                }
                start.wait();
            }
        });
        thread.join().unwrap();
    });
    assert_eq!(held.map(|guard| *guard), Some(ROUNDS));
}

/// The first wait of a thread allocates its record at most.
fn first_wait_of_a_thread() {
    let mutex = Mutex::new(());
    let held = mutex.lock();
    let mut fewest = usize::MAX;
    for _ in 0..8 {
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let before = allocations();
                assert!(mutex.lock_timeout(Duration::ZERO).is_err());
                allocations() - before
            });
            fewest = fewest.min(thread.join().unwrap());
        });
    }
    drop(held);
    println!("first wait of a thread: at least {fewest} allocations");
    assert!(fewest <= 1);
}

fn sizes() {
    macro_rules! print_sizes {
        ($($operation:ty: $node:ty;)*) => {$(
            println!("{:>4} bytes: {}, its node {}", size_of::<$operation>(), stringify!($operation), size_of::<$node>());
            assert!(size_of::<$operation>() >= size_of::<$node>());
        )*};
    }
    print_sizes! {
        Lock<'static, u8>: Node<Baton>;
        LockOwned<u8>: Node<Baton>;
        Bounded<Lock<'static, u8>>: Node<Baton>;
        Cancelled<'static>: Node<()>;
        Acquire<'static>: Node<()>;
        WaitGroupWaitRef<'static>: Node<()>;
        SleepUntil: counterpoint_wait::timer::TimerNode;
    }
    println!("{:>4} bytes: Mutex<()>", size_of::<Mutex<()>>());
    // With the hooks each knows where it was made.
    if !cfg!(feature = "hooks") {
        assert_eq!(size_of::<Mutex<()>>(), 16);
        assert_eq!(size_of::<Mutex<u64>>(), 24);
        assert_eq!(size_of::<RwLock<()>>(), 24);
        assert_eq!(size_of::<RwLock<u64>>(), 32);
    }
}

/// The runner's own thread allocates once more before it waits for this test, late on a machine
/// with much to do.
fn settle() {
    let mut before = usize::MAX;
    while allocations() != before {
        before = allocations();
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn w7_waits_allocate_nothing() {
    // Asked once in a process, when a lock is contended for the first time.
    let _ = counterpoint_base::prim::thread::parallelism();
    // This thread's record, and the timer thread.
    counterpoint_wait::timer::sleep(SHORT).wait();
    block_on(counterpoint_wait::timer::sleep(SHORT));
    settle();
    sizes();
    alone();
    meetings();
    woken();
    first_wait_of_a_thread();
}
