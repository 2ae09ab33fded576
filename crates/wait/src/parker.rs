//! Putting a thread, or a task, to sleep until somebody leaves a token.
//!
//! # From
//! `Parker` of crossbeam-utils 0.8, and its later `UnparkReason`; differs in that a task can wait
//! for the token too, and in that tokens are counted, so that taking one is a load.
//!
//! # State
//! | bits of the word | meaning | who changes it |
//! |---|---|---|
//! | `PARKED` | the owner sleeps on `futex`, or is about to | the owner; `unpark`, which then wakes it |
//! | `TASK` | a task waits, its waker is in `task` | the owner; `unpark`, which then wakes it |
//! | upper 62 | how often `unpark` was called | `unpark` |
//!
//! # Fields
//! `seen`, `announced`: the owner. `seen` is the count of which all is taken: there is a token as
//! long as the word's is another. `announced` is true while the word may have `TASK`. `futex` is a
//! token of `token.rs`, which says only that the owner is to look at the word.
//!
//! # Invariants
//! * I1: the owner of the word is whoever has the `Parker`: it is not `Sync`, and while a task
//!   waits its future borrows it exclusively.
//! * I2: `PARKED` and `TASK` are never there together: a future that was leaked is cleared away
//!   before the thread sleeps.
//! * I3: whoever clears `TASK` in `unpark` wakes the waker that was registered before it was set,
//!   and whoever clears `PARKED` leaves a token in `futex`.
//! * I4: a token is taken by exactly one return of `park` or poll: only the owner moves `seen`.
//! * I5: an `unpark` that was overtaken may clear a mark that was set after its own token was
//!   taken. Who is woken finds nothing, and sets its mark again.
//!
//! # Edges
//! * E1: release in `unpark` → acquire where the count is read that is then `seen`. Every change of
//!   the word is a read-modify-write, so the count that is read comes after all it counts.
//!
//! # Waiting
//! The thread exchanges the count it has `seen` for the same with `PARKED`: an `unpark` before that
//! makes the exchange fail, one after it finds `PARKED`. The task registers, then adds `TASK`.
//! Token first: the count read with it is another. Task first: `unpark` finds `TASK` and then the
//! waker (I3). That needs no edge of this file: had the visit of `unpark` to the slot come before
//! the registration, the registration would have acquired from it (atomic_waker.rs, E3), and `TASK`
//! would have been read before it was written.
//!
//! # Cancel
//! A deadline takes `PARKED` back, a dropped future `TASK`. If that finds a token, it is taken, or
//! stays for the next wait.
//!
//! # Panic
//! A waker that panics when cloned leaves the word unannounced; one that panics when woken does
//! so in `unpark`, with the token left.
//!
//! # Rejected
//! Asking `task` in each `unpark`: two exchanges more where no task waits. `park_async(&self)`: a
//! future that is not `Send`, and a thread and a task waiting for one token. A word that is a token
//! or none: to take it is an exchange as well, for a plain store would overwrite a second token and
//! lose what it stands for (4.5 ns for a token that is there, this way 2.2).
//! Sleeping at once where there is no token: two threads that wake each other then take 33 us a round,
//! with a look for some microseconds 0.3, and a twentieth of the processor time.
//! A count of 30 bits in the futex's own word: it wraps within seconds of a busy `unpark`.
//!
//! # Checked by
//! dev/model tests/parker.rs, tests/parker.rs.

use core::cell::Cell;
use core::fmt;
use core::future::Future;
use core::mem::ManuallyDrop;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::pin::Pin;
use core::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};
use counterpoint_base::prim::atomic::{AtomicU64, RELAXED, acquire, release};
use counterpoint_base::prim::futex::Futex;
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::time::{self, Duration, Instant};

use crate::atomic_waker::AtomicWaker;
use crate::token;

pub use crate::token::UnparkReason;

const PARKED: u64 = 1;
const TASK: u64 = 1 << 1;
/// One call of `unpark`.
const CALL: u64 = 1 << 2;
const CALLS: u64 = !(CALL - 1);

#[derive(Debug)]
struct Inner {
    word: AtomicU64,
    /// Changed and read by the owner alone.
    seen: AtomicU64,
    futex: Futex,
    task: AtomicWaker,
}

impl Inner {
    /// Takes the token of a word that was read with acquire, if it has one. For the owner.
    #[inline]
    fn take(&self, word: u64) -> bool {
        // Relaxed, both: the owner's own.
        let there = word & CALLS != self.seen.load(RELAXED);
        if there {
            self.seen.store(word & CALLS, RELAXED); // I4
        }
        there
    }

