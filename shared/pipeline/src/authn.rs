//! The `authn` plugin: a pipeline of one stage, which hands over what it has learned.

use meshward_config::problem;
use meshward_event::LogOnly;
use meshward_model::{Code, Counter, Refusal, StageId};
use meshward_token::Authentication;

use crate::assemble::Takes;
use crate::{Assemble, Documents, Names, Owns, Pipeline, names};

/// Is the caller who it says it is?
pub type Authn = Pipeline<Authentication>;

pub(crate) const NAMES: Names = names!("authn", 1);

/// The kind of document that says what a caller must prove.
pub(crate) const KIND: &str = "Authentication";

impl Owns for Authentication {
    fn owns(id: StageId) -> bool {
        id == StageId::Authn
    }
}

impl Assemble for Authentication {
    type Recorder = LogOnly;

    const NAMES: Names = NAMES;
    const KINDS: &'static [&'static str] = &[KIND];
    const COUNTERS: &'static [Counter] = &[NAMES.allowed, NAMES.denied];
    const TAKES: Takes = Takes { claims: false, events: true, role: false };
    const HANDS_OVER: bool = true;

    fn assemble(documents: &Documents<'_>) -> Result<(Self, LogOnly), Refusal> {
        let help = "add a document of `kind: Authentication` that says what a caller must prove";
        let stage = match authentication(documents)? {
            Some(stage) => stage,
            None if documents.is_empty => {
                return Err(problem(
                    Code::NotOneAuthentication,
                    "documents",
                    "there is no Authentication",
                    help,
                )
                .into());
            }
            None => Authentication::demanding_nothing(documents.peer),
        };
        Ok((stage, documents.log_only()))
    }
}

/// Makes the stage of the one document that says what a caller must prove; `None` where there is none.
pub(crate) fn authentication(documents: &Documents<'_>) -> Result<Option<Authentication>, Refusal> {
    let mut those = documents.documents.iter().filter(|(_, kind, _)| kind == KIND);
    let Some((path, _, json)) = those.next() else { return Ok(None) };
    let stage = Authentication::compile(path, json, documents.peer);
    let more: Vec<_> = those
        .map(|(path, _, _)| {
            let help = "put all issuers and trust domains into one document";
            problem(Code::NotOneAuthentication, path, "a second Authentication", help)
        })
        .collect();
    match (stage, more) {
        (Ok(stage), more) if more.is_empty() => Ok(Some(stage)),
        (Ok(_), problems) => Err(Refusal { problems }),
        (Err(mut problems), more) => {
            problems.extend(more);
            Err(Refusal { problems })
        }
    }
}
