//! Every matcher form occurs, positive and negative, in both kinds, and some case would notice if it were wrong.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a test says what it expected and counted")]

use meshward_corpus::files;
use meshward_corpus::forms::{Form, Noticed, Shape, noticed};
use std::collections::BTreeMap;

const STRINGS: [Shape; 4] = [Shape::Exact, Shape::Prefix, Shape::Suffix, Shape::Presence];
const PATHS: [Shape; 6] =
    [Shape::Exact, Shape::Prefix, Shape::Suffix, Shape::Presence, Shape::Segment, Shape::Rest];
const NAMES: [Shape; 1] = [Shape::Exact];

/// Field, its negative, and the shapes that its values may have.
const FIELDS: [(&str, &str, &[Shape]); 14] = [
    ("principals", "notPrincipals", &STRINGS),
    ("namespaces", "notNamespaces", &STRINGS),
    ("serviceAccounts", "notServiceAccounts", &NAMES),
    ("trustDomains", "notTrustDomains", &STRINGS),
    ("methods", "notMethods", &STRINGS),
    ("hosts", "notHosts", &STRINGS),
    ("ports", "notPorts", &NAMES),
    ("paths", "notPaths", &PATHS),
    ("request.headers values", "request.headers notValues", &STRINGS),
    ("source.principal values", "source.principal notValues", &STRINGS),
    ("source.namespace values", "source.namespace notValues", &STRINGS),
    ("source.serviceAccount values", "source.serviceAccount notValues", &NAMES),
    ("source.trustDomain values", "source.trustDomain notValues", &STRINGS),
    ("destination.port values", "destination.port notValues", &NAMES),
];

fn wanted() -> Vec<Form> {
    let mut wanted = Vec::new();
    for kind in ["AccessPolicy", "AuthorizationPolicy"] {
        for (field, negative, shapes) in FIELDS {
            for field in [field, negative] {
                let form =
                    |shape: &Shape| Form { kind: kind.to_owned(), field: field.to_owned(), shape: *shape };
                wanted.extend(shapes.iter().map(form));
            }
        }
    }
    let inner =
        Form { kind: "AuthorizationPolicy".to_owned(), field: "namespaces".to_owned(), shape: Shape::Inner };
    wanted.push(inner);
    wanted
}

#[test]
fn every_matcher_form_decides_some_case_both_ways() {
    let cases = files::all_cases().expect("the corpus is readable");
    let found = noticed(&cases);
    let wanted = wanted();
    println!("{} forms wanted, {} written", wanted.len(), found.len());
    let missing: Vec<_> = wanted.iter().filter_map(|form| missing(&found, form)).collect();
    assert!(missing.is_empty(), "{} forms are not covered:\n{}", missing.len(), missing.join("\n"));
}

fn missing(found: &BTreeMap<Form, Noticed>, form: &Form) -> Option<String> {
    let Some(noticed) = found.get(form) else { return Some(format!("{form}: no policy writes it")) };
    // Nothing matches more than `*` does.
    let everything = noticed.everything || form.shape == Shape::Presence;
    match (noticed.nothing, everything) {
        (true, true) => None,
        (false, _) => Some(format!("{form}: no case notices when it matches nothing")),
        (true, false) => Some(format!("{form}: no case notices when it matches everything")),
    }
}
