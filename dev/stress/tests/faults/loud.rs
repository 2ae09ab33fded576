//! Values and wakers whose code panics once, at a moment that a test chooses.

use crate::ignore;
use std::borrow::Borrow;
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

/// What is about to be called when it panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Debug,
    Display,
    Default,
    Clone,
    Compare,
    Hash,
    Borrow,
    Drop,
    Call,
    Poll,
    Wake,
}

/// What it panics with.
struct Boom(Moment);

thread_local! {
    static ARMED: Cell<Option<Moment>> = const { Cell::new(None) };
}

/// Panics, if this is the moment.
pub(crate) fn now(moment: Moment) {
    if ARMED.get() == Some(moment) {
        ARMED.set(None);
        panic_any(Boom(moment));
    }
}

/// Leaves the reports of planned panics out of the output.
fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if info.payload().downcast_ref::<Boom>().is_none() {
                usual(info);
            }
        }));
    });
}

/// Runs `f`, in which the code of the user's panics at this moment: it is called, and its panic
/// reaches who called.
#[track_caller]
pub(crate) fn boom<R>(moment: Moment, f: impl FnOnce() -> R) {
    hush();
    ARMED.set(Some(moment));
    let result = catch_unwind(AssertUnwindSafe(|| ignore(f())));
    assert!(ARMED.take().is_none(), "{moment:?} was not called");
    let payload = result.expect_err("the panic goes on");
    let Some(Boom(panicked)) = payload.downcast_ref() else {
        panic!("another panic than that of {moment:?}");
    };
    assert_eq!(*panicked, moment);
}

/// A value with everything a bound can ask for.
pub(crate) struct Loud(pub(crate) u32);

impl Loud {
    /// The number: a closure that asks for it keeps the whole value.
    pub(crate) fn number(&self) -> u32 {
        self.0
    }
}

impl fmt::Debug for Loud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        now(Moment::Debug);
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for Loud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        now(Moment::Display);
        write!(f, "{}", self.0)
    }
}

impl Default for Loud {
    fn default() -> Loud {
        now(Moment::Default);
        Loud(0)
    }
}

impl Clone for Loud {
    fn clone(&self) -> Loud {
        now(Moment::Clone);
        Loud(self.0)
    }
}

impl PartialEq for Loud {
    fn eq(&self, other: &Loud) -> bool {
        now(Moment::Compare);
        self.0 == other.0
    }
}

impl Eq for Loud {}

impl PartialOrd for Loud {
    fn partial_cmp(&self, other: &Loud) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Loud {
    fn cmp(&self, other: &Loud) -> std::cmp::Ordering {
        now(Moment::Compare);
        self.0.cmp(&other.0)
    }
}

impl Hash for Loud {
    fn hash<H: Hasher>(&self, state: &mut H) {
        now(Moment::Hash);
        self.0.hash(state);
    }
}

impl Drop for Loud {
    fn drop(&mut self) {
        now(Moment::Drop);
    }
}

/// A value that is looked up by another type.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Named(pub(crate) Loud);

impl Borrow<Loud> for Named {
    fn borrow(&self) -> &Loud {
        now(Moment::Borrow);
        &self.0
    }
}

/// The same for those who want a `Copy`.
#[derive(Clone, Copy)]
pub(crate) struct Light(pub(crate) u32);

impl fmt::Debug for Light {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        now(Moment::Debug);
        write!(f, "{}", self.0)
    }
}

impl Default for Light {
    fn default() -> Light {
        now(Moment::Default);
        Light(0)
    }
}

/// A future that is ready at its second poll.
#[derive(Debug, Default)]
pub(crate) struct LoudFuture {
    polled: bool,
    _loud: Loud,
}

impl Future for LoudFuture {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        now(Moment::Poll);
        if self.polled {
            return Poll::Ready(());
        }
        self.polled = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A waker that panics once, on whatever thread.
pub(crate) struct LoudWaker {
    armed: AtomicBool,
    moment: Moment,
}

impl LoudWaker {
    pub(crate) fn new(moment: Moment) -> Arc<LoudWaker> {
        hush();
        Arc::new(LoudWaker {
            armed: AtomicBool::new(false),
            moment,
        })
    }

    pub(crate) fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }

    /// No longer; whether it has panicked.
    pub(crate) fn disarm(&self) -> bool {
        !self.armed.swap(false, Ordering::SeqCst)
    }

    pub(crate) fn waker(self: &Arc<LoudWaker>) -> Waker {
        let data = Arc::into_raw(self.clone()).cast();
        // SAFETY: the table counts references as the `Arc` does and may be used by any thread.
        unsafe { Waker::from_raw(RawWaker::new(data, &TABLE)) }
    }

    fn now(&self, moment: Moment) {
        if moment == self.moment && self.armed.swap(false, Ordering::SeqCst) {
            panic_any(Boom(moment));
        }
    }
}

static TABLE: RawWakerVTable = RawWakerVTable::new(duplicate, wake, wake_by_ref, release);

fn take(data: *const ()) -> Arc<LoudWaker> {
    // SAFETY: the data comes from `Arc::into_raw`, and each caller owns or forgets the reference.
    unsafe { Arc::from_raw(data.cast()) }
}

fn duplicate(data: *const ()) -> RawWaker {
    let this = ManuallyDrop::new(take(data));
    this.now(Moment::Clone);
    RawWaker::new(Arc::into_raw(Arc::clone(&this)).cast(), &TABLE)
}

fn wake(data: *const ()) {
    take(data).now(Moment::Wake);
}

fn wake_by_ref(data: *const ()) {
    ManuallyDrop::new(take(data)).now(Moment::Wake);
}

fn release(data: *const ()) {
    take(data).now(Moment::Drop);
}
