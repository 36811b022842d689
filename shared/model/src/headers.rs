//! The request's header map: bytes, in order, every value kept.

use core::ops::Range;

/// A header map as the proxy gave it: names and values are bytes, order and repetition are kept.
///
/// One buffer and an index into it, so that reading fifty headers costs two allocations. Names are lower case: HTTP/2 demands
/// it, Envoy's codecs do it for HTTP/1, and [`HeadersBuilder`] does it for everybody else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    bytes: Vec<u8>,
    index: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    name: Range<usize>,
    value: Range<usize>,
}

/// Why a header that must stand exactly once does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotSingle {
    /// No value at all.
    Missing,
    /// More than one value.
    Repeated,
}

impl Headers {
    /// Starts an empty map; see [`HeadersBuilder`].
    pub fn builder() -> HeadersBuilder {
        HeadersBuilder::default()
    }

    /// How many (name, value) pairs there are; a name that stands twice counts twice.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// All pairs in the order in which the proxy gave them.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.index.iter().map(|entry| (self.slice(&entry.name), self.slice(&entry.value)))
    }

    /// All values of `name` (lower case), in order.
    pub fn all<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.index
            .iter()
            .filter(move |entry| {
                entry.name.end.wrapping_sub(entry.name.start) == name.len() && self.slice(&entry.name) == name
            })
            .map(|entry| self.slice(&entry.value))
    }

    /// The one value of `name` (lower case).
    ///
    /// # Errors
    /// [`NotSingle`] when it is absent or stands more than once.
    pub fn single<'a>(&'a self, name: &'a [u8]) -> Result<&'a [u8], NotSingle> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            (None, _) => Err(NotSingle::Missing),
            (Some(_), Some(_)) => Err(NotSingle::Repeated),
        }
    }

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }
}

/// Builds a [`Headers`]; names are lower-cased.
#[derive(Debug, Default)]
pub struct HeadersBuilder {
    headers: Headers,
}

impl HeadersBuilder {
    /// Adds one pair after those already there.
    pub fn push(&mut self, name: &[u8], value: &[u8]) -> &mut Self {
        let name = self.append(name, |byte| byte.to_ascii_lowercase());
        let value = self.append(value, |byte| byte);
        self.headers.index.push(Entry { name, value });
        self
    }

    /// The finished map.
    pub fn build(self) -> Headers {
        self.headers
    }

    /// Takes over `bytes` and makes one pair of each `(name, value)` pair of ranges into it. Names must be lower case already.
    ///
    /// A range that does not lie inside `bytes` gives no map: the index never points outside.
    pub fn from_ranges(bytes: Vec<u8>, ranges: Vec<(Range<usize>, Range<usize>)>) -> Option<Headers> {
        let inside = |range: &Range<usize>| bytes.get(range.clone()).is_some();
        if !ranges.iter().all(|(name, value)| inside(name) && inside(value)) {
            return None;
        }
        // Collected in place: the index takes over the ranges' memory.
        let index = ranges.into_iter().map(|(name, value)| Entry { name, value }).collect();
        Some(Headers { bytes, index })
    }

    fn append(&mut self, text: &[u8], map: impl Fn(u8) -> u8) -> Range<usize> {
        let start = self.headers.bytes.len();
        self.headers.bytes.extend(text.iter().map(|byte| map(*byte)));
        start..self.headers.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers() -> Headers {
        let mut builder = Headers::builder();
        builder.push(b"X-Role", b"user").push(b":path", b"/a").push(b"x-role", b"\xff\x80");
        builder.build()
    }

    #[test]
    fn every_value_of_a_repeated_header_is_kept_in_order() {
        assert_eq!(headers().all(b"x-role").collect::<Vec<_>>(), [&b"user"[..], &b"\xff\x80"[..]]);
    }

    #[test]
    fn a_repeated_header_is_not_single() {
        assert_eq!(headers().single(b"x-role"), Err(NotSingle::Repeated));
        assert_eq!(headers().single(b"x-none"), Err(NotSingle::Missing));
        assert_eq!(headers().single(b":path"), Ok(&b"/a"[..]));
    }

    #[test]
    fn a_range_outside_the_buffer_gives_no_map() {
        assert!(HeadersBuilder::from_ranges(b"ab".to_vec(), vec![(0..1, 1..3)]).is_none());
        assert!(HeadersBuilder::from_ranges(b"ab".to_vec(), vec![(0..1, 1..2)]).is_some());
    }
}
