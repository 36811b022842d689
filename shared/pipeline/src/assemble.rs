//! From a configuration's bytes to a stage.

use meshward_config::{
    MAX_CONFIGURATION_BYTES, PeerFrom, PeerVerifiedBy, RawEnvelope, WhenNothingApplies, closest, parse,
    problem, split_documents,
};
use meshward_identity::{Settings, Source, VerifiedBy};
use meshward_model::{Code, Needs, Refusal, Stage};

use crate::Names;

/// A stage that can be made of documents.
pub trait Assemble: Stage + Sized + 'static {
    /// The kinds of documents that the stage reads.
    const KINDS: &'static [&'static str];

    /// What its plugin counts, and as what.
    const NAMES: Names;

    /// Makes the stage; every document's kind is one of [`Assemble::KINDS`].
    ///
    /// # Errors
    /// Every problem found.
    fn assemble(documents: &Documents<'_>) -> Result<Self, Refusal>;
}

/// The documents of a configuration, sorted out but not yet read.
#[derive(Debug)]
pub struct Documents<'a> {
    /// (path, kind, JSON text), in the order of the configuration.
    pub documents: Vec<(String, String, &'a str)>,
    /// What happens to a request when no document applies.
    pub when_nothing_applies: WhenNothingApplies,
    /// What reading the peer takes.
    pub peer: Needs,
}

/// The kinds that some plugin of meshward reads, now or later.
const OTHER_KINDS: [&str; 6] =
    ["Authentication", "RateLimit", "Detection", "EventSink", "RequestAuthentication", "PeerAuthentication"];

/// Parses the envelope and assembles the stage.
pub(crate) fn assemble<S: Assemble>(configuration: &[u8]) -> Result<(S, Settings), Refusal> {
    if configuration.len() > MAX_CONFIGURATION_BYTES {
        let message = format!("{} bytes, at most {MAX_CONFIGURATION_BYTES} are read", configuration.len());
        return Err(problem(Code::TooLarge, "", message, "split the configuration by workload").into());
    }
    if configuration.is_empty() {
        let help = "give the plugin a PluginConfig; `policies/` has examples to copy";
        return Err(problem(Code::NothingThere, "", "there is no configuration", help).into());
    }
    let text = core::str::from_utf8(configuration).map_err(|error| {
        problem(Code::NotUtf8, "", format!("not UTF-8: {error}"), "save the configuration as UTF-8")
    })?;
    let envelope: RawEnvelope = parse(text, "").map_err(|mut wrong| {
        if wrong.message == "missing field `peerVerifiedBy`" || wrong.path == "peerVerifiedBy" {
            wrong.help = "write `peerVerifiedBy: transport` on Istio (STRICT or PERMISSIVE) and Consul; `connection` only where the listener accepts unverified client certificates (needs Envoy 1.40 and no TLS session resumption)".to_owned();
        }
        wrong
    })?;
    let settings = settings(&envelope)?;
    let documents = split_documents(&envelope.documents).map_err(|problems| Refusal { problems })?;
    let problems: Vec<_> = documents
        .iter()
        .filter(|(_, kind, _)| !S::KINDS.contains(&kind.as_str()))
        .map(|(path, kind, _)| foreign_kind(path, kind, S::KINDS))
        .collect();
    if !problems.is_empty() {
        return Err(Refusal { problems });
    }
    let stage = S::assemble(&Documents {
        documents,
        when_nothing_applies: envelope.when_nothing_applies,
        peer: settings.needs(),
    })?;
    Ok((stage, settings))
}

fn settings(envelope: &RawEnvelope) -> Result<Settings, Refusal> {
    let source = match envelope.peer_from {
        PeerFrom::Connection => Source::Connection,
        PeerFrom::FilterState => Source::FilterState,
    };
    let verified_by = match envelope.peer_verified_by {
        PeerVerifiedBy::Transport => VerifiedBy::Transport,
        PeerVerifiedBy::Connection => VerifiedBy::Connection,
    };
    Settings::new(source, verified_by).map_err(|error| {
        let help = "write `peerVerifiedBy: transport`, or `peerFrom: connection`";
        problem(Code::NothingVerifiesPeer, "peerVerifiedBy", error.to_string(), help).into()
    })
}

fn foreign_kind(path: &str, kind: &str, known: &[&str]) -> meshward_model::Problem {
    let path = format!("{path}.kind");
    if OTHER_KINDS.contains(&kind) {
        return problem(
            Code::ForeignKind,
            path,
            format!("this plugin does not read `{kind}`"),
            format!("it reads {}", known.join(", ")),
        );
    }
    let help = match closest(kind, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("this plugin reads {}", known.join(", ")),
    };
    problem(Code::UnknownKind, path, format!("unknown kind `{kind}`"), help)
}
