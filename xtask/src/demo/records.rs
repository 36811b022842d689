//! What the collector has received: a short table, and whether it is all that was decided.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use meshward_harness::collector::Received;
use meshward_harness::poll;
use serde_json::Value;

use super::counts::Counters;
use super::deeds::reason;
use super::mesh::Mesh;
use super::sidecar::{ACCESS_LOG, NOTE};
use super::table::{BAD, BOLD, DIM, GOOD, REFUSED};
use super::workload::Workload;

/// Events travel every 200 ms here; a collector that is slow may take longer.
const WITHIN: Duration = Duration::from_secs(20);
/// OCSF's class of a finding.
const FINDING: u64 = 2004;
/// What a note begins with where a module refused.
const DENIED: &str = "denied ";
/// What a note begins with where a shadow document would have.
const WOULD_DENY: &str = "would_deny ";

/// What was received, and what there is to compare it with.
pub(super) struct Account {
    received: Vec<Received>,
    dropped: u64,
    /// Records that the modules made.
    recorded: u64,
    /// Refusals in the access logs.
    refused: u64,
    /// What shadow documents would have refused, in the access logs.
    shadow: u64,
}

impl Account {
    /// Waits until everything that the modules recorded has been sent or given up, and reads it.
    pub(super) fn take(mesh: &Mesh) -> Result<(Self, Counters)> {
        let counters = poll::until("the last events to leave the modules", WITHIN, || {
            let counters = Counters::read(mesh).ok()?;
            let gone = sent(&counters).saturating_add(dropped(&counters));
            (gone >= recorded(&counters)).then_some(counters)
        });
        let counters = counters.context("events stay in the modules: does the collector answer?")?;
        let mut notes = Vec::new();
        for workload in Workload::ALL {
            let lines = mesh.member(workload)?.envoy().access_log(ACCESS_LOG);
            notes.extend(lines.iter().filter_map(|line| note(line)));
        }
        let noted = |kind: &str| count(notes.iter().filter(|note| note.starts_with(kind)).count());
        let account = Self {
            received: mesh.services.received()?,
            dropped: dropped(&counters),
            recorded: recorded(&counters),
            refused: noted(DENIED),
            shadow: noted(WOULD_DENY),
        };
        Ok((account, counters))
    }

    /// Whether every record was received or counted as dropped, and whether there is one for every decision.
    pub(super) fn agrees(&self) -> bool {
        self.arrived().saturating_add(self.dropped) == self.recorded && self.missing() <= self.dropped
    }

    fn arrived(&self) -> u64 {
        count(self.received.len())
    }

    /// Refusals of the access logs, and of shadow documents, of which there is no record; more records than decisions count as well.
    fn missing(&self) -> u64 {
        let decisions = self.received.iter().filter(|one| is_decision(&one.body)).count();
        self.refused.saturating_add(self.shadow).abs_diff(count(decisions))
    }

    /// Prints the records and the account.
    pub(super) fn print(&self) {
        anstream::println!(
            "\n{BOLD}What the collector has received{BOLD:#} {DIM}(OTLP/HTTP, a body is an OCSF record){DIM:#}\n"
        );
        anstream::println!(
            "{BOLD}  {:<12}  {:<8}  {:<9}  {:<28}  {:<14}  what{BOLD:#}",
            "first (UTC)",
            "from",
            "stage",
            "reason",
            "caller"
        );
        for line in lines(&self.received) {
            line.print();
        }
        self.print_sum();
    }

