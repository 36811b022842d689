//! The index against reading rule by rule: the same verdicts and the same rules, for policies large enough to be indexed.

use meshward_model::{DocumentKind, Verdict};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use crate::arbitrary::{self, Alphabet, Draft, ask, rule, typed_rule, write};
use crate::specimen::{AccessPolicy, Ask, AuthorizationPolicy, control};

const KINDS: [DocumentKind; 2] = [AccessPolicy, AuthorizationPolicy];
/// Requests for each policy: compiling one takes longer than asking it.
const ASKS: usize = 64;

/// Two documents, of up to 40 rules each: more than are read one by one, and crowded enough that some are filed in pairs.
fn documents(kind: DocumentKind) -> impl Strategy<Value = Vec<Draft>> {
    let one = || match kind {
        DocumentKind::AccessPolicy => prop_oneof![rule(Alphabet::ISTIO), typed_rule(Alphabet::ISTIO)].boxed(),
        DocumentKind::AuthorizationPolicy | DocumentKind::RateLimit => rule(Alphabet::ISTIO),
    };
    let rules = move |most| prop::collection::vec(one(), 1..=most);
    // Many DENY rules together refuse nearly everything.
    let deny = prop_oneof![rules(2), rules(40)];
    (deny, rules(40), any::<bool>()).prop_map(|(deny, allow, only_deny)| {
        let mut drafts = vec![Draft { name: "deny".to_owned(), denies: true, rules: deny }];
        if !only_deny {
            drafts.push(Draft { name: "allow".to_owned(), denies: false, rules: allow });
        }
        drafts
    })
}

/// Rules that one part alone does not tell apart: each asks for one of a few values of some parts.
fn product() -> impl Strategy<Value = Vec<Draft>> {
    let some = |values: &'static [&'static str]| prop::option::weighted(0.7, prop::sample::select(values));
    let rule = (
        some(&["/a", "/a/*", "/a/{*}", "*/x"]),
        some(&["h.example", "g.example", "*.example"]),
        some(&["td/ns/a/sa/x", "td/ns/b/sa/y", "td2/*", "td/ns/shop/*"]),
        some(&["1", "2", "Bearer 1"]),
    )
        .prop_map(|(path, host, principal, header)| {
            let mut rule = Map::new();
            if path.is_some() || host.is_some() {
                let fields = [("paths", path), ("hosts", host)].into_iter();
                let fields: Map<_, _> =
                    fields.filter_map(|(name, value)| Some((name.to_owned(), json!([value?])))).collect();
                rule.insert("to".to_owned(), json!([{"operation": fields}]));
            }
            // Each rule has two parts at least, so that pairs are made.
            let is_alone = header.is_none() || rule.is_empty();
            if let Some(principal) = principal.or(is_alone.then_some("td/ns/a/*")) {
                rule.insert("from".to_owned(), json!([{"source": {"principals": [principal]}}]));
            }
            if let Some(header) = header {
                let condition = json!({"key": "request.headers[x-a]", "values": [header]});
                rule.insert("when".to_owned(), json!([condition]));
            }
            Value::Object(rule)
        });
    let rules = move || prop::collection::vec(rule.clone(), 60..=120);
    (rules(), rules()).prop_map(|(deny, allow)| {
        vec![
            Draft { name: "deny".to_owned(), denies: true, rules: deny.into_iter().take(70).collect() },
            Draft { name: "allow".to_owned(), denies: false, rules: allow },
        ]
    })
}

fn verdicts(kind: DocumentKind, drafts: &[Draft], asks: &[Ask]) -> Vec<(Verdict, Verdict)> {
    let control = control(&write(kind, drafts));
    let both = |ask: &Ask| {
        let request = ask.request();
        (control.verdict(&request), control.verdict_one_by_one(&request))
    };
    asks.iter().map(both).collect()
}

proptest! {
    #![proptest_config(arbitrary::cases(1))]

    #[test]
    fn an_indexed_policy_decides_as_its_rules_do_one_by_one(
        strict in documents(AccessPolicy),
        istio in documents(AuthorizationPolicy),
        asks in prop::collection::vec(ask(), ASKS),
    ) {
        for (kind, drafts) in KINDS.into_iter().zip([strict, istio]) {
            for (ask, (indexed, plain)) in asks.iter().zip(verdicts(kind, &drafts, &asks)) {
                prop_assert_eq!(indexed, plain, "{:?} {:?}", kind, ask);
            }
        }
    }
}

proptest! {
    #![proptest_config(arbitrary::cases(1))]

    #[test]
    fn a_policy_whose_rules_share_all_their_parts_decides_as_they_do_one_by_one(
        drafts in product(),
        only_allow in any::<bool>(),
        asks in prop::collection::vec(ask(), ASKS),
    ) {
        let drafts: Vec<Draft> = drafts.into_iter().filter(|draft| !(draft.denies && only_allow)).collect();
        for kind in KINDS {
            for (ask, (indexed, plain)) in asks.iter().zip(verdicts(kind, &drafts, &asks)) {
                prop_assert_eq!(indexed, plain, "{:?} {:?}", kind, ask);
            }
        }
    }
}

#[test]
fn the_random_policies_allow_and_refuse_by_many_rules() {
    let mut runner = TestRunner::deterministic();
    for kind in KINDS {
        let mut rules = std::collections::BTreeSet::new();
        let (mut allowed, mut refused) = (0, 0);
        for _ in 0..40 {
            let (drafts, asks) = (documents(kind), prop::collection::vec(ask(), ASKS))
                .new_tree(&mut runner)
                .unwrap()
                .current();
            for (verdict, _) in verdicts(kind, &drafts, &asks) {
                let (count, rule) = match verdict.decision {
                    meshward_model::Decision::Allow(allowed_by) => (&mut allowed, allowed_by.rule),
                    meshward_model::Decision::Deny(denial) => (&mut refused, denial.rule),
                };
                *count += 1;
                rules.extend(rule.map(|rule| rule.to_string()));
            }
        }
        assert!(
            allowed >= 100 && refused >= 100 && rules.len() >= 20,
            "{kind:?}: {allowed} {refused} {}",
            rules.len()
        );
    }
}
