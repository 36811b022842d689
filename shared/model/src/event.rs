//! What is written down of a request: fields chosen by name, so that a secret has nowhere to stand.

use crate::{Node, Peer, Reason, RuleId, UnixMillis};

/// Whether the control acted or only watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// The request was refused.
    Denied,
    /// The request went on; a shadow document would have refused it.
    WouldDeny,
}

/// One decision that matters. There is no field for a header, a query or a body: what has no field cannot leak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<'a> {
    /// When it was decided.
    pub time: UnixMillis,
    /// Refused, or would have been.
    pub kind: EventKind,
    /// Why.
    pub reason: Reason,
    /// The rule that decided, if one did.
    pub rule: Option<RuleId>,
    /// The status that the caller was given; for [`EventKind::WouldDeny`] the one it would have been.
    pub status: u16,
    /// Who called.
    pub peer: &'a Peer,
    /// The method, as sent; empty when unknown.
    pub method: &'a [u8],
    /// The host, as sent; empty when unknown.
    pub authority: &'a [u8],
    /// The path as sent, without query and fragment; empty when unknown.
    pub path: &'a [u8],
    /// `x-request-id`, if it stands once; empty else.
    pub request_id: &'a [u8],
    /// The port that was called, when known.
    pub destination_port: Option<u16>,
    /// The proxy that decided.
    pub node: &'a Node,
}
