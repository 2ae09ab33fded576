//! Litmus tests: a few accesses of a few threads, and a table of what may come out.
//!
//! A [`Shape`] is written once. On hardware ([`hardware`]) it is run a million times and more;
//! under loom every outcome that the checker thinks possible is collected. Both are judged by the
//! same table. The table is that of the language: what a machine does not do is
//! [`Interesting`](Class::Interesting), not forbidden.
//!
//! # From
//! The tables are jcstress's idea, running over many cells without a barrier between them litmus7's
//! (J. Alglave, L. Maranget, S. Sarkar and P. Sewell, "Litmus: Running Tests against Hardware",
//! 2011). The names of the classic shapes are theirs, too.

#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
pub mod hardware;
pub mod shapes;

use counterpoint_base::CachePadded;
use counterpoint_base::prim::atomic::{AtomicU32, RELAXED};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What an outcome means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// As any order of the accesses would have it.
    Acceptable,
    /// Allowed, although no order of the accesses explains it.
    Interesting,
    /// Must not happen.
    Forbidden,
}

/// The words that the threads of a shape share, all 0 at first.
#[derive(Debug)]
pub struct Words([CachePadded<AtomicU32>; 4]);

impl Words {
    /// Words at 0.
    pub fn new() -> Words {
        Words([(); 4].map(|()| CachePadded::new(AtomicU32::new(0))))
    }

    /// The first.
    pub fn x(&self) -> &AtomicU32 {
        &self.0[0]
    }

    /// The second.
    pub fn y(&self) -> &AtomicU32 {
        &self.0[1]
    }

    /// The third.
    pub fn z(&self) -> &AtomicU32 {
        &self.0[2]
    }

    /// The fourth.
    pub fn w(&self) -> &AtomicU32 {
        &self.0[3]
    }

    /// Makes them 0 again.
    pub fn reset(&self) {
        // Relaxed: whoever resets has met all others.
        self.0.iter().for_each(|word| word.store(0, RELAXED));
    }
}

impl Default for Words {
    fn default() -> Words {
        Words::new()
    }
}

/// What one thread saw: up to three values, the others 0.
pub type Seen = [u32; 3];

/// What a thread does.
pub type Body = fn(&Words) -> Seen;

/// A litmus test.
#[derive(Debug)]
pub struct Shape {
    /// Its name, as in the literature where it has one.
    pub name: &'static str,
    /// What each thread does, and how many values it saw.
    pub threads: &'static [(Body, usize)],
    /// How many of the words belong to the outcome, as they are at the end.
    pub finals: usize,
    /// Which outcomes are what; the first that fits counts, and those that none fits are
    /// acceptable. A pattern has a value or `*` for each that was seen, thread by thread, then for
    /// each word at the end.
    pub table: &'static [(&'static str, Class)],
    /// What a run costs, in runs of the usual shape.
    pub cost: u64,
    /// Why loom does not explore it as it is, if it does not.
    pub beyond_loom: Option<&'static str>,
}

/// What came out: the values seen, then the words at the end.
pub type Outcome = Vec<u32>;

impl Shape {
    /// The outcome of what the threads saw and the words at the end.
    pub fn outcome(&self, seen: &[Seen], words: &Words) -> Outcome {
        let threads = seen.iter().zip(self.threads);
        let mut outcome: Outcome = threads
            .flat_map(|(seen, (_, count))| seen[..*count].iter().copied())
            .collect();
        // Relaxed: whoever looks has met all others.
        let finals = words.0[..self.finals].iter().map(|word| word.load(RELAXED));
        outcome.extend(finals);
        outcome
    }

    /// What an outcome is by the table.
    pub fn class(&self, outcome: &[u32]) -> Class {
        let fits = |pattern: &str| {
            let mut values = outcome.iter();
            let all = pattern.split_whitespace().all(|wanted| {
                let value = values.next();
                value.is_some_and(|value| wanted == "*" || wanted.parse() == Ok(*value))
            });
            all && values.next().is_none()
        };
        let row = self.table.iter().find(|(pattern, _)| fits(pattern));
        row.map_or(Class::Acceptable, |(_, class)| *class)
    }

    /// How many values an outcome has.
    pub fn width(&self) -> usize {
        self.threads.iter().map(|(_, count)| count).sum::<usize>() + self.finals
    }
}

/// How often each outcome came.
pub type Counts = BTreeMap<Outcome, u64>;

/// The counts of a shape as a table, and whether none is forbidden.
pub fn table(shape: &Shape, counts: &Counts) -> (String, bool) {
    let runs: u64 = counts.values().sum();
    let mut text = format!("{}: {runs} runs\n", shape.name);
    let mut sound = true;
    for (outcome, count) in counts {
        let class = shape.class(outcome);
        sound &= class != Class::Forbidden;
        let values: Vec<String> = outcome.iter().map(u32::to_string).collect();
        let class = format!("{class:?}").to_uppercase();
        let _ = writeln!(text, "    {:<16} {count:>12}  {class}", values.join(" "));
    }
    (text, sound)
}
