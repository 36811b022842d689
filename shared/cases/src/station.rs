//! One plugin of the native door: its callbacks, its questions and their answers, its timer.
//!
//! What the adapter does with a host, in the same order; one request at a time, so that at most one is parked.

use std::collections::VecDeque;

use meshward_model::{
    Answer, Done, End, Head, LogLine, Question, Reason, Report, Request, Resumed, Seen, Step, Ticket,
    UnixMillis, Verdict, Waiting,
};

use crate::native::only;
use crate::played::{Doors, Played, Which};
use crate::world::World;

/// How many steps one request may take; see the adapter's `MAX_IMMEDIATE` and `MAX_WAITS`.
const MAX_ROUNDS: u32 = 64;
/// How many answers and ticks one callback may bring about.
const MAX_TURNS: u32 = 100_000;
/// The first tick comes so long after configuring.
const FIRST_TICK_MILLIS: u64 = 1;

/// A plugin in its place.
pub(crate) struct Station {
    pub(crate) which: Which,
    played: Box<dyn Played>,
    doors: Doors,
    /// When the timer fires next.
    due: Option<UnixMillis>,
    /// Answers that are on their way, and when they come.
    under_way: Vec<(UnixMillis, Ticket, Answer)>,
    /// What it has written to the proxy's log.
    pub(crate) lines: Vec<LogLine>,
}

impl Station {
    pub(crate) fn new(which: Which, played: Box<dyn Played>, now: UnixMillis) -> Self {
        let doors = played.doors();
        let ticks = doors.asks && played.tick_period_millis() > 0;
        let due = ticks.then(|| later(now, FIRST_TICK_MILLIS));
        Self { which, played, doors, due, under_way: Vec::new(), lines: Vec::new() }
    }

    /// Decides a request of which everything is known.
    pub(crate) fn decide(&mut self, world: &mut World, all: &Head) -> (Request, Verdict) {
        let (mut request, step) = self.played.decide(only(all, self.played.needs()), world.now);
        let verdict = match step {
            Step::Done(verdict) => verdict,
            Step::Ask(..) | Step::Wait(_) if !self.doors.asks => Verdict::deny(Reason::CannotAsk, None),
            step @ (Step::Ask(..) | Step::Wait(_)) => {
                self.settle(world, &mut request, step).unwrap_or_else(|reason| Verdict::deny(reason, None))
            }
        };
        (*request, verdict)
    }

    /// What is written down of a verdict.
    pub(crate) fn report(
        &mut self,
        world: &World,
        request: &Request,
        all: &Head,
        verdict: &Verdict,
    ) -> Report {
        let more = only(all, self.played.wants(verdict));
        let report = self.played.report(request, &more, verdict, world.now);
        self.lines.extend(report.lines.iter().cloned());
        report
    }

    /// Response headers are there: what is removed, what is added.
    pub(crate) fn respond(&mut self, world: &World, seen: &Seen) -> meshward_model::Edits {
        if self.doors.responds { self.played.respond(seen, world.now) } else { meshward_model::Edits::NONE }
    }

    /// What is kept of a request that ended before it came here.
    pub(crate) fn witness(&self, all: &Head) -> Option<Seen> {
        self.played.witness(only(all, self.played.needs()))
    }

    /// The request is over.
    pub(crate) fn observe(&mut self, world: &mut World, seen: &Seen, end: End) {
        if !self.doors.observes {
            return;
        }
        let needs = self.played.end_needs(seen, end.status);
        let End { status, details, note } = end;
        let end =
            End { status, details: details.filter(|_| needs.details), note: note.filter(|_| needs.note) };
        let done = self.played.observe(seen, &end, world.now);
        self.take(world, done);
    }

    /// When something happens here next, of its own.
    pub(crate) fn next(&self) -> Option<UnixMillis> {
        self.under_way.iter().map(|(at, ..)| *at).chain(self.due).min()
    }

    /// Lets what is due happen.
    pub(crate) fn turn(&mut self, world: &mut World) {
        if let Some((ticket, answer)) = self.come(world.now) {
            let done = self.played.answer(ticket, answer, &mut [], world.now);
            self.take(world, done);
        } else if self.due.is_some_and(|due| due <= world.now) {
            self.tick(world);
        }
    }

