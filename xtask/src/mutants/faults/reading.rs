//! Faults in how a request is read: identity, SPIFFE IDs, headers, hosts, paths.

use super::Fault;

const RESOLVE: &str = "shared/identity/src/resolve.rs";
const SPIFFE_ID: &str = "shared/model/src/spiffe_id.rs";

pub(crate) const FAULTS: &[Fault] = &[
    Fault {
        name: "a peer that nobody verified is taken",
        file: RESOLVE,
        from: "(VerifiedBy::Transport, _) | (VerifiedBy::Connection, Some(true)) => {",
        to: "(VerifiedBy::Transport, _) | (VerifiedBy::Connection, Some(true) | None) => {",
    },
    Fault {
        name: "the first of several names in filter state is taken",
        file: RESOLVE,
        from: "Some(names) if names.contains(&b',') => Err(PeerError::Several),",
        to: "Some(names) if names.contains(&b',') => caller(names.split(|byte| *byte == b',').next().unwrap_or_default().to_vec()),",
    },
    Fault {
        name: "a name that is no SPIFFE ID is nobody's",
        file: RESOLVE,
        from: "let id = SpiffeId::from_bytes(name)?;",
        to: "let Ok(id) = SpiffeId::from_bytes(name) else { return Ok(Peer::Anonymous(Anonymous::NoIdentity)) };",
    },
    Fault {
        name: "a trust domain alone is a caller",
        file: RESOLVE,
        from: "if id.path().is_empty() { Err",
        to: "if id.path() == \"/\" { Err",
    },
    Fault {
        name: "a SPIFFE ID may end with a slash",
        file: SPIFFE_ID,
        from: "matches!(segment, b\"\" | b\".\" | b\"..\")",
        to: "matches!(segment, b\".\" | b\"..\")",
    },
    Fault {
        name: "a trust domain may be upper case",
        file: SPIFFE_ID,
        from: "b'A'..=b'Z' => Class::Path,",
        to: "b'A'..=b'Z' => Class::Anywhere,",
    },
    Fault {
        name: "of a repeated header the first is the one",
        file: "shared/model/src/headers.rs",
        from: "(Some(_), Some(_)) => Err(NotSingle::Repeated),",
        to: "(Some(value), Some(_)) => Ok(value),",
    },
    Fault {
        name: "authorization is never merged",
        file: "shared/http/src/merged.rs",
        from: "    \"authorization\",",
        to: "    \"authorizatiom\",",
    },
    Fault {
        name: "a host keeps its letter case",
        file: "shared/http/src/host.rs",
        from: "Cow::Owned(text.to_ascii_lowercase())",
        to: "Cow::Owned(text.to_owned())",
    },
    Fault {
        name: "a host keeps its final dot",
        file: "shared/http/src/host.rs",
        from: "    let raw = raw.strip_suffix(b\".\").unwrap_or(raw);\n",
        to: "",
    },
    Fault {
        name: "an encoded slash is let through",
        file: "shared/http/src/path.rs",
        from: "b'/' => Err(PathRefusal::EncodedSlash),",
        to: "b'/' => Ok(()),",
    },
    Fault {
        name: "an empty segment is let through",
        file: "shared/http/src/path.rs",
        from: "Segment::Empty => return Err(PathRefusal::EmptySegment),",
        to: "Segment::Empty => Segment::Empty,",
    },
];
