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
    pub(super) fn had(&self, _contended: bool) -> Holding<'_> {
        Holding(PhantomData)
    }

    pub(super) fn snapshot(&self, _queue: &WaitQueue<AtomicU32, Baton>) -> LockMetricsSnapshot {
        LockMetricsSnapshot::default()
    }
}

/// What a guard remembers.
pub(super) struct Holding<'a>(PhantomData<&'a Metrics>);

impl Holding<'_> {
    #[inline(always)]
    pub(super) fn end(self) {}
}

/// What an operation remembers.
pub(super) struct Watch<'a>(PhantomData<&'a Metrics>);

impl<'a> Watch<'a> {
    #[inline(always)]
    pub(super) fn new(_metrics: &'a Metrics) -> Watch<'a> {
        Watch(PhantomData)
    }

    #[inline(always)]
    pub(super) fn queues(&mut self) {}

    #[inline(always)]
    pub(super) fn left(&mut self) {}

    #[inline(always)]
    pub(super) fn stopped(&mut self, _why: Stop) {}

    #[inline(always)]
    pub(super) fn had(&mut self) -> Holding<'a> {
        Holding(PhantomData)
    }
}
