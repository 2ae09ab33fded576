//! What a wait group promises.

#[path = "../../base/tests/leak/mod.rs"]
mod leak;

use leak::leak;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use counterpoint_sync::{WaitGroup, WaitGroupError};
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::{Stop, block_on};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: forwards to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations(f: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    f();
    ALLOCATIONS.get() - before
}

const SOON: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(60);

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Waits until `done`, for things that another thread will do.
fn until(done: impl Fn() -> bool) {
    let end = Instant::now() + LONG;
    while !done() {
        assert!(Instant::now() < end);
        thread::yield_now();
    }
}

#[test]
fn waits_for_every_clone() {
    let group = WaitGroup::new();
    let done = Arc::new(AtomicUsize::new(0));
    for _ in 0..8 {
        let (group, done) = (group.clone(), done.clone());
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(1));
            done.fetch_add(1, Ordering::Relaxed);
            drop(group);
        });
    }
    group.wait();
    assert_eq!(done.load(Ordering::Relaxed), 8);
}

#[test]
fn alone_it_does_not_wait() {
    WaitGroup::default().wait();
    let group = WaitGroup::new();
    assert!(group.try_wait());
    group.wait_ref();
    assert_eq!(group.wait_ref_timeout(Duration::ZERO), Ok(()));
    assert!(group.wait_timeout(Duration::ZERO).is_ok());
}

#[test]
fn count_is_of_those_who_do_not_wait() {
    let group = WaitGroup::new();
    let other = group.clone();
    assert_eq!((group.count(), other.count()), (2, 2));
    {
        let mut wait = pin!(other.wait_ref_async());
        assert!(poll_once(wait.as_mut()).is_pending());
        assert_eq!(group.count(), 1);
    }
    assert_eq!(group.count(), 2);
    assert_eq!(format!("{group:?}"), "WaitGroup { count: 2 }");
}

#[test]
fn timed_out_by_value_gives_the_handle_back() {
    let group = WaitGroup::new();
    let other = group.clone();
    let Err(error) = group.wait_timeout(SOON) else {
        panic!("the other handle is alive")
    };
    assert_eq!(error.stop(), Stop::TimedOut);
    assert!(matches!(error, WaitGroupError::TimedOut(_)));
    let group = error.into_inner();
    assert_eq!(group.count(), 2);
    let group = group
        .wait_deadline(Instant::now())
        .unwrap_err()
        .into_inner();
    drop(other);
    group.wait();
}

#[test]
fn timed_out_by_reference_takes_the_unit_back() {
    let group = WaitGroup::new();
    let other = group.clone();
    assert_eq!(group.wait_ref_timeout(SOON), Err(Stop::TimedOut));
    assert_eq!(group.wait_ref_deadline(Instant::now()), Err(Stop::TimedOut));
    assert_eq!(group.count(), 2);
    drop(other);
    group.wait_ref();
}

#[test]
fn cancelled_waits_keep_their_units() {
    let group = WaitGroup::new();
    let other = group.clone();
    let token = CancelToken::new();
    let ctl = Ctl::new().cancel(&token);
    thread::scope(|s| {
        s.spawn(|| {
            assert_eq!(
                other.wait_ref_async().with(&ctl).wait(),
                Err(Stop::Cancelled)
            )
        });
        until(|| group.count() == 1);
        token.cancel("enough");
    });
    assert_eq!(group.count(), 2);
    let error = group.wait_async().with(&ctl).wait().unwrap_err();
    assert_eq!(error.stop(), Stop::Cancelled);
    assert_eq!(error.into_inner().count(), 2);
}

#[test]
fn waiters_by_reference_release_each_other_and_have_their_units_again() {
    let group = WaitGroup::new();
    for _ in 0..50 {
        let handles: Vec<_> = (0..3).map(|_| group.clone()).collect();
        let handles: Vec<_> = handles
            .into_iter()
            .map(|handle| {
                thread::spawn(move || {
                    handle.wait_ref();
                    handle
                })
            })
            .collect();
        group.wait_ref();
        let handles: Vec<_> = handles.into_iter().map(|h| h.join().unwrap()).collect();
        assert_eq!(group.count(), 4);
        assert!(!group.try_wait());
        drop(handles);
        assert!(group.try_wait());
    }
}

#[test]
fn one_handle_lends_its_unit_once() {
    let group = WaitGroup::new();
    let other = group.clone();
    let (mut first, mut second) = (
        pin!(group.wait_ref_async()),
        Box::pin(group.wait_ref_async()),
    );
    assert!(poll_once(first.as_mut()).is_pending());
    assert!(poll_once(second.as_mut()).is_pending());
    assert_eq!(other.count(), 1);
    drop(second);
    assert_eq!(other.count(), 1, "the first still waits");
    drop(other);
    assert!(poll_once(first.as_mut()).is_ready());
    assert_eq!(group.count(), 1);
}

#[test]
fn a_wait_of_an_ended_generation_does_not_touch_the_next() {
    let group = WaitGroup::new();
    let other = group.clone();
    let mut late = Box::pin(group.wait_ref_async());
    assert!(poll_once(late.as_mut()).is_pending());
    drop(other);
    let other = group.clone();
    let mut next = pin!(group.wait_ref_async());
    assert!(poll_once(next.as_mut()).is_pending());
    assert_eq!(other.count(), 1);
    drop(late);
    assert_eq!(other.count(), 1);
    drop(other);
    assert!(poll_once(next.as_mut()).is_ready());
    assert_eq!(group.count(), 1);
}

