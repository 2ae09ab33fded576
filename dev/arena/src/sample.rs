//! What one measurement yields, and how it is taken.

use serde::{Deserialize, Serialize};
use std::time::Instant;

use crate::system::Usage;

/// One measurement of one subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Operations done.
    pub(crate) ops: u64,
    /// Nanoseconds on the clock.
    pub(crate) wall: u64,
    /// Nanoseconds of processor time, of all threads that took part.
    pub(crate) cpu: u64,
    /// Context switches of these threads.
    pub(crate) switches: u64,
    /// The longest that any of them went without finishing an operation, in nanoseconds; zero
    /// where that was not watched.
    pub(crate) longest: u64,
}

/// What is read off a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Metric {
    /// Nanoseconds an operation.
    Time,
    /// Nanoseconds of processor time an operation.
    Cpu,
    /// Context switches an operation.
    Switches,
    /// Nanoseconds of the longest wait.
    Longest,
}

impl Sample {
    /// The value of a metric.
    pub(crate) fn value(&self, metric: Metric) -> f64 {
        let per_op = |total: u64| total as f64 / self.ops.max(1) as f64;
        match metric {
            Metric::Time => per_op(self.wall),
            Metric::Cpu => per_op(self.cpu),
            Metric::Switches => per_op(self.switches),
            Metric::Longest => self.longest as f64,
        }
    }
}

/// Measures `work`, which does `ops` operations, in the whole process.
#[inline]
pub(crate) fn measure(ops: u64, work: impl FnOnce()) -> Sample {
    let before = Usage::of_process();
    let begun = Instant::now();
    work();
    let wall = begun.elapsed();
    let used = Usage::of_process().since(before);
    Sample {
        ops,
        wall: wall.as_nanos() as u64,
        cpu: used.cpu,
        switches: used.switches,
        longest: 0,
    }
}
