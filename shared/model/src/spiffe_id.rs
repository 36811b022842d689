//! SPIFFE IDs, parsed strictly.

use core::fmt;

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
    namespace: Part,
    service_account: Part,
}

/// From where to where a part of an ID stands, which has at most [`SpiffeId::MAX_BYTES`]; of one that is not there, nowhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Part {
    start: u16,
    end: u16,
}

impl Part {
    /// The place of so many bytes from `start` on. Nothing in an ID that is read lies beyond what the numbers hold.
    fn of(start: usize, len: usize) -> Self {
        let number = |at: usize| u16::try_from(at).unwrap_or_default();
        Self { start: number(start), end: number(start.saturating_add(len)) }
    }

    fn range(self) -> core::ops::Range<usize> {
        self.start.into()..self.end.into()
    }

    /// A part that is there is never empty.
    fn of_text(self, text: &str) -> Option<&str> {
        text.get(self.range()).filter(|part| !part.is_empty())
    }
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
        self.namespace.of_text(&self.text)
    }

    /// The Kubernetes service account: of exactly `/ns/<ns>/sa/<sa>`.
    pub fn service_account(&self) -> Option<&str> {
        self.service_account.of_text(&self.text)
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

/// The first segments of a path, by their places in the whole ID, and how many there are.
struct Segments {
    first: [Part; Self::KEPT],
    count: usize,
}

impl Segments {
    /// As many as the longest form with a namespace has.
    const KEPT: usize = 6;

    /// Checks the path, which begins at `start` of the ID: it is empty or begins with `/`.
    fn of(id: &[u8], start: usize) -> Result<Self, SpiffeIdError> {
        let mut segments = Self { first: [Part::default(); Self::KEPT], count: 0 };
        let mut from = start.saturating_add(1);
        let Some(path) = id.get(from..) else { return Ok(segments) };
        let mut rest = path;
        loop {
            // As far as the bytes go that a segment may have.
            let len = rest.iter().take_while(|byte| class(**byte) != Class::Nowhere).count();
            let (segment, after) = rest.split_at_checked(len).unwrap_or_default();
            if matches!(segment, b"" | b"." | b"..") {
                return Err(SpiffeIdError::Path);
            }
            if let Some(kept) = segments.first.get_mut(segments.count) {
                *kept = Part::of(from, len);
            }
            segments.count = segments.count.saturating_add(1);
            from = from.saturating_add(len).saturating_add(1);
            match after {
                [] => return Ok(segments),
                [b'/', next @ ..] => rest = next,
                [..] => return Err(SpiffeIdError::Path),
            }
        }
    }

    fn kubernetes_parts(&self, id: &[u8]) -> (Part, Part) {
        let is = |part: Part, word: &[u8]| id.get(part.range()) == Some(word);
        match (self.count, self.first) {
            (4, [ns, namespace, sa, account, ..]) if is(ns, b"ns") && is(sa, b"sa") => (namespace, account),
            (6, [ns, namespace, dc, _, svc, _]) if is(ns, b"ns") && is(dc, b"dc") && is(svc, b"svc") => {
                (namespace, Part::default())
            }
            _ => (Part::default(), Part::default()),
        }
    }
}

#[cfg(test)]
#[path = "spiffe_id_tests.rs"]
mod tests;
