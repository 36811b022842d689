//! What the index holds and finds.
#![expect(clippy::unwrap_used, reason = "tests")]

use meshward_model::{Anonymous, DocumentKind, Headers, Peer, RuleId, RuleName, SpiffeId};

use super::*;
use crate::matching::Field;
use crate::matching::address::Block;
use crate::matching::operation::{Operation, OperationField, PathMatcher, Target};
use crate::matching::peer::PeerMatcher;
use crate::pattern::Pattern;
use crate::rule::Source;
use crate::rules::Rules;
use meshward_http::template::Template;

fn rule(index: usize, path: &str, caller: &str) -> Rule {
    let name = RuleName {
        kind: DocumentKind::AccessPolicy,
        namespace: "shop".to_owned(),
        policy: "p".to_owned(),
        index,
    };
    let path = if Template::is_template(path) {
        PathMatcher::Template(Template::new(path, true).unwrap())
    } else {
        PathMatcher::Pattern(Pattern::new(path))
    };
    let paths = OperationField::Paths(Field { any: vec![path], none: Vec::new() });
    let caller = PeerMatcher::Principal(Pattern::new(caller));
    let source =
        Source { fields: vec![Field { any: vec![caller], none: Vec::new() }], token: None, remote: None };
    Rule {
        id: RuleId::new(name),
        from: vec![source],
        to: vec![Operation { fields: vec![paths] }],
        when: Vec::new(),
    }
}

fn from_block(index: usize, block: &str) -> Rule {
    let (address, length) = block.split_once('/').unwrap();
    let block = Block::new(address.parse().unwrap(), length.parse().unwrap()).unwrap();
    let remote = Some(Field { any: vec![block], none: Vec::new() });
    let source = Source { fields: Vec::new(), token: None, remote };
    Rule { from: vec![source], to: Vec::new(), ..rule(index, "*", "*") }
}

fn found_from(index: &Index, address: &str, strict: bool) -> Vec<u32> {
    let remote = Some(address.parse().unwrap());
    let headers = Headers::default();
    let peer = Peer::Anonymous(Anonymous::NoIdentity);
    let target = Target::default();
    index
        .candidates(&Subject { peer: &peer, token: None, headers: &headers, remote, target, strict })
        .collect()
}

