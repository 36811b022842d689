//! Refusals of the proxy's own filters, as `%RESPONSE_CODE_DETAILS%` tells of them.

/// How the details begin where one of Envoy's own filters has refused a request.
const BEGINNINGS: [&[u8]; 5] = [
    b"rbac_access_denied",
    b"jwt_authn_access_denied",
    b"ext_authz_denied",
    b"ext_authz_error",
    b"local_rate_limited",
];

/// Whether a filter of Envoy's own has refused the request.
pub fn is_denial(details: &[u8]) -> bool {
    BEGINNINGS.iter().any(|beginning| details.starts_with(beginning))
}
