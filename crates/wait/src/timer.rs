//! Timers for tasks: a node that lies in its future, one queue of the armed ones, and one driver
//! that fires them. Blocking waits never come here; they sleep with a deadline of their own.
//!
//! # From
//! Intrusive timers as in tokio and the Linux kernel; the promise that the driver keeps (below)
//! is what spares it a wake-up per timer.
//!
//! # State
//! | node | queue entry | meaning | who leaves it |
//! |---|---|---|---|
//! | never armed | unlinked | no lock is needed to drop it | `poll`, to armed |
//! | armed | linked | its waker will be woken | `poll`, `disarm` or drop; `fire` |
//! | armed | unlinked | it was fired, and its owner has not looked yet | `poll`, `disarm` or drop |
//!
//! | driver | meaning |
//! |---|---|
//! | none | nothing was ever armed |
//! | `thread == id of this process` | the thread `counterpoint-timer` runs here |
//! | `thread` is another number | forked: the thread stayed with the parent |
//! | `source` | a runtime drives; the thread ends |
//!
//! # Fields
//! `TimerNode::armed`: the node's owner. The entry, the heap and everything else in `State`:
//! whoever holds the lock of the queue.
//!
//! # Invariants
//! * I1: a linked entry lies in a pinned node, whose drop unlinks it first.
//! * I2: `armed` is true whenever the entry may be linked.
//! * I3: the driver will call `fire` at `promised` or earlier, or is being told to right now. So
//!   only a deadline before `promised` needs a message, and no queue holds a deadline before it
//!   outside the lock. Disarming leaves the promise alone: the driver wakes once for nothing.
//! * I4: wakers are cloned, woken and dropped with the lock released.
//!
//! # Edges
//! none of its own: the lock orders the queue, a waker orders what it wakes.
//!
//! # Waiting
//! The owner arms under the lock and is told to wait after that; `fire` finds the entry or runs
//! before it was armed, in which case the promise (I3) brings another `fire`.
//!
//! # Cancel
//! `disarm` and drop unlink in O(1) in the common case. A timer has no wake-up to pass on.
//!
//! # Panic
//! A waker that panics in `fire`: all others due are woken first, then the panic goes on; the
//! thread swallows it and goes on itself. A waker that panics in clone or drop: the node is
//! consistent.
//!
//! # Rejected
//! A thread per process without a promise: each arming of the only timer cost a wake-up of the
//! thread. Asking the driver for its state: two sources of truth.
//!
//! # Checked by
//! timer/heap/tests.rs, tests/timer.rs, tests/timer_source.rs, tests/timer_allocations.rs, tests/timer_idle.rs. Under a model
//! checker time is a branch of the model and nothing is ever armed.

mod heap;
mod sleep;

pub use sleep::{SleepUntil, sleep, sleep_until};

use core::cell::Cell;
use core::fmt;
use core::marker::PhantomPinned;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use counterpoint_base::prim::atomic::RELAXED;
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::futex::Futex;
use counterpoint_base::prim::lock::RawLock;
use counterpoint_base::prim::thread;
use counterpoint_base::prim::time::{self, Instant};
use std::any::Any;
use std::panic::{self, AssertUnwindSafe};

use crate::token;
use crate::waker::{WakeBatch, discard, keep_first};
use heap::{Entry, Heap};

const THREAD_NAME: &str = "counterpoint-timer";

/// True where time is a branch of the model.
const CHECKED: bool = cfg!(any(counterpoint_loom, counterpoint_shuttle));

