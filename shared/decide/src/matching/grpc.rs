//! Matching on the method of a gRPC service that is called.
//!
//! gRPC over HTTP/2 is `POST /<package>.<Service>/<Method>` with the content type `application/grpc`. The same path with another method
//! or content type may reach the same code (Connect, gRPC-Web, transcoding), so that it is a maybe: an ALLOW rule does not take it, a
//! DENY rule does.

use super::operation::Target;
use crate::pattern::Pattern;
use crate::truth::Truth;

/// One entry of `grpc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrpcMatcher {
    /// The service with its package.
    pub service: Pattern,
    /// The method.
    pub method: Pattern,
}

impl GrpcMatcher {
    fn matches(&self, path: &[u8]) -> bool {
        let Some(call) = path.strip_prefix(b"/") else { return false };
        let Some(slash) = call.iter().position(|byte| *byte == b'/') else { return false };
        let Some((service, method)) = call.split_at_checked(slash) else { return false };
        let method = method.strip_prefix(b"/").unwrap_or_default();
        !method.contains(&b'/') && self.service.matches(service) && self.method.matches(method)
    }
}

/// What `grpc` says of a request.
#[inline(never)]
pub(crate) fn truth(calls: &[GrpcMatcher], target: &Target<'_>) -> Truth {
    let path = target.path.unwrap_or_default();
    if !calls.iter().any(|call| call.matches(path)) {
        return Truth::No;
    }
    let is_grpc =
        target.method == Some(b"POST") && target.headers.is_some_and(meshward_reading::grpc::is_said_by);
    if is_grpc { Truth::Yes } else { Truth::Maybe }
}
