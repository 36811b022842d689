//! Operations: what is absent, and hosts in both dialects.
#![expect(clippy::unwrap_used, reason = "tests")]

use meshward_http::host;

use super::*;
use crate::truth::Truth::{Maybe, No, Yes};

fn any<M>(value: M) -> Field<M> {
    Field { any: vec![value], none: Vec::new() }
}

fn none<M>(value: M) -> Field<M> {
    Field { any: Vec::new(), none: vec![value] }
}

fn said(field: OperationField, target: &Target<'_>) -> Truth {
    Operation { fields: vec![field] }.truth(target)
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_port_that_is_not_told_could_be_any() {
    for port in [None, Some(80), Some(81)] {
        let target = Target { port, ..Target::default() };
        let expected = port.map_or(Maybe, |port| (port == 80).into());
        assert_eq!(said(OperationField::Ports(any(80)), &target), expected);
        assert_eq!(said(OperationField::Ports(none(80)), &target), !expected);
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn what_is_absent_matches_nothing() {
    let absent = Target::default();
    for field in [
        OperationField::Hosts(any(HostMatcher::Istio(Pattern::Any))),
        OperationField::Hosts(any(HostMatcher::Strict { name: Pattern::Any, port: None })),
        OperationField::Methods(any(Pattern::Any)),
        OperationField::Paths(any(PathMatcher::Pattern(Pattern::Any))),
    ] {
        assert_eq!(said(field.clone(), &absent), No, "{field:?}");
    }
    let empty = Target { path: Some(b""), ..Target::default() };
    assert_eq!(said(OperationField::Paths(any(PathMatcher::Pattern(Pattern::Any))), &empty), No);
    assert_eq!(said(OperationField::Methods(none(Pattern::Any)), &absent), Yes);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_strict_host_matches_its_port_only_where_it_names_one() {
    let strict = |name: &str, port| HostMatcher::Strict { name: Pattern::new(name), port };
    for (matcher, raw, expected) in [
        (strict("a.b", None), "A.b.:81", Yes),
        (strict("a.b", Some(81)), "a.b:81", Yes),
        (strict("a.b", Some(81)), "a.b", No),
        (strict("a.b", Some(81)), "a.b:82", No),
        (strict("*.b", None), "a.b", Yes),
        (strict("*.b", None), "b", No),
    ] {
        let target = Target { host: Some(host::canonical(raw.as_bytes()).unwrap()), ..Target::default() };
        assert_eq!(
            said(OperationField::Hosts(any(matcher.clone())), &target),
            expected,
            "{matcher:?} of {raw}"
        );
    }
    let sent = Target { authority: Some(b"A.b:81"), ..Target::default() };
    assert_eq!(said(OperationField::Hosts(any(HostMatcher::Istio(Pattern::new("a.B:81")))), &sent), Yes);
    assert_eq!(said(OperationField::Hosts(any(HostMatcher::Istio(Pattern::new("a.b")))), &sent), No);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn all_fields_must_hold_and_the_weakest_says() {
    let operation = Operation {
        fields: vec![OperationField::Methods(any(Pattern::new("GET"))), OperationField::Ports(any(80))],
    };
    for (method, port, expected) in
        [(&b"GET"[..], Some(80), Yes), (b"GET", None, Maybe), (b"PUT", None, No), (b"GET", Some(81), No)]
    {
        let target = Target { method: Some(method), port, ..Target::default() };
        assert_eq!(operation.truth(&target), expected);
    }
}
