//! The stage that says how fast callers may go.
//!
//! Every limit that a request matches is looked at first, and only when all of them have room does the request count in each: a
//! refused request uses up none. Of several that refuse, the one decides that lasts longest. Limits in shadow mode are looked at and
//! counted alike, and refuse nothing.

use std::borrow::Cow;

use meshward_http::path;
use meshward_model::{
    Answer, Cas, Counter, Denial, Edits, Effects, Needs, Question, Reason, Request, RequestId, Seed, Stage,
    StageId, Step, Ticket, UnixMillis, Verdict, Waiting,
};

use crate::buckets::{Buckets, Room, Said};
use crate::counters::{CONTENTION, OVERFLOW, RUBBISH};
use crate::fields::{Fields, LIMIT, POLICY, RETRY_AFTER, seconds_until};
use crate::lease::Plan;
use crate::limit::Limit;
use crate::slot::{Fingerprint, Slot};

/// How fast may callers go?
#[derive(Debug, Clone)]
pub struct Quota {
    limits: Vec<Limit>,
    needs: Needs,
    enforced_needs: Needs,
    reads_path: bool,
}

/// What a worker remembers of its callers. Its size does not depend on how many there are.
#[derive(Debug)]
pub struct QuotaState {
    buckets: Buckets,
    /// Where there is room for the request that is looked at.
    rooms: Vec<(usize, Room)>,
    asked: Option<Asked>,
    next: u64,
}

/// A question about a shared bucket; it is answered before anything else is asked.
#[derive(Debug, Clone, Copy)]
struct Asked {
    number: u64,
    request: RequestId,
    limit: usize,
    key: Fingerprint,
    tries: u32,
    /// What was written, once something was.
    written: Option<Plan>,
}

/// How often a write is tried before the value read last decides.
const MAX_TRIES: u32 = 4;

/// The longest that an answer takes, in milliseconds; shared data answers at once.
const PATIENCE_MILLIS: u64 = 1_000;

/// How often counts are written down that no request takes along, in milliseconds.
const TICK_MILLIS: u32 = 1_000;

impl Quota {
    pub(crate) fn new(limits: Vec<Limit>, peer: Needs) -> Self {
        let union = |enforced_only: bool| {
            limits
                .iter()
                .filter(|limit| limit.enforced || !enforced_only)
                .fold(Needs::default(), |needs, limit| needs.union(limit.needs(peer)))
        };
        let (needs, enforced_needs) = (union(false), union(true));
        let reads_path = limits.iter().any(Limit::reads_path);
        Self { needs, enforced_needs, reads_path, limits }
    }

    /// Looks at every limit; counts the request where all have room.
    fn decide_by_limits(&self, state: &mut QuotaState, request: &mut Request, now: UnixMillis) -> Step {
        let path = if self.reads_path { canonical_path(request) } else { None };
        let path = path.as_deref();
        state.rooms.clear();
        let mut full: Vec<(usize, UnixMillis)> = Vec::new();
        let mut shadow = None;
        for (at, limit) in self.limits.iter().enumerate() {
            if !limit.applies(request, path) || (limit.shared && !full.is_empty()) {
                continue;
            }
            match state.buckets.look(at, limit, request, path, now) {
                Said::Room(room) => state.rooms.push((at, room)),
                Said::Full(ready_at) if limit.enforced => full.push((at, ready_at)),
                Said::Full(_) => shadow = shadow.or_else(|| Some(limit.denial())),
                Said::Ask(key) => return load(state, request.id, at, key, 0, now),
            }
        }
        let mut verdict = if full.is_empty() {
            self.count(state, request, now);
            Verdict::allow(Reason::LimitKept, None)
        } else {
            self.refuse(state, &full, now)
        };
        verdict.shadow = shadow;
        Step::Done(verdict)
    }

    /// Counts the request where there is room, and says what is left.
    fn count(&self, state: &mut QuotaState, request: &mut Request, now: UnixMillis) {
        let QuotaState { buckets, rooms, .. } = state;
        request.allowances.reserve_exact(rooms.len());
        for (at, room) in rooms {
            let Some(limit) = self.limits.get(*at) else { continue };
            let (remaining, full_at) = buckets.spend(limit, *room, now);
            if limit.enforced {
                request.allowances.push(limit.allowance(remaining, full_at));
            }
        }
    }

    #[cold]
    fn refuse(&self, state: &mut QuotaState, full: &[(usize, UnixMillis)], now: UnixMillis) -> Verdict {
        let QuotaState { buckets, rooms, .. } = state;
        let mut fields = Fields::default();
        let mut strictest: Option<(UnixMillis, &Limit)> = None;
        for (at, ready_at) in full {
            let Some(limit) = self.limits.get(*at) else { continue };
            fields.add(&limit.terms, 0, seconds_until(*ready_at, now).max(1));
            if strictest.is_none_or(|(longest, _)| *ready_at > longest) {
                strictest = Some((*ready_at, limit));
            }
        }
        for (at, room) in rooms {
            let Some(limit) = self.limits.get(*at).filter(|limit| limit.enforced) else { continue };
            let (remaining, full_at) = buckets.left(limit, *room, now);
            fields.add(&limit.terms, remaining.into(), seconds_until(full_at, now));
        }
        let Some((ready_at, limit)) = strictest else { return Verdict::deny(Reason::Internal, None) };
        let seconds = seconds_until(ready_at, now).max(1).to_string();
        let denial =
            limit.denial().with(POLICY, fields.policy).with(LIMIT, fields.limit).with(RETRY_AFTER, seconds);
        Verdict::refuse(denial)
    }

