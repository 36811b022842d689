//! A header map as Envoy keeps it.

use crate::Headers;

/// Which map it is; that decides which headers are kept in a slot of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum MapKind {
    /// Request headers.
    #[default]
    Request,
    /// Response headers.
    Response,
    /// Trailers and metadata.
    Other,
}

/// Names and values in their order, pseudo headers first (Envoy `header_map_impl.h`, `HeaderList`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct HeaderMap {
    kind: MapKind,
    entries: Headers,
}

/// Headers that have a slot of their own in a request map: a second value joins the first (Envoy `envoy/http/header_map.h`,
/// `INLINE_REQ_HEADERS` and `INLINE_REQ_RESP_HEADERS`, and those that filters register with `RegisterCustomInlineHeader`;
/// seen in Envoy 1.36 and 1.40 by adding each twice).
const REQUEST_SLOTS: [&[u8]; 66] = [
    b":authority",
    b":method",
    b":path",
    b":protocol",
    b":scheme",
    b"accept",
    b"accept-encoding",
    b"access-control-request-headers",
    b"access-control-request-method",
    b"access-control-request-private-network",
    b"authentication",
    b"authorization",
    b"cache-control",
    b"connection",
    b"content-encoding",
    b"content-length",
    b"content-type",
    b"expect",
    b"grpc-accept-encoding",
    b"grpc-timeout",
    b"if-match",
    b"if-modified-since",
    b"if-none-match",
    b"if-range",
    b"if-unmodified-since",
    b"keep-alive",
    b"origin",
    b"pragma",
    b"proxy-connection",
    b"proxy-status",
    b"referer",
    b"te",
    b"transfer-encoding",
    b"upgrade",
    b"user-agent",
    b"via",
    b"x-client-trace-id",
    b"x-envoy-attempt-count",
    b"x-envoy-decorator-operation",
    b"x-envoy-downstream-service-cluster",
    b"x-envoy-downstream-service-node",
    b"x-envoy-expected-rq-timeout-ms",
    b"x-envoy-external-address",
    b"x-envoy-force-trace",
    b"x-envoy-hedge-on-per-try-timeout",
    b"x-envoy-internal",
    b"x-envoy-ip-tags",
    b"x-envoy-is-timeout-retry",
    b"x-envoy-max-retries",
    b"x-envoy-original-host",
    b"x-envoy-original-path",
    b"x-envoy-original-url",
    b"x-envoy-retriable-header-names",
    b"x-envoy-retriable-status-codes",
    b"x-envoy-retry-grpc-on",
    b"x-envoy-retry-on",
    b"x-envoy-upstream-alt-stat-name",
    b"x-envoy-upstream-rq-per-try-timeout-ms",
    b"x-envoy-upstream-rq-timeout-alt-response",
    b"x-envoy-upstream-rq-timeout-ms",
    b"x-forwarded-client-cert",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-port",
    b"x-forwarded-proto",
    b"x-request-id",
];

/// The same for response maps (`INLINE_RESP_HEADERS` and `INLINE_REQ_RESP_HEADERS`).
const RESPONSE_SLOTS: [&[u8]; 38] = [
    b":status",
    b"access-control-allow-credentials",
    b"access-control-allow-headers",
    b"access-control-allow-methods",
    b"access-control-allow-origin",
    b"access-control-allow-private-network",
    b"access-control-expose-headers",
    b"access-control-max-age",
    b"age",
    b"cache-control",
    b"connection",
    b"content-encoding",
    b"content-length",
    b"content-type",
    b"date",
    b"etag",
    b"expires",
    b"grpc-message",
    b"grpc-status",
    b"keep-alive",
    b"last-modified",
    b"location",
    b"proxy-connection",
    b"proxy-status",
    b"server",
    b"transfer-encoding",
    b"upgrade",
    b"vary",
    b"via",
    b"x-envoy-attempt-count",
    b"x-envoy-decorator-operation",
    b"x-envoy-degraded",
    b"x-envoy-immediate-health-check-fail",
    b"x-envoy-ratelimited",
    b"x-envoy-upstream-canary",
    b"x-envoy-upstream-healthchecked-cluster",
    b"x-envoy-upstream-service-time",
    b"x-request-id",
];

impl HeaderMap {
    /// An empty map.
    pub(crate) const fn new(kind: MapKind) -> Self {
        Self { kind, entries: Vec::new() }
    }

    /// A map of these, added one after another.
    pub(crate) fn of(kind: MapKind, headers: Headers) -> Self {
        let mut map = Self { kind, entries: Vec::with_capacity(headers.len()) };
        for (name, value) in headers {
            map.add(name, value);
        }
        map
    }

