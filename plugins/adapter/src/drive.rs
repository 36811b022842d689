//! DRIVE: from steps to verdicts. A request that asks is parked; an answer resumes those that wait for it.

use std::collections::VecDeque;

use meshward_model::{
    Answer, Done, Plugin, Question, Reason, Report, Request, RequestId, Resumed, Step, Ticket, Verdict,
    Waiting,
};

use crate::alarm::Alarm;
use crate::asked::{Asked, AskedTable};
use crate::moment::{Moment, Steady};
use crate::parked::{Parked, ParkedTable};
use crate::wire::Started;

/// How often one request may be parked; then it is refused.
pub(crate) const MAX_WAITS: u32 = 8;

/// How many questions that are answered at once one request may ask in a row; then it is refused.
pub(crate) const MAX_IMMEDIATE: u32 = 256;

/// How many questions that no request waits for are asked in one callback. What is beyond has failed; and what a stage asks when
/// it is told so, once as many have failed, is not told any more: whatever a stage does, a callback ends.
pub(crate) const MAX_ASIDE: u32 = 16_384;

/// What one root waits for.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    pub(crate) parked: ParkedTable,
    pub(crate) asked: AskedTable,
    pub(crate) alarm: Alarm,
    /// What has happened since it was last counted.
    pub(crate) counts: Counts,
    /// What has come of answers and ticks and is not written down yet.
    pub(crate) report: Report,
    /// Requests that were settled in another request's callback. They are carried out from the root: a local reply stops whatever
    /// callback it is sent in, be it another request's (cpp-host `src/exports.cc`, `send_local_response` sets
    /// `stopNextIteration` for the whole VM).
    held: Vec<Settled>,
}

/// What is counted of asking, by how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    pub(crate) questions: u32,
    pub(crate) failed: u32,
    pub(crate) parked: u32,
    pub(crate) late: u32,
}

impl Pending {
    /// A new configuration: what the old one asked is nobody's any more, and its tickets mean nothing to the new one, so that what
    /// waits for them is refused.
    pub(crate) fn configured(&mut self, period: u32, now: Steady) {
        self.asked = AskedTable::default();
        while let Some(Parked { request, .. }) = self.parked.take_any() {
            self.held.push(Settled { request, verdict: Verdict::deny(Reason::NotConfigured, None) });
        }
        self.alarm.configured(period, now);
    }

    /// How many requests are kept waiting.
    pub(crate) fn len(&self) -> usize {
        self.parked.len().saturating_add(self.held.len())
    }

    /// Keeps what was settled until the root's next callback.
    pub(crate) fn hold(&mut self, settled: Vec<Settled>) {
        self.held.extend(settled);
    }

    /// What was kept, before what is `settled` now.
    pub(crate) fn with_held(&mut self, settled: Vec<Settled>) -> Vec<Settled> {
        let mut all = core::mem::take(&mut self.held);
        all.extend(settled);
        all
    }

    /// Forgets a request that has ended.
    pub(crate) fn forget(&mut self, id: RequestId) {
        if self.len() > 0 {
            self.drop_waiting(id);
        }
    }

    #[cold]
    fn drop_waiting(&mut self, id: RequestId) {
        self.parked.remove(id);
        self.held.retain(|held| held.request.id != id);
    }

    /// When something has to be looked at next, the stage's own tick aside.
    pub(crate) fn earliest(&self) -> Option<Steady> {
        let held = (!self.held.is_empty()).then(Steady::default);
        self.parked.earliest().into_iter().chain(self.asked.earliest()).chain(held).min()
    }
}

/// A request that has its verdict.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) request: Box<Request>,
    pub(crate) verdict: Verdict,
}

/// One callback's worth of driving: every step is taken until each request is settled or parked.
///
/// `start` hands a question to the host.
pub(crate) struct Drive<'a, P: Plugin, F> {
    pub(crate) plugin: &'a P,
    pub(crate) state: &'a mut P::State,
    pub(crate) pending: &'a mut Pending,
    /// How many requests this root may have parked.
    pub(crate) most: usize,
    pub(crate) moment: Moment,
    pub(crate) start: F,
    answers: VecDeque<(Ticket, Answer)>,
    settled: Vec<Settled>,
    /// Questions that no request waits for, in this callback.
    aside: u32,
}

