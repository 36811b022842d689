//! Near misses: which ALLOW rule was nearest to a request that none of them matched, and what it missed.
//!
//! Nothing of this runs for a request that goes on. What is nearest is a matter of weights: a rule about another path or host is
//! about something else, a rule about this path and another caller is about this; a method, a header or a claim is missed most
//! easily. Rules of the same distance: the first one.

use meshward_model::{Missed, NearMiss};

use crate::matching::operation::{Operation, OperationField, PathMatcher, Target};
use crate::matching::peer::{self, PeerMatcher};
use crate::matching::{Field, address, claim};
use crate::pattern::Pattern;
use crate::rule::{Rule, Source, Subject};
use crate::truth::Truth;

/// How many parts are named; a rule that misses more is not near.
const MOST_PARTS: usize = 8;

/// What it weighs to miss the path.
const PATH: u32 = 16;
/// What it weighs to miss the host or the port.
const HOST: u32 = 12;
/// What it weighs to miss a part of the caller.
const CALLER: u32 = 6;
/// What it weighs to miss the method.
const METHOD: u32 = 4;
/// What it weighs to miss anything else.
const OTHER: u32 = 4;

/// The nearest of `rules`, none of which holds for certain.
pub(crate) fn nearest<'r>(
    rules: impl Iterator<Item = &'r Rule>,
    subject: &Subject<'_>,
) -> Option<Box<NearMiss>> {
    let rule = rules.min_by_key(|rule| distance(&rule.misses(subject)))?;
    told(rule, subject)
}

/// What of `rule` does not hold for certain; `None` when all of it does.
pub(crate) fn told(rule: &Rule, subject: &Subject<'_>) -> Option<Box<NearMiss>> {
    let missed: Vec<Missed> = rule.misses(subject).into_iter().take(MOST_PARTS).map(Miss::told).collect();
    if missed.is_empty() { None } else { Some(Box::new(NearMiss { rule: rule.id.clone(), missed })) }
}

/// A part of a rule that does not hold.
#[derive(Debug, Clone, Copy)]
struct Miss {
    part: Part,
    weight: u32,
    open: bool,
}