    /// The entries.
    pub(crate) const fn entries(&self) -> &Headers {
        &self.entries
    }

    /// How many entries.
    pub(crate) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Names and values together, in bytes (`HeaderMapImpl::byteSize`).
    pub(crate) fn byte_size(&self) -> usize {
        self.entries
            .iter()
            .fold(0, |sum, (name, value)| sum.saturating_add(name.len()).saturating_add(value.len()))
    }

    /// In a request `host` is `:authority` (`header_map_impl.cc`, `StaticLookupTable`, `HostLegacy`).
    fn known_as<'a>(&self, name: &'a [u8]) -> &'a [u8] {
        if self.kind == MapKind::Request && name.eq_ignore_ascii_case(b"host") { b":authority" } else { name }
    }

    /// The first value.
    pub(crate) fn get(&self, name: &[u8]) -> Option<&[u8]> {
        let name = self.known_as(name);
        self.entries
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }

    /// All values, joined with a comma (Envoy `header_utility.cc`, `getAllOfHeaderAsString`).
    pub(crate) fn joined(&self, name: &[u8]) -> Option<Vec<u8>> {
        let name = self.known_as(name);
        let values: Vec<&[u8]> = self
            .entries
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
            .collect();
        if values.is_empty() { None } else { Some(values.join(&b',')) }
    }

    /// Adds a value: what has a slot joins the value that is there (`HeaderMapImpl::addCopy`, `insertByKey`).
    pub(crate) fn add(&mut self, name: Vec<u8>, value: Vec<u8>) {
        let mut name = self.known_as(&name).to_vec();
        name.make_ascii_lowercase();
        if self.has_slot(&name)
            && let Some((_, known)) = self.entries.iter_mut().find(|(known, _)| *known == name)
        {
            if !known.is_empty() {
                known.push(b',');
            }
            known.extend_from_slice(&value);
            return;
        }
        if name.starts_with(b":") {
            let place = self.entries.iter().take_while(|(known, _)| known.starts_with(b":")).count();
            self.entries.insert(place, (name, value));
        } else {
            self.entries.push((name, value));
        }
    }

    /// Replaces all values by one (`HeaderMapImpl::setCopy`).
    pub(crate) fn set(&mut self, name: Vec<u8>, value: Vec<u8>) {
        self.remove(&name);
        self.add(name, value);
    }

    /// Removes all values.
    pub(crate) fn remove(&mut self, name: &[u8]) {
        let name = self.known_as(name);
        self.entries.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    /// Replaces everything.
    pub(crate) fn replace(&mut self, headers: Headers) {
        self.entries.clear();
        for (name, value) in headers {
            self.add(name, value);
        }
    }

    fn has_slot(&self, name: &[u8]) -> bool {
        match self.kind {
            MapKind::Request => REQUEST_SLOTS.binary_search(&name).is_ok(),
            MapKind::Response => RESPONSE_SLOTS.binary_search(&name).is_ok(),
            MapKind::Other => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(headers: &[(&str, &str)]) -> HeaderMap {
        let headers = headers.iter().map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec())).collect();
        HeaderMap::of(MapKind::Request, headers)
    }

    #[test]
    fn the_slots_are_sorted_so_that_they_can_be_searched() {
        assert!(REQUEST_SLOTS.is_sorted() && RESPONSE_SLOTS.is_sorted());
    }

    #[test]
    fn what_has_a_slot_is_joined_and_the_rest_repeats() {
        let map = map(&[("Authorization", "a"), ("x-role", "1"), ("authorization", "b"), ("x-role", "2")]);
        assert_eq!(map.get(b"authorization"), Some(&b"a,b"[..]));
        assert_eq!(map.get(b"x-role"), Some(&b"1"[..]));
        assert_eq!(map.joined(b"x-role"), Some(b"1,2".to_vec()));
        assert_eq!(map.len(), 3);
    }

    #[test]
    fn pseudo_headers_stay_in_front() {
        let map = map(&[("x", "1"), (":path", "/"), (":method", "GET")]);
        let names: Vec<&[u8]> = map.entries().iter().map(|(name, _)| name.as_slice()).collect();
        assert_eq!(names, [&b":path"[..], b":method", b"x"]);
    }

    #[test]
    fn setting_replaces_every_value() {
        let mut map = map(&[("x", "1"), ("x", "2")]);
        map.set(b"X".to_vec(), b"3".to_vec());
        assert_eq!(map.entries(), &vec![(b"x".to_vec(), b"3".to_vec())]);
    }
}
