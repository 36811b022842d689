//! `RateLimit` documents to limits. Everything that could go wrong goes wrong here, with a place and a remedy.

use std::sync::Arc;

use meshward_config::{Place, Problems, own_document};
use meshward_http::template::Template;
use meshward_http::{method, path};
use meshward_model::{Code, DocumentKind, Needs, Refusal, RuleId, RuleName};

use crate::fields::is_name;
use crate::gcra::Rate;
use crate::key::KeyPart;
use crate::limit::{Limit, Matches, Terms};
use crate::quota::Quota;
use crate::raw::{RawKey, RawLimit, RawMatch, RawMode, RawRate, RawRateLimit, RawScope};

/// The most limits of all documents together.
const MAX_LIMITS: usize = 64;

/// The most limits whose buckets the workers share: a request may have to ask for each.
const MAX_SHARED: usize = 16;

/// The most values of one list.
const MAX_VALUES: usize = 256;

/// Collects `RateLimit` documents and compiles them into a [`Quota`].
#[derive(Debug, Default)]
pub struct QuotaCompiler {
    problems: Problems,
    limits: Vec<Limit>,
    documents: Vec<(String, String)>,
    names: Vec<String>,
    tokens: bool,
}

impl QuotaCompiler {
    /// Starts. `tokens`: whether anybody verifies tokens, so that a key may be their subject.
    pub fn new(tokens: bool) -> Self {
        Self { tokens, ..Self::default() }
    }

    /// Compiles one document; `path` is where it stands in the configuration. Problems are kept for [`QuotaCompiler::finish`].
    pub fn add(&mut self, path: &str, json: &str) {
        let place = Place::root(path);
        let kind = DocumentKind::RateLimit.as_str();
        let Some((metadata, spec)) = own_document::<RawRateLimit>(&place, kind, json, &mut self.problems)
        else {
            return;
        };
        let namespace = if metadata.namespace.is_empty() { "default".to_owned() } else { metadata.namespace };
        if !insert(&mut self.documents, (namespace.clone(), metadata.name.clone())) {
            let message = format!("a second RateLimit `{}` in namespace `{namespace}`", metadata.name);
            let at = place.field("metadata");
            self.problems.add(Code::DoubledName, &at.field("name"), message, "give it another name");
        }
        let at_spec = place.field("spec");
        let at_limits = at_spec.field("limits");
        if spec.limits.is_empty() {
            self.problems.add(Code::EmptyList, &at_limits, "an empty list", "write at least one limit");
        }
        for (index, raw) in spec.limits.iter().enumerate() {
            let rule = RuleName {
                kind: DocumentKind::RateLimit,
                namespace: namespace.clone(),
                policy: metadata.name.clone(),
                index,
            };
            self.limit(&at_limits.index(index), raw, rule);
        }
    }

    /// Puts the limits together; `peer` is what reading the peer takes.
    ///
    /// # Errors
    /// Every problem that was found.
    pub fn finish(mut self, peer: Needs) -> Result<Quota, Refusal> {
        let shared = self.limits.iter().filter(|limit| limit.shared).count();
        let all = self.limits.len();
        for (count, most, what) in
            [(all, MAX_LIMITS, "limits"), (shared, MAX_SHARED, "limits of scope `proxy`")]
        {
            if count > most {
                let message = format!("{count} {what} in all documents, at most {most} are read");
                let help = "let one limit do for several operations with a `pathTemplate` key";
                self.problems.add(Code::TooManyLimits, &Place::root("documents"), message, help);
            }
        }
        let problems = self.problems.into_found();
        if problems.is_empty() { Ok(Quota::new(self.limits, peer)) } else { Err(Refusal { problems }) }
    }

