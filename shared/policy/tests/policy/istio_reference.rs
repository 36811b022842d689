//! `AuthorizationPolicy` against Istio's own regular expressions, and `AccessPolicy` where nothing about a request is open.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::arbitrary::{self, Alphabet};
use crate::istio_oracle;
use crate::specimen::{AccessPolicy, Ask, AuthorizationPolicy, Says, ask, from, says, to};

/// Principals made of the very words that the expressions look for, so that near misses are common.
fn near_ids() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec!["ns", "sa", "a", "b", "aa", "s", "x", "saa", "a.b", "shop"]);
    let skeleton = ("[ab]{1,2}", "[ab]{1,2}", "a|b|s|sa|sas|ab-c");
    prop_oneof![
        (prop::sample::select(vec!["td", "td.x", "xtd", "t"]), prop::collection::vec(word, 0..8)).prop_map(
            |(domain, words)| format!(
                "{domain}{}",
                words.iter().map(|word| format!("/{word}")).collect::<String>()
            )
        ),
        (
            skeleton,
            prop::sample::select(vec!["", "x/", "sa/", "ns/a/"]),
            prop::sample::select(vec!["", "/x", "/sa/s", "x"])
        )
            .prop_map(|((td, ns, sa), between, after)| format!("{td}/ns/{ns}/{between}sa/{sa}{after}")),
    ]
}

fn near_sources() -> impl Strategy<Value = Value> {
    let list = |pattern: &'static str| prop::collection::vec(pattern, 1..3);
    prop_oneof![
        list("[*]?(td|t|a|b)?/?(ns|sa|a)?/?(a|s|x)?[*]").prop_map(|values| json!({"principals": values})),
        near_ids().prop_map(|id| json!({"principals": [id]})),
        list("[*]?(a|b|aa|ns|sa)?[*]?(a|/|s|b)[*]?").prop_map(|values| json!({"namespaces": values})),
        list("(ns/|a/|b/|aa/|shop/|sa/)?(a|b|s|sa|sas|x)")
            .prop_map(|values| json!({"serviceAccounts": values})),
        list("[*]|[*](td|d|x)|(td|t|xtd|td[.]x)[*]?").prop_map(|values| json!({"trustDomains": values})),
    ]
}

fn near_templates() -> impl Strategy<Value = String> {
    (
        prop::collection::vec(prop::sample::select(vec!["a", "b", "{*}", "a-b", "x.y"]), 0..4),
        "|/[{][*][*][}](/a|/b/a|/)?",
    )
        .prop_map(|(words, tail)| {
            format!("{}{tail}", words.iter().map(|word| format!("/{word}")).collect::<String>())
        })
        .prop_filter("a template has an operator", |text| text.contains("{*"))
}

fn says_as_the_oracle(rule: &Value, ask: &Ask) -> Result<(), TestCaseError> {
    let expected = if istio_oracle::matches(rule, ask) { Says::Yes } else { Says::No };
    prop_assert_eq!(says(AuthorizationPolicy, rule, ask), expected, "{} of {:?}", rule, ask);
    Ok(())
}

proptest! {
    #![proptest_config(arbitrary::cases(8))]

    #[test]
    fn callers_match_as_the_expressions_that_istio_writes(source in near_sources(), id in near_ids()) {
        says_as_the_oracle(&from(source), &ask().by(&id))?;
    }

    #[test]
    fn templates_match_as_the_expressions_that_envoy_writes(template in near_templates(), path in "(/(a|b|a-b|x.y|x|[*]|\"|=|%2F)?){0,5}(\\?q)?") {
        says_as_the_oracle(&to(json!({"paths": [template]})), &ask().path(&path))?;
    }

    #[test]
    fn whole_rules_match_as_the_oracle_says(rule in arbitrary::rule(Alphabet::ISTIO), request in arbitrary::ask()) {
        let request = Ask { port: request.port.or(Some(80)), ..request };
        says_as_the_oracle(&rule, &request)?;
    }

    #[test]
    fn where_nothing_is_open_both_dialects_agree(rule in arbitrary::rule(Alphabet::ISTIO), request in arbitrary::plain_ask()) {
        let expected = if istio_oracle::matches(&rule, &request) { Says::Yes } else { Says::No };
        prop_assert_eq!(says(AccessPolicy, &rule, &request), expected, "{} of {:?}", rule, request);
    }
}

/// Found by the comparison above, and kept.
#[test]
fn a_service_account_is_found_behind_one_that_overlaps_it() {
    for (value, id) in
        [("a/sa", "td/ns/a/xsa/sa/sa"), ("a/s", "td/ns/a/sa/sa/s"), ("ns/x", "td/ns/ns/ns/sa/x")]
    {
        assert_eq!(
            says(AuthorizationPolicy, &from(json!({"serviceAccounts": [value]})), &ask().by(id)),
            Says::Yes,
            "{id}"
        );
    }
    let near = from(json!({"serviceAccounts": ["a/x"]}));
    for id in
        ["td/ns/a/sa/xx", "td/ns/a/sa/xyz", "td/ns/ab/sa/x", "td/xns/a/sa/x", "td/ns/a/bsa/x", "td/sa/x/ns/a"]
    {
        assert_eq!(says(AuthorizationPolicy, &near, &ask().by(id)), Says::No, "{id}");
    }
    for id in ["td/ns/a/sa/x", "td/ns/a/sa/x/more", "td/ns/a/b/sa/x", "td/ns/b/ns/a/sa/x"] {
        assert_eq!(says(AuthorizationPolicy, &near, &ask().by(id)), Says::Yes, "{id}");
    }
}
