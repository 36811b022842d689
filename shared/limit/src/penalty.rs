//! The stage of the penalty box: who is in it is slowed down or refused, and who misbehaves gets into it.
//!
//! How a caller stands lies in the proxy's shared data, so that whoever enforces and whoever detects may be different plugins,
//! workers and VMs. A worker also keeps in mind whom it has seen in the box: what somebody writes over a slot frees nobody.

use meshward_model::{
    Allowance, Allowed, Answer, Counter, Decision, Denial, Edits, Effects, Needs, Outcome, Question, Reason,
    Request, Seed, Stage, StageId, Step, Ticket, UnixMillis, Verdict, Waiting,
};

use crate::caller::{Caller, CallerId};
use crate::cell::{self, Cell};
use crate::counters::{Counts, PENALTY_RUBBISH};
use crate::detection::Detection;
use crate::fields::{Fields, LIMIT, POLICY, RETRY_AFTER, seconds_until};
use crate::ids::Ids;
use crate::known::Known;
use crate::limit::Terms;
use crate::standing::{Level, Standing};
use crate::table::Table;
use crate::watch::Tasks;

/// Is the caller in the penalty box? And: does it belong there?
#[derive(Debug, Clone)]
pub struct Penalty {
    pub(crate) detection: Detection,
    enforces: bool,
    detects: bool,
    peer: Needs,
}

/// What a worker remembers of callers.
#[derive(Debug)]
pub struct PenaltyState {
    throttled: Table,
    ids: Ids,
    pub(crate) known: Known,
    pub(crate) tasks: Tasks,
    pub(crate) next: u64,
    pub(crate) counts: Counts,
    swept: Option<UnixMillis>,
    /// What time it was when that was last said.
    latest: UnixMillis,
}

impl PenaltyState {
    /// Follows a clock that was set back since the last time.
    fn follow(&mut self, now: UnixMillis) {
        let back = self.latest.0.saturating_sub(now.0);
        self.latest = now;
        if back > 0 {
            self.known.follow(back);
        }
    }
}

/// How many callers a worker slows down at a time.
const THROTTLED: usize = 4_096;

/// How often slots are looked through for stays that have ended, in milliseconds.
const SWEEP_MILLIS: u32 = 1_000;

/// The longest that an answer takes, in milliseconds; shared data answers at once.
const PATIENCE_MILLIS: u64 = 1_000;

/// The name of the throttle in the `RateLimit` header.
const NAME: &str = "penalty";

impl Penalty {
    /// A stage that enforces and detects.
    pub(crate) const fn new(detection: Detection, peer: Needs) -> Self {
        Self { detection, enforces: true, detects: true, peer }
    }

    /// The same, which only enforces: another plugin of the chain detects.
    #[must_use]
    pub fn only_enforcing(self) -> Self {
        Self { enforces: true, detects: false, ..self }
    }

    /// The same, which only detects: another plugin of the chain enforces.
    #[must_use]
    pub fn only_detecting(self) -> Self {
        Self { enforces: false, detects: true, ..self }
    }

    /// The caller of a request, if it may be scored and penalised.
    pub(crate) fn caller(&self, request: &Request) -> Option<Caller> {
        if self.exempts(request) { None } else { Caller::of(request) }
    }

    /// The same caller's id.
    fn id(&self, ids: &mut Ids, request: &Request) -> Option<CallerId> {
        if self.exempts(request) { None } else { ids.of(request) }
    }

    fn exempts(&self, request: &Request) -> bool {
        request.peer.spiffe_id().is_some_and(|id| self.detection.allows(id))
    }

    /// Decides by how the caller stands.
    fn verdict(
        &self,
        state: &mut PenaltyState,
        request: &mut Request,
        standing: Option<&Standing>,
        now: UnixMillis,
    ) -> Verdict {
        let allow = Decision::Allow(Allowed::new(Reason::PenaltyClear, None));
        let denial = match standing.map(|standing| (standing, standing.level_at(now))) {
            None | Some((_, Level::Clear | Level::Noted)) => None,
            Some((standing, Level::Throttled)) => self.throttle(state, request, standing, now),
            Some((standing, Level::Quarantined)) => {
                let seconds = seconds_until(UnixMillis(standing.until), now).max(1);
                let denial = Denial::new(Reason::PenaltyQuarantined, None);
                Some(denial.with(RETRY_AFTER, seconds.to_string()))
            }
        };
        match denial {
            Some(denial) if self.detection.simulates => Verdict { decision: allow, shadow: Some(denial) },
            Some(denial) => Verdict::refuse(denial),
            None => Verdict { decision: allow, shadow: None },
        }
    }

