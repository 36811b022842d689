//! From a configuration's bytes to a stage.

use meshward_config::{
    ClaimsFrom, EventsFrom, Named, PeerFrom, PeerVerifiedBy, RawEnvelope, Role, Selected, WhenNothingApplies,
    closest, problem,
};
use meshward_event::{LogOnly, Recorder, Shown, is_host, is_path, words};
use meshward_identity::{Settings, Source, VerifiedBy};
use meshward_model::{Code, Counter, Needs, Node, Problem, Reason, Refusal, Stage};

use crate::{Names, Owns};

/// A stage, or a chain of them, that can be made of documents: what makes a plugin of the pipeline.
pub trait Assemble: Stage + Owns + Sized + 'static {
    /// Where the plugin's events go.
    type Recorder: Recorder;

    /// The kinds of documents that the plugin reads.
    const KINDS: &'static [&'static str];

    /// What is counted of the plugin where no stage is to be named, and how it names its memory and its questions.
    const NAMES: Names;

    /// What is counted of the stage that gives `reason`.
    fn names(&self, _reason: Reason) -> &'static Names {
        const { &Self::NAMES }
    }

    /// Every counter that it may increment.
    const COUNTERS: &'static [Counter];

    /// Which fields of the envelope it reads that are not everybody's.
    const TAKES: Takes;

    /// Whether it hands over to the plugin after it.
    const HANDS_OVER: bool = false;

    /// Whether it may refuse a request, and so has something of its own to say of one.
    const DECIDES: bool = true;

    /// Whether it writes the events of other plugins and filters of the chain.
    const WATCHES: bool = false;

    /// Whether it reads what other plugins have noted of a request.
    const READS_NOTES: bool = false;

    /// Makes the stage and the recorder; every document's kind is one of [`Assemble::KINDS`].
    ///
    /// # Errors
    /// Every problem found.
    fn assemble(documents: &Documents<'_>) -> Result<(Self, Self::Recorder), Refusal>;
}

/// Which fields of the envelope a plugin reads that are not everybody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Takes {
    /// `claims`.
    pub claims: bool,
    /// `events`.
    pub events: bool,
    /// `role`; then it must be there.
    pub role: bool,
}

/// The documents of a configuration that are for this workload, not yet read, and the envelope's own fields.
#[derive(Debug)]
pub struct Documents<'a> {
    /// (path, kind, JSON text), in the order of the configuration.
    pub documents: Vec<Selected<'a>>,
    /// What happens to a request when no document applies.
    pub when_nothing_applies: WhenNothingApplies,
    /// What reading the peer takes.
    pub peer: Needs,
    /// Where claims come from.
    pub claims: ClaimsFrom,
    /// Who writes events.
    pub events: EventsFrom,
    /// Which part of the `ratelimit` plugin it is.
    pub role: Option<Role>,
    /// What of a request events may show: what the documents name.
    pub shown: Shown,
    /// Whether the configuration holds no document at all, for any workload.
    pub is_empty: bool,
}

impl Documents<'_> {
    /// The recorder of a plugin that has no sinks of its own.
    pub fn log_only(&self) -> LogOnly {
        LogOnly::new(self.shown.clone())
    }
}

/// What of a request events may show: what the documents name, whomever they are for, and what others do, as the envelope says.
fn shown<'d>(documents: impl Iterator<Item = &'d str>, others: &[String]) -> Shown {
    let mut named = Named::default();
    for json in documents {
        named.add(json);
    }
    let mut shown = Shown::default();
    named.paths.iter().for_each(|path| shown.add_path(path));
    named.hosts.iter().for_each(|host| shown.add_host(host));
    for name in others {
        if name.starts_with('/') { shown.add_path(name) } else { shown.add_host(name) }
    }
    shown
}

