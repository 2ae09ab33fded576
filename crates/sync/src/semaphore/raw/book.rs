//! What was promised to waiters, and for how long; the protocol is in `raw.rs`.

use counterpoint_base::prim::time::{Instant, deadline, reached};

use crate::fairness::GRACE;

/// Permits that are kept for a waiter.
#[derive(Clone, Copy, Debug)]
pub(in crate::semaphore) struct Promise {
    pub(super) permits: i64,
    pub(super) age: u32,
}

/// What whoever holds the queue lock knows about the waiters.
#[derive(Debug)]
pub(super) struct Book {
    /// The sum of the promises.
    pub(super) promised: i64,
    /// The part of it that is void at `expires`: the promises with the number before `age`.
    pub(super) aging: i64,
    /// When the aging promises are void. `None`: none is aging.
    pub(super) expires: Option<Instant>,
    /// The number of promises made now.
    pub(super) age: u32,
    /// The next ticket.
    pub(super) ticket: u32,
    /// How often a promise was taken up: shows that those who were granted are alive.
    pub(super) claims: u32,
    /// Waiters that have lost for too long.
    pub(super) starving: u32,
    /// The first in line for which releases did not suffice, and when it starves.
    pub(super) passed: Option<(u32, Instant)>,
    /// It does.
    pub(super) passing: bool,
}

impl Book {
    counterpoint_base::const_fn! {
        /// Nothing is promised.
        pub(super) const fn new() -> Book {
            Book {
                promised: 0,
                aging: 0,
                expires: None,
                age: 0,
                ticket: 0,
                claims: 0,
                starving: 0,
                passed: None,
                passing: false,
            }
        }
    }

    /// From now on the promises made so far are aging.
    pub(super) fn watch(&mut self) {
        if self.promised > 0 && self.expires.is_none() {
            self.expires = deadline(GRACE);
            self.aging = self.promised;
            self.age = self.age.wrapping_add(1);
        }
    }

    /// Voids promises that have aged long enough. Returns whether there were any.
    pub(super) fn expire(&mut self) -> bool {
        let due = self.expires.is_some_and(reached);
        let mut voided = false;
        if due {
            self.promised -= self.aging;
            voided = self.aging > 0;
            self.expires = None;
            self.aging = 0;
        }
        self.watch();
        voided
    }

    /// The owner of a promise has come, or gives it up (raw.rs I4).
    pub(super) fn discharge(&mut self, promise: Promise) {
        if promise.age == self.age {
            self.promised -= promise.permits;
        } else if self.expires.is_some() && promise.age == self.age.wrapping_sub(1) {
            self.promised -= promise.permits;
            self.aging -= promise.permits;
        }
        if self.promised == 0 {
            self.expires = None;
        }
    }
}
