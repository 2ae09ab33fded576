//! The counts, with the feature.
//!
//! # Invariants
//! * I1: the counts are reached under their lock only, and that is taken after the queue's, never
//!   before it; no other lock is taken under it, and no user's code runs.
//!
//! # Edges
//! Those of `prim/lock.rs`.
//!
//! # Rejected
//! * Counts that are atomics: no snapshot of them is of one instant.
//! * Counts under the mutex itself: operations that time out do not hold it.

use core::mem;
use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::AtomicU32;
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::lock::RawLock;
use counterpoint_base::prim::time::{Duration, Instant, now};
use counterpoint_wait::op::Stop;
use counterpoint_wait::queue::WaitQueue;

use super::LockMetricsSnapshot;
use crate::mutex::Baton;

pub(super) struct Metrics {
    lock: RawLock,
    counts: UnsafeCell<LockMetricsSnapshot>,
}

// SAFETY: I1; plain numbers.
unsafe impl Send for Metrics {}
// SAFETY: as above.
unsafe impl Sync for Metrics {}

// What is counted is right at any moment at which a panic can be seen.
impl core::panic::UnwindSafe for Metrics {}
impl core::panic::RefUnwindSafe for Metrics {}

impl Metrics {
    const_fn! {
        pub(super) const fn new() -> Metrics {
            Metrics {
                lock: RawLock::new(),
                counts: UnsafeCell::new(LockMetricsSnapshot {
                    acquisitions: 0,
                    contended: 0,
                    waits: 0,
                    wait_total: Duration::ZERO,
                    wait_max: Duration::ZERO,
                    hold_total: Duration::ZERO,
                    hold_max: Duration::ZERO,
                    timeouts: 0,
                    cancels: 0,
                    dropped: 0,
                    waiters: 0,
                }),
            }
        }
    }

    /// Changes the counts, or copies them.
    fn with<R>(&self, f: impl FnOnce(&mut LockMetricsSnapshot) -> R) -> R {
        let _guard = self.lock.lock();
        // SAFETY: I1: the lock is held.
        self.counts.with_mut(|counts| f(unsafe { &mut *counts }))
    }

    /// The lock was had without queueing.
    pub(super) fn had(&self, contended: bool) -> Since {
        self.with(|counts| {
            counts.acquisitions += 1;
            counts.contended += u64::from(contended);
        });
        Since(now())
    }

    /// An operation has the lock.
    pub(super) fn had_after(&self, waited: Waited) -> Since {
        let now = now();
        let waited = waited.0.map(|since| now.saturating_duration_since(since));
        self.with(|counts| {
            counts.acquisitions += 1;
            if let Some(waited) = waited {
                counts.contended += 1;
                counts.waits += 1;
                counts.wait_total = counts.wait_total.saturating_add(waited);
                counts.wait_max = counts.wait_max.max(waited);
            }
        });
        Since(now)
    }

    /// A hold is about to end.
    pub(super) fn ended(&self, since: Since) {
        let time = now().saturating_duration_since(since.0);
        self.with(|counts| {
            counts.hold_total = counts.hold_total.saturating_add(time);
            counts.hold_max = counts.hold_max.max(time);
        });
    }

    /// An operation ended without the lock.
    pub(super) fn stopped(&self, why: Stop) {
        self.with(|counts| match why {
            Stop::TimedOut => counts.timeouts += 1,
            Stop::Cancelled => counts.cancels += 1,
        });
    }

    /// An operation was dropped after it had queued.
    pub(super) fn dropped(&self) {
        self.with(|counts| counts.dropped += 1);
    }

    pub(super) fn snapshot(&self, queue: &WaitQueue<AtomicU32, Baton>) -> LockMetricsSnapshot {
        let queue = queue.lock();
        let mut waiters = 0;
        queue.each(|_| {
            waiters += 1;
            true
        });
        // Under both locks (I1): nobody queues, is counted or leaves meanwhile.
        LockMetricsSnapshot {
            waiters,
            ..self.with(|counts| *counts)
        }
    }
}

/// Since when a guard holds.
#[derive(Clone, Copy)]
pub(super) struct Since(Instant);

/// What a guard that borrows remembers.
pub(super) struct Holding<'a> {
    metrics: &'a Metrics,
    since: Since,
}

impl<'a> Holding<'a> {
    pub(super) fn new(metrics: &'a Metrics, since: Since) -> Holding<'a> {
        Holding { metrics, since }
    }

    pub(super) fn end(self) {}
}

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        self.metrics.ended(self.since);
    }
}

/// Since when an operation waits that has the lock now, if it had to.
pub(super) struct Waited(Option<Instant>);

/// What an operation remembers: since when it waits, and whether it has left.
pub(super) struct Watch {
    since: Option<Instant>,
    left: bool,
}

impl Watch {
    pub(super) fn new() -> Watch {
        Watch {
            since: None,
            left: false,
        }
    }

    /// It queues, perhaps again.
    pub(super) fn queues(&mut self) {
        self.left = false;
        if self.since.is_none() {
            self.since = Some(now());
        }
    }

    /// It has left the queue with nothing: stopped, dropped, or for another round of its select.
    pub(super) fn left(&mut self) {
        self.left = true;
    }

    /// Why it has left is known.
    pub(super) fn explained(&mut self) {
        self.left = false;
    }

    pub(super) fn has_left(&self) -> bool {
        self.left
    }

    /// It has the lock.
    pub(super) fn taken(&mut self) -> Waited {
        self.left = false;
        Waited(mem::take(&mut self.since))
    }
}
