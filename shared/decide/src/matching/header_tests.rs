//! Headers: the three answers of a strict condition, value by value.

use super::*;
use crate::truth::Truth::{Maybe, No, Yes};

fn condition(name: &str, any: &[&str], none: &[&str]) -> HeaderCondition {
    let patterns = |values: &[&str]| values.iter().map(|value| Pattern::new(value)).collect();
    HeaderCondition {
        name: name.as_bytes().into(),
        values: Field { any: patterns(any), none: patterns(none) },
    }
}

fn headers(name: &str, values: &[&[u8]]) -> Headers {
    let mut builder = Headers::builder();
    builder.push(b"x-other", b"admin");
    for value in values {
        builder.push(name.as_bytes(), value);
    }
    builder.build()
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn every_value_counts() {
    let role = condition("x-role", &["admin", "a*"], &[]);
    let other = condition("x-role", &[], &["admin"]);
    type Row<'a> = (&'a [&'a [u8]], Truth, Truth);
    let rows: [Row<'_>; 6] = [
        (&[], No, Yes),
        (&[b"admin"], Yes, No),
        (&[b"user"], No, Yes),
        (&[b"admin", b"ann"], Yes, Maybe),
        (&[b"user", b"admin"], Maybe, Maybe),
        (&[b"\xff", b"\x80"], No, Yes),
    ];
    for (values, positive, negative) in rows {
        let headers = headers("x-role", values);
        assert_eq!(role.truth(&headers, true), positive, "{values:?}");
        assert_eq!(other.truth(&headers, true), negative, "not {values:?}");
        assert_eq!(role.truth(&headers, false), (positive != No).into(), "Istio's {values:?}");
        assert_eq!(other.truth(&headers, false), (negative == Yes).into(), "Istio's not {values:?}");
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn the_parts_of_a_merged_value_are_readings_beside_the_whole() {
    let bearer = condition("authorization", &["Bearer a"], &[]);
    for (value, expected) in [
        (&b"Bearer a"[..], Yes),
        (b"Bearer a,Bearer b", Maybe),
        (b"Bearer b ,\tBearer a ", Maybe),
        (b"Bearer b,Bearer c", No),
        (b",", No),
    ] {
        assert_eq!(
            bearer.truth(&headers("authorization", &[value]), true),
            expected,
            "{}",
            value.escape_ascii()
        );
    }
    let whole = condition("authorization", &["Bearer a,Bearer b", "Bearer a", "Bearer b"], &[]);
    assert_eq!(whole.truth(&headers("authorization", &[b"Bearer a,Bearer b"]), true), Yes);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_name_with_the_other_joint_is_a_further_reading() {
    let role = condition("x-role", &["admin"], &[]);
    let other = condition("x-role", &[], &["admin"]);
    let absent = condition("x-role", &[], &["*"]);
    type Row<'a> = (&'a [(&'a str, &'a [u8])], [Truth; 3]);
    let rows: [Row<'_>; 8] = [
        (&[("x_role", b"admin")], [Maybe, Maybe, Maybe]),
        (&[("x_role", b"user")], [No, Yes, Maybe]),
        (&[("x-role", b"admin"), ("x_role", b"user")], [Maybe, Maybe, No]),
        (&[("x-role", b"user"), ("x_role", b"admin")], [Maybe, Maybe, No]),
        (&[("x-role", b"admin"), ("x_role", b"admin")], [Yes, No, No]),
        (&[("x-role", b"user"), ("x_role", b"guest")], [No, Yes, No]),
        (&[("xrole", b"admin"), ("x-roles", b"admin"), ("x.role", b"admin")], [No, Yes, Yes]),
        (&[], [No, Yes, Yes]),
    ];
    for (pairs, expected) in rows {
        let mut builder = Headers::builder();
        for (name, value) in pairs {
            builder.push(name.as_bytes(), value);
        }
        let headers = builder.build();
        let truths = [&role, &other, &absent].map(|condition| condition.truth(&headers, true));
        assert_eq!(truths, expected, "{pairs:?}");
    }
    let headers = headers("x-role", &[b"admin"]);
    assert_eq!(condition("x_role", &["admin"], &[]).truth(&headers, true), Maybe, "the policy writes `_`");
    assert_eq!(condition("x_role", &["admin"], &[]).truth(&headers, false), No, "Istio's names are bytes");
}
