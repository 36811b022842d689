//! HTTP and gRPC callouts: always started by the root, and answered to it.

use super::general::plugin_place;
use crate::callout::Open;
use crate::header_map::{HeaderMap, MapKind};
use crate::memory::Call;
use crate::protobuf;
use crate::vm::AfterCall;
use crate::world::NANOS_PER_MILLI;
use crate::{CalloutKind, Headers, LogLevel, Status, pairs};

/// Which numbers tokens of each kind have: the two low bits say it (cpp-host `wasm.h`, `CalloutType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenKind {
    Http = 0,
    Grpc = 1,
    Stream = 2,
}

fn token_kind(token: u32) -> Option<TokenKind> {
    match token & 3 {
        0 => Some(TokenKind::Http),
        1 => Some(TokenKind::Grpc),
        2 => Some(TokenKind::Stream),
        _ => None,
    }
}

/// A new token; every kind counts for itself, beginning with 4, 5 and 6 (`nextHttpCallId` and its sisters).
fn next_token(call: &mut Call<'_, '_>, kind: TokenKind) -> u32 {
    let last = call.own().tokens.get_mut(kind as usize);
    last.map_or(0, |last| {
        *last = last.wrapping_add(4);
        *last | kind as u32
    })
}

fn open(call: &mut Call<'_, '_>, token: u32, kind: CalloutKind, timeout: u32) {
    let (world, own) = call.both();
    let root = own.root_of(own.acting());
    world.last_callout = world.last_callout.saturating_add(1);
    let deadline =
        (timeout > 0).then(|| world.now.saturating_add(u64::from(timeout).saturating_mul(NANOS_PER_MILLI)));
    let (id, plugin) = (world.last_callout, plugin_place(own));
    world.callouts.insert(
        id,
        Open { vm: own.id, root, token, worker: own.worker, plugin, kind, deadline, remote_closed: false },
    );
}

/// cpp-host `exports.cc`, `http_call`; Envoy `context.cc`, `httpCall`. The token is written before the call is started, to see
/// whether it can be.
#[expect(clippy::too_many_arguments, reason = "the ABI's")]
pub(super) fn http(
    call: &mut Call<'_, '_>,
    cluster: u32,
    cluster_size: u32,
    headers: u32,
    headers_size: u32,
    body: u32,
    body_size: u32,
    trailers: u32,
    trailers_size: u32,
    timeout: u32,
    token: u32,
) -> Result<(), Status> {
    let cluster = call.read(cluster, cluster_size)?;
    let body = call.read(body, body_size)?;
    let headers = pairs::decode(&call.read(headers, headers_size)?);
    let trailers = pairs::decode(&call.read(trailers, trailers_size)?);
    call.write_word(token, 0)?;
    if i32::try_from(timeout).is_err() || !call.world().has_cluster(&cluster) {
        return Err(Status::BadArgument);
    }
    let mut headers = HeaderMap::of(MapKind::Request, headers);
    if [&b":path"[..], b":method", b":authority"].iter().any(|name| headers.get(name).is_none()) {
        return Err(Status::BadArgument);
    }
    if !body.is_empty() {
        headers.set(b"content-length".to_vec(), body.len().to_string().into_bytes());
    }
    let number = next_token(call, TokenKind::Http);
    let kind = CalloutKind::Http {
        cluster: String::from_utf8_lossy(&cluster).into_owned(),
        headers: headers.entries().clone(),
        body,
        trailers: HeaderMap::of(MapKind::Other, trailers).entries().clone(),
    };
    open(call, number, kind, timeout);
    call.write_word(token, number)
}

/// Which cluster a gRPC call goes to: the target is a serialized `GrpcService` or a cluster's name (Envoy `context.cc`,
/// `grpcCall`).
fn grpc_cluster(call: &mut Call<'_, '_>, target: &[u8], kind: TokenKind) -> Result<String, Status> {
    let name = match protobuf::fields(target) {
        None if call.world().has_cluster(target) => target.to_vec(),
        None => return Err(Status::ParseFailure),
        Some(fields) => {
            let Some(envoy) = protobuf::bytes(&fields, 1).and_then(protobuf::fields) else {
                let what = b"Envoy 1.40 ends when a gRPC call names no service";
                let (world, own) = call.both();
                world.write(LogLevel::Critical, "", own.worker, what);
                return Err(Status::BadArgument);
            };
            let name = protobuf::bytes(&envoy, 1).unwrap_or_default().to_vec();
            if !call.world().has_cluster(&name) {
                // The call fails at once, and is closed when the callback has returned (Envoy
                // `source/common/grpc/async_client_impl.cc`, `AsyncStreamImpl::initialize`).
                let token = next_token(call, kind);
                let own = call.own();
                let root = own.root_of(own.acting());
                own.after.push_back(AfterCall::GrpcUnstarted { root, token });
                return Err(Status::InternalFailure);
            }
            name
        }
    };
    Ok(String::from_utf8_lossy(&name).into_owned())
}

