//! The `authz` plugin: a pipeline of one stage.

use meshward_model::{DocumentKind, Refusal};
use meshward_policy::{AccessControl, Compiler};

use crate::{Assemble, Documents, Pipeline};

/// May this caller do this?
pub type Authz = Pipeline<AccessControl>;

impl Assemble for AccessControl {
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
