//! Verifying a signature in the module itself: `jsonwebtoken`, with a provider of the three algorithms that are taken.
//!
//! Its own provider knows twelve and signs as well; that is 220 KiB more of module, which no configuration could use
//! (docs/decisions/0006-three-signature-algorithms.md).

use jsonwebtoken::crypto::{self, CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::signature::{Error, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, EncodingKey};
use rsa::{BigUint, Pkcs1v15Sign, RsaPublicKey};
use sha2::{Digest, Sha256};

use crate::key::Public;

/// Only ever verifies.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: no_signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Whether `signature` (base64url, as it stands in the token) is that of `message` by the owner of the key.
pub(crate) fn verify(key: &Public, message: &[u8], signature: &str) -> bool {
    let Some((algorithm, key)) = decoding_key(key) else { return false };
    // Whoever comes second finds the same provider there.
    let _ = PROVIDER.install_default();
    crypto::verify(signature, message, &key, algorithm).unwrap_or(false)
}

/// Whether the key's numbers are one.
pub(crate) fn is_key(key: &Public) -> bool {
    decoding_key(key).is_some_and(|(algorithm, key)| verifier(&algorithm, &key).is_ok())
}

fn decoding_key(key: &Public) -> Option<(Algorithm, DecodingKey)> {
    Some(match key {
        Public::Rsa { modulus, exponent } => {
            (Algorithm::RS256, DecodingKey::from_rsa_raw_components(modulus, exponent))
        }
        // The library keeps these bytes as they are, whatever the constructor is called.
        Public::P256(point) => (Algorithm::ES256, DecodingKey::from_ec_der(point)),
        Public::Ed25519(bytes) => (Algorithm::EdDSA, DecodingKey::from_ed_der(bytes)),
    })
}

fn no_signer(_: &Algorithm, _: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    Err(ErrorKind::InvalidAlgorithm.into())
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    Ok(match (algorithm, key.kind()) {
        (Algorithm::RS256, DecodingKeyKind::RsaModulusExponent { n, e }) => {
            let key = RsaPublicKey::new(BigUint::from_bytes_be(n), BigUint::from_bytes_be(e));
            Box::new(Rs256(key.map_err(|_| ErrorKind::InvalidKeyFormat)?))
        }
        (Algorithm::ES256, DecodingKeyKind::SecretOrDer(point)) => {
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point);
            Box::new(Es256(key.map_err(|_| ErrorKind::InvalidEcdsaKey)?))
        }
        (Algorithm::EdDSA, DecodingKeyKind::SecretOrDer(bytes)) => {
            let key = ed25519_dalek::VerifyingKey::try_from(bytes.as_slice());
            let key = key.ok().filter(|key| !key.is_weak()).ok_or(ErrorKind::InvalidEddsaKey)?;
            Box::new(EdDsa(key))
        }
        _ => return Err(ErrorKind::InvalidAlgorithm.into()),
    })
}

struct Rs256(RsaPublicKey);

impl Verifier<Vec<u8>> for Rs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> core::result::Result<(), Error> {
        let digest = Sha256::digest(message);
        self.0.verify(Pkcs1v15Sign::new::<Sha256>(), &digest, signature).map_err(|_| Error::new())
    }
}

impl JwtVerifier for Rs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
}

struct Es256(p256::ecdsa::VerifyingKey);

impl Verifier<Vec<u8>> for Es256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> core::result::Result<(), Error> {
        let signature = p256::ecdsa::Signature::from_slice(signature)?;
        self.0.verify(message, &signature)
    }
}

impl JwtVerifier for Es256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
}

struct EdDsa(ed25519_dalek::VerifyingKey);

impl Verifier<Vec<u8>> for EdDsa {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> core::result::Result<(), Error> {
        let signature = ed25519_dalek::Signature::from_slice(signature)?;
        // Strict: a point of small order would let one signature fit many messages.
        self.0.verify_strict(message, &signature)
    }
}

impl JwtVerifier for EdDsa {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}
