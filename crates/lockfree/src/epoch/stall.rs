//! Who is told when the epoch is stuck.
//!
//! # State
//! `held`: 0 if nobody was held up; else the epoch in which somebody was (its lower half), and when
//! first, in milliseconds since the collector was made. Whoever finds another epoch there begins
//! anew.
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

/// The milliseconds in `held`; seven weeks until they begin anew.
const MILLIS: u64 = u32::MAX as u64;

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
        let now = time::now().saturating_duration_since(self.born).as_millis() as u64 & MILLIS;
        // Never 0.
        let this = (epoch + 1) << 32;
        // Relaxed: one word, which publishes nothing.
        let found = self.held.load(RELAXED);
        let held = if found & !MILLIS == this {
            found
        } else {
            let fresh = this | now;
            match self.held.compare_exchange(found, fresh, RELAXED, RELAXED) {
                Ok(_) => fresh,
                // Of the same epoch, or of a later one, of which somebody else tells.
                Err(other) if other & !MILLIS == this => other,
                Err(_) => return,
            }
        };
        let since = Duration::from_millis(now.wrapping_sub(held) & MILLIS);
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
