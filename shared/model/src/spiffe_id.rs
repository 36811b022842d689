//! SPIFFE IDs, parsed strictly.

use core::fmt;
use core::ops::Range;

/// A SPIFFE ID that follows the SPIFFE-ID standard to the letter: `spiffe://<trust domain>[/<segment>]…`.
///
/// The type is the proof: there is no way to hold one that was not parsed. Stricter than a URL on purpose: lower-case scheme
/// and trust domain, no port, user, query, fragment or percent-encoding, no empty or dot segment, no trailing slash.
///
/// ```
/// use meshward_model::SpiffeId;
/// let id = SpiffeId::parse(b"spiffe://cluster.local/ns/shop/sa/web").unwrap();
/// assert_eq!((id.trust_domain(), id.namespace(), id.service_account()), ("cluster.local", Some("shop"), Some("web")));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SpiffeId {
    text: String,
    trust_domain_end: usize,
    namespace: Option<Range<usize>>,
    service_account: Option<Range<usize>>,
}

/// Why some bytes are not a SPIFFE ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpiffeIdError {
    /// Over [`SpiffeId::MAX_BYTES`].
    #[error("longer than {} bytes", SpiffeId::MAX_BYTES)]
    TooLong,
    /// Does not begin with `spiffe://`.
    #[error("does not begin with `spiffe://`")]
    Scheme,
    /// Empty, too long, or a byte outside `a-z 0-9 . _ -`.
    #[error(
        "the trust domain must be 1 to {} characters of a-z, 0-9, `.`, `_`, `-`",
        SpiffeId::MAX_TRUST_DOMAIN_BYTES
    )]
    TrustDomain,
    /// An empty or dot segment, a trailing slash, or a byte outside `A-Z a-z 0-9 . _ -`.
    #[error(
        "a path segment must be characters of A-Z, a-z, 0-9, `.`, `_`, `-`, and neither empty, `.` nor `..`"
    )]
    Path,
}

const SCHEME: &[u8] = b"spiffe://";

impl SpiffeId {
    /// The longest SPIFFE ID, in bytes (SPIFFE-ID §2.3).
    pub const MAX_BYTES: usize = 2048;
    /// The longest trust domain, in bytes (SPIFFE-ID §2.1).
    pub const MAX_TRUST_DOMAIN_BYTES: usize = 255;

    /// Parses the bytes of a URI SAN.
    ///
    /// # Errors
    /// [`SpiffeIdError`] says which part breaks the standard.
    pub fn parse(bytes: &[u8]) -> Result<Self, SpiffeIdError> {
        Self::from_bytes(bytes.to_vec())
    }

    /// As [`SpiffeId::parse`], keeping the bytes' memory.
    ///
    /// # Errors
    /// [`SpiffeIdError`] says which part breaks the standard.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, SpiffeIdError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(SpiffeIdError::TooLong);
        }
        let rest = bytes.strip_prefix(SCHEME).ok_or(SpiffeIdError::Scheme)?;
        let trust_domain = rest.iter().take_while(|byte| class(**byte) == Class::Anywhere).count();
        if trust_domain == 0
            || trust_domain > Self::MAX_TRUST_DOMAIN_BYTES
            || rest.get(trust_domain).is_some_and(|byte| *byte != b'/')
        {
            return Err(SpiffeIdError::TrustDomain);
        }
        let trust_domain_end = SCHEME.len().saturating_add(trust_domain);
        let segments = Segments::of(&bytes, trust_domain_end)?;
        let (namespace, service_account) = segments.kubernetes_parts(&bytes);
        let text = String::from_utf8(bytes).map_err(|_| SpiffeIdError::Path)?;
        Ok(Self { text, trust_domain_end, namespace, service_account })
    }

    /// The whole ID, `spiffe://` included.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The ID without `spiffe://`, which is how Istio's policies write a principal.
    pub fn principal(&self) -> &str {
        self.text.get(SCHEME.len()..).unwrap_or_default()
    }

    /// The trust domain.
    pub fn trust_domain(&self) -> &str {
        self.text.get(SCHEME.len()..self.trust_domain_end).unwrap_or_default()
    }

    /// The path with its leading slash; empty for the trust domain's own ID.
    pub fn path(&self) -> &str {
        self.text.get(self.trust_domain_end..).unwrap_or_default()
    }

    /// The Kubernetes namespace: of exactly `/ns/<ns>/sa/<sa>` (Istio) or `/ns/<ns>/dc/<dc>/svc/<service>` (Consul).
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.clone().and_then(|range| self.text.get(range))
    }

    /// The Kubernetes service account: of exactly `/ns/<ns>/sa/<sa>`.
    pub fn service_account(&self) -> Option<&str> {
        self.service_account.clone().and_then(|range| self.text.get(range))
    }
}

