//! Two stages in one pipeline: who sees what, which verdict stands, and what is counted of each.
#![expect(clippy::panic, reason = "a test that cannot go on says why and fails")]

use crate::{Assemble, Documents, LogOnly, Names, Pipeline, Takes, names};
use meshward_model::{
    Answer, Counter, Decision, Denial, Edits, Effects, Head, Headers, Needs, Node, Plugin, Question, Reason,
    Refusal, Request, RequestId, Resumed, Seed, Seen, Stage, StageId, Step, Ticket, UnixMillis, Verdict,
    Waiting,
};

use super::{Chain, Owns};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const FIRST: Names = names!("first", 0);
const SECOND: Names = names!("second", 1);
const CONFIGURATION: &[u8] =
    br#"{"apiVersion": "meshward.io/v1alpha1", "kind": "PluginConfig", "peerVerifiedBy": "transport"}"#;

/// Says what the request's header of its name says.
#[derive(Debug, Clone, Copy)]
struct Told<const PENALTY: bool>;

type First = Told<true>;
type Second = Told<false>;

impl<const PENALTY: bool> Told<PENALTY> {
    const ID: StageId = if PENALTY { StageId::Penalty } else { StageId::Ratelimit };
    const TICKET: Ticket = Ticket::new(Self::ID, 7);

    const fn header() -> &'static [u8] {
        if PENALTY { b"first" } else { b"second" }
    }

    const fn reasons() -> (Reason, Reason) {
        if PENALTY {
            (Reason::PenaltyClear, Reason::PenaltyThrottled)
        } else {
            (Reason::LimitKept, Reason::LimitExceeded)
        }
    }

    fn say(word: &[u8], now: UnixMillis) -> Step {
        let (kept, exceeded) = Self::reasons();
        let mut allow = Verdict::allow(kept, None);
        match word {
            b"ask" => {
                let slot = "slot".to_owned();
                return Step::Ask(Question::Load { slot }, Waiting::on(Self::TICKET, now, 100));
            }
            b"deny" => return Step::Done(Verdict::deny(exceeded, None)),
            b"shadow" => allow.shadow = Some(Denial::new(exceeded, None)),
            b"edit" => {
                if let Decision::Allow(allowed) = &mut allow.decision {
                    allowed.edits = Edits::NONE.with(Self::header(), "was here");
                }
            }
            _ => {}
        }
        Step::Done(allow)
    }
}

impl<const PENALTY: bool> Owns for Told<PENALTY> {
    fn owns(id: StageId) -> bool {
        id == Self::ID
    }
}

impl<const PENALTY: bool> Stage for Told<PENALTY> {
    /// How many requests it has seen.
    type State = u32;

    const ASKS: bool = true;
    const EDITS: bool = true;
    const RESPONDS: bool = true;

    fn state(&self, _: Seed) -> u32 {
        0
    }

    fn needs(&self) -> Needs {
        Needs { headers: true, ..Needs::default() }
    }

    fn decide(&self, seen: &mut u32, request: &mut Request, now: UnixMillis) -> Step {
        *seen = seen.saturating_add(1);
        Self::say(request.headers.single(Self::header()).unwrap_or_default(), now)
    }

    fn answer(
        &self,
        _: &mut u32,
        ticket: Ticket,
        _: Answer,
        waiting: &mut [&mut Request],
        now: UnixMillis,
    ) -> Effects {
        assert_eq!(ticket, Self::TICKET, "an answer comes to the stage that asked");
        let resumed =
            waiting.iter().map(|request| Resumed { request: request.id, step: Self::say(b"", now) });
        Effects { resumed: resumed.collect(), ..Effects::default() }
    }

    fn respond(&self, _: &mut u32, _: &Request, _: UnixMillis) -> Edits {
        Edits::NONE.with(Self::header(), "responds")
    }

    fn tick_period_millis(&self) -> u32 {
        if PENALTY { 0 } else { 500 }
    }

