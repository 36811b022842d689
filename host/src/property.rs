//! Properties: which there are, how a path is walked, how a value becomes bytes (Envoy `context.cc`, `findValue`, `getProperty`,
//! `serializeValue`; `source/extensions/filters/common/expr/context.cc`).

use std::collections::HashMap;

use crate::header_map::HeaderMap;
use crate::stream::StreamState;
use crate::vm::Own;
use crate::world::World;
use crate::{Attributes, Status, Value, attribute_values, pairs};

/// How long a filter state lives (Envoy `ext/declare_property.proto`, `LifeSpan`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum LifeSpan {
    /// As long as the filter chain.
    #[default]
    FilterChain,
    /// As long as the request.
    Request,
    /// As long as the connection.
    Connection,
}

/// What was declared of a property (Envoy `cel_state.h`, `CelStatePrototype`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Prototype {
    /// The first value stays.
    pub(crate) read_only: bool,
    /// How long it lives.
    pub(crate) life_span: LifeSpan,
}

/// A value that a plugin set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    value: Vec<u8>,
    read_only: bool,
}

/// Values by path, without the prefix `wasm.`.
pub(crate) type FilterState = HashMap<Vec<u8>, State>;

/// Where a walk stands.
enum Place<'a> {
    /// At a value.
    Value(Value),
    /// At a header map.
    Headers(Option<&'a HeaderMap>),
    /// At one of the maps that only answer to names.
    Names(Names),
}

/// The maps that only answer to names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    Request,
    Response,
    Connection,
    Source,
    Destination,
    Upstream,
    FilterState,
    Xds,
}

/// Whose properties are read: a stream's, if the context is one.
struct Reader<'a> {
    world: &'a World,
    own: &'a Own,
    stream: Option<(&'a StreamState, usize)>,
}

/// Reads a property (`getProperty`): segments are separated by zero bytes.
pub(crate) fn get(world: &World, own: &Own, path: &[u8]) -> Result<Vec<u8>, Status> {
    let stream = own.stream(own.acting());
    let stream = stream.and_then(|(stream, place)| world.streams.get(&stream).map(|stream| (stream, place)));
    let reader = Reader { world, own, stream };
    if let Some(value) = reader.more(path) {
        return serialize(value);
    }
    if path.is_empty() {
        return Err(Status::SerializationFailure);
    }
    // A trailing zero byte opens no further segment.
    let path = path.strip_suffix(b"\0").unwrap_or(path);
    let mut segments = path.split(|byte| *byte == 0);
    let first = segments.next().unwrap_or_default();
    let mut place = reader.top(first).ok_or(Status::NotFound)?;
    for segment in segments {
        place = reader.step(place, segment).ok_or(Status::NotFound)?;
    }
    reader.bytes(place)
}

/// Sets a property: a filter state of this stream (`setProperty`).
pub(crate) fn set(world: &mut World, own: &Own, path: Vec<u8>, value: Vec<u8>) -> Result<(), Status> {
    let acting = own.acting();
    let (stream, _) = own.stream(acting).ok_or(Status::NotFound)?;
    let stream = world.streams.get_mut(&stream).ok_or(Status::NotFound)?;
    let connection = world.connections.entry(stream.attributes.connection_id).or_default();
    if let Some(state) = stream.state.get_mut(&path).or_else(|| connection.get_mut(&path)) {
        if state.read_only {
            return Err(Status::BadArgument);
        }
        state.value = value;
        return Ok(());
    }
    let root = own.root(own.root_of(acting));
    let prototype = root.and_then(|root| root.prototypes.get(&path)).copied().unwrap_or_default();
    let state = State { value, read_only: prototype.read_only };
    match prototype.life_span {
        LifeSpan::FilterChain | LifeSpan::Request => stream.state.insert(path, state),
        LifeSpan::Connection => connection.insert(path, state),
    };
    Ok(())
}

/// A filter state's value.
pub(crate) fn state<'a>(world: &'a World, stream: &'a StreamState, path: &[u8]) -> Option<&'a [u8]> {
    let connection = world.connections.get(&stream.attributes.connection_id);
    let state = stream.state.get(path).or_else(|| connection?.get(path))?;
    Some(&state.value)
}

