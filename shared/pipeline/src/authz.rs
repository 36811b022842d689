//! The `authz` plugin: a pipeline of one stage.

use meshward_config::ClaimsFrom;
use meshward_event::LogOnly;
use meshward_model::{Counter, DocumentKind, Refusal, StageId};
use meshward_policy::{AccessControl, Compiler, Tokens};

use crate::assemble::Takes;
use crate::{Assemble, Documents, Names, Owns, Pipeline, names};

/// May this caller do this?
pub type Authz = Pipeline<AccessControl>;

pub(crate) const NAMES: Names = names!("authz", 2);

/// The kinds of documents that say what a caller may do.
pub(crate) const KINDS: [&str; 2] =
    [DocumentKind::AccessPolicy.as_str(), DocumentKind::AuthorizationPolicy.as_str()];

/// Requests that went on.
pub const ALLOWED: Counter = NAMES.allowed;
/// Requests that were refused.
pub const DENIED: Counter = NAMES.denied;
/// Requests that shadow documents would have refused.
pub const SHADOW_DENIED: Counter = NAMES.shadow_denied;
/// The worker's memory, in bytes.
pub const MEMORY_GAUGE: &str = NAMES.memory_gauge;

impl Owns for AccessControl {
    fn owns(id: StageId) -> bool {
        id == StageId::Authz
    }
}

impl Assemble for AccessControl {
    type Recorder = LogOnly;

    const NAMES: Names = NAMES;
    const KINDS: &'static [&'static str] = &KINDS;
    const COUNTERS: &'static [Counter] = &[ALLOWED, DENIED, SHADOW_DENIED];
    const TAKES: Takes = Takes { claims: true, events: true, role: false };

    fn assemble(documents: &Documents<'_>) -> Result<(Self, LogOnly), Refusal> {
        let tokens = documents.claims == ClaimsFrom::Handover;
        Ok((access_control(documents, tokens)?, documents.log_only()))
    }
}

/// Makes the stage of those documents that say what a caller may do. `tokens`: whether anybody verifies tokens.
pub(crate) fn access_control(documents: &Documents<'_>, tokens: bool) -> Result<AccessControl, Refusal> {
    let mut compiler = Compiler::new(if tokens { Tokens::Verified } else { Tokens::Unverified });
    for (path, kind, json) in &documents.documents {
        let kind = match kind.as_str() {
            known if known == DocumentKind::AccessPolicy.as_str() => DocumentKind::AccessPolicy,
            known if known == DocumentKind::AuthorizationPolicy.as_str() => DocumentKind::AuthorizationPolicy,
            _ => continue,
        };
        compiler.add(path, kind, json);
    }
    compiler.finish(documents.when_nothing_applies, documents.peer)
}
