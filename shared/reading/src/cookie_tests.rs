//! Cookies: the value where all readers agree, and what else it may be where they do not.

use super::*;

/// The readings as words: `-` absent, `?` unclear.
fn readings(lines: &[&str], name: &str) -> Vec<String> {
    let found = value(lines.iter().map(|line| line.as_bytes()), name);
    let mut words: Vec<String> = found
        .iter()
        .map(|reading| match reading {
            Reading::Absent => "-".to_owned(),
            Reading::Unclear => "?".to_owned(),
            Reading::Text(text) => format!("={text}"),
        })
        .collect();
    words.sort();
    words
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_cookie_has_one_value_where_all_readers_agree() {
    for (lines, expected) in [
        (&[][..], "-"),
        (&[""], "-"),
        (&["tier=gold"], "=gold"),
        (&["a=1; tier=gold; b=2"], "=gold"),
        (&["a=1;tier = gold ;"], "=gold"),
        (&["tier="], "="),
        (&["tier=a=b"], "=a=b"),
        (&["tiers=gold; xtier=gold"], "-"),
        (&["tier=gold; tier=gold"], "=gold"),
        (&["tier=gold", "tier=gold"], "=gold"),
        (&["a=1", "b=2"], "-"),
        (&["prefs={\"a\":1,\"b\":2}; tier=gold"], "=gold"),
        (&["a=\"x\"; tier=gold"], "=gold"),
    ] {
        assert_eq!(readings(lines, "tier"), [expected], "{lines:?}");
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn where_readers_differ_every_reading_is_there() {
    for (lines, expected) in [
        (&["tier=gold; tier=free"][..], &["=free", "=gold"][..]),
        (&["tier=gold", "tier=free"], &["=free", "=gold"]),
        (&["a=1", "tier=gold"], &["-", "=gold"]),
        (&["tier=\"gold\""], &["=\"gold\"", "=gold"]),
        (&["a=\"1; tier=gold\""], &["-", "=gold\"", "?"]),
        (&["a=\"1; tier=gold; b=\""], &["-", "=gold"]),
        (&["tier=gold, b=2"], &["=gold", "=gold, b=2"]),
        (&["a=1, tier=gold"], &["-", "=gold"]),
        (&["tier=g%6Fld"], &["=g%6Fld", "=gold"]),
        (&["tier=a+b"], &["=a b", "=a+b"]),
        (&["tier=%zz"], &["=%zz"]),
        (&["tier=%ff"], &["=%ff", "?"]),
        (&["Tier=gold"], &["-", "?"]),
        (&["tier"], &["-", "?"]),
        (&["t%69er=gold"], &["-", "?"]),
        (&["tier[]=gold"], &["-", "?"]),
        (&["a=\"\\\"; tier=gold"], &["=gold", "?"]),
        (&["tier=\"go\\ld\""], &["=\"go\\ld\"", "=go\\ld", "?"]),
        (&["tier=gold\u{1}"], &["?"]),
    ] {
        assert_eq!(readings(lines, "tier"), expected, "{lines:?}");
    }
    assert_eq!(value([&b"tier=\xff"[..]], "tier"), Readings::only(Reading::Unclear));
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn cookies_that_are_too_long_are_unclear() {
    let long = |length: usize| format!("tier=gold; x={}", "y".repeat(length - "tier=gold; x=".len()));
    assert_eq!(readings(&[&long(MAX_BYTES)], "tier"), ["=gold"]);
    assert_eq!(readings(&[&long(MAX_BYTES + 1)], "tier"), ["?"]);
    assert_eq!(readings(&[&long(MAX_BYTES), "a"], "tier"), ["=gold", "?"]);
}