    fn limit(&mut self, place: &Place<'_>, raw: &RawLimit, rule: RuleName) {
        let at_name = place.field("name");
        if !is_name(&raw.name) {
            self.problems.add(
                Code::BadLimitName,
                &at_name,
                format!("`{}` is no name that a header can carry", raw.name.escape_debug()),
                "write 1 to 64 letters, digits, spaces or signs of ASCII, but no `\"`, no `\\` and no space at its ends",
            );
        } else if !insert(&mut self.names, raw.name.clone()) {
            let message = format!("a second limit `{}`", raw.name);
            let help = "give it another name: callers tell limits apart by it";
            self.problems.add(Code::DoubledLimit, &at_name, message, help);
        }
        let rate = self.rate(place, raw);
        let at_key = place.field("key");
        let mut parts = Vec::with_capacity(raw.key.len());
        for (index, part) in raw.key.iter().enumerate() {
            parts.extend(self.part(&at_key.index(index), part));
        }
        if parts
            .iter()
            .enumerate()
            .any(|(at, part)| parts.iter().skip(at.saturating_add(1)).any(|other| other == part))
        {
            self.problems.add(Code::BadLimitKey, &at_key, "the same part twice", "name each part once");
        }
        let matches = raw.matches.as_ref().map(|raw| self.matches(&place.field("match"), raw));
        let Some(rate) = rate else { return };
        let identity = format!(
            "{}\0{}\0{}\0{}\0{}\0{}\0",
            rule.namespace,
            rule.policy,
            raw.name,
            rate.requests(),
            rate.period_millis(),
            rate.burst(),
        );
        self.limits.push(Limit {
            name: Arc::from(raw.name.as_str()),
            rule: RuleId::new(rule),
            terms: Terms::new(&raw.name, rate),
            rate,
            parts,
            shared: raw.scope == RawScope::Proxy,
            enforced: raw.mode.unwrap_or_default() == RawMode::Enforce,
            matches: matches.unwrap_or_default(),
            identity: identity.into_bytes().into(),
        });
    }

    fn rate(&mut self, place: &Place<'_>, raw: &RawLimit) -> Option<Rate> {
        let rate = rate(&place.field("rate"), &raw.rate, &mut self.problems);
        let at = place.field("burst");
        let burst = raw.burst.map(|burst| bounded(&at, burst, Rate::MAX_BURST, "", &mut self.problems));
        let (requests, period) = rate?;
        let burst = burst.unwrap_or(Some(requests))?;
        let rate = Rate::new(requests, period, burst);
        if rate.is_none() {
            let message = "it would take more than a week until so many may come at once again";
            self.problems.add(Code::OutOfBounds, &at, message, "write a smaller `burst`, or a faster rate");
        }
        rate
    }

    fn part(&mut self, place: &Place<'_>, raw: &RawKey) -> Option<KeyPart> {
        match raw {
            RawKey::Peer => Some(KeyPart::Peer),
            RawKey::Namespace => Some(KeyPart::Namespace),
            RawKey::Subject if !self.tokens => {
                self.problems.add(
                    Code::SubjectUnseen,
                    place,
                    "a key of token subjects, where nobody verifies tokens",
                    "add an `Authentication` document (plugin `guard`), or write `claims: {from: handover}` into the PluginConfig and put the `authn` plugin before this one",
                );
                None
            }
            RawKey::Subject => Some(KeyPart::Subject),
            RawKey::Header(name) => {
                let lower = name.to_ascii_lowercase();
                if lower.is_empty() || !lower.bytes().all(is_token) {
                    self.problems.add(
                        Code::BadLimitKey,
                        &place.field("header"),
                        format!("`{}` is no header name", name.escape_debug()),
                        "write the name of one header, such as `x-tenant`",
                    );
                    return None;
                }
                Some(KeyPart::Header(lower.into_bytes().into()))
            }
            RawKey::PathTemplate(paths) => {
                Some(KeyPart::PathTemplate(self.templates(&place.field("pathTemplate"), paths)))
            }
        }
    }

