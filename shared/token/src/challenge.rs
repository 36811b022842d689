//! What a refused caller is told: `WWW-Authenticate` (RFC 6750 §3).

use meshward_model::{Denial, Reason};

/// A refusal; a 401 says what it would take. The realm is a document's name: it needs no escaping.
pub(crate) fn denial(reason: Reason, realm: &str) -> Denial {
    let denial = Denial::new(reason, None);
    if denial.status != 401 {
        return denial;
    }
    let challenge = match error(reason) {
        // Who shows no token is not told of an error (§3.1).
        None => format!("Bearer realm=\"{realm}\""),
        Some((code, description)) => {
            format!("Bearer realm=\"{realm}\", error=\"{code}\", error_description=\"{description}\"")
        }
    };
    denial.with(b"www-authenticate", challenge)
}

/// (error, description). Nothing of it is more than the caller could see in its own token.
#[expect(clippy::wildcard_enum_match_arm, reason = "only these reasons answer a token; others have no 401")]
const fn error(reason: Reason) -> Option<(&'static str, &'static str)> {
    const INVALID: &str = "invalid_token";
    Some(match reason {
        Reason::TokenRepeated => ("invalid_request", "there must be one token, in one Authorization header"),
        Reason::TokenTooLarge => (INVALID, "the token is too long"),
        Reason::TokenMalformed => (INVALID, "this is no signed JSON Web Token"),
        Reason::TokenAlgorithm => (INVALID, "the signature's algorithm is not accepted"),
        Reason::TokenCritical => (INVALID, "the token demands an extension that is not known"),
        Reason::TokenType => (INVALID, "a token of this type is not accepted"),
        Reason::TokenIssuer => (INVALID, "the issuer is not trusted"),
        Reason::TokenAudience => (INVALID, "the token is for another audience"),
        Reason::TokenExpired => (INVALID, "the token has expired"),
        Reason::TokenNotYetValid => (INVALID, "the token is not valid yet"),
        Reason::TokenClaims => (INVALID, "a claim is missing or has the wrong type"),
        Reason::TokenBound => (INVALID, "the token is bound to a key that is not checked here"),
        Reason::TokenKeyUnknown => (INVALID, "the issuer has no such key"),
        Reason::TokenSignature => (INVALID, "the signature does not fit"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_401_of_authn_has_a_challenge_and_nothing_else_has() {
        let of_authn = Reason::ALL.iter().filter(|reason| reason.code().starts_with("authn."));
        for reason in of_authn {
            let denial = denial(*reason, "shop");
            let value = denial.headers.first().map(|(_, value)| String::from_utf8_lossy(value).into_owned());
            match (denial.status, *reason) {
                (401, Reason::TokenMissing) => assert_eq!(value.as_deref(), Some("Bearer realm=\"shop\"")),
                (401, _) => {
                    let value = value.unwrap_or_default();
                    assert!(
                        value.starts_with("Bearer realm=\"shop\", error=\"invalid_"),
                        "{reason}: {value}"
                    );
                    // RFC 6750 §3: printable ASCII without quotes and backslashes inside the quotes.
                    assert_eq!(value.matches('"').count(), 6, "{reason}: {value}");
                    assert!(
                        value.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b'\\'),
                        "{value}"
                    );
                }
                _ => assert_eq!(value, None, "{reason}"),
            }
        }
    }
}
