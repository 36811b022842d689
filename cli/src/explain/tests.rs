//! Every code and every reason has a page; what a page calls wrong is refused for that code, and its remedy is taken.

#![expect(clippy::panic, reason = "a test that cannot go on says why and fails")]

use std::collections::BTreeSet;

use meshward_model::{Code, Node, Plugin, Reason};
use meshward_pipeline::Authz;

use super::page;
use crate::finding::Finding;
use crate::input::Input;
use crate::lint;

#[test]
fn every_code_and_every_reason_has_one_page_and_no_page_is_about_something_else() {
    let mut pages: Vec<&str> = page::pages().map(|(heading, _)| heading).collect();
    pages.sort_unstable();
    let mut wanted: Vec<String> = Code::ALL.iter().map(ToString::to_string).collect();
    wanted.extend(Reason::ALL.iter().map(|reason| reason.code().to_owned()));
    wanted.sort_unstable();
    assert_eq!(pages, wanted);
}

fn findings(text: &str) -> Vec<Finding> {
    let input = Input { name: "page.yaml".to_owned(), path: None, text: text.to_owned(), named: true };
    lint::check(input).findings
}

/// An example as a whole document: some show only rules, or a spec.
fn whole(words: &str, text: &str) -> String {
    let indented = |by: &str| text.lines().fold(String::new(), |all, line| format!("{all}{by}{line}\n"));
    let head = "apiVersion: meshward.io/v1alpha1\nkind: AccessPolicy\nmetadata: {name: page, namespace: shop}\nspec:\n";
    if words.ends_with(" rules") {
        format!("{head}  rules:\n{}", indented("    "))
    } else if words.ends_with(" spec") {
        format!("{head}{}", indented("  "))
    } else {
        text.to_owned()
    }
}

/// Codes whose example would be too long, or no text, to stand on a page.
const WITHOUT_EXAMPLE: [Code; 9] = [
    Code::NothingThere,
    Code::TooLarge,
    Code::NotUtf8,
    Code::MoreProblems,
    Code::TooManyRules,
    Code::TooManyValues,
    Code::TooManyLimits,
    Code::ProxySilent,
    Code::TooManyRegexes,
];

#[test]
fn what_a_page_calls_wrong_has_its_code_and_what_it_calls_right_has_no_finding() {
    for code in Code::ALL {
        let Some(text) = page::find(&code.to_string()) else { panic!("{code} has no page") };
        let mut kinds = BTreeSet::new();
        for (words, example) in page::examples(text) {
            let found = findings(&whole(&words, &example));
            if words.starts_with("yaml wrong") {
                kinds.insert("wrong");
                assert!(found.iter().any(|finding| finding.code == *code), "{code}: {found:#?}");
            } else if words.starts_with("yaml right") {
                kinds.insert("right");
                assert_eq!(found, [], "{code}");
            } else {
                panic!("{code} has an example that is neither wrong nor right: {words}");
            }
        }
        if !WITHOUT_EXAMPLE.contains(code) {
            assert_eq!(Vec::from_iter(kinds), ["right", "wrong"], "{code}");
        }
    }
}

#[test]
fn codes_without_an_example_are_given_by_what_their_page_describes() {
    let codes = |configuration: &[u8]| -> Vec<Code> {
        let refusal = Authz::configure(configuration, &Node::default()).err();
        refusal
            .map(|refusal| refusal.problems.iter().map(|problem| problem.code).collect())
            .unwrap_or_default()
    };
    assert_eq!(codes(b""), [Code::NothingThere]);
    let for_shop = r#"{"apiVersion": "meshward.io/v1alpha1", "kind": "PluginConfig", "peerVerifiedBy": "transport", "documents": [
        {"apiVersion": "meshward.io/v1alpha1", "kind": "AccessPolicy", "metadata": {"name": "a", "namespace": "shop"}, "spec": {}}]}"#;
    assert_eq!(codes(for_shop.as_bytes()), [Code::ProxySilent]);
    assert_eq!(codes(&vec![b' '; 9 * 1024 * 1024]), [Code::TooLarge]);
    assert_eq!(codes(&[b'"', 0xff, b'"']), [Code::NotUtf8]);
    let rules = |rule: &str, count: usize| {
        whole("yaml spec", &format!("rules:\n{}", format!("- {rule}\n").repeat(count)))
    };
    let codes = |text: &str| findings(text).iter().map(|finding| finding.code).collect::<Vec<_>>();
    assert_eq!(codes(&rules("{}", 513)), [Code::TooManyRules]);
    assert_eq!(codes(&rules("{}", 512)), []);
    let many = codes(&rules("{to: []}", 51));
    assert!(many.contains(&Code::MoreProblems) && many.len() == 51, "{many:?}");
    let entries = format!("{{to: [{}]}}", "{operation: {methods: [GET]}},".repeat(513));
    assert_eq!(codes(&rules(&entries, 1)), [Code::TooManyValues]);
    let regex = "{when: [{header: x-shard, regex: a|b}]}";
    assert_eq!(codes(&rules(regex, 128)), []);
    assert!(codes(&rules(regex, 129)).contains(&Code::TooManyRegexes));
    let limits = |scope: &str, count: usize| {
        let limit = |at| {
            format!(
                "    - {{name: limit{at}, rate: {{requests: 1, perSeconds: 1}}, key: [], scope: {scope}}}\n"
            )
        };
        let limits: String = (0..count).map(limit).collect();
        format!(
            "apiVersion: meshward.io/v1alpha1\nkind: RateLimit\nmetadata: {{name: page}}\nspec:\n  limits:\n{limits}"
        )
    };
    assert_eq!(codes(&limits("worker", 64)), []);
    assert_eq!(codes(&limits("worker", 65)), [Code::TooManyLimits]);
    assert_eq!(codes(&limits("proxy", 16)), []);
    assert_eq!(codes(&limits("proxy", 17)), [Code::TooManyLimits]);
}
