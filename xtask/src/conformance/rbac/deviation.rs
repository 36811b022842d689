//! Where we differ from Envoy's filter on purpose. Each is a predicate over one pair, narrow enough that a fault of ours does not
//! hide in it; `docs/conformance.md` says why.

use super::facts::Caller;
use super::pair::Pair;
use super::verdict::Verdict;

/// A difference that is meant.
pub(super) struct Deviation {
    pub(super) name: &'static str,
    holds: fn(&Pair, &Verdict, &Verdict) -> bool,
}

/// All of them.
pub(super) static DEVIATIONS: [Deviation; 2] = [
    Deviation {
        name: "the certificate names no workload by a SPIFFE ID: refused before any rule",
        holds: names_no_workload,
    },
    Deviation {
        name: "the certificate has several URI names: only the first is seen",
        holds: has_several_names,
    },
];

/// Which deviation explains that the engines differ.
pub(super) fn explains(pair: &Pair, native: &Verdict, ours: &Verdict) -> Option<usize> {
    DEVIATIONS.iter().position(|deviation| (deviation.holds)(pair, native, ours))
}

/// Envoy takes the certificate's DNS name or its subject for a name, or a URI of any kind, a trust domain's own among them.
fn names_no_workload(pair: &Pair, _: &Verdict, ours: &Verdict) -> bool {
    let caller = &pair.connection.caller;
    *caller != Caller::Nobody
        && !caller.is_workload()
        && ours.reason.as_deref() == Some("authn.peer_malformed")
}

/// Envoy's filter tries one after another; a module is shown the first. A certificate of SPIFFE's has exactly one.
fn has_several_names(pair: &Pair, _: &Verdict, _: &Verdict) -> bool {
    matches!(&pair.connection.caller, Caller::Names { uris, .. } if uris.len() > 1)
}
