//! A near miss, for people: the rule that was nearest, what it asks for, with the line, and what the request has instead.

use meshward_model::{NearMiss, Peer, Reason, Request, RuleName, SpiffeId};
use serde_json::Value;

use crate::input::Input;
use crate::yaml::{self, Kind, Node};

/// The longest value that is shown of a policy, in characters.
const MAX_SHOWN: usize = 120;

/// What is said of a refusal beside its reason, a line each.
pub(crate) fn lines(near: &NearMiss, reason: Reason, policy: &Input, request: &Request) -> Vec<String> {
    let texts = yaml::read(&policy.text);
    let rule = texts.documents.iter().find_map(|document| rule(&document.root, near.rule.name()));
    let at =
        |node: &Node| format!("{}:{}", policy.name, yaml::line_and_column(&policy.text, node.span.start).0);
    let told = if reason == Reason::DenyRule { "refused, since it cannot be ruled out" } else { "nearest" };
    let place = rule.map(|rule| format!(" ({})", at(rule))).unwrap_or_default();
    let mut lines = vec![format!("{told}: {}{place}", near.rule)];
    for missed in &near.missed {
        let found = rule.map(|rule| rule.follow(&missed.place)).filter(|found| found.whole);
        let wanted = found.map(|found| format!(": {}", asked(found.node))).unwrap_or_default();
        let attribute = found.map_or(Attribute::Unknown, |found| Attribute::of(&missed.place, found.node));
        let has = attribute.told(request);
        let has = if has.is_empty() { has } else { format!("; {has}") };
        lines.push(format!("  {}{wanted}{has}", missed.place));
    }
    lines
}

/// The rule in a PluginConfig.
fn rule<'n>(root: &'n Node, name: &RuleName) -> Option<&'n Node> {
    let Kind::List(documents) = &root.get("documents")?.kind else { return None };
    let document = documents.iter().find(|document| {
        let said = |key| document.get("metadata").and_then(|metadata| metadata.text(key));
        document.text("kind") == Some(name.kind.as_str())
            && said("name") == Some(&*name.policy)
            && said("namespace").unwrap_or_default() == name.namespace
    })?;
    let found = document.follow(&format!("spec.rules[{}]", name.index));
    found.whole.then_some(found.node)
}

/// What a part of a rule asks for, on one line.
fn asked(node: &Node) -> String {
    let json = node.to_json();
    let text = match &json {
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(plain).collect();
            values.join(", ")
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| match value {
                Value::Array(values) => {
                    let values: Vec<String> = values.iter().map(plain).collect();
                    format!("{key} {}", values.join(", "))
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                    format!("{key} {}", plain(value))
                }
            });
            fields.collect::<Vec<_>>().join("; ")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => plain(&json),
    };
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What of a request a part of a rule speaks of.
enum Attribute {
    Method,
    Path,
    Host,
    Port,
    Peer,
    Token,
    Header(String),
    Unknown,
}

impl Attribute {
    /// Of the part at `place`; `node` is what stands there.
    fn of(place: &str, node: &Node) -> Self {
        let name = match place.rsplit_once('.') {
            Some((_, field)) => field,
            None => node.text("key").unwrap_or_default(),
        };
        if let Some(header) = node.text("header") {
            return Self::Header(header.to_owned());
        }
        let header = name.strip_prefix("request.headers[").and_then(|rest| rest.strip_suffix(']'));
        match (name, header) {
            (_, Some(header)) => Self::Header(header.to_owned()),
            ("methods" | "notMethods", _) => Self::Method,
            ("paths" | "notPaths", _) => Self::Path,
            ("hosts" | "notHosts", _) => Self::Host,
            ("ports" | "notPorts" | "destination.port", _) => Self::Port,
            ("requestPrincipals" | "notRequestPrincipals", _) => Self::Token,
            (name, _) if name.starts_with("request.auth.") || node.get("claim").is_some() => Self::Token,
            (
                "principals"
                | "notPrincipals"
                | "namespaces"
                | "notNamespaces"
                | "serviceAccounts"
                | "notServiceAccounts"
                | "trustDomains"
                | "notTrustDomains"
                | "source.principal"
                | "source.namespace"
                | "source.serviceAccount"
                | "source.trustDomain",
                _,
            ) => Self::Peer,
            _ => Self::Unknown,
        }
    }

    /// What the request has of it.
    fn told(&self, request: &Request) -> String {
        let the = |what: &str, value: Result<&[u8], meshward_model::NotSingle>| match value {
            Ok(value) => format!("the request's is {}", String::from_utf8_lossy(value)),
            Err(_) => format!("the request has no one {what}"),
        };
        match self {
            Self::Method => the("method", request.method()),
            Self::Path => the("path", request.path().map(without_query)),
            Self::Host => the("host", request.authority()),
            Self::Port => match request.destination_port {
                Some(port) => format!("the request came to {port}"),
                None => "the port that was called is not known".to_owned(),
            },
            Self::Peer => match &request.peer {
                Peer::Anonymous(_) => "the caller has no verified identity".to_owned(),
                peer => match peer.spiffe_id().map(SpiffeId::as_str) {
                    Some(id) => format!("the caller is {id}"),
                    None => "the caller has no SPIFFE ID".to_owned(),
                },
            },
            Self::Token => match &request.token {
                Some(_) => "the caller's token says otherwise, or nothing".to_owned(),
                None => "the caller has no verified token".to_owned(),
            },
            Self::Header(name) => {
                let name = name.to_ascii_lowercase();
                let values: Vec<String> = request
                    .headers
                    .all(name.as_bytes())
                    .map(|value| format!("`{}`", String::from_utf8_lossy(value)))
                    .collect();
                if values.is_empty() {
                    "the request has no such header".to_owned()
                } else {
                    format!("the request has {}", values.join(" and "))
                }
            }
            Self::Unknown => String::new(),
        }
    }
}

/// What paths of policies are compared with.
fn without_query(path: &[u8]) -> &[u8] {
    path.split(|byte| *byte == b'?').next().unwrap_or(path)
}