fn found(index: &Index, path: &str, caller: &str) -> Vec<u32> {
    let peer = Peer::Spiffe(SpiffeId::parse(format!("spiffe://{caller}").as_bytes()).unwrap());
    let target = Target { path: Some(path.as_bytes()), ..Target::default() };
    let headers = Headers::default();
    index
        .candidates(&Subject {
            peer: &peer,
            token: None,
            headers: &headers,
            remote: None,
            target,
            strict: true,
        })
        .collect()
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn each_form_of_a_path_is_found_by_what_it_has_to_match() {
    let paths = ["/a", "/a/*", "*/z", "/t/{*}/u", "/v/{**}/w", "*"];
    let rules: Vec<Rule> = paths.iter().enumerate().map(|(at, path)| rule(at, path, "*")).collect();
    let index = Index::new(&rules, ALL);
    for (path, expected) in [
        ("/a", &[0, 5][..]),
        ("/a/", &[1, 5]),
        ("/a/b/z", &[1, 2, 5]),
        ("/t/x/u", &[3, 5]),
        ("/v/1/2/w", &[4, 5]),
        ("/v/w", &[4, 5]),
        ("/", &[5]),
    ] {
        assert_eq!(found(&index, path, "td/x"), expected, "{path}");
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn rules_that_no_single_part_tells_apart_are_found_by_two() {
    let pair = |at: usize| (at % 40, at / 40);
    let rules: Vec<Rule> = (0..1600)
        .map(|at| rule(at, &format!("/{}", pair(at).0), &format!("td/ns/a/sa/{}", pair(at).1)))
        .collect();
    let index = Index::new(&rules, ALL);
    assert_eq!(found(&index, "/7", "td/ns/a/sa/9"), [9 * 40 + 7]);
    assert_eq!(found(&index, "/7", "td/ns/a/sa/40"), [0_u32; 0]);
    // Without the caller's name the path is all there is.
    assert_eq!(found(&Index::new(&rules, NAMELESS), "/7", "td/x").len(), 40);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn what_is_looked_up_does_not_grow_with_the_rules() {
    for count in [10, 1000] {
        let rules: Vec<Rule> =
            (0..count).map(|at| rule(at, &format!("/p{at}/{{*}}/end"), &format!("td/ns/n{at}/*"))).collect();
        let index = Index::new(&rules, ALL);
        assert_eq!(found(&index, "/p3/x/end", "td/ns/n3/sa/x"), [3]);
        assert_eq!(found(&index, "/q/x/end", "td/ns/m/sa/x"), [0_u32; 0]);
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn blocks_of_each_length_are_found_by_the_address_in_them() {
    let blocks = [
        "10.0.0.0/8",
        "10.1.0.0/16",
        "10.1.2.0/24",
        "10.1.2.3/32",
        "2001:db8::/32",
        "2001:db8::1/128",
        "0.0.0.0/0",
    ];
    let rules: Vec<Rule> = blocks.iter().enumerate().map(|(at, block)| from_block(at, block)).collect();
    for dimensions in [ALL, TOKENLESS] {
        let index = Index::new(&rules, dimensions);
        for (address, strict, expected) in [
            ("10.1.2.3", true, &[0, 1, 2, 3, 6][..]),
            ("10.1.2.4", true, &[0, 1, 2, 6]),
            ("10.2.0.0", true, &[0, 6]),
            ("11.0.0.0", true, &[6]),
            ("2001:db8::1", true, &[4, 5]),
            ("2001:db8::2", true, &[4]),
            ("::ffff:10.2.0.0", true, &[0, 6]),
            ("::ffff:10.2.0.0", false, &[]),
        ] {
            assert_eq!(found_from(&index, address, strict), expected, "{address}");
        }
        assert!(index.asks_for_addresses());
    }
    assert_eq!(found_from(&Index::new(&rules, NAMELESS), "11.0.0.0", true).len(), blocks.len());
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn the_index_knows_what_its_rules_ask_for() {
    let asks = |rules: &[Rule]| {
        let index = Index::new(rules, ALL);
        (index.asks_for_callers(), index.asks_for_addresses())
    };
    assert_eq!(asks(&[from_block(0, "10.0.0.0/8")]), (false, true));
    assert_eq!(asks(&[rule(0, "*", "td/ns/a/sa/b"), rule(1, "*", "td/ns/a/*")]), (true, false));
    assert_eq!(asks(&[rule(0, "/a", "*")]), (false, false));
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn strict_denying_rules_meet_a_caller_whose_address_nobody_tells() {
    let rules = |strict: bool| -> Rules {
        let rules = (0..32).map(|at| from_block(at, &format!("10.0.{at}.0/24"))).collect();
        Rules::denying(rules, strict)
    };
    let peer = Peer::Spiffe(SpiffeId::parse(b"spiffe://td/ns/a/sa/b").unwrap());
    let headers = Headers::default();
    for (remote, strict, expected) in [
        (Some("10.0.7.1"), true, Some(7)),
        (Some("10.1.7.1"), true, None),
        (None, true, Some(0)),
        (None, false, None),
    ] {
        let remote = remote.map(|address| address.parse().unwrap());
        let subject = Subject {
            peer: &peer,
            token: None,
            headers: &headers,
            remote,
            target: Target::default(),
            strict,
        };
        let rules = rules(strict);
        let place = |rule: Option<&Rule>| rule.map(|rule| rule.id.name().index);
        assert_eq!(place(rules.first(&subject)), expected, "{remote:?} {strict}");
        assert_eq!(place(rules.first_one_by_one(&subject)), expected, "{remote:?} {strict}");
    }
}
