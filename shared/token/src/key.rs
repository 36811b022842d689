//! A public key, as a JSON Web Key (RFC 7517) writes it: taken only where it is strong and meant for verifying.

use core::fmt;

use meshward_model::Claim;

use crate::algorithm::Algorithm;
use crate::json::{self, Object};
use crate::{base64url, verify};

/// A key that signatures are verified with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    /// Its name (`kid`), if it has one.
    pub(crate) name: Option<String>,
    /// The key itself.
    pub(crate) public: Public,
}

/// The key itself; the kind says the algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Public {
    /// RSA: modulus and exponent, big-endian, without leading zeros.
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    /// A point on P-256, uncompressed (SEC 1): 4, x, y.
    P256(Vec<u8>),
    /// Ed25519.
    Ed25519(Vec<u8>),
}

/// The shortest RSA modulus that is taken, in bits (RFC 7518 §3.3).
pub(crate) const MIN_RSA_BITS: u32 = 2048;
/// The longest, in bits: each verification takes time that grows with the square of it.
pub(crate) const MAX_RSA_BITS: u32 = 4096;
/// The smallest RSA exponent that is taken; smaller ones have a history of forged signatures.
const MIN_EXPONENT: u64 = 65_537;
/// The longest RSA exponent that is taken, in bytes.
const MAX_EXPONENT_BYTES: usize = 4;
/// The longest name of a key that is kept, in bytes.
const MAX_NAME_BYTES: usize = 1024;
const COORDINATE_BYTES: usize = 32;
const UNCOMPRESSED: u8 = 4;

/// Why a JSON Web Key is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyError {
    /// It is no object, or a member that it needs is missing or has another type.
    Malformed,
    /// `kty`, `crv` or `alg` is not one that is used here.
    Unused,
    /// A symmetric key.
    Symmetric,
    /// It holds private parts: whoever can read it can sign.
    Private,
    /// `use` or `key_ops` says that it is for something else.
    Purpose,
    /// An RSA modulus too short or too long.
    RsaSize,
    /// An RSA exponent that is even or too small.
    RsaExponent,
    /// Its numbers are no point on the curve, or no modulus.
    NotOnCurve,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "it is no JSON Web Key, or a member that it needs is missing",
            Self::Unused => "its `kty`, `crv` or `alg` is not for RS256, ES256 or EdDSA (Ed25519)",
            Self::Symmetric => "it is a symmetric key, and a secret has no place here",
            Self::Private => "it holds private parts; give the public key only, and replace this key",
            Self::Purpose => "its `use` or `key_ops` says that it is not for verifying signatures",
            Self::RsaSize => "its modulus must have 2048 to 4096 bits",
            Self::RsaExponent => "its exponent must be odd, 65537 or more, and at most 4 bytes long",
            Self::NotOnCurve => "its numbers are no key of its kind",
        })
    }
}

impl Key {
    /// Reads a member of a JWKS.
    pub(crate) fn of_jwk(jwk: &Claim) -> Result<Self, KeyError> {
        let Claim::Map(jwk) = jwk else { return Err(KeyError::Malformed) };
        let kind = text(jwk, "kty")?.ok_or(KeyError::Malformed)?;
        if kind == "oct" {
            return Err(KeyError::Symmetric);
        }
        if json::get(jwk, "d").is_some() {
            return Err(KeyError::Private);
        }
        purpose(jwk)?;
        let public = match kind {
            "RSA" => rsa(jwk)?,
            "EC" => p256(jwk)?,
            "OKP" => ed25519(jwk)?,
            _ => return Err(KeyError::Unused),
        };
        if text(jwk, "alg")?.is_some_and(|name| name != public.algorithm().name()) {
            return Err(KeyError::Unused);
        }
        if !verify::is_key(&public) {
            return Err(KeyError::NotOnCurve);
        }
        let name = text(jwk, "kid")?.map(str::to_owned);
        if name.as_ref().is_some_and(|name| name.len() > MAX_NAME_BYTES) {
            return Err(KeyError::Malformed);
        }
        Ok(Self { name, public })
    }
}

impl Public {
    /// The one algorithm that the key is used with.
    pub(crate) const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa { .. } => Algorithm::Rs256,
            Self::P256(_) => Algorithm::Es256,
            Self::Ed25519(_) => Algorithm::EdDsa,
        }
    }
}

/// The string of a name; absent is fine, another type is not.
fn text<'a>(jwk: &'a Object, name: &str) -> Result<Option<&'a str>, KeyError> {
    match json::get(jwk, name) {
        None => Ok(None),
        Some(value) => value.text().map(Some).ok_or(KeyError::Malformed),
    }
}

fn number(jwk: &Object, name: &str) -> Result<Vec<u8>, KeyError> {
    let text = text(jwk, name)?.ok_or(KeyError::Malformed)?;
    base64url::decode(text.as_bytes()).ok_or(KeyError::Malformed)
}

/// `use` and `key_ops` (RFC 7517 §4.2, §4.3), where they are there, must let it verify. SPIFFE bundles write `jwt-svid`.
fn purpose(jwk: &Object) -> Result<(), KeyError> {
    if text(jwk, "use")?.is_some_and(|purpose| !matches!(purpose, "sig" | "jwt-svid")) {
        return Err(KeyError::Purpose);
    }
    match json::get(jwk, "key_ops") {
        None => Ok(()),
        Some(Claim::List(list)) if list.iter().any(|one| one.text() == Some("verify")) => Ok(()),
        Some(_) => Err(KeyError::Purpose),
    }
}

fn rsa(jwk: &Object) -> Result<Public, KeyError> {
    let without_zeros = |bytes: Vec<u8>| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        bytes.get(zeros..).unwrap_or_default().to_vec()
    };
    let modulus = without_zeros(number(jwk, "n")?);
    let exponent = without_zeros(number(jwk, "e")?);
    let bits = modulus.first().map_or(0, |first| {
        let whole = u32::try_from(modulus.len()).unwrap_or(u32::MAX).saturating_mul(8);
        whole.saturating_sub(first.leading_zeros())
    });
    if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
        return Err(KeyError::RsaSize);
    }
    if exponent.len() > MAX_EXPONENT_BYTES {
        return Err(KeyError::RsaExponent);
    }
    let value = exponent.iter().fold(0_u64, |value, byte| (value << 8) | u64::from(*byte));
    if value < MIN_EXPONENT || value & 1 == 0 {
        return Err(KeyError::RsaExponent);
    }
    // An even modulus has 2 for a factor.
    if modulus.last().is_some_and(|last| last & 1 == 0) {
        return Err(KeyError::NotOnCurve);
    }
    Ok(Public::Rsa { modulus, exponent })
}

fn p256(jwk: &Object) -> Result<Public, KeyError> {
    if text(jwk, "crv")?.ok_or(KeyError::Malformed)? != "P-256" {
        return Err(KeyError::Unused);
    }
    let (x, y) = (number(jwk, "x")?, number(jwk, "y")?);
    // RFC 7518 §6.2.1.2: the full length, leading zeros included.
    if x.len() != COORDINATE_BYTES || y.len() != COORDINATE_BYTES {
        return Err(KeyError::NotOnCurve);
    }
    let mut point = vec![UNCOMPRESSED];
    point.extend(x);
    point.extend(y);
    Ok(Public::P256(point))
}

fn ed25519(jwk: &Object) -> Result<Public, KeyError> {
    if text(jwk, "crv")?.ok_or(KeyError::Malformed)? != "Ed25519" {
        return Err(KeyError::Unused);
    }
    Ok(Public::Ed25519(number(jwk, "x")?))
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
