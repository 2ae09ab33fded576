//! Medians, and how far they can be trusted.
//!
//! Two subjects are measured in pairs, one right after the other, so that what disturbs one
//! disturbs the other. What counts is the logarithm of the ratio within a pair, and of these the
//! median. Pairs of one process resemble each other (the same addresses, the same luck with
//! caches), so the interval comes from a hierarchical bootstrap: processes are drawn with
//! replacement, and from each drawn process its pairs.

/// How often the pairs are drawn anew for an interval.
const DRAWS: usize = 2000;

/// What part of the draws lies outside of an interval.
const OUTSIDE: f64 = 0.05;

/// A value with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Estimate {
    /// True if `value` lies in the interval.
    pub(crate) fn holds(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// The median ratio of pairs, grouped by process, with its interval; none without pairs.
///
/// Pairs in which a side is zero say nothing and are left out.
pub(crate) fn ratio(processes: &[Vec<(f64, f64)>], seed: u64) -> Option<Estimate> {
    let logarithms: Vec<Vec<f64>> = processes.iter().map(|pairs| log_ratios(pairs)).collect();
    let estimate = bootstrap(&logarithms, seed)?;
    Some(Estimate {
        median: estimate.median.exp(),
        low: estimate.low.exp(),
        high: estimate.high.exp(),
    })
}

fn log_ratios(pairs: &[(f64, f64)]) -> Vec<f64> {
    let usable = pairs
        .iter()
        .filter(|(above, below)| *above > 0.0 && *below > 0.0);
    usable.map(|(above, below)| (above / below).ln()).collect()
}

/// The median of all values with the interval of medians of draws.
fn bootstrap(processes: &[Vec<f64>], seed: u64) -> Option<Estimate> {
    let processes: Vec<&Vec<f64>> = processes
        .iter()
        .filter(|values| !values.is_empty())
        .collect();
    let mut all: Vec<f64> = processes
        .iter()
        .flat_map(|values| values.iter().copied())
        .collect();
    if all.is_empty() {
        return None;
    }
    let median = quantile(&mut all, 0.5);
    let mut random = Random::new(seed);
    let mut drawn = Vec::with_capacity(all.len());
    let mut medians: Vec<f64> = (0..DRAWS)
        .map(|_| {
            drawn.clear();
            for _ in 0..processes.len() {
                let process = processes[random.below(processes.len())];
                drawn.extend((0..process.len()).map(|_| process[random.below(process.len())]));
            }
            quantile(&mut drawn, 0.5)
        })
        .collect();
    Some(Estimate {
        median,
        low: quantile(&mut medians, OUTSIDE / 2.0),
        high: quantile(&mut medians, 1.0 - OUTSIDE / 2.0),
    })
}

/// The value below which the part `at` of `values` lies, between neighbours in proportion; sorts.
///
/// # Panics
/// If there are no values.
pub(crate) fn quantile(values: &mut [f64], at: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = at * (values.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    let part = place - below as f64;
    values[below] * (1.0 - part) + values[above] * part
}

/// Numbers that look random and are the same for the same seed (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests;
