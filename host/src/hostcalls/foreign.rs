//! Foreign functions: `verify_signature`, `declare_property` and `clear_route_cache`; any other is not found.
//!
//! Envoy `source/extensions/common/wasm/foreign.cc`; its messages are in `ext/verify_signature.proto` and
//! `ext/declare_property.proto`.

use crate::memory::Call;
use crate::property::{LifeSpan, Prototype};
use crate::{Status, protobuf, signature};

/// cpp-host `exports.cc`, `call_foreign_function`: results are handed over whatever the status is.
pub(super) fn call(
    call: &mut Call<'_, '_>,
    name: u32,
    name_size: u32,
    arguments: u32,
    arguments_size: u32,
    results: u32,
    results_size: u32,
) -> Result<(), Status> {
    let name = call.read(name, name_size)?;
    let arguments = call.read(arguments, arguments_size)?;
    let answer = match name.as_slice() {
        b"verify_signature" => verify_signature(&arguments),
        b"declare_property" => declare_property(call, &arguments).map(|()| Vec::new()),
        b"clear_route_cache" => Ok(Vec::new()),
        _ => return Err(Status::NotFound),
    };
    let (status, bytes) = match answer {
        Ok(bytes) => (Ok(()), bytes),
        Err(status) => (Err(status), Vec::new()),
    };
    let bytes = call.world().plan.mangled(bytes);
    let place = if results == 0 || bytes.is_empty() { 0 } else { call.place(&bytes).unwrap_or_default() };
    if results != 0 {
        call.write_word(results, place)?;
    }
    if results_size != 0 {
        call.write_size(results_size, bytes.len())?;
    }
    status
}

/// `VerifySignatureArguments` in, `VerifySignatureResult` out.
fn verify_signature(arguments: &[u8]) -> Result<Vec<u8>, Status> {
    let fields = protobuf::fields(arguments).ok_or(Status::BadArgument)?;
    let field = |number| protobuf::bytes(&fields, number).unwrap_or_default();
    let outcome = signature::verify(&key(&fields)?, field(1), field(3), field(4));
    let mut result = Vec::new();
    match outcome {
        Ok(()) => protobuf::write_number(&mut result, 1, 1),
        Err(error) => protobuf::write_bytes(&mut result, 2, error.as_bytes()),
    }
    Ok(result)
}

/// The key, in DER: either it comes so, or as PEM, never both.
fn key(fields: &[(u64, protobuf::Field<'_>)]) -> Result<Vec<u8>, Status> {
    let given = |number| protobuf::bytes(fields, number).filter(|bytes| !bytes.is_empty());
    match (given(2), given(5)) {
        (Some(der), None) => Ok(der.to_vec()),
        (None, Some(pem)) => Ok(signature::from_pem(pem).unwrap_or_default()),
        (Some(_), Some(_)) | (None, None) => Err(Status::BadArgument),
    }
}

/// `DeclarePropertyArguments`: it is noted on the running context, whatever the effective one is, and only a root's notes are ever
/// looked up (Envoy `context.cc`, `declareProperty`, `setProperty`).
fn declare_property(call: &mut Call<'_, '_>, arguments: &[u8]) -> Result<(), Status> {
    let fields = protobuf::fields(arguments).ok_or(Status::BadArgument)?;
    let prototype = Prototype {
        read_only: protobuf::number(&fields, 2) != 0,
        life_span: match protobuf::number(&fields, 5) {
            1 => LifeSpan::Request,
            2 => LifeSpan::Connection,
            _ => LifeSpan::FilterChain,
        },
    };
    let name = protobuf::bytes(&fields, 1).unwrap_or_default().to_vec();
    let own = call.own();
    let current = own.current;
    if let Some(root) = own.root_mut(current) {
        if root.prototypes.contains_key(&name) {
            return Err(Status::BadArgument);
        }
        root.prototypes.insert(name, prototype);
    }
    Ok(())
}
