//! Queries: the value where all readers agree, and what else it may be where they do not.

use super::*;

/// The readings as words: `-` absent, `?` unclear.
fn readings(path: &str, name: &str) -> Vec<String> {
    let found = parameter(path.as_bytes(), name);
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
fn a_parameter_has_one_value_where_all_readers_agree() {
    for (path, expected) in [
        ("/", "-"),
        ("/?", "-"),
        ("/role=admin", "-"),
        ("/?role=admin", "=admin"),
        ("/?a=b&role=admin&c", "=admin"),
        ("/?&&role=admin&", "=admin"),
        ("/?role", "="),
        ("/?role=", "="),
        ("/?role=a=b", "=a=b"),
        ("/?role=a?b", "=a?b"),
        ("/?r%6Fle=%61dmin", "=admin"),
        ("/?role=a%26b%3Dc", "=a&b=c"),
        ("/?role=%2B", "=+"),
        ("/?xrole=admin&roles=admin", "-"),
        ("/?x=role=admin", "-"),
        ("http://h/a?role=admin", "=admin"),
        ("/?other=50%", "-"),
    ] {
        assert_eq!(readings(path, "role"), [expected], "{path}");
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn where_readers_differ_every_reading_is_there() {
    for (path, expected) in [
        ("/?role=a&role=b", &["=a", "=a,b", "=b"][..]),
        ("/?role=a&role=a", &["=a", "=a,a"]),
        ("/?role=a&role=%zz", &["=a", "?"]),
        ("/?role=a;x=1", &["=a", "=a;x=1"]),
        ("/?x=1;role=a", &["-", "=a"]),
        ("/?x=1;y=2", &["-"]),
        ("/?role=a+b", &["=a b", "=a+b"]),
        ("/?Role=a", &["-", "?"]),
        ("/?role[]=a", &["-", "?"]),
        ("/?role[x]=a&role=b", &["=b", "?"]),
        ("/?%72%6fle%00=a", &["-", "?"]),
        ("/?%2572ole=a", &["-", "?"]),
        ("/?%=a", &["-", "?"]),
        ("/?role=%2561dmin", &["?"]),
        ("/?role=%ff", &["?"]),
        ("/?role=a%00b", &["?"]),
        ("/?role=a#role=b", &["?"]),
    ] {
        assert_eq!(readings(path, "role"), expected, "{path}");
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_query_that_is_too_long_is_unclear() {
    let long = |length: usize| format!("/?role=a&x={}", "y".repeat(length - "role=a&x=".len()));
    assert_eq!(readings(&long(MAX_BYTES), "role"), ["=a"]);
    assert_eq!(readings(&long(MAX_BYTES + 1), "role"), ["?"]);
    assert_eq!(readings(&long(MAX_BYTES + 1), "other"), ["?"]);
}
