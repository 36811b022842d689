//! What is written down: fields chosen by name, so that a secret has nowhere to stand.

use std::borrow::Cow;

use crate::{NearMiss, Peer, Reason, RuleId, StageId, UnixMillis};

/// Something worth writing down.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// A request was refused, or would have been.
    Decision(DecisionEvent<'a>),
    /// A detector's conclusion about a caller, or what became of the caller.
    Finding(Finding),
    /// Something of our own does not work, or works again.
    Trouble(Trouble),
}

/// Whether the control acted or only watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// The request was refused.
    Denied,
    /// The request went on; a shadow document would have refused it.
    WouldDeny,
}

/// One decision that matters. There is no field for a header, a query or a body: what has no field cannot leak.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionEvent<'a> {
    /// When it was decided.
    pub time: UnixMillis,
    /// Refused, or would have been.
    pub kind: EventKind,
    /// Why.
    pub reason: Reason,
    /// The rule that decided, if one did.
    pub rule: Option<RuleId>,
    /// What was nearest, or could not be ruled out.
    pub near: Option<Box<NearMiss>>,
    /// What the proxy's own filter that refused it says of that, where it was none of ours.
    pub native_details: Option<Cow<'a, [u8]>>,
    /// The status that the caller was given; for [`EventKind::WouldDeny`] the one it would have been.
    pub status: u16,
    /// Who called.
    pub peer: Cow<'a, Peer>,
    /// The method, as sent; empty when unknown.
    pub method: Cow<'a, [u8]>,
    /// The host, as sent; empty when unknown.
    pub authority: Cow<'a, [u8]>,
    /// The path as sent, without query and fragment; empty when unknown.
    pub path: Cow<'a, [u8]>,
    /// `x-request-id`, if it stands once; empty else.
    pub request_id: Cow<'a, [u8]>,
    /// The port that was called, when known.
    pub destination_port: Option<u16>,
}

impl DecisionEvent<'_> {
    /// The same, with nothing borrowed.
    pub fn into_owned(self) -> DecisionEvent<'static> {
        let owned = |bytes: Cow<'_, [u8]>| Cow::Owned(bytes.into_owned());
        let Self { time, kind, reason, rule, near, status, destination_port, .. } = self;
        DecisionEvent {
            time,
            kind,
            reason,
            rule,
            near,
            native_details: self.native_details.map(owned),
            status,
            peer: Cow::Owned(self.peer.into_owned()),
            method: owned(self.method),
            authority: owned(self.authority),
            path: owned(self.path),
            request_id: owned(self.request_id),
            destination_port,
        }
    }
}

/// What is concluded of a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// When.
    pub time: UnixMillis,
    /// The same for everything that is said of one stay in the penalty box, and for nothing else in this mesh: 32 hexadecimal digits.
    pub id: String,
    /// What has changed for the caller.
    pub change: Change,
    /// The detector whose hit brought it about; `None` for a release.
    pub detector: Option<&'static str>,
    /// Who: a SPIFFE ID, or an IP address.
    pub caller: String,
    /// The caller's score then.
    pub score: u32,
    /// The score at which this happens.
    pub threshold: u32,
    /// How often the caller has been in quarantine, this time included.
    pub strikes: u32,
    /// Whether it is only watched and nothing done.
    pub simulated: bool,
}

/// What has changed for a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is conspicuous.
    Noted,
    /// It is slowed down.
    Throttled,
    /// Nothing of it is let through.
    Quarantined {
        /// Until when.
        until: UnixMillis,
    },
    /// It is free again.
    Released,
}

/// Something of our own does not work, or works again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// When.
    pub time: UnixMillis,
    /// The stage that it happened to.
    pub stage: StageId,
    /// What it is: `snake_case`, stable.
    pub what: &'static str,
    /// A sentence for people, without anything that a caller sent.
    pub message: String,
    /// How often it happened since it was last said.
    pub count: u64,
    /// Whether it is over.
    pub over: bool,
}
