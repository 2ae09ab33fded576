//! The spot where two meet: two slots, each with a word beside its value, and no exchange.
//!
//! # From
//! The behaviour of rendezvous_swap: arrivals are stored and loaded, values change hands by
//! pointer. Differs: the arrival is written beside the value that is handed over, so one cache line
//! travels for both; a party that is gone is seen; one that sleeps has said so in its word.
//!
//! # State
//! The word of a slot: the last round for which somebody has arrived with it. `closed`: one of the
//! two is gone for good. Who leaves a round: the holder of the slot, at its next arrival.
//!
//! # Fields
//! | field | who reads and writes it |
//! |---|---|
//! | `word` of a slot | written by its holder as it offers the slot, read by the other |
//! | `value` of a slot | its holder between meetings, nobody while it is offered |
//! | `Side` | its party |
//!
//! # Invariants
//! * I1: each slot has one holder. Who arrives offers the slot it holds; both slots change holders
//!   at the moment both are offered for the same round.
//! * I2: after `n` meetings the parties hold different slots, and know which: they swap each time.
//! * I3: the word of a slot is only ever stored to, by its holder. So all stores to it are ordered
//!   one after the other by the meetings between them.
//! * I4: the slot that the partner holds shows the round before until the partner has arrived: that
//!   is the word this party wrote there itself, and the partner has not written since. So a round
//!   differs from the next one and no other matters; the count may wrap around.
//!
//! # Edges
//! * E1: release in `arrive` → acquire in `look`: all that was done to the value, and before.
//!   Model: `what_was_written_is_swapped`.
//! * E2: release in `close` → acquire in `is_closed`: the last arrival of who is gone. Models:
//!   `last_arrival_counts`, `a_late_partner_meets_the_dead`.
//!
//! # Waiting
//! See `half.rs`.
//!
//! # Cancel
//! An arrival cannot be withdrawn without an exchange, so it stays, and a later call goes on with
//! it. Only one that found the partner gone is forgotten.
//!
//! # Panic
//! none: no foreign code runs here.
//!
//! # Rejected
//! * A word for each party on a line of its own, and the values apart: two lines travel for a
//!   meeting, one after the other; measured, 1.6 times the time.
//! * Bits in the words, for one that sleeps or is gone: it would have to set them in a slot that
//!   the partner may hold by then, with exchanges that race with plain stores.
//!
//! # Checked by
//! dev/model tests/rendezvous.rs.

use counterpoint_base::CachePadded;
use counterpoint_base::const_fn;
#[cfg(feature = "std")]
use counterpoint_base::prim::atomic::RELAXED;
use counterpoint_base::prim::atomic::{AtomicBool, AtomicU32, acquire, release};
use counterpoint_base::prim::cell::UnsafeCell;

/// A word, and beside it, on the same cache line if it is small, a value.
#[repr(C)]
struct Slot<V> {
    word: AtomicU32,
    value: UnsafeCell<V>,
}

/// The memory that two parties share.
#[repr(C)]
pub(super) struct Spot<V> {
    slots: [CachePadded<Slot<V>>; 2],
    closed: AtomicBool,
}

// SAFETY: a value is reached by the one party that holds its slot (I1), and moves from party to
// party.
unsafe impl<V: Send> Sync for Spot<V> {}

// A panic of a party leaves its slot held by it, or offered.
impl<V> core::panic::UnwindSafe for Spot<V> {}
impl<V> core::panic::RefUnwindSafe for Spot<V> {}

impl<V> Spot<V> {
    const_fn! {
        /// A spot for the parties `Side::new(0)`, who holds `a`, and `Side::new(1)`, who holds `b`.
        pub(super) const fn new(a: V, b: V) -> Spot<V> {
            Spot { slots: [Spot::slot(a), Spot::slot(b)], closed: AtomicBool::new(false) }
        }

        const fn slot(value: V) -> CachePadded<Slot<V>> {
            CachePadded::new(Slot { word: AtomicU32::new(0), value: UnsafeCell::new(value) })
        }
    }

    /// The values of slots 0 and 1.
    pub(super) fn into_values(self) -> (V, V) {
        let [a, b] = self.slots;
        let value = |slot: CachePadded<Slot<V>>| slot.into_inner().value.into_inner();
        (value(a), value(b))
    }

