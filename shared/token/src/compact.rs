//! A token in compact form (RFC 7515 §7.1), taken apart and read, but believed in nothing yet.

use meshward_model::{Claim, Reason};

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::json::{self, Object};

/// The longest token that is read, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// The most JSON values that the header or the claims may hold, those inside others included.
const MAX_VALUES: u32 = 1024;

/// The types (`typ`) that are accepted, beside none at all (RFC 7515 §4.1.9: letter case and `application/` do not matter).
/// Everything else is a token of another kind: a logout token, a security event, a workload's proof.
const TYPES: [&str; 3] = ["jwt", "at+jwt", "jose"];

/// Members of the header that change what the rest means, and that nobody here understands.
const EXTENSIONS: [&str; 4] = ["crit", "b64", "zip", "enc"];

/// A token whose signature was not verified.
#[derive(Debug, PartialEq)]
pub(crate) struct Unverified<'a> {
    /// `alg`.
    pub(crate) algorithm: Algorithm,
    /// `kid`, where there is one.
    pub(crate) key_name: Option<String>,
    /// The claims.
    pub(crate) claims: Object,
    /// What was signed: header and claims as they stand in the token.
    pub(crate) message: &'a str,
    /// The signature as it stands in the token; its alphabet was checked.
    pub(crate) signature: &'a str,
}

/// Takes a token apart.
///
/// # Errors
/// Why it is not a signed token that anybody here could verify.
pub(crate) fn read(token: &[u8]) -> Result<Unverified<'_>, Reason> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(Reason::TokenTooLarge);
    }
    let token = core::str::from_utf8(token).map_err(|_| Reason::TokenMalformed)?;
    let (message, signature) = token.rsplit_once('.').ok_or(Reason::TokenMalformed)?;
    let (header, claims) = message.split_once('.').ok_or(Reason::TokenMalformed)?;
    let (algorithm, key_name) = read_header(&part(header)?)?;
    let claims = part(claims)?;
    if signature.is_empty() || base64url::decode(signature.as_bytes()).is_none() {
        return Err(Reason::TokenMalformed);
    }
    Ok(Unverified { algorithm, key_name, claims, message, signature })
}

fn part(text: &str) -> Result<Object, Reason> {
    let bytes = base64url::decode(text.as_bytes()).ok_or(Reason::TokenMalformed)?;
    json::object(&bytes, MAX_VALUES).ok_or(Reason::TokenMalformed)
}

/// The header (RFC 7515 §4). `jku`, `jwk`, `x5u` and `x5c` name keys that the sender chose: they are never looked at.
fn read_header(header: &Object) -> Result<(Algorithm, Option<String>), Reason> {
    if EXTENSIONS.iter().any(|name| json::get(header, name).is_some()) {
        return Err(Reason::TokenCritical);
    }
    let text = |name: &str| match json::get(header, name) {
        None => Ok(None),
        Some(value) => value.text().map(Some).ok_or(Reason::TokenMalformed),
    };
    let algorithm = text("alg")?.ok_or(Reason::TokenMalformed)?;
    let algorithm = Algorithm::named(algorithm).ok_or(Reason::TokenAlgorithm)?;
    if text("typ")?.is_some_and(|kind| !TYPES.contains(&media_type(kind).as_str())) {
        return Err(Reason::TokenType);
    }
    // A token inside the token (RFC 7519 §5.2).
    if text("cty")?.is_some_and(|kind| media_type(kind) == "jwt") {
        return Err(Reason::TokenType);
    }
    Ok((algorithm, text("kid")?.map(str::to_owned)))
}

fn media_type(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    lower.strip_prefix("application/").map(str::to_owned).unwrap_or(lower)
}

/// What the standard says of the registered claims' types; a token without `exp` never becomes one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Registered<'a> {
    /// `iss`.
    pub(crate) issuer: &'a str,
    /// `sub`.
    pub(crate) subject: Option<&'a str>,
    /// `aud`: one or several.
    pub(crate) audiences: Vec<&'a str>,
    /// `exp` and `nbf`.
    pub(crate) times: Times,
}

/// Between which seconds since 1970 a token is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    /// `exp`: not from this second on.
    pub(crate) expires: i64,
    /// `nbf`: not before this second.
    pub(crate) not_before: Option<i64>,
}

impl Unverified<'_> {
    /// The registered claims (RFC 7519 §4.1), strictly typed. `iss`, `aud` and `exp` must be there.
    pub(crate) fn registered(&self) -> Result<Registered<'_>, Reason> {
        let text = |name: &str| match json::get(&self.claims, name) {
            None => Ok(None),
            Some(value) => value.text().map(Some).ok_or(Reason::TokenClaims),
        };
        let seconds = |name: &str| match json::get(&self.claims, name) {
            None => Ok(None),
            Some(Claim::Integer(seconds)) => Ok(Some(*seconds)),
            Some(_) => Err(Reason::TokenClaims),
        };
        let audiences = match json::get(&self.claims, "aud").ok_or(Reason::TokenClaims)? {
            Claim::Text(one) => vec![one.as_str()],
            Claim::List(several) => {
                several.iter().map(Claim::text).collect::<Option<_>>().ok_or(Reason::TokenClaims)?
            }
            Claim::Null | Claim::Bool(_) | Claim::Integer(_) | Claim::Real(_) | Claim::Map(_) => {
                return Err(Reason::TokenClaims);
            }
        };
        seconds("iat")?;
        Ok(Registered {
            issuer: text("iss")?.ok_or(Reason::TokenClaims)?,
            subject: text("sub")?,
            audiences,
            times: Times {
                expires: seconds("exp")?.ok_or(Reason::TokenClaims)?,
                not_before: seconds("nbf")?,
            },
        })
    }
}
