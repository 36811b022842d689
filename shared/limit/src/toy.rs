//! A proxy for the tests: shared data that several workers write, and what it takes to ask of it.

#![expect(clippy::expect_used, reason = "a test says what it expected and stops")]

use std::collections::BTreeMap;

use meshward_model::{
    Answer, Cas, Counter, Effects, Event, Finding, Headers, Outcome, Peer, Question, Request, RequestId,
    SpiffeId, Stage, Step, UnixMillis, Verdict,
};

pub(crate) const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

/// So many milliseconds after [`NOW`].
pub(crate) fn at(millis: u64) -> UnixMillis {
    UnixMillis(NOW.0.saturating_add(millis))
}

/// Shared data of one proxy, and what the stages have said.
#[derive(Default)]
pub(crate) struct Proxy {
    pub(crate) slots: BTreeMap<String, (Vec<u8>, u32)>,
    /// How many questions were answered.
    pub(crate) questions: u64,
    /// How many of the next writes fail, as if somebody else had written first.
    pub(crate) contended: u32,
    /// Whether every question fails.
    pub(crate) broken: bool,
    pub(crate) counts: BTreeMap<&'static str, u64>,
    pub(crate) findings: Vec<Finding>,
}

impl Proxy {
    fn answer(&mut self, question: &Question) -> Answer {
        self.questions = self.questions.saturating_add(1);
        if self.broken {
            return Answer::Failed;
        }
        match question {
            Question::Load { slot } => match self.slots.get(slot) {
                Some((value, cas)) => Answer::Loaded { value: Some(value.clone()), cas: Cas(*cas) },
                None => Answer::Loaded { value: None, cas: Cas::ABSENT },
            },
            Question::Store { slot, value, expected } => {
                let there = self.slots.get(slot).map_or(Cas::ABSENT, |(_, cas)| Cas(*cas));
                if self.contended > 0 {
                    self.contended = self.contended.saturating_sub(1);
                    return Answer::Stored(false);
                }
                if there == *expected {
                    let cas = if there == Cas::ABSENT { 1 } else { there.0.saturating_add(1) };
                    self.slots.insert(slot.clone(), (value.clone(), cas));
                }
                Answer::Stored(there == *expected)
            }
            Question::Http { .. } | Question::Grpc { .. } | Question::Call { .. } => Answer::Failed,
        }
    }

    fn keep(&mut self, effects: &mut Effects) {
        for (Counter { name, .. }, count) in effects.counts.drain(..) {
            let sum = self.counts.entry(name).or_default();
            *sum = sum.saturating_add(count.into());
        }
        for event in effects.events.drain(..) {
            if let Event::Finding(finding) = event {
                self.findings.push(finding);
            }
        }
    }

    /// Decides a request, however often the stage asks.
    pub(crate) fn decide<S: Stage>(
        &mut self,
        stage: &S,
        state: &mut S::State,
        request: &mut Request,
        now: UnixMillis,
    ) -> Verdict {
        let mut step = stage.decide(state, request, now);
        loop {
            let (question, waiting) = match step {
                Step::Done(verdict) => return verdict,
                Step::Ask(question, waiting) => (question, waiting),
                Step::Wait(_) => unreachable!("these stages never wait"),
            };
            assert!(question.is_immediate());
            let answer = self.answer(&question);
            let mut effects = stage.answer(state, waiting.ticket, answer, &mut [request], now);
            let resumed = effects.resumed.pop();
            self.carry_out(stage, state, effects, now);
            step = resumed.map(|resumed| resumed.step).expect("an answer resumes the request");
        }
    }

    /// Carries out what comes of a request's end or of a tick.
    pub(crate) fn carry_out<S: Stage>(
        &mut self,
        stage: &S,
        state: &mut S::State,
        mut effects: Effects,
        now: UnixMillis,
    ) {
        self.keep(&mut effects);
        let mut questions: Vec<_> = effects.questions;
        while let Some((ticket, question)) = questions.pop() {
            let answer = self.answer(&question);
            let mut effects = stage.answer(state, ticket, answer, &mut [], now);
            self.keep(&mut effects);
            questions.extend(effects.questions);
        }
    }

    /// A request is over.
    pub(crate) fn observe<S: Stage>(
        &mut self,
        stage: &S,
        state: &mut S::State,
        request: &Request,
        outcome: &Outcome<'_>,
        now: UnixMillis,
    ) {
        let effects = stage.observe(state, request, outcome, now);
        self.carry_out(stage, state, effects, now);
    }

    /// The timer of a worker fires.
    pub(crate) fn tick<S: Stage>(&mut self, stage: &S, state: &mut S::State, now: UnixMillis) {
        let effects = stage.tick(state, now);
        self.carry_out(stage, state, effects, now);
    }

    /// Writes something of nobody's over every slot.
    pub(crate) fn spoil(&mut self, rubbish: &[u8]) {
        for (value, cas) in self.slots.values_mut() {
            *value = rubbish.to_vec();
            *cas = cas.saturating_add(1);
        }
    }

    pub(crate) fn count(&self, counter: Counter) -> u64 {
        self.counts.get(counter.name).copied().unwrap_or_default()
    }
}

/// A request of `spiffe://mesh.example/ns/<namespace>/sa/<account>` for `path`.
pub(crate) fn request(caller: &str, path: &str) -> Request {
    let (namespace, account) = caller.split_once('/').expect("namespace/account");
    let id = format!("spiffe://mesh.example/ns/{namespace}/sa/{account}");
    let peer = Peer::Spiffe(SpiffeId::parse(id.as_bytes()).expect("a SPIFFE ID"));
    let mut headers = Headers::builder();
    headers.push(b":method", b"GET").push(b":path", path.as_bytes()).push(b":authority", b"orders");
    Request::new(RequestId(7), headers.build(), peer)
}

/// The value of a header in a denial.
pub(crate) fn header(verdict: &Verdict, name: &str) -> Option<String> {
    let (_, value) = verdict.denial()?.headers.iter().find(|(known, _)| known == name.as_bytes())?;
    String::from_utf8(value.clone()).ok()
}
