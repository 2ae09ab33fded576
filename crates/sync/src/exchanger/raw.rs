//! The protocol of the exchanger: a queue of those who wait, and one place for a thread that looks
//! for a partner before it queues.
//!
//! # From
//! Scherer, Lea and Scott, "A Scalable Elimination-based Exchange Channel" (2005), as in Java's
//! `Exchanger`: an offer in one slot, claimed by an exchange. Differs: who has looked in vain queues
//! in the wait core, where tasks, timed waits and arms of a select are as well; there is one slot
//! and no array of them.
//!
//! # State
//! | `slot` | meaning | who leaves it |
//! |---|---|---|
//! | null | nobody looks | who puts an offer there |
//! | an offer | its thread looks, and has not met | who claims it, or its thread, to null |
//!
//! | `taken` of an offer | meaning | who leaves it |
//! |---|---|---|
//! | false | its value is the one that its thread gives | who has claimed it |
//! | true | its value is the one that its thread gets | nobody |
//!
//! `waiters`: the queue is not empty, or was not. Set and cleared under its lock.
//!
//! # Fields
//! `value` of an offer: its thread, before it is in the slot, after it took it out itself, and once
//! `taken`; who claimed it, in between. A `Wish` is a payload of the queue.
//!
//! # Invariants
//! * I1: an offer leaves the slot by one exchange: of its thread, or of one who then owns its value
//!   until it sets `taken`, which is its last touch.
//! * I2: the thread of an offer does not return before it took the offer out of the slot itself, or
//!   saw `taken`.
//! * I3: who finds the slot and the queue empty either queues, after a last look at the queue under
//!   its lock, or offers for a bounded time and then tries again. So two who come for each other
//!   meet: of two that queue the second one finds the first; one that offers comes to the queue.
//! * I4: in the queue, meeting is one grant, which decides for an arm of a select.
//!
//! # Edges
//! * E1: release in `offer` → acquire in `claim`: the value given, and what was done before. Model:
//!   `offer_races_claim`.
//! * E2: release in `claim` → acquire in `offer`: the value got, and what was done before. Model:
//!   the same.
//!
//! # Waiting
//! Of I3. The mark `waiters` only says where to look first; nobody sleeps relying on it.
//!
//! # Cancel
//! Who stops takes its value back, or has met. A future that was met and is dropped drops the value
//! it got: its partner has gone on with the other one, and cannot be asked back.
//!
//! # Panic
//! Wakers are foreign, and run after both have their values; where the caller has it on its stack
//! only, a panic drops it. Nothing foreign runs while an offer is in the slot.
//!
//! # Rejected
//! * An array of slots: pays with many cores that all meet at one exchanger; here each meeting needs
//!   two of them anyway, and who finds the slot taken claims what is in it.
//! * Offers in the slot without a bound: they could not be arms of a select, nor tasks.
//!
//! # Checked by
//! dev/model tests/exchanger.rs, tests/exchanger.rs.

use core::cell::Cell;
use core::ptr;
use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, RELAXED, acquire, release,
};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::time::{Instant, reached};
use counterpoint_base::prim::{hint, thread};
use counterpoint_base::tune::EXCHANGE_SPINS;
use counterpoint_wait::queue::{End, Grant, Locked, Pick, WaitQueue};
use counterpoint_wait::waker::WakeBatch;

/// What a waiter gives, and what it gets.
#[doc(hidden)]
#[derive(Debug)]
pub struct Wish<T> {
    pub(super) mine: Option<T>,
    pub(super) theirs: Option<T>,
}

impl<T> Wish<T> {
    pub(super) const fn new(value: T) -> Wish<T> {
        Wish {
            mine: Some(value),
            theirs: None,
        }
    }
}

/// So many pauses lie between two looks at the clock.
const CLOCK: u32 = 32;

/// A thread that looks for a partner, on its stack.
struct Offer<T> {
    taken: AtomicU32,
    value: UnsafeCell<Option<T>>,
}

/// The state of an exchanger; opaque.
#[doc(hidden)]
pub struct State<T> {
    slot: AtomicPtr<Offer<T>>,
    waiters: AtomicBool,
}

impl<T> core::fmt::Debug for State<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

// Values are moved whole, and no foreign code runs meanwhile.
impl<T> core::panic::UnwindSafe for State<T> {}
impl<T> core::panic::RefUnwindSafe for State<T> {}

pub(super) type LockedExchanger<'q, T> = Locked<'q, State<T>, Wish<T>>;

/// `Sync` if values may go from thread to thread, as the payload of its queue requires.
pub(super) struct RawExchanger<T> {
    queue: WaitQueue<State<T>, Wish<T>>,
}

// Nothing foreign runs while a value is between two owners.
impl<T> core::panic::UnwindSafe for RawExchanger<T> {}
impl<T> core::panic::RefUnwindSafe for RawExchanger<T> {}

impl<T> RawExchanger<T> {
    const_fn! {
        #[cfg_attr(feature = "hooks", track_caller)]
        pub(super) const fn new() -> RawExchanger<T> {
            RawExchanger {
                queue: WaitQueue::new(State {
                    slot: AtomicPtr::new(ptr::null_mut()),
                    waiters: AtomicBool::new(false),
                }),
            }
        }
    }

    pub(super) const fn queue(&self) -> &WaitQueue<State<T>, Wish<T>> {
        &self.queue
    }

    fn state(&self) -> &State<T> {
        self.queue.state()
    }

    fn has_waiters(&self) -> bool {
        // Relaxed: a hint; the lock shows the queue.
        self.state().waiters.load(RELAXED)
    }

