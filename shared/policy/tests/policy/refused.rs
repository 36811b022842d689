//! How a refusal is looked at: one problem, where, what is said, and what to write instead.

use meshward_config::WhenNothingApplies;
use meshward_model::{DocumentKind, Problem};
use serde_json::{Value, json};

use crate::specimen::{AccessPolicy, AuthorizationPolicy, compile, document};

pub(crate) const BOTH: [DocumentKind; 2] = [AccessPolicy, AuthorizationPolicy];
pub(crate) const STRICT: [DocumentKind; 1] = [AccessPolicy];
pub(crate) const ISTIO: [DocumentKind; 1] = [AuthorizationPolicy];

pub(crate) fn problems(documents: &[Value]) -> Vec<Problem> {
    compile(documents, WhenNothingApplies::Deny).err().map(|refusal| refusal.problems).unwrap_or_default()
}

/// The documents have exactly one problem: at this place, with these words, and a help with those.
#[track_caller]
pub(crate) fn refused(documents: &[Value], place: &str, message: &str, help: &str) {
    let found = problems(documents);
    let [problem] = found.as_slice() else {
        panic!("one problem expected: {found:#?}\nin {}", Value::from(documents))
    };
    assert_eq!(problem.path, place, "{problem}");
    assert!(problem.message.contains(message), "`{}` does not hold `{message}`", problem.message);
    assert!(problem.help.contains(help), "`{}` does not hold `{help}`", problem.help);
    assert!(!problem.help.is_empty(), "no help: {problem}");
    assert!(
        problem.message.starts_with(|first: char| !first.is_uppercase()) && !problem.message.ends_with('.'),
        "{problem}"
    );
}

#[track_caller]
pub(crate) fn accepted(documents: &[Value]) {
    assert_eq!(problems(documents), [], "in {}", Value::from(documents));
}

pub(crate) fn one(kind: DocumentKind, rule: Value) -> [Value; 1] {
    [document(kind, "lone", json!({"rules": [rule]}))]
}

/// (field of the source, its values, place below it, message, help)
pub(crate) type Row<'a> = (&'a str, Value, &'a str, &'a str, &'a str);
