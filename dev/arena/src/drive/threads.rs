//! Threads that each do as much as they can for a time, one on a processor, or more in turn.
//!
//! They run for a time and not for a number of operations: with a number, a thread that gets
//! ahead is done before the others have begun, and nobody contends.

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::sample::Sample;
use crate::system::{self, Usage};

/// Operations between two looks at the clock or the flag, where these would cost more than the
/// operation itself.
const STRIDE: u64 = 64;

/// What a thread is told, and what it has done.
#[derive(Debug)]
pub(crate) struct Shift<'a> {
    over: &'a AtomicBool,
    ops: u64,
    /// In ticks of the counter.
    longest: u64,
}

impl Shift<'_> {
    fn is_over(&self) -> bool {
        // Relaxed: says only that it is time to stop.
        self.over.load(Ordering::Relaxed)
    }

    /// Runs `op` until the time is over and keeps the longest time between two ends of it.
    pub(crate) fn watched(&mut self, mut op: impl FnMut()) {
        let mut last = system::counter();
        while !self.is_over() {
            op();
            let now = system::counter();
            self.longest = self.longest.max(now.wrapping_sub(last));
            last = now;
            self.ops += 1;
        }
        self.longest = self.longest.max(system::counter().wrapping_sub(last));
    }

    /// Runs `op` until the time is over.
    pub(crate) fn unwatched(&mut self, mut op: impl FnMut()) {
        while !self.is_over() {
            for _ in 0..STRIDE {
                op();
            }
            self.ops += STRIDE;
        }
    }
}

/// Runs `work` on `threads` threads, pinned in turn, for `time`. The thread's number is given.
pub(crate) fn contend(
    threads: usize,
    time: Duration,
    work: impl Fn(usize, &mut Shift<'_>) + Sync,
) -> Sample {
    let (over, ready) = (AtomicBool::new(false), Barrier::new(threads + 1));
    let (over, ready, work) = (&over, &ready, &work);
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|index| {
                scope.spawn(move || {
                    system::pin(index);
                    let mut shift = Shift {
                        over,
                        ops: 0,
                        longest: 0,
                    };
                    ready.wait();
                    let (begun, before) = (Instant::now(), Usage::of_thread());
                    work(index, &mut shift);
                    (shift, begun, Usage::of_thread().since(before))
                })
            })
            .collect();
        ready.wait();
        let (released, ticks) = (Instant::now(), system::counter());
        std::thread::sleep(time);
        let ended = Instant::now();
        over.store(true, Ordering::Relaxed);
        let tick = (ended - released).as_nanos() as f64
            / system::counter().wrapping_sub(ticks).max(1) as f64;
        let mut sample = Sample::default();
        // Where threads outnumber processors, some may work long before this one runs again.
        let mut first = released;
        for handle in handles {
            let (shift, begun, used) = match handle.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            first = first.min(begun);
            sample.ops += shift.ops;
            sample.cpu += used.cpu;
            sample.switches += used.switches;
            sample.longest = sample.longest.max((shift.longest as f64 * tick) as u64);
        }
        sample.wall = (ended - first).as_nanos() as u64;
        sample
    })
}

/// Work of a given length that touches nothing shared: a step takes about a nanosecond.
#[inline(always)]
pub(crate) fn busy(steps: u32) {
    let mut value = black_box(1u64);
    for _ in 0..steps {
        value = value.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 1;
    }
    black_box(value);
}
