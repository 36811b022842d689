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
    details: BTreeMap<String, String>,
    events: BTreeMap<String, Value>,
    counters: BTreeMap<String, u64>,
}

impl Evidence {
    /// Waits until every request that was answered stands in the access log, then reads everything.
    pub(super) fn collect(envoy: &Envoy, asked: &[Asked<'_>]) -> Result<Self, CorpusError> {
        let answered: Vec<&str> =
            asked.iter().filter(|one| one.is_logged()).map(|one| one.id.as_str()).collect();
        let complete = |details: &BTreeMap<_, _>| answered.iter().all(|id| details.contains_key(*id));
        let there = poll::until("every request in the access log", WITHIN, || {
            Some(access_log(envoy)).filter(complete)
        });
        // One that is missing is told with its case.
        let details = there.unwrap_or_else(|_| access_log(envoy));
        let counters = envoy.stats("wasmcustom.meshward_").map_err(|error| failed(&error))?;
        Ok(Self { details, events: events(envoy), counters })
    }

    /// What was seen of a step that the plugin decides; the error says what is missing.
    pub(super) fn seen(&self, asked: &Asked<'_>) -> Result<Seen, String> {
        let answer = asked.answer.as_ref().map_err(|error| format!("no answer: {error}"))?;
        let details = self.details.get(&asked.id).ok_or_else(|| {
            format!("answered {}, and nothing in the access log: Envoy's own answer?", answer.status)
        })?;
        let event = self.events.get(&asked.id);
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
        })
    }

    /// What is wrong with a step that Envoy answers by itself.
    pub(super) fn of_envoys_own(&self, asked: &Asked<'_>, status: u16) -> Vec<String> {
        let mut wrong = Vec::new();
        match &asked.answer {
            Ok(answer) if answer.status == status => {}
            Ok(answer) => wrong.push(format!("expected Envoy's own {status}, got {}", answer.status)),
            Err(error) => wrong.push(format!("expected Envoy's own {status}, got no answer: {error}")),
        }
        let details = self.details.get(&asked.id).map_or("", String::as_str);
        if asked.arrived || self.events.contains_key(&asked.id) || details.starts_with("meshward_") {
            wrong.push(format!("Envoy's own answer was expected, but the module decided: `{details}`"));
        }
        wrong
    }

    /// The counters against the sum of what is expected.
    pub(super) fn counters(&self, asked: &[Asked<'_>]) -> Vec<Finding> {
        let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
        for one in asked {
            if let Expect::Verdict(verdict) = &one.step.expect {
                let name = if verdict.allowed { "allowed" } else { "denied" };
                *expected.entry(name).or_default() += 1;
                *expected.entry("shadow_denied").or_default() += u64::from(verdict.shadow.is_some());
            }
        }
        let differ = expected.into_iter().filter_map(|(name, expected)| {
            let name = format!("wasmcustom.meshward_authz_{name}_total");
            let counted = self.counters.get(&name).copied().unwrap_or(0);
            let what = format!("`{name}` is {counted}, expected {expected}");
            (counted != expected).then_some(Finding { case: "counters".to_owned(), step: 0, what })
        });
        differ.collect()
    }
}

impl Asked<'_> {
    /// Envoy knows the request's ID only if it could read the request.
    fn is_logged(&self) -> bool {
        self.answer.is_ok() && matches!(self.step.expect, Expect::Verdict(_))
    }
}

fn access_log(envoy: &Envoy) -> BTreeMap<String, String> {
    let text =
        |line: &Value, name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let lines = envoy.access_log(ACCESS_LOG);
    let lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.map(|line| (text(&line, "id"), text(&line, "details"))).collect()
}

fn events(envoy: &Envoy) -> BTreeMap<String, Value> {
    let events = envoy.log();
    let events = events.iter().filter_map(|line| event::in_line(line));
    events.filter_map(|event| Some((event::request(&event)?, event))).collect()
}
