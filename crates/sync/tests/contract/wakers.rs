//! Wakers that count, and that run foreign code when they are cloned, woken or dropped.

use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

/// When a waker runs foreign code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Clone,
    Wake,
    Drop,
}

type Hook = Box<dyn Fn(Moment) + Send + Sync>;

/// What a waker tells.
pub(crate) struct Probe {
    wakes: AtomicUsize,
    live: AtomicUsize,
    hook: Hook,
}

impl Probe {
    /// One that counts only.
    pub(crate) fn new() -> Arc<Probe> {
        Probe::with(|_| ())
    }

    /// One that also runs `hook`.
    pub(crate) fn with(hook: impl Fn(Moment) + Send + Sync + 'static) -> Arc<Probe> {
        Arc::new(Probe {
            wakes: AtomicUsize::new(0),
            live: AtomicUsize::new(0),
            hook: Box::new(hook),
        })
    }

    /// One that panics once at `moment`, after it was armed.
    pub(crate) fn panicking(moment: Moment) -> (Arc<Probe>, Arc<AtomicBool>) {
        let armed = Arc::new(AtomicBool::new(false));
        let fuse = armed.clone();
        let probe = Probe::with(move |now| {
            if now == moment && fuse.swap(false, Ordering::SeqCst) {
                panic::panic_any(moment);
            }
        });
        (probe, armed)
    }

    /// How often it was woken.
    pub(crate) fn wakes(&self) -> usize {
        self.wakes.load(Ordering::SeqCst)
    }

    /// How many wakers of it exist.
    pub(crate) fn live(&self) -> usize {
        self.live.load(Ordering::SeqCst)
    }

    pub(crate) fn waker(self: &Arc<Probe>) -> Waker {
        self.live.fetch_add(1, Ordering::SeqCst);
        let raw = RawWaker::new(Arc::into_raw(self.clone()).cast(), &TABLE);
        // SAFETY: the table counts references as the `Arc` does and may be used by any thread.
        unsafe { Waker::from_raw(raw) }
    }

    /// Polls `future` once.
    pub(crate) fn poll<F: Future + ?Sized>(
        self: &Arc<Probe>,
        future: Pin<&mut F>,
    ) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(&self.waker()))
    }
}

static TABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, release);

fn take(data: *const ()) -> Arc<Probe> {
    // SAFETY: the data comes from `Arc::into_raw`, and each caller owns or forgets the reference.
    unsafe { Arc::from_raw(data.cast()) }
}

fn clone(data: *const ()) -> RawWaker {
    let probe = std::mem::ManuallyDrop::new(take(data));
    (probe.hook)(Moment::Clone);
    probe.live.fetch_add(1, Ordering::SeqCst);
    RawWaker::new(Arc::into_raw(Arc::clone(&probe)).cast(), &TABLE)
}

fn wake(data: *const ()) {
    let probe = take(data);
    probe.live.fetch_sub(1, Ordering::SeqCst);
    probe.wakes.fetch_add(1, Ordering::SeqCst);
    (probe.hook)(Moment::Wake);
}

fn wake_by_ref(data: *const ()) {
    let probe = std::mem::ManuallyDrop::new(take(data));
    probe.wakes.fetch_add(1, Ordering::SeqCst);
    (probe.hook)(Moment::Wake);
}

fn release(data: *const ()) {
    let probe = take(data);
    probe.live.fetch_sub(1, Ordering::SeqCst);
    (probe.hook)(Moment::Drop);
}

/// Runs `f`, which must panic with the moment of a panicking probe.
#[track_caller]
pub(crate) fn caught(moment: Moment, f: impl FnOnce()) {
    let payload = panic::catch_unwind(AssertUnwindSafe(f)).expect_err("it must panic");
    assert_eq!(payload.downcast_ref::<Moment>(), Some(&moment));
}