impl fmt::Debug for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Where a byte may stand (SPIFFE-ID §2.1, §2.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// In trust domain and path.
    Anywhere,
    /// In the path only.
    Path,
    /// Between segments.
    Slash,
    /// Nowhere.
    Nowhere,
}

/// Every byte's class: each is looked at once for every request.
const CLASSES: [Class; 256] = {
    let mut classes = [Class::Nowhere; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        let class = match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' => Class::Anywhere,
            b'A'..=b'Z' => Class::Path,
            b'/' => Class::Slash,
            _ => Class::Nowhere,
        };
        #[expect(clippy::indexing_slicing, reason = "a constant: it would not compile")]
        {
            classes[byte as usize] = class;
        }
        byte = byte.wrapping_add(1);
    }
    classes
};

fn class(byte: u8) -> Class {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(Class::Nowhere)
}

type Parts = (Option<Range<usize>>, Option<Range<usize>>);

/// The first segments of a path, by their places in the whole ID, and how many there are.
struct Segments {
    first: [Range<usize>; Self::KEPT],
    count: usize,
}

impl Segments {
    /// As many as the longest form with a namespace has.
    const KEPT: usize = 6;

    /// Checks the path, which begins at `start` of the ID: it is empty or begins with `/`.
    fn of(id: &[u8], start: usize) -> Result<Self, SpiffeIdError> {
        let mut segments = Self { first: [const { 0..0 }; Self::KEPT], count: 0 };
        // Behind the slash that began the segment; none has begun yet.
        let mut from = None;
        for (at, byte) in id.iter().enumerate().skip(start) {
            match class(*byte) {
                Class::Slash => {
                    if let Some(from) = from {
                        segments.push(id, from..at)?;
                    }
                    from = Some(at.saturating_add(1));
                }
                Class::Anywhere | Class::Path => {}
                Class::Nowhere => return Err(SpiffeIdError::Path),
            }
        }
        if let Some(from) = from {
            segments.push(id, from..id.len())?;
        }
        Ok(segments)
    }

    fn push(&mut self, id: &[u8], segment: Range<usize>) -> Result<(), SpiffeIdError> {
        if matches!(id.get(segment.clone()), None | Some(b"" | b"." | b"..")) {
            return Err(SpiffeIdError::Path);
        }
        if let Some(kept) = self.first.get_mut(self.count) {
            *kept = segment;
        }
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    fn kubernetes_parts(&self, id: &[u8]) -> Parts {
        let is = |range: &Range<usize>, word: &[u8]| id.get(range.clone()) == Some(word);
        match (self.count, &self.first) {
            (4, [ns, namespace, sa, account, ..]) if is(ns, b"ns") && is(sa, b"sa") => {
                (Some(namespace.clone()), Some(account.clone()))
            }
            (6, [ns, namespace, dc, _, svc, _]) if is(ns, b"ns") && is(dc, b"dc") && is(svc, b"svc") => {
                (Some(namespace.clone()), None)
            }
            _ => (None, None),
        }
    }
}

#[cfg(test)]
#[path = "spiffe_id_tests.rs"]
mod tests;
