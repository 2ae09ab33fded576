//! The order in which waits become known.
//!
//! # Invariants
//! * I1: numbers are given once, and grow.
//!
//! # Edges
//! * E1: the exchange of `next` with the smaller number → that with the larger one: who becomes known later sees
//!   the lines of the holds that the earlier one had by then.
//!
//! # Waiting, Cancel, Panic
//! none.
//!
//! # Rejected
//! * A relaxed counter under the locks of a table: two waits may be under two locks, and then the later sees that
//!   the earlier waits, and perhaps not what it holds.
//!
//! # Checked by
//! dev/model tests/hooks.rs.

use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::{AtomicU64, acq_rel};

/// Gives numbers in the order in which waits become known.
#[doc(hidden)]
#[derive(Debug)]
pub struct Order(AtomicU64);

impl Default for Order {
    fn default() -> Order {
        Order::new()
    }
}

impl Order {
    const_fn! {
        /// No wait is known.
        pub const fn new() -> Order {
            Order(AtomicU64::new(0))
        }
    }

    /// The next number, from 0 on.
    pub fn next(&self) -> u64 {
        // AcqRel [E1]: hands on what was held, and takes what those before have.
        self.0.fetch_add(1, acq_rel("ledger.order"))
    }
}