/// Envoy keeps a header map of what the plugin adds.
fn metadata(pairs: Headers) -> Headers {
    HeaderMap::of(MapKind::Request, pairs).entries().clone()
}

/// cpp-host `exports.cc`, `grpc_call`; Envoy `context.cc`, `grpcCall`.
#[expect(clippy::too_many_arguments, reason = "the ABI's")]
pub(super) fn grpc(
    call: &mut Call<'_, '_>,
    target: u32,
    target_size: u32,
    service: u32,
    service_size: u32,
    method: u32,
    method_size: u32,
    initial: u32,
    initial_size: u32,
    message: u32,
    message_size: u32,
    timeout: u32,
    token: u32,
) -> Result<(), Status> {
    let target = call.read(target, target_size)?;
    let service = call.text(service, service_size)?;
    let method = call.text(method, method_size)?;
    let initial = pairs::decode(&call.read(initial, initial_size)?);
    let message = call.read(message, message_size)?;
    let cluster = grpc_cluster(call, &target, TokenKind::Grpc)?;
    let number = next_token(call, TokenKind::Grpc);
    let kind = CalloutKind::Grpc { cluster, service, method, initial_metadata: metadata(initial), message };
    open(call, number, kind, timeout);
    call.write_word(token, number)
}

/// cpp-host `exports.cc`, `grpc_stream`; Envoy `context.cc`, `grpcStream`.
#[expect(clippy::too_many_arguments, reason = "the ABI's")]
pub(super) fn grpc_stream(
    call: &mut Call<'_, '_>,
    target: u32,
    target_size: u32,
    service: u32,
    service_size: u32,
    method: u32,
    method_size: u32,
    initial: u32,
    initial_size: u32,
    token: u32,
) -> Result<(), Status> {
    let target = call.read(target, target_size)?;
    let service = call.text(service, service_size)?;
    let method = call.text(method, method_size)?;
    let initial = pairs::decode(&call.read(initial, initial_size)?);
    let cluster = grpc_cluster(call, &target, TokenKind::Stream)?;
    let number = next_token(call, TokenKind::Stream);
    let kind = CalloutKind::GrpcStream {
        cluster,
        service,
        method,
        initial_metadata: metadata(initial),
        messages: Vec::new(),
        ended: false,
    };
    open(call, number, kind, 0);
    call.write_word(token, number)
}

/// The open callout of a token of this VM's acting root.
fn find(call: &mut Call<'_, '_>, token: u32) -> Result<u64, Status> {
    let (world, own) = call.both();
    let root = own.root_of(own.acting());
    let found =
        world.callouts.iter().find(|(_, open)| open.vm == own.id && open.root == root && open.token == token);
    found.map(|(id, _)| *id).ok_or(Status::NotFound)
}

/// Envoy `context.cc`, `grpcCancel`.
pub(super) fn grpc_cancel(call: &mut Call<'_, '_>, token: u32) -> Result<(), Status> {
    match token_kind(token) {
        Some(TokenKind::Grpc | TokenKind::Stream) => {
            let id = find(call, token)?;
            call.world().callouts.remove(&id);
            Ok(())
        }
        Some(TokenKind::Http) | None => Err(Status::BadArgument),
    }
}

/// Envoy `context.cc`, `grpcClose`: a call is cancelled, a stream's own side ends.
pub(super) fn grpc_close(call: &mut Call<'_, '_>, token: u32) -> Result<(), Status> {
    match token_kind(token) {
        Some(TokenKind::Grpc) => grpc_cancel(call, token),
        Some(TokenKind::Stream) => {
            let id = find(call, token)?;
            let callouts = &mut call.world().callouts;
            if callouts.get(&id).is_some_and(|open| open.remote_closed) {
                callouts.remove(&id);
            } else if let Some(CalloutKind::GrpcStream { ended, .. }) =
                callouts.get_mut(&id).map(|open| &mut open.kind)
            {
                *ended = true;
            }
            Ok(())
        }
        Some(TokenKind::Http) | None => Err(Status::BadArgument),
    }
}

/// Envoy `context.cc`, `grpcSend`: only on streams.
pub(super) fn grpc_send(
    call: &mut Call<'_, '_>,
    token: u32,
    message: u32,
    size: u32,
    end: u32,
) -> Result<(), Status> {
    let message = call.read(message, size)?;
    if token_kind(token) != Some(TokenKind::Stream) {
        return Err(Status::BadArgument);
    }
    let id = find(call, token)?;
    if let Some(CalloutKind::GrpcStream { messages, ended, .. }) =
        call.world().callouts.get_mut(&id).map(|open| &mut open.kind)
    {
        messages.push(message);
        *ended |= end != 0;
    }
    Ok(())
}
