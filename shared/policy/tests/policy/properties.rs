//! What must hold of every policy and every request.

use meshward_config::WhenNothingApplies;
use meshward_model::{Anonymous, DocumentKind, Headers, Peer, Request, Stage};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use crate::arbitrary::{self, Alphabet, Draft, ask, drafts, rule, typed_rule, write};
use crate::specimen::{AccessPolicy, Ask, AuthorizationPolicy, Says, allows, compile, control, says};

const KINDS: [DocumentKind; 2] = [AccessPolicy, AuthorizationPolicy];

fn lets(kind: DocumentKind, drafts: &[Draft], ask: &Ask) -> bool {
    allows(&control(&write(kind, drafts)), &ask.request())
}

/// The request without everything that `needs` does not name.
fn stripped(request: &Request, needs: meshward_model::Needs) -> Request {
    Request {
        id: request.id,
        headers: if needs.headers { request.headers.clone() } else { Headers::default() },
        peer: if needs.uri_san { request.peer.clone() } else { Peer::Anonymous(Anonymous::Unread) },
        peer_malformed: request.peer_malformed,
        destination_port: request.destination_port.filter(|_| needs.destination_port),
        source_address: request.source_address.filter(|_| needs.source_address),
        token: request.token.clone(),
        allowances: Vec::new(),
        verdicts: Vec::new(),
    }
}

/// The drafts with one more document of one rule.
fn with_rule(drafts: &[Draft], denies: bool, rule: &Value) -> Vec<Draft> {
    let more = Draft { name: "typed".to_owned(), denies, rules: vec![rule.clone()] };
    drafts.iter().cloned().chain([more]).collect()
}

