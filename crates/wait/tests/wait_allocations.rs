//! A wait that is not timed allocates nothing either; counted for this thread.

use counterpoint_wait::cancel::CancelToken;
use counterpoint_wait::event::Event;
use counterpoint_wait::parker::Parker;
use counterpoint_wait::select::{Select, arm};
use counterpoint_wait::{select, select_async};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: the system's allocator with a number beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
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

#[track_caller]
fn free(what: &str, f: impl FnOnce()) {
    let before = ALLOCATIONS.get();
    f();
    assert_eq!(ALLOCATIONS.get() - before, 0, "allocations of {what}");
}

#[test]
fn waits_allocate_nothing() {
    let mut cx = Context::from_waker(Waker::noop());
    let (event, token) = (Event::new(), CancelToken::new());
    // What a thread needs once, it has by now: its record, and the number of processors.
    assert!(event.listen().deadline(Instant::now()).wait().is_err());
    let _ = counterpoint_base::prim::thread::parallelism();
    free("an event", || {
        let mut listens = [pin!(event.listen()), pin!(event.listen())];
        for listen in &mut listens {
            assert!(listen.as_mut().poll(&mut cx).is_pending());
        }
        assert_eq!(event.notify(2), 2);
        for listen in &mut listens {
            assert!(listen.as_mut().poll(&mut cx).is_ready());
        }
        let past = event.listen().deadline(Instant::now());
        assert!(past.wait().is_err());
    });
    let mut parker = Parker::new();
    free("a parker", || {
        {
            let mut parks = pin!(parker.park_async());
            assert!(parks.as_mut().poll(&mut cx).is_pending());
        }
        parker.unparker().unpark();
        assert!(pin!(parker.park_async()).poll(&mut cx).is_ready());
        parker.park_timeout(Duration::from_millis(1));
    });
    free("selects", || {
        select! {
            () = token.cancelled() => unreachable!("nobody cancels it"),
            _told = event.listen() => unreachable!("nobody tells it"),
            default => {}
        }
        let mut waits = pin!(async {
            select_async! {
                () = token.cancelled() => unreachable!("nobody cancels it"),
                _told = event.listen() => {}
            }
        });
        assert!(waits.as_mut().poll(&mut cx).is_pending());
        event.notify(1);
        assert!(waits.as_mut().poll(&mut cx).is_ready());
    });
    let (mut first, mut second) = (pin!(arm(event.listen())), pin!(arm(token.cancelled())));
    let mut select = Select::new();
    select.add(first.as_mut());
    let last = select.add(second.as_mut());
    free("a select of a list, and a token", || {
        {
            let mut waits = pin!(select.wait_async());
            assert!(waits.as_mut().poll(&mut cx).is_pending());
        }
        assert_eq!(select.try_now(), None);
        let mut cancelled = pin!(token.cancelled());
        assert!(cancelled.as_mut().poll(&mut cx).is_pending());
        token.cancel("now");
        assert!(cancelled.as_mut().poll(&mut cx).is_ready());
        assert_eq!(select.wait(), last);
    });
}
