//! What is answered in the same callback. `x-ask-path` names the slot of shared data, or the function; `x-message` is what is written:
//! `load` (its value says what becomes of the request, `nothing` where there is none), `store` (reads, then writes if it is still as
//! it was read), `create` (writes if there is no such slot), `call`, `loop` (reads for ever). What was written lets the request go,
//! what was not refuses it.

use meshward_model::{Answer, Cas, Effects, Outcome, Question, Request, Step, Ticket, UnixMillis, Waiting};

use crate::{answer, question};

/// How everything ends that is written.
const END: u8 = b'.';

/// The first question of a request.
pub(crate) fn first(request: &Request, ticket: Ticket, now: UnixMillis) -> Step {
    let slot = || String::from_utf8_lossy(question::path(request)).into_owned();
    let question = match asked(request) {
        b"create" => store(request, Cas::ABSENT),
        b"call" if question::path(request) == b"clear_route_cache" => call("clear_route_cache"),
        b"call" => call("no_such_function"),
        _ => Question::Load { slot: slot() },
    };
    // Nobody is parked, so there is no deadline.
    Step::Ask(question, Waiting::on(ticket, now, 0))
}

/// What comes after an answer; `None`: nothing that this stage has asked.
pub(crate) fn next(request: &Request, ticket: Ticket, given: &Answer, now: UnixMillis) -> Option<Step> {
    match (asked(request), given) {
        (b"loop", Answer::Loaded { .. }) => Some(first(request, ticket, now)),
        (b"store", Answer::Loaded { cas, .. }) => {
            Some(Step::Ask(store(request, *cas), Waiting::on(ticket, now, 0)))
        }
        (_, Answer::Loaded { value: None, .. }) => answer::step(b"nothing", request),
        // Whoever reads shared data must know whether it is whole.
        (_, Answer::Loaded { value: Some(value), .. }) => {
            answer::step(value.strip_suffix(&[END]).unwrap_or(b"cut"), request)
        }
        (_, Answer::Stored(true)) => answer::step(b"allow", request),
        (_, Answer::Stored(false)) => answer::step(b"deny", request),
        (_, Answer::Called { result }) => {
            answer::step(if result.is_empty() { b"allow" } else { result }, request)
        }
        (
            _,
            Answer::Http { .. } | Answer::Grpc { .. } | Answer::Failed | Answer::TooLarge | Answer::TimedOut,
        ) => None,
    }
}

/// Writes how a request ended into the slot that it names, in words that let a request go which reads them:
/// `allow x-ended=STATUS,REASON`.
pub(crate) fn end(request: &Request, ticket: Ticket, outcome: &Outcome<'_>) -> Effects {
    let Ok(slot) = request.headers.single(b"x-observe") else { return Effects::default() };
    let status = outcome.status.map_or_else(|| "none".to_owned(), |status| status.to_string());
    let refused = outcome.refused.map_or("none", |reason| reason.code());
    let store = Question::Store {
        slot: String::from_utf8_lossy(slot).into_owned(),
        value: format!("allow x-ended={status},{refused}.").into_bytes(),
        expected: Cas::ABSENT,
    };
    Effects::ask(ticket, store)
}

fn store(request: &Request, expected: Cas) -> Question {
    Question::Store {
        slot: String::from_utf8_lossy(question::path(request)).into_owned(),
        value: [question::message(request), &[END]].concat(),
        expected,
    }
}

const fn call(function: &'static str) -> Question {
    Question::Call { function, argument: Vec::new() }
}

fn asked(request: &Request) -> &[u8] {
    request.headers.single(b"x-ask").unwrap_or_default()
}
