//! Waiting for permits or notifications allocates nothing.

use counterpoint_sync::{Notify, Semaphore};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of this thread in `body`.
fn allocations(body: impl FnOnce()) -> usize {
    let before = COUNT.with(Cell::get);
    body();
    COUNT.with(Cell::get) - before
}

#[test]
fn a_blocked_thread_allocates_nothing() {
    let (semaphore, notify) = (Semaphore::new(0), Notify::new());
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            // The first wait of a thread takes its record.
            let _ = notify.wait_timeout(Duration::from_millis(1));
            allocations(|| {
                for _ in 0..10 {
                    drop(semaphore.acquire().unwrap());
                    notify.wait();
                    let _ = semaphore.acquire_many_timeout(9, Duration::from_millis(1));
                }
            })
        });
        let releases = allocations(|| {
            thread::sleep(Duration::from_millis(5));
            semaphore.add_permits(1);
            while !waiter.is_finished() {
                notify.notify_one();
                thread::yield_now();
            }
        });
        assert_eq!((waiter.join().unwrap(), releases), (0, 0));
    });
}

#[test]
fn a_queued_task_allocates_nothing() {
    let (semaphore, notify) = (Semaphore::new(0), Notify::new());
    let mut cx = Context::from_waker(Waker::noop());
    // With the cfg `counterpoint_jitter` the first operation of all tells the seed.
    assert!(semaphore.try_acquire().is_err());
    let count = allocations(|| {
        for _ in 0..10 {
            let mut acquire = pin!(semaphore.acquire_many_async(2));
            let mut notified = pin!(notify.notified());
            assert!(acquire.as_mut().poll(&mut cx).is_pending());
            assert!(notified.as_mut().poll(&mut cx).is_pending());
            let mut left = pin!(semaphore.acquire_async());
            assert!(left.as_mut().poll(&mut cx).is_pending());
            semaphore.add_permits(2);
            notify.notify_all();
            assert!(notified.as_mut().poll(&mut cx).is_ready());
            assert!(acquire.as_mut().poll(&mut cx).is_ready());
            semaphore.forget_permits(2);
        }
    });
    assert_eq!(count, 0);
}
