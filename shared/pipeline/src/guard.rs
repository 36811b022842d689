//! The `guard` plugin: every stage in one pipeline, the request read once.

use meshward_event::{Sinks, sinks};
use meshward_limit::{Penalty, Quota};
use meshward_model::{Counter, Reason, Refusal, StageId};
use meshward_policy::AccessControl;
use meshward_token::Authentication;

use crate::assemble::Takes;
use crate::{Assemble, Chain, Documents, Names, Pipeline, authn, authz, names, ratelimit, sentinel};

/// Is the caller in the penalty box, is it who it says it is, may it do this, how fast may it go, and what came of it?
pub type Guard = Pipeline<Stages>;

/// The stages in the order in which a request meets them.
type Stages = Chain<Chain<Penalty, Authentication>, Chain<AccessControl, Quota>>;

const NAMES: Names = names!("guard", 6);

/// What each stage counts, and what the plugin around them does where no stage is to be named.
const COUNTED: [Counter; 25] = {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = ratelimit::COUNTED;
    let (authn, authz, events) = (authn::NAMES, authz::NAMES, sentinel::SINKS);
    [
        a,
        b,
        c,
        d,
        e,
        f,
        g,
        h,
        i,
        j,
        k,
        l,
        authn.allowed,
        authn.denied,
        authn.shadow_denied,
        authz.allowed,
        authz.denied,
        authz.shadow_denied,
        events.recorded,
        events.sent,
        events.dropped,
        events.failed,
        NAMES.allowed,
        NAMES.denied,
        NAMES.shadow_denied,
    ]
};

impl Assemble for Stages {
    type Recorder = Sinks;

    const NAMES: Names = NAMES;
    const KINDS: &'static [&'static str] = &[
        authn::KIND,
        authz::KINDS[0],
        authz::KINDS[1],
        ratelimit::QUOTA_KIND,
        ratelimit::PENALTY_KIND,
        sinks::KIND,
    ];
    const COUNTERS: &'static [Counter] = &COUNTED;
    const TAKES: Takes = Takes { claims: false, events: false, role: false };
    const WATCHES: bool = true;

    fn names(&self, reason: Reason) -> &'static Names {
        let has_authn = self.first.as_ref().is_some_and(|before| before.second.is_some());
        match reason.stage() {
            // Who is first to look at the peer finds it malformed; without `authn` that is `authz`, as apart.
            Some(StageId::Authn) if !has_authn => &authz::NAMES,
            Some(StageId::Penalty) => &ratelimit::PENALTY_NAMES,
            Some(StageId::Authn) => &authn::NAMES,
            Some(StageId::Authz) => &authz::NAMES,
            Some(StageId::Ratelimit) => &ratelimit::QUOTA_NAMES,
            Some(StageId::Sentinel | StageId::Probe) | None => &NAMES,
        }
    }

    fn assemble(documents: &Documents<'_>) -> Result<(Self, Sinks), Refusal> {
        let mut problems = Vec::new();
        let penalty = kept(&mut problems, ratelimit::penalty(documents)).flatten();
        let authn = kept(&mut problems, authn::authentication(documents)).flatten();
        let tokens = authn.as_ref().is_some_and(Authentication::verifies_tokens);
        let authz = kept(&mut problems, authz::access_control(documents, tokens));
        let limits = documents.documents.iter().any(|(_, kind, _)| kind == ratelimit::QUOTA_KIND);
        let quota = if limits { kept(&mut problems, ratelimit::limits(documents, tokens)) } else { None };
        let recorder = kept(&mut problems, sentinel::sinks(documents));
        let (Some(authz), Some(recorder), []) = (authz, recorder, problems.as_slice()) else {
            return Err(Refusal { problems });
        };
        let before =
            (penalty.is_some() || authn.is_some()).then_some(Chain { first: penalty, second: authn });
        let after = Chain { first: Some(authz), second: quota };
        Ok((Self { first: before, second: Some(after) }, recorder))
    }
}

/// Keeps the problems of a part, so that all parts' are told at once.
fn kept<T>(problems: &mut Vec<meshward_model::Problem>, part: Result<T, Refusal>) -> Option<T> {
    part.map_err(|refusal| problems.extend(refusal.problems)).ok()
}
