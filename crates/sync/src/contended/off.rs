//! The counts without the feature: nothing.

use core::marker::PhantomData;
use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::AtomicU32;
use counterpoint_wait::op::Stop;
use counterpoint_wait::queue::WaitQueue;

use super::LockMetricsSnapshot;
use crate::mutex::Baton;

pub(super) struct Metrics;

impl Metrics {
    const_fn! {
        #[inline(always)]
        pub(super) const fn new() -> Metrics {
            Metrics
        }
    }

    #[inline(always)]
    pub(super) fn had(&self, _contended: bool) -> Since {
        Since
    }

    #[inline(always)]
    pub(super) fn had_after(&self, _waited: Waited) -> Since {
        Since
    }

    #[inline(always)]
    pub(super) fn ended(&self, _since: Since) {}

    #[inline(always)]
    pub(super) fn stopped(&self, _why: Stop) {}

    #[inline(always)]
    pub(super) fn dropped(&self) {}

    pub(super) fn snapshot(&self, _queue: &WaitQueue<AtomicU32, Baton>) -> LockMetricsSnapshot {
        LockMetricsSnapshot::default()
    }
}

/// Since when a guard holds.
#[derive(Clone, Copy)]
pub(super) struct Since;

/// What a guard that borrows remembers.
pub(super) struct Holding<'a>(PhantomData<&'a Metrics>);

impl<'a> Holding<'a> {
    #[inline(always)]
    pub(super) fn new(_metrics: &'a Metrics, _since: Since) -> Holding<'a> {
        Holding(PhantomData)
    }

    #[inline(always)]
    pub(super) fn end(self) {}
}

/// Since when an operation waits that has the lock now.
pub(super) struct Waited;

/// What an operation remembers.
pub(super) struct Watch;

impl Watch {
    #[inline(always)]
    pub(super) fn new() -> Watch {
        Watch
    }

    #[inline(always)]
    pub(super) fn queues(&mut self) {}

    #[inline(always)]
    pub(super) fn left(&mut self) {}

    #[inline(always)]
    pub(super) fn explained(&mut self) {}

    #[inline(always)]
    pub(super) fn has_left(&self) -> bool {
        false
    }

    #[inline(always)]
    pub(super) fn taken(&mut self) -> Waited {
        Waited
    }
}
