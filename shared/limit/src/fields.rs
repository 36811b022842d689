//! The header fields that tell a caller of its limits: draft-ietf-httpapi-ratelimit-headers-10, and `Retry-After` (RFC 9110 §10.2.3).

use meshward_model::{Edits, FieldName, UnixMillis, is_field_name};

use crate::limit::Terms;

/// `RateLimit-Policy`, `RateLimit` and `Retry-After`, as names of a header map.
pub(crate) const POLICY: &[u8] = b"ratelimit-policy";
pub(crate) const LIMIT: &[u8] = b"ratelimit";
pub(crate) const RETRY_AFTER: &[u8] = b"retry-after";

/// What a comma and two parameters of ten digits take.
const NUMBERS_BYTES: usize = 28;

/// The values of `RateLimit-Policy` and `RateLimit`: lists of structured fields (RFC 9651).
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) policy: String,
    pub(crate) limit: String,
}

impl Fields {
    /// The edits of a response that carries them; none where no limit was added.
    pub(crate) fn into_edits(self) -> Edits {
        const NAMES: [FieldName; 2] = [FieldName::constant(POLICY), FieldName::constant(LIMIT)];
        const { assert!(is_field_name(POLICY) && is_field_name(LIMIT)) };
        if self.policy.is_empty() {
            return Edits::NONE;
        }
        let [policy, limit] = NAMES;
        let add = vec![(policy, self.policy.into_bytes()), (limit, self.limit.into_bytes())];
        Edits { add, ..Edits::NONE }
    }

    /// Adds a limit with these terms, of whose quota `remaining` are left for the next `seconds`. Every answer carries both fields: they
    /// are put together without the machinery of `format!`.
    pub(crate) fn add(&mut self, terms: &Terms, remaining: u64, seconds: u64) {
        for (list, member) in [(&mut self.policy, &terms.policy), (&mut self.limit, &terms.name)] {
            let bytes = member.len().saturating_add(NUMBERS_BYTES);
            if list.is_empty() {
                // All of the memory that one limit takes, at once.
                *list = String::with_capacity(bytes);
            } else {
                list.reserve(bytes);
                list.push_str(", ");
            }
            list.push_str(member);
        }
        parameter(&mut self.limit, ";r=", remaining);
        parameter(&mut self.limit, ";t=", seconds);
    }
}

/// Adds a parameter that is a number.
pub(crate) fn parameter(list: &mut String, name: &str, value: u64) {
    list.push_str(name);
    decimal(list, value);
}

/// Adds a number in decimal digits.
pub(crate) fn decimal(text: &mut String, number: u64) {
    let tens = number / 10;
    if tens > 0 {
        decimal(text, tens);
    }
    // Less than ten.
    let digit = u8::try_from(number % 10).unwrap_or_default();
    text.push(char::from(b'0'.saturating_add(digit)));
}

/// Whole seconds until then, rounded up.
pub(crate) fn seconds_until(then: UnixMillis, now: UnixMillis) -> u64 {
    then.0.saturating_sub(now.0).div_ceil(1_000)
}

/// Whether a limit may have this name: a string of RFC 9651 without escapes.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\')
        && name.trim() == name
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::gcra::Rate;

    #[test]
    fn several_limits_make_one_list() {
        let mut fields = Fields::default();
        fields.add(&Terms::new("per-caller", Rate::new(100, 60_000, 100).unwrap()), 37, 12);
        fields.add(&Terms::new("burst", Rate::new(20, 1_000, 20).unwrap()), 0, 1);
        assert_eq!(fields.policy, "\"per-caller\";q=100;w=60, \"burst\";q=20;w=1");
        assert_eq!(fields.limit, "\"per-caller\";r=37;t=12, \"burst\";r=0;t=1");
    }

    #[test]
    fn numbers_are_written_as_everywhere() {
        for number in [0, 7, 10, 99, 100, 1_000_000, u64::MAX] {
            let mut text = "x".to_owned();
            decimal(&mut text, number);
            assert_eq!(text, format!("x{number}"));
        }
    }

    #[test]
    fn a_started_second_counts_as_one() {
        let now = UnixMillis(1_000);
        for (then, seconds) in [(0, 0), (1_000, 0), (1_001, 1), (2_000, 1), (2_001, 2)] {
            assert_eq!(seconds_until(UnixMillis(then), now), seconds);
        }
    }

    #[test]
    fn a_name_is_what_a_structured_field_carries_without_escapes() {
        let long = "x".repeat(65);
        for name in ["per-caller", "orders: writes", "a"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", " a", "a ", "a\"b", "a\\b", "a\nb", "caf\u{e9}", long.as_str()] {
            assert!(!is_name(name), "{name}");
        }
    }
}
