//! The table of reasons: every code that a verdict may carry, once.

use core::fmt;

use crate::StageId;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal, $status:literal;)+) => {
        /// Why a verdict is what it is. The code is `stage.snake_case`, stable, and never renamed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Reason {
            /// Every reason, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The HTTP status of a refusal for this reason; 200 where nothing is refused for it.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)+ }
            }

            /// The stage that gives it; `None` for those of the request itself and of the plugin around the stages. A table that
            /// is made of the codes when this is compiled.
            pub const fn stage(self) -> Option<StageId> {
                match self { $(Self::$variant => const { stage_of($code) },)+ }
            }

            /// What it means, in one or two sentences.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc, "\n"),+).trim_ascii(),)+ }
            }
        }
    };
}

reasons! {
    /// An ALLOW rule matched.
    AllowRule = "authz.allow_rule", 200;
    /// Only DENY documents apply, none of their rules matched, and the set lets the rest through.
    NoDenyMatch = "authz.no_deny_match", 200;
    /// Only shadow documents apply: nothing is refused, all is counted.
    ShadowOnly = "authz.shadow_only", 200;
    /// A DENY rule matched.
    DenyRule = "authz.deny_rule", 403;
    /// ALLOW documents apply and none of their rules matched.
    NoAllowMatch = "authz.no_allow_match", 403;
    /// Only DENY documents apply, none of their rules matched, and the set says `otherwise: deny`.
    Otherwise = "authz.otherwise", 403;
    /// No document applies to this workload; `whenNothingApplies` decides.
    NothingApplies = "authz.nothing_applies", 403;
    /// The path can be read in more than one way (or is no path), and an AccessPolicy decides by path.
    PathRefused = "authz.path_refused", 400;
    /// The host can be read in more than one way (or is no host), and an AccessPolicy decides by host.
    HostRefused = "authz.host_refused", 400;
    /// The method is not a token of HTTP in upper case, and an AccessPolicy decides by method.
    MethodRefused = "authz.method_refused", 400;
    /// The verified peer certificate names something that is not the SPIFFE ID of a workload.
    PeerMalformed = "authn.peer_malformed", 403;
    /// Authentication demands nothing that the caller does not have.
    Authenticated = "authn.authenticated", 200;
    /// Mutual TLS is required and the connection brings no verified certificate.
    MtlsRequired = "authn.mtls_required", 403;
    /// A certificate was presented, but the connection does not say that it was verified.
    PeerUnverified = "authn.peer_unverified", 403;
    /// The peer's trust domain is none of those that are permitted.
    TrustDomainForeign = "authn.trust_domain_foreign", 403;
    /// A token is required and there is none.
    TokenMissing = "authn.token_missing", 401;
    /// There is more than one token, or it can be read in more than one way.
    TokenRepeated = "authn.token_repeated", 401;
    /// The token is longer than is read.
    TokenTooLarge = "authn.token_too_large", 401;
    /// The token is not a signed JSON Web Token in compact form, or its JSON is not strict: a name stands twice, a number where a
    /// string belongs.
    TokenMalformed = "authn.token_malformed", 401;
    /// The token's algorithm is none that the issuer's keys are for; `none` and the symmetric ones never are.
    TokenAlgorithm = "authn.token_algorithm", 401;
    /// The token demands an extension (`crit`) that nobody here understands.
    TokenCritical = "authn.token_critical", 401;
    /// The token's type (`typ`) is not one that is accepted.
    TokenType = "authn.token_type", 401;
    /// Nobody here trusts the token's issuer.
    TokenIssuer = "authn.token_issuer", 401;
    /// The token was issued for somebody else.
    TokenAudience = "authn.token_audience", 401;
    /// The token has expired.
    TokenExpired = "authn.token_expired", 401;
    /// The token is not valid yet.
    TokenNotYetValid = "authn.token_not_yet_valid", 401;
    /// A claim that is required is missing, or does not have the type that the standard gives it.
    TokenClaims = "authn.token_claims", 401;
    /// The token is bound to a key or a certificate (`cnf`), and nothing here proves that the caller holds it.
    TokenBound = "authn.token_bound", 401;
    /// The issuer has no key of that name.
    TokenKeyUnknown = "authn.token_key_unknown", 401;
    /// The signature is not that of the issuer's key.
    TokenSignature = "authn.token_signature", 401;
    /// The issuer's keys cannot be had, and those that were had have expired.
    JwksUnavailable = "authn.jwks_unavailable", 503;
    /// Something lay already where the handover belongs, or it could not be put there.
    HandoverTaken = "authn.handover_taken", 403;
    /// Policies expect a handover from `authn`, and there is none.
    HandoverMissing = "authz.handover_missing", 403;
    /// The handover from `authn` is of a version that is not known here, or cannot be read.
    HandoverUnreadable = "authz.handover_unreadable", 403;
    /// The caller is not in the penalty box.
    PenaltyClear = "penalty.clear", 200;
    /// The caller is being slowed down for what it did before, and came too fast.
    PenaltyThrottled = "penalty.throttled", 429;
    /// The caller is in quarantine for what it did before.
    PenaltyQuarantined = "penalty.quarantined", 429;
    /// The request is within every limit that applies to it.
    LimitKept = "ratelimit.within_limit", 200;
    /// The caller has used up a limit.
    LimitExceeded = "ratelimit.limit_exceeded", 429;
    /// A request that the plugin only watches.
    Watched = "sentinel.watched", 200;
    /// Another filter of the proxy refused the request.
    NativeDenied = "sentinel.native_denied", 403;
    /// The proxy did not give the request, or gave something that is not one.
    RequestUnreadable = "request.unreadable", 400;
    /// The plugin has no configuration to decide by.
    NotConfigured = "plugin.not_configured", 503;
    /// A stage asked a question that this plugin cannot ask.
    CannotAsk = "plugin.cannot_ask", 503;
    /// As many requests wait for an answer as this worker may park.
    TooManyParked = "plugin.too_many_parked", 503;
    /// The request had to wait for more answers than one request may.
    TooManyQuestions = "plugin.too_many_questions", 503;
    /// The answer that the request waited for did not come in time.
    DeadlinePassed = "plugin.deadline_passed", 503;
    /// The plugin found itself in a state that must not be.
    Internal = "plugin.internal", 503;
}

