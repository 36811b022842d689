//! Events as OCSF 1.8.0 records, each one JSON object on one line.
//!
//! | event | class | `type_uid` |
//! |---|---|---|
//! | a refusal (also of a limit, of quarantine, of one of Envoy's own filters), or one that would have been | HTTP Activity 4002, Security Control profile | `4002` and the method's number |
//! | a refusal because the caller is not who it must be (`authn.…`) | Authentication 3002, Security Control profile | `300201` Logon |
//! | a finding: noted, throttled, quarantined, released | Detection Finding 2004, Security Control profile | `200401` Create, `200403` Close |
//! | a trouble of our own | Application Error 6008 | `600801` General Error |
//!
//! The mapping is that of OCSF's own guidance for enforcement points: the attempted activity and the control's judgement in one
//! event. Numbers are OCSF's enumerations. Which bytes of a request are written is decided in [`Shown`].

mod authentication;
mod decision;
mod finding;
mod judgement;
mod parts;
mod trouble;

use std::borrow::Cow;

use meshward_model::{Change, Event, EventKind, LogLine, Node, Seed, Severity, StageId};

use crate::json::Object;
use crate::shown::Shown;
pub(crate) use parts::named;

/// What a line in the proxy's log begins with, so that it can be told from others.
pub const LOG_PREFIX: &str = "meshward.event ";

/// The version of OCSF that is written.
pub(crate) const VERSION: &str = "1.8.0";

/// Counts the records of one worker, so that each has a number of its own and a gap is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbering {
    worker: Seed,
    last: u64,
}

/// The number of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    worker: Seed,
    sequence: u64,
    aside: bool,
}

impl Numbering {
    /// No record yet.
    pub const fn new(worker: Seed) -> Self {
        Self { worker, last: 0 }
    }

    /// The next number; the first is 1.
    pub fn number(&mut self) -> Number {
        self.last = self.last.saturating_add(1);
        Number { worker: self.worker, sequence: self.last, aside: false }
    }

    /// The number of a record that goes another way than the others, in whose numbers it leaves no gap.
    pub const fn aside(&self) -> Number {
        Number { worker: self.worker, sequence: self.last, aside: true }
    }
}

impl Number {
    /// `metadata.uid`: the worker's seed and the number in it.
    pub(crate) fn uid(self) -> String {
        let Self { worker, sequence, aside } = self;
        format!("{:016x}-{sequence}{}", worker.0, if aside { "-aside" } else { "" })
    }
}

/// What a record needs beside its event.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The proxy.
    pub node: &'a Node,
    /// What of a request may be written.
    pub shown: &'a Shown,
    /// The record's number.
    pub number: Number,
}

/// The event as one JSON object, without a line break.
pub fn json(event: &Event<'_>, context: &Context<'_>) -> String {
    let mut out = String::with_capacity(1024);
    let mut record = Object::open(&mut out);
    match event {
        Event::Decision(event) if event.reason.stage() == Some(StageId::Authn) => {
            authentication::write(&mut record, event, context);
        }
        Event::Decision(event) => decision::write(&mut record, event, context),
        Event::Finding(finding) => finding::write(&mut record, finding, context),
        Event::Trouble(trouble) => trouble::write(&mut record, trouble, context),
    }
    drop(record);
    out
}

/// The line for the proxy's log that holds a record.
pub fn line(event: &Event<'_>, json: &str) -> LogLine {
    let mut text = String::with_capacity(LOG_PREFIX.len().saturating_add(json.len()));
    text.push_str(LOG_PREFIX);
    text.push_str(json);
    LogLine { severity: level(event), text }
}

const fn level(event: &Event<'_>) -> Severity {
    match event {
        Event::Decision(event) => match event.kind {
            EventKind::Denied => Severity::Warn,
            EventKind::WouldDeny => Severity::Info,
        },
        Event::Finding(finding) => match finding.change {
            Change::Noted | Change::Throttled | Change::Quarantined { .. } => Severity::Warn,
            Change::Released => Severity::Info,
        },
        Event::Trouble(trouble) if trouble.over => Severity::Info,
        Event::Trouble(_) => Severity::Warn,
    }
}

/// `stage.snake_case`: what the event is, as it stands in `metadata.event_code`.
pub(crate) fn code(event: &Event<'_>) -> Cow<'static, str> {
    match event {
        Event::Decision(event) => event.reason.code().into(),
        Event::Finding(finding) => finding::code(finding.change).into(),
        Event::Trouble(trouble) => trouble::code(trouble).into(),
    }
}

/// `severity_id` of an event: 1 Informational, 2 Low, 3 Medium, 4 High.
pub(crate) fn severity(event: &Event<'_>) -> u32 {
    match event {
        Event::Decision(event) => judgement::of_decision(event).severity_id,
        Event::Finding(finding) => judgement::of_finding(finding).severity_id,
        Event::Trouble(trouble) => judgement::of_trouble(trouble),
    }
}

#[cfg(test)]
#[path = "ocsf/tests.rs"]
mod tests;
