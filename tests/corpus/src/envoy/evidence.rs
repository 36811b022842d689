//! What Envoy wrote down of the requests, put beside the answers.

use super::ask::Asked;
use super::failed;
use super::layout::ACCESS_LOG;
use crate::CorpusError;
use crate::case::Expect;
use crate::check::Finding;
use crate::event;
use crate::seen::{Seen, Shown};
use meshward_harness::envoy::Envoy;
use meshward_harness::poll;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(5);

/// What Envoy wrote down.
pub(super) struct Evidence {
    lines: BTreeMap<String, Line>,
    events: Vec<Written>,
    counters: BTreeMap<String, u64>,
}

/// A line of the access log.
struct Line {
    details: String,
    /// As it went on.
    path: String,
}

/// An event in Envoy's log.
struct Written {
    /// The line before the event: it names the plugin and its root.
    by: String,
    event: Value,
}

impl Evidence {
    /// Waits until every request that was answered stands in the access log, then reads everything.
    pub(super) fn collect(envoy: &Envoy, asked: &[Vec<Asked<'_>>]) -> Result<Self, CorpusError> {
        let answered: Vec<&str> =
            asked.iter().flatten().filter(|one| one.is_logged()).map(|one| one.id.as_str()).collect();
        let complete = |lines: &BTreeMap<_, _>| answered.iter().all(|id| lines.contains_key(*id));
        let there = poll::until("every request in the access log", WITHIN, || {
            Some(access_log(envoy)).filter(complete)
        });
        // One that is missing is told with its case.
        let lines = there.unwrap_or_else(|_| access_log(envoy));
        let counters = envoy.stats("wasmcustom.meshward_").map_err(|error| failed(&error))?;
        Ok(Self { lines, events: events(envoy), counters })
    }

    /// What was seen of a step that the plugin decides; the error says what is missing.
    pub(super) fn seen(&self, asked: &Asked<'_>) -> Result<Seen, String> {
        let answer = asked.answer.as_ref().map_err(|error| format!("no answer: {error}"))?;
        let Line { details, path } = self.lines.get(&asked.id).ok_or_else(|| {
            format!("answered {}, and nothing in the access log: Envoy's own answer?", answer.status)
        })?;
        if let Some(arrives) = asked.step.request.arrives.as_deref().filter(|one| *one != path.as_bytes()) {
            let expected = String::from_utf8_lossy(arrives);
            return Err(format!("the proxy passes the path on as `{path}`, expected `{expected}`"));
        }
        let events = self.of_request(&asked.id);
        let event = events.first().copied();
        let refused = event.is_some_and(event::refused);
        let ours = details.starts_with("meshward_denied[");
        if refused != ours {
            return Err(format!("the access log says `{details}`, and a denial's event is there: {refused}"));
        }
        if asked.arrived == refused {
            return Err(format!(
                "refused: {refused}, but the upstream saw it: {}; `{details}`",
                asked.arrived
            ));
        }
        let because = event.map(event::because);
        let (reason, rule) = match (refused, &because) {
            (true, Some(because)) => (Shown::Is(because.reason.clone()), Shown::Is(because.rule.clone())),
            (true, None) | (false, _) => (Shown::Hidden, Shown::Hidden),
        };
        Ok(Seen {
            allowed: !refused,
            status: answer.status,
            reason,
            rule,
            // A request that is refused has one event, and that is of the refusal.
            shadow: if refused { Shown::Hidden } else { Shown::Is(because) },
            details: if refused { details.clone() } else { String::new() },
            headers: Shown::Is(
                answer
                    .headers
                    .iter()
                    .map(|(name, value)| (String::from_utf8_lossy(name).into_owned(), value.clone()))
                    .collect(),
            ),
            events: Shown::Hidden,
        })
    }

    /// The events of one request.
    fn of_request(&self, id: &str) -> Vec<&Value> {
        let events = self.events.iter().map(|written| &written.event);
        events.filter(|event| event::request(event).as_deref() == Some(id)).collect()
    }

    /// What is wrong with a case's events: one for each refusal, and beside them what the case says, in order.
    pub(super) fn beside(&self, asked: &[Asked<'_>]) -> Option<Finding> {
        let first = asked.first()?;
        let finding = |what| Some(Finding { case: first.case.name.clone(), step: asked.len(), what });
        for one in asked {
            let events = self.of_request(&one.id);
            if events.len() > 1 {
                return finding(format!("{} events of one request: {events:#?}", events.len()));
            }
        }
        let mark = format!(" {} ", first.root);
        let others = self.events.iter().filter(|written| written.by.contains(&mark));
        let others = others.map(|written| &written.event);
        let mut others: Vec<_> = others.filter(|event| event::is_the_cases(event)).collect();
        // The main thread's VM, which serves nobody, finds the same trouble as the worker's.
        others.dedup_by_key(|event| event::code(event));
        let expected: Vec<&Value> = asked.iter().flat_map(|one| one.expected_events()).collect();
        let alike = expected.len() == others.len();
        if alike && expected.iter().zip(&others).all(|(part, event)| event::holds(event, part)) {
            return None;
        }
        finding(format!("beside the decisions', expected the events {expected:#?}, got {others:#?}"))
    }

    /// What is wrong with a step that Envoy answers by itself.
    pub(super) fn of_envoys_own(&self, asked: &Asked<'_>, status: u16) -> Vec<String> {
        let mut wrong = Vec::new();
        match &asked.answer {
            Ok(answer) if answer.status == status => {}
            Ok(answer) => wrong.push(format!("expected Envoy's own {status}, got {}", answer.status)),
            Err(error) => wrong.push(format!("expected Envoy's own {status}, got no answer: {error}")),
        }
        let details = self.lines.get(&asked.id).map_or("", |line| line.details.as_str());
        if asked.arrived || !self.of_request(&asked.id).is_empty() || details.starts_with("meshward_") {
            wrong.push(format!("Envoy's own answer was expected, but the module decided: `{details}`"));
        }
        wrong
    }

    /// The counters against the sum of what is expected: each request that was refused was refused once, by one stage.
    pub(super) fn counters<'a>(&self, asked: impl Iterator<Item = &'a Asked<'a>>) -> Vec<Finding> {
        let (mut denied, mut shadowed) = (0, 0);
        for one in asked {
            if let Expect::Verdict(verdict) = &one.step.expect {
                denied += u64::from(!verdict.allowed);
                shadowed += u64::from(verdict.shadow.is_some());
            }
        }
        let sum = |what: &str| -> u64 {
            let named = self.counters.iter().filter(|(name, _)| is_of_a_stage(name, what));
            named.map(|(_, count)| *count).sum()
        };
        let pairs = [("denied_total", denied), ("shadow_denied_total", shadowed)];
        let differ = pairs.into_iter().filter_map(|(what, expected)| {
            let counted = sum(what);
            let what = format!("the stages' counters `{what}` make {counted}, expected {expected}");
            (counted != expected).then_some(Finding { case: "counters".to_owned(), step: 0, what })
        });
        differ.collect()
    }
}

fn is_of_a_stage(counter: &str, what: &str) -> bool {
    let rest = counter.strip_prefix("wasmcustom.meshward_").and_then(|rest| rest.split_once('_'));
    rest.is_some_and(|(_, counted)| counted == what)
}

impl Asked<'_> {
    /// What the case says is written down beside the decision.
    fn expected_events(&self) -> &[Value] {
        match &self.step.expect {
            Expect::Verdict(verdict) => &verdict.events,
            Expect::Envoy { .. } => &[],
        }
    }

    /// Envoy knows the request's ID only if it could read the request.
    fn is_logged(&self) -> bool {
        self.answer.is_ok() && matches!(self.step.expect, Expect::Verdict(_))
    }
}

fn access_log(envoy: &Envoy) -> BTreeMap<String, Line> {
    let text =
        |line: &Value, name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let lines = envoy.access_log(ACCESS_LOG);
    let lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let read = |line: &Value| Line { details: text(line, "details"), path: text(line, "path") };
    lines.map(|line| (text(&line, "id"), read(&line))).collect()
}

fn events(envoy: &Envoy) -> Vec<Written> {
    let lines = envoy.log();
    let written = |line: &String| {
        let event = event::in_line(line)?;
        let (by, _) = line.split_once('{')?;
        Some(Written { by: by.to_owned(), event })
    };
    lines.iter().filter_map(written).collect()
}
