//! Documents that are refused as a whole, and sets of documents that contradict themselves.

use meshward_config::WhenNothingApplies;
use meshward_model::DocumentKind;
use meshward_policy::Compiler;
use serde_json::{Value, json};

use crate::specimen::{AccessPolicy, AuthorizationPolicy, PEER, document};

/// (path, message, help) of every problem of one document, given as text.
fn told(kind: DocumentKind, documents: &[&str]) -> Vec<(String, String, String)> {
    let mut compiler = Compiler::new(meshward_policy::Tokens::Verified);
    for (at, document) in documents.iter().enumerate() {
        compiler.add(&format!("documents[{at}]"), kind, document);
    }
    let refusal = compiler.finish(WhenNothingApplies::Deny, PEER).err();
    let problems = refusal.map(|refusal| refusal.problems).unwrap_or_default();
    problems.into_iter().map(|problem| (problem.path, problem.message, problem.help)).collect()
}

#[track_caller]
fn refused(kind: DocumentKind, documents: &[Value], place: &str, message: &str, help: &str) {
    let texts: Vec<String> = documents.iter().map(Value::to_string).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let found = told(kind, &texts);
    let [(path, said, remedy)] = found.as_slice() else {
        panic!("one problem expected: {found:#?}\nin {}", Value::from(documents))
    };
    assert_eq!(path, place, "{said}");
    assert!(said.contains(message), "`{said}` does not hold `{message}`");
    assert!(remedy.contains(help) && !remedy.is_empty(), "`{remedy}` does not hold `{help}`");
}

fn set(document: &mut Value, field: &str, value: Value) {
    document.as_object_mut().unwrap().insert(field.to_owned(), value);
}

fn with_metadata(kind: DocumentKind, metadata: Value) -> Value {
    let mut document = document(kind, "lone", json!({"rules": [{}]}));
    set(&mut document, "metadata", metadata);
    document
}

#[test]
fn a_misspelt_field_is_named_with_its_place_at_every_depth() {
    for (spec, place, help) in [
        (json!({"rule": []}), "documents[0].spec.rule", "did you mean `rules`?"),
        (json!({"rules": [{"form": []}]}), "documents[0].spec.rules[0].form", "did you mean `from`?"),
        (
            json!({"rules": [{"from": [{"sourc": {}}]}]}),
            "documents[0].spec.rules[0].from[0].sourc",
            "did you mean `source`?",
        ),
        (
            json!({"rules": [{"from": [{"source": {"principal": ["a"]}}]}]}),
            "documents[0].spec.rules[0].from[0].source.principal",
            "did you mean `principals`?",
        ),
        (
            json!({"rules": [{"to": [{"operation": {"path": ["a"]}}]}]}),
            "documents[0].spec.rules[0].to[0].operation.path",
            "did you mean `paths`?",
        ),
        (
            json!({"rules": [{"when": [{"key": "a", "value": ["a"]}]}]}),
            "documents[0].spec.rules[0].when[0].value",
            "did you mean `values`?",
        ),
        (json!({"action": "allow"}), "documents[0].spec.action", "did you mean `ALLOW`?"),
    ] {
        for kind in [AccessPolicy, AuthorizationPolicy] {
            refused(kind, &[document(kind, "lone", spec.clone())], place, "unknown", help);
        }
    }
}

#[test]
fn a_version_that_is_not_of_the_kind_is_refused() {
    for (kind, version) in
        [(AccessPolicy, "meshward.io/v1alpha1"), (AuthorizationPolicy, "security.istio.io/v1")]
    {
        let mut wrong = document(kind, "lone", json!({"rules": [{}]}));
        set(&mut wrong, "apiVersion", json!("v1"));
        refused(kind, &[wrong], "documents[0].apiVersion", "`v1` is not the apiVersion of", version);
    }
    let mut older = document(AuthorizationPolicy, "lone", json!({}));
    set(&mut older, "apiVersion", json!("security.istio.io/v1beta1"));
    assert_eq!(told(AuthorizationPolicy, &[&older.to_string()]), []);
}

