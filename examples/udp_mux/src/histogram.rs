//! How long answers took.

use std::fmt::Write;
use std::time::Duration;

/// Classes for each doubling.
const STEPS: u32 = 4;
const CLASSES: usize = 40 * STEPS as usize;
const WIDTH: u64 = 48;

/// Durations in classes that grow by a fifth.
#[derive(Clone, Debug)]
pub struct Histogram {
    classes: Vec<u64>,
    count: u64,
    longest: Duration,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram {
            classes: vec![0; CLASSES],
            count: 0,
            longest: Duration::ZERO,
        }
    }
}

/// The class of a number of microseconds.
fn class(micros: u64) -> usize {
    let Some(log) = micros.checked_ilog2() else {
        return 0;
    };
    let rest = ((micros - (1 << log)) * u64::from(STEPS)) >> log;
    ((u64::from(log * STEPS) + rest) as usize).min(CLASSES - 1)
}

/// Where a class begins.
fn begin(class: usize) -> Duration {
    let (log, rest) = (
        class as u64 / u64::from(STEPS),
        class as u64 % u64::from(STEPS),
    );
    Duration::from_micros((1 << log) + (rest << log) / u64::from(STEPS))
}

impl Histogram {
    /// Counts a duration.
    pub fn add(&mut self, took: Duration) {
        self.classes[class(took.as_micros() as u64)] += 1;
        self.count += 1;
        self.longest = self.longest.max(took);
    }

    /// Counts all that the other one has counted.
    pub fn merge(&mut self, other: &Histogram) {
        for (mine, theirs) in self.classes.iter_mut().zip(&other.classes) {
            *mine += theirs;
        }
        self.count += other.count;
        self.longest = self.longest.max(other.longest);
    }

    /// How many it has counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The longest.
    pub fn longest(&self) -> Duration {
        self.longest
    }

    /// The duration that this share of all did not reach, to about a fifth.
    pub fn quantile(&self, share: f64) -> Duration {
        let wanted = (share * self.count as f64) as u64;
        let mut below = 0;
        for (class, count) in self.classes.iter().enumerate() {
            below += count;
            if below > wanted {
                return begin(class);
            }
        }
        self.longest
    }

    /// A line for each doubling that occurs, with a bar.
    pub fn draw(&self) -> String {
        let doublings: Vec<u64> = self
            .classes
            .chunks(STEPS as usize)
            .map(|classes| classes.iter().sum())
            .collect();
        let most = doublings.iter().copied().max().unwrap_or(0).max(1);
        let first = doublings.iter().position(|count| *count > 0);
        let last = doublings.iter().rposition(|count| *count > 0);
        let mut text = String::new();
        let (Some(first), Some(last)) = (first, last) else {
            return text;
        };
        for (log, count) in doublings.iter().enumerate().take(last + 1).skip(first) {
            let from = format!("{:?}", begin(log * STEPS as usize));
            let bar = "█".repeat((count * WIDTH).div_ceil(most) as usize);
            writeln!(text, "{from:>12}  {count:>8}  {bar}").expect("a string takes all");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_class_that_begins_before_it() {
        let mut last = 0;
        for micros in (1..2_000).chain([u64::MAX / 8]) {
            let class = class(micros);
            assert!(class >= last);
            last = class;
            assert!(begin(class) <= Duration::from_micros(micros), "{micros}");
        }
    }

    #[test]
    fn quantiles_are_near() {
        let mut histogram = Histogram::default();
        for micros in 0..10_000 {
            histogram.add(Duration::from_micros(micros));
        }
        let half = histogram.quantile(0.5).as_micros();
        assert!((4_000..=5_000).contains(&half), "{half}");
        assert_eq!(histogram.longest(), Duration::from_micros(9_999));
        let mut twice = histogram.clone();
        twice.merge(&histogram);
        assert_eq!(twice.count(), 20_000);
        assert_eq!(twice.quantile(0.5), histogram.quantile(0.5));
        assert_eq!(twice.draw().lines().count(), 14);
    }
}
