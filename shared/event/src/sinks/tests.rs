//! Events that travel: batches, bounds, back-off, and the sum that always holds.

#![expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use std::collections::BTreeMap;

use meshward_model::{HeadersBuilder, Reason, Severity};
use serde_json::Value;

use super::*;

const fn counter(slot: usize) -> Counter {
    Counter { slot, name: "c" }
}

const COUNTERS: Counters =
    Counters { recorded: counter(0), sent: counter(1), dropped: counter(2), failed: counter(3) };

/// A worker, with what it has counted and sent so far.
struct Worker {
    sinks: Sinks,
    state: State,
    counted: BTreeMap<usize, u64>,
    lines: Vec<LogLine>,
}

impl Worker {
    fn new(otlp: &str) -> Self {
        let document = format!(
            r#"{{"apiVersion": "meshward.io/v1alpha1", "kind": "EventSink", "metadata": {{"name": "events"}},
                "spec": {{"otlpHttp": {otlp}}}}}"#
        );
        let sinks = compile(&[("d", &document)], Shown::default(), COUNTERS);
        let Ok(sinks) = sinks else { unreachable!("{sinks:?}") };
        let state = sinks.state(Seed(7));
        Self { sinks, state, counted: BTreeMap::new(), lines: Vec::new() }
    }

    fn record(&mut self, events: usize) {
        for _ in 0..events {
            let event = denial();
            self.lines.extend(self.sinks.record(&mut self.state, &event, &Node::default()));
        }
    }

    /// Does as the pipeline does; gives what was asked.
    fn carry_out(&mut self, effects: Effects) -> Vec<(Ticket, Value)> {
        for (counter, by) in effects.counts {
            *self.counted.entry(counter.slot).or_default() += u64::from(by);
        }
        for event in effects.events {
            self.lines.extend(self.sinks.record(&mut self.state, &event, &Node::default()));
        }
        let asked = effects.questions.into_iter().map(|(ticket, question)| {
            let Question::Http { body, .. } = question else { unreachable!() };
            (ticket, serde_json::from_slice(&body).unwrap_or_default())
        });
        asked.collect()
    }

    fn tick(&mut self, now: u64) -> Vec<(Ticket, Value)> {
        let effects = self.sinks.tick(&mut self.state, UnixMillis(now));
        self.carry_out(effects)
    }

    fn answer(&mut self, ticket: Ticket, status: u16, now: u64) -> Vec<(Ticket, Value)> {
        let headers = HeadersBuilder::default().build();
        let answer = Answer::Http { status, headers, body: Vec::new() };
        let effects = self.sinks.answer(&mut self.state, ticket, answer, UnixMillis(now));
        self.carry_out(effects)
    }

    fn counted(&self, counter: Counter) -> u64 {
        self.counted.get(&counter.slot).copied().unwrap_or_default()
    }
}

fn denial() -> Event<'static> {
    Event::Decision(meshward_model::DecisionEvent {
        time: UnixMillis(1),
        kind: meshward_model::EventKind::Denied,
        reason: Reason::NoAllowMatch,
        rule: None,
        near: None,
        native_details: None,
        status: 403,
        peer: std::borrow::Cow::Owned(meshward_model::Peer::Anonymous(meshward_model::Anonymous::NoIdentity)),
        method: std::borrow::Cow::Borrowed(b"GET"),
        authority: std::borrow::Cow::Borrowed(b"a"),
        path: std::borrow::Cow::Borrowed(b"/"),
        request_id: std::borrow::Cow::Borrowed(b""),
        destination_port: None,
    })
}