    fn park(&self, deadline: Option<Instant>) -> UnparkReason {
        // Acquire [E1].
        if self.take(self.word.load(acquire("parker.take"))) {
            return UnparkReason::Unparked;
        }
        self.park_slow(deadline)
    }

    #[cold]
    fn park_slow(&self, deadline: Option<Instant>) -> UnparkReason {
        // Relaxed: the owner's own.
        let seen = self.seen.load(RELAXED);
        // Relaxed: a look; the exchange decides.
        token::linger_for(deadline, || self.word.load(RELAXED) & CALLS != seen);
        loop {
            // Acquire [E1] if a token came; to say that it sleeps hands nothing over.
            let announced =
                self.word
                    .compare_exchange(seen, seen | PARKED, RELAXED, acquire("parker.late"));
            if let Err(word) = announced {
                let taken = self.take(word);
                debug_assert!(taken, "nobody else sets a mark (I1, I2)");
                return UnparkReason::Unparked;
            }
            let reason = token::park(&self.futex, deadline);
            // Acquire [E1]: a token that came at the last moment is taken. If this clears nothing,
            // whoever did leaves a token in `futex`, and the next sleep ends early (I5).
            let word = self.word.fetch_and(!PARKED, acquire("parker.woken"));
            if self.take(word) {
                return UnparkReason::Unparked;
            }
            if reason == UnparkReason::Timeout {
                return reason;
            }
        }
    }
}

/// Sleeps until its [`Unparker`] leaves a token.
///
/// The token is there or not; leaving a second one changes nothing. Whoever waits while it is
/// there takes it and goes on. It has nothing to do with `std::thread::park`: neither takes the
/// other's tokens.
///
/// To wait for a value, a lock or an event use those: a token says only "look again".
///
/// # Examples
/// ```
/// use counterpoint_wait::parker::Parker;
///
/// let parker = Parker::new();
/// let unparker = parker.unparker().clone();
/// let thread = std::thread::spawn(move || unparker.unpark());
/// parker.park();
/// thread.join().unwrap();
/// ```
pub struct Parker {
    unparker: Unparker,
    /// Makes it not `Sync`, too (I1).
    announced: Cell<bool>,
}

impl UnwindSafe for Parker {}
impl RefUnwindSafe for Parker {}

/// Leaves tokens for a [`Parker`]; made by [`Parker::unparker`] and by cloning.
///
/// It converts into a [`Waker`]: a thread that sleeps in a [`Parker`] can run a future.
///
/// # Examples
/// ```
/// use counterpoint_wait::parker::Parker;
/// use std::future::Future;
/// use std::pin::pin;
/// use std::task::{Context, Poll, Waker};
///
/// fn block_on<F: Future>(future: F) -> F::Output {
///     let parker = Parker::new();
///     let waker = Waker::from(parker.unparker().clone());
///     let mut cx = Context::from_waker(&waker);
///     let mut future = pin!(future);
///     loop {
///         match future.as_mut().poll(&mut cx) {
///             Poll::Ready(output) => return output,
///             Poll::Pending => parker.park(),
///         }
///     }
/// }
///
/// assert_eq!(block_on(async { 7 }), 7);
/// ```
pub struct Unparker {
    inner: Arc<Inner>,
}

impl UnwindSafe for Unparker {}
impl RefUnwindSafe for Unparker {}

impl Parker {
    /// A parker without a token.
    ///
    /// # Cost
    /// One allocation, shared with all its unparkers.
    pub fn new() -> Parker {
        let inner = Inner {
            word: AtomicU64::new(0),
            seen: AtomicU64::new(0),
            futex: Futex::new(0),
            task: AtomicWaker::new(),
        };
        Parker {
            unparker: Unparker {
                inner: Arc::new(inner),
            },
            announced: Cell::new(false),
        }
    }

    /// Blocks the thread until there is a token, and takes it.
    ///
    /// Everything done before the token was left is visible after it.
    ///
    /// # Cost
    /// A load if the token is there; otherwise a look for some microseconds, left out where that was
    /// in vain lately, and one sleep in the kernel.
    ///
    /// # Examples
    /// ```
    /// let parker = counterpoint_wait::parker::Parker::new();
    /// parker.unparker().unpark();
    /// parker.park(); // takes the token at once
    /// ```
    pub fn park(&self) {
        // Without a deadline there is one reason.
        let _ = self.park_until(None);
    }

