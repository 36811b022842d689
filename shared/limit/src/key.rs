//! What a bucket is for: callers that are alike in every part of the key share one.

use meshward_http::template::Template;
use meshward_model::Request;
use sha2::{Digest, Sha256};

use crate::slot::Fingerprint;

/// A part of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyPart {
    /// The peer's verified SPIFFE ID.
    Peer,
    /// Its trust domain and namespace.
    Namespace,
    /// Issuer and subject of the verified token.
    Subject,
    /// All values of a header, whose name is in lower case.
    Header(Box<[u8]>),
    /// Which template the path matches first.
    PathTemplate(Vec<Template>),
}

/// The key of one request, as bytes that no two keys of a limit share. Its memory is used again for the next one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    /// The longest key whose memory is kept, in bytes: a header's values may be long.
    const KEPT_BYTES: usize = 1_024;

    /// Becomes the key of `request`; `path` is its canonical path, if it has one. A part that the request lacks is "absent": all that
    /// lack it are alike, and none of them goes free.
    pub(crate) fn set(&mut self, parts: &[KeyPart], request: &Request, path: Option<&str>) {
        self.0.clear();
        self.0.shrink_to(Self::KEPT_BYTES);
        for part in parts {
            add(&mut self.0, part, request, path);
        }
    }

    /// The key's bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Which bucket it is among those of all limits; `limit` tells the limit.
    #[inline(never)]
    pub(crate) fn fingerprint(&self, limit: &[u8]) -> Fingerprint {
        let mut hash = Sha256::new();
        hash.update(limit);
        hash.update(&self.0);
        let digest: [u8; 32] = hash.finalize().into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        Fingerprint(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
    }
}

fn add(key: &mut Vec<u8>, part: &KeyPart, request: &Request, path: Option<&str>) {
    match part {
        KeyPart::Peer => match request.peer.spiffe_id() {
            Some(id) => put(key, &[id.as_str().as_bytes()]),
            None => absent(key),
        },
        KeyPart::Namespace => match request.peer.spiffe_id().and_then(|id| Some((id, id.namespace()?))) {
            Some((id, namespace)) => put(key, &[id.trust_domain().as_bytes(), namespace.as_bytes()]),
            None => absent(key),
        },
        KeyPart::Subject => {
            match request.token.as_ref().and_then(|token| Some((&token.issuer, token.subject.as_ref()?))) {
                Some((issuer, subject)) => put(key, &[issuer.as_bytes(), subject.as_bytes()]),
                None => absent(key),
            }
        }
        KeyPart::Header(name) => {
            // A proxy may join values with a comma (RFC 9110 §5.3): repeated and joined are alike.
            let values: Vec<&[u8]> = request.headers.all(name).collect();
            if values.is_empty() { absent(key) } else { put(key, &[&values.join(&b","[..])]) }
        }
        KeyPart::PathTemplate(templates) => {
            let first =
                path.and_then(|path| templates.iter().position(|template| template.matches(path.as_bytes())));
            match first {
                Some(at) => put(key, &[&at.to_le_bytes()]),
                None => absent(key),
            }
        }
    }
}

fn absent(key: &mut Vec<u8>) {
    key.push(0);
}

/// Each field with its length in front, so that no two lists of fields make the same bytes.
fn put(key: &mut Vec<u8>, fields: &[&[u8]]) {
    key.push(1);
    for field in fields {
        key.extend_from_slice(&field.len().to_le_bytes());
        key.extend_from_slice(field);
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "key_tests.rs"]
mod tests;
