//! A policy through the compiler, until it has nothing more to say.

use std::collections::BTreeSet;

use meshward_model::{Code, Node as Proxy, Plugin, Problem};
use meshward_pipeline::{Authn, Authz, Guard, Ratelimit};
use serde_json::{Value, json};

use super::mend::Mended;
use super::sort::{Unit, join};
use super::{fields, indent, place, regex};
use crate::finding::{Finding, Severity};
use crate::yaml::{Kind, Node};

/// How often a text is mended and compiled again. Each round tells at least one more problem.
const MAX_ROUNDS: usize = 64;

/// Everything that is wrong with a unit. `text` is the input it stands in.
///
/// The compiler stops reading a document at its first mistake of form (an unknown field, a wrong type). So the mistake is mended as
/// its message says, and the compiler asked again; what it then says that is only a consequence of the mending is left out.
pub(super) fn findings(unit: &Unit, text: &str) -> Vec<Finding> {
    let mut mended = Mended::new(json_of(unit));
    let mut seen = BTreeSet::new();
    let mut echoes = BTreeSet::new();
    let mut findings = Vec::new();
    let mut more = None;
    for _ in 0..MAX_ROUNDS {
        let mut again = false;
        // What one round leaves untold, a later one may tell.
        more = None;
        for problem in problems(&mended.value) {
            let place = mended.original(&problem.path);
            if problem.code == Code::MoreProblems {
                more = Some(finding(unit, text, &place, &problem, &mut echoes));
                continue;
            }
            if !seen.insert((problem.code, place.clone(), problem.message.clone())) {
                continue;
            }
            if !mended.caused(&problem) {
                findings.push(finding(unit, text, &place, &problem, &mut echoes));
            }
            again |= mended.mend(&problem);
        }
        if !again {
            break;
        }
    }
    findings.extend(more);
    let is_form = |code| matches!(code, Code::WrongType | Code::UnknownField);
    findings.retain(|finding| !(is_form(finding.code) && echoes.contains(&finding.path)));
    findings
}

/// What the compiler says of a configuration.
pub(super) fn problems(value: &Value) -> Vec<Problem> {
    let text = value.to_string();
    let mut problems: Vec<Problem> = Vec::new();
    for proxy in meshward_pipeline::workloads(text.as_bytes()) {
        let more = problems_of(value, text.as_bytes(), &proxy);
        problems.extend(more.into_iter().filter(|problem| !problems.contains(problem)).collect::<Vec<_>>());
    }
    problems
}

/// What it says of it as the configuration of this workload.
fn problems_of(value: &Value, text: &[u8], proxy: &Proxy) -> Vec<Problem> {
    let refusal = if is_all(value, &["Authentication"]) {
        Authn::configure(text, proxy).err()
    } else if value.get("role").is_some() && (is_all(value, &["RateLimit", "Detection"]) || is_empty(value)) {
        // Only the `ratelimit` plugin has roles, and it reads no access policies.
        Ratelimit::configure(text, proxy).err()
    } else if is_guards(value) {
        Guard::configure(text, proxy).err()
    } else {
        Authz::configure(text, proxy).err()
    };
    refusal.map(|refusal| refusal.problems).unwrap_or_default()
}

/// Whether there are documents, and all of them are of these kinds: then it is the configuration of the plugin that reads them.
fn is_all(value: &Value, kinds: &[&str]) -> bool {
    let documents = value.get("documents").and_then(Value::as_array);
    let is_one = |document: &Value| {
        let kind = document.get("kind").and_then(Value::as_str);
        kind.is_some_and(|kind| kinds.contains(&kind))
    };
    documents.is_some_and(|documents| !documents.is_empty() && documents.iter().all(is_one))
}

/// Whether it holds what `guard` reads: events, or documents of several plugins, and no word on the plugins beside.
fn is_guards(value: &Value) -> bool {
    let documents = value.get("documents").and_then(Value::as_array).into_iter().flatten();
    let kinds: BTreeSet<&str> =
        documents.filter_map(|document| document.get("kind").and_then(Value::as_str)).collect();
    let others = ["Authentication", "RateLimit", "Detection", "EventSink"];
    let several = kinds.len() > 1 && others.iter().any(|kind| kinds.contains(kind));
    let apart = ["claims", "events", "role"].iter().any(|field| value.get(field).is_some());
    !apart && (several || kinds.contains("EventSink"))
}

