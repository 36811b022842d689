//! A score that halves in a given time, in whole numbers: every worker and every engine counts alike.

/// Scores are kept in thousandths.
pub(crate) const UNIT: u32 = 1_000;

/// After this many half-lives nothing is left of any score.
const GONE: u64 = 32;

/// 2^(-i/16) in units of 2^-32.
const SIXTEENTHS: [u64; 16] = [
    4_294_967_296,
    4_112_874_773,
    3_938_502_376,
    3_771_522_796,
    3_611_622_603,
    3_458_501_653,
    3_311_872_529,
    3_171_459_999,
    3_037_000_500,
    2_908_241_642,
    2_784_941_738,
    2_666_869_345,
    2_553_802_834,
    2_445_529_972,
    2_341_847_524,
    2_242_560_872,
];

/// ln 2 in units of 2^-32.
const LN_2: u64 = 2_977_044_472;

/// What is left of `score` after `millis`, when half of it is left after `half_life` (both in milliseconds).
pub(crate) fn left(score: u32, millis: u64, half_life: u64) -> u32 {
    let (Some(halves), Some(rest)) = (millis.checked_div(half_life), millis.checked_rem(half_life)) else {
        return 0;
    };
    if halves >= GONE {
        return 0;
    }
    // The fraction of a half-life in units of 2^-32, cut into sixteenths and what is left of one.
    let fraction = (rest << 32).checked_div(half_life).unwrap_or_default();
    let sixteenth =
        SIXTEENTHS.get(usize::try_from(fraction >> 28).unwrap_or_default()).copied().unwrap_or_default();
    let x = multiplied(fraction & 0x0fff_ffff, LN_2);
    // e^-x by its series; x is at most ln 2 / 16.
    let series = (1_u64 << 32).saturating_sub(x).saturating_add(multiplied(x, x) >> 1);
    let factor = multiplied(sixteenth, series) >> halves;
    let left = u64::from(score).saturating_mul(factor) >> 32;
    u32::try_from(left).unwrap_or(score).min(score)
}

/// When less than `threshold` is left of `score`, in milliseconds from now; at most 32 half-lives.
pub(crate) fn below_after(score: u32, threshold: u32, half_life: u64) -> u64 {
    let (mut low, mut high) = (0, half_life.saturating_mul(GONE));
    while low < high {
        let middle = low.saturating_add(high.saturating_sub(low) >> 1);
        if left(score, middle, half_life) < threshold {
            high = middle;
        } else {
            low = middle.saturating_add(1);
        }
    }
    low
}

/// The product of two numbers in units of 2^-32.
fn multiplied(left: u64, right: u64) -> u64 {
    let product = u128::from(left).saturating_mul(u128::from(right)) >> 32;
    u64::try_from(product).unwrap_or(u64::MAX)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    #![expect(clippy::arithmetic_side_effects, clippy::cast_precision_loss, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn half_is_left_after_a_half_life() {
        for (millis, expected) in [(0, 80_000), (60_000, 40_000), (120_000, 20_000), (600_000, 78)] {
            assert_eq!(left(80_000, millis, 60_000), expected, "after {millis}");
        }
        assert_eq!(left(u32::MAX, 32 * 60_000, 60_000), 0);
        assert_eq!(left(80_000, u64::MAX, 60_000), 0);
    }

    proptest! {
        #[test]
        fn a_score_falls_as_the_formula_says(score in 0_u32..4_000_000, millis in 0_u64..2_000_000, half_life in 1_000_u64..86_400_000) {
            let exact = f64::from(score) * 0.5_f64.powf(millis as f64 / half_life as f64);
            let error = (f64::from(left(score, millis, half_life)) - exact).abs();
            prop_assert!(error <= 1.0 + exact * 3e-5, "{error} of {exact}");
        }

        #[test]
        fn it_is_below_a_threshold_from_that_moment_on(score in 1_u32..4_000_000, threshold in 1_u32..1_000_000, half_life in 1_000_u64..86_400_000) {
            let after = below_after(score, threshold, half_life);
            prop_assert!(left(score, after, half_life) < threshold);
            prop_assert!(after == 0 || left(score, after - 1, half_life) >= threshold);
        }
    }
}