    fn counts(&self, seen: &mut u32) -> Vec<(Counter, u32)> {
        vec![(if PENALTY { FIRST.denied } else { SECOND.denied }, *seen)]
    }
}

impl Assemble for Chain<First, Second> {
    type Recorder = LogOnly;

    const KINDS: &'static [&'static str] = &[];
    const NAMES: Names = names!("both", 2);
    const COUNTERS: &'static [Counter] = &[FIRST.allowed, SECOND.allowed];
    const TAKES: Takes = Takes { claims: false, events: false, role: false };

    fn names(&self, reason: Reason) -> &'static Names {
        match reason.stage() {
            Some(StageId::Penalty) => &FIRST,
            Some(StageId::Ratelimit) => &SECOND,
            _ => const { &Self::NAMES },
        }
    }

    fn assemble(_: &Documents<'_>) -> Result<(Self, LogOnly), Refusal> {
        Ok((Self { first: Some(Told), second: Some(Told) }, LogOnly::default()))
    }
}

type Both = Pipeline<Chain<First, Second>>;

fn plugin() -> Both {
    Both::configure(CONFIGURATION, &Node::default()).unwrap_or_else(|refusal| panic!("{refusal}"))
}

fn head(first: &[u8], second: &[u8]) -> Head {
    let mut headers = Headers::builder();
    headers.push(b"first", first).push(b"second", second);
    Head { id: RequestId(1), headers: headers.build(), ..Head::default() }
}

/// The request, its verdict, and the names of the counters that it moves.
fn decide(first: &[u8], second: &[u8]) -> (Request, Verdict, Vec<&'static str>) {
    let plugin = plugin();
    let mut state = plugin.state(Seed(1));
    let (request, step) = plugin.decide(&mut state, head(first, second), NOW);
    let Step::Done(verdict) = step else { panic!("{step:?}") };
    let report = plugin.report(&mut state, Some(&request), &Head::default(), &verdict, NOW);
    (*request, verdict, report.counters.into_iter().map(|(counter, _)| counter.name).collect())
}

#[test]
fn what_the_first_refuses_the_second_does_not_see() {
    let (_, verdict, counters) = decide(b"deny", b"deny");
    assert_eq!(verdict.reason(), Reason::PenaltyThrottled);
    assert_eq!(counters, ["meshward_first_denied_total"]);
    let (_, verdict, counters) = decide(b"", b"deny");
    assert_eq!(verdict.reason(), Reason::LimitExceeded);
    assert_eq!(counters, ["meshward_first_allowed_total", "meshward_second_denied_total"]);
}

#[test]
fn a_request_that_both_let_through_counts_for_both_and_has_the_more_telling_reason() {
    let (_, verdict, counters) = decide(b"", b"");
    assert_eq!(verdict.reason(), Reason::LimitKept);
    assert_eq!(counters, ["meshward_first_allowed_total", "meshward_second_allowed_total"]);
}

#[test]
fn the_edits_of_both_are_made() {
    let (_, verdict, _) = decide(b"edit", b"edit");
    let Decision::Allow(allowed) = verdict.decision else { panic!("refused") };
    let mut names: Vec<_> = allowed.edits.add.iter().map(|(name, _)| name.as_bytes()).collect();
    names.sort_unstable();
    assert_eq!(names, [b"first".as_slice(), b"second".as_slice()]);
}

#[test]
fn the_last_shadow_refusal_stands_and_each_is_counted() {
    let (_, verdict, counters) = decide(b"shadow", b"shadow");
    assert_eq!(verdict.shadow.map(|denial| denial.reason), Some(Reason::LimitExceeded));
    let shadows = ["meshward_first_shadow_denied_total", "meshward_second_shadow_denied_total"];
    assert!(shadows.iter().all(|name| counters.contains(name)), "{counters:?}");
    let (_, verdict, counters) = decide(b"shadow", b"deny");
    assert_eq!(verdict.reason(), Reason::LimitExceeded);
    assert_eq!(verdict.shadow.map(|denial| denial.reason), Some(Reason::PenaltyThrottled));
    let expected = [
        "meshward_first_allowed_total",
        "meshward_first_shadow_denied_total",
        "meshward_second_denied_total",
    ];
    assert_eq!(counters, expected);
}

