//! A plugin of a few lines, and a bench to drive it on.

use meshward_model::{
    Anonymous, Answer, AskingCounters, Cas, Counter, Done, Edits, End, EndNeeds, Head, Headers, LogLine,
    Needs, Node, Peer, Plugin, Question, Reason, Refusal, Report, Request, RequestId, Resumed, Seed, Seen,
    StageId, Step, Ticket, UnixMillis, Verdict, Waiting,
};

use crate::asked::Way;
use crate::drive::{Drive, Pending, Settled};
use crate::hostcalls::Token;
use crate::moment::{Moment, Steady};
use crate::wire::Started;

/// When every test begins.
pub(super) const NOW: u64 = 1_800_000_000_000;
/// How long a call may take.
pub(super) const TIMEOUT: u32 = 2_000;

/// A ticket of this number.
pub(super) const fn ticket(number: u64) -> Ticket {
    Ticket::new(StageId::Probe, number)
}

type Say = fn(&mut State, Ticket, &Answer, &Request) -> Option<(RequestId, Step)>;

/// Says of each request that waits what `say` says.
pub(super) struct Toy {
    say: Say,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) answers: Vec<(Ticket, Answer)>,
    pub(super) rounds: u64,
    pub(super) ticks: u32,
    /// What is asked with each answer, for nobody.
    pub(super) aside: Option<Question>,
}

impl Plugin for Toy {
    type State = State;
    const ASKS: bool = true;
    const EDITS: bool = false;
    const RESPONDS: bool = false;
    const OBSERVES: bool = false;
    const WATCHES: bool = false;
    const HANDS_OVER: bool = false;
    const COUNTERS: &'static [Counter] = &[];
    const ASKING_COUNTERS: AskingCounters =
        AskingCounters { questions: "q", failed: "f", parked: "p", late: "l" };
    const MEMORY_GAUGE: &'static str = "toy";

    fn configure(_: &[u8], _: &Node) -> Result<Self, Refusal> {
        Ok(Self { say: |_, _, _, _| None })
    }

    fn state(&self, _: Seed) -> State {
        State::default()
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn decide(&self, _: &mut State, head: Head, _: UnixMillis) -> (Box<Request>, Step) {
        (request(head.id.0), allow())
    }

    fn answer(
        &self,
        state: &mut State,
        ticket: Ticket,
        answer: Answer,
        waiting: &mut [&mut Request],
        _: UnixMillis,
    ) -> Done {
        let say = |request: &&mut Request| (self.say)(state, ticket, &answer, request);
        let resumed =
            waiting.iter().filter_map(say).map(|(request, step)| Resumed { request, step }).collect();
        state.answers.push((ticket, answer));
        let questions = state.aside.iter().map(|question| (ticket, question.clone())).collect();
        Done { resumed, questions, ..Done::default() }
    }

    fn respond(&self, _: &mut State, _: &Seen, _: UnixMillis) -> Edits {
        Edits::NONE
    }

    fn witness(&self, _: Head) -> Option<Seen> {
        None
    }

    fn end_needs(&self, _: &Seen, _: Option<u16>) -> EndNeeds {
        EndNeeds::default()
    }

    fn observe(&self, _: &mut State, _: &Seen, _: &End, _: UnixMillis) -> Done {
        Done::default()
    }

    fn tick_period_millis(&self) -> u32 {
        0
    }

    fn tick(&self, state: &mut State, _: UnixMillis) -> Done {
        state.ticks += 1;
        Done { questions: vec![(ticket(1_000), question())], ..Done::default() }
    }

    fn inherit(&self, _: &mut State, _: &Self, _: &mut State) {}

    fn give_up(&self, _: &mut State, _: UnixMillis) -> Report {
        Report::default()
    }

    fn is_quiet(&self, _: &Verdict) -> bool {
        true
    }

    fn count(&self, _: Option<&Request>, _: &Verdict, _: impl FnMut(Counter)) {}

    fn wants(&self, _: &Verdict) -> Needs {
        Needs::default()
    }

    fn report(&self, _: &mut State, _: Option<&Request>, _: &Head, _: &Verdict, _: UnixMillis) -> Report {
        Report::default()
    }

    fn unnoted(
        &self,
        _: &mut State,
        _: Option<&Request>,
        _: &Head,
        _: &Verdict,
        _: UnixMillis,
    ) -> Vec<LogLine> {
        Vec::new()
    }
}

/// A root on the bench.
pub(super) struct Bench {
    plugin: Toy,
    pub(super) state: State,
    pub(super) pending: Pending,
    pub(super) most: usize,
    /// Whether the host takes questions.
    pub(super) starts: bool,
    /// How many it was given; the next token.
    pub(super) started: u32,
    /// Since the beginning, in milliseconds, on the steady clock.
    pub(super) steady: u64,
    /// By how much the wall's clock has been set back.
    pub(super) back: u64,
}

impl Bench {
    pub(super) fn new(say: Say) -> Self {
        let pending = Pending::default();
        let state = State::default();
        Self { plugin: Toy { say }, state, pending, most: 256, starts: true, started: 0, steady: 0, back: 0 }
    }

