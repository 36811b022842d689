//! What was written down, and what is looked for in it.

use super::{LAST, tokens};
use crate::setup::{ACCESS_LOG, Scene, WITHIN, counted};
use meshward_corpus::stand;
use meshward_harness::envoy::Envoy;
use meshward_harness::poll;
use serde_json::Value;
use std::collections::BTreeSet;

/// Every reason of `authn` that a caller of a listener that demands certificates can bring about.
pub(super) const AUTHN: [&str; 16] = [
    "authn.peer_malformed",
    "authn.token_missing",
    "authn.token_repeated",
    "authn.token_too_large",
    "authn.token_malformed",
    "authn.token_algorithm",
    "authn.token_critical",
    "authn.token_type",
    "authn.token_issuer",
    "authn.token_audience",
    "authn.token_expired",
    "authn.token_not_yet_valid",
    "authn.token_claims",
    "authn.token_bound",
    "authn.token_key_unknown",
    "authn.token_signature",
];

/// Reasons of `authz`.
pub(super) const AUTHZ: [&str; 4] =
    ["authz.no_allow_match", "authz.path_refused", "authz.host_refused", "authn.peer_malformed"];

/// The records of one chain's decisions.
pub(super) struct Seen(Vec<Value>);

fn text<'a>(record: &'a Value, pointer: &str) -> &'a str {
    record.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn is_of(record: &Value, port: u16) -> bool {
    record.pointer("/dst_endpoint/port").and_then(Value::as_u64) == Some(port.into())
}

impl Seen {
    /// Waits until the last request behind `port` is written down, as often as the access log's notes say, and, where it is `sent`,
    /// has arrived at the collector.
    pub(super) fn settled(scene: &Scene, envoy: &Envoy, port: u16, sent: bool) -> Self {
        let mut counts = (0, 0, 0);
        let records = poll::until("every record", WITHIN, || {
            let records = stand::events(envoy).into_iter().filter(|record| is_of(record, port));
            let records: Vec<Value> = records.collect();
            let lines = envoy.access_log(ACCESS_LOG);
            let end = format!(" {port}");
            let noted =
                lines.iter().filter(|line| line.ends_with(&end) && !line.ends_with(&format!(" -{end}")));
            let arrived = scene.received().iter().filter(|one| is_of(&one.body, port)).count();
            counts = (records.len(), noted.count(), arrived);
            let is_there = records.iter().any(|record| text(record, "/metadata/correlation_uid") == LAST);
            let is_all = counts.0 == counts.1 && (!sent || counts.0 == counts.2);
            (is_there && is_all).then_some(records)
        });
        Self(records.unwrap_or_else(|error| panic!("{error}: records, notes, arrived: {counts:?}")))
    }

    /// Each of these reasons is among the records.
    pub(super) fn has(&self, codes: &[&str]) {
        let there: BTreeSet<&str> =
            self.0.iter().map(|record| text(record, "/metadata/event_code")).collect();
        for code in codes {
            assert!(there.contains(code), "{code} is not among {there:?}");
        }
    }

    /// What the configuration names is shown.
    pub(super) fn shows(&self, what: &str) {
        assert!(self.0.iter().any(|record| record.to_string().contains(what)), "{what}");
    }

    /// The records hold the secret only where they say who called.
    pub(super) fn shows_only_who(&self, id: &str, account: &str) {
        for record in &self.0 {
            let mut rest = record.clone();
            assert_eq!(text(record, "/src_endpoint/uid"), id, "{record:#}");
            for field in ["/src_endpoint/uid", "/src_endpoint/svc_name", "/user/uid", "/user/name"] {
                if let Some(value) = rest.pointer_mut(field) {
                    assert!(
                        [id, account, "unknown"].contains(&value.as_str().unwrap_or_default()),
                        "{record:#}"
                    );
                    value.take();
                }
            }
            let message = text(record, "/message").replacen(id, "", 1);
            if let Some(shown) = rest.pointer_mut("/message") {
                *shown = Value::String(message);
            }
            assert_eq!(found(&rest.to_string()), None, "{record:#}");
        }
    }
}

/// Waits until these findings of a caller are in the log, each as often as it is named here.
pub(super) fn findings(envoy: &Envoy, caller: &str, codes: &[&str]) {
    let mut wanted = codes.to_vec();
    wanted.sort_unstable();
    let mut there = Vec::new();
    let done = poll::until("findings", WITHIN, || {
        let events = stand::events(envoy).into_iter().filter(|event| {
            event["class_uid"] == 2004 && text(event, "/evidences/0/src_endpoint/uid") == caller
        });
        there = events.map(|event| text(&event, "/metadata/event_code").to_owned()).collect();
        there.sort_unstable();
        (there == wanted).then_some(())
    });
    done.unwrap_or_else(|error| panic!("{error}: {there:?}"));
}

/// Waits until these troubles are in the log.
pub(super) fn troubles(envoy: &Envoy, codes: &[&str]) {
    let is_told =
        |code: &&str| stand::events(envoy).iter().any(|event| text(event, "/metadata/event_code") == *code);
    let all = || codes.iter().all(is_told).then_some(());
    poll::until("troubles", WITHIN, all).unwrap_or_else(|error| panic!("{error}: {codes:?}"));
}

/// The first line of a text that holds what is looked for.
pub(super) fn found(text: &str) -> Option<&str> {
    let needles = tokens::needles();
    let (secret, encoded) = needles.split_first()?;
    text.lines().find(|line| {
        line.to_lowercase().contains(secret) || encoded.iter().any(|needle| line.contains(needle))
    })
}

/// No record, line, note or metric holds the secret.
pub(super) fn shows_no_secret(scene: &Scene, envoy: &Envoy) {
    let all_sent = || (counted(envoy, "events_sent") == counted(envoy, "events_recorded")).then_some(());
    poll::until("every record sent", WITHIN, all_sent).expect("a collector that takes them");
    let records = std::fs::read_to_string(scene.file()).unwrap_or_default();
    assert_eq!(records.lines().count() as u64, counted(envoy, "events_sent"));
    let log = envoy.log().join("\n");
    let notes = envoy.access_log(ACCESS_LOG).join("\n");
    assert!(log.contains("meshward.event ") && notes.contains("denied "), "{notes}");
    let stats = envoy.stats("").expect("stats");
    let stats = stats.keys().map(String::as_str).collect::<Vec<_>>().join("\n");
    for (what, text) in [("record", &records), ("log", &log), ("note", &notes), ("metric", &stats)] {
        assert_eq!(found(text), None, "the secret stands in a {what}");
    }
}
