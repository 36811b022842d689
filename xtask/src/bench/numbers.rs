//! Medians and spreads of many measurements.

use serde::Serialize;

/// What many rounds gave: the middle, and between what the middle half of them lies. Single rounds of a shared machine are
/// worthless, their extremes more so.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) lower_quartile: f64,
    pub(super) upper_quartile: f64,
}

impl Spread {
    /// All zero where nothing was measured.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(0.0);
        let half = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { at(half) } else { (at(half.saturating_sub(1)) + at(half)) / 2.0 };
        let quarter = sorted.len() / 4;
        let upper = sorted.len().saturating_sub(quarter).saturating_sub(1);
        Self { median, lower_quartile: at(quarter), upper_quartile: at(upper) }
    }

    /// `1.27   [1.20 – 1.33]`
    pub(super) fn cells(self, digits: usize) -> [String; 2] {
        let Self { median, lower_quartile, upper_quartile } = self;
        [format!("{median:.digits$}"), format!("[{lower_quartile:.digits$} – {upper_quartile:.digits$}]")]
    }
}

/// Round by round, so that what slows a whole round falls out.
pub(super) fn minus(one: &[f64], none: &[f64]) -> Vec<f64> {
    one.iter().zip(none).map(|(one, none)| one - none).collect()
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn the_median_is_the_middle_or_between_the_two() {
        let spread =
            |median, lower_quartile, upper_quartile| Spread { median, lower_quartile, upper_quartile };
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), spread(2.0, 1.0, 3.0));
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]), spread(2.5, 2.0, 3.0));
        assert_eq!(Spread::of([]), spread(0.0, 0.0, 0.0));
    }
}