#[test]
fn names_are_those_of_kubernetes() {
    for kind in [AccessPolicy, AuthorizationPolicy] {
        let name = |name: &str| [with_metadata(kind, json!({"name": name}))];
        let namespace = |namespace: &str| [with_metadata(kind, json!({"name": "a", "namespace": namespace}))];
        for bad in ["", "A", "a]", "a b", &"a".repeat(254)] {
            refused(kind, &name(bad), "documents[0].metadata.name", "is no name", "a-z, 0-9");
        }
        for bad in ["A", "a/b", &"a".repeat(64)] {
            refused(kind, &namespace(bad), "documents[0].metadata.namespace", "is no namespace", "a-z, 0-9");
        }
        for good in [name("a.b-9"), namespace(&"a".repeat(63)), namespace("")] {
            assert_eq!(told(kind, &[&good.first().map(Value::to_string).unwrap()]), []);
        }
    }
}

#[test]
fn two_documents_of_one_kind_and_name_are_refused() {
    for kind in [AccessPolicy, AuthorizationPolicy] {
        let named = with_metadata(kind, json!({"name": "a", "namespace": "default"}));
        let same = with_metadata(kind, json!({"name": "a"}));
        let place = "documents[1].metadata.name";
        refused(kind, &[named.clone(), same], place, "`a` in namespace `default`", "another name");
        let other = with_metadata(kind, json!({"name": "a", "namespace": "other"}));
        assert_eq!(told(kind, &[&named.to_string(), &other.to_string()]), []);
    }
}

#[test]
fn what_is_not_supported_is_refused_with_a_way_out() {
    for kind in [AccessPolicy, AuthorizationPolicy] {
        let spec = |field: &str, value: Value| [document(kind, "lone", json!({field: value, "rules": [{}]}))];
        let at = |field: &str| format!("documents[0].spec.{field}");
        refused(
            kind,
            &spec("action", json!("AUDIT")),
            &at("action"),
            "AUDIT is not supported",
            "mode: shadow",
        );
        refused(
            kind,
            &spec("action", json!("CUSTOM")),
            &at("action"),
            "CUSTOM calls",
            "apply the document to Istio",
        );
    }
    let istio = |field: &str| [document(AuthorizationPolicy, "lone", json!({field: {"name": "a"}}))];
    refused(
        AuthorizationPolicy,
        &istio("provider"),
        "documents[0].spec.provider",
        "goes with action CUSTOM",
        "delete it",
    );
}

/// Of a field with nothing behind it.
fn remedy(place: &str) -> &'static str {
    match place.rsplit('.').next() {
        Some("action") => "left out, it has its default",
        Some("rules") => "list them below it",
        Some("from") => "EVERY caller",
        Some("to") => "EVERY operation",
        Some("when") => "list conditions below it",
        Some(_) | None => "would take its restriction away",
    }
}

#[test]
fn a_field_with_nothing_behind_it_is_no_field_left_out() {
    let path = "documents[0].spec.rules";
    for (spec, place) in [
        (json!({"rules": null}), path.to_owned()),
        (json!({"rules": [{}], "action": null}), "documents[0].spec.action".to_owned()),
        (json!({"rules": [{"from": null}]}), format!("{path}[0].from")),
        (json!({"rules": [{"to": null}]}), format!("{path}[0].to")),
        (json!({"rules": [{"when": null}]}), format!("{path}[0].when")),
        (
            json!({"rules": [{"from": [{"source": {"namespaces": ["a"], "principals": null}}]}]}),
            format!("{path}[0].from[0].source.principals"),
        ),
        (
            json!({"rules": [{"from": [{"source": {"namespaces": ["a"], "ipBlocks": null}}]}]}),
            format!("{path}[0].from[0].source.ipBlocks"),
        ),
        (
            json!({"rules": [{"to": [{"operation": {"methods": ["GET"], "paths": null}}]}]}),
            format!("{path}[0].to[0].operation.paths"),
        ),
        (
            json!({"rules": [{"when": [{"key": "source.namespace", "values": ["a"], "notValues": null}]}]}),
            format!("{path}[0].when[0].notValues"),
        ),
    ] {
        for kind in [AccessPolicy, AuthorizationPolicy] {
            let (message, help) = if place.ends_with("ipBlocks") {
                ("cannot be decided: meshward's authz plugin does not see", "applied to Istio")
            } else {
                ("invalid type: ", remedy(&place))
            };
            refused(kind, &[document(kind, "lone", spec.clone())], &place, message, help);
        }
    }
}