#[test]
fn an_answer_comes_to_the_stage_that_asked_and_the_rest_of_the_chain_goes_on_from_there() {
    let plugin = plugin();
    for (first, second, reason) in [
        (&b"ask"[..], &b"deny"[..], Reason::LimitExceeded),
        (b"ask", b"", Reason::LimitKept),
        (b"", b"ask", Reason::LimitKept),
    ] {
        let mut state = plugin.state(Seed(1));
        let (mut request, step) = plugin.decide(&mut state, head(first, second), NOW);
        let Step::Ask(Question::Load { .. }, waiting) = step else { panic!("{step:?}") };
        let answer = Answer::Loaded { value: None, cas: meshward_model::Cas::ABSENT };
        let mut done = plugin.answer(&mut state, waiting.ticket, answer, &mut [&mut request], NOW);
        let Some(Resumed { step: Step::Done(verdict), .. }) = done.resumed.pop() else { panic!("{done:?}") };
        assert_eq!(verdict.reason(), reason);
        assert_eq!(request.verdicts.len(), 2, "each has said something once");
    }
}

#[test]
fn a_refusal_that_no_stage_gave_is_counted_as_the_plugins() {
    let plugin = plugin();
    let mut state = plugin.state(Seed(1));
    let (request, _) = plugin.decide(&mut state, head(b"", b"ask"), NOW);
    let verdict = Verdict::deny(Reason::DeadlinePassed, None);
    let report = plugin.report(&mut state, Some(&request), &Head::default(), &verdict, NOW);
    let names: Vec<_> = report.counters.iter().map(|(counter, _)| counter.name).collect();
    assert_eq!(names, ["meshward_first_allowed_total", "meshward_both_denied_total"]);
}

#[test]
fn responses_meet_the_stages_in_the_other_order_as_filters_do() {
    let plugin = plugin();
    let mut state = plugin.state(Seed(1));
    let (request, step) = plugin.decide(&mut state, head(b"", b""), NOW);
    let Step::Done(verdict) = step else { panic!("{step:?}") };
    let edits = plugin.respond(&mut state, &Seen { request, verdict }, NOW);
    let names: Vec<_> = edits.add.iter().map(|(name, _)| name.as_bytes()).collect();
    assert_eq!(names, [b"second".as_slice(), b"first".as_slice()]);
}

#[test]
fn a_chain_without_a_stage_lets_nothing_through() {
    let chain: Chain<First, Second> = Chain { first: None, second: None };
    let mut request = Request::new(
        RequestId(1),
        Headers::default(),
        meshward_model::Peer::Anonymous(meshward_model::Anonymous::Unread),
    );
    let step = chain.decide(&mut chain.state(Seed(1)), &mut request, NOW);
    assert_eq!(step, Step::Done(Verdict::deny(Reason::Internal, None)));
}

#[test]
fn a_chain_has_the_doors_of_its_stages_and_the_shortest_period() {
    const { assert!(Both::ASKS && Both::EDITS && Both::RESPONDS && !Both::OBSERVES && !Both::HANDS_OVER) };
    assert_eq!(plugin().tick_period_millis(), 500);
}

#[test]
fn what_each_stage_has_counted_is_given_at_the_end() {
    let chain = Chain { first: Some(Told::<true>), second: Some(Told::<false>) };
    let mut seen = super::Both { first: Some(2), second: Some(1) };
    assert_eq!(chain.counts(&mut seen), [(FIRST.denied, 2), (SECOND.denied, 1)]);
}
