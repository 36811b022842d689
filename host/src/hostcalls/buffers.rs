//! Buffers: bodies, configurations, answers (Envoy `context.cc`, `getBuffer`, `Buffer::copyFrom`).

use crate::Status;
use crate::memory::Call;
use crate::stream::{BodyView, Way};
use crate::vm::Own;
use crate::world::World;

/// The highest buffer type (cpp-host `wasm_vm.h`, `WasmBufferType`).
const MAX_BUFFER: u32 = 8;

/// A buffer's bytes. One that is null but always there is empty.
fn bytes<'a>(world: &'a World, own: &'a Own, buffer: u32) -> Result<&'a [u8], Status> {
    let acting = own.acting();
    match buffer {
        0 => Ok(body(world, own, Way::Request)),
        1 => Ok(body(world, own, Way::Response)),
        4 => {
            let answer = own.root(own.root_of(acting)).and_then(|root| root.http.as_ref());
            answer.map(|answer| answer.body.as_slice()).ok_or(Status::NotFound)
        }
        5 => {
            let message = own.root(own.root_of(acting)).and_then(|root| root.grpc.as_ref());
            Ok(message.map_or(&[], |message| message.as_slice()))
        }
        6 => Ok(&own.vm_configuration),
        7 => {
            let root = own.root(acting).filter(|root| root.configuring);
            root.map(|root| root.plugin.configuration.as_slice()).ok_or(Status::NotFound)
        }
        // Network buffers and call data: nothing was ever put in.
        _ => Ok(&[]),
    }
}

fn body<'a>(world: &'a World, own: &Own, way: Way) -> &'a [u8] {
    let Some((stream, place)) = own.stream(own.acting()) else { return &[] };
    let Some(stream) = world.streams.get(&stream) else { return &[] };
    let Some(side) = stream.filters.get(place).map(|filter| filter.side(way)) else { return &[] };
    let half = stream.half(way);
    match (side.buffering, side.body) {
        (true, _) if half.chunk_is_buffer => &half.chunk,
        (true, _) => half.buffered.as_deref().unwrap_or_default(),
        (false, BodyView::Chunk) => &half.chunk,
        (false, BodyView::None) => &[],
    }
}

/// A body that can be written.
fn body_mut<'a>(world: &'a mut World, own: &Own, way: Way) -> Option<&'a mut Vec<u8>> {
    let (stream, place) = own.stream(own.acting())?;
    let stream = world.streams.get_mut(&stream)?;
    let side = stream.filters.get(place)?.side(way);
    let (buffering, view) = (side.buffering, side.body);
    let half = stream.half_mut(way);
    match (buffering, view) {
        (true, _) if half.chunk_is_buffer => Some(&mut half.chunk),
        (true, _) => half.buffered.as_mut(),
        (false, BodyView::Chunk) => Some(&mut half.chunk),
        (false, BodyView::None) => None,
    }
}

const fn known(buffer: u32) -> Result<(), Status> {
    if buffer > MAX_BUFFER { Err(Status::BadArgument) } else { Ok(()) }
}

/// cpp-host `exports.cc`, `get_buffer_bytes`: what is beyond the end is left out.
pub(super) fn get(
    call: &mut Call<'_, '_>,
    buffer: u32,
    start: u32,
    length: u32,
    at: u32,
    size: u32,
) -> Result<(), Status> {
    known(buffer)?;
    let (world, own) = call.both();
    let bytes = bytes(world, own, buffer)?;
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let end = start.saturating_add(length).min(bytes.len());
    let part = bytes.get(start..end).unwrap_or_default().to_vec();
    call.hand_over(part, at, size)
}

/// cpp-host `exports.cc`, `get_buffer_status`: the length, and no flags ever.
pub(super) fn status(call: &mut Call<'_, '_>, buffer: u32, length: u32, flags: u32) -> Result<(), Status> {
    known(buffer)?;
    let (world, own) = call.both();
    let size = bytes(world, own, buffer)?.len();
    call.write_size(length, size)?;
    call.write_word(flags, 0)
}

/// Envoy `context.cc`, `Buffer::copyFrom`: at the front it replaces `length` bytes, at or beyond the end it appends, anywhere else
/// it is refused; so it is for what cannot be written.
pub(super) fn set(
    call: &mut Call<'_, '_>,
    buffer: u32,
    start: u32,
    length: u32,
    at: u32,
    size: u32,
) -> Result<(), Status> {
    known(buffer)?;
    let (world, own) = call.both();
    bytes(world, own, buffer)?;
    let data = call.read(at, size)?;
    let (world, own) = call.both();
    let body = match buffer {
        0 => body_mut(world, own, Way::Request),
        1 => body_mut(world, own, Way::Response),
        _ => None,
    };
    let body = body.ok_or(Status::BadArgument)?;
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if start == 0 {
        body.splice(..length.min(body.len()), data);
        Ok(())
    } else if start >= body.len() {
        body.extend_from_slice(&data);
        Ok(())
    } else {
        Err(Status::BadArgument)
    }
}
