//! A slot for the waker of one task, filled by the task and emptied by anyone who wakes it.
//!
//! # From
//! `AtomicWaker` of the futures crate; differs in that no foreign code runs while the slot is
//! held, in a bit that says whether it is filled, and in what becomes of two tasks at once.
//!
//! # State
//! | bits | meaning | who leaves it |
//! |---|---|---|
//! | none | empty, nobody at the slot | `register`, to `REGISTERING`; `take`, to `WAKING` and back |
//! | `FULL` | a waker is in the slot | the same |
//! | `REGISTERING` (+ `FULL`) | a registrar is at the slot | it, to `FULL` |
//! | `REGISTERING`, `WAKING` (+ `FULL`) | the same, and a wake-up came meanwhile | the registrar, to none, and wakes |
//! | `WAKING` (+ `FULL`) | a waker is being taken | the taker, to none |
//!
//! # Fields
//! `slot`: whoever set `REGISTERING` or `WAKING` while neither was set, until it clears it.
//!
//! # Invariants
//! * I1: `REGISTERING` and `WAKING` are set from a state with neither by one thread, which then
//!   has the slot to itself.
//! * I2: a `WAKING` set by another one while a registrar has the slot obliges the registrar to
//!   wake.
//! * I3: no foreign code runs between taking the slot and leaving it.
//!
//! # Edges
//! * E1: release in `leave` → acquire in `take`: the registered waker.
//! * E2: release in `take` where the slot is left, and in `overtaken` → acquire in `enter`: the
//!   slot as it was left.
//! * E3: release in `take` → acquire in `enter`, or in `overtaken`: what was done before the
//!   wake-up, to a registrar that comes later or meets it.
//!
//! # Waiting
//! The task registers, then looks again whether it has to wait. Whoever changes what it waits for
//! wakes after that. Wake first: `enter` reads what `take` wrote, and the look after it sees the
//! change (E3). Register first: `take` finds the waker (E1). At the same time: one finds the
//! other's bit, and the registrar wakes itself (I2).
//!
//! # Cancel
//! `take` and drop. Nothing is passed on.
//!
//! # Panic
//! A waker that panics in clone leaves the slot as it was; one that panics when woken or dropped
//! does so with the slot left.
//!
//! # Rejected
//! Cloning while the slot is held (futures, tokio): a clone that panics must be caught. Cloning
//! first each time: two more exchanges on the task's counter where the waker is there already.
//!
//! # Checked by
//! dev/model tests/atomic_waker.rs, tests/atomic_waker.rs.

use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::task::Waker;
use counterpoint_base::prim::atomic::{AtomicU32, RELAXED, acq_rel, acquire, release};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::hint;

const FULL: u32 = 0b001;
const REGISTERING: u32 = 0b010;
const WAKING: u32 = 0b100;

/// A place for the waker of one task that any thread may wake.
///
/// For a future that waits for something a single atomic tells, beside which this stands: the
/// task calls [`register`](AtomicWaker::register), *then* looks whether it must wait; whoever
/// changes the atomic calls [`wake`](AtomicWaker::wake) *after* that. Then no wake-up is lost.
///
/// Not for several tasks at once: it holds one waker.
///
/// # Cost
/// Two exchanges to register or wake, no allocation; a waker that is there already is not cloned.
///
/// # Examples
/// ```
/// use counterpoint_wait::atomic_waker::AtomicWaker;
/// use std::future::poll_fn;
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use std::task::Poll;
///
/// static DONE: AtomicBool = AtomicBool::new(false);
/// static TASK: AtomicWaker = AtomicWaker::new();
///
/// async fn finished() {
///     poll_fn(|cx| {
///         TASK.register(cx.waker());
///         if DONE.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }
///     })
///     .await
/// }
///
/// fn finish() {
///     DONE.store(true, Ordering::Relaxed);
///     TASK.wake();
/// }
/// # finish();
/// # let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
/// # assert!(std::future::Future::poll(std::pin::pin!(finished()), &mut cx).is_ready());
/// ```
pub struct AtomicWaker {
    state: AtomicU32,
    slot: UnsafeCell<Option<Waker>>,
}

// SAFETY: the slot is reached by one thread at a time (I1), and wakers are `Send` and `Sync`.
unsafe impl Sync for AtomicWaker {}
// SAFETY: as above.
unsafe impl Send for AtomicWaker {}

// No panic leaves the slot half-changed (I3).
impl UnwindSafe for AtomicWaker {}
impl RefUnwindSafe for AtomicWaker {}

impl fmt::Debug for AtomicWaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtomicWaker").finish_non_exhaustive()
    }
}

impl Default for AtomicWaker {
    fn default() -> AtomicWaker {
        AtomicWaker::new()
    }
}