    /// Like [`park`](Parker::park), but not longer than `timeout`. A token that comes together
    /// with the end of the time is taken. A timeout too long for the clock is none.
    ///
    /// # Examples
    /// ```
    /// use counterpoint_wait::parker::{Parker, UnparkReason};
    /// use std::time::Duration;
    ///
    /// let parker = Parker::new();
    /// assert_eq!(parker.park_timeout(Duration::from_millis(1)), UnparkReason::Timeout);
    /// parker.unparker().unpark();
    /// assert_eq!(parker.park_timeout(Duration::ZERO), UnparkReason::Unparked);
    /// ```
    pub fn park_timeout(&self, timeout: Duration) -> UnparkReason {
        self.park_until(time::deadline(timeout))
    }

    /// Like [`park`](Parker::park), but not longer than until `deadline`. A token that is there is
    /// taken, however late it is.
    ///
    /// # Examples
    /// ```
    /// use counterpoint_wait::parker::{Parker, UnparkReason};
    /// use std::time::Instant;
    ///
    /// let parker = Parker::new();
    /// assert_eq!(parker.park_deadline(Instant::now()), UnparkReason::Timeout);
    /// ```
    pub fn park_deadline(&self, deadline: Instant) -> UnparkReason {
        self.park_until(Some(deadline))
    }

    fn park_until(&self, deadline: Option<Instant>) -> UnparkReason {
        self.clear(); // I2
        self.unparker.inner.park(deadline)
    }

    /// Waits in a task until there is a token, and takes it. Tokens may be left by threads and
    /// tasks alike.
    ///
    /// It borrows the parker exclusively: clone the [`Unparker`] before.
    ///
    /// # Cancel safety
    /// A future that is dropped takes no token: one that is there stays for the next wait.
    ///
    /// # Panics
    /// If it is polled after it was ready.
    ///
    /// # Cost
    /// No allocation.
    ///
    /// # Examples
    /// ```
    /// use counterpoint_wait::parker::Parker;
    ///
    /// async fn rest(parker: &mut Parker) {
    ///     parker.park_async().await;
    /// }
    /// # let mut parker = Parker::new();
    /// # parker.unparker().unpark();
    /// # let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    /// # assert!(std::future::Future::poll(std::pin::pin!(rest(&mut parker)), &mut cx).is_ready());
    /// ```
    pub fn park_async(&mut self) -> ParkAsync<'_> {
        ParkAsync {
            parker: self,
            done: false,
        }
    }

    /// The other end.
    pub fn unparker(&self) -> &Unparker {
        &self.unparker
    }

    /// The parker as a pointer, to be turned back by [`from_raw`](Parker::from_raw).
    ///
    /// # Examples
    /// ```
    /// use counterpoint_wait::parker::Parker;
    ///
    /// let raw = Parker::into_raw(Parker::new());
    /// // SAFETY: made by `into_raw` just now, and used once.
    /// let parker = unsafe { Parker::from_raw(raw) };
    /// # drop(parker);
    /// ```
    pub fn into_raw(this: Parker) -> *const () {
        this.clear();
        Unparker::into_raw(this.unparker)
    }

    /// The parker of a pointer made by [`into_raw`](Parker::into_raw).
    ///
    /// # Safety
    /// `raw` comes from [`Parker::into_raw`], and is turned back once.
    pub unsafe fn from_raw(raw: *const ()) -> Parker {
        // SAFETY: a parker's pointer is that of its unparker; by the caller's promise it counts
        // for one.
        let unparker = unsafe { Unparker::from_raw(raw) };
        Parker {
            unparker,
            announced: Cell::new(false),
        }
    }

    /// Takes the announcement of a task back, if there is one. A token stays.
    fn clear(&self) {
        if self.announced.replace(false) {
            self.clear_slow();
        }
    }

    #[cold]
    fn clear_slow(&self) {
        let inner = &*self.unparker.inner;
        // Relaxed: nothing is handed over; a token is left to whoever takes it.
        inner.word.fetch_and(!TASK, RELAXED);
        drop(inner.task.take());
    }
}

impl Default for Parker {
    fn default() -> Parker {
        Parker::new()
    }
}

impl fmt::Debug for Parker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parker").finish_non_exhaustive()
    }
}