/// Where a part stands.
#[derive(Debug, Clone, Copy)]
enum Part {
    From(usize, &'static str),
    To(usize, &'static str),
    When(usize),
}

impl Miss {
    /// What `truth` says of the part; `None` when it holds.
    fn of(truth: Truth, weight: u32, part: Part) -> Option<Self> {
        let open = match truth {
            Truth::Yes => return None,
            Truth::Maybe => true,
            Truth::No => false,
        };
        Some(Self { part, weight, open })
    }

    fn told(self) -> Missed {
        let place = match self.part {
            Part::From(at, field) => format!("from[{at}].source.{field}"),
            Part::To(at, field) => format!("to[{at}].operation.{field}"),
            Part::When(at) => format!("when[{at}]"),
        };
        Missed { place, open: self.open }
    }
}

/// What is open is nearer than what does not hold.
fn distance(misses: &[Miss]) -> u32 {
    misses.iter().fold(0, |sum, miss| sum.saturating_add(miss.weight).saturating_sub(miss.open.into()))
}

impl Rule {
    /// What does not hold: of `from` and `to` in the entry that is nearest, of `when` every one.
    fn misses(&self, subject: &Subject<'_>) -> Vec<Miss> {
        let operations = self.to.iter().enumerate();
        let to = operations.map(|(at, operation)| operation.misses(at, &subject.target));
        let sources = self.from.iter().enumerate();
        let from = sources.map(|(at, source)| source.misses(at, subject));
        let when = self
            .when
            .iter()
            .enumerate()
            .filter_map(|(at, condition)| Miss::of(condition.truth(subject), OTHER, Part::When(at)));
        let mut misses = to.min_by_key(|misses| distance(misses)).unwrap_or_default();
        misses.extend(from.min_by_key(|misses| distance(misses)).unwrap_or_default());
        misses.extend(when);
        misses
    }
}

impl Operation {
    fn misses(&self, at: usize, target: &Target<'_>) -> Vec<Miss> {
        let miss = |field: &OperationField| {
            let (weight, name) = field.named(target);
            Miss::of(field.truth(target), weight, Part::To(at, name))
        };
        self.fields.iter().filter_map(miss).collect()
    }
}

impl OperationField {
    /// What it weighs to miss it, and which of its two names it has missed.
    fn named(&self, target: &Target<'_>) -> (u32, &'static str) {
        match self {
            Self::Hosts(hosts) => {
                (HOST, missed(hosts, ["hosts", "notHosts"], |one| Self::Hosts(one).truth(target)))
            }
            Self::Ports(ports) => {
                (HOST, missed(ports, ["ports", "notPorts"], |one| Self::Ports(one).truth(target)))
            }
            Self::Methods(methods) => {
                (METHOD, missed(methods, ["methods", "notMethods"], |one| Self::Methods(one).truth(target)))
            }
            Self::Paths(paths) => {
                let weight = PATH.saturating_sub(alike(paths, target.path.unwrap_or_default()));
                (weight, missed(paths, ["paths", "notPaths"], |one| Self::Paths(one).truth(target)))
            }
            Self::Grpc(_) => (PATH, "grpc"),
        }
    }
}

/// How much of its beginning the path has in common with the most alike of `paths`: two for each segment, eight at the most.
fn alike(paths: &Field<PathMatcher>, path: &[u8]) -> u32 {
    let segments = || path.strip_prefix(b"/").unwrap_or(path).split(|byte| *byte == b'/');
    let count = |matcher: &PathMatcher| match matcher {
        PathMatcher::Pattern(Pattern::Exact(text) | Pattern::Prefix(text)) => {
            let text = text.strip_prefix(b"/").unwrap_or(text).split(|byte| *byte == b'/');
            segments().zip(text).take_while(|(one, other)| one == other).count()
        }
        PathMatcher::Pattern(Pattern::Any | Pattern::Suffix(_)) => 0,
        PathMatcher::Template(template) => {
            let own = segments().enumerate().zip(template.literals());
            own.take_while(|((at, one), (place, other))| at == place && one == other).count()
        }
    };
    let most = paths.any.iter().map(count).max().unwrap_or_default();
    u32::try_from(most).unwrap_or(u32::MAX).saturating_mul(2).min(8)
}

impl Source {
    fn misses(&self, at: usize, subject: &Subject<'_>) -> Vec<Miss> {
        let Self { fields, token, remote } = self;
        let peer = |field: &Field<PeerMatcher>| peer::truth(field, subject.peer, subject.strict);
        let mut misses = Vec::new();
        for field in fields {
            let name = missed(field, peer_names(field), |one| peer(&one));
            misses.extend(Miss::of(peer(field), CALLER, Part::From(at, name)));
        }
        if let Some(field) = token {
            let names = ["requestPrincipals", "notRequestPrincipals"];
            let truth = |field: &Field<_>| claim::principal_truth(field, subject.token, subject.strict);
            let name = missed(field, names, |one| truth(&one));
            misses.extend(Miss::of(truth(field), CALLER, Part::From(at, name)));
        }
        if let Some(field) = remote {
            let truth = |field: &Field<_>| address::truth(field, subject.remote, subject.strict);
            let name = missed(field, ["remoteIpBlocks", "notRemoteIpBlocks"], |one| truth(&one));
            misses.extend(Miss::of(truth(field), CALLER, Part::From(at, name)));
        }
        misses
    }
}

/// The names of a field that speaks of the peer.
fn peer_names(field: &Field<PeerMatcher>) -> [&'static str; 2] {
    // All values of a field are of one kind, but for Istio's trust domain `*`, which is any principal.
    match field.any.last().or(field.none.last()) {
        Some(PeerMatcher::Namespace(_) | PeerMatcher::IstioNamespace(_)) => ["namespaces", "notNamespaces"],
        Some(PeerMatcher::ServiceAccount { .. } | PeerMatcher::IstioServiceAccount { .. }) => {
            ["serviceAccounts", "notServiceAccounts"]
        }
        Some(PeerMatcher::TrustDomain(_) | PeerMatcher::IstioTrustDomain { .. }) => {
            ["trustDomains", "notTrustDomains"]
        }
        Some(PeerMatcher::Principal(_)) | None => ["principals", "notPrincipals"],
    }
}

/// Which of a field's two names it is that does not hold: `x`, or `notX`.
fn missed<M: Clone>(
    field: &Field<M>,
    [name, not_name]: [&'static str; 2],
    truth: impl Fn(Field<M>) -> Truth,
) -> &'static str {
    let positive = || truth(Field { any: field.any.clone(), none: Vec::new() });
    if field.any.is_empty() || (!field.none.is_empty() && positive() == Truth::Yes) { not_name } else { name }
}