impl<'a> Reader<'a> {
    /// Properties that the caller set, by their whole path.
    fn more(&self, path: &[u8]) -> Option<&'a Value> {
        let (stream, _) = self.stream?;
        if stream.attributes.more.is_empty() {
            return None;
        }
        let segments: Vec<&[u8]> = path.split(|byte| *byte == 0).collect();
        let found = stream.attributes.more.iter().find(|(known, _)| {
            known.len() == segments.len() && known.iter().zip(&segments).all(|(a, b)| a.as_bytes() == *b)
        });
        found.map(|(_, value)| value)
    }

    /// `findValue`: what all filters have, then the plugin's own, then what plugins have set.
    fn top(&self, name: &[u8]) -> Option<Place<'a>> {
        let plugin = self.own.root(self.own.root_of(self.own.acting())).map(|root| &root.plugin);
        let text = |text: &str| Some(Place::Value(Value::String(text.to_owned())));
        match name {
            b"xds" => return Some(Place::Names(Names::Xds)),
            b"plugin_name" => return text(&plugin?.name),
            b"plugin_root_id" => return text(plugin.map_or("", |plugin| &plugin.root_id)),
            b"plugin_vm_id" => return text(&self.own.vm_id),
            _ => {}
        }
        let (stream, _) = self.stream?;
        let names = match name {
            b"request" => Names::Request,
            b"response" => Names::Response,
            b"connection" => Names::Connection,
            b"source" => Names::Source,
            b"destination" => Names::Destination,
            b"upstream" => Names::Upstream,
            b"filter_state" => Names::FilterState,
            b"metadata" => return Some(Place::Value(attribute_values::metadata(&stream.attributes))),
            b"connection_id" => return Some(Place::Value(Value::Uint(stream.attributes.connection_id))),
            _ => {
                let state = state(self.world, stream, name)?;
                return Some(Place::Value(Value::Bytes(state.to_vec())));
            }
        };
        Some(Place::Names(names))
    }

    fn step(&self, place: Place<'a>, segment: &[u8]) -> Option<Place<'a>> {
        match place {
            Place::Value(value) => attribute_values::field(value, segment).map(Place::Value),
            Place::Headers(map) => map?.joined(segment).map(|value| Place::Value(Value::Bytes(value))),
            Place::Names(names) => self.named(names, segment),
        }
    }

    fn named(&self, names: Names, name: &[u8]) -> Option<Place<'a>> {
        if names == Names::Xds {
            return match name {
                b"node" => Some(Place::Value(attribute_values::node(&self.world.node))),
                b"listener_direction" => self.stream.map(|_| Place::Value(Value::Int(0))),
                b"route_name" | b"filter_chain_name" => {
                    self.stream.map(|_| Place::Value(Value::String(String::new())))
                }
                _ => None,
            };
        }
        let (stream, _) = self.stream?;
        match (names, name) {
            (Names::Request, b"headers") => Some(Place::Headers(self.request_headers())),
            (Names::Response, b"headers") => Some(Place::Headers(self.response_headers())),
            (Names::Response, b"trailers") => Some(Place::Headers(self.response_trailers())),
            (Names::FilterState, key) => self.filter_state(&stream.attributes, key),
            _ => {
                let facts = attribute_values::Facts {
                    stream,
                    request: self.request_headers(),
                    response: self.response_headers(),
                    trailers: self.response_trailers(),
                };
                facts.value(names, name).map(Place::Value)
            }
        }
    }

    /// `FilterStateWrapper`: what plugins set has the prefix `wasm.`; other objects come as bytes.
    fn filter_state(&self, attributes: &Attributes, key: &[u8]) -> Option<Place<'a>> {
        let (stream, _) = self.stream?;
        let own = key.strip_prefix(b"wasm.").and_then(|path| state(self.world, stream, path));
        let other = || {
            let found = attributes.filter_state.iter().find(|(known, _)| known.as_bytes() == key);
            found.map(|(_, value)| value.as_slice())
        };
        own.or_else(other).map(|bytes| Place::Value(Value::Bytes(bytes.to_vec())))
    }

    /// The maps are there when they are in the running callback, and all of them in the log phase.
    fn map(
        &self,
        there: impl FnOnce(&crate::stream::Filter) -> bool,
        map: Option<&'a HeaderMap>,
    ) -> Option<&'a HeaderMap> {
        let (stream, place) = self.stream?;
        let filter = stream.filters.get(place)?;
        map.filter(|_| filter.logging || there(filter))
    }

    fn request_headers(&self) -> Option<&'a HeaderMap> {
        self.map(|filter| filter.request.headers, self.stream?.0.request.headers.as_ref())
    }

    fn response_headers(&self) -> Option<&'a HeaderMap> {
        self.map(|filter| filter.response.headers, self.stream?.0.response.headers.as_ref())
    }

    fn response_trailers(&self) -> Option<&'a HeaderMap> {
        self.map(|filter| filter.response.trailers, self.stream?.0.response.trailers.as_ref())
    }

    fn bytes(&self, place: Place<'a>) -> Result<Vec<u8>, Status> {
        match place {
            Place::Value(value) => serialize(&value),
            Place::Headers(map) => {
                let Some(map) = map else { return Ok(pairs::encode::<Vec<u8>, Vec<u8>>(&[])) };
                let mut listed: Vec<(&[u8], Vec<u8>)> = Vec::with_capacity(map.len());
                for (name, _) in map.entries() {
                    if !listed.iter().any(|(known, _)| known == name) {
                        listed.push((name, map.joined(name).unwrap_or_default()));
                    }
                }
                Ok(pairs::encode(&listed))
            }
            // These maps do not list their names.
            Place::Names(_) => Err(Status::SerializationFailure),
        }
    }
}

/// A value as bytes (`serializeValue`).
fn serialize(value: &Value) -> Result<Vec<u8>, Status> {
    Ok(match value {
        Value::String(text) => text.clone().into_bytes(),
        Value::Bytes(bytes) | Value::Message(bytes, _) => bytes.clone(),
        Value::Int(number) | Value::Nanos(number) => number.to_le_bytes().to_vec(),
        Value::Uint(number) => number.to_le_bytes().to_vec(),
        Value::Double(number) => number.to_le_bytes().to_vec(),
        Value::Bool(truth) => vec![u8::from(*truth)],
        Value::Map(entries) => {
            let mut listed = Vec::new();
            for (key, value) in entries {
                listed.push((key.as_bytes(), serialize(value)?));
            }
            pairs::encode(&listed)
        }
        Value::List(values) => {
            let mut listed = Vec::new();
            for value in values {
                listed.push((serialize(value)?, b""));
            }
            pairs::encode(&listed)
        }
    })
}
