//! Compares what was seen with what is expected: the same for all doors.

use crate::case::{Because, Expected};
use crate::event;
use crate::seen::{Seen, Shown};
use serde_json::Value;
use std::fmt::{self, Debug};

/// A step that went another way than its case says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The case, with its file.
    pub case: String,
    /// Which step, from 1.
    pub step: usize,
    /// What differs.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (step {}): {}", self.case, self.step, self.what)
    }
}

/// Every difference, in words.
pub fn differences(expected: &Expected, seen: &Seen) -> Vec<String> {
    let mut found = Vec::new();
    let word = |allowed: bool| if allowed { "allow" } else { "deny" };
    compare(&mut found, "verdict", &word(expected.allowed), &word(seen.allowed));
    compare(&mut found, "status", &expected.status, &seen.status);
    shown(&mut found, "reason", &expected.reason, &seen.reason);
    shown(&mut found, "rule", &expected.rule, &seen.rule);
    shown(&mut found, "shadow", &expected.shadow, &seen.shadow);
    compare(&mut found, "details", &details(expected), &seen.details);
    if let Shown::Is(headers) = &seen.headers {
        for (name, value) in &expected.headers {
            let there = headers.iter().any(|(known, has)| known.eq_ignore_ascii_case(name) && has == value);
            if !there {
                found.push(format!("the answer has no header `{name}: {}`", String::from_utf8_lossy(value)));
            }
        }
        for name in &expected.absent {
            if headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                found.push(format!("the answer has a header `{name}`"));
            }
        }
    }
    if let Shown::Is(events) = &seen.events {
        written_down(&mut found, expected, events);
    }
    found
}

/// One event of a refusal, or of one that would have been; beside it what the case says, and nothing else.
fn written_down(found: &mut Vec<String>, expected: &Expected, events: &[Value]) {
    let (decisions, others): (Vec<_>, Vec<_>) = events.iter().partition(|event| event::is_decision(event));
    let refusal = Because { reason: expected.reason.clone(), rule: expected.rule.clone() };
    let wanted = if expected.allowed { expected.shadow.clone() } else { Some(refusal) };
    let wanted: Vec<_> = wanted.into_iter().map(|because| (!expected.allowed, because)).collect();
    let there: Vec<_> =
        decisions.iter().map(|event| (event::refused(event), event::because(event))).collect();
    compare(found, "the decision's events (refused, why)", &wanted, &there);
    let holds = |(part, event): (&Value, &&Value)| event::holds(event, part);
    if expected.events.len() != others.len() || !expected.events.iter().zip(&others).all(holds) {
        let line = |event: &Value| format!("\n      {event}");
        found.push(format!(
            "beside the decision's, expected the events{}\n    got{}",
            expected.events.iter().map(line).collect::<String>(),
            others.iter().map(|event| line(event)).collect::<String>(),
        ));
    }
}

/// What `%RESPONSE_CODE_DETAILS%` must say: the rule that refused, or the reason where no rule did.
fn details(expected: &Expected) -> String {
    match (expected.allowed, &expected.rule) {
        (true, _) => String::new(),
        (false, Some(rule)) => format!("meshward_denied[{rule}]"),
        (false, None) => format!("meshward_denied[{}]", expected.reason),
    }
}

fn shown<T: PartialEq + Debug>(found: &mut Vec<String>, what: &str, expected: &T, seen: &Shown<T>) {
    match seen {
        Shown::Is(seen) => compare(found, what, expected, seen),
        Shown::Hidden => {}
    }
}

fn compare<T: PartialEq + Debug>(found: &mut Vec<String>, what: &str, expected: &T, seen: &T) {
    if expected != seen {
        found.push(format!("{what}: expected {expected:?}, got {seen:?}"));
    }
}

impl Because {
    /// A reason and its rule.
    pub fn new(reason: impl ToString, rule: Option<String>) -> Self {
        Self { reason: reason.to_string(), rule }
    }
}
