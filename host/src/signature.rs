//! `verify_signature`: RSA (PKCS #1 v1.5) and ECDSA as Envoy's crypto library checks them.

use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1,
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA384, UnparsedPublicKey,
    VerificationAlgorithm,
};

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];

/// Envoy's words for a signature that does not fit (`source/common/crypto/utility_impl.cc`, `verifySignature`).
const NOT_VERIFIED: &str = "Failed to verify digest. Error code: 0";

/// The same for a key that cannot be read.
const NO_KEY: &str = "Failed to initialize digest verify.";
/// The hashes that Envoy knows; not all of them here.
const HASHES: [&str; 5] = ["sha1", "sha224", "sha256", "sha384", "sha512"];

/// Verifies a signature over `text`; the key is a DER `SubjectPublicKeyInfo`, the hash a name such as `sha256`.
///
/// # Errors
/// Why it does not verify, in Envoy's words.
pub(crate) fn verify(key: &[u8], hash: &[u8], signature: &[u8], text: &[u8]) -> Result<(), String> {
    let hash = String::from_utf8_lossy(hash).into_owned();
    let unsupported = || format!("{hash} is not supported.");
    let name = hash.to_ascii_lowercase();
    if !HASHES.contains(&name.as_str()) {
        return Err(unsupported());
    }
    let (family, key) = public_key(key).ok_or(NO_KEY)?;
    let algorithm: &dyn VerificationAlgorithm = match (family, name.as_str()) {
        (Family::Rsa, "sha1") => &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        (Family::Rsa, "sha256") => &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        (Family::Rsa, "sha384") => &RSA_PKCS1_2048_8192_SHA384,
        (Family::Rsa, "sha512") => &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        (Family::P256, "sha256") => &ECDSA_P256_SHA256_ASN1,
        (Family::P256, "sha384") => &ECDSA_P256_SHA384_ASN1,
        (Family::P384, "sha256") => &ECDSA_P384_SHA256_ASN1,
        (Family::P384, "sha384") => &ECDSA_P384_SHA384_ASN1,
        _ => return Err(unsupported()),
    };
    UnparsedPublicKey::new(algorithm, key).verify(text, signature).map_err(|_| NOT_VERIFIED.to_owned())
}

/// The DER bytes of a PEM public key.
pub(crate) fn from_pem(pem: &[u8]) -> Option<Vec<u8>> {
    let text = core::str::from_utf8(pem).ok()?;
    let (_, rest) = text.split_once("-----BEGIN PUBLIC KEY-----")?;
    let (body, _) = rest.split_once("-----END PUBLIC KEY-----")?;
    let mut bytes = Vec::new();
    let (mut held, mut bits) = (0_u32, 0_u32);
    for character in body.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=') {
        let value = match character {
            b'A'..=b'Z' => character.wrapping_sub(b'A'),
            b'a'..=b'z' => character.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => character.wrapping_sub(b'0').wrapping_add(52),
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = (held << 6) | u32::from(value);
        bits = bits.wrapping_add(6);
        if bits >= 8 {
            bits = bits.wrapping_sub(8);
            bytes.push(u8::try_from((held >> bits) & 0xff).unwrap_or_default());
        }
    }
    Some(bytes)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Rsa,
    P256,
    P384,
}

/// The family of a key and its bytes as `ring` wants them: what the bit string holds.
fn public_key(der: &[u8]) -> Option<(Family, &[u8])> {
    let (info, rest) = element(der, 0x30)?;
    let (algorithm, key) = element(info, 0x30)?;
    let (bits, more) = element(key, 0x03)?;
    let (unused, bits) = bits.split_first()?;
    if !rest.is_empty() || !more.is_empty() || *unused != 0 {
        return None;
    }
    let (name, parameters) = element(algorithm, 0x06)?;
    let family = match name {
        RSA => Family::Rsa,
        EC => match element(parameters, 0x06)?.0 {
            P256 => Family::P256,
            P384 => Family::P384,
            _ => return None,
        },
        _ => return None,
    };
    Some((family, bits))
}

/// One DER element of a given tag: what it holds, and what follows.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(*length), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x0f))?;
            let length = bytes
                .iter()
                .try_fold(0_usize, |sum, byte| sum.checked_mul(256)?.checked_add(usize::from(*byte)))?;
            (length, rest)
        }
        _ => return None,
    };
    if *found != tag {
        return None;
    }
    rest.split_at_checked(length)
}
