//! A configuration of `guard` as the configurations of the plugins that do the same apart.
//!
//! Each document goes to the plugin that reads its kind (a `Detection` to two: one enforces, the other detects), and the fields of
//! the envelope that only make sense apart are written: `claims`, `events`, `role`, and, for whoever writes events, `named`: what the
//! documents of all name, so that events show the same as `guard`'s.

use std::collections::{BTreeMap, BTreeSet};

use meshward_config::{Named, RawEnvelope, closest, parse, problem, split_documents};
use meshward_event::{is_host, words};
use meshward_model::{Code, Problem, Refusal};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::assemble::{Takes, misplaced_fields, unshowable};

/// A plugin of the chain, in the order in which requests meet them. The sentinel stands first: what a filter before it refuses it sees
/// only at the end, and there the proxy no longer shows everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Plugin {
    /// `sentinel`.
    Sentinel,
    /// `ratelimit` in the role `penalty`.
    Penalty,
    /// `authn`.
    Authn,
    /// `authz`.
    Authz,
    /// `ratelimit` in the role `quota`.
    Quota,
}

/// The plugin for each kind of document.
const READERS: [(&str, &[Plugin]); 6] = [
    ("EventSink", &[Plugin::Sentinel]),
    ("Detection", &[Plugin::Penalty, Plugin::Sentinel]),
    ("Authentication", &[Plugin::Authn]),
    ("AccessPolicy", &[Plugin::Authz]),
    ("AuthorizationPolicy", &[Plugin::Authz]),
    ("RateLimit", &[Plugin::Quota]),
];

/// One plugin's part of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Whose part it is.
    pub plugin: Plugin,
    /// The plugin's configuration: JSON text.
    pub configuration: String,
    /// For each of its documents, which it was in the whole configuration.
    documents: Vec<usize>,
}

impl Plugin {
    /// All of them, in the order of the chain.
    pub const ALL: [Self; 5] = [Self::Sentinel, Self::Penalty, Self::Authn, Self::Authz, Self::Quota];

    /// The name of the module that it is an instance of.
    pub const fn module(self) -> &'static str {
        match self {
            Self::Sentinel => "sentinel",
            Self::Penalty | Self::Quota => "ratelimit",
            Self::Authn => "authn",
            Self::Authz => "authz",
        }
    }

    /// Its name where two instances of one module must be told apart.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Penalty => "penalty",
            Self::Quota => "quota",
            Self::Sentinel | Self::Authn | Self::Authz => self.module(),
        }
    }

    const fn role(self) -> Option<&'static str> {
        match self {
            Self::Penalty => Some("penalty"),
            Self::Quota => Some("quota"),
            Self::Sentinel | Self::Authn | Self::Authz => None,
        }
    }
}

impl Part {
    /// A problem of this part, with its path as in the whole configuration.
    #[must_use]
    pub fn place(&self, mut problem: Problem) -> Problem {
        problem.path = self.whole_path(&problem.path);
        problem
    }

    fn whole_path(&self, path: &str) -> String {
        let whole = || {
            let (index, rest) = path.strip_prefix("documents[")?.split_once(']')?;
            let document = self.documents.get(index.parse::<usize>().ok()?)?;
            Some(format!("documents[{document}]{rest}"))
        };
        whole().unwrap_or_else(|| path.to_owned())
    }
}

/// Splits a configuration of `guard` into the parts of the plugins that do the same apart, in the order of the chain. There is
/// always one for `authz`; the others are there where there is a document for them.
///
/// # Errors
/// An envelope that `guard` would not take, a document without a kind or of a kind that no plugin reads. What the documents say is
/// not looked at: the plugins do that.
pub fn split(configuration: &str) -> Result<Vec<Part>, Refusal> {
    let envelope: RawEnvelope = parse(configuration, "")?;
    let mut problems = misplaced_fields(&envelope, Takes::default());
    problems.extend(unshowable(&envelope.named));
    let documents = split_documents(&envelope.documents).map_err(|problems| Refusal { problems })?;
    let mut of: BTreeMap<Plugin, Vec<usize>> = BTreeMap::from([(Plugin::Authz, Vec::new())]);
    for (at, (path, kind, _)) in documents.iter().enumerate() {
        match READERS.iter().find(|(known, _)| known == kind) {
            Some((_, readers)) => {
                readers.iter().for_each(|plugin| of.entry(*plugin).or_default().push(at));
            }
            None => problems.push(unknown_kind(path, kind)),
        }
    }
    if !problems.is_empty() {
        return Err(Refusal { problems });
    }
    let whole: Fields = parse(configuration, "")?;
    let named = named(&envelope.named, &documents);
    let chain: Vec<Plugin> = of.keys().copied().collect();
    of.into_iter()
        .map(|(plugin, indexes)| {
            let mut fields = whole.clone();
            for (name, value) in own_fields(plugin, &chain, &named) {
                fields.insert(name.to_owned(), raw(&value)?);
            }
            let own: Vec<_> = indexes.iter().filter_map(|at| envelope.documents.get(*at)).collect();
            fields.insert("documents".to_owned(), raw(&own)?);
            Ok(Part { plugin, configuration: raw(&fields)?.get().to_owned(), documents: indexes })
        })
        .collect()
}

type Fields = BTreeMap<String, Box<RawValue>>;

/// The fields of the envelope that say how the plugins of a chain work together.
fn own_fields(plugin: Plugin, chain: &[Plugin], named: &BTreeSet<String>) -> Vec<(&'static str, Value)> {
    let mut fields = Vec::new();
    if plugin != Plugin::Sentinel && chain.contains(&Plugin::Sentinel) {
        fields.push(("events", json!("handover")));
    } else if !named.is_empty() {
        fields.push(("named", json!(named)));
    }
    if matches!(plugin, Plugin::Authz | Plugin::Quota) && chain.contains(&Plugin::Authn) {
        fields.push(("claims", json!({"from": "handover"})));
    }
    fields.extend(plugin.role().map(|role| ("role", json!(role))));
    fields
}

/// What the events of the whole chain may show: what is written, and what documents name; of these only what can be shown.
fn named(written: &[String], documents: &[(String, String, &str)]) -> BTreeSet<String> {
    let mut found = Named::default();
    for (_, _, json) in documents {
        found.add(json);
    }
    let plain = |path: &String| words(path).fold(String::new(), |path, word| path + "/" + word);
    let paths = found.paths.iter().map(plain).filter(|path| !path.is_empty());
    let hosts = found.hosts.iter().filter(|host| is_host(host)).cloned();
    paths.chain(hosts).chain(written.iter().cloned()).collect()
}

fn raw<T: Serialize + ?Sized>(value: &T) -> Result<Box<RawValue>, Refusal> {
    // What was read can be written.
    to_raw_value(value).map_err(|error| problem(Code::WrongType, "", error.to_string(), "").into())
}

fn unknown_kind(path: &str, kind: &str) -> Problem {
    let known = READERS.map(|(kind, _)| kind);
    let help = match closest(kind, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("`guard` reads {}", known.join(", ")),
    };
    problem(Code::UnknownKind, format!("{path}.kind"), format!("unknown kind `{kind}`"), help)
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