/// The stage that a code begins with.
const fn stage_of(code: &str) -> Option<StageId> {
    let mut stages: &[StageId] = &StageId::ALL;
    while let [stage, others @ ..] = stages {
        if begins(code.as_bytes(), stage.name().as_bytes()) {
            return Some(*stage);
        }
        stages = others;
    }
    None
}

const fn begins(code: &[u8], stage: &[u8]) -> bool {
    match (code, stage) {
        ([b'.', ..], []) => true,
        ([first, code @ ..], [wanted, stage @ ..]) if *first == *wanted => begins(code, stage),
        _ => false,
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_reasons_stage_is_the_one_that_its_code_names() {
        for reason in Reason::ALL {
            let (stage, _) = reason.code().split_once('.').unwrap_or_default();
            let known = StageId::ALL.iter().copied().find(|known| known.name() == stage);
            assert_eq!(reason.stage(), known, "{reason}");
        }
        assert_eq!(Reason::PenaltyClear.stage(), Some(StageId::Penalty));
        assert_eq!(Reason::Internal.stage(), None);
    }

    #[test]
    fn codes_are_stage_and_snake_case_and_stand_once() {
        let mut seen = BTreeSet::new();
        for reason in Reason::ALL {
            let (stage, what) = reason.code().split_once('.').unwrap_or_default();
            assert!(!stage.is_empty() && stage.bytes().all(|byte| byte.is_ascii_lowercase()), "{reason}");
            assert!(
                !what.is_empty() && what.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
                "{reason}"
            );
            assert!(seen.insert(reason.code()), "{reason} stands twice");
            assert!(reason.meaning().ends_with('.') || reason.meaning().ends_with("decides."), "{reason}");
        }
    }
}