/// A timer of a task, to be embedded in a future that waits with a deadline.
///
/// It allocates nothing: armed, it is linked into one queue where it lies, which is why it must
/// stay pinned. Dropping it disarms it.
///
/// Do not use it to block a thread: a blocking wait sleeps with its own deadline. For a plain
/// delay there is [`sleep`].
///
/// # Driver
/// The first timer ever armed starts one thread, `counterpoint-timer`, unless a runtime
/// [`install`]ed its own driver. The thread sleeps without a deadline while nothing is armed.
/// After a fork the child starts its own thread with the first timer it arms; but if another
/// thread of the parent was inside the queue at the moment of the fork, its lock stays taken in
/// the child, and timers there wait for ever.
///
/// # Cost
/// Arming and disarming take one uncontended lock each, O(1) in the common case; firing is
/// O(log n) amortized.
///
/// # Examples
/// ```
/// use counterpoint_wait::timer::TimerNode;
/// use std::pin::pin;
/// use std::task::{Context, Poll, Waker};
/// use std::time::{Duration, Instant};
///
/// let mut cx = Context::from_waker(Waker::noop());
/// let mut timer = pin!(TimerNode::new());
/// let now = Instant::now();
/// assert_eq!(timer.as_mut().poll(now, &mut cx), Poll::Ready(()));
/// assert_eq!(timer.as_mut().poll(now + Duration::from_secs(60), &mut cx), Poll::Pending);
/// timer.disarm();
/// ```
pub struct TimerNode {
    entry: Entry,
    armed: Cell<bool>,
    _pinned: PhantomPinned,
}

// SAFETY: the entry may move to another thread while unlinked, since it holds no thread's data,
// and is pinned while linked (I1); wakers are `Send`.
unsafe impl Send for TimerNode {}
// SAFETY: through `&TimerNode` nothing can be read or changed: every method but `fmt`, which
// looks at no field, takes the node pinned and exclusively.
unsafe impl Sync for TimerNode {}

// No foreign code runs while the queue of timers is changed (I4).
impl UnwindSafe for TimerNode {}
impl RefUnwindSafe for TimerNode {}

impl fmt::Debug for TimerNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerNode").finish_non_exhaustive()
    }
}

impl Default for TimerNode {
    fn default() -> TimerNode {
        TimerNode::new()
    }
}

impl TimerNode {
    counterpoint_base::const_fn! {
        /// A timer that is not armed.
        pub const fn new() -> TimerNode {
            TimerNode { entry: Entry::new(), armed: Cell::new(false), _pinned: PhantomPinned }
        }
    }

    /// Ready if `deadline` has come. Otherwise arms the timer, so that the task of `cx` is woken
    /// at `deadline`, and returns pending.
    ///
    /// Polled again with another deadline it is armed anew; with another waker, that one is woken
    /// and the old one dropped. It may be polled again after it was ready.
    ///
    /// # Panics
    /// If the timer thread must be started and cannot be. The timer is armed then, but only the
    /// next one to be armed tries again to start the thread.
    pub fn poll(self: Pin<&mut Self>, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.into_ref().get_ref();
        if time::reached(deadline) {
            this.unlink();
            return Poll::Ready(());
        }
        if CHECKED {
            return Poll::Pending;
        }
        if this.armed.get() && QUEUE.with(|state| state.is_armed(&this.entry, deadline, cx.waker()))
        {
            return Poll::Pending;
        }
        // I4: cloned before the lock is taken.
        let waker = cx.waker().clone();
        this.armed.set(true); // I2
        // SAFETY: the node is pinned, and its drop unlinks it while `armed` is set (I1, I2).
        let (old, message) = QUEUE.with(|state| unsafe { state.arm(&this.entry, deadline, waker) });
        message.send();
        drop(old); // I4
        Poll::Pending
    }

    /// Makes sure that the timer wakes nobody any more.
    pub fn disarm(self: Pin<&mut Self>) {
        self.into_ref().get_ref().unlink();
    }

    #[inline]
    fn unlink(&self) {
        if self.armed.replace(false) {
            self.unlink_slow();
        }
    }

    #[cold]
    fn unlink_slow(&self) {
        // SAFETY: the entry is alive, and the only heap is the one of the queue.
        let waker = QUEUE.with(|state| unsafe { state.heap.remove(&self.entry) });
        drop(waker); // I4
    }
}

impl Drop for TimerNode {
    #[inline]
    fn drop(&mut self) {
        self.unlink(); // I1
    }
}

