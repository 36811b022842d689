//! Continue, close, reply: all of them happen when the callback has returned.

use crate::memory::Call;
use crate::stream::{BodyView, Way};
use crate::vm::{AfterCall, Reply};
use crate::{Status, pairs};

/// The highest stream type (cpp-host `wasm_vm.h`, `WasmStreamType`).
const MAX_STREAM: u32 = 3;
/// The highest gRPC status that is one (Envoy `envoy/grpc/status.h`, `MaximumKnown`).
const MAX_GRPC_STATUS: u32 = 16;

/// cpp-host `exports.cc`, `continue_stream`; Envoy `context.cc`, `continueStream`: it is deferred, and whichever way continues,
/// the request's maps are null from now on.
pub(super) fn resume(call: &mut Call<'_, '_>, kind: u32) -> Result<(), Status> {
    let way = match kind {
        0 => Way::Request,
        1 => Way::Response,
        2 => return Ok(()),
        3 => return Err(Status::Unimplemented),
        _ => return Err(Status::BadArgument),
    };
    let (world, own) = call.both();
    let Some((stream, filter)) = own.stream(own.acting()) else { return Ok(()) };
    own.after.push_back(AfterCall::Continue { stream, filter, way });
    if let Some(filter) = world.streams.get_mut(&stream).and_then(|stream| stream.filters.get_mut(filter)) {
        filter.request.headers = false;
        filter.request.trailers = false;
        filter.request.body = BodyView::None;
    }
    Ok(())
}

/// cpp-host `exports.cc`, `close_stream`; Envoy `context.cc`, `closeStream`.
pub(super) fn close(call: &mut Call<'_, '_>, kind: u32) -> Result<(), Status> {
    if kind > MAX_STREAM {
        return Err(Status::BadArgument);
    }
    let (world, own) = call.both();
    if kind > 1 {
        return Ok(());
    }
    if let Some((stream, _)) = own.stream(own.acting()) {
        if let Some(state) = world.streams.get_mut(&stream) {
            state.details.get_or_insert_with(|| "wasm_close_stream".to_owned());
        }
        own.after.push_back(AfterCall::Reset { stream });
    }
    Ok(())
}

/// cpp-host `exports.cc`, `send_local_response`; Envoy `context.cc`, `sendLocalResponse`: it always answers Ok, the callback's own
/// result does not count any more, and where there is no stream nothing comes of it.
#[expect(clippy::too_many_arguments, reason = "the ABI's")]
pub(super) fn reply(
    call: &mut Call<'_, '_>,
    status: u32,
    details: u32,
    details_size: u32,
    body: u32,
    body_size: u32,
    headers: u32,
    headers_size: u32,
    grpc_status: u32,
) -> Result<(), Status> {
    let details = call.text(details, details_size)?;
    let body = call.read(body, body_size)?;
    let headers = pairs::decode(&call.read(headers, headers_size)?);
    let own = call.own();
    if let Some((stream, _)) = own.stream(own.acting()) {
        let reply = Reply {
            status,
            body,
            headers,
            grpc_status: (grpc_status <= MAX_GRPC_STATUS).then_some(grpc_status),
            details: details.replace(|character: char| character.is_ascii_whitespace(), "_"),
        };
        own.after.push_back(AfterCall::Reply { stream, reply });
    }
    own.stop = true;
    Ok(())
}
