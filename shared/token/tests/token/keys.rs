//! A stage whose issuer's keys are fetched, and what the tests do with it.

use meshward_cases::mint::{Key, jwks};
use meshward_model::{Event, Question, Request, Step, Ticket, Trouble};
use serde_json::json;

use crate::bench::{AUDIENCE, Bench, ISSUER, found};

pub(crate) fn bench() -> Bench {
    Bench::of_issuer(&json!({
        "issuer": ISSUER, "audiences": [AUDIENCE], "algorithms": ["ES256", "EdDSA"],
        "jwks": {
            "cluster": "id", "host": "id.example", "path": "/keys", "timeoutMillis": 1000, "refreshMillis": 60000,
            "minIntervalMillis": 5000, "expireMillis": 300000,
        },
    }))
}

/// The fetch among a tick's questions, if there is one.
fn fetch(questions: Vec<(Ticket, Question)>) -> Option<Ticket> {
    let mut fetches = questions.into_iter().filter(|(_, question)| matches!(question, Question::Http { .. }));
    let first = fetches.next().map(|(ticket, _)| ticket);
    assert_eq!(fetches.next(), None, "one fetch at a time");
    first
}

pub(crate) fn tick(bench: &mut Bench) -> Option<Ticket> {
    let questions = bench.tick();
    fetch(questions)
}

/// Ticks and answers with these keys.
pub(crate) fn have(bench: &mut Bench, keys: &[&Key]) {
    let ticket = tick(bench).expect("a fetch is due");
    bench.answer(ticket, found(jwks(keys.iter().copied())), &mut []);
}

/// A request that waits, and for what.
pub(crate) fn waits(bench: &mut Bench, token: &str) -> (Request, Ticket, bool) {
    let mut request = bench.bearer(token);
    match bench.decide(&mut request) {
        Step::Ask(Question::Http { .. }, waiting) => (request, waiting.ticket, true),
        Step::Wait(waiting) => (request, waiting.ticket, false),
        step => panic!("{step:?}"),
    }
}

pub(crate) fn troubles(events: Vec<Event<'static>>) -> Vec<Trouble> {
    let trouble = |event| match event {
        Event::Trouble(trouble) => trouble,
        other => panic!("{other:?}"),
    };
    events.into_iter().map(trouble).collect()
}
