//! The values behind names: `request.path`, `connection.mtls`, `xds.node` and their kin (Envoy
//! `source/extensions/filters/common/expr/context.cc`, the `…LookupValues`).

use crate::header_map::HeaderMap;
use crate::property::Names;
use crate::reply::grpc_status_of;
use crate::stream::StreamState;
use crate::{Attributes, Node, Value, protobuf};

/// What is known of a stream at this moment.
pub(crate) struct Facts<'a> {
    /// The stream.
    pub(crate) stream: &'a StreamState,
    /// Its request headers, when they are there now.
    pub(crate) request: Option<&'a HeaderMap>,
    /// Its response headers, when they are there now.
    pub(crate) response: Option<&'a HeaderMap>,
    /// Its response trailers, when they are there now.
    pub(crate) trailers: Option<&'a HeaderMap>,
}

/// Dynamic metadata: by namespace, each a struct.
pub(crate) fn metadata(attributes: &Attributes) -> Value {
    let by_namespace = attributes
        .metadata
        .iter()
        .map(|(namespace, entries)| (namespace.clone(), Value::Map(entries.clone())))
        .collect();
    Value::Message(Vec::new(), vec![("filter_metadata".to_owned(), Value::Map(by_namespace))])
}

/// `xds.node`: a message whose metadata is a struct.
pub(crate) fn node(node: &Node) -> Value {
    let mut entries: Vec<(String, String)> = Vec::new();
    for (key, value) in [("NAMESPACE", &node.namespace), ("WORKLOAD_NAME", &node.workload)] {
        if let Some(value) = value {
            entries.push((key.to_owned(), value.clone()));
        }
    }
    entries.extend(node.metadata.iter().cloned());
    let mut structure = texts(&entries);
    if let Some(labels) = &node.labels {
        let mut nested = Vec::new();
        protobuf::write_bytes(&mut nested, 5, &texts(labels));
        write_entry(&mut structure, "LABELS", &nested);
    }
    let mut message = Vec::new();
    for (number, text) in [(1, &node.id), (2, &node.cluster)] {
        if !text.is_empty() {
            protobuf::write_bytes(&mut message, number, text.as_bytes());
        }
    }
    if !structure.is_empty() {
        protobuf::write_bytes(&mut message, 3, &structure);
    }
    let values = |entries: &[(String, String)]| -> Vec<(String, Value)> {
        entries.iter().map(|(key, value)| (key.clone(), Value::String(value.clone()))).collect()
    };
    let mut metadata = values(&entries);
    metadata.extend(node.labels.iter().map(|labels| ("LABELS".to_owned(), Value::Map(values(labels)))));
    let fields = vec![
        ("id".to_owned(), Value::String(node.id.clone())),
        ("cluster".to_owned(), Value::String(node.cluster.clone())),
        ("metadata".to_owned(), Value::Map(metadata)),
    ];
    Value::Message(message, fields)
}

/// A `google.protobuf.Struct` of texts.
fn texts(entries: &[(String, String)]) -> Vec<u8> {
    let mut structure = Vec::new();
    for (key, value) in entries {
        let mut text = Vec::new();
        protobuf::write_bytes(&mut text, 3, value.as_bytes());
        write_entry(&mut structure, key, &text);
    }
    structure
}

/// An entry of a `google.protobuf.Struct`, whose value is encoded.
fn write_entry(structure: &mut Vec<u8>, key: &str, value: &[u8]) {
    let mut entry = Vec::new();
    protobuf::write_bytes(&mut entry, 1, key.as_bytes());
    protobuf::write_bytes(&mut entry, 2, value);
    protobuf::write_bytes(structure, 1, &entry);
}

