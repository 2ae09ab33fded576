//! From values to places on a chart.

/// A logarithmic axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    left: f64,
    right: f64,
}

impl Scale {
    /// One that shows `low` to `high` between the places `left` and `right`.
    pub(super) fn new(low: f64, high: f64, left: f64, right: f64) -> Scale {
        // An axis of no length has no places.
        let high = if high > low * 1.02 { high } else { low * 1.02 };
        Scale {
            low: low.ln(),
            high: high.ln(),
            left,
            right,
        }
    }

    /// The place of a value; values beyond the axis are put at its end.
    pub(super) fn at(&self, value: f64) -> f64 {
        let part = (value.max(f64::MIN_POSITIVE).ln() - self.low) / (self.high - self.low);
        self.left + part.clamp(0.0, 1.0) * (self.right - self.left)
    }

    /// Round values to mark: powers of two for ratios, 1-2-5 for times, and where an axis is too
    /// short for these, even steps.
    pub(super) fn marks(&self, steps: Steps) -> Vec<f64> {
        let all: Vec<f64> = match steps {
            Steps::Doubling => (-12..=12).map(|power| 2f64.powi(power)).collect(),
            Steps::Decimal => (-3..=10)
                .flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(power)))
                .collect(),
        };
        let marks = self.inside(all);
        if marks.len() >= 3 || matches!(steps, Steps::Doubling) {
            return marks;
        }
        let (low, high) = (self.low.exp(), self.high.exp());
        let rough = (high - low) / 4.0;
        let power = 10f64.powf(rough.log10().floor());
        let digit = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .find(|digit| digit * power >= rough);
        let step = digit.unwrap_or(10.0) * power;
        let first = (low / step).ceil() as u64;
        self.inside(
            (first..first + 9)
                .map(|count| count as f64 * step)
                .collect(),
        )
    }

    fn inside(&self, mut values: Vec<f64>) -> Vec<f64> {
        values.retain(|value| {
            let place = value.ln();
            place >= self.low - 1e-9 && place <= self.high + 1e-9
        });
        values
    }

    /// The value at a part of the axis.
    pub(super) fn value(&self, part: f64) -> f64 {
        (self.low + part * (self.high - self.low)).exp()
    }
}

/// Which values are round.
#[derive(Clone, Copy, Debug)]
pub(super) enum Steps {
    Doubling,
    Decimal,
}

#[cfg(test)]
mod tests {
    use super::{Scale, Steps};

    #[test]
    fn places_lie_on_the_axis() {
        let scale = Scale::new(1.0, 100.0, 0.0, 10.0);
        assert_eq!(
            (scale.at(1.0), scale.at(100.0), scale.at(1e9)),
            (0.0, 10.0, 10.0)
        );
        assert!((scale.at(10.0) - 5.0).abs() < 1e-9);
        assert_eq!(scale.at(0.0), 0.0);
    }

    #[test]
    fn every_axis_has_a_few_marks() {
        let marks = |low, high| Scale::new(low, high, 0.0, 1.0).marks(Steps::Decimal);
        assert_eq!(marks(1.0, 10.0), [1.0, 2.0, 5.0, 10.0]);
        assert_eq!(marks(17.0, 39.0), [20.0, 30.0]);
        assert!(marks(4.7, 5.3).len() >= 2);
        let ratios = Scale::new(0.4, 5.0, 0.0, 1.0).marks(Steps::Doubling);
        assert_eq!(ratios, [0.5, 1.0, 2.0, 4.0]);
    }
}
