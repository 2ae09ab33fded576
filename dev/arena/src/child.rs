//! One pair of subjects in a fresh process: the program runs itself again for it.

use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

use crate::alloc;
use crate::book::{Book, Pace, Subject, Work};
use crate::sample::Sample;

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
}

/// What a child found out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Ours and the peer, measured one right after the other.
    pub(crate) pairs: Vec<(Sample, Sample)>,
    /// Allocations an operation.
    pub(crate) ours_allocs: f64,
    pub(crate) peer_allocs: f64,
}

/// Measurements before those that count.
const WARM_UP: usize = 2;

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
    let pairs = fitting(Duration::from_millis(order.budget), each, order);
    let pairs = (0..pairs)
        .map(|number| {
            if order.peer_first ^ (number % 2 == 1) {
                let peer = peer.run();
                (ours.run(), peer)
            } else {
                let ours = ours.run();
                (ours, peer.run())
            }
        })
        .collect();
    Ok(Answer {
        pairs,
        ours_allocs: ours.allocations(),
        peer_allocs: peer.allocations(),
    })
}

/// How many pairs fit into the budget, two of which warming up has used.
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
