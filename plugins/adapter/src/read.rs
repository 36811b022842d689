//! READ: host bytes to a `Head`, only what is needed.

use meshward_abi::property::Path;
use meshward_abi::{pairs, property};
use meshward_model::{Connection, End, EndNeeds, Head, Headers, Needs, Node, RequestId};

use crate::hostcalls::{self, Status};

/// The request could not be read; it is denied, never let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// Reads what `needs` names of the request that is being handled.
pub(crate) fn head(id: RequestId, needs: Needs) -> Result<Head, Unreadable> {
    let headers = if needs.headers { headers()? } else { Headers::default() };
    let uri_san = value(needs.uri_san, Path::URI_SAN_PEER_CERTIFICATE)?;
    let is_nameless = needs.uri_san && uri_san.as_deref().is_none_or(<[u8]>::is_empty);
    let connection = Connection {
        certificate_presented: parsed(is_nameless, Path::MTLS, property::boolean)?,
        uri_san,
        certificate_valid: parsed(needs.certificate_valid, Path::PEER_CERTIFICATE_VALID, property::boolean)?,
        principal_state: value(needs.principal_state, Path::PEER_PRINCIPAL_STATE)?,
        destination_port: parsed(needs.destination_port, Path::DESTINATION_PORT, property::port)?,
        source_address: value(needs.source_address, Path::SOURCE_ADDRESS)?,
    };
    let handover = value(needs.handover, Path::HANDOVER)?;
    Ok(Head { id, headers, connection, handover })
}

/// The status that the caller got, if it got one; what cannot be read is not known.
pub(crate) fn status() -> Option<u16> {
    let bytes = hostcalls::property(Path::RESPONSE_CODE).ok().flatten()?;
    property::port(&bytes).ok().filter(|status| *status > 0)
}

/// Reads how a request ended; what cannot be read is not known.
pub(crate) fn end(status: Option<u16>, needs: EndNeeds) -> End {
    let text = |needed: bool, path| if needed { hostcalls::property(path).ok().flatten() } else { None };
    End {
        status,
        details: text(needs.details, Path::RESPONSE_CODE_DETAILS),
        note: text(needs.note, Path::NOTE),
    }
}

/// Reads what the proxy says of itself.
///
/// # Errors
/// The host's status, where it fails to tell what documents are chosen by. That is not the same as having nothing to tell.
pub(crate) fn node() -> Result<Node, Status> {
    let text = |bytes: Option<Vec<u8>>| String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
    // A null says as little as nothing does, and is the same for every worker.
    let said = |path| match hostcalls::property(path) {
        Err(Status::SERIALIZATION_FAILURE) => Ok(None),
        said => said,
    };
    Ok(Node {
        id: text(hostcalls::property(Path::NODE_ID).ok().flatten()),
        namespace: text(said(Path::NODE_NAMESPACE)?),
        workload: text(hostcalls::property(Path::NODE_WORKLOAD).ok().flatten()),
        labels: said(Path::NODE_LABELS)?.and_then(property::labels),
    })
}

fn headers() -> Result<Headers, Unreadable> {
    let bytes = hostcalls::request_headers().map_err(|_| Unreadable)?;
    // Where there is no map, Envoy answers OK with an empty one; a request without a single header there is not.
    pairs::decode(bytes).ok().filter(|headers| !headers.is_empty()).ok_or(Unreadable)
}

fn value(needed: bool, path: Path) -> Result<Option<Vec<u8>>, Unreadable> {
    if needed { property(path) } else { Ok(None) }
}

/// Once in the module: most plugins read one or two, and skip the others.
#[inline(never)]
fn property(path: Path) -> Result<Option<Vec<u8>>, Unreadable> {
    hostcalls::property(path).map_err(|_| Unreadable)
}

fn parsed<T, E>(
    needed: bool,
    path: Path,
    parse: impl FnOnce(&[u8]) -> Result<T, E>,
) -> Result<Option<T>, Unreadable> {
    match value(needed, path)? {
        Some(bytes) => parse(&bytes).map(Some).map_err(|_| Unreadable),
        None => Ok(None),
    }
}