    /// Goes on with what shared data has said.
    fn go_on(
        &self,
        state: &mut QuotaState,
        asked: Asked,
        answer: Answer,
        request: &mut Request,
        now: UnixMillis,
    ) -> Step {
        let Some(limit) = self.limits.get(asked.limit) else { return internal() };
        // The counts are borrowed apart from the lease.
        let Buckets { leases, counts, .. } = &mut state.buckets;
        let Some(lease) = leases.as_mut().and_then(|leases| leases.of(asked.key)) else { return internal() };
        match (answer, asked.written) {
            (Answer::Loaded { value, cas }, None) => {
                let mut slot =
                    value.as_deref().map_or_else(|| Some(Slot::default()), Slot::read).unwrap_or_else(|| {
                        counts.add(RUBBISH);
                        Slot::default()
                    });
                match lease.plan(&mut slot, limit.rate, now) {
                    plan @ Plan::Take { .. } => return store(state, asked, plan, slot.write(), cas, now),
                    Plan::Empty => {}
                    Plan::Alone => counts.add(OVERFLOW),
                }
            }
            (Answer::Stored(true), Some(Plan::Take { count, tat })) => lease.taken(count, tat, now),
            (Answer::Stored(false), Some(Plan::Take { .. })) if asked.tries < MAX_TRIES => {
                return load(state, request.id, asked.limit, asked.key, asked.tries.saturating_add(1), now);
            }
            (Answer::Stored(false), Some(Plan::Take { .. })) => {
                lease.borrow(now);
                counts.add(CONTENTION);
            }
            // The proxy does not answer as it should: the worker decides alone.
            (
                Answer::Loaded { .. }
                | Answer::Stored(_)
                | Answer::Http { .. }
                | Answer::Grpc { .. }
                | Answer::Called { .. }
                | Answer::Failed
                | Answer::TooLarge
                | Answer::TimedOut,
                _,
            ) => {
                lease.alone(now);
                counts.add(OVERFLOW);
            }
        }
        self.decide_by_limits(state, request, now)
    }
}

/// Apart from the way of those that need no path.
#[inline(never)]
fn canonical_path(request: &Request) -> Option<Cow<'_, str>> {
    request.path().ok().and_then(|raw| path::canonical(raw).ok())
}

/// Apart from the way of those that ask nothing.
#[inline(never)]
fn load(
    state: &mut QuotaState,
    request: RequestId,
    limit: usize,
    key: Fingerprint,
    tries: u32,
    now: UnixMillis,
) -> Step {
    let asked = Asked { number: 0, request, limit, key, tries, written: None };
    ask(state, asked, Question::Load { slot: key.slot() }, now)
}

fn store(
    state: &mut QuotaState,
    asked: Asked,
    plan: Plan,
    value: Vec<u8>,
    expected: Cas,
    now: UnixMillis,
) -> Step {
    let question = Question::Store { slot: asked.key.slot(), value, expected };
    ask(state, Asked { written: Some(plan), ..asked }, question, now)
}

fn ask(state: &mut QuotaState, asked: Asked, question: Question, now: UnixMillis) -> Step {
    state.next = state.next.wrapping_add(1);
    state.asked = Some(Asked { number: state.next, ..asked });
    let ticket = Ticket::new(StageId::Ratelimit, state.next);
    Step::Ask(question, Waiting::on(ticket, now, PATIENCE_MILLIS))
}

fn internal() -> Step {
    Step::Done(Verdict::refuse(Denial::new(Reason::Internal, None)))
}

impl Stage for Quota {
    type State = QuotaState;

    const ASKS: bool = true;
    const RESPONDS: bool = true;

    fn state(&self, seed: Seed) -> QuotaState {
        QuotaState { buckets: Buckets::new(&self.limits, seed), rooms: Vec::new(), asked: None, next: 0 }
    }

    fn needs(&self) -> Needs {
        self.needs
    }

    fn enforced_needs(&self) -> Needs {
        self.enforced_needs
    }

    fn decide(&self, state: &mut QuotaState, request: &mut Request, now: UnixMillis) -> Step {
        self.decide_by_limits(state, request, now)
    }

    fn answer(
        &self,
        state: &mut QuotaState,
        ticket: Ticket,
        answer: Answer,
        waiting: &mut [&mut Request],
        now: UnixMillis,
    ) -> Effects {
        let asked = state.asked.take().filter(|asked| asked.number == ticket.number);
        let Some(request) = waiting.first_mut() else { return Effects::default() };
        let step = match asked.filter(|asked| asked.request == request.id) {
            Some(asked) => self.go_on(state, asked, answer, request, now),
            None => internal(),
        };
        Effects { counts: state.buckets.counts.take(), ..Effects::resume(request.id, step) }
    }

    fn respond(&self, _state: &mut QuotaState, request: &Request, now: UnixMillis) -> Edits {
        let mut fields = Fields::default();
        for allowance in request.allowances.iter().filter(|allowance| allowance.stage == StageId::Ratelimit) {
            let Some(limit) = self.limits.iter().find(|limit| limit.name == allowance.policy) else {
                continue;
            };
            let seconds = seconds_until(allowance.full_at, now);
            fields.add(&limit.terms, allowance.remaining, seconds);
        }
        fields.into_edits()
    }

    fn tick_period_millis(&self) -> u32 {
        if self.limits.is_empty() { 0 } else { TICK_MILLIS }
    }

    fn tick(&self, state: &mut QuotaState, _now: UnixMillis) -> Effects {
        Effects { counts: state.buckets.counts.take(), ..Effects::default() }
    }

    fn counts(&self, state: &mut QuotaState) -> Vec<(Counter, u32)> {
        state.buckets.counts.take()
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "quota_tests.rs"]
mod tests;