    /// Meets somebody who is there. Who is to be woken comes into `wakes`.
    ///
    /// # Errors
    /// The value, if nobody is.
    pub(super) fn try_exchange(&self, mut mine: T, wakes: &mut WakeBatch) -> Result<T, T> {
        if self.has_waiters() {
            match self.meet_queued(mine, wakes) {
                Ok(theirs) => return Ok(theirs),
                Err(back) => mine = back,
            }
        }
        self.claim(mine)
    }

    /// Meets the first in the queue.
    fn meet_queued(&self, mine: T, wakes: &mut WakeBatch) -> Result<T, T> {
        let (mine, theirs) = (Cell::new(Some(mine)), Cell::new(None));
        let mut queue = self.queue.lock();
        // I4
        queue.grant(
            End::First,
            Grant::Result,
            wakes,
            |partner, _| {
                theirs.set(partner.mine.take());
                partner.theirs = mine.take();
                Pick::Take
            },
            |partner| {
                partner.mine = theirs.take();
                mine.set(partner.theirs.take());
            },
        );
        self.clear_waiters(&queue);
        drop(queue);
        match theirs.take() {
            Some(theirs) => Ok(theirs),
            None => Err(mine.take().expect("not given away")),
        }
    }

    /// Claims the offer in the slot.
    fn claim(&self, mine: T) -> Result<T, T> {
        let slot = &self.state().slot;
        // Relaxed: a look; the exchange decides.
        let offer = slot.load(RELAXED);
        if offer.is_null() {
            return Err(mine);
        }
        // Acquire [E1]: the value of the offer.
        let claimed =
            slot.compare_exchange(offer, ptr::null_mut(), acquire("exchanger.claim"), RELAXED);
        // The one that was taken out: the one seen before may have stood on the same stack earlier.
        let Ok(offer) = claimed else {
            return Err(mine);
        };
        // SAFETY: I1, I2: it was in the slot, so its thread waits for `taken`.
        let offer = unsafe { &*offer };
        let theirs = offer.value.with_mut(|value| {
            // SAFETY: claimed, so nobody else reaches the value (I1).
            unsafe { &mut *value }.replace(mine)
        });
        // Release [E2]: the value that it gets. The last touch.
        offer.taken.store(1, release("exchanger.taken"));
        Ok(theirs.expect("an offer in the slot has a value"))
    }

    /// Meets somebody who is there or comes soon, at most until `until`. For threads that would
    /// sleep otherwise.
    ///
    /// # Errors
    /// The value, if nobody came.
    pub(super) fn exchange_soon(
        &self,
        mine: T,
        until: Option<Instant>,
        wakes: &mut WakeBatch,
    ) -> Result<T, T> {
        let mine = match self.try_exchange(mine, wakes) {
            Err(mine) if thread::parallelism() > 1 => mine,
            result => return result,
        };
        match self.offer(mine, until) {
            Err(mine) => self.try_exchange(mine, wakes),
            met => met,
        }
    }

    /// Puts the value into the slot, if that is empty, and looks for a while whether it is taken.
    fn offer(&self, mine: T, until: Option<Instant>) -> Result<T, T> {
        let slot = &self.state().slot;
        let offer = Offer {
            taken: AtomicU32::new(0),
            value: UnsafeCell::new(Some(mine)),
        };
        let place = ptr::from_ref(&offer).cast_mut();
        // Release [E1]: the value.
        let put =
            slot.compare_exchange(ptr::null_mut(), place, release("exchanger.offer"), RELAXED);
        if put.is_ok() && !self.look_at(&offer, until) {
            // Relaxed: nothing is published by taking it out (I1).
            let back = slot.compare_exchange(place, ptr::null_mut(), RELAXED, RELAXED);
            if back.is_err() {
                // I2: claimed; the claimer has some instructions left.
                while !is_taken(&offer) {
                    thread::yield_now();
                }
                return Ok(value_of(offer));
            }
            return Err(value_of(offer));
        }
        match put {
            Ok(_) => Ok(value_of(offer)),
            Err(_) => Err(value_of(offer)),
        }
    }

    /// Looks for a while whether the offer is taken. Ends early if somebody queues.
    fn look_at(&self, offer: &Offer<T>, until: Option<Instant>) -> bool {
        for spin in 1..=EXCHANGE_SPINS {
            hint::spin_loop();
            if is_taken(offer) {
                return true;
            }
            let look_at_the_clock = spin % CLOCK == 0;
            if self.has_waiters() || look_at_the_clock && until.is_some_and(reached) {
                return false;
            }
        }
        false
    }

    /// Marks that somebody will queue, unless it can meet somebody: then returns false.
    pub(super) fn mark(&self, queue: &LockedExchanger<'_, T>) -> bool {
        let mut somebody = false;
        queue.each(|_| {
            somebody = true;
            false
        });
        if !somebody {
            // Relaxed: a hint.
            self.state().waiters.store(true, RELAXED);
        }
        !somebody
    }

    /// Clears the mark if nobody is left.
    pub(super) fn clear_waiters(&self, queue: &LockedExchanger<'_, T>) {
        if queue.is_empty() {
            // Relaxed: a hint; the lock is held.
            self.state().waiters.store(false, RELAXED);
        }
    }
}

fn is_taken<T>(offer: &Offer<T>) -> bool {
    // Acquire [E2]: pairs with the release in `claim`.
    offer.taken.load(acquire("exchanger.look")) != 0
}

fn value_of<T>(offer: Offer<T>) -> T {
    offer.value.into_inner().expect("there is always a value")
}
