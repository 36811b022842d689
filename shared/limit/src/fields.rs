//! The header fields that tell a caller of its limits: draft-ietf-httpapi-ratelimit-headers-10, and `Retry-After` (RFC 9110 §10.2.3).

use meshward_model::UnixMillis;

/// `RateLimit-Policy`, `RateLimit` and `Retry-After`, as names of a header map.
pub(crate) const POLICY: &[u8] = b"ratelimit-policy";
pub(crate) const LIMIT: &[u8] = b"ratelimit";
pub(crate) const RETRY_AFTER: &[u8] = b"retry-after";

/// What a member takes beside its name, in bytes, with numbers of ten digits.
const MEMBER_BYTES: usize = 30;

/// The values of `RateLimit-Policy` and `RateLimit`: lists of structured fields (RFC 9651).
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) policy: String,
    pub(crate) limit: String,
}

impl Fields {
    /// Adds a limit: `quota` requests in `window` seconds, of which `remaining` are left for the next `seconds`. The name was checked
    /// when it was compiled: it needs no escapes.
    pub(crate) fn add(&mut self, name: &str, quota: u64, window: u64, remaining: u64, seconds: u64) {
        member(&mut self.policy, name, (";q=", quota), (";w=", window));
        member(&mut self.limit, name, (";r=", remaining), (";t=", seconds));
    }
}

/// Adds a member to a list. Every answer carries two: they are put together without the machinery of `format!`.
fn member(list: &mut String, name: &str, one: (&str, u64), other: (&str, u64)) {
    list.reserve(name.len().saturating_add(MEMBER_BYTES));
    if !list.is_empty() {
        list.push_str(", ");
    }
    list.push('"');
    list.push_str(name);
    list.push('"');
    for (parameter, value) in [one, other] {
        list.push_str(parameter);
        decimal(list, value);
    }
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
    use super::*;

    #[test]
    fn several_limits_make_one_list() {
        let mut fields = Fields::default();
        fields.add("per-caller", 100, 60, 37, 12);
        fields.add("burst", 20, 1, 0, 1);
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