/// What cannot be shown must not stand there as if it could.
pub(crate) fn unshowable(named: &[String]) -> impl Iterator<Item = Problem> {
    named.iter().enumerate().filter_map(|(at, name)| {
        let (message, help) = if is_path(name) {
            if words(name).next().is_some() {
                return None;
            }
            let help = "leave it out: every segment that is not named is written as `{*}`";
            (format!("`{name}` holds no word that could be shown"), help)
        } else if is_host(name) {
            return None;
        } else {
            let help = "write paths as policies do, `/v1/orders/{*}`, and whole hosts, without port";
            (format!("`{name}` is no path and no host"), help)
        };
        Some(problem(Code::BadShown, format!("named[{at}]"), message, help))
    })
}

/// What is made of a configuration.
#[derive(Debug)]
pub(crate) struct Assembled<S, R> {
    pub(crate) stage: S,
    pub(crate) recorder: R,
    pub(crate) identity: Settings,
    pub(crate) claims: ClaimsFrom,
    pub(crate) events: EventsFrom,
}

/// The kinds that some plugin of meshward reads, now or later.
const OTHER_KINDS: [&str; 6] =
    ["Authentication", "RateLimit", "Detection", "EventSink", "RequestAuthentication", "PeerAuthentication"];

/// Parses the envelope and assembles the stage of the documents that are for this workload.
pub(crate) fn assemble<S: Assemble>(
    configuration: &[u8],
    node: &Node,
) -> Result<Assembled<S, S::Recorder>, Refusal> {
    let envelope = RawEnvelope::read(configuration)?;
    let settings = settings(&envelope)?;
    let mut problems = misplaced_fields(&envelope, S::TAKES);
    problems.extend(unshowable(&envelope.named));
    let selected = envelope.documents_for(node);
    let documents = selected.unwrap_or_else(|unclear| {
        problems.extend(unclear);
        Vec::new()
    });
    let foreign = documents
        .iter()
        .filter(|(_, kind, _)| !S::KINDS.contains(&kind.as_str()))
        .map(|(path, kind, _)| foreign_kind(path, kind, S::KINDS));
    problems.extend(foreign);
    if !problems.is_empty() {
        return Err(Refusal { problems });
    }
    let claims = envelope.claims.map(|claims| claims.from).unwrap_or_default();
    let events = envelope.events.unwrap_or_default();
    let shown = shown(envelope.documents.iter().map(|json| json.get()), &envelope.named);
    let (stage, recorder) = S::assemble(&Documents {
        documents,
        shown,
        when_nothing_applies: envelope.when_nothing_applies,
        peer: settings.needs(),
        claims,
        events,
        role: envelope.role,
        is_empty: envelope.documents.is_empty(),
    })?;
    Ok(Assembled { stage, recorder, identity: settings, claims, events })
}

/// A field that the plugin does not read must not stand there as if it did.
pub(crate) fn misplaced_fields(envelope: &RawEnvelope, takes: Takes) -> Vec<Problem> {
    let there = [
        ("claims", envelope.claims.is_some(), takes.claims, "only the `authz` plugin reads it; take it away"),
        (
            "events",
            envelope.events.is_some(),
            takes.events,
            "this plugin writes its events itself; take it away",
        ),
        ("role", envelope.role.is_some(), takes.role, "only the `ratelimit` plugin has roles; take it away"),
    ];
    let misplaced = there.into_iter().filter(|(_, there, takes, _)| *there && !takes);
    let mut problems: Vec<_> = misplaced
        .map(|(field, _, _, help)| {
            problem(Code::FieldOfAnotherPlugin, field, format!("this plugin does not read `{field}`"), help)
        })
        .collect();
    if takes.role && envelope.role.is_none() {
        let help =
            "write `role: penalty` for the plugin before `authn`, `role: quota` for the one after `authz`";
        problems.push(problem(Code::MissingField, "role", "missing field `role`", help));
    }
    problems
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

fn foreign_kind(path: &str, kind: &str, known: &[&str]) -> Problem {
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
