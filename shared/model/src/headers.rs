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
    pseudo: Pseudo,
}

/// Where the pseudo headers stand that every rule asks for, so that they are looked for once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Pseudo {
    method: Place,
    path: Place,
    authority: Place,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Nowhere,
    At(usize),
    Repeated,
}

impl Pseudo {
    fn note(&mut self, name: &[u8], at: usize) {
        if name.first() != Some(&b':') {
            return;
        }
        let place = match name {
            b":method" => &mut self.method,
            b":path" => &mut self.path,
            b":authority" => &mut self.authority,
            _ => return,
        };
        *place = match place {
            Place::Nowhere => Place::At(at),
            Place::At(_) | Place::Repeated => Place::Repeated,
        };
    }
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

    /// All values of names that are `name` (lower case) once `_` is read as `-`, in order: whether it is that very name, and the value.
    pub fn alike<'h>(&'h self, name: &[u8]) -> impl Iterator<Item = (bool, &'h [u8])> {
        let of_its_length = self
            .index
            .iter()
            .filter(move |entry| entry.name.end.wrapping_sub(entry.name.start) == name.len());
        of_its_length.filter_map(move |entry| {
            let other = self.slice(&entry.name);
            let same = other == name;
            (same || is_alike(other, name)).then(|| (same, self.slice(&entry.value)))
        })
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

    /// `:method`.
    ///
    /// # Errors
    /// [`NotSingle`] when it is absent or stands more than once.
    pub fn method(&self) -> Result<&[u8], NotSingle> {
        self.at(self.pseudo.method)
    }

    /// `:path`, query included.
    ///
    /// # Errors
    /// [`NotSingle`] when it is absent or stands more than once.
    pub fn path(&self) -> Result<&[u8], NotSingle> {
        self.at(self.pseudo.path)
    }

    /// `:authority`.
    ///
    /// # Errors
    /// [`NotSingle`] when it is absent or stands more than once.
    pub fn authority(&self) -> Result<&[u8], NotSingle> {
        self.at(self.pseudo.authority)
    }

    fn at(&self, place: Place) -> Result<&[u8], NotSingle> {
        match place {
            Place::Nowhere => Err(NotSingle::Missing),
            Place::At(at) => {
                self.index.get(at).map(|entry| self.slice(&entry.value)).ok_or(NotSingle::Missing)
            }
            Place::Repeated => Err(NotSingle::Repeated),
        }
    }

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }
}

/// Whether two names of one length differ at most in `_` for `-`.
fn is_alike(one: &[u8], other: &[u8]) -> bool {
    let is_joint = |byte: u8| matches!(byte, b'-' | b'_');
    one.iter().zip(other).all(|(one, other)| one == other || (is_joint(*one) && is_joint(*other)))
}

/// Builds a [`Headers`]; names are lower-cased.
#[derive(Debug, Default)]
pub struct HeadersBuilder {
    headers: Headers,
}

impl HeadersBuilder {
    /// Adds one pair after those already there.
    pub fn push(&mut self, name: &[u8], value: &[u8]) -> &mut Self {
        let lower = name.to_ascii_lowercase();
        self.headers.pseudo.note(&lower, self.headers.index.len());
        let name = self.append(&lower);
        let value = self.append(value);
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
        let mut pseudo = Pseudo::default();
        for (at, (name, value)) in ranges.iter().enumerate() {
            pseudo.note(bytes.get(name.clone())?, at);
            bytes.get(value.clone())?;
        }
        // Collected in place: the index takes over the ranges' memory.
        let index = ranges.into_iter().map(|(name, value)| Entry { name, value }).collect();
        Some(Headers { bytes, index, pseudo })
    }

    fn append(&mut self, text: &[u8]) -> Range<usize> {
        let start = self.headers.bytes.len();
        self.headers.bytes.extend_from_slice(text);
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
    fn names_are_alike_that_differ_in_what_joins_their_words() {
        let mut builder = Headers::builder();
        for name in ["x-my-role", "X_My_Role", "x_my-role", "x.my.role", "xmyrole", "x-my-rule", "x-my-role-"]
        {
            builder.push(name.as_bytes(), name.as_bytes());
        }
        let headers = builder.build();
        let found = |name: &str| -> Vec<_> {
            let pairs = headers.alike(name.as_bytes());
            pairs.map(|(same, value)| (same, String::from_utf8_lossy(value).into_owned())).collect()
        };
        let pairs = [(true, "x-my-role"), (false, "X_My_Role"), (false, "x_my-role")];
        assert_eq!(found("x-my-role"), pairs.map(|(same, name)| (same, name.to_owned())));
        assert_eq!(found("xmyrole"), [(true, "xmyrole".to_owned())]);
        assert_eq!(found("x"), []);
    }

    #[test]
    fn a_map_counts_and_gives_its_pairs_in_order() {
        assert_eq!((headers().len(), headers().is_empty()), (3, false));
        assert_eq!((Headers::default().len(), Headers::default().is_empty()), (0, true));
        let names: Vec<_> = headers().iter().map(|(name, _)| name.to_vec()).collect();
        assert_eq!(names, [b"x-role".to_vec(), b":path".to_vec(), b"x-role".to_vec()]);
    }

    #[test]
    fn a_repeated_header_is_not_single() {
        assert_eq!(headers().single(b"x-role"), Err(NotSingle::Repeated));
        assert_eq!(headers().single(b"x-none"), Err(NotSingle::Missing));
        assert_eq!(headers().single(b":path"), Ok(&b"/a"[..]));
    }

    #[test]
    fn pseudo_headers_are_found_however_the_map_was_made() {
        let bytes = b":pathGET:method/a:path/b:authorityh".to_vec();
        let map = HeadersBuilder::from_ranges(bytes, vec![(8..15, 5..8), (0..5, 15..17), (24..34, 34..35)]);
        let map = map.unwrap_or_default();
        assert_eq!(
            (map.method(), map.path(), map.authority()),
            (Ok(&b"GET"[..]), Ok(&b"/a"[..]), Ok(&b"h"[..]))
        );
        assert_eq!(headers().path(), Ok(&b"/a"[..]));
        assert_eq!(headers().method(), Err(NotSingle::Missing));
        let mut twice = Headers::builder();
        twice.push(b":path", b"/a").push(b":Path", b"/a").push(b":path", b"/b");
        assert_eq!(twice.build().path(), Err(NotSingle::Repeated));
    }

    #[test]
    fn a_range_outside_the_buffer_gives_no_map() {
        assert!(HeadersBuilder::from_ranges(b"ab".to_vec(), vec![(0..1, 1..3)]).is_none());
        assert!(HeadersBuilder::from_ranges(b"ab".to_vec(), vec![(0..1, 1..2)]).is_some());
    }
}
