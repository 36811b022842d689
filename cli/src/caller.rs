//! Who calls, as people write it on the command line.

use meshward_cases::case::{Caller, Transport};
use meshward_model::SpiffeId;

use crate::failure::Failure;

/// The trust domain of a caller that is written `namespace/account`: Istio's default.
pub(crate) const DEFAULT_TRUST_DOMAIN: &str = "cluster.local";

const HELP: &str = "write `spiffe://cluster.local/ns/shop/sa/web`, `shop/web` for the same, `anonymous` (TLS without a \
     certificate) or `plaintext`";

/// Reads a caller: a SPIFFE ID, `namespace/account`, `anonymous` or `plaintext`.
///
/// # Errors
/// [`Failure::Usage`] for anything else.
pub(crate) fn parse(text: &str, trust_domain: &str) -> Result<(Caller, Transport), Failure> {
    match text {
        "anonymous" => return Ok((Caller::Nameless, Transport::Tls)),
        "plaintext" => return Ok((Caller::Nameless, Transport::Plaintext)),
        _ => {}
    }
    let name = match text.split_once('/') {
        Some((namespace, account)) if !text.contains("://") => {
            format!("spiffe://{trust_domain}/ns/{namespace}/sa/{account}")
        }
        Some(_) | None => text.to_owned(),
    };
    match SpiffeId::parse(name.as_bytes()) {
        Ok(_) => Ok((Caller::Named(name.into_bytes()), Transport::Tls)),
        Err(error) => Err(Failure::usage(format!("`{text}` is no caller: {error}"), HELP)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Option<Vec<u8>> {
        match parse(text, DEFAULT_TRUST_DOMAIN) {
            Ok((Caller::Named(name), Transport::Tls)) => Some(name),
            Ok(_) | Err(_) => None,
        }
    }

    #[test]
    fn a_namespace_and_an_account_are_a_spiffe_id_of_the_trust_domain() {
        assert_eq!(named("shop/web").as_deref(), Some(&b"spiffe://cluster.local/ns/shop/sa/web"[..]));
        assert_eq!(named("spiffe://a.b/c").as_deref(), Some(&b"spiffe://a.b/c"[..]));
    }

    #[test]
    fn what_names_nobody_is_a_mistake_and_not_somebody() {
        for wrong in ["", "web", "https://a/b", "spiffe://", "shop/", "SPIFFE://a/b"] {
            assert!(parse(wrong, DEFAULT_TRUST_DOMAIN).is_err(), "{wrong}");
        }
    }
}