impl<'a, P, F> Drive<'a, P, F>
where
    P: Plugin,
    F: FnMut(&Question) -> Started,
{
    pub(crate) fn new(
        (plugin, state): (&'a P, &'a mut P::State),
        pending: &'a mut Pending,
        most: usize,
        moment: Moment,
        start: F,
    ) -> Self {
        Self {
            plugin,
            state,
            pending,
            most,
            moment,
            start,
            answers: VecDeque::new(),
            settled: Vec::new(),
            aside: 0,
        }
    }

    /// A request's first step.
    pub(crate) fn begin(mut self, request: Box<Request>, step: Step) -> Vec<Settled> {
        self.take(request, step, 0);
        self.finish()
    }

    /// An answer came.
    pub(crate) fn answered(mut self, ticket: Ticket, answer: Answer) -> Vec<Settled> {
        self.answers.push_back((ticket, answer));
        self.finish()
    }

    /// A request is over, and this came of it.
    pub(crate) fn ended(mut self, done: Done) -> Vec<Settled> {
        self.take_effects(done);
        self.finish()
    }

    /// The timer fired.
    pub(crate) fn tick(mut self) -> Vec<Settled> {
        while let Some(late) = self.pending.parked.take_late(self.moment.steady) {
            count(&mut self.pending.counts.late);
            self.late(late);
        }
        while let Some(lost) = self.pending.asked.take_expired(self.moment.steady) {
            self.answers.push_back((lost.ticket, Answer::Failed));
        }
        if self.pending.alarm.fired(self.moment.steady) {
            let done = self.plugin.tick(self.state, self.moment.now);
            self.take_effects(done);
        }
        self.finish()
    }

    /// Gives every answer to the stage, those included that come of it. Each round parks a request once more or asks aside, and both
    /// are bounded.
    fn finish(mut self) -> Vec<Settled> {
        while let Some((ticket, answer)) = self.answers.pop_front() {
            if matches!(answer, Answer::Failed | Answer::TooLarge) {
                count(&mut self.pending.counts.failed);
            }
            let mut waiting = self.pending.parked.waiting_for(ticket);
            let mut done = self.plugin.answer(self.state, ticket, answer, &mut waiting, self.moment.now);
            for Resumed { request, step } in core::mem::take(&mut done.resumed) {
                // Whoever does not wait for this ticket is none of this answer's business.
                if let Some(parked) = self.pending.parked.take(request, ticket) {
                    self.take(parked.request, step, parked.times);
                }
            }
            self.take_effects(done);
        }
        self.settled
    }

    /// Asks what nobody waits for, and keeps what is to be written down.
    fn take_effects(&mut self, done: Done) {
        // Nobody waits here, so nobody goes on.
        let Done { resumed: _, questions, report } = done;
        self.pending.report.counters.extend(report.counters);
        self.pending.report.lines.extend(report.lines);
        for (ticket, question) in questions {
            self.ask_aside(ticket, &question);
        }
    }

    /// Asks what no request waits for.
    fn ask_aside(&mut self, ticket: Ticket, question: &Question) {
        self.aside = self.aside.saturating_add(1);
        if self.aside > MAX_ASIDE {
            if self.aside <= MAX_ASIDE.saturating_mul(2) {
                self.not_asked(ticket);
            }
        } else if question.is_immediate() {
            let answer = self.answer_to(question);
            self.answers.push_back((ticket, answer));
        } else {
            self.ask(ticket, question);
        }
    }

    /// What the host answers at once.
    fn answer_to(&mut self, question: &Question) -> Answer {
        match (self.start)(question) {
            Started::Answered(answer) => answer,
            Started::UnderWay(..) | Started::Refused => Answer::Failed,
        }
    }

    /// A request's deadline has passed: its stage may decide without the answer, else it is refused.
    fn late(&mut self, late: Parked) {
        let Parked { request, ticket, times, .. } = late;
        self.told(request, ticket, Answer::TimedOut, times, Reason::DeadlinePassed);
    }

    /// Gives an answer to the stage that concerns this request alone; unless the request goes on by it, it is refused.
    fn told(
        &mut self,
        mut request: Box<Request>,
        ticket: Ticket,
        answer: Answer,
        times: u32,
        reason: Reason,
    ) {
        match self.next(&mut request, ticket, answer) {
            Some(step) => self.take(request, step, times),
            None => self.refuse(request, reason),
        }
    }

    fn next(&mut self, request: &mut Request, ticket: Ticket, answer: Answer) -> Option<Step> {
        let id = request.id;
        let mut done = self.plugin.answer(self.state, ticket, answer, &mut [request], self.moment.now);
        let resumed = core::mem::take(&mut done.resumed);
        self.take_effects(done);
        resumed.into_iter().find(|resumed| resumed.request == id).map(|resumed| resumed.step)
    }

    /// Answers what can be answered at once, until there is a step that cannot.
    fn answered_at_once(&mut self, request: &mut Request, mut step: Step) -> Result<Step, Reason> {
        for _ in 0..MAX_IMMEDIATE {
            let Step::Ask(question, waiting) = &step else { return Ok(step) };
            if !question.is_immediate() {
                return Ok(step);
            }
            let answer = self.answer_to(question);
            if matches!(answer, Answer::Failed) {
                count(&mut self.pending.counts.failed);
            }
            let ticket = waiting.ticket;
            step = self.next(request, ticket, answer).ok_or(Reason::Internal)?;
        }
        Err(Reason::TooManyQuestions)
    }

    fn take(&mut self, mut request: Box<Request>, step: Step, times: u32) {
        let step = match self.answered_at_once(&mut request, step) {
            Ok(step) => step,
            Err(reason) => return self.refuse(request, reason),
        };
        match step {
            Step::Done(verdict) => self.settled.push(Settled { request, verdict }),
            Step::Wait(waiting) => {
                self.park(request, waiting, times);
            }
            Step::Ask(question, waiting) => {
                // A caller that fills the table must not decide what a stage makes of a question that failed.
                let parked = if self.pending.asked.is_full() {
                    self.refuse(request, Reason::TooManyParked);
                    false
                } else {
                    self.park(request, waiting, times)
                };
                if parked {
                    self.ask(waiting.ticket, &question);
                } else {
                    self.not_asked(waiting.ticket);
                }
            }
        }
    }

    /// Parks a request; `false` when it is refused instead.
    fn park(&mut self, request: Box<Request>, waiting: Waiting, times: u32) -> bool {
        let late = self.moment.reaches(waiting.deadline, Waiting::MAX_MILLIS);
        match late {
            _ if times >= MAX_WAITS => self.refuse(request, Reason::TooManyQuestions),
            None => self.refuse(request, Reason::DeadlinePassed),
            Some(_) if self.pending.len() >= self.most => self.refuse(request, Reason::TooManyParked),
            Some(late) => {
                count(&mut self.pending.counts.parked);
                let times = times.saturating_add(1);
                self.pending.parked.insert(Parked { request, ticket: waiting.ticket, late, times });
                return true;
            }
        }
        false
    }

    /// Asks; a question that cannot be asked has failed at once.
    fn ask(&mut self, ticket: Ticket, question: &Question) {
        let started = if self.pending.asked.is_full() { Started::Refused } else { (self.start)(question) };
        match started {
            Started::UnderWay(way, token) => {
                count(&mut self.pending.counts.questions);
                self.pending.asked.insert(Asked::new(question, (way, token), ticket, self.moment.steady));
            }
            Started::Answered(_) | Started::Refused => self.not_asked(ticket),
        }
    }

    /// The stage believes that it has asked. Where an earlier question of the ticket is under way, that one still tells.
    fn not_asked(&mut self, ticket: Ticket) {
        if !self.pending.asked.has(ticket) {
            self.answers.push_back((ticket, Answer::Failed));
        }
    }

    fn refuse(&mut self, request: Box<Request>, reason: Reason) {
        self.settled.push(Settled { request, verdict: Verdict::deny(reason, None) });
    }
}

const fn count(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}

/// Whether `settled` holds the verdict of this request; takes it out.
pub(crate) fn take(settled: &mut Vec<Settled>, id: RequestId) -> Option<Settled> {
    let at = settled.iter().position(|settled| settled.request.id == id)?;
    Some(settled.remove(at))
}