/// One step into a value.
pub(crate) fn field(value: Value, name: &[u8]) -> Option<Value> {
    match value {
        Value::Map(entries) | Value::Message(_, entries) => {
            entries.into_iter().find(|(key, _)| key.as_bytes() == name).map(|(_, value)| value)
        }
        Value::List(values) => {
            let index: usize = core::str::from_utf8(name).ok()?.parse().ok()?;
            values.into_iter().nth(index)
        }
        Value::String(_)
        | Value::Bytes(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Double(_)
        | Value::Bool(_)
        | Value::Nanos(_) => None,
    }
}

impl Facts<'_> {
    /// A name of one of the maps that only answer to names.
    pub(crate) fn value(&self, names: Names, name: &[u8]) -> Option<Value> {
        match names {
            Names::Request => self.request(name),
            Names::Response => self.response(name),
            Names::Connection => self.connection(name),
            Names::Source => address(&self.stream.attributes.source_address, name),
            Names::Destination => address(&self.stream.attributes.destination_address, name),
            Names::Upstream if name == b"request_attempt_count" => {
                Some(Value::Uint(u64::from(self.stream.request.out.is_some())))
            }
            Names::Upstream | Names::FilterState | Names::Xds => None,
        }
    }

    fn header(&self, name: &[u8]) -> Option<Value> {
        self.request?.get(name).map(|value| Value::Bytes(value.to_vec()))
    }

    fn request(&self, name: &[u8]) -> Option<Value> {
        let size = self.request.map_or(0, HeaderMap::byte_size);
        match name {
            b"path" => self.header(b":path"),
            b"url_path" => self.path().map(|(path, _)| Value::Bytes(path.to_vec())),
            b"query" => self.path().map(|(_, query)| Value::Bytes(query.to_vec())),
            b"host" => self.header(b":authority"),
            b"scheme" => self.header(b":scheme"),
            b"method" => self.header(b":method"),
            b"referer" => self.header(b"referer"),
            b"id" => self.header(b"x-request-id"),
            b"useragent" => self.header(b"user-agent"),
            b"protocol" => Some(Value::String(self.stream.attributes.protocol.clone())),
            b"time" => Some(Value::Nanos(signed(self.stream.started))),
            b"duration" => {
                let end = self.stream.completed?;
                Some(Value::Nanos(signed(end.saturating_sub(self.stream.started))))
            }
            b"headers_bytes" => Some(Value::Int(count(size))),
            b"size" => match self.request.and_then(|map| map.get(b"content-length")) {
                Some(length) => number(length).map(Value::Int),
                None => Some(Value::Int(signed(self.stream.received))),
            },
            b"total_size" => Some(Value::Int(signed(self.stream.received).saturating_add(count(size)))),
            _ => None,
        }
    }

    /// The path before its query, and the query before its fragment.
    fn path(&self) -> Option<(&[u8], &[u8])> {
        let path = self.request?.get(b":path").unwrap_or_default();
        let Some(mark) = path.iter().position(|byte| *byte == b'?') else { return Some((path, b"")) };
        let (path, query) = path.split_at_checked(mark)?;
        let query = query.split_first().map_or(&[][..], |(_, query)| query);
        Some((path, query.split(|byte| *byte == b'#').next().unwrap_or_default()))
    }

    fn response(&self, name: &[u8]) -> Option<Value> {
        let sizes = |map: Option<&HeaderMap>| count(map.map_or(0, HeaderMap::byte_size));
        let sent = self.stream.response.out.as_ref().map_or(0, |out| count(out.body.len()));
        match name {
            b"code" => self.code().map(Value::Int),
            b"code_details" => self.stream.details.clone().map(Value::String),
            b"flags" => Some(Value::Int(0)),
            b"size" => Some(Value::Int(sent)),
            b"headers_bytes" => Some(Value::Int(sizes(self.response))),
            b"total_size" => Some(Value::Int(
                sent.saturating_add(sizes(self.response)).saturating_add(sizes(self.trailers)),
            )),
            b"grpc_status" => {
                let found = |map: Option<&HeaderMap>| number(map?.get(b"grpc-status")?);
                let derived = || Some(i64::from(grpc_status_of(u32::try_from(self.code()?).ok()?)));
                found(self.trailers).or_else(|| found(self.response)).or_else(derived).map(Value::Int)
            }
            _ => None,
        }
    }

    /// The response's status, from the moment that its headers come.
    fn code(&self) -> Option<i64> {
        number(self.stream.response.headers.as_ref()?.get(b":status")?)
    }

    fn connection(&self, name: &[u8]) -> Option<Value> {
        let attributes = &self.stream.attributes;
        let tls = attributes.tls.as_ref();
        let text = |text: &Option<String>| text.clone().map(Value::String);
        match name {
            b"mtls" => Some(Value::Bool(tls.is_some_and(|tls| tls.peer_certificate_presented))),
            b"requested_server_name" => {
                Some(Value::String(tls.and_then(|tls| tls.requested_server_name.clone()).unwrap_or_default()))
            }
            b"id" => Some(Value::Uint(attributes.connection_id)),
            b"peer_certificate_valid" => match tls {
                Some(tls) => tls.peer_certificate_valid.map(Value::Bool),
                None => Some(Value::Bool(false)),
            },
            b"uri_san_peer_certificate" => text(&tls?.uri_san_peer_certificate),
            b"uri_san_local_certificate" => text(&tls?.uri_san_local_certificate),
            b"dns_san_peer_certificate" => text(&tls?.dns_san_peer_certificate),
            b"sha256_peer_certificate_digest" => text(&tls?.sha256_peer_certificate_digest),
            // These are there on every TLS connection, though empty.
            b"subject_peer_certificate" => {
                Some(Value::String(tls?.subject_peer_certificate.clone().unwrap_or_default()))
            }
            b"tls_version" => Some(Value::String(tls?.tls_version.clone().unwrap_or_default())),
            _ => None,
        }
    }
}

fn address(address: &str, name: &[u8]) -> Option<Value> {
    match name {
        b"address" => Some(Value::String(address.to_owned())),
        b"port" => number(address.rsplit_once(':')?.1.as_bytes()).map(Value::Int),
        _ => None,
    }
}

fn number(text: &[u8]) -> Option<i64> {
    core::str::from_utf8(text).ok()?.trim().parse().ok()
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn count(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
