//! A counter for statistics that many threads write.

use crate::CachePadded;
use crate::prim::atomic::{AtomicU64, RELAXED};
use crate::record;
use crate::tune::COUNTER_STRIPES;
#[cfg(counterpoint_loom)]
use core::array;
use core::fmt;

/// A sum spread over cache lines, so that threads that add do not disturb each other.
///
/// Each thread adds to the stripe of its [record](crate::record); as long as not more threads ever
/// lived at once than there are stripes, no two share one.
///
/// Not for deciding anything: [`sum`](ShardedCounter::sum) is no snapshot, and adding orders
/// nothing else in memory. Nor for a counter that is read as often as written, or that few threads
/// write: one `AtomicU64` is smaller and quicker there.
///
/// # Cost
/// 2 KiB on x86-64. Adding is one uncontended read-modify-write (some 5 ns); a sum reads every
/// stripe. The first use of a thread takes its record.
///
/// # Examples
/// ```
/// use counterpoint_base::ShardedCounter;
///
/// static HITS: ShardedCounter = ShardedCounter::new();
///
/// std::thread::scope(|s| {
///     for _ in 0..4 {
///         s.spawn(|| HITS.add(10));
///     }
/// });
/// HITS.sub(2);
/// assert_eq!(HITS.sum(), 38);
/// ```
pub struct ShardedCounter {
    /// Each wraps around by itself; only their sum means something.
    stripes: [CachePadded<AtomicU64>; COUNTER_STRIPES],
}

impl ShardedCounter {
    /// A counter at 0.
    #[cfg(not(counterpoint_loom))]
    pub const fn new() -> ShardedCounter {
        ShardedCounter {
            stripes: [const { CachePadded::new(AtomicU64::new(0)) }; COUNTER_STRIPES],
        }
    }

    /// A counter at 0.
    #[cfg(counterpoint_loom)]
    pub fn new() -> ShardedCounter {
        ShardedCounter {
            stripes: array::from_fn(|_| CachePadded::new(AtomicU64::new(0))),
        }
    }

    /// Adds `n`.
    #[inline]
    pub fn add(&self, n: u64) {
        // Relaxed: a number alone; the counter publishes nothing.
        self.stripe(|stripe| stripe.fetch_add(n, RELAXED));
    }

    /// Subtracts `n`, which this or another thread may have added.
    #[inline]
    pub fn sub(&self, n: u64) {
        // Relaxed: as in `add`.
        self.stripe(|stripe| stripe.fetch_sub(n, RELAXED));
    }

    /// The sum of all that was added less all that was subtracted.
    ///
    /// Exact for what happened before the call. Of what happens during the call some may be seen
    /// and some not, in any order: one thread's later addition without its earlier one, and a
    /// subtraction without the addition it undoes, so that the sum may even be negative for a
    /// moment. Wraps around beyond 63 bits.
    pub fn sum(&self) -> i64 {
        // Relaxed: what happened before the call is seen without an ordering; the rest need not be.
        let values = self.stripes.iter().map(|stripe| stripe.load(RELAXED));
        values.fold(0, u64::wrapping_add) as i64
    }

    #[inline]
    fn stripe(&self, f: impl FnOnce(&AtomicU64) -> u64) {
        record::with(|record| f(&self.stripes[record.index() % COUNTER_STRIPES]));
    }
}

impl Default for ShardedCounter {
    fn default() -> ShardedCounter {
        ShardedCounter::new()
    }
}

impl fmt::Debug for ShardedCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ShardedCounter").field(&self.sum()).finish()
    }
}
