//! The table of reasons: every code that a verdict may carry, once.

use core::fmt;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal,)+) => {
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

            /// What it means, in one or two sentences.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc, "\n"),+).trim_ascii(),)+ }
            }
        }
    };
}

reasons! {
    /// An ALLOW rule matched.
    AllowRule = "authz.allow_rule",
    /// Only DENY documents apply, none of their rules matched, and the set lets the rest through.
    NoDenyMatch = "authz.no_deny_match",
    /// Only shadow documents apply: nothing is refused, all is counted.
    ShadowOnly = "authz.shadow_only",
    /// A DENY rule matched.
    DenyRule = "authz.deny_rule",
    /// ALLOW documents apply and none of their rules matched.
    NoAllowMatch = "authz.no_allow_match",
    /// Only DENY documents apply, none of their rules matched, and the set says `otherwise: deny`.
    Otherwise = "authz.otherwise",
    /// No document applies to this workload; `whenNothingApplies` decides.
    NothingApplies = "authz.nothing_applies",
    /// The path can be read in more than one way (or is no path), and an AccessPolicy decides by path.
    PathRefused = "authz.path_refused",
    /// The host can be read in more than one way (or is no host), and an AccessPolicy decides by host.
    HostRefused = "authz.host_refused",
    /// The method is not a token of HTTP in upper case, and an AccessPolicy decides by method.
    MethodRefused = "authz.method_refused",
    /// The verified peer certificate names something that is not the SPIFFE ID of a workload.
    PeerMalformed = "authn.peer_malformed",
    /// The proxy did not give the request, or gave something that is not one.
    RequestUnreadable = "request.unreadable",
    /// The plugin has no configuration to decide by.
    NotConfigured = "plugin.not_configured",
    /// A stage asked a question that this plugin cannot ask.
    CannotAsk = "plugin.cannot_ask",
    /// As many requests wait for an answer as this worker may park.
    TooManyParked = "plugin.too_many_parked",
    /// The request had to wait for more answers than one request may.
    TooManyQuestions = "plugin.too_many_questions",
    /// The answer that the request waited for did not come in time.
    DeadlinePassed = "plugin.deadline_passed",
    /// The plugin found itself in a state that must not be.
    Internal = "plugin.internal",
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