    fn tick(&mut self, world: &mut World) {
        let period = self.played.tick_period_millis();
        self.due = (period > 0).then(|| later(world.now, u64::from(period)));
        let done = self.played.tick(world.now);
        self.take(world, done);
    }

    /// An answer that has come.
    fn come(&mut self, now: UnixMillis) -> Option<(Ticket, Answer)> {
        let at = self.under_way.iter().position(|(at, ..)| *at <= now)?;
        let (_, ticket, answer) = self.under_way.remove(at);
        Some((ticket, answer))
    }

    /// Asks what is wanted beside a request, and keeps what is written down.
    fn take(&mut self, world: &mut World, done: Done) {
        let mut more = VecDeque::from([done]);
        let mut turns = 0;
        while let Some(Done { questions, report, .. }) = more.pop_front() {
            self.lines.extend(report.lines);
            for (ticket, question) in questions {
                turns = u32::saturating_add(turns, 1);
                if question.is_immediate() && turns < MAX_TURNS {
                    let (_, answer) = world.answer(&question);
                    more.push_back(self.played.answer(ticket, answer, &mut [], world.now));
                } else {
                    self.ask(world, ticket, &question);
                }
            }
        }
    }

    fn ask(&mut self, world: &mut World, ticket: Ticket, question: &Question) {
        let (at, answer) = world.answer(question);
        self.under_way.push((at, ticket, answer));
    }

    /// Takes one step after another until the request is decided.
    fn settle(
        &mut self,
        world: &mut World,
        request: &mut Request,
        mut step: Step,
    ) -> Result<Verdict, Reason> {
        for _ in 0..MAX_ROUNDS {
            step = match step {
                Step::Done(verdict) => return Ok(verdict),
                Step::Ask(question, waiting) if question.is_immediate() => {
                    let (_, answer) = world.answer(&question);
                    self.told(world, request, waiting.ticket, answer).ok_or(Reason::Internal)?
                }
                Step::Ask(question, waiting) => {
                    self.ask(world, waiting.ticket, &question);
                    self.wait(world, request, waiting)?
                }
                Step::Wait(waiting) => self.wait(world, request, waiting)?,
            };
        }
        Err(Reason::TooManyQuestions)
    }

    /// Gives an answer that concerns this request.
    fn told(
        &mut self,
        world: &mut World,
        request: &mut Request,
        ticket: Ticket,
        answer: Answer,
    ) -> Option<Step> {
        let id = request.id;
        let mut done = self.played.answer(ticket, answer, &mut [request], world.now);
        let resumed = core::mem::take(&mut done.resumed);
        self.take(world, done);
        resumed.into_iter().find(|Resumed { request, .. }| *request == id).map(|resumed| resumed.step)
    }

    /// The request is parked: the clock goes on until its answer or its deadline has come.
    fn wait(&mut self, world: &mut World, request: &mut Request, waiting: Waiting) -> Result<Step, Reason> {
        let deadline = waiting.deadline.min(later(world.now, Waiting::MAX_MILLIS));
        for _ in 0..MAX_TURNS {
            let next = self.next().filter(|next| *next < deadline).unwrap_or(deadline);
            world.now = world.now.max(next);
            match self.come(world.now) {
                Some((ticket, answer)) if ticket == waiting.ticket => {
                    if let Some(step) = self.told(world, request, ticket, answer) {
                        return Ok(step);
                    }
                }
                Some((ticket, answer)) => {
                    let done = self.played.answer(ticket, answer, &mut [], world.now);
                    self.take(world, done);
                }
                None if world.now >= deadline => {
                    let step = self.told(world, request, waiting.ticket, Answer::TimedOut);
                    return step.ok_or(Reason::DeadlinePassed);
                }
                None => self.tick(world),
            }
        }
        Err(Reason::Internal)
    }
}

fn later(time: UnixMillis, millis: u64) -> UnixMillis {
    UnixMillis(time.0.saturating_add(millis))
}