proptest! {
    #![proptest_config(arbitrary::cases(2))]

    #[test]
    fn a_deny_rule_refuses_wherever_it_stands(drafts in drafts(Alphabet::ISTIO).prop_shuffle(), ask in ask()) {
        for kind in KINDS {
            let refused = drafts.iter().any(|draft| draft.denies && !lets(kind, std::slice::from_ref(draft), &ask));
            prop_assert!(!(refused && lets(kind, &drafts, &ask)), "{:?}", kind);
        }
    }

    #[test]
    fn one_more_deny_rule_never_allows_more(drafts in drafts(Alphabet::ISTIO), rule in rule(Alphabet::ISTIO), ask in ask()) {
        for kind in KINDS {
            let mut more = drafts.clone();
            more.push(Draft { name: "more".to_owned(), denies: true, rules: vec![rule.clone()] });
            prop_assert!(lets(kind, &drafts, &ask) || !lets(kind, &more, &ask), "{:?}", kind);
        }
    }

    #[test]
    fn one_allow_rule_less_never_allows_more(drafts in drafts(Alphabet::ISTIO), at in any::<Index>(), ask in ask()) {
        let mut less = drafts.clone();
        let mut allow: Vec<&mut Draft> = less.iter_mut().filter(|draft| !draft.denies).collect();
        if !allow.is_empty() {
            let count = allow.len();
            if let Some(draft) = allow.get_mut(at.index(count)) {
                let rule = at.index(draft.rules.len());
                draft.rules.remove(rule);
            }
        }
        for kind in KINDS {
            prop_assert!(lets(kind, &drafts, &ask) || !lets(kind, &less, &ask), "{:?}", kind);
        }
    }

    #[test]
    fn the_order_of_documents_and_rules_does_not_decide(
        (drafts, mixed) in drafts(Alphabet::ISTIO).prop_flat_map(|drafts| (Just(drafts.clone()), Just(drafts).prop_shuffle())),
        ask in ask(),
    ) {
        let mixed: Vec<Draft> = mixed
            .into_iter()
            .map(|draft| Draft { rules: draft.rules.into_iter().rev().collect(), ..draft })
            .collect();
        for kind in KINDS {
            prop_assert_eq!(lets(kind, &drafts, &ask), lets(kind, &mixed, &ask));
        }
    }

    #[test]
    fn saying_a_rule_twice_changes_nothing(drafts in drafts(Alphabet::ISTIO), at in any::<Index>(), ask in ask()) {
        let mut twice = drafts.clone();
        let again = at.get(&drafts).clone();
        let rules = at.get(&twice).rules.clone();
        let draft = twice.get_mut(at.index(drafts.len())).unwrap();
        draft.rules.extend(rules);
        twice.push(Draft { name: "again".to_owned(), ..again });
        for kind in KINDS {
            prop_assert_eq!(lets(kind, &drafts, &ask), lets(kind, &twice, &ask));
        }
    }

    #[test]
    fn a_caller_who_hides_who_it_is_never_gets_more(drafts in drafts(Alphabet::NAMED), ask in ask()) {
        let nobody = Ask { principal: None, ..ask.clone() };
        prop_assert!(lets(AccessPolicy, &drafts, &ask) || !lets(AccessPolicy, &drafts, &nobody));
    }

    #[test]
    fn a_caller_who_hides_its_token_never_gets_more(drafts in drafts(Alphabet::NAMED), more in typed_rule(Alphabet::NAMED), denies in any::<bool>(), ask in ask()) {
        let drafts = with_rule(&drafts, denies, &more);
        let nobody = Ask { claims: None, ..ask.clone() };
        prop_assert!(lets(AccessPolicy, &drafts, &ask) || !lets(AccessPolicy, &drafts, &nobody));
    }

    #[test]
    fn a_claim_of_another_type_never_gets_more(drafts in drafts(Alphabet::ISTIO), more in typed_rule(Alphabet::ISTIO), denies in any::<bool>(), ask in ask()) {
        let drafts = with_rule(&drafts, denies, &more);
        let mut odd = ask.clone();
        if let Some(claims) = odd.claims.as_mut().and_then(Value::as_object_mut) {
            for name in ["g", "scope", "aud", "azp"] {
                claims.insert(name.to_owned(), Value::Null);
            }
            claims.insert("n".to_owned(), serde_json::json!({"g": null}));
        }
        prop_assert!(ask.claims.is_none() || lets(AccessPolicy, &drafts, &ask) || !lets(AccessPolicy, &drafts, &odd));
    }

    #[test]
    fn a_typed_condition_lets_in_only_for_certain(rule in typed_rule(Alphabet::ISTIO), ask in ask()) {
        // `says` fails where a rule allows as an ALLOW and does not refuse as a DENY.
        says(AccessPolicy, &rule, &ask);
    }

    #[test]
    fn one_more_value_of_a_header_never_opens_a_door(drafts in drafts(Alphabet::ISTIO), ask in ask(), at in any::<Index>(), value in "1|2|12|Bearer 1|x|1,2") {
        if !ask.headers.is_empty() {
            let name = at.get(&ask.headers).0.clone();
            let more = ask.clone().header(&name, value);
            prop_assert!(lets(AccessPolicy, &drafts, &ask) || !lets(AccessPolicy, &drafts, &more), "{}", name);
        }
    }

    #[test]
    fn what_the_needs_do_not_name_is_not_looked_at(drafts in drafts(Alphabet::ISTIO), ask in ask()) {
        for kind in KINDS {
            let control = control(&write(kind, &drafts));
            let request = ask.request();
            prop_assert_eq!(control.verdict(&request), control.verdict(&stripped(&request, control.needs())));
        }
    }

    #[test]
    fn configuring_twice_gives_the_same(drafts in drafts(Alphabet::ISTIO), ask in ask()) {
        let documents: Vec<Value> = KINDS.into_iter().flat_map(|kind| write(kind, &drafts)).collect();
        let [one, two] = [(); 2].map(|()| compile(&documents, WhenNothingApplies::Allow).unwrap());
        prop_assert_eq!(&one, &two);
        prop_assert_eq!(one.verdict(&ask.request()), two.verdict(&ask.request()));
    }

    #[test]
    fn both_kinds_must_allow(strict in drafts(Alphabet::ISTIO), istio in drafts(Alphabet::ISTIO), ask in ask()) {
        let mut documents = write(AccessPolicy, &strict);
        documents.extend(write(AuthorizationPolicy, &istio));
        let both = allows(&control(&documents), &ask.request());
        prop_assert_eq!(both, lets(AccessPolicy, &strict, &ask) && lets(AuthorizationPolicy, &istio, &ask));
    }
}

#[test]
fn random_rules_meet_random_requests_often_enough_to_prove_something() {
    let mut runner = TestRunner::deterministic();
    let mut said = [0_u32; 3];
    for _ in 0..600 {
        let (rule, ask) = (rule(Alphabet::ISTIO), ask()).new_tree(&mut runner).unwrap().current();
        match says(AccessPolicy, &rule, &ask) {
            Says::No => said[0] += 1,
            Says::Maybe => said[1] += 1,
            Says::Yes => said[2] += 1,
        }
    }
    assert!(said.iter().all(|count| *count >= 60), "no, maybe, yes: {said:?}");
}