    /// Makes it as new, but for the values.
    pub(super) fn reset(&mut self) {
        for slot in &mut self.slots {
            slot.word = AtomicU32::new(0);
        }
        self.closed = AtomicBool::new(false);
    }

    /// One of the two goes.
    pub(super) fn close(&self) {
        // Release [E2]: who sees it sees the last arrival.
        self.closed.store(true, release("rendezvous.close"));
    }

    fn is_closed(&self) -> bool {
        // Acquire [E2]: pairs with the release in `close`.
        self.closed.load(acquire("rendezvous.closed"))
    }
}

/// What a look at the partner's slot says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// The partner has not arrived.
    Alone,
    /// Both have met.
    Met,
    /// The partner is gone and has not arrived. The own arrival is forgotten.
    Gone,
}

/// What a party knows: its round, and which slot it holds.
#[derive(Debug)]
pub(super) struct Side {
    /// The round it arrived for last.
    round: u32,
    /// As wide as what indexes: a compiler that reads it together with `arrived` beside it makes the
    /// processor wait until what was written before it has left for the cache, the arrival first. A
    /// meeting took a third longer.
    held: usize,
    /// It has offered its slot and not met yet.
    arrived: bool,
}

impl Side {
    /// The party that begins with slot `held`.
    pub(super) const fn new(held: usize) -> Side {
        Side {
            round: 0,
            held,
            arrived: false,
        }
    }

    /// It has arrived and not met yet.
    #[inline(always)]
    pub(super) const fn has_arrived(&self) -> bool {
        self.arrived
    }

    /// The round it arrived for last.
    #[cfg(feature = "std")]
    #[inline(always)]
    pub(super) const fn round(&self) -> u32 {
        self.round
    }

    #[inline(always)]
    fn own<'s, V>(&self, spot: &'s Spot<V>) -> &'s Slot<V> {
        &spot.slots[self.held & 1]
    }

    #[inline(always)]
    fn other<'s, V>(&self, spot: &'s Spot<V>) -> &'s Slot<V> {
        &spot.slots[!self.held & 1]
    }

    /// Offers the slot it holds, unless it has.
    #[inline(always)]
    pub(super) fn arrive<V>(&mut self, spot: &Spot<V>) {
        if !self.arrived {
            self.arrived = true;
            self.round = self.round.wrapping_add(1);
            // Release [E1]: hands over the value, to the acquire in `look`. A store, as I3 says.
            self.own(spot)
                .word
                .store(self.round, release("rendezvous.arrive"));
        }
    }

    /// Looks, after it arrived, whether the partner has: then both hold the other's slot.
    #[inline(always)]
    pub(super) fn look<V>(&mut self, spot: &Spot<V>) -> Look {
        debug_assert!(self.arrived);
        // Acquire [E1]: pairs with the release in `arrive`.
        let word = self.other(spot).word.load(acquire("rendezvous.look"));
        if word != self.round {
            return Look::Alone; // I4
        }
        self.arrived = false;
        self.held ^= 1; // I1, I2
        Look::Met
    }

    /// As [`look`](Self::look), and sees whether the partner is gone.
    pub(super) fn look_closely<V>(&mut self, spot: &Spot<V>) -> Look {
        match self.look(spot) {
            Look::Alone if spot.is_closed() => {}
            seen => return seen,
        }
        // Now its last arrival is visible [E2], if it is one for this round.
        match self.look(spot) {
            Look::Alone => {
                // Nobody will ever look at this arrival.
                self.arrived = false;
                self.round = self.round.wrapping_sub(1);
                Look::Gone
            }
            seen => seen,
        }
    }

    /// Whether another look would see more than that this party is alone. For holders of a lock that
    /// the partner takes after each change it must be told of.
    #[cfg(feature = "std")]
    pub(super) fn may_go_on<V>(&self, spot: &Spot<V>) -> bool {
        // Relaxed: `look_closely` decides; the lock orders this against the partner.
        self.other(spot).word.load(RELAXED) == self.round || spot.closed.load(RELAXED)
    }

    /// The value in the slot it holds.
    #[inline(always)]
    pub(super) fn value<V>(&self, spot: &Spot<V>) -> *mut V {
        debug_assert!(!self.arrived, "an offered value has no holder");
        self.own(spot).value.with_mut(|value| value)
    }
}