/// What drives the timers: a runtime that knows when to call [`fire`].
///
/// Between two calls of [`fire`] the driver owes the next one at the deadline that [`fire`]
/// returned, or earlier if [`earlier`](TimerSource::earlier) told it so.
pub trait TimerSource: Sync {
    /// The driver must call [`fire`] at `deadline` or before.
    ///
    /// Called by whoever arms a timer, on any thread and with no lock held. Calls may come late
    /// and out of order: one with a later deadline than is known already means nothing. It must
    /// be quick and must not panic.
    fn earlier(&self, deadline: Instant);
}

/// The error of [`install`]: there is a driver already, and it stays for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlreadyInstalled;

impl fmt::Display for AlreadyInstalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a timer source is installed already")
    }
}

impl core::error::Error for AlreadyInstalled {}

/// Makes `source` the driver of all timers of this process, in place of the timer thread.
///
/// Timers that are armed already go with it: if there are any, [`TimerSource::earlier`] is called
/// before this returns.
///
/// # Errors
/// If another source was installed before.
pub fn install(source: &'static dyn TimerSource) -> Result<(), AlreadyInstalled> {
    let message = QUEUE.with(|state| state.install(source))?;
    // The thread, if there is one, ends when it looks.
    token::unpark(&THREAD_WORD);
    message.send();
    Ok(())
}

/// Wakes every task whose timer is due at `now`, in the order of the deadlines, and returns the
/// next deadline.
///
/// For drivers: whoever calls it owes the next call at the deadline returned. Any number of
/// threads may call it at the same time. Called by anybody else while the timer thread drives, it
/// does no harm.
///
/// # Panics
/// If a waker panics; after all others were woken.
pub fn fire(now: Instant) -> Option<Instant> {
    let mut panicked = None;
    let next = QUEUE.fire(now, |_| true, &mut panicked).flatten();
    if let Some(payload) = panicked {
        panic::resume_unwind(payload);
    }
    next
}

counterpoint_base::static_! {
    static QUEUE: Queue = Queue::new();
    /// The word on which the timer thread sleeps.
    static THREAD_WORD: Futex = Futex::new(0);
}

struct Queue {
    lock: RawLock,
    state: UnsafeCell<State>,
}

// SAFETY: `state` is touched only while `lock` is held; what it holds may be used by any thread:
// entries are `Send` (see `TimerNode`), sources are `Sync`.
unsafe impl Sync for Queue {}
// SAFETY: as above.
unsafe impl Send for Queue {}

struct State {
    heap: Heap,
    /// When the driver will call `fire` at the latest; `None`: not at all (I3).
    promised: Option<Instant>,
    source: Option<&'static dyn TimerSource>,
    /// The process whose timer thread was started last.
    thread: u32,
}

/// What the driver must be told once the lock is released.
#[must_use]
enum Message {
    Nothing,
    Source(&'static dyn TimerSource, Instant),
    Unpark,
    Start,
}

impl Queue {
    counterpoint_base::const_fn! {
        const fn new() -> Queue {
            Queue {
                lock: RawLock::new(),
                state: UnsafeCell::new(State {
                    heap: Heap::new(),
                    promised: None,
                    source: None,
                    thread: 0,
                }),
            }
        }
    }

    /// Runs `f` under the lock: it must not run foreign code (I4), nor call this again.
    fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        let _held = self.lock.lock();
        self.state.with_mut(|state| {
            // SAFETY: the lock is held, and `f` does not come back here.
            f(unsafe { &mut *state })
        })
    }

    #[cold]
    fn start(&self) {
        let thread = thread::Builder::new().name(THREAD_NAME.into());
        if let Err(error) = thread.spawn(run) {
            // The next timer tries again.
            self.with(|state| {
                state.thread = 0;
                state.promised = None;
            });
            panic!("counterpoint: cannot start the timer thread: {error}");
        }
    }

