//! A string, a number or a boolean: what a claim is compared with.

use core::cmp::Ordering;

use meshward_model::Claim;

/// What a claim is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// `true` or `false`.
    Bool(bool),
    /// A number without fraction.
    Integer(i64),
    /// Any other finite number.
    Real(f64),
    /// A string.
    Text(String),
}

impl Scalar {
    /// Whether `claim` is this; `None` where it is of another type, about which this says nothing.
    pub fn equals(&self, claim: &Claim) -> Option<bool> {
        match (self, claim) {
            (Self::Bool(wanted), Claim::Bool(found)) => Some(wanted == found),
            (Self::Text(wanted), Claim::Text(found)) => Some(wanted == found),
            (_, _) => self.compare(claim).map(Ordering::is_eq),
        }
    }

    /// Whether `text` is this; `None` where it may be, but is not spelt as it would be.
    pub fn equals_text(&self, text: &str) -> Option<bool> {
        match self {
            Self::Text(wanted) => Some(wanted == text),
            Self::Bool(wanted) => match text {
                "true" => Some(*wanted),
                "false" => Some(!*wanted),
                _ => None,
            },
            Self::Integer(_) | Self::Real(_) => self.compare_text(text).map(Ordering::is_eq),
        }
    }

    /// How the number that `text` spells compares with this one; `None` where it spells none, or in an unusual way.
    pub fn compare_text(&self, text: &str) -> Option<Ordering> {
        self.compare(&number(text)?)
    }

    /// How the number `claim` compares with this one; `None` where either is no number.
    pub fn compare(&self, claim: &Claim) -> Option<Ordering> {
        match (claim, self) {
            (Claim::Integer(found), Self::Integer(wanted)) => Some(found.cmp(wanted)),
            (Claim::Integer(found), Self::Real(wanted)) => integer_and_real(*found, *wanted),
            (Claim::Real(found), Self::Integer(wanted)) => {
                integer_and_real(*wanted, *found).map(Ordering::reverse)
            }
            (Claim::Real(found), Self::Real(wanted)) => found.partial_cmp(wanted),
            (Claim::Null | Claim::Bool(_) | Claim::Text(_) | Claim::List(_) | Claim::Map(_), _)
            | (_, Self::Bool(_) | Self::Text(_)) => None,
        }
    }
}

/// The number that `text` spells: digits without leading zeros, with or without a minus sign and a fraction, fifteen digits at most, so
/// that no reader rounds it.
fn number(text: &str) -> Option<Claim> {
    const MAX_DIGITS: usize = 15;
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) =
        digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let length = whole.len().saturating_add(fraction.map_or(0, str::len));
    let is_plain = all_digits(whole) && fraction.is_none_or(all_digits) && length <= MAX_DIGITS;
    if !is_plain || (whole.len() > 1 && whole.starts_with('0')) {
        return None;
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let value = |text: &str| {
        text.bytes().try_fold(0_i64, |value, byte| {
            value.checked_mul(10)?.checked_add(i64::from(byte.checked_sub(b'0')?))
        })
    };
    let Some(fraction) = fraction else { return Some(Claim::Integer(value(whole)?.checked_mul(sign)?)) };
    let power = (0..fraction.len()).try_fold(1_i64, |power, _| power.checked_mul(10))?;
    let all = value(whole)?.checked_mul(power)?.checked_add(value(fraction)?)?.checked_mul(sign)?;
    #[expect(clippy::cast_precision_loss, reason = "both have fifteen digits at most, and are below 2^53")]
    Some(Claim::Real(all as f64 / power as f64))
}

/// Compares without rounding: a `f64` does not hold every integer.
fn integer_and_real(integer: i64, real: f64) -> Option<Ordering> {
    /// 2^63, the first number above every `i64`.
    const ABOVE: f64 = 9_223_372_036_854_775_808.0;
    if real >= ABOVE {
        return Some(Ordering::Less);
    }
    if real < -ABOVE {
        return Some(Ordering::Greater);
    }
    #[expect(clippy::cast_possible_truncation, reason = "between the bounds above, and without fraction")]
    let whole = real.trunc() as i64;
    // The fraction decides where the whole parts are the same; it has the sign of the number.
    Some(integer.cmp(&whole).then(0.0.partial_cmp(&real.fract())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_without_rounding() {
        let compare = |claim: Claim, wanted: Scalar| wanted.compare(&claim);
        let big = 9_007_199_254_740_993; // 2^53 + 1, which no f64 is.
        for (claim, wanted, expected) in [
            (Claim::Integer(big), Scalar::Real(9_007_199_254_740_992.0), Ordering::Greater),
            (Claim::Integer(7), Scalar::Real(7.0), Ordering::Equal),
            (Claim::Integer(7), Scalar::Real(7.5), Ordering::Less),
            (Claim::Integer(-7), Scalar::Real(-7.5), Ordering::Greater),
            (Claim::Integer(0), Scalar::Real(-0.5), Ordering::Greater),
            (Claim::Integer(0), Scalar::Real(-0.0), Ordering::Equal),
            (Claim::Integer(i64::MAX), Scalar::Real(9.3e18), Ordering::Less),
            (Claim::Integer(i64::MIN), Scalar::Real(-9.3e18), Ordering::Greater),
            (Claim::Integer(i64::MIN), Scalar::Real(-9_223_372_036_854_775_808.0), Ordering::Equal),
            (Claim::Real(7.5), Scalar::Integer(7), Ordering::Greater),
            (Claim::Real(7.0), Scalar::Integer(7), Ordering::Equal),
            (Claim::Real(0.1), Scalar::Real(0.2), Ordering::Less),
        ] {
            assert_eq!(compare(claim.clone(), wanted.clone()), Some(expected), "{claim:?} and {wanted:?}");
        }
        assert_eq!(compare(Claim::Text("7".to_owned()), Scalar::Integer(7)), None);
        assert_eq!(compare(Claim::Integer(7), Scalar::Text("7".to_owned())), None);
    }

    #[test]
    fn values_of_another_type_are_neither_equal_nor_different() {
        for (claim, wanted, expected) in [
            (Claim::Bool(true), Scalar::Bool(true), Some(true)),
            (Claim::Bool(true), Scalar::Bool(false), Some(false)),
            (Claim::Text("a".to_owned()), Scalar::Text("a".to_owned()), Some(true)),
            (Claim::Text("true".to_owned()), Scalar::Bool(true), None),
            (Claim::Bool(true), Scalar::Text("true".to_owned()), None),
            (Claim::Integer(1), Scalar::Bool(true), None),
            (Claim::Null, Scalar::Text(String::new()), None),
            (Claim::List(Vec::new()), Scalar::Integer(0), None),
        ] {
            assert_eq!(wanted.equals(&claim), expected, "{claim:?} and {wanted:?}");
        }
    }
}
