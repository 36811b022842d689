//! What a stage wants done beside a request's verdict.

use crate::{Counter, Event, Question, RequestId, Step, Ticket};

/// What comes of an answer, of a request's end, of a tick.
#[derive(Debug, Default)]
pub struct Effects {
    /// Parked requests that go on.
    pub resumed: Vec<Resumed>,
    /// Questions that no request waits for.
    pub questions: Vec<(Ticket, Question)>,
    /// What is worth writing down.
    pub events: Vec<Event<'static>>,
    /// Counters, and by how much they go up.
    pub counts: Vec<(Counter, u32)>,
}

/// A parked request that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resumed {
    /// Which one.
    pub request: RequestId,
    /// What its stage says next.
    pub step: Step,
}

impl Effects {
    /// One request goes on.
    #[must_use]
    pub fn resume(request: RequestId, step: Step) -> Self {
        Self { resumed: vec![Resumed { request, step }], ..Self::default() }
    }

    /// One question that no request waits for.
    #[must_use]
    pub fn ask(ticket: Ticket, question: Question) -> Self {
        Self { questions: vec![(ticket, question)], ..Self::default() }
    }

    /// Both.
    pub fn extend(&mut self, other: Self) {
        let Self { resumed, questions, events, counts } = other;
        self.resumed.extend(resumed);
        self.questions.extend(questions);
        self.events.extend(events);
        self.counts.extend(counts);
    }
}