    fn print_sum(&self) {
        let style = if self.agrees() { GOOD } else { BAD };
        let findings = self.received.iter().filter(|one| !is_decision(&one.body)).count();
        anstream::println!(
            "\nthe collector received {style}{} records + {} dropped = {} recorded{style:#}: {} refusals and {} by shadow documents in the access logs + {findings} findings and troubles",
            self.arrived(),
            self.dropped,
            self.recorded,
            self.refused,
            self.shadow,
        );
        if !self.agrees() {
            anstream::println!(
                "{BAD}that does not add up: {} decisions have no record, or records no decision; look for `meshward` in the Envoys' logs{BAD:#}",
                self.missing()
            );
        }
    }
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// What meshward has noted of a request, in a line of the access log.
fn note(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    line.get(NOTE)?.as_str().map(str::to_owned)
}

fn recorded(counters: &Counters) -> u64 {
    counters.of("sentinel_events_recorded_total")
}

fn sent(counters: &Counters) -> u64 {
    counters.of("sentinel_events_sent_total")
}

fn dropped(counters: &Counters) -> u64 {
    counters.of("sentinel_events_dropped_total")
}

fn class(record: &Value) -> u64 {
    record.get("class_uid").and_then(Value::as_u64).unwrap_or_default()
}

/// HTTP Activity or Authentication: what became of one request.
fn is_decision(record: &Value) -> bool {
    matches!(class(record), 4002 | 3002)
}

/// One line of the table: records that are alike.
struct Line {
    first: u64,
    from: String,
    reason: String,
    caller: String,
    what: String,
    is_finding: bool,
    count: usize,
}

/// Decisions that are alike in one line, at the time of the first; each finding in its own.
fn lines(received: &[Received]) -> Vec<Line> {
    let mut alike: BTreeMap<(String, String, String, String), usize> = BTreeMap::new();
    let mut lines: Vec<Line> = Vec::new();
    for one in received {
        let line = Line::of(one);
        let key = (line.from.clone(), line.reason.clone(), line.caller.clone(), line.what.clone());
        let known = alike.get(&key).and_then(|at| lines.get_mut(*at)).filter(|_| is_decision(&one.body));
        match known {
            Some(known) => known.count = known.count.saturating_add(1),
            None => {
                alike.insert(key, lines.len());
                lines.push(line);
            }
        }
    }
    lines.sort_by_key(|line| line.first);
    lines
}

impl Line {
    fn of(one: &Received) -> Self {
        let text = |pointer: &str| one.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let attribute = |name: &str| one.attributes.get(name).and_then(Value::as_str).unwrap_or_default();
        let caller = attribute("meshward.caller");
        let caller = caller.split_once("/ns/").map_or(caller, |(_, rest)| rest).replace("/sa/", "/");
        let is_finding = class(&one.body) == FINDING;
        let what = if is_decision(&one.body) {
            let request = format!("{} {}", text("/http_request/http_method"), text("/http_request/url/path"));
            match text("/message").starts_with("would deny") {
                true => format!("{} (shadow)", request.trim()),
                false => request.trim().to_owned(),
            }
        } else {
            let message = text("/message");
            let end = message.split_once(&format!("caller {} ", attribute("meshward.caller")));
            end.map_or(message, |(_, end)| end).to_owned()
        };
        Self {
            first: one.unix_millis,
            from: one.from.clone(),
            reason: reason(&one.body).to_owned(),
            caller: if caller.is_empty() { "-".to_owned() } else { caller },
            what,
            is_finding,
            count: 1,
        }
    }

    fn print(&self) {
        let Self { first, from, reason, caller, what, is_finding, count } = self;
        let stage = reason.split('.').next().unwrap_or_default();
        let times = if *count > 1 { format!(" × {count}") } else { String::new() };
        let style = if *is_finding { REFUSED.bold() } else { anstyle::Style::new() };
        anstream::println!(
            "{style}  {:<12}  {from:<8}  {stage:<9}  {reason:<28}  {caller:<14}  {what}{times}{style:#}",
            time_of_day(*first)
        );
    }
}

/// `21:05:09.123`, UTC.
fn time_of_day(unix_millis: u64) -> String {
    let part = |unit: u64, count: u64| {
        unix_millis.checked_div(unit).and_then(|units| units.checked_rem(count)).unwrap_or_default()
    };
    format!("{:02}:{:02}:{:02}.{:03}", part(3_600_000, 24), part(60_000, 60), part(1000, 60), part(1, 1000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn received(class: u64, reason: &str) -> Received {
        let body = json!({"class_uid": class, "status_detail": reason, "message": "denied"});
        Received {
            from: "orders".to_owned(),
            unix_millis: 75_909_123,
            attributes: serde_json::Map::new(),
            body,
        }
    }

    fn account(received: Vec<Received>, dropped: u64, recorded: u64) -> Account {
        Account { received, dropped, recorded, refused: 2, shadow: 0 }
    }

    #[test]
    fn an_account_agrees_only_when_nothing_is_missing_and_nothing_too_much() {
        let refusal = || received(4002, "authz.deny_rule");
        let finding = || received(2004, "penalty.noted");
        assert!(account(vec![refusal(), refusal(), finding()], 0, 3).agrees());
        assert!(account(vec![refusal(), finding()], 1, 3).agrees());
        assert!(!account(vec![refusal(), finding()], 0, 3).agrees());
        assert!(!account(vec![refusal(), finding()], 0, 2).agrees());
        assert!(!account(vec![refusal(), refusal(), refusal()], 0, 3).agrees());
    }

    #[test]
    fn refusals_that_are_alike_are_one_line_and_findings_are_not() {
        let refusal = || received(4002, "authz.deny_rule");
        let finding = || received(2004, "penalty.noted");
        let counts: Vec<usize> =
            lines(&[refusal(), finding(), refusal(), finding()]).iter().map(|line| line.count).collect();
        assert_eq!(counts, [2, 1, 1]);
        assert_eq!(time_of_day(75_909_123), "21:05:09.123");
    }
}
