//! Header maps: which there are in a callback, and what can be done with them (Envoy `context.cc`, `getMap`, `getConstMap`).

use crate::header_map::{HeaderMap, MapKind};
use crate::memory::Call;
use crate::stream::{BodyView, StreamState, Way};
use crate::vm::Own;
use crate::world::World;
use crate::{Headers, Status, pairs};

/// The highest map type (cpp-host `wasm_vm.h`, `WasmHeaderMapType`).
const MAX_MAP: u32 = 7;

/// A map that can be read, or `None` when it is null.
fn readable<'a>(world: &'a World, own: &'a Own, map: u32) -> Option<&'a HeaderMap> {
    let acting = own.acting();
    if map > 3 {
        let root = own.root(own.root_of(acting))?;
        return match map {
            4 => root.grpc_initial.as_ref(),
            5 => root.grpc_trailing.as_ref(),
            6 => root.http.as_ref().map(|answer| &answer.headers),
            _ => root.http.as_ref()?.trailers.as_ref(),
        };
    }
    let (stream, place) = own.stream(acting)?;
    let stream = world.streams.get(&stream)?;
    let filter = stream.filters.get(place)?;
    if filter.logging {
        return match map {
            0 => stream.request.headers.as_ref(),
            2 => stream.response.headers.as_ref(),
            3 => stream.response.trailers.as_ref(),
            _ => None,
        };
    }
    match map {
        0 => stream.request.headers.as_ref().filter(|_| filter.request.headers),
        1 => stream.request.trailers.as_ref().filter(|_| filter.request.trailers),
        2 => stream.response.headers.as_ref().filter(|_| filter.response.headers),
        _ => stream.response.trailers.as_ref().filter(|_| filter.response.trailers),
    }
}

/// A map that can be written, or `None` when it is null. Trailers come into being in the body's last callback.
fn writable<'a>(world: &'a mut World, own: &Own, map: u32) -> Option<&'a mut HeaderMap> {
    let (stream, place) = own.stream(own.acting())?;
    let stream = world.streams.get_mut(&stream)?;
    match map {
        0 => headers(stream, place, Way::Request),
        1 => trailers(stream, place, Way::Request),
        2 => headers(stream, place, Way::Response),
        3 => trailers(stream, place, Way::Response),
        _ => None,
    }
}

fn headers(stream: &mut StreamState, place: usize, way: Way) -> Option<&mut HeaderMap> {
    if !stream.filters.get(place)?.side(way).headers {
        return None;
    }
    stream.half_mut(way).headers.as_mut()
}

fn trailers(stream: &mut StreamState, place: usize, way: Way) -> Option<&mut HeaderMap> {
    let filter = stream.filters.get_mut(place)?;
    let last_of_body = filter.end_of_stream;
    let side = filter.side_mut(way);
    if !side.trailers {
        if side.body == BodyView::None || !last_of_body {
            return None;
        }
        side.trailers = true;
        stream.half_mut(way).trailers.get_or_insert_with(|| HeaderMap::new(MapKind::Other));
    }
    stream.half_mut(way).trailers.as_mut()
}

fn logging(world: &World, own: &Own) -> bool {
    own.stream(own.acting())
        .and_then(|(stream, place)| world.streams.get(&stream)?.filters.get(place))
        .is_some_and(|filter| filter.logging)
}

const fn known(map: u32) -> Result<(), Status> {
    if map > MAX_MAP { Err(Status::BadArgument) } else { Ok(()) }
}

/// Envoy `context.cc`, `getHeaderMapValue`: the first value only.
pub(super) fn get(
    call: &mut Call<'_, '_>,
    map: u32,
    name: u32,
    name_size: u32,
    value: u32,
    size: u32,
) -> Result<(), Status> {
    known(map)?;
    let name = call.read(name, name_size)?;
    let (world, own) = call.both();
    let found = match readable(world, own, map) {
        Some(map) => map.get(&name).ok_or(Status::NotFound)?.to_vec(),
        // Maps may be null in the log phase.
        None if logging(world, own) => return Err(Status::NotFound),
        None => return Err(Status::BadArgument),
    };
    call.hand_over(found, value, size)
}

/// Envoy `context.cc`, `getHeaderMapPairs`: a null map is an empty one, and an empty one is no bytes at all.
pub(super) fn get_pairs(call: &mut Call<'_, '_>, map: u32, at: u32, size: u32) -> Result<(), Status> {
    known(map)?;
    let (world, own) = call.both();
    let bytes = match readable(world, own, map) {
        Some(map) if map.len() > 0 => pairs::encode(map.entries()),
        Some(_) | None => Vec::new(),
    };
    call.hand_over(bytes, at, size)
}

/// Envoy `context.cc`, `getHeaderMapSize`: names and values in bytes; only of maps that can be written.
pub(super) fn size(call: &mut Call<'_, '_>, map: u32, size: u32) -> Result<(), Status> {
    known(map)?;
    let (world, own) = call.both();
    let bytes = writable(world, own, map).ok_or(Status::BadArgument)?.byte_size();
    call.write_size(size, bytes)
}

/// Envoy `context.cc`, `addHeaderMapValue`.
pub(super) fn add(
    call: &mut Call<'_, '_>,
    map: u32,
    name: u32,
    name_size: u32,
    value: u32,
    size: u32,
) -> Result<(), Status> {
    let (name, value) = pair(call, map, (name, name_size), (value, size))?;
    let (world, own) = call.both();
    writable(world, own, map).ok_or(Status::BadArgument)?.add(name, value);
    Ok(())
}

/// Envoy `context.cc`, `replaceHeaderMapValue`.
pub(super) fn replace(
    call: &mut Call<'_, '_>,
    map: u32,
    name: u32,
    name_size: u32,
    value: u32,
    size: u32,
) -> Result<(), Status> {
    let (name, value) = pair(call, map, (name, name_size), (value, size))?;
    let (world, own) = call.both();
    writable(world, own, map).ok_or(Status::BadArgument)?.set(name, value);
    Ok(())
}

fn pair(
    call: &Call<'_, '_>,
    map: u32,
    name: (u32, u32),
    value: (u32, u32),
) -> Result<(Vec<u8>, Vec<u8>), Status> {
    known(map)?;
    Ok((call.read(name.0, name.1)?, call.read(value.0, value.1)?))
}

/// Envoy `context.cc`, `removeHeaderMapValue`.
pub(super) fn remove(call: &mut Call<'_, '_>, map: u32, name: u32, size: u32) -> Result<(), Status> {
    known(map)?;
    let name = call.read(name, size)?;
    let (world, own) = call.both();
    writable(world, own, map).ok_or(Status::BadArgument)?.remove(&name);
    Ok(())
}

/// Envoy `context.cc`, `setHeaderMapPairs`: pairs that cannot be read leave nothing.
pub(super) fn set_pairs(call: &mut Call<'_, '_>, map: u32, at: u32, size: u32) -> Result<(), Status> {
    known(map)?;
    let headers: Headers = pairs::decode(&call.read(at, size)?);
    let (world, own) = call.both();
    writable(world, own, map).ok_or(Status::BadArgument)?.replace(headers);
    Ok(())
}
