//! Who is told when the epoch is stuck.
//!
//! # State
//! `held`: 0 if nobody was held up; else the epoch in which somebody was (its lower half), and when
//! first, in milliseconds since the collector was made, which begin anew after seven weeks. Whoever
//! finds an earlier epoch there replaces it; who finds a later one is out of date and tells nothing.
//!
//! # Invariants
//! * I1: listeners stay in their list as long as the collector.
//!
//! # Edges
//! * E1: release of a listener into the list → acquire of the list: the listener.
//!
//! # Waiting, Cancel
//! none.
//!
//! # Panic
//! A listener that panics was told; those behind it in the list are told next time.
//!
//! # Checked by
//! dev/model tests/epoch.rs (`who_is_stuck_is_told_of`), tests/epoch.rs.

use super::stats::Stats;
use alloc::boxed::Box;
use core::fmt;
use core::ptr;
use counterpoint_base::prim::atomic::{AtomicPtr, AtomicU64, RELAXED, acquire, release};
use counterpoint_base::prim::time::{self, Duration, Instant};

/// An epoch that could not advance for a while.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Stall {
    /// How long since a thread was first held up.
    pub since: Duration,
    /// How things are; `oldest_pin` is most likely the cause.
    pub stats: Stats,
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no advance for {:?}: {}", self.since, self.stats)
    }
}

/// Who is out of date is so by fewer advances, twice: they are made while it is pinned.
const LATE: i32 = 1 << 16;

type Tell = Box<dyn Fn(&Stall) + Send + Sync>;

struct Listener {
    limit: Duration,
    tell: Tell,
    /// The value of `held` of which it was told last.
    told: AtomicU64,
    next: *const Listener,
}

/// The listeners, and since when the epoch is stuck.
pub(super) struct Stalls {
    first: AtomicPtr<Listener>,
    held: AtomicU64,
    born: Instant,
}

impl Stalls {
    pub(super) fn new() -> Stalls {
        Stalls {
            first: AtomicPtr::new(ptr::null_mut()),
            held: AtomicU64::new(0),
            born: time::now(),
        }
    }

    pub(super) fn add(&self, limit: Duration, tell: Tell) {
        let listener = Box::into_raw(Box::new(Listener {
            limit,
            tell,
            told: AtomicU64::new(0),
            next: ptr::null(),
        }));
        // Relaxed: nothing leaves the list (I1).
        let mut first = self.first.load(RELAXED);
        loop {
            // SAFETY: known to nobody else before the exchange.
            unsafe { (*listener).next = first };
            // Release [E1]: hands the listener to the acquire in `held_up`.
            let put =
                self.first
                    .compare_exchange_weak(first, listener, release("epoch.listen"), RELAXED);
            match put {
                Ok(_) => return,
                Err(found) => first = found,
            }
        }
    }

    /// Somebody could not advance beyond `epoch`.
    pub(super) fn held_up(&self, epoch: u64, stats: impl Fn() -> Stats) {
        // Acquire [E1]: pairs with the release in `add`.
        let mut next: *const Listener = self.first.load(acquire("epoch.listeners"));
        if next.is_null() {
            return;
        }
        let clock = || time::now().saturating_duration_since(self.born).as_millis() as u32;
        let Some((held, since)) = self.since(epoch, clock) else {
            return;
        };
        // SAFETY: I1.
        while let Some(listener) = unsafe { next.as_ref() } {
            next = listener.next;
            // Relaxed: only a mark; the exchange lets one thread tell.
            if since >= listener.limit && listener.told.swap(held, RELAXED) != held {
                let stats = stats();
                (listener.tell)(&Stall { since, stats });
            }
        }
    }
}

impl Stalls {
    /// The value of `held` when somebody could not advance beyond `epoch`, and for how long already;
    /// none if somebody has.
    fn since(&self, epoch: u64, clock: impl Fn() -> u32) -> Option<(u64, Duration)> {
        // Odd, so never 0.
        let this = (epoch + 1) as u32;
        // Relaxed, here and below: one word, which publishes nothing.
        let mut found = self.held.load(RELAXED);
        loop {
            // Read after the word, so that it is not before what stands there.
            let now = clock();
            let begun = found >> 32;
            if begun == u64::from(this) {
                // Where clocks differ nonetheless it may seem to lie ahead.
                let since = (now.wrapping_sub(found as u32) as i32).max(0);
                return Some((found, Duration::from_millis(since as u64)));
            }
            // More than a little behind is far ahead: half of all epochs have passed since.
            let ahead = this.wrapping_sub(begun as u32) as i32;
            if begun != 0 && (-LATE..0).contains(&ahead) {
                return None;
            }
            let fresh = u64::from(this) << 32 | u64::from(now);
            match self.held.compare_exchange(found, fresh, RELAXED, RELAXED) {
                Ok(_) => return Some((fresh, Duration::ZERO)),
                Err(other) => found = other,
            }
        }
    }
}

impl Drop for Stalls {
    fn drop(&mut self) {
        // Relaxed: `&mut self` shows that every other thread is done.
        let mut next = self.first.load(RELAXED);
        while !next.is_null() {
            // SAFETY: made by `Box::into_raw`, and reached by nobody else.
            let listener = unsafe { Box::from_raw(next) };
            next = listener.next.cast_mut();
        }
    }
}

#[cfg(all(test, not(any(counterpoint_loom, counterpoint_shuttle))))]
mod tests;
