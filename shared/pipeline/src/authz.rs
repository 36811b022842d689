//! The `authz` plugin: a pipeline of one stage.

use meshward_model::{Counter, DocumentKind, Refusal};
use meshward_policy::{AccessControl, Compiler};

use crate::{Assemble, Documents, Names, Pipeline, names};

/// May this caller do this?
pub type Authz = Pipeline<AccessControl>;

const NAMES: Names = names!("authz");

/// Requests that went on.
pub const ALLOWED: Counter = NAMES.allowed;
/// Requests that were refused.
pub const DENIED: Counter = NAMES.denied;
/// Requests that shadow documents would have refused.
pub const SHADOW_DENIED: Counter = NAMES.shadow_denied;
/// The worker's memory, in bytes.
pub const MEMORY_GAUGE: &str = NAMES.memory_gauge;

impl Assemble for AccessControl {
    const NAMES: Names = NAMES;
    const KINDS: &'static [&'static str] =
        &[DocumentKind::AccessPolicy.as_str(), DocumentKind::AuthorizationPolicy.as_str()];

    fn assemble(documents: &Documents<'_>) -> Result<Self, Refusal> {
        let mut compiler = Compiler::default();
        for (path, kind, json) in &documents.documents {
            let kind = if kind == DocumentKind::AccessPolicy.as_str() {
                DocumentKind::AccessPolicy
            } else {
                DocumentKind::AuthorizationPolicy
            };
            compiler.add(path, kind, json);
        }
        compiler.finish(documents.when_nothing_applies, documents.peer)
    }
}
