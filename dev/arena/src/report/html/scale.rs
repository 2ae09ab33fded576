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

    /// Round values to mark: powers of two for ratios, 1-2-5 for times.
    pub(super) fn marks(&self, steps: Steps) -> Vec<f64> {
        let inside = |value: &f64| {
            let place = value.ln();
            place >= self.low - 1e-9 && place <= self.high + 1e-9
        };
        let all: Vec<f64> = match steps {
            Steps::Doubling => (-12..=12).map(|power| 2f64.powi(power)).collect(),
            Steps::Decimal => (-3..=10)
                .flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(power)))
                .collect(),
        };
        all.into_iter().filter(inside).collect()
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
