//! `AtomicWaker`: one place, one waker, no foreign code while it is held.

use counterpoint_wait::atomic_waker::AtomicWaker;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{RawWaker, RawWakerVTable, Wake, Waker};
use std::thread;

/// What happened to the wakers made of it.
#[derive(Default)]
struct Log {
    clones: AtomicUsize,
    wakes: AtomicUsize,
    clone_panics: AtomicBool,
}

impl Log {
    fn wakes(&self) -> usize {
        self.wakes.load(Ordering::SeqCst)
    }

    fn clones(&self) -> usize {
        self.clones.load(Ordering::SeqCst)
    }
}

static TABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

fn waker(log: &Arc<Log>) -> Waker {
    let data = Arc::into_raw(log.clone()).cast();
    // SAFETY: the functions of the table take the data for what it is, an `Arc<Log>` that counts
    // for one, and use it as `Arc` may be used on any thread.
    unsafe { Waker::from_raw(RawWaker::new(data, &TABLE)) }
}

fn log_of(data: *const ()) -> Arc<Log> {
    // SAFETY: made by `Arc::into_raw` in `waker` or `clone`; the caller minds the count.
    unsafe { Arc::from_raw(data.cast()) }
}

fn clone(data: *const ()) -> RawWaker {
    let log = std::mem::ManuallyDrop::new(log_of(data));
    assert!(!log.clone_panics.load(Ordering::SeqCst), "the waker's own");
    log.clones.fetch_add(1, Ordering::SeqCst);
    RawWaker::new(Arc::into_raw(Arc::clone(&log)).cast(), &TABLE)
}

fn wake(data: *const ()) {
    log_of(data).wakes.fetch_add(1, Ordering::SeqCst);
}

fn wake_by_ref(data: *const ()) {
    let log = std::mem::ManuallyDrop::new(log_of(data));
    log.wakes.fetch_add(1, Ordering::SeqCst);
}

fn drop_waker(data: *const ()) {
    drop(log_of(data));
}

#[test]
fn empty_wakes_nobody() {
    let task = AtomicWaker::default();
    task.wake();
    assert!(task.take().is_none());
    assert_eq!(format!("{task:?}"), "AtomicWaker { .. }");
}

#[test]
fn registered_is_woken_once() {
    let task = AtomicWaker::new();
    let log = Arc::new(Log::default());
    task.register(&waker(&log));
    task.wake();
    task.wake();
    assert_eq!(log.wakes(), 1);
    assert_eq!(Arc::strong_count(&log), 1);
}

#[test]
fn last_registered_is_woken_and_the_one_before_dropped() {
    let task = AtomicWaker::new();
    let (first, last) = (Arc::new(Log::default()), Arc::new(Log::default()));
    task.register(&waker(&first));
    task.register(&waker(&last));
    assert_eq!(Arc::strong_count(&first), 1);
    task.wake();
    assert_eq!((first.wakes(), last.wakes()), (0, 1));
}

#[test]
fn same_waker_is_not_cloned_again() {
    let task = AtomicWaker::new();
    let log = Arc::new(Log::default());
    let waker = waker(&log);
    for _ in 0..10 {
        task.register(&waker);
    }
    assert_eq!(log.clones(), 1);
    task.wake();
    task.register(&waker);
    assert_eq!(log.clones(), 2);
}

#[test]
fn take_gives_it_back() {
    let task = AtomicWaker::new();
    let log = Arc::new(Log::default());
    let waker = waker(&log);
    task.register(&waker);
    assert!(task.take().is_some_and(|taken| taken.will_wake(&waker)));
    assert!(task.take().is_none());
    assert_eq!(log.wakes(), 0);
}

#[test]
fn dropping_drops_the_waker() {
    let task = AtomicWaker::new();
    let log = Arc::new(Log::default());
    task.register(&waker(&log));
    drop(task);
    assert_eq!(Arc::strong_count(&log), 1);
}

#[test]
fn clone_that_panics_leaves_the_waker_before() {
    let task = AtomicWaker::new();
    let (first, bad) = (Arc::new(Log::default()), Arc::new(Log::default()));
    bad.clone_panics.store(true, Ordering::SeqCst);
    assert!(catch_unwind(AssertUnwindSafe(|| task.register(&waker(&bad)))).is_err());
    task.register(&waker(&first));
    assert!(catch_unwind(AssertUnwindSafe(|| task.register(&waker(&bad)))).is_err());
    task.wake();
    assert_eq!((first.wakes(), bad.wakes()), (1, 0));
    bad.clone_panics.store(false, Ordering::SeqCst);
    task.register(&waker(&bad));
    task.wake();
    assert_eq!(bad.wakes(), 1);
}

#[test]
fn waker_may_come_back_to_its_place() {
    struct Again {
        task: Arc<AtomicWaker>,
        left: AtomicUsize,
    }
    impl Wake for Again {
        fn wake(self: Arc<Again>) {
            if self.left.load(Ordering::SeqCst) > 0 {
                self.left.fetch_sub(1, Ordering::SeqCst);
                let task = self.task.clone();
                task.register(&self.into());
            }
        }
    }
    let task = Arc::new(AtomicWaker::new());
    let again = Arc::new(Again {
        task: task.clone(),
        left: AtomicUsize::new(3),
    });
    task.register(&again.clone().into());
    for _ in 0..10 {
        task.wake();
    }
    assert_eq!(again.left.load(Ordering::SeqCst), 0);
    assert!(task.take().is_none());
}

#[test]
fn waker_that_panics_leaves_the_place_empty() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Panics>) {
            panic!("the waker's own");
        }
    }
    let task = AtomicWaker::new();
    task.register(&Arc::new(Panics).into());
    assert!(catch_unwind(|| task.wake()).is_err());
    let log = Arc::new(Log::default());
    task.register(&waker(&log));
    task.wake();
    assert_eq!(log.wakes(), 1);
}

#[test]
fn no_wake_up_is_lost_among_threads() {
    static TASK: AtomicWaker = AtomicWaker::new();
    static SUM: AtomicUsize = AtomicUsize::new(0);
    const EACH: usize = 20_000;
    let parker = counterpoint_wait::parker::Parker::new();
    let waker = Waker::from(parker.unparker().clone());
    let threads: Vec<_> = (0..2)
        .map(|_| {
            thread::spawn(|| {
                for _ in 0..EACH {
                    SUM.fetch_add(1, Ordering::Relaxed);
                    TASK.wake();
                }
            })
        })
        .collect();
    loop {
        TASK.register(&waker);
        if SUM.load(Ordering::Relaxed) == 2 * EACH {
            break;
        }
        parker.park();
    }
    for thread in threads {
        thread.join().unwrap();
    }
}
