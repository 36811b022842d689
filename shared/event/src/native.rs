//! Refusals of the proxy's own filters, as `%RESPONSE_CODE_DETAILS%` tells of them.

/// What one of Envoy's own filters has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Native {
    /// The caller may not do this.
    Unauthorized,
    /// The caller is not known, or came too often.
    Blocked,
    /// The filter could not decide, and is closed then.
    Error,
}

/// How the details begin where one of Envoy's own filters has refused a request. Envoy writes them itself; what follows names the
/// filter's own policy or a fixed text, never anything of the request.
const BEGINNINGS: [(&[u8], Native); 7] = [
    (b"rbac_access_denied", Native::Unauthorized),
    (b"jwt_authn_access_denied", Native::Blocked),
    (b"ext_authz_denied", Native::Unauthorized),
    (b"ext_authz_error", Native::Error),
    (b"local_rate_limited", Native::Blocked),
    (b"request_rate_limited", Native::Blocked),
    (b"rate_limiter_error", Native::Error),
];

/// What a filter of Envoy's own has done, if one has refused the request.
pub(crate) fn of(details: &[u8]) -> Option<Native> {
    BEGINNINGS.iter().find(|(beginning, _)| details.starts_with(beginning)).map(|(_, native)| *native)
}

/// Whether a filter of Envoy's own has refused the request.
pub fn is_denial(details: &[u8]) -> bool {
    of(details).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_envoys_filters_are_told_from_answers_of_the_upstream_and_from_ours() {
        for details in [
            "rbac_access_denied_matched_policy[ns[shop]-policy[orders]-rule[0]]",
            "jwt_authn_access_denied{Jwt_is_expired}",
            "ext_authz_denied",
            "ext_authz_error",
            "local_rate_limited",
            "request_rate_limited",
        ] {
            assert!(is_denial(details.as_bytes()), "{details}");
        }
        for details in [
            "",
            "via_upstream",
            "route_not_found",
            "meshward_denied[authz.no_allow_match]",
            "direct_response",
        ] {
            assert!(!is_denial(details.as_bytes()), "{details}");
        }
    }
}