    pub(super) fn configure(&mut self, period: u32) {
        self.pending.configured(period, Steady(self.steady));
    }

    /// A request's first step.
    pub(super) fn begin(&mut self, id: u32, step: Step) -> Vec<(u32, Option<Reason>)> {
        self.drive(|drive| drive.begin(request(id), step))
    }

    /// The call with this token is answered.
    pub(super) fn answer(&mut self, token: u32, answer: Answer) -> Vec<(u32, Option<Reason>)> {
        match self.pending.asked.take(Way::Http, Token(token)) {
            Some(asked) => self.drive(|drive| drive.answered(asked.ticket, answer)),
            None => Vec::new(),
        }
    }

    /// The timer fires so many milliseconds after the beginning.
    pub(super) fn tick(&mut self, at: u64) -> Vec<(u32, Option<Reason>)> {
        self.steady = at;
        self.drive(|drive| drive.tick())
    }

    /// What is settled: the request, and why it was refused.
    fn drive(
        &mut self,
        act: impl FnOnce(Drive<'_, Toy, &mut dyn FnMut(&Question) -> Started>) -> Vec<Settled>,
    ) -> Vec<(u32, Option<Reason>)> {
        let Self { plugin, state, pending, most, starts, started, steady, back } = self;
        let moment = Moment { now: UnixMillis(NOW + *steady - *back), steady: Steady(*steady) };
        let mut start = |question: &Question| {
            let token = Token(*started);
            *started += 1;
            match (*starts, question.is_immediate()) {
                (false, _) => Started::Refused,
                (true, true) => Started::Answered(Answer::Loaded { value: None, cas: Cas::ABSENT }),
                (true, false) => Started::UnderWay(Way::Http, token),
            }
        };
        let start: &mut dyn FnMut(&Question) -> Started = &mut start;
        let settled = act(Drive::new((plugin, state), pending, *most, moment, start));
        let reason = |verdict: &Verdict| verdict.denial().map(|denial| denial.reason);
        settled.iter().map(|settled| (settled.request.id.0, reason(&settled.verdict))).collect()
    }
}

pub(super) fn request(id: u32) -> Box<Request> {
    Box::new(Request::new(RequestId(id), Headers::default(), Peer::Anonymous(Anonymous::Unread)))
}

pub(super) fn allow() -> Step {
    Step::Done(Verdict::allow(Reason::AllowRule, None))
}

/// Asks; `millis` after the beginning it is too late.
pub(super) fn ask(ticket: Ticket, millis: u64) -> Step {
    Step::Ask(question(), Waiting::on(ticket, UnixMillis(NOW), millis))
}

/// Waits; `millis` after the beginning it is too late.
pub(super) fn wait(ticket: Ticket, millis: u64) -> Step {
    Step::Wait(Waiting::on(ticket, UnixMillis(NOW), millis))
}

/// Asks what is answered at once; there is no time to wait.
pub(super) fn load(ticket: Ticket) -> Step {
    Step::Ask(slot(), Waiting::on(ticket, UnixMillis(0), 0))
}

/// A question that is answered at once.
pub(super) fn slot() -> Question {
    Question::Load { slot: "slot".to_owned() }
}

pub(super) fn failed() -> Answer {
    Answer::Failed
}

pub(super) fn question() -> Question {
    Question::Http {
        cluster: "answers".to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout_millis: TIMEOUT,
        max_body_bytes: 100,
    }
}
