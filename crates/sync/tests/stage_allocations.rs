//! A ticket is one allocation, and everything else none; counted in this thread.

use counterpoint_sync::stage::{Entered, Exit, Stage};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: all work is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often this thread allocates in `f`.
fn allocations<R>(f: impl FnOnce() -> R) -> (usize, R) {
    let before = COUNT.get();
    let result = f();
    (COUNT.get() - before, result)
}

#[test]
fn a_ticket_is_one_allocation_and_a_wait_none() {
    let stage: Stage<u64, (), (), u64> = Stage::with_values((), ());
    // The first wait of a thread takes a record.
    let _ = stage.enter(stage.ticket(0).unwrap(), None, |_| ());
    let (count, mut ticket) = allocations(|| stage.ticket(1).unwrap());
    assert_eq!(count, 1);
    let mut cx = Context::from_waker(Waker::noop());
    let (count, ()) = allocations(|| {
        for _ in 0..10 {
            assert_eq!(stage.enter(&mut ticket, None, |_| ()), Exit::Finished(()));
        }
        stage.notify_with(&1, 7).unwrap();
        assert_eq!(stage.enter(&mut ticket, None, |_| ()), Exit::Value(7));
    });
    assert_eq!(count, 0, "at once");
    let mut other = stage.ticket(2).unwrap();
    let Entered::Head(head) = stage.enter_async(&mut other).wait() else {
        panic!("nobody else is there");
    };
    let (count, ()) = allocations(|| {
        let short = Some(Duration::from_micros(100));
        assert_eq!(stage.enter(&mut ticket, short, |_| ()), Exit::Timeout);
        {
            let mut wait = pin!(stage.enter_async(&mut ticket));
            assert!(wait.as_mut().poll(&mut cx).is_pending());
            assert!(stage.notify(&1));
            assert!(matches!(wait.poll(&mut cx), Poll::Ready(Entered::Token)));
        }
        let mut wait = pin!(stage.enter_async(&mut ticket));
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        drop(head);
        assert!(matches!(wait.poll(&mut cx), Poll::Ready(Entered::Head(_))));
        assert_eq!(stage.notify_all(), 2);
        stage.close();
    });
    assert_eq!(count, 0, "in line");
}

#[test]
fn the_table_grows_in_steps() {
    let stage: Stage<u64, (), ()> = Stage::new((), ());
    let mut tickets = Vec::with_capacity(1_000);
    let (count, ()) = allocations(|| {
        tickets.extend((0..1_000).map(|token| stage.ticket(token).unwrap()));
    });
    assert!((1_000..1_012).contains(&count), "{count}");
    drop(tickets);
    let (count, _ticket) = allocations(|| stage.ticket(1).unwrap());
    assert_eq!(count, 1, "what it has grown stays");
}