    /// Lets a caller through as often as the throttle says.
    fn throttle(
        &self,
        state: &mut PenaltyState,
        request: &mut Request,
        standing: &Standing,
        now: UnixMillis,
    ) -> Option<Denial> {
        let rate = self.detection.throttle_rate;
        let spot = state.throttled.find(&standing.id.0, now);
        if let Some(tat) = rate.take(spot.tat, now, 1) {
            state.throttled.put(spot, tat);
            if !self.detection.simulates {
                request.allowances.push(Allowance {
                    stage: StageId::Penalty,
                    policy: NAME.into(),
                    quota: Terms::new(NAME, rate).quota,
                    remaining: rate.available(tat, now).into(),
                    full_at: rate.full_at(tat, now),
                });
            }
            return None;
        }
        let seconds = seconds_until(rate.ready_at(spot.tat, 1), now).max(1);
        let mut fields = Fields::default();
        fields.add(&Terms::new(NAME, rate), 0, seconds);
        let denial = Denial::new(Reason::PenaltyThrottled, None)
            .with(POLICY, fields.policy)
            .with(LIMIT, fields.limit)
            .with(RETRY_AFTER, seconds.to_string());
        Some(denial)
    }

    /// Goes on with what the caller's slot holds.
    fn go_on(
        &self,
        state: &mut PenaltyState,
        request: &mut Request,
        answer: Answer,
        now: UnixMillis,
    ) -> Effects {
        let Some(id) = self.id(&mut state.ids, request) else {
            let verdict = self.verdict(state, request, None, now);
            return Effects::resume(request.id, Step::Done(verdict));
        };
        let mut effects = Effects::default();
        let simulates = self.detection.simulates;
        let known = state.known.find(id, now).filter(|known| known.simulated == simulates).cloned();
        let standing = match answer {
            Answer::Loaded { value, .. } => {
                let cell = value.map(|bytes| Cell::read(&bytes, now));
                if cell == Some(None) {
                    state.counts.add(PENALTY_RUBBISH);
                }
                let cell = cell.flatten().unwrap_or_default();
                if cell.followed {
                    // No plugin that detects may be there to do it, and until it is done no time passes for the slot.
                    effects = Self::rewrite(state, id.cell());
                }
                strictest(cell.find(id, simulates), known.as_ref(), now).cloned()
            }
            // Shared data does not answer as it should: nobody is let through for that.
            Answer::Http { .. }
            | Answer::Grpc { .. }
            | Answer::Stored(_)
            | Answer::Called { .. }
            | Answer::Failed
            | Answer::TooLarge
            | Answer::TimedOut
                if known.is_none() && !simulates =>
            {
                return Effects::resume(request.id, Step::Done(Verdict::deny(Reason::Internal, None)));
            }
            Answer::Http { .. }
            | Answer::Grpc { .. }
            | Answer::Stored(_)
            | Answer::Called { .. }
            | Answer::Failed
            | Answer::TooLarge
            | Answer::TimedOut => known,
        };
        if let Some(standing) = &standing {
            state.known.note(standing, now);
        }
        let verdict = self.verdict(state, request, standing.as_ref(), now);
        effects.extend(Effects::resume(request.id, Step::Done(verdict)));
        effects
    }
}

/// Of what shared data and the worker itself know of a caller, what is stricter now: a stay ends when it was said to end, and
/// whatever somebody wrote over it frees nobody before.
pub(crate) fn strictest<'a>(
    shared: Option<&'a Standing>,
    known: Option<&'a Standing>,
    now: UnixMillis,
) -> Option<&'a Standing> {
    match (shared, known) {
        (Some(shared), Some(known)) if known.level_at(now) > shared.level_at(now) => Some(known),
        (Some(shared), _) => Some(shared),
        (None, known) => known,
    }
}

