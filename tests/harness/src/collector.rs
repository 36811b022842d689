//! A stand-in for a collector: takes log records by OTLP/HTTP in its JSON encoding and writes each down, a line of JSON a record.
//!
//! It is strict: a body that is not what the protocol says is answered 400, and nothing of it is written.

use crate::upstream::{HttpUpstream, Reply, Seen};
use serde_json::{Map, Value, json};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Where logs are taken, as OTLP says.
pub const PATH: &str = "/v1/logs";

/// A running collector; dropping it closes it.
pub struct Collector {
    upstream: HttpUpstream,
    mood: Arc<Mood>,
}

/// What a collector does instead of what it should.
#[derive(Debug, Default)]
struct Mood {
    /// The status of every answer; 0: as it should be.
    refuses_with: AtomicU16,
    /// How long it takes for every answer, in milliseconds.
    slow_millis: AtomicU64,
}

/// A record as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// `service.name` of the resource: who sent it.
    pub from: String,
    /// `timeUnixNano`, in milliseconds.
    pub unix_millis: u64,
    /// The attributes of the record, as text.
    pub attributes: Map<String, Value>,
    /// The body, which is an OCSF record.
    pub body: Value,
}

impl Collector {
    /// Starts at this address; records are added to `file`.
    pub fn listen(address: impl ToSocketAddrs, file: &Path) -> io::Result<Self> {
        let file = Mutex::new(OpenOptions::new().create(true).append(true).open(file)?);
        let mood = Arc::new(Mood::default());
        let its = Arc::clone(&mood);
        let upstream = HttpUpstream::answering(address, move |seen| {
            std::thread::sleep(Duration::from_millis(its.slow_millis.load(Ordering::SeqCst)));
            match its.refuses_with.load(Ordering::SeqCst) {
                0 => answer(&file, seen),
                status => Reply::status(status),
            }
        })?;
        Ok(Self { upstream, mood })
    }

    /// From now on it answers everything with this status and writes nothing down; `None`: as it should.
    pub fn refuse(&self, status: Option<u16>) {
        self.mood.refuses_with.store(status.unwrap_or_default(), Ordering::SeqCst);
    }

    /// From now on it takes so long for every answer.
    pub fn slow_down(&self, millis: u64) {
        self.mood.slow_millis.store(millis, Ordering::SeqCst);
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.upstream.address()
    }

    /// Serves until the process ends.
    pub fn forever(self) {
        self.upstream.forever();
    }

    /// Reads what a collector has written. A file that is not there yet is empty; a line that is only half written is not read.
    pub fn read(file: &Path) -> io::Result<Vec<Received>> {
        let text = match std::fs::read_to_string(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            read => read?,
        };
        let whole = text.rfind('\n').and_then(|end| text.get(..end)).unwrap_or_default();
        let invalid = || io::Error::new(io::ErrorKind::InvalidData, "a line that no collector wrote");
        whole.lines().map(|line| received(line).ok_or_else(invalid)).collect()
    }
}

fn answer(file: &Mutex<File>, seen: &Seen) -> Reply {
    if seen.path != PATH {
        return Reply::status(404);
    }
    if seen.method != "POST" {
        return Reply::status(405);
    }
    let json = seen.headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("content-type") && value.eq_ignore_ascii_case("application/json")
    });
    if !json {
        return Reply::status(415);
    }
    let Some(lines) = lines(&seen.body) else { return Reply::status(400).body("{}") };
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
    match file.write_all(lines.as_bytes()) {
        Ok(()) => Reply::status(200).header("content-type", "application/json").body("{}"),
        // It may be tried again.
        Err(_) => Reply::status(503),
    }
}

/// The records of a request, a line each; `None` where anything is not as it must be.
fn lines(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let mut lines = String::new();
    for resource_logs in body.get("resourceLogs")?.as_array()? {
        let resource = attributes(resource_logs.get("resource")?)?;
        let from = resource.get("service.name")?.as_str()?;
        for scope_logs in resource_logs.get("scopeLogs")?.as_array()? {
            for record in scope_logs.get("logRecords")?.as_array()? {
                lines.push_str(&line(from, record)?);
                lines.push('\n');
            }
        }
    }
    Some(lines)
}

fn line(from: &str, record: &Value) -> Option<String> {
    let nanos: u64 = record.get("timeUnixNano")?.as_str()?.parse().ok()?;
    let body: Value = serde_json::from_str(record.pointer("/body/stringValue")?.as_str()?).ok()?;
    let attributes = attributes(record)?;
    body.is_object().then(|| {
        json!({"from": from, "unix_millis": nanos / 1_000_000, "attributes": attributes, "body": body})
            .to_string()
    })
}

/// `attributes` as a map; a value of any kind is text in it.
fn attributes(of: &Value) -> Option<Map<String, Value>> {
    let given = of.get("attributes").map_or(Some(&[][..]), |given| given.as_array().map(Vec::as_slice))?;
    let pairs = given.iter().map(|pair| {
        let value = pair.get("value")?;
        let text = ["stringValue", "intValue"].iter().find_map(|kind| value.get(kind)?.as_str())?;
        Some((pair.get("key")?.as_str()?.to_owned(), json!(text)))
    });
    pairs.collect()
}

fn received(line: &str) -> Option<Received> {
    let mut line: Value = serde_json::from_str(line).ok()?;
    Some(Received {
        from: line.get("from")?.as_str()?.to_owned(),
        unix_millis: line.get("unix_millis")?.as_u64()?,
        attributes: line.get("attributes")?.as_object()?.clone(),
        body: line.get_mut("body")?.take(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Client, RawRequest};

    const GOOD: &str = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"orders"}}]},
        "scopeLogs":[{"scope":{"name":"meshward"},"logRecords":[{"timeUnixNano":"1000000","body":{"stringValue":"{\"a\":1}"},
        "attributes":[{"key":"http.response.status_code","value":{"intValue":"403"}}]}]}]}]}"#;

    fn post(collector: &Collector, body: &str) -> u16 {
        let request = RawRequest::new("POST", PATH)
            .host("collector")
            .header("content-type", "application/json")
            .body(body);
        Client::plain(collector.address()).send(&request).map_or(0, |answer| answer.status)
    }

    #[test]
    fn records_are_written_down_and_what_is_not_otlp_is_refused() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("records.jsonl");
        let collector = Collector::listen("127.0.0.1:0", &file)?;
        assert_eq!(post(&collector, GOOD), 200);
        for bad in [
            "",
            "{}",
            r#"{"resourceLogs":[{}]}"#,
            &GOOD.replace("\"1000000\"", "1000000"),
            &GOOD.replace(r#"{\"a\":1}"#, "text"),
            &GOOD.replace("service.name", "service"),
        ] {
            assert_eq!(post(&collector, bad), 400, "{bad}");
        }
        let get = Client::plain(collector.address()).send(&RawRequest::get(PATH)).map(|answer| answer.status);
        assert_eq!(get.ok(), Some(405));
        let received = Collector::read(&file)?;
        let attributes = json!({"http.response.status_code": "403"}).as_object().cloned().unwrap_or_default();
        let one = Received { from: "orders".to_owned(), unix_millis: 1, attributes, body: json!({"a": 1}) };
        assert_eq!(received, [one]);
        Ok(())
    }
}
