//! Access control for one workload: all compiled documents, and the stage that decides by them.

use meshward_model::{
    Allowed, Decision, Denial, Needs, Reason, Request, RuleId, Seed, Stage, Step, UnixMillis, Verdict,
};

use crate::set::Set;

/// The compiled documents that apply to this workload. Configured, it cannot be wrong.
///
/// `AccessPolicy` and `AuthorizationPolicy` are separate sets and both must allow. Shadow documents are sets of their own that
/// refuse nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessControl {
    enforced: Vec<Set>,
    shadow: Vec<Set>,
    when_nothing_applies: Decision,
    peer: Needs,
}

impl AccessControl {
    /// Puts sets together: those that decide, those that only count, what is decided where there are none, and what reading the
    /// peer takes.
    pub fn new(enforced: Vec<Set>, shadow: Vec<Set>, when_nothing_applies: Decision, peer: Needs) -> Self {
        Self { enforced, shadow, when_nothing_applies, peer }
    }

    /// Decides one request. Pure: the same request always gets the same verdict.
    pub fn verdict(&self, request: &Request) -> Verdict {
        let decide = Set::decide;
        Verdict { decision: self.enforce(request, decide), shadow: self.shadow(request, decide) }
    }

    /// The same by comparing rule by rule, without index: slow, and what the index is held to.
    pub fn verdict_one_by_one(&self, request: &Request) -> Verdict {
        let decide = Set::decide_one_by_one;
        Verdict { decision: self.enforce(request, decide), shadow: self.shadow(request, decide) }
    }

    /// Every rule by its name: enforced before shadow, DENY before ALLOW, then in the order of the documents.
    pub fn rules(&self) -> impl Iterator<Item = &RuleId> {
        let sets = self.enforced.iter().chain(&self.shadow);
        sets.flat_map(|set| set.deny.iter().chain(set.allow.iter())).map(|rule| &rule.id)
    }

    /// The rules that decide `request`, at most one of each set: what coverage counts. Shadow sets decide here, too.
    pub fn deciders(&self, request: &Request) -> Vec<RuleId> {
        let sets = self.enforced.iter().chain(&self.shadow);
        let rule = |set: &Set| match set.decide(request) {
            Decision::Allow(allowed) => allowed.rule,
            Decision::Deny(denial) => denial.rule,
        };
        sets.filter_map(rule).collect()
    }

    fn enforce(&self, request: &Request, decide: Decide) -> Decision {
        let mut allowed = None;
        for set in &self.enforced {
            match decide(set, request) {
                Decision::Deny(denial) => return Decision::Deny(denial),
                Decision::Allow(by) => allowed = Some(more_telling(allowed, by)),
            }
        }
        match (allowed, self.shadow.is_empty()) {
            (Some(allowed), _) => Decision::Allow(allowed),
            (None, false) => Decision::Allow(Allowed::new(Reason::ShadowOnly, None)),
            (None, true) => self.when_nothing_applies.clone(),
        }
    }

    fn needs_of(&self, sets: &[Set]) -> Needs {
        sets.iter().fold(Needs::default(), |needs, set| needs.union(set.uses.needs(self.peer)))
    }

    fn shadow(&self, request: &Request, decide: Decide) -> Option<Denial> {
        self.shadow.iter().find_map(|set| match decide(set, request) {
            Decision::Deny(denial) => Some(denial),
            Decision::Allow(_) => None,
        })
    }
}

/// How a set decides.
type Decide = fn(&Set, &Request) -> Decision;

/// Where both kinds allow, the verdict names a rule rather than none.
fn more_telling(before: Option<Allowed>, now: Allowed) -> Allowed {
    match before {
        Some(before) if before.rule.is_some() || now.rule.is_none() => before,
        Some(_) | None => now,
    }
}

impl Stage for AccessControl {
    type State = ();

    fn needs(&self) -> Needs {
        self.needs_of(&self.shadow).union(self.enforced_needs())
    }

    fn enforced_needs(&self) -> Needs {
        self.needs_of(&self.enforced)
    }

    fn state(&self, _seed: Seed) {}

    fn decide(&self, (): &mut (), request: &mut Request, _now: UnixMillis) -> Step {
        Step::Done(self.verdict(request))
    }
}
