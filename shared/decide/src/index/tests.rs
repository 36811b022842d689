//! What the index holds and finds.
#![expect(clippy::unwrap_used, reason = "tests")]

use meshward_model::{DocumentKind, Headers, Peer, RuleId, RuleName, SpiffeId};

use super::*;
use crate::matching::Field;
use crate::matching::operation::{Operation, OperationField, PathMatcher, Target};
use crate::matching::peer::PeerMatcher;
use crate::pattern::Pattern;
use crate::rule::Source;
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
    let source = Source { fields: vec![Field { any: vec![caller], none: Vec::new() }], token: None };
    Rule {
        id: RuleId::new(name),
        from: vec![source],
        to: vec![Operation { fields: vec![paths] }],
        when: Vec::new(),
    }
}

fn found(index: &Index, path: &str, caller: &str) -> Vec<u32> {
    let peer = Peer::Spiffe(SpiffeId::parse(format!("spiffe://{caller}").as_bytes()).unwrap());
    let target = Target { path: Some(path.as_bytes()), ..Target::default() };
    let headers = Headers::default();
    index.candidates(&Subject { peer: &peer, token: None, headers: &headers, target, strict: true }).collect()
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
