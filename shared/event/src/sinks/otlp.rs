//! OTLP/HTTP in its JSON encoding (opentelemetry-proto 1.11): what is sent, and what the collector says to it.
//!
//! The body of a log record is the OCSF record as a string: it is passed on unchanged by everything that takes OTLP, at half the bytes
//! of a structured one. A few attributes stand beside it for those who index.

use meshward_model::{Answer, Event, Headers, Node};
use serde::Deserialize;

use crate::json::{Object, string};
use crate::ocsf;
use crate::text::printable;

/// The longest answer that is read, in bytes.
pub(super) const MAX_ANSWER_BYTES: u32 = 16 * 1024;

/// The attribute that is a number; OTLP's JSON has 64-bit numbers as strings.
const STATUS: &str = "http.response.status_code";

/// One log record.
pub(super) fn record(event: &Event<'_>, json: &str) -> String {
    let mut out = String::with_capacity(json.len().saturating_add(512));
    {
        let mut record = Object::open(&mut out);
        let time = match event {
            Event::Decision(event) => event.time,
            Event::Finding(finding) => finding.time,
            Event::Trouble(trouble) => trouble.time,
        };
        // OTLP's JSON has 64-bit numbers as strings.
        record.text("timeUnixNano", &format!("{}000000", time.0));
        let (number, text) = match ocsf::severity(event) {
            0 | 1 => (9, "INFO"),
            2 => (10, "INFO2"),
            3 => (13, "WARN"),
            _ => (17, "ERROR"),
        };
        record.number("severityNumber", number).text("severityText", text);
        let code = ocsf::code(event);
        record.text("eventName", &format!("meshward.{code}"));
        record.object("body").text("stringValue", json);
        attributes(&mut record, "attributes", &described(event));
    }
    out
}

/// The longest name of a caller, in characters; the record has the same.
const MAX_CALLER: usize = 512;

/// Attributes for those who index; their names are those of OpenTelemetry's conventions where there is one.
fn described(event: &Event<'_>) -> Vec<(&'static str, String)> {
    let mut described = Vec::new();
    match event {
        Event::Decision(event) => {
            described.push((STATUS, event.status.to_string()));
            described.push((
                "security_rule.name",
                event.rule.as_ref().map(ToString::to_string).unwrap_or_default(),
            ));
            let caller = event.peer.spiffe_id().map(|id| id.as_str().to_owned());
            described.push(("meshward.caller", caller.unwrap_or_default()));
        }
        Event::Finding(finding) => {
            described.push(("security_rule.name", finding.detector.unwrap_or_default().to_owned()));
            described.push(("meshward.caller", printable(finding.caller.as_bytes(), MAX_CALLER)));
        }
        Event::Trouble(_) => {}
    }
    described
}

/// The JSON of the resource: who reports.
pub(super) fn resource(node: &Node) -> String {
    let mut out = String::new();
    let Node { id, namespace, workload, .. } = node;
    let name = if workload.is_empty() { "meshward" } else { workload };
    let described = [
        ("service.name", ocsf::named(name)),
        ("service.instance.id", ocsf::named(id)),
        ("k8s.namespace.name", ocsf::named(namespace)),
    ];
    attributes(&mut Object::open(&mut out), "attributes", &described);
    out
}

fn attributes(object: &mut Object<'_>, name: &str, described: &[(&'static str, String)]) {
    object.objects(
        name,
        described.iter().filter(|(_, value)| !value.is_empty()),
        |(key, value), attribute| {
            attribute.text("key", key);
            let kind = if *key == STATUS { "intValue" } else { "stringValue" };
            attribute.object("value").text(kind, value);
        },
    );
}

/// The body of a call that sends these records.
pub(super) fn body(resource: &str, records: &[String], bytes: usize) -> Vec<u8> {
    let mut out = String::with_capacity(bytes.saturating_add(records.len()).saturating_add(512));
    out.push_str(r#"{"resourceLogs":[{"resource":"#);
    out.push_str(resource);
    out.push_str(r#","scopeLogs":[{"scope":{"name":"meshward","version":"#);
    string(&mut out, env!("CARGO_PKG_VERSION"));
    out.push_str(r#"},"logRecords":["#);
    for (at, record) in records.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(record);
    }
    out.push_str("]}]}]}");
    out.into_bytes()
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Taken {
    /// It was taken, all but so many of its records.
    All {
        /// Records that the collector did not want.
        rejected: u64,
    },
    /// It may be sent again.
    Later {
        /// What happened.
        why: String,
        /// How long the collector asks to be left alone.
        after_millis: Option<u64>,
    },
    /// To send it again is of no use.
    Never {
        /// What happened.
        why: String,
    },
}

impl Taken {
    /// By the OTLP specification: 429, 502, 503, 504 and no answer may be tried again, anything else that is no success may not.
    pub(super) fn of(answer: Answer) -> Self {
        match answer {
            Answer::Http { status: 200..=299, body, .. } => Self::All { rejected: rejected(&body) },
            Answer::Http { status: status @ (429 | 502 | 503 | 504), headers, .. } => {
                Self::Later { why: format!("status {status}"), after_millis: retry_after(&headers) }
            }
            Answer::Http { status, .. } => Self::Never { why: format!("status {status}, which is final") },
            Answer::TooLarge => Self::Never { why: "its answer is too long".to_owned() },
            Answer::Failed | Answer::TimedOut => {
                let why = "no answer; does the proxy have that cluster?".to_owned();
                Self::Later { why, after_millis: None }
            }
            Answer::Grpc { .. } | Answer::Loaded { .. } | Answer::Stored(_) | Answer::Called { .. } => {
                Self::Later { why: "an answer to another question".to_owned(), after_millis: None }
            }
        }
    }
}

/// `Retry-After` in seconds; a date is not understood.
fn retry_after(headers: &Headers) -> Option<u64> {
    let seconds = core::str::from_utf8(headers.single(b"retry-after").ok()?).ok()?;
    let seconds: u64 = seconds.trim().parse().ok()?;
    Some(seconds.saturating_mul(1000))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawResponse {
    #[serde(default)]
    partial_success: Option<RawPartial>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPartial {
    #[serde(default)]
    rejected_log_records: Option<RawCount>,
}

/// A 64-bit number, which is a string in OTLP's JSON; a plain number is understood as well.
struct RawCount(u64);

impl<'de> Deserialize<'de> for RawCount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = RawCount;

            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("a count")
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<RawCount, E> {
                Ok(RawCount(value))
            }

            fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<RawCount, E> {
                value.parse().map(RawCount).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// How many records of a batch the collector did not want. What cannot be read says nothing: a success is one.
fn rejected(body: &[u8]) -> u64 {
    let response: Option<RawResponse> = serde_json::from_slice(body).ok();
    let partial = response.and_then(|response| response.partial_success);
    partial.and_then(|partial| partial.rejected_log_records).map_or(0, |count| count.0)
}

#[cfg(test)]
#[path = "otlp_tests.rs"]
mod tests;
