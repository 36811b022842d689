//! A transcript: what the module wrote, what the client got, what upstream and target saw.

use std::fmt::Write as _;

/// Headers that a proxy adds or that differ from run to run; they are no part of a transcript.
const HIDDEN: [&str; 13] = [
    "connection",
    "content-length",
    "date",
    "host",
    "server",
    "transfer-encoding",
    "x-envoy-expected-rq-timeout-ms",
    "x-envoy-internal",
    "x-envoy-upstream-service-time",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-request-id",
    "user-agent",
];

/// Says how many milliseconds an upstream took.
const TOOK: &str = "x-envoy-upstream-service-time=";

/// What one door saw of one behaviour.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transcript {
    /// What the canary wrote, when asked for.
    pub canary: Vec<String>,
    /// What the module wrote.
    pub log: Vec<String>,
    /// One line for each request, in the order of the requests.
    pub client: Vec<String>,
    /// Requests that the upstream saw, in order.
    pub upstream: Vec<String>,
    /// Requests that callouts' target saw, in order.
    pub target: Vec<String>,
    /// What became of updates, in order.
    pub updates: Vec<String>,
    /// Statistics that were asked for.
    pub stats: Vec<String>,
    /// Whether the proxy ended itself meanwhile.
    pub ended: bool,
}

impl Transcript {
    /// The text as it stands in the files.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.canary {
            let _ = writeln!(text, "canary: {line}");
        }
        for line in &self.log {
            let _ = writeln!(text, "{}", timeless(line));
        }
        for (what, lines) in [
            ("update", &self.updates),
            ("upstream", &self.upstream),
            ("target", &self.target),
            ("client", &self.client),
            ("stat", &self.stats),
        ] {
            for line in lines {
                let _ = writeln!(text, "{what}: {line}");
            }
        }
        if self.ended {
            text.push_str("the proxy ended itself\n");
        }
        text
    }
}

/// The line without the time that an upstream took.
fn timeless(line: &str) -> String {
    let Some((before, after)) = line.split_once(TOOK) else { return line.to_owned() };
    format!("{before}{TOOK}N{}", after.trim_start_matches(|char: char| char.is_ascii_digit()))
}

/// The line of a request that a server saw.
#[must_use]
pub fn asked(method: &str, path: &str, headers: &[(Vec<u8>, Vec<u8>)], body: &[u8]) -> String {
    format!("{method} {path}{}{}", shown(headers), quoted(body))
}

/// The line of an answer that a client got, and what the access log says of it.
#[must_use]
pub fn answered(status: u16, headers: &[(Vec<u8>, Vec<u8>)], body: &[u8]) -> String {
    format!("{status}{}{}", shown(headers), quoted(body))
}

/// The headers of interest.
fn shown(headers: &[(Vec<u8>, Vec<u8>)]) -> String {
    let of_interest = headers.iter().filter_map(|(name, value)| {
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        let hidden = HIDDEN.contains(&name.as_str()) || name.starts_with(':');
        (!hidden).then(|| format!(" {name}={}", value.escape_ascii()))
    });
    of_interest.collect()
}

/// A body; a long one by its length.
fn quoted(body: &[u8]) -> String {
    match body.len() {
        0 => String::new(),
        1..=200 => format!(" \"{}\"", body.escape_ascii()),
        long => format!(" ({long} bytes)"),
    }
}

/// What differs between two transcripts, line by line.
#[must_use]
pub fn difference(expected: &str, got: &str) -> String {
    let (mut wanted, mut seen) = (expected.lines(), got.lines());
    let mut text = String::new();
    loop {
        match (wanted.next(), seen.next()) {
            (None, None) => return text,
            (Some(wanted), Some(seen)) if wanted.trim_end() == seen.trim_end() => {
                let _ = writeln!(text, "    {wanted}");
            }
            (wanted, seen) => {
                for (sign, line) in [('-', wanted), ('+', seen)] {
                    if let Some(line) = line {
                        let _ = writeln!(text, "  {sign} {line}");
                    }
                }
            }
        }
    }
}
