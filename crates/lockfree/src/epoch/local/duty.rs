//! What a thread does for all, in its record: it hands on what it deferred, advances the epoch, and
//! runs what is due.
//!
//! The protocol, its invariants and edges stand in ../README.md.

use super::super::barrier::{light, panicking, quietly};
use super::super::deferred::Bag;
use super::super::nested::Nested;
use super::{Inside, Local};
use core::panic::Location;
use counterpoint_base::prim::atomic::{RELAXED, acquire};
use counterpoint_base::tune::{EPOCH_BAG, EPOCH_DRAIN, EPOCH_RUN};

/// Who looks for what there is to do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Comes by: tries one advance, and runs a portion.
    Passes,
    /// Held up somebody who went, and was told: goes on for as long as something is owed to one who
    /// went, and runs a portion.
    Told,
    /// Leaves nothing of its own behind: goes on as well, and runs all that may.
    Goes,
}

impl Local {
    // Handing on.

    /// Hands what the thread has deferred to the collector; not what somebody takes just now. Whether
    /// that is so.
    fn hand_on(&self) -> bool {
        let has_bag = self.has_bag();
        if has_bag {
            self.hand_on_bag(self.take_bag());
        }
        self.hand_on_aside();
        !has_bag
    }

    /// Hands on what was deferred while somebody took the bag.
    fn hand_on_aside(&self) {
        self.hand_on_bag(self.take_beside());
    }

    fn hand_on_bag(&self, bag: *mut Bag) {
        debug_assert!(self.is_pinned());
        if !bag.is_null() {
            let stamp = self.global().glance();
            // SAFETY: local.rs I5, or this thread's own; and it is pinned.
            unsafe { self.global().hand_on(bag, stamp) };
        }
    }

    /// The bag is full.
    #[cold]
    pub(super) fn hand_on_full(&self) {
        self.hand_on();
        // Not now: the caller may be in the middle of a change, with locks held.
        self.look_soon();
    }

    /// For a record that is given back: nobody comes for what is beside its bag.
    pub(super) fn leave_nothing_aside(&self) {
        if !self.beside.get().is_null() {
            let _inside = Inside::new(self);
            self.hand_on_aside();
        }
    }

    // Collecting.

    /// See [`Guard::flush`](super::Guard::flush).
    pub(in super::super) fn flush(&self) {
        self.hand_on();
        self.collect(Who::Passes);
    }

    /// Every so many pins, and after a bag was handed on: what is due, and what others left behind,
    /// is looked after.
    #[cold]
    pub(super) fn now_and_then(&self) {
        self.collect(Who::Passes);
    }

    /// Does once what `who` does; whether it should do so again, in a new pin.
    fn collect(&self, who: Who) -> bool {
        debug_assert!(self.is_pinned());
        // A closure that panics would end a program that unwinds.
        if !self.global().has_bags() || panicking() {
            return false;
        }
        let mut again = false;
        let nested = Nested::run(self, self.global(), || {
            if self.ending.get() {
                again = self.collect_quietly(who);
            } else {
                again = self.collect_once(who);
            }
        });
        if let Some(outer) = nested {
            // A closure does not run others in the middle of itself; whoever runs it goes on, also
            // with what this record was told.
            if who != Who::Passes && self.global().is_owed() {
                // SAFETY: the record in which that closure is run, further up on this stack.
                unsafe { &*outer }.nudge();
            }
        }
        again
    }

    /// The same where a panic must not come out; each one costs the closure that it came from.
    fn collect_quietly(&self, who: Who) -> bool {
        let mut again = false;
        for _ in 0..EPOCH_RUN * EPOCH_BAG {
            if quietly(|| again = self.collect_once(who)) {
                break;
            }
        }
        again
    }

    fn collect_once(&self, who: Who) -> bool {
        let global = self.global();
        let owed = who != Who::Passes && global.is_owed();
        let (epoch, worth) = if owed || who == Who::Passes {
            global.advance(self, owed)
        } else {
            (global.epoch(), false)
        };
        let again = owed && worth && global.is_owed();
        match who {
            Who::Goes => while global.run_due(epoch) {},
            Who::Told if again => global.ripen(epoch),
            Who::Told | Who::Passes => {
                global.run_due(epoch);
                if global.has_ripe() {
                    self.look_soon();
                }
            }
        }
        again
    }

    /// Hands on what is left, and runs as much of what the collector has as can be run; for a
    /// thread that has no guard and goes.
    pub(super) fn leave_nothing(&self) {
        self.drain(Who::Goes);
    }

    /// What a thread without a guard was asked to do.
    pub(super) fn told(&self) {
        if self.global().has_bags() {
            self.drain(Who::Told);
            self.tell_again();
        }
    }

    /// What a thread that repins was asked to do.
    #[cold]
    pub(super) fn asked(&self) {
        self.take_nudge();
        self.rounds(Who::Told);
        self.tell_again();
    }

    /// Who was told runs a part of what may run each time.
    fn tell_again(&self) {
        if self.global().has_ripe() {
            self.nudge();
        }
    }

    fn drain(&self, who: Who) {
        for _ in 0..EPOCH_DRAIN {
            // What comes after the last turn stays, for whoever takes the record next.
            self.take_nudge();
            {
                let _inside = Inside::new(self);
                self.rounds(who);
            }
            light("epoch.left"); // [local.rs E9]
            // Relaxed: as in `unpin`. A closure may have left a guard, which goes on with it later.
            if self.guards.get() != 0 || panicking() || !self.nudge.load(RELAXED) {
                return;
            }
        }
    }

    /// Advances and runs, until nothing is owed, or somebody else who was told holds it up. The
    /// caller's is the only guard, and protects nothing.
    fn rounds(&self, who: Who) {
        for _ in 0..EPOCH_DRAIN {
            if who == Who::Goes {
                let later = self.hand_on();
                // Also if others have handed it on meanwhile.
                if self.defers.replace(false) {
                    self.global().owe(later);
                }
            } else {
                self.hand_on_aside();
            }
            let mut again = self.collect(who);
            // What ran has deferred something in this record.
            again |= who == Who::Goes && self.defers.get();
            if self.guards.get() != 1 {
                // A closure has left a guard: what that protects must not be freed.
                if again {
                    self.nudge();
                }
                return;
            }
            if !again {
                return;
            }
            self.renew(Location::caller());
        }
    }

    pub(super) fn take_nudge(&self) {
        // Acquire [local.rs E8]: pairs with the fence in `advance`.
        self.nudge.swap(false, acquire("epoch.nudged"));
    }
}
