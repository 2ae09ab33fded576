//! One pair of subjects in a fresh process: the program runs itself again for it.

use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

use crate::alloc;
use crate::book::{Book, Pace, Subject, Work};
use crate::sample::Sample;
use crate::system;

/// What a child is asked to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) scenario: String,
    pub(crate) ours: String,
    pub(crate) peer: String,
    /// Milliseconds that a measurement should take where the number of operations is free.
    pub(crate) batch: u64,
    /// Milliseconds for all pairs.
    pub(crate) budget: u64,
    /// At most so many pairs, and at least so many.
    pub(crate) most: usize,
    pub(crate) least: usize,
    /// Which of the two begins.
    pub(crate) peer_first: bool,
    /// The fastest that the processor was so far in this run.
    pub(crate) fastest: f64,
}

/// What a child found out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Ours and the peer, measured one right after the other.
    pub(crate) pairs: Vec<(Sample, Sample)>,
    /// Allocations an operation.
    pub(crate) ours_allocs: f64,
    pub(crate) peer_allocs: f64,
    /// How fast the processor was: the median of the pairs, and the best.
    pub(crate) speed: f64,
    pub(crate) fastest: f64,
}

/// Measurements before those that count.
const WARM_UP: usize = 2;

/// How many times its budget a child may take to meet a fast processor.
const PATIENCE: u32 = 3;

/// Measures what is ordered.
pub(crate) fn measure(book: &Book, order: &Order) -> Result<Answer, String> {
    let scenario = book
        .find(&order.scenario)
        .ok_or("There is no such scenario.")?;
    let subject = |name: &str| scenario.subject(name).ok_or("There is no such subject.");
    let mut ours = Side::new(subject(&order.ours)?, scenario.pace, order.batch);
    let mut peer = Side::new(subject(&order.peer)?, scenario.pace, order.batch);
    let begun = Instant::now();
    for _ in 0..WARM_UP {
        ours.run();
        peer.run();
    }
    let each = begun.elapsed() / WARM_UP as u32;
    let mut gauge = Gauge(order.fastest);
    let (pairs, speed) = pairs(&mut ours, &mut peer, &mut gauge, each, order);
    Ok(Answer {
        pairs,
        speed,
        fastest: gauge.0,
        ours_allocs: ours.allocations(),
        peer_allocs: peer.allocations(),
    })
}

/// Measures until enough pairs have met a fast processor, or patience ends; the pairs that met the
/// fastest, and the median of their speeds. What is kept depends on the speed alone, never on what
/// the subjects did.
fn pairs(
    ours: &mut Side,
    peer: &mut Side,
    gauge: &mut Gauge,
    each: Duration,
    order: &Order,
) -> (Vec<(Sample, Sample)>, f64) {
    let budget = Duration::from_millis(order.budget);
    let wanted = fitting(budget, each, order);
    let deadline = Instant::now() + budget * PATIENCE;
    let mut measured: Vec<(f64, (Sample, Sample))> = Vec::new();
    let mut before = gauge.read();
    loop {
        let (pair, between) = if order.peer_first ^ (measured.len() % 2 == 1) {
            let peer = peer.run();
            let between = gauge.read();
            ((ours.run(), peer), between)
        } else {
            let ours = ours.run();
            let between = gauge.read();
            ((ours, peer.run()), between)
        };
        let after = gauge.read();
        measured.push((before.min(between).min(after), pair));
        before = after;
        let enough = gauge.0 * (1.0 - system::SLOWER);
        let fast = measured
            .iter()
            .filter(|(speed, _)| *speed >= enough)
            .count();
        let patient = measured.len() < order.least || Instant::now() < deadline;
        if fast < wanted && patient {
            continue;
        }
        return kept(measured, enough, wanted, order.least);
    }
}

/// The pairs that met at least the speed `enough`, with the median of their speeds; where these are
/// fewer than `least`, the `wanted` fastest.
fn kept(
    mut measured: Vec<(f64, (Sample, Sample))>,
    enough: f64,
    wanted: usize,
    least: usize,
) -> (Vec<(Sample, Sample)>, f64) {
    measured.sort_by(|a, b| b.0.total_cmp(&a.0));
    let fast = measured.partition_point(|(speed, _)| *speed >= enough);
    measured.truncate(if fast >= least { fast } else { wanted });
    let speed = measured[measured.len() / 2].0;
    (measured.into_iter().map(|(_, pair)| pair).collect(), speed)
}

/// Reads how fast the processor is, and keeps the best.
struct Gauge(f64);

impl Gauge {
    fn read(&mut self) -> f64 {
        let speed = system::speed();
        self.0 = self.0.max(speed);
        speed
    }
}

/// How many pairs fit into the budget.
fn fitting(budget: Duration, each: Duration, order: &Order) -> usize {
    let fit = budget.as_nanos() / each.as_nanos().max(1);
    (fit as usize).clamp(order.least, order.most)
}

/// A subject at work.
struct Side {
    work: Work,
    /// Operations or nanoseconds.
    size: u64,
}

impl Side {
    fn new(subject: &Subject, pace: Pace, batch: u64) -> Side {
        let mut work = (subject.start)();
        let size = match pace {
            Pace::Window(time) => time.as_nanos() as u64,
            Pace::Ops(least) => calibrated(&mut work, least, Duration::from_millis(batch)),
        };
        Side { work, size }
    }

    fn run(&mut self) -> Sample {
        (self.work)(self.size)
    }

    /// Allocations an operation, in a run that is not timed. What a run allocates once, such as
    /// the stacks of its threads, is taken off by a second run of half the size.
    fn allocations(&mut self) -> f64 {
        let half = (self.size / 2).max(1);
        let (small, few) = alloc::counted(|| (self.work)(half));
        let (large, many) = alloc::counted(|| (self.work)(self.size.max(2)));
        if large.ops <= small.ops {
            return many as f64 / large.ops.max(1) as f64;
        }
        many.saturating_sub(few) as f64 / (large.ops - small.ops) as f64
    }
}

/// How many operations take about as long as `time`; finding that out warms up as well.
fn calibrated(work: &mut Work, least: u64, time: Duration) -> u64 {
    let wanted = time.as_nanos() as f64;
    // The first one of a process pays for what is done once, such as asking the kernel what it can.
    work(least);
    let mut ops = least;
    loop {
        let sample = work(ops);
        let took = sample.wall.max(1) as f64;
        if took >= wanted / 2.0 {
            let fitting = sample.ops as f64 * wanted / took;
            return (fitting as u64).max(least);
        }
        ops = (sample.ops as f64 * (wanted / took).clamp(2.0, 50.0)) as u64;
    }
}

#[cfg(test)]
mod tests;