/// The OCSF records of a call.
fn records(body: &Value) -> Vec<Value> {
    let records =
        body["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().cloned().unwrap_or_default();
    let texts = records.iter().filter_map(|record| record["body"]["stringValue"].as_str());
    texts.filter_map(|text| serde_json::from_str(text).ok()).collect()
}

fn sequences(body: &Value) -> Vec<u64> {
    records(body).iter().filter_map(|record| record["metadata"]["sequence"].as_u64()).collect()
}

#[test]
fn events_wait_for_the_tick_and_go_in_batches_one_at_a_time() {
    let mut worker = Worker::new(r#"{"cluster": "c", "batch": {"maxEvents": 3}}"#);
    assert!(worker.tick(0).is_empty(), "nothing waits");
    worker.record(7);
    let asked = worker.tick(1_000);
    assert_eq!(sequences(&asked[0].1), [1, 2, 3]);
    assert!(worker.tick(2_000).is_empty(), "one is under way");
    let asked = worker.answer(asked[0].0, 200, 2_100);
    assert_eq!(sequences(&asked[0].1), [4, 5, 6], "a full batch goes at once");
    assert!(worker.answer(asked[0].0, 200, 2_200).is_empty(), "the rest waits for the tick");
    let asked = worker.tick(3_000);
    assert_eq!(sequences(&asked[0].1), [7]);
    worker.answer(asked[0].0, 200, 3_100);
    assert_eq!((worker.counted(COUNTERS.recorded), worker.counted(COUNTERS.sent)), (7, 7));
    assert_eq!(worker.lines, []);
}

#[test]
fn what_was_not_taken_comes_again_in_its_order_after_a_pause_that_doubles() {
    let mut worker = Worker::new(r#"{"cluster": "c"}"#);
    worker.record(2);
    let mut now = 1_000;
    let mut pauses = Vec::new();
    for _ in 0..7 {
        let asked = worker.tick(now);
        assert_eq!(sequences(&asked[0].1), [1, 2]);
        worker.answer(asked[0].0, 503, now);
        let failed = now;
        while worker.state.outbox.is_pausing(UnixMillis(now)) {
            now += 250;
        }
        pauses.push(now - failed);
    }
    assert!(pauses[0] >= 750 && pauses[0] <= 1_250, "{pauses:?}");
    assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1] + 250), "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause <= 30_250), "{pauses:?}");
}

#[test]
fn the_oldest_make_room_and_it_is_said_once_when_the_collector_is_back() {
    let mut worker =
        Worker::new(r#"{"cluster": "c", "batch": {"maxBytes": 65536}, "maxQueueBytes": 131072}"#);
    worker.record(1_000);
    let asked = worker.tick(1_000);
    assert!(sequences(&asked[0].1)[0] > 1, "the first were dropped");
    worker.answer(asked[0].0, 503, 1_100);
    let failing: Vec<&LogLine> = worker.lines.iter().collect();
    assert_eq!(failing.len(), 1, "{failing:?}");
    assert!(failing[0].severity == Severity::Warn && failing[0].text.contains("sentinel.sink_fails"));
    let asked = worker.tick(5_000);
    let mut asked = worker.answer(asked[0].0, 200, 5_100);
    let mut now = 20_000;
    let mut told = Vec::new();
    loop {
        if asked.is_empty() {
            asked = worker.tick(now);
        }
        let Some((ticket, body)) = asked.pop() else { break };
        told.extend(records(&body).into_iter().filter(|record| record["class_uid"] == 6008));
        now += 20_000;
        asked = worker.answer(ticket, 200, now);
    }
    let codes: Vec<&str> = told.iter().filter_map(|record| record["status_detail"].as_str()).collect();
    assert_eq!(codes, ["sentinel.sink_fails", "sentinel.events_dropped"]);
    assert_eq!(told[0]["status_id"], 1, "it is over");
    assert_eq!(told[1]["count"].as_u64(), Some(worker.counted(COUNTERS.dropped)));
    let sum = worker.counted(COUNTERS.sent) + worker.counted(COUNTERS.dropped);
    assert_eq!((worker.counted(COUNTERS.recorded), sum), (1_002, 1_002));
}

#[test]
fn what_is_final_is_dropped_and_counted() {
    let mut worker = Worker::new(r#"{"cluster": "c"}"#);
    worker.record(5);
    let asked = worker.tick(1_000);
    worker.answer(asked[0].0, 400, 1_100);
    assert_eq!((worker.counted(COUNTERS.dropped), worker.counted(COUNTERS.failed)), (5, 1));
    assert!(worker.tick(60_000).is_empty());
}

#[test]
fn a_call_that_nobody_answers_is_given_up_and_its_late_answer_is_nobodys() {
    let mut worker = Worker::new(r#"{"cluster": "c", "timeoutMillis": 1000}"#);
    worker.record(1);
    let first = worker.tick(1_000);
    assert!(worker.tick(6_999).is_empty());
    assert!(worker.tick(7_000).is_empty(), "a pause follows");
    let again = worker.tick(9_000);
    assert_eq!(sequences(&again[0].1), [1]);
    assert!(worker.answer(first[0].0, 200, 9_100).is_empty());
    assert_eq!(worker.counted(COUNTERS.sent), 0);
    worker.answer(again[0].0, 200, 9_200);
    assert_eq!(worker.counted(COUNTERS.sent), 1);
}

#[test]
fn a_clock_that_is_set_back_makes_no_pause_longer_and_keeps_no_call_for_longer() {
    let hour = 3_600_000;
    let mut worker = Worker::new(r#"{"cluster": "c", "timeoutMillis": 1000}"#);
    worker.record(2);
    let asked = worker.tick(hour);
    worker.answer(asked[0].0, 503, hour + 10);
    assert!(worker.tick(1_000).is_empty(), "it is an hour earlier, and a pause of a second goes on");
    let asked = worker.tick(2_010);
    assert_eq!(sequences(&asked[0].1), [1, 2], "and ends");
    let mut worker = Worker::new(r#"{"cluster": "c", "timeoutMillis": 1000}"#);
    worker.record(1);
    worker.tick(hour);
    for (now, waits) in [(1_000, true), (6_999, true), (7_000, false)] {
        assert!(worker.tick(now).is_empty());
        let number = worker.state.outbox.is_under_way(1);
        assert_eq!(number, waits, "a call that nobody answers, at {now}");
    }
}

/// The configuration of `left` ends while `heir` goes on; gives what `left` says then.
fn end(left: &mut Worker, heir: &mut Worker) -> Vec<LogLine> {
    heir.sinks.inherit(&mut heir.state, &left.sinks, &mut left.state);
    let report = left.sinks.give_up(&mut left.state, &Node::default(), UnixMillis(2_000));
    for (counter, by) in report.counters {
        *left.counted.entry(counter.slot).or_default() += u64::from(by);
    }
    report.lines
}

#[test]
fn what_waits_when_a_configuration_ends_goes_before_what_waits_in_the_next_one() {
    let mut left = Worker::new(r#"{"cluster": "c", "batch": {"maxEvents": 2}}"#);
    left.record(5);
    assert_eq!(sequences(&left.tick(1_000)[0].1), [1, 2], "a batch is under way, and its end is not known");
    let mut heir = Worker::new(r#"{"cluster": "c", "batch": {"everyMillis": 100, "maxEvents": 100}}"#);
    heir.record(3);
    assert_eq!(end(&mut left, &mut heir), []);
    assert_eq!((left.counted(COUNTERS.recorded), left.counted(COUNTERS.dropped)), (5, 0));
    assert_eq!((left.state.outbox.held(), left.state.outbox.held_bytes()), (0, 0));
    let asked = heir.tick(2_000);
    assert_eq!(sequences(&asked[0].1), [1, 2, 3, 4, 5, 1, 2, 3]);
    heir.answer(asked[0].0, 200, 2_100);
    assert_eq!((heir.counted(COUNTERS.recorded), heir.counted(COUNTERS.sent)), (3, 8));
    assert_eq!(heir.state.outbox.held_bytes(), 0);
}

#[test]
fn a_pause_goes_on_when_the_configuration_changes() {
    let collector = r#"{"cluster": "c", "batch": {"everyMillis": 100}}"#;
    let mut left = Worker::new(collector);
    left.record(1);
    let mut now = 1_000;
    for _ in 0..4 {
        let asked = left.tick(now);
        left.answer(asked[0].0, 503, now);
        now += 30_000;
    }
    // The fourth pause, of six seconds at the least, began thirty seconds ago by this.
    let failed = now - 30_000;
    let mut heard = Worker::new(collector);
    heard.record(1);
    let asked = heard.tick(failed);
    heard.answer(asked[0].0, 200, failed);
    let mut heir = Worker::new(collector);
    assert_eq!(end(&mut left, &mut heir), []);
    assert!(heir.tick(failed + 5_000).is_empty(), "nothing is asked of a collector that is left alone");
    let asked = heir.tick(failed + 8_001);
    heir.answer(asked[0].0, 503, failed + 8_001);
    assert!(heir.tick(failed + 8_001 + 11_000).is_empty(), "and the next pause is longer");
    // One that the collector has answered well sends on.
    assert_eq!(end(&mut heir, &mut heard), []);
    assert_eq!(heard.tick(failed + 8_101).len(), 1);
}

#[test]
fn what_nobody_else_sends_to_that_place_is_dropped_counted_and_said() {
    for other in
        [r#"{"cluster": "d"}"#, r#"{"cluster": "c", "path": "/x"}"#, r#"{"cluster": "c", "host": "x"}"#]
    {
        let mut left = Worker::new(r#"{"cluster": "c"}"#);
        left.record(5);
        left.tick(1_000);
        left.record(2);
        let mut heir = Worker::new(other);
        let said = end(&mut left, &mut heir);
        assert_eq!((left.counted(COUNTERS.recorded), left.counted(COUNTERS.dropped)), (7, 7));
        assert_eq!((left.state.outbox.held(), heir.state.outbox.held()), (0, 0), "{other}");
        assert_eq!(said.len(), 1);
        let line = &said[0].text;
        assert!(line.contains("sentinel.events_dropped") && line.contains("7 events"), "{line}");
    }
}

#[test]
fn a_configuration_without_anything_left_ends_in_silence() {
    let mut left = Worker::new(r#"{"cluster": "c"}"#);
    assert_eq!(end(&mut left, &mut Worker::new(r#"{"cluster": "d"}"#)), []);
    assert_eq!(left.counted, BTreeMap::new());
}

#[test]
fn what_does_not_fit_into_the_next_configurations_queue_is_dropped_the_oldest_first() {
    let mut left = Worker::new(r#"{"cluster": "c"}"#);
    left.record(400);
    let mut heir = Worker::new(r#"{"cluster": "c", "batch": {"maxBytes": 65536}, "maxQueueBytes": 131072}"#);
    heir.record(1);
    assert_eq!(end(&mut left, &mut heir), []);
    assert!(heir.state.outbox.held_bytes() <= 131_072);
    let held = heir.state.outbox.held();
    let first = sequences(&heir.tick(2_000)[0].1)[0];
    assert!(held < 401);
    assert_eq!((heir.counted(COUNTERS.dropped), first), (401 - held, 402 - held), "of 400 and 1");
}

#[cfg(not(target_arch = "wasm32"))]
proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

    /// Whatever a collector does: what was recorded was sent, dropped, or is still held, and what is held is bounded.
    #[test]
    fn nothing_is_lost_without_being_counted(steps in proptest::collection::vec((0_usize..120, 0_u8..6, 0_u64..40_000), 1..60)) {
        let mut worker = Worker::new(
            r#"{"cluster": "c", "batch": {"maxBytes": 65536, "maxEvents": 20}, "maxQueueBytes": 131072}"#,
        );
        let mut now = 1_000;
        let mut under_way: Option<Ticket> = None;
        let mut received = 0_u64;
        let mut sizes = BTreeMap::new();
        for (events, answer, passes) in steps {
            now += passes;
            worker.record(events);
            let mut asked = worker.tick(now);
            if let Some((ticket, body)) = asked.pop() {
                sizes.insert(ticket.number, records(&body).len() as u64);
                under_way = Some(ticket);
            }
            if let Some(ticket) = under_way.filter(|_| answer > 0) {
                let status = [200, 200, 503, 400, 200][usize::from(answer) - 1];
                if status == 200 && worker.state.outbox.is_under_way(ticket.number) {
                    received += sizes[&ticket.number];
                }
                under_way = worker.answer(ticket, status, now).pop().map(|(ticket, body)| {
                    sizes.insert(ticket.number, records(&body).len() as u64);
                    ticket
                });
            }
            proptest::prop_assert!(worker.state.outbox.held_bytes() <= 131_072);
        }
        let counts = worker.state.outbox.counts();
        let recorded = worker.counted(COUNTERS.recorded) + u64::from(counts.recorded);
        let dropped = worker.counted(COUNTERS.dropped) + u64::from(counts.dropped);
        proptest::prop_assert_eq!(worker.counted(COUNTERS.sent), received);
        proptest::prop_assert_eq!(recorded, received + dropped + worker.state.outbox.held());
    }
}