impl Unparker {
    /// Leaves a token, and wakes the thread or the task that waits for it.
    ///
    /// # Panics
    /// Only if the waker of a waiting task panics; the token is left nevertheless.
    ///
    /// # Cost
    /// One exchange if nobody waits.
    ///
    /// # Examples
    /// ```
    /// let parker = counterpoint_wait::parker::Parker::new();
    /// parker.unparker().unpark();
    /// parker.unparker().unpark(); // one token, not two
    /// parker.park();
    /// ```
    #[inline]
    pub fn unpark(&self) {
        // Release [E1], also when a token is there already.
        let word = self.inner.word.fetch_add(CALL, release("parker.leave"));
        if word & (PARKED | TASK) != 0 {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        // Relaxed: the exchange before has handed everything over. Nothing need be acquired: see
        // Waiting above.
        let word = self.inner.word.fetch_and(!(PARKED | TASK), RELAXED);
        // I3
        if word & PARKED != 0 {
            token::unpark(&self.inner.futex);
        }
        if word & TASK != 0 {
            self.inner.task.wake();
        }
    }

    /// The unparker as a pointer, to be turned back by [`from_raw`](Unparker::from_raw).
    ///
    /// # Examples
    /// ```
    /// use counterpoint_wait::parker::{Parker, Unparker};
    ///
    /// let parker = Parker::new();
    /// let raw = Unparker::into_raw(parker.unparker().clone());
    /// // SAFETY: made by `into_raw` just now, and used once.
    /// unsafe { Unparker::from_raw(raw) }.unpark();
    /// parker.park();
    /// ```
    pub fn into_raw(this: Unparker) -> *const () {
        Arc::into_raw(this.inner).cast()
    }

    /// The unparker of a pointer made by [`into_raw`](Unparker::into_raw).
    ///
    /// # Safety
    /// `raw` comes from [`Unparker::into_raw`], and is turned back once.
    pub unsafe fn from_raw(raw: *const ()) -> Unparker {
        // SAFETY: made by `Arc::into_raw`, and counts for one, by the caller's promise.
        let inner = unsafe { Arc::from_raw(raw.cast::<Inner>()) };
        Unparker { inner }
    }
}

impl Clone for Unparker {
    fn clone(&self) -> Unparker {
        Unparker {
            inner: self.inner.clone(),
        }
    }
}

impl fmt::Debug for Unparker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unparker").finish_non_exhaustive()
    }
}

static WAKER: RawWakerVTable = RawWakerVTable::new(duplicate, wake, wake_by_ref, release_waker);

/// A waker that leaves a token. Cloning it counts, without allocating.
impl From<Unparker> for Waker {
    fn from(unparker: Unparker) -> Waker {
        let raw = RawWaker::new(Unparker::into_raw(unparker), &WAKER);
        // SAFETY: the functions of the table treat the data as an unparker that counts for one,
        // and an unparker may be used and dropped on any thread.
        unsafe { Waker::from_raw(raw) }
    }
}

fn unparker_of(data: *const ()) -> Unparker {
    // SAFETY: the data of the table comes from `Unparker::into_raw`; the caller keeps or drops
    // exactly the count that the waker stands for.
    unsafe { Unparker::from_raw(data) }
}

fn duplicate(data: *const ()) -> RawWaker {
    let unparker = ManuallyDrop::new(unparker_of(data));
    RawWaker::new(Unparker::into_raw(Unparker::clone(&unparker)), &WAKER)
}

fn wake(data: *const ()) {
    unparker_of(data).unpark();
}

fn wake_by_ref(data: *const ()) {
    ManuallyDrop::new(unparker_of(data)).unpark();
}

fn release_waker(data: *const ()) {
    drop(unparker_of(data));
}

/// Waits for a token in a task; made by [`Parker::park_async`].
#[must_use = "futures do nothing unless awaited"]
pub struct ParkAsync<'a> {
    parker: &'a mut Parker,
    done: bool,
}

impl ParkAsync<'_> {
    /// True once it was ready: it must not be polled again.
    pub fn is_terminated(&self) -> bool {
        self.done
    }
}

impl Future for ParkAsync<'_> {
    type Output = ();

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        assert!(!this.done, "ParkAsync polled after it was ready");
        let inner = &*this.parker.unparker.inner;
        // Acquire [E1].
        if !inner.take(inner.word.load(acquire("parker.polled"))) {
            inner.task.register(cx.waker());
            this.parker.announced.set(true);
            // Acquire [E1]: the token, if it came meanwhile. An exchange even if `TASK` is there
            // already: a look could miss a token whose `unpark` woke the waker before this one.
            let word = inner.word.fetch_or(TASK, acquire("parker.announce"));
            if !inner.take(word) {
                return Poll::Pending;
            }
        }
        this.done = true;
        this.parker.clear();
        Poll::Ready(())
    }
}

impl Drop for ParkAsync<'_> {
    fn drop(&mut self) {
        self.parker.clear();
    }
}

#[cfg(feature = "futures")]
impl futures_core::FusedFuture for ParkAsync<'_> {
    fn is_terminated(&self) -> bool {
        self.done
    }
}

impl fmt::Debug for ParkAsync<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParkAsync")
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}