impl AtomicWaker {
    counterpoint_base::const_fn! {
        /// An empty place.
        pub const fn new() -> AtomicWaker {
            AtomicWaker { state: AtomicU32::new(0), slot: UnsafeCell::new(None) }
        }
    }

    /// Puts in a waker that the next [`wake`](AtomicWaker::wake) wakes, in place of the one
    /// before. If a wake-up comes at the same time `waker` is woken here.
    ///
    /// After it, look again whether there is anything to wait for: everything done before a
    /// wake-up that found no waker is visible then.
    ///
    /// One task registers at a time. Should two do so at once, one of them is woken to try again.
    ///
    /// # Panics
    /// Only if `waker` itself panics; if it does so when cloned, the waker before stays.
    pub fn register(&self, waker: &Waker) {
        let mut fresh = None;
        // Relaxed: a hint. In an empty slot no waker can be found that need not be cloned.
        let mut found = self.state.load(RELAXED);
        if found & FULL == 0 {
            fresh = Some(waker.clone()); // I3
        }
        loop {
            let Some(entered) = self.enter(found) else {
                // The task comes back, again and again until the other one has left.
                hint::spin_loop();
                waker.wake_by_ref();
                return;
            };
            let same = self.with_slot(|slot| slot.as_ref().is_some_and(|w| w.will_wake(waker)));
            if same || fresh.is_some() {
                if !same {
                    // The old one is dropped with `fresh`, after leaving (I3).
                    self.with_slot(|slot| core::mem::swap(slot, &mut fresh));
                }
                self.leave(entered, FULL);
                return;
            }
            // Another waker is there, or none any more.
            let before = self.with_slot(|slot| slot.is_some());
            self.leave(entered, if before { FULL } else { 0 });
            fresh = Some(waker.clone()); // I3
            found = self.state.load(RELAXED); // a hint, as above
        }
    }

    /// Wakes the waker that is there, if there is one, and empties the place.
    pub fn wake(&self) {
        if let Some(waker) = self.take() {
            waker.wake();
        }
    }

    /// Takes the waker out without waking it; `None` if there is none, or if a task is just
    /// registering: then that one is woken.
    pub fn take(&self) -> Option<Waker> {
        // Acquire [E1]: the waker in the slot. Release [E3]: what was done before.
        let before = self.state.fetch_or(WAKING, acq_rel("atomic_waker.wake"));
        if before & (REGISTERING | WAKING) != 0 {
            return None; // I2, or another taker is at work
        }
        let waker = self.with_slot(Option::take); // I1
        // Release [E2]: the slot is empty now.
        self.state
            .fetch_and(!(FULL | WAKING), release("atomic_waker.taken"));
        waker
    }

    /// Takes the slot for a registrar; returns the state it left, or `None` if a taker or another
    /// registrar is there.
    fn enter(&self, mut found: u32) -> Option<u32> {
        loop {
            if found & (REGISTERING | WAKING) != 0 {
                // Acquire [E3]: what was done before the wake-up that is under way. An exchange,
                // since a look may see a taker that has long gone.
                found = self.state.fetch_or(0, acquire("atomic_waker.meet"));
                if found & (REGISTERING | WAKING) != 0 {
                    return None;
                }
            }
            let entered = found | REGISTERING;
            // Acquire [E2, E3]: the slot as it was left, and what was done before the last
            // wake-up. Relaxed: a failure tries again.
            match self.state.compare_exchange(
                found,
                entered,
                acquire("atomic_waker.enter"),
                RELAXED,
            ) {
                Ok(_) => return Some(entered),
                Err(other) => found = other,
            }
        }
    }

    /// Leaves the slot, and wakes what is in it if a wake-up came meanwhile (I2).
    fn leave(&self, entered: u32, to: u32) {
        // Release [E1]: the waker. A failure means `overtaken`, which orders by itself.
        let left = self
            .state
            .compare_exchange(entered, to, release("atomic_waker.leave"), RELAXED);
        if left.is_err() {
            self.overtaken();
        }
    }

    #[cold]
    fn overtaken(&self) {
        let waker = self.with_slot(Option::take); // I1
        // Acquire [E3]: what was done before the wake-up. Release [E2]: the slot is empty now.
        self.state.swap(0, acq_rel("atomic_waker.overtaken"));
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Runs `f` with the slot, which the caller holds (I1); `f` runs no foreign code (I3).
    fn with_slot<R>(&self, f: impl FnOnce(&mut Option<Waker>) -> R) -> R {
        self.slot.with_mut(|slot| {
            // SAFETY: the caller set its bit in a state with neither (I1), so no other thread
            // reaches the slot before the caller leaves it.
            f(unsafe { &mut *slot })
        })
    }
}