    fn matches(&mut self, place: &Place<'_>, raw: &RawMatch) -> Matches {
        if raw.methods.is_none() && raw.paths.is_none() {
            let help = "name methods or paths, or delete it: without `match` every request is counted";
            self.problems.add(Code::EmptyOperation, place, "an empty match", help);
        }
        let mut methods = Vec::new();
        if let Some(raw) = &raw.methods {
            let at = place.field("methods");
            self.check_list(&at, raw);
            for (index, value) in raw.iter().enumerate() {
                if method::is_token(value.as_bytes()) {
                    methods.push(value.as_bytes().into());
                } else {
                    let message = format!("`{}` is no HTTP method", value.escape_debug());
                    let help =
                        format!("methods are upper case: write `{}`", value.trim().to_ascii_uppercase());
                    self.problems.add(Code::BadMethod, &at.index(index), message, help);
                }
            }
        }
        let paths = raw.paths.as_ref().map(|paths| self.templates(&place.field("paths"), paths));
        Matches { methods, paths: paths.unwrap_or_default() }
    }

    fn templates(&mut self, place: &Place<'_>, raw: &[String]) -> Vec<Template> {
        self.check_list(place, raw);
        let mut templates = Vec::with_capacity(raw.len());
        for (index, value) in raw.iter().enumerate() {
            let sample = value.replace("{**}", "x").replace("{*}", "x");
            let canonical = path::canonical(sample.as_bytes());
            match (Template::new(value, true), canonical) {
                (Ok(template), Ok(canonical)) if canonical == sample => templates.push(template),
                (Ok(_), Ok(canonical)) => self.problems.add(
                    Code::PathNotCanonical,
                    &place.index(index),
                    format!("`{value}` is not how this path is matched"),
                    format!("write it as in `{canonical}`"),
                ),
                (Ok(_), Err(error)) => self.problems.add(
                    Code::ImpossiblePath,
                    &place.index(index),
                    format!("`{value}` could never match: {error}"),
                    "write the plain form",
                ),
                (Err((message, help)), _) => {
                    let message = format!("`{value}`: {message}");
                    self.problems.add(Code::BadTemplate, &place.index(index), message, help);
                }
            }
        }
        templates
    }

    fn check_list(&mut self, place: &Place<'_>, values: &[String]) {
        if values.is_empty() {
            self.problems.add(Code::EmptyList, place, "an empty list", "name at least one value");
        } else if values.len() > MAX_VALUES {
            let message = format!("{} values, at most {MAX_VALUES} are read", values.len());
            self.problems.add(Code::TooManyValues, place, message, "split the limit");
        }
    }
}

/// Whether `value` was not there yet. More than may be read anyway are not looked through.
fn insert<T: PartialEq>(values: &mut Vec<T>, value: T) -> bool {
    let is_new = values.len() > MAX_LIMITS || !values.contains(&value);
    if values.len() <= MAX_LIMITS {
        values.push(value);
    }
    is_new
}

/// Reads a rate that stands at `at`: requests, and milliseconds.
#[inline(never)]
pub(crate) fn rate(at: &Place<'_>, raw: &RawRate, problems: &mut Problems) -> Option<(u32, u32)> {
    let requests = bounded(&at.field("requests"), raw.requests, Rate::MAX_REQUESTS, "", problems);
    let day = Rate::MAX_PERIOD_MILLIS.checked_div(1_000).unwrap_or_default();
    let seconds = bounded(&at.field("perSeconds"), raw.per_seconds, day, " (a day)", problems);
    Some((requests?, seconds?.saturating_mul(1_000)))
}

/// A number between 1 and `most`.
#[inline(never)]
pub(crate) fn bounded(
    place: &Place<'_>,
    value: u64,
    most: u32,
    unit: &str,
    problems: &mut Problems,
) -> Option<u32> {
    let value32 = u32::try_from(value).ok().filter(|value| (1..=most).contains(value));
    if value32.is_none() {
        let message = format!("{value} is not between 1 and {most}{unit}");
        let help = if value == 0 {
            "write 1 or more; delete the document to do without it"
        } else {
            "write a number in these bounds"
        };
        problems.add(Code::OutOfBounds, place, message, help);
    }
    value32
}

/// A character of a header's name (RFC 9110 §5.6.2).
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "compile_tests.rs"]
mod tests;
