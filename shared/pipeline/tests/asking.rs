//! A pipeline around a stage that asks, without a proxy: what is known of a request survives its wait.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::panic, reason = "a test that cannot go on says why and fails")]

use meshward_model::{
    Answer, Connection, Counter, Effects, Head, Headers, Needs, Node, Plugin, Question, Reason, Refusal,
    Request, RequestId, Resumed, Seed, Stage, StageId, Step, Ticket, UnixMillis, Verdict, Waiting,
};
use meshward_pipeline::{Assemble, Documents, LogOnly, Names, Owns, Pipeline, Takes, names};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const TICKET: Ticket = Ticket::new(StageId::Probe, 3);
const CONFIGURATION: &[u8] =
    br#"{"apiVersion": "meshward.io/v1alpha1", "kind": "PluginConfig", "peerVerifiedBy": "transport"}"#;

/// What the stage counts and says at its end.
const ASKED: Counter = Counter { slot: 47, name: "meshward_probe_asked_total" };

/// Watches the peer (a shadow document would), and asks the same of every request.
struct Asks;

impl Owns for Asks {
    fn owns(id: StageId) -> bool {
        id == StageId::Probe
    }
}

impl Assemble for Asks {
    type Recorder = LogOnly;

    const COUNTERS: &'static [Counter] = &[];
    const TAKES: Takes = Takes { claims: false, events: false, role: false };
    const KINDS: &'static [&'static str] = &[];
    const NAMES: Names = names!("probe", 5);

    fn assemble(_: &Documents<'_>) -> Result<(Self, LogOnly), Refusal> {
        Ok((Self, LogOnly::default()))
    }
}

impl Stage for Asks {
    type State = u32;
    const ASKS: bool = true;

    fn state(&self, _: Seed) -> u32 {
        0
    }

    fn needs(&self) -> Needs {
        Needs { uri_san: true, ..Needs::default() }
    }

    fn enforced_needs(&self) -> Needs {
        Needs::default()
    }

    fn decide(&self, asked: &mut u32, _: &mut Request, now: UnixMillis) -> Step {
        *asked = asked.saturating_add(1);
        let waiting = Waiting::on(TICKET, now, 100);
        if *asked == 1 { Step::Ask(question(), waiting) } else { Step::Wait(waiting) }
    }

    fn counts(&self, asked: &mut u32) -> Vec<(Counter, u32)> {
        vec![(ASKED, core::mem::take(asked))]
    }

    fn answer(
        &self,
        _: &mut u32,
        _: Ticket,
        answer: Answer,
        waiting: &mut [&mut Request],
        _: UnixMillis,
    ) -> Effects {
        let verdict = match answer {
            Answer::Http { .. } | Answer::Grpc { .. } => Verdict::allow(Reason::NoDenyMatch, None),
            Answer::Loaded { .. }
            | Answer::Stored(_)
            | Answer::Called { .. }
            | Answer::Failed
            | Answer::TooLarge
            | Answer::TimedOut => Verdict::deny(Reason::DeadlinePassed, None),
        };
        let resumed = waiting
            .iter()
            .map(|request| Resumed { request: request.id, step: Step::Done(verdict.clone()) })
            .collect();
        Effects { resumed, ..Effects::default() }
    }

    fn tick_period_millis(&self) -> u32 {
        250
    }

    fn tick(&self, _: &mut u32, _: UnixMillis) -> Effects {
        Effects::ask(TICKET, question())
    }
}

fn question() -> Question {
    Question::Grpc {
        cluster: "quota".to_owned(),
        service: "a.B".to_owned(),
        method: "C".to_owned(),
        message: vec![1],
        timeout_millis: 50,
        max_message_bytes: 10,
    }
}

fn plugin() -> Pipeline<Asks> {
    Pipeline::configure(CONFIGURATION, &Node::default()).unwrap_or_else(|refusal| panic!("{refusal}"))
}

fn head(id: u32, uri_san: &[u8]) -> Head {
    let connection = Connection { uri_san: Some(uri_san.to_vec()), ..Connection::default() };
    Head { id: RequestId(id), headers: Headers::default(), connection, handover: None }
}

#[test]
fn a_malformed_peer_that_ends_nothing_is_counted_also_when_the_verdict_comes_after_an_answer() {
    let plugin = plugin();
    let mut asked = plugin.state(Seed(0));
    let (mut good, step) = plugin.decide(&mut asked, head(1, b"spiffe://mesh.example/ns/a/sa/b"), NOW);
    assert!(matches!(step, Step::Ask(..)));
    let (mut malformed, step) = plugin.decide(&mut asked, head(2, b"https://mesh.example/"), NOW);
    assert_eq!(step, Step::Wait(Waiting { ticket: TICKET, deadline: UnixMillis(NOW.0 + 100) }));
    assert_eq!((good.peer_malformed, malformed.peer_malformed), (false, true));

    let answer = Answer::Grpc { message: Vec::new() };
    let resumed = plugin.answer(&mut asked, TICKET, answer, &mut [&mut good, &mut malformed], NOW).resumed;
    let shadows: Vec<_> = resumed
        .iter()
        .map(|resumed| match &resumed.step {
            Step::Done(verdict) => {
                assert!(verdict.denial().is_none());
                (resumed.request.0, verdict.shadow.as_ref().map(|denial| denial.reason))
            }
            step @ (Step::Ask(..) | Step::Wait(_)) => panic!("{step:?}"),
        })
        .collect();
    assert_eq!(shadows, [(1, None), (2, Some(Reason::PeerMalformed))]);
}

#[test]
fn the_pipeline_hands_on_what_its_stage_says_of_asking() {
    const { assert!(<Pipeline<Asks> as Plugin>::ASKS && !<Pipeline<Asks> as Plugin>::EDITS) };
    let plugin = plugin();
    assert_eq!(plugin.tick_period_millis(), 250);
    assert_eq!(plugin.tick(&mut plugin.state(Seed(0)), NOW).questions, [(TICKET, question())]);
}

#[test]
fn what_a_stage_has_counted_is_written_down_when_its_configuration_ends() {
    let plugin = plugin();
    let mut state = plugin.state(Seed(0));
    for id in 1..=2 {
        plugin.decide(&mut state, head(id, b"spiffe://mesh.example/ns/a/sa/b"), NOW);
    }
    assert_eq!(plugin.give_up(&mut state, NOW).counters, [(ASKED, 2)]);
}
