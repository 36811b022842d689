//! Peers: where Istio's expressions are slack and strict parts are not.
#![expect(clippy::unwrap_used, reason = "tests")]

use meshward_model::Anonymous;

use super::*;
use crate::truth::Truth::{Maybe, No, Yes};

const NOBODY: Peer = Peer::Anonymous(Anonymous::NoIdentity);

fn peer(principal: &str) -> Peer {
    Peer::Spiffe(SpiffeId::parse(format!("spiffe://{principal}").as_bytes()).unwrap())
}

fn any(value: PeerMatcher) -> Field<PeerMatcher> {
    Field { any: vec![value], none: Vec::new() }
}

fn none(value: PeerMatcher) -> Field<PeerMatcher> {
    Field { any: Vec::new(), none: vec![value] }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn nobody_is_open_to_a_strict_rule_and_just_different_to_one_of_istio() {
    for peer in [NOBODY, Peer::Anonymous(Anonymous::Unverified), Peer::Anonymous(Anonymous::Unread)] {
        for value in [
            PeerMatcher::Principal(Pattern::new("td/a")),
            PeerMatcher::Namespace(Pattern::new("a*")),
            PeerMatcher::TrustDomain(Pattern::new("*td")),
            PeerMatcher::ServiceAccount { namespace: "a".into(), name: "b".into() },
        ] {
            assert_eq!(truth(&any(value.clone()), &peer, true), Maybe, "{value:?}");
            assert_eq!(truth(&none(value.clone()), &peer, true), Maybe, "not {value:?}");
            assert_eq!(truth(&any(value.clone()), &peer, false), No, "{value:?}");
            assert_eq!(truth(&none(value.clone()), &peer, false), Yes, "not {value:?}");
        }
        for value in [
            PeerMatcher::Principal(Pattern::Any),
            PeerMatcher::Namespace(Pattern::Any),
            PeerMatcher::TrustDomain(Pattern::Any),
        ] {
            assert_eq!(truth(&any(value.clone()), &peer, true), No, "{value:?}");
            assert_eq!(truth(&none(value.clone()), &peer, true), Maybe, "not {value:?}");
        }
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn the_expressions_of_istio_find_a_namespace_anywhere_and_strict_rules_only_in_its_place() {
    let pieces = |value: &str| format!("/ns/{value}/").split('*').map(Into::into).collect();
    for (value, principal, istio, strict) in [
        ("a", "td/ns/a/sa/x", Yes, Yes),
        ("a", "td/ns/ab/sa/x", No, No),
        ("a", "td/x/ns/a/y", Yes, Maybe),
        ("a", "td/ns/a", No, Maybe),
        ("a*", "td/ns/ab/sa/x", Yes, Yes),
        ("*a", "td/ns/b/sa/a/x", Yes, Maybe),
        ("*b", "td/ns/ab/sa/x", Yes, Yes),
    ] {
        let id = peer(principal);
        assert_eq!(
            truth(&any(PeerMatcher::IstioNamespace(pieces(value))), &id, false),
            istio,
            "{value} {principal}"
        );
        let matcher = PeerMatcher::Namespace(Pattern::new(value));
        assert_eq!(truth(&any(matcher), &id, true), strict, "{value} {principal}");
    }
    let star = PeerMatcher::IstioNamespace(pieces("a*b*c"));
    assert_eq!(truth(&any(star.clone()), &peer("td/ns/a1b2c/sa/x"), false), Yes);
    assert_eq!(truth(&any(star), &peer("td/ns/a1c2b/sa/x"), false), No);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_trust_domain_of_istio_wants_a_path_and_ends_that_do_not_overlap() {
    let open = |before: &str, after: &str| PeerMatcher::IstioTrustDomain {
        before: before.into(),
        after: after.into(),
        open: true,
    };
    let exact = PeerMatcher::IstioTrustDomain { before: "td".into(), after: "".into(), open: false };
    for (value, principal, expected) in [
        (exact.clone(), "td/a", Yes),
        (exact.clone(), "td", No),
        (exact, "tdx/a", No),
        (open("aba", "aba"), "abaaba/x", Yes),
        (open("aba", "aba"), "ababa/x", No),
        (open("ab", ""), "ab/x", Yes),
        (open("ab", ""), "ab", No),
        (open("", "b"), "ab/x", Yes),
        (open("", "b"), "a/b", No),
    ] {
        assert_eq!(truth(&any(value.clone()), &peer(principal), false), expected, "{value:?} of {principal}");
    }
}
