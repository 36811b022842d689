//! What an unquoted word of YAML is.

use serde_json::{Number, Value};

/// Reads an unquoted word by YAML 1.2's core schema, which JSON's literals are a part of.
pub(super) fn resolve(word: &str) -> Value {
    match word {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    number(word).map_or_else(|| Value::String(word.to_owned()), Value::Number)
}

fn number(word: &str) -> Option<Number> {
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    let all = |text: &str, good: fn(&u8) -> bool| !text.is_empty() && text.as_bytes().iter().all(good);
    if all(digits, u8::is_ascii_digit) {
        let plain = word.strip_prefix('+').unwrap_or(word);
        return plain
            .parse::<i64>()
            .map(Number::from)
            .or_else(|_| plain.parse::<u64>().map(Number::from))
            .ok()
            .or_else(|| plain.parse::<f64>().ok().and_then(Number::from_f64));
    }
    if let Some(octal) = word.strip_prefix("0o") {
        return u64::from_str_radix(octal, 8).ok().map(Number::from);
    }
    if let Some(hex) = word.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok().map(Number::from);
    }
    // Rust reads more words as floats than YAML does: `inf`, `nan`, `infinity`.
    let is_float = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && all(digits, |byte| byte.is_ascii_digit() || b".eE+-".contains(byte))
        && digits.bytes().any(|byte| byte.is_ascii_digit());
    if is_float { word.parse::<f64>().ok().and_then(Number::from_f64) } else { None }
}

/// What readers of YAML 1.1 (kubectl's among them) take an unquoted word for that is text, or another number, in YAML 1.2.
pub(super) fn trap(word: &str) -> Option<&'static str> {
    let lower = word.to_ascii_lowercase();
    match lower.as_str() {
        "yes" | "on" | "y" => return Some("`true`"),
        "no" | "off" | "n" => return Some("`false`"),
        _ => {}
    }
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    let starts = digits.starts_with(|first: char| first.is_ascii_digit());
    if !starts {
        return None;
    }
    if digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some("an octal number");
    }
    if digits.contains('_') && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') {
        return Some("a number");
    }
    let sexagesimal = digits.contains(':')
        && digits
            .split(':')
            .all(|part| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()));
    sexagesimal.then_some("a number to the base 60")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_are_what_yaml_1_2_says() {
        for (word, value) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("null", json!(null)),
            ("true", json!(true)),
            ("False", json!(false)),
            ("8080", json!(8080)),
            ("+1", json!(1)),
            ("-1", json!(-1)),
            ("18446744073709551615", json!(u64::MAX)),
            ("0x10", json!(16)),
            ("0o17", json!(15)),
            ("0777", json!(777)),
            ("1.5", json!(1.5)),
            (".5", json!(0.5)),
            ("1e3", json!(1000.0)),
            ("yes", json!("yes")),
            ("GET", json!("GET")),
            ("1.2.3", json!("1.2.3")),
            ("inf", json!("inf")),
            ("nan", json!("nan")),
            ("-", json!("-")),
            (".", json!(".")),
            ("10.0.0.0/8", json!("10.0.0.0/8")),
            ("v1", json!("v1")),
            ("1_000", json!("1_000")),
        ] {
            assert_eq!(resolve(word), value, "{word}");
        }
    }

    #[test]
    fn words_that_old_readers_take_for_something_else_are_traps() {
        for word in ["yes", "No", "ON", "off", "y", "N", "0777", "1_000", "22:22", "-01"] {
            assert!(trap(word).is_some(), "{word}");
        }
        for word in ["yesterday", "GET", "0", "10", "a_1", "1.2", "::1", "22:222", "web", "-", "", "0x10"] {
            assert_eq!(trap(word), None, "{word}");
        }
    }
}
