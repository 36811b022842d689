//! The bytes that a collector sees, and what is made of its answers.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use meshward_model::{HeadersBuilder, StageId, Trouble, UnixMillis};
use serde_json::Value;

use super::*;

fn event() -> Event<'static> {
    let message = "lost".to_owned();
    let time = UnixMillis(1_776_881_335_332);
    Event::Trouble(Trouble {
        time,
        stage: StageId::Sentinel,
        what: "events_dropped",
        message,
        count: 1,
        over: false,
    })
}

fn answer(status: u16, retry_after: &[&str], body: &str) -> Answer {
    let mut headers = HeadersBuilder::default();
    headers.push(b":status", status.to_string().as_bytes());
    for value in retry_after {
        headers.push(b"retry-after", value.as_bytes());
    }
    Answer::Http { status, headers: headers.build(), body: body.as_bytes().to_vec() }
}

#[test]
fn a_batch_is_otlp_json_and_its_records_come_back_as_they_were() {
    let node = Node {
        id: "n".to_owned(),
        namespace: "shop".to_owned(),
        workload: "orders".to_owned(),
        ..Node::default()
    };
    let json = r#"{"a":"\"\\"}"#;
    let record = record(&event(), json);
    let body = body(&resource(&node), &[record.clone(), record], 0);
    let body: Value = serde_json::from_slice(&body).unwrap();
    let resource = &body["resourceLogs"][0];
    assert_eq!(resource["resource"]["attributes"][0]["value"]["stringValue"], "orders");
    let records = resource["scopeLogs"][0]["logRecords"].as_array().unwrap();
    assert_eq!(records.len(), 2);
    let record = &records[1];
    assert_eq!(record["body"]["stringValue"], json);
    assert_eq!(record["timeUnixNano"], "1776881335332000000");
    assert_eq!((&record["severityNumber"], &record["severityText"]), (&13.into(), &"WARN".into()));
    assert_eq!(record["eventName"], "meshward.sentinel.events_dropped");
}

#[test]
fn a_success_may_leave_some_records_out() {
    for (body, rejected) in [
        ("", 0),
        ("{}", 0),
        ("garbage", 0),
        (r#"{"partialSuccess":{}}"#, 0),
        (r#"{"partialSuccess":null}"#, 0),
        (r#"{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"no"}}"#, 3),
        (r#"{"partialSuccess":{"rejectedLogRecords":3}}"#, 3),
        (r#"{"partialSuccess":{"rejectedLogRecords":-1}}"#, 0),
    ] {
        assert_eq!(Taken::of(answer(200, &[], body)), Taken::All { rejected }, "{body}");
    }
}

#[test]
fn only_what_the_specification_names_is_tried_again() {
    let later = |taken| matches!(taken, Taken::Later { .. });
    for status in [429, 502, 503, 504] {
        assert!(later(Taken::of(answer(status, &[], ""))), "{status}");
    }
    for status in [301, 400, 401, 403, 404, 413, 500, 501] {
        assert!(matches!(Taken::of(answer(status, &[], "")), Taken::Never { .. }), "{status}");
    }
    assert!(later(Taken::of(Answer::Failed)) && later(Taken::of(Answer::TimedOut)));
    assert!(matches!(Taken::of(Answer::TooLarge), Taken::Never { .. }));
}

#[test]
fn the_collector_may_say_when_to_come_back() {
    for (values, expected) in [
        (&["7"][..], Some(7_000)),
        (&[], None),
        (&["1", "2"], None),
        (&["Wed, 21 Oct 2015 07:28:00 GMT"], None),
        (&["-1"], None),
    ] {
        let Taken::Later { after_millis, .. } = Taken::of(answer(503, values, "")) else { unreachable!() };
        assert_eq!(after_millis, expected, "{values:?}");
    }
}