#[test]
fn more_waiters_than_a_batch_are_released_together() {
    let group = WaitGroup::new();
    let handles: Vec<_> = (0..100).map(|_| group.clone()).collect();
    let mut waits: Vec<_> = handles
        .iter()
        .map(|h| Box::pin(h.wait_ref_async()))
        .collect();
    for wait in &mut waits {
        assert!(poll_once(wait.as_mut()).is_pending());
    }
    assert_eq!(group.count(), 1);
    group.wait_ref();
    assert_eq!(group.count(), 101);
    assert!(
        waits
            .iter_mut()
            .all(|wait| poll_once(wait.as_mut()).is_ready())
    );
}

#[test]
fn a_dropped_operation_drops_its_handle() {
    let group = WaitGroup::new();
    drop(group.clone().wait_async());
    assert_eq!(group.count(), 1);
    let mut wait = Box::pin(group.clone().wait_async());
    assert!(poll_once(wait.as_mut()).is_pending());
    drop(wait);
    assert_eq!(group.count(), 1);
    group.wait();
}

#[test]
fn a_released_operation_that_is_dropped_leaves_nothing() {
    let group = WaitGroup::new();
    let mut by_value = Box::pin(group.clone().wait_async());
    assert!(poll_once(by_value.as_mut()).is_pending());
    assert!(group.try_wait());
    drop(by_value);
    assert_eq!(group.count(), 1);
}

#[test]
fn a_leaked_wait_does_not_break_the_count() {
    let group = WaitGroup::new();
    let handle = group.clone();
    let mut wait = Box::pin(handle.wait_ref_async());
    assert!(poll_once(wait.as_mut()).is_pending());
    leak(wait);
    assert_eq!(group.count(), 1);
    drop(handle);
    assert_eq!(group.count(), 1);
    group.wait();
}

#[test]
fn unwinding_counts_as_done() {
    let group = WaitGroup::new();
    let other = group.clone();
    let panicked = thread::spawn(move || {
        let _other = other;
        panic!("on purpose");
    });
    group.wait_ref();
    assert!(panicked.join().is_err());
    assert_eq!(group.count(), 1);
}

#[test]
fn a_panicking_waker_wakes_the_others_first() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("on purpose");
        }
    }
    let group = WaitGroup::new();
    let (first, second) = (group.clone(), group.clone());
    let mut angry = pin!(first.wait_ref_async());
    let waker = Waker::from(Arc::new(Panics));
    let pending = angry.as_mut().poll(&mut Context::from_waker(&waker));
    assert!(pending.is_pending());
    let other = thread::spawn(move || second.wait());
    until(|| group.count() == 1);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(group)));
    assert!(panicked.is_err());
    other.join().unwrap();
    assert!(poll_once(angry.as_mut()).is_ready());
}

#[test]
fn a_task_and_a_thread_wait_for_the_same_group() {
    let group = WaitGroup::new();
    let (task, thread) = (group.clone(), group.clone());
    let task = thread::spawn(move || block_on(async move { task.wait_async().await }));
    let thread = thread::spawn(move || thread.wait_ref());
    until(|| group.count() == 1);
    group.wait();
    task.join().unwrap();
    thread.join().unwrap();
}

#[test]
fn allocates_once_for_a_group_and_never_for_a_wait() {
    assert_eq!(allocations(|| drop(WaitGroup::new())), 1);
    let group = WaitGroup::new();
    let other = group.clone();
    let _ = group.wait_ref_timeout(Duration::from_millis(1));
    let waits = allocations(|| {
        drop(other.clone());
        assert!(group.wait_ref_timeout(Duration::from_millis(1)).is_err());
    });
    assert_eq!(waits, 0);
}

/// Many handles that clone, drop, wait in every way: nobody waits for ever. (All may be lent at one
/// moment, which releases everyone; so who stays for good waits by value, leaving no unit behind.)
#[test]
fn stress() {
    let seed = std::env::var("COUNTERPOINT_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| u64::from(std::process::id()) << 20 | 1);
    println!("wait_group stress: COUNTERPOINT_SEED={seed}");
    let rounds = if cfg!(miri) { 3 } else { 300 };
    for round in 0..rounds {
        let group = WaitGroup::new();
        thread::scope(|s| {
            for i in 0..4u64 {
                let handle = group.clone();
                let mut random = (seed ^ (round << 8) ^ i).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
                s.spawn(move || {
                    let mut next = move || {
                        random ^= random << 13;
                        random ^= random >> 7;
                        random ^= random << 17;
                        random % 5
                    };
                    for _ in 0..8 {
                        match next() {
                            0 => drop(handle.clone()),
                            1 => drop(handle.wait_ref_timeout(Duration::from_micros(next()))),
                            2 => drop(handle.clone().wait_timeout(Duration::from_micros(next()))),
                            3 => {
                                let mut wait = pin!(handle.wait_ref_async());
                                let _ = poll_once(wait.as_mut());
                            }
                            _ => drop(handle.try_wait()),
                        }
                    }
                    if next() > 2 {
                        handle.wait();
                    }
                });
            }
            group.wait();
        });
    }
}
