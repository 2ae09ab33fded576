//! Wakers for threads, and the batch in which wakers leave an internal lock before they run.

use core::mem::MaybeUninit;
use core::task::{RawWaker, RawWakerVTable, Waker};
use counterpoint_base::prim::thread::panicking;
use counterpoint_base::record::RecordRef;
use counterpoint_base::tune::WAKE_BATCH;
use std::any::Any;
use std::panic::{self, AssertUnwindSafe};

use crate::hooks::Mark;
use crate::token;

/// A waker that leaves a token for the thread of `record`, which promises to look at whatever it
/// waits for each time it wakes. Costs no allocation.
///
/// A lock may rely on that promise: while such a waiter is awake it need not wake another one.
#[inline]
pub fn committed(record: &RecordRef) -> Waker {
    from_record(record, &COMMITTED)
}

/// A waker that leaves a token for the thread of `record`, without any promise.
#[inline]
pub fn loose(record: &RecordRef) -> Waker {
    from_record(record, &LOOSE)
}

/// True for wakers made by [`committed`].
#[inline]
pub fn is_committed(waker: &Waker) -> bool {
    core::ptr::eq(waker.vtable(), &COMMITTED)
}

#[inline]
fn from_record(record: &RecordRef, table: &'static RawWakerVTable) -> Waker {
    let raw = RawWaker::new(record.clone().into_raw(), table);
    // SAFETY: both tables hold functions that treat the data as a record, count references as
    // `RecordRef` does, and may be called from any thread.
    unsafe { Waker::from_raw(raw) }
}

static COMMITTED: RawWakerVTable = RawWakerVTable::new(clone_committed, wake, wake_by_ref, release);
static LOOSE: RawWakerVTable = RawWakerVTable::new(clone_loose, wake, wake_by_ref, release);

fn clone_committed(data: *const ()) -> RawWaker {
    RawWaker::new(duplicate(data), &COMMITTED)
}

fn clone_loose(data: *const ()) -> RawWaker {
    RawWaker::new(duplicate(data), &LOOSE)
}

fn duplicate(data: *const ()) -> *const () {
    let record = core::mem::ManuallyDrop::new(take(data));
    RecordRef::clone(&record).into_raw()
}

fn take(data: *const ()) -> RecordRef {
    // SAFETY: the data of both tables comes from `RecordRef::into_raw`; the caller keeps or drops
    // exactly the reference that the waker stands for.
    unsafe { RecordRef::from_raw(data) }
}

fn wake(data: *const ()) {
    token::unpark(take(data).futex());
}

fn wake_by_ref(data: *const ()) {
    token::unpark(core::mem::ManuallyDrop::new(take(data)).futex());
}

fn release(data: *const ()) {
    let _ = take(data);
}

/// Wakers collected under a lock, to be woken after it was released.
///
/// Dropping it wakes as well, so no way out of a function loses a wake-up.
pub struct WakeBatch {
    len: usize,
    wakers: [MaybeUninit<(Waker, Mark)>; WAKE_BATCH],
}

impl core::fmt::Debug for WakeBatch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("WakeBatch").field("len", &self.len).finish()
    }
}

impl Default for WakeBatch {
    fn default() -> WakeBatch {
        WakeBatch::new()
    }
}

impl WakeBatch {
    /// An empty batch.
    #[inline]
    pub const fn new() -> WakeBatch {
        WakeBatch {
            len: 0,
            wakers: [const { MaybeUninit::uninit() }; WAKE_BATCH],
        }
    }

    /// True if no further waker fits: release the lock and wake.
    #[inline]
    pub const fn is_full(&self) -> bool {
        self.len == WAKE_BATCH
    }

    /// Adds a waker.
    ///
    /// # Panics
    /// If the batch is full.
    #[inline]
    pub fn push(&mut self, waker: Waker) {
        self.push_marked(waker, Mark::NONE);
    }

