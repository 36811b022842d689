//! An HTTP message as a stream carries it: headers, body, trailers.

/// Names and values in their order; names are lower case, pseudo headers come first. A name may repeat.
pub type Headers = Vec<(Vec<u8>, Vec<u8>)>;

/// One direction of a stream, as far as it has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// The headers.
    pub headers: Headers,
    /// The body so far.
    pub body: Vec<u8>,
    /// The trailers, when there are any.
    pub trailers: Option<Headers>,
    /// Whether nothing more comes.
    pub complete: bool,
}

impl Message {
    /// The first value of `name` (lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        first(&self.headers, name)
    }
}

/// The first value of `name` (lower case).
pub(crate) fn first<'a>(headers: &'a Headers, name: &str) -> Option<&'a [u8]> {
    headers.iter().find(|(known, _)| known == name.as_bytes()).map(|(_, value)| value.as_slice())
}
