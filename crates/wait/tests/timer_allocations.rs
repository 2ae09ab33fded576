//! A timed wait allocates nothing; counted over the whole process, so this is a binary of its own.

use counterpoint_wait::parker::Parker;
use counterpoint_wait::timer::{SleepUntil, TimerNode, sleep, sleep_until};
use std::alloc::{GlobalAlloc, Layout, System};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator with a number beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
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

struct Count {
    left: AtomicUsize,
    done: Waker,
}

impl Wake for Count {
    fn wake(self: Arc<Count>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Count>) {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.done.wake_by_ref();
        }
    }
}

fn block_on(parker: &Parker, waker: &Waker, future: impl Future<Output = ()>) {
    let mut future = pin!(future);
    while future.as_mut().poll(&mut Context::from_waker(waker)) == Poll::Pending {
        parker.park();
    }
}

#[test]
fn timed_waits_allocate_nothing() {
    const TIMERS: usize = 1_000;
    let parker = Parker::new();
    let waker = Waker::from(parker.unparker().clone());
    let count = Count {
        left: AtomicUsize::new(TIMERS),
        done: waker.clone(),
    };
    let counted = Waker::from(Arc::new(count));
    let mut nodes: Vec<Pin<Box<TimerNode>>> =
        (0..TIMERS).map(|_| Box::pin(TimerNode::new())).collect();
    // Asked once in a process, when a lock is contended for the first time.
    let _ = counterpoint_base::prim::thread::parallelism();
    // The first one starts the thread.
    block_on(&parker, &waker, sleep(Duration::from_millis(5)));
    sleep(Duration::from_millis(5)).wait();

    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let start = Instant::now() + Duration::from_millis(400);
    for (index, node) in nodes.iter_mut().enumerate() {
        let deadline = start + Duration::from_micros((index * 7919 % TIMERS) as u64);
        let mut cx = Context::from_waker(&waker);
        // Armed, armed anew with another waker, disarmed, armed again.
        assert!(
            node.as_mut()
                .poll(deadline + Duration::from_secs(9), &mut cx)
                .is_pending()
        );
        assert!(
            node.as_mut()
                .poll(deadline, &mut Context::from_waker(&counted))
                .is_pending()
        );
        node.as_mut().disarm();
        assert!(
            node.as_mut()
                .poll(deadline, &mut Context::from_waker(&counted))
                .is_pending()
        );
    }
    parker.park();
    assert!(Instant::now() >= start);
    block_on(&parker, &waker, sleep(Duration::from_millis(5)));
    block_on(
        &parker,
        &waker,
        sleep_until(Instant::now() + Duration::from_millis(5)),
    );
    sleep(Duration::from_millis(5)).wait();
    let after = ALLOCATIONS.load(Ordering::Relaxed);
    assert_eq!(
        after - before,
        0,
        "allocations in {} timed waits",
        TIMERS + 3
    );
    assert!(size_of::<SleepUntil>() >= size_of::<TimerNode>());
}