    /// Fires what is due, as long as the caller is entitled to by `may`: `None` if it is not, else
    /// the next deadline. The first panic of a waker is left in `panicked`.
    fn fire(
        &self,
        now: Instant,
        may: impl Fn(&State) -> bool,
        panicked: &mut Option<Box<dyn Any + Send>>,
    ) -> Option<Option<Instant>> {
        let mut batch = WakeBatch::new();
        loop {
            let done = self.with(|state| {
                if !may(state) {
                    return Some(None);
                }
                while !batch.is_full() {
                    let Some(waker) = state.heap.pop_due(now) else {
                        state.promised = state.heap.earliest(); // I3
                        return Some(Some(state.promised));
                    };
                    batch.push(waker);
                }
                None
            });
            // I4: foreign code runs here, with the lock released.
            if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| batch.wake())) {
                keep_first(panicked, payload);
            }
            if let Some(next) = done {
                return next;
            }
        }
    }
}

impl State {
    fn is_armed(&self, entry: &Entry, deadline: Instant, waker: &Waker) -> bool {
        // SAFETY: alive, since borrowed; `&self` is reached only under the lock.
        let linked = unsafe { self.heap.deadline(entry) };
        if linked != Some(deadline) {
            return false;
        }
        // SAFETY: as above.
        unsafe { self.heap.wakes(entry, waker) }
    }

    /// Links the entry, or moves it to another deadline, or changes its waker.
    ///
    /// # Safety
    /// The entry stays where it is, and is unlinked before it dies.
    unsafe fn arm(
        &mut self,
        entry: &Entry,
        deadline: Instant,
        waker: Waker,
    ) -> (Option<Waker>, Message) {
        // SAFETY: alive, since borrowed; `self` is reached only under the lock.
        if unsafe { self.heap.deadline(entry) } == Some(deadline) {
            // SAFETY: as above.
            let old = unsafe { self.heap.replace_waker(entry, waker) };
            return (old, Message::Nothing);
        }
        // SAFETY: as above; there is only one heap.
        let old = unsafe { self.heap.remove(entry) };
        // SAFETY: unlinked now; stays and is unlinked in time by the caller's promise.
        unsafe { self.heap.insert(entry, deadline, waker) };
        (old, self.message(deadline))
    }

    /// What the driver must be told about a timer just armed (I3).
    fn message(&mut self, deadline: Instant) -> Message {
        let known = self.promised.is_some_and(|promised| promised <= deadline);
        if let Some(source) = self.source {
            if known {
                return Message::Nothing;
            }
            self.promised = Some(deadline);
            return Message::Source(source, deadline);
        }
        let process = std::process::id();
        if self.thread != process {
            self.thread = process;
            self.promised = Some(deadline);
            // Relaxed: nobody sleeps on the word, since the thread that did, if there was one,
            // stayed with the parent of a fork; the new thread begins by looking at the queue.
            THREAD_WORD.word().store(0, RELAXED);
            return Message::Start;
        }
        if known {
            return Message::Nothing;
        }
        self.promised = Some(deadline);
        Message::Unpark
    }

    fn install(&mut self, source: &'static dyn TimerSource) -> Result<Message, AlreadyInstalled> {
        if self.source.is_some() {
            return Err(AlreadyInstalled);
        }
        self.source = Some(source);
        self.promised = self.heap.earliest(); // I3: the new driver's own promise
        Ok(self.promised.map_or(Message::Nothing, |deadline| {
            Message::Source(source, deadline)
        }))
    }
}

impl Message {
    fn send(self) {
        match self {
            Message::Nothing => {}
            Message::Source(source, deadline) => source.earlier(deadline),
            Message::Unpark => token::unpark(&THREAD_WORD),
            Message::Start => QUEUE.start(),
        }
    }
}

/// The timer thread.
fn run() {
    loop {
        let mut panicked = None;
        let next = QUEUE.fire(time::now(), |state| state.source.is_none(), &mut panicked);
        if let Some(payload) = panicked {
            // The panic was reported by the hook.
            discard(payload);
        }
        let Some(next) = next else { return };
        // Whatever the reason, the queue is looked at again.
        let _ = token::park(&THREAD_WORD, next);
    }
}
