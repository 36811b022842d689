//! Whether a request says that it is a gRPC call.

use meshward_model::Headers;

/// Whether the one content type is gRPC's, with whatever message format and parameters.
pub fn is_said_by(headers: &Headers) -> bool {
    const NAME: &[u8] = b"application/grpc";
    let Ok(kind) = headers.single(b"content-type") else { return false };
    kind.split_at_checked(NAME.len()).is_some_and(|(name, rest)| {
        name.eq_ignore_ascii_case(NAME)
            && matches!(rest.first(), None | Some(b'+' | b';' | b' '))
            && !rest.contains(&b',')
    })
}