#[test]
fn a_deny_document_says_something() {
    for kind in [AccessPolicy, AuthorizationPolicy] {
        for spec in [json!({"action": "DENY"}), json!({"action": "DENY", "rules": []})] {
            let mut documents = vec![document(kind, "lone", spec)];
            documents.push(document(kind, "open", json!({"rules": [{}]})));
            refused(kind, &documents, "documents[0].spec.rules", "refuses nothing", "add a rule");
        }
    }
    let mut silent = document(AccessPolicy, "lone", json!({}));
    silent.as_object_mut().unwrap().remove("spec");
    refused(AccessPolicy, &[silent], "documents[0].spec", "without a spec", "write `spec:`");
}

#[test]
fn the_rest_of_a_deny_only_set_is_said_once_and_where_it_belongs() {
    let deny = |name: &str, otherwise: Option<&str>| {
        let mut spec = json!({"action": "DENY", "rules": [{}]});
        if let Some(otherwise) = otherwise {
            set(&mut spec, "otherwise", json!(otherwise));
        }
        document(AccessPolicy, name, spec)
    };
    let silent = [deny("a", None), deny("b", None)];
    refused(
        AccessPolicy,
        &silent,
        "documents[0].spec.otherwise",
        "does not say what happens",
        "otherwise: allow",
    );
    let both = [deny("a", Some("allow")), deny("b", Some("deny"))];
    refused(AccessPolicy, &both, "documents", "one DENY document says", "let them agree");
    let allow = document(AccessPolicy, "c", json!({"otherwise": "deny", "rules": [{}]}));
    refused(
        AccessPolicy,
        &[allow],
        "documents[0].spec.otherwise",
        "refuses whatever it does not allow",
        "only DENY documents have",
    );
    let shadow = json!({"action": "DENY", "mode": "shadow", "rules": [{}]});
    let shadow = document(AccessPolicy, "s", shadow);
    let enforced = deny("e", Some("allow"));
    refused(
        AccessPolicy,
        &[enforced, shadow],
        "documents[1].spec.otherwise",
        "does not say",
        "otherwise: allow",
    );
}

#[test]
fn dry_run_is_istios_word() {
    let with = |kind, value: &str| {
        [with_metadata(kind, json!({"name": "a", "annotations": {"istio.io/dry-run": value}}))]
    };
    let place = "documents[0].metadata.annotations";
    refused(AccessPolicy, &with(AccessPolicy, "true"), place, "is for Istio's documents", "mode: shadow");
    refused(
        AuthorizationPolicy,
        &with(AuthorizationPolicy, "yes"),
        place,
        "`istio.io/dry-run` is `yes`",
        "\"true\"",
    );
}

#[test]
fn a_service_account_without_namespace_wants_a_document_with_one() {
    for kind in [AccessPolicy, AuthorizationPolicy] {
        let mut document =
            document(kind, "a", json!({"rules": [{"from": [{"source": {"serviceAccounts": ["web"]}}]}]}));
        set(&mut document, "metadata", json!({"name": "a"}));
        let place = "documents[0].spec.rules[0].from[0].source.serviceAccounts[0]";
        refused(kind, &[document], place, "the document names none", "metadata.namespace");
    }
}

#[test]
fn every_problem_is_told_up_to_fifty() {
    let bad = |count: usize| json!({"rules": [{"to": [{"operation": {"ports": vec!["x"; count]}}]}]});
    let found = |count| told(AccessPolicy, &[&document(AccessPolicy, "a", bad(count)).to_string()]);
    assert_eq!(found(50).len(), 50);
    assert!(found(50).iter().all(|(path, ..)| !path.is_empty()));
    let (path, message, _) = found(53).pop().unwrap();
    assert_eq!((found(53).len(), path.as_str(), message.as_str()), (51, "", "and 3 more problems"));
    assert_eq!(told(AccessPolicy, &["{"]).len(), 1);
}
