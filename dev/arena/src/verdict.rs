//! Says which bounds are met.

use crate::book::{Bound, OURS};
use crate::result::{Duel, Row};
use crate::sample::Metric;
use crate::stats::{self, Estimate};

/// How far a median may lie below its bound, if the interval still reaches it.
const SLACK: f64 = 0.03;

/// Rare allocations of an executor, an operation, that are no allocation of the subject.
const NO_ALLOCATIONS: f64 = 0.001;

/// A bound and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    /// The bound in words.
    pub(crate) bound: String,
    /// What was measured, in words.
    pub(crate) found: String,
    pub(crate) met: bool,
}

/// The rule for every ratio: the median may fall short by a little, its interval may not.
pub(crate) fn is_met(ratio: Estimate, bound: f64) -> bool {
    ratio.median >= bound - SLACK && ratio.high >= bound
}

/// Judges all bounds of a scenario. A bound against a peer that was not measured is left out.
pub(crate) fn judge(row: &Row, bounds: &[Bound], seed: u64) -> Vec<Verdict> {
    bounds
        .iter()
        .flat_map(|bound| one(row, bound, seed))
        .collect()
}

fn one(row: &Row, bound: &Bound, seed: u64) -> Vec<Verdict> {
    match bound {
        Bound::Ratio {
            metric,
            against,
            least,
        } => {
            let named = |duel: &&Duel| {
                against.is_empty() || against.iter().any(|name| duel.peer.starts_with(name))
            };
            let duels = row.duels.iter().filter(named);
            duels
                .map(|duel| beside(duel, *metric, *least, seed))
                .collect()
        }
        Bound::Time(limit) => time(row, *limit, seed).into_iter().collect(),
        Bound::Bytes(limit) => {
            let bytes = row.subject(OURS).and_then(|ours| ours.bytes);
            let verdict = |bytes| Verdict {
                bound: format!("at most {limit} bytes"),
                found: format!("{bytes} bytes"),
                met: bytes <= *limit,
            };
            bytes.map(verdict).into_iter().collect()
        }
        Bound::NoAllocations => {
            let ours = row.subjects.iter().filter(|subject| subject.ours);
            let verdict = |allocs: f64| Verdict {
                bound: "no allocation".to_owned(),
                found: format!("{allocs:.3} an operation"),
                met: allocs < NO_ALLOCATIONS,
            };
            ours.map(|subject| verdict(subject.allocs)).collect()
        }
    }
}

fn beside(duel: &Duel, metric: Metric, least: f64, seed: u64) -> Verdict {
    let what = match metric {
        Metric::Time => "",
        Metric::Cpu => "processor time: ",
        Metric::Switches => "context switches: ",
        Metric::Longest => "longest wait: ",
    };
    let bound = format!("{what}\u{2265} {} \u{d7} {}", digits(least), duel.peer);
    match duel.ratio_of(metric, seed) {
        Some(ratio) => Verdict {
            bound,
            found: words(ratio),
            met: is_met(ratio, least),
        },
        None => Verdict {
            bound,
            found: "nothing was measured".to_owned(),
            met: false,
        },
    }
}

/// At most three digits after the point, and no zeros at the end.
fn digits(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The limit ÷ ours, by the same rule.
fn time(row: &Row, limit: f64, seed: u64) -> Option<Verdict> {
    let processes = row
        .duels
        .iter()
        .filter(|duel| duel.ours == OURS)
        .flat_map(|duel| {
            let pairs = duel.processes.iter();
            pairs.map(|pairs| {
                pairs
                    .iter()
                    .map(|(ours, _)| (limit, ours.value(Metric::Time)))
                    .collect()
            })
        });
    let processes: Vec<Vec<(f64, f64)>> = processes.collect();
    let ratio = stats::ratio(&processes, seed)?;
    Some(Verdict {
        bound: format!("at most {limit} {}", row.unit),
        found: format!("{:.1} {}", limit / ratio.median, row.unit),
        met: is_met(ratio, 1.0),
    })
}

/// A ratio with its interval.
pub(crate) fn words(ratio: Estimate) -> String {
    format!("{:.2} [{:.2}, {:.2}]", ratio.median, ratio.low, ratio.high)
}

#[cfg(test)]
mod tests;