/// Whether there are no documents.
fn is_empty(value: &Value) -> bool {
    value.get("documents").and_then(Value::as_array).is_none_or(Vec::is_empty)
}

fn json_of(unit: &Unit) -> Value {
    match unit {
        Unit::Config(_, node) => node.to_json(),
        Unit::Bare(documents) => {
            let documents: Vec<Value> = documents.iter().map(|(_, node)| node.to_json()).collect();
            let role = role_of(&documents);
            let mut config = json!({
                "apiVersion": "meshward.io/v1alpha1",
                "kind": "PluginConfig",
                "peerVerifiedBy": "transport",
                "documents": documents,
            });
            let knows_no_token =
                role == Some("penalty") || is_all(&config, &["Authentication"]) || is_guards(&config);
            if let Some(config) = config.as_object_mut() {
                config.extend(role.map(|role| ("role".to_owned(), json!(role))));
                // Bare documents do not say who verifies tokens; the PluginConfig that takes them up will.
                if !knows_no_token {
                    config.insert("claims".to_owned(), json!({"from": "handover"}));
                }
            }
            config
        }
    }
}

/// The role of the `ratelimit` plugin that reads these documents, if one reads them all.
fn role_of(documents: &[Value]) -> Option<&'static str> {
    let all = |kind: &str| documents.iter().all(|document| document.get("kind").is_some_and(|is| is == kind));
    match documents {
        [] => None,
        _ if all("RateLimit") => Some("quota"),
        _ if all("Detection") => Some("penalty"),
        _ => None,
    }
}

/// A problem with its place. `echoes` collects the paths of problems that say the same again.
fn finding(unit: &Unit, text: &str, path: &str, problem: &Problem, echoes: &mut BTreeSet<String>) -> Finding {
    let (base, node, rest) = home(unit, path);
    let mut finding = Finding::new(
        problem.code,
        Severity::Error,
        place::of(node, text, rest, problem.code),
        problem.message.clone(),
        problem.help.clone(),
    );
    finding.path = join(base, rest);
    if finding.help.starts_with("put it in quotes") {
        // The compiler sees `755` where the text says `0755`.
        let written = text.get(finding.span.clone()).unwrap_or_default();
        finding.help = format!("put it in quotes: `\"{written}\"`");
        if let Some((kind, expected)) = problem.message.split_once('`').zip(problem.message.rsplit_once('`'))
        {
            finding.message = format!("{}`{written}`{}", kind.0, expected.1);
        }
    }
    if matches!(problem.code, Code::ImpossiblePath | Code::BadOperator | Code::PathNotCanonical)
        && let Kind::Scalar(Value::String(value)) = &node.follow(rest).node.kind
        && regex::looks_like(value)
    {
        finding.help = regex::remedy(value);
    }
    if problem.code == Code::UnknownField && !problem.help.starts_with("did you mean") {
        let field = problem.message.split('`').nth(1).unwrap_or_default();
        if let Some(advice) = indent::advice(node, text, rest) {
            echoes.extend(advice.echo.map(|echo| join(base, &echo)));
            finding.message = format!("`{field}` stands in the wrong place");
            finding.help = advice.help;
        } else if let Some(kind) = fields::lacks(rest, field, node.text("kind")) {
            finding.help = kind;
        } else if let Some(home) = fields::home(field) {
            finding.message = format!("`{field}` stands in the wrong place");
            finding.help = format!("`{field}` belongs {home}");
        }
    }
    finding
}

/// The document that a path leads into: the path to it, its root, and the rest of the path.
fn home<'a>(unit: &'a Unit, path: &'a str) -> (&'a str, &'a Node, &'a str) {
    match unit {
        Unit::Config(base, node) => (base, node, path),
        Unit::Bare(documents) => {
            let index = path.strip_prefix("documents[").and_then(|rest| rest.split_once(']'));
            let (at, rest) = index.map_or((0, ""), |(index, rest)| (index.parse().unwrap_or(0), rest));
            let rest = rest.strip_prefix('.').unwrap_or(rest);
            match documents.get(at).or_else(|| documents.first()) {
                Some((base, node)) => (base, node, rest),
                None => ("", &NOTHING, rest),
            }
        }
    }
}

static NOTHING: Node = Node { span: 0..0, kind: Kind::Scalar(Value::Null) };