impl Stage for Penalty {
    type State = PenaltyState;

    const ASKS: bool = true;
    const RESPONDS: bool = true;
    const OBSERVES: bool = true;

    fn observes(&self) -> bool {
        self.detects
    }

    fn state(&self, seed: Seed) -> PenaltyState {
        PenaltyState {
            throttled: Table::new(self.detection.throttle_rate, THROTTLED, seed),
            ids: Ids::new(seed),
            known: Known::default(),
            tasks: Tasks::default(),
            next: 0,
            counts: Counts::default(),
            swept: None,
            latest: UnixMillis::default(),
        }
    }

    fn needs(&self) -> Needs {
        let headers = self.detects && self.detection.denied_paths.is_some();
        self.peer.union(Needs { source_address: true, headers, ..Needs::default() })
    }

    fn enforced_needs(&self) -> Needs {
        if self.enforces && !self.detection.simulates { self.needs() } else { Needs::default() }
    }

    fn decide(&self, state: &mut PenaltyState, request: &mut Request, now: UnixMillis) -> Step {
        state.follow(now);
        let id = if self.enforces { self.id(&mut state.ids, request) } else { None };
        let Some(id) = id else { return Step::Done(self.verdict(state, request, None, now)) };
        // A quarantine ends when it was said to end: nothing that is read could change it.
        if let Some(known) = state.known.find(id, now)
            && known.level == Level::Quarantined
            && known.simulated == self.detection.simulates
        {
            let known = known.clone();
            return Step::Done(self.verdict(state, request, Some(&known), now));
        }
        state.next = state.next.wrapping_add(1);
        let ticket = Ticket::new(StageId::Penalty, state.next);
        let question = Question::Load { slot: cell::name(id.cell()) };
        Step::Ask(question, Waiting::on(ticket, now, PATIENCE_MILLIS))
    }

    fn answer(
        &self,
        state: &mut PenaltyState,
        ticket: Ticket,
        answer: Answer,
        waiting: &mut [&mut Request],
        now: UnixMillis,
    ) -> Effects {
        state.follow(now);
        let mut effects = match (state.tasks.take(ticket.number), waiting.first_mut()) {
            (Some(task), _) => self.work(state, task, answer, now),
            (None, Some(request)) => self.go_on(state, request, answer, now),
            (None, None) => Effects::default(),
        };
        effects.counts.extend(state.counts.take());
        effects
    }

    fn respond(&self, _state: &mut PenaltyState, request: &Request, now: UnixMillis) -> Edits {
        let mut allowances = request.allowances.iter();
        let Some(allowance) = allowances.find(|allowance| allowance.stage == StageId::Penalty) else {
            return Edits::NONE;
        };
        let terms = Terms::new(NAME, self.detection.throttle_rate);
        let mut fields = Fields::default();
        fields.add(&terms, allowance.remaining, seconds_until(allowance.full_at, now));
        fields.into_edits()
    }

    fn observe(
        &self,
        state: &mut PenaltyState,
        request: &Request,
        outcome: &Outcome<'_>,
        _now: UnixMillis,
    ) -> Effects {
        if self.detects { self.look(state, request, outcome) } else { Effects::default() }
    }

    fn tick_period_millis(&self) -> u32 {
        SWEEP_MILLIS
    }

    fn tick(&self, state: &mut PenaltyState, now: UnixMillis) -> Effects {
        let counts = state.counts.take();
        state.follow(now);
        // A timer may fire a little early, or for the sake of another stage.
        let due = state.swept.is_none_or(|swept| {
            now < swept || now.0.saturating_sub(swept.0) >= u64::from(SWEEP_MILLIS).saturating_mul(9) / 10
        });
        if !self.detects || !due {
            return Effects { counts, ..Effects::default() };
        }
        state.swept = Some(now);
        Effects { counts, ..self.sweep(state) }
    }

    fn counts(&self, state: &mut PenaltyState) -> Vec<(Counter, u32)> {
        state.counts.take()
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "penalty_tests.rs"]
mod tests;