    /// Adds the waker of a node with this mark.
    #[inline]
    pub(crate) fn push_marked(&mut self, waker: Waker, mark: Mark) {
        self.wakers[self.len].write((waker, mark));
        self.len += 1;
    }

    /// Wakes all, in order. If one panics the others are woken first; then the panic goes on.
    ///
    /// Call it with no internal lock held: this is where foreign code runs.
    #[inline]
    pub fn wake(&mut self) {
        self.wake_or(|| ());
    }

    /// The same; calls `failed` as soon as one panics, before the next is woken.
    #[inline]
    fn wake_or(&mut self, mut failed: impl FnMut()) {
        let mut panicked = None;
        let len = core::mem::replace(&mut self.len, 0);
        for waker in &mut self.wakers[..len] {
            // SAFETY: the first `len` were written by `push`, and `len` is zero now, so each is
            // taken once.
            let (waker, mark) = unsafe { waker.assume_init_read() };
            mark.granted();
            if is_committed(&waker) {
                waker.wake();
            } else if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| waker.wake())) {
                keep_first(&mut panicked, payload);
                if let Err(another) = panic::catch_unwind(AssertUnwindSafe(&mut failed)) {
                    keep_first(&mut panicked, another);
                }
            }
        }
        if let Some(payload) = panicked {
            if panicking() {
                discard(payload);
            } else {
                panic::resume_unwind(payload);
            }
        }
    }
}

impl Drop for WakeBatch {
    #[inline]
    fn drop(&mut self) {
        if self.len > 0 {
            self.wake();
        }
    }
}

/// Keeps the first of several panics. A payload whose destructor panics must not stop what goes on
/// after it.
pub(crate) fn keep_first(kept: &mut Option<Box<dyn Any + Send>>, payload: Box<dyn Any + Send>) {
    match kept {
        None => *kept = Some(payload),
        Some(_) => discard(payload),
    }
}

/// How many payloads are dropped for one that was to be.
const NESTED: u32 = 8;

/// Drops what a panic carried. If its destructor panics as well, so is what that panic carried; the
/// last of many is left alone. Never panics.
///
/// Call it with no internal lock held: this is where foreign code runs.
#[doc(hidden)]
#[cold]
pub fn discard(mut payload: Box<dyn Any + Send>) {
    for _ in 0..NESTED {
        match panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            Ok(()) => return,
            Err(another) => payload = another,
        }
    }
    core::mem::forget(payload);
}

/// Collects wakers with `step`, which may take an internal lock, and wakes them; again as long as
/// `step` returns true.
///
/// If a waker panics, all the others are woken first; then the panic goes on. If `step` panics,
/// what it has collected is woken, and it is not called again.
#[inline]
pub fn wake_in_batches(step: impl FnMut(&mut WakeBatch) -> bool) {
    wake_in_batches_or(step, || ());
}

/// As [`wake_in_batches`]; calls `failed` as soon as a waker panics, before the next one is woken:
/// for what the caller, who will not return, was to do for those.
#[inline]
pub fn wake_in_batches_or(step: impl FnMut(&mut WakeBatch) -> bool, failed: impl FnMut()) {
    struct Batches<F: FnMut(&mut WakeBatch) -> bool, G: FnMut()> {
        step: F,
        failed: G,
        more: bool,
    }

    impl<F: FnMut(&mut WakeBatch) -> bool, G: FnMut()> Batches<F, G> {
        fn run(&mut self) {
            // No more if the step panics.
            while core::mem::replace(&mut self.more, false) {
                let mut wakes = WakeBatch::new();
                self.more = (self.step)(&mut wakes);
                wakes.wake_or(&mut self.failed);
            }
        }
    }

    impl<F: FnMut(&mut WakeBatch) -> bool, G: FnMut()> Drop for Batches<F, G> {
        fn drop(&mut self) {
            // Only after a panic is there anything left to do.
            self.run();
        }
    }

    let more = true;
    Batches { step, failed, more }.run();
}
