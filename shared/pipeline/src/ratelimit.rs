//! The `ratelimit` plugin: two stages, of which its role picks one.

use meshward_config::{ClaimsFrom, EventsFrom, Role, problem};
use meshward_event::LogOnly;
use meshward_limit::counters::{
    CONTENTION, OVERFLOW, PENALTY_CONTENTION, PENALTY_OVERFLOW, PENALTY_RUBBISH, RUBBISH,
};
use meshward_limit::{Penalty, Quota, QuotaCompiler, compile_detection, second_detection};
use meshward_model::{Code, Counter, DocumentKind, Problem, Reason, Refusal, StageId};

use crate::assemble::Takes;
use crate::{Assemble, Chain, Documents, Names, Owns, Pipeline, names};

/// Is the caller in the penalty box (role `penalty`), how fast may it go (role `quota`)?
pub type Ratelimit = Pipeline<Chain<Penalty, Quota>>;

pub(crate) const PENALTY_NAMES: Names = names!("penalty", 0);
pub(crate) const QUOTA_NAMES: Names = names!("ratelimit", 3);

/// The kind of document that says how fast callers may go.
pub(crate) const QUOTA_KIND: &str = DocumentKind::RateLimit.as_str();
/// The kind of document that says which callers misbehave.
pub(crate) const PENALTY_KIND: &str = "Detection";

/// Everything that the two stages count.
pub(crate) const COUNTED: [Counter; 12] = [
    PENALTY_NAMES.allowed,
    PENALTY_NAMES.denied,
    PENALTY_NAMES.shadow_denied,
    PENALTY_OVERFLOW,
    PENALTY_CONTENTION,
    PENALTY_RUBBISH,
    QUOTA_NAMES.allowed,
    QUOTA_NAMES.denied,
    QUOTA_NAMES.shadow_denied,
    OVERFLOW,
    CONTENTION,
    RUBBISH,
];

impl Owns for Penalty {
    fn owns(id: StageId) -> bool {
        id == StageId::Penalty
    }
}

impl Owns for Quota {
    fn owns(id: StageId) -> bool {
        id == StageId::Ratelimit
    }
}

impl Assemble for Chain<Penalty, Quota> {
    type Recorder = LogOnly;

    const KINDS: &'static [&'static str] = &[PENALTY_KIND, QUOTA_KIND];
    const NAMES: Names = QUOTA_NAMES;
    const COUNTERS: &'static [Counter] = &COUNTED;
    const TAKES: Takes = Takes { claims: true, events: true, role: true };

    fn names(&self, reason: Reason) -> &'static Names {
        if reason.stage() == Some(StageId::Penalty) { &PENALTY_NAMES } else { &QUOTA_NAMES }
    }

    fn assemble(documents: &Documents<'_>) -> Result<(Self, LogOnly), Refusal> {
        let chain = match documents.role {
            Some(Role::Penalty) => {
                check_role(documents, PENALTY_KIND, "penalty", "quota")?;
                if documents.claims != ClaimsFrom::None {
                    let message = "role `penalty` comes before `authn` and sees no claims";
                    return Err(problem(Code::OtherRole, "claims", message, "take it away").into());
                }
                let penalty = penalty(documents)?.map(|penalty| match documents.events {
                    EventsFrom::Own => penalty,
                    EventsFrom::Handover => penalty.only_enforcing(),
                });
                // Where no document is for this workload, nobody is in the box, and nothing is limited.
                let open = if penalty.is_none() {
                    Some(QuotaCompiler::new(false).finish(documents.peer)?)
                } else {
                    None
                };
                Self { first: penalty, second: open }
            }
            Some(Role::Quota) => {
                check_role(documents, QUOTA_KIND, "quota", "penalty")?;
                let tokens = documents.claims == ClaimsFrom::Handover;
                Self { first: None, second: Some(limits(documents, tokens)?) }
            }
            // The envelope's reader has demanded it.
            None => Self { first: None, second: None },
        };
        Ok((chain, documents.log_only()))
    }
}

/// Makes the penalty box of the `Detection` document, if there is one. It enforces and detects.
pub(crate) fn penalty(documents: &Documents<'_>) -> Result<Option<Penalty>, Refusal> {
    let mut detections = documents.documents.iter().filter(|(_, kind, _)| kind == PENALTY_KIND);
    let Some((path, _, json)) = detections.next() else { return Ok(None) };
    if let Some((second, _, _)) = detections.next() {
        return Err(second_detection(second));
    }
    compile_detection(path, json, documents.peer).map(Some)
}

/// Makes the limits of the `RateLimit` documents; without one nothing is limited. `tokens`: whether anybody verifies tokens.
pub(crate) fn limits(documents: &Documents<'_>, tokens: bool) -> Result<Quota, Refusal> {
    let mut compiler = QuotaCompiler::new(tokens);
    for (path, _, json) in documents.documents.iter().filter(|(_, kind, _)| kind == QUOTA_KIND) {
        compiler.add(path, json);
    }
    compiler.finish(documents.peer)
}

/// A role reads its own kind, and must have a document of it.
fn check_role(documents: &Documents<'_>, kind: &str, role: &str, other: &str) -> Result<(), Refusal> {
    let foreign = documents.documents.iter().filter(|(_, other, _)| other != kind);
    let mut problems: Vec<Problem> = foreign
        .map(|(path, foreign, _)| {
            let message = format!("role `{role}` does not read `{foreign}`");
            let help = format!("put it into the plugin whose role is `{other}`");
            problem(Code::OtherRole, format!("{path}.kind"), message, help)
        })
        .collect();
    if documents.is_empty {
        let message = format!("role `{role}` without a `{kind}` document has nothing to do");
        problems.push(problem(Code::NothingToDo, "documents", message, format!("write a `{kind}` document")));
    }
    if problems.is_empty() { Ok(()) } else { Err(Refusal { problems }) }
}
