//! Tokens for tests: good ones, and those that an attacker would try.
//!
//! The keys are test keys, committed beside this file: whoever trusts them trusts everybody.
//!
//! ```
//! use meshward_cases::mint::{Key, Mint, jwks};
//! let key = Key::named("ec-1").unwrap();
//! let token = Mint::new(&key, "https://id.example", "shop", 1_700_000_000).claim("role", "buyer").text();
//! assert_eq!(token.split('.').count(), 3);
//! assert!(jwks([&key]).contains("\"kid\":\"ec-1\""));
//! ```

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use p256::ecdsa::signature::Signer;
use rsa::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPublicKey};
use rsa::traits::PublicKeyParts;
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// A test key.
#[derive(Debug, Clone)]
pub struct Key {
    name: String,
    private: Private,
}

#[derive(Debug, Clone)]
enum Private {
    Rsa(Box<RsaPrivateKey>),
    P256(p256::ecdsa::SigningKey),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

impl Key {
    /// The names of the keys that there are: two of each algorithm, and one that is too short.
    pub const NAMES: [&str; 7] = ["rsa-1", "rsa-2", "rsa-weak", "ec-1", "ec-2", "ed-1", "ed-2"];

    /// The key of this name.
    pub fn named(name: &str) -> Option<Self> {
        let private = match name {
            "rsa-1" => rsa(include_bytes!("../keys/rsa-1.der"))?,
            "rsa-2" => rsa(include_bytes!("../keys/rsa-2.der"))?,
            "rsa-weak" => rsa(include_bytes!("../keys/rsa-weak.der"))?,
            "ec-1" => p256(include_bytes!("../keys/ec-1.bin"))?,
            "ec-2" => p256(include_bytes!("../keys/ec-2.bin"))?,
            "ed-1" => ed25519(include_bytes!("../keys/ed-1.bin")),
            "ed-2" => ed25519(include_bytes!("../keys/ed-2.bin")),
            _ => return None,
        };
        Some(Self { name: name.to_owned(), private })
    }

    /// A key of P-256 from these bytes, such as a demo makes at start. `None` where they are no scalar of the curve.
    pub fn p256(name: &str, scalar: &[u8; 32]) -> Option<Self> {
        Some(Self { name: name.to_owned(), private: p256(scalar)? })
    }

    /// The same key under another name (`kid`).
    #[must_use]
    pub fn called(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Its name, which is its `kid`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The `alg` that it signs with.
    pub const fn algorithm(&self) -> &'static str {
        match self.private {
            Private::Rsa(_) => "RS256",
            Private::P256(_) => "ES256",
            Private::Ed25519(_) => "EdDSA",
        }
    }

    /// Its public half as a JSON Web Key.
    pub fn jwk(&self) -> Value {
        let mut jwk = match &self.private {
            Private::Rsa(key) => {
                json!({"kty": "RSA", "n": base64url(&key.n().to_bytes_be()), "e": base64url(&key.e().to_bytes_be())})
            }
            Private::P256(key) => {
                let point = key.verifying_key().to_encoded_point(false);
                let coordinate = |bytes: Option<&p256::FieldBytes>| {
                    bytes.map(|bytes| base64url(bytes)).unwrap_or_default()
                };
                json!({"kty": "EC", "crv": "P-256", "x": coordinate(point.x()), "y": coordinate(point.y())})
            }
            Private::Ed25519(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(key.verifying_key().as_bytes())})
            }
        };
        if let Some(jwk) = jwk.as_object_mut() {
            jwk.insert("kid".to_owned(), json!(self.name));
            jwk.insert("alg".to_owned(), json!(self.algorithm()));
            jwk.insert("use".to_owned(), json!("sig"));
        }
        jwk
    }

    /// Its signature of `message`, as a token holds it. The same each time; empty where the key is too short to sign.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.private {
            Private::Rsa(key) => {
                key.sign(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(message)).unwrap_or_default()
            }
            Private::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Private::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
        }
    }

    /// The bytes that an attacker would take for a shared secret: the public key as people have it at hand.
    pub fn public_bytes(&self) -> Vec<u8> {
        match &self.private {
            Private::Rsa(key) => {
                let pem = key.to_public_key().to_pkcs1_pem(rsa::pkcs1::LineEnding::LF);
                pem.map(String::into_bytes).unwrap_or_default()
            }
            Private::P256(key) => key.verifying_key().to_encoded_point(false).as_bytes().to_vec(),
            Private::Ed25519(key) => key.verifying_key().as_bytes().to_vec(),
        }
    }
}

fn rsa(der: &[u8]) -> Option<Private> {
    RsaPrivateKey::from_pkcs1_der(der).ok().map(|key| Private::Rsa(Box::new(key)))
}

fn p256(scalar: &[u8]) -> Option<Private> {
    p256::ecdsa::SigningKey::from_slice(scalar).ok().map(Private::P256)
}

fn ed25519(seed: &[u8; 32]) -> Private {
    Private::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(seed)))
}

/// A JWKS of the public halves.
pub fn jwks<'a>(keys: impl IntoIterator<Item = &'a Key>) -> String {
    json!({"keys": keys.into_iter().map(Key::jwk).collect::<Vec<_>>()}).to_string()
}

/// A token that is being made.
#[derive(Debug, Clone)]
pub struct Mint<'a> {
    key: &'a Key,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl<'a> Mint<'a> {
    /// A good token for five minutes from `now` (seconds since 1970), of subject `alice`.
    pub fn new(key: &'a Key, issuer: &str, audience: &str, now: i64) -> Self {
        let header = json!({"alg": key.algorithm(), "typ": "JWT", "kid": key.name()});
        let claims = json!({
            "iss": issuer, "sub": "alice", "aud": audience, "iat": now, "exp": now.saturating_add(300)
        });
        let object = |value: Value| value.as_object().cloned().unwrap_or_default();
        Self { key, header: object(header), claims: object(claims) }
    }

    /// With this member in the header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    /// Without that member in the header.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        self.header.remove(name);
        self
    }

    /// With this claim.
    #[must_use]
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Without that claim.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// The token.
    pub fn text(&self) -> String {
        raw(&self.header_json(), &self.claims_json(), self.key)
    }

    /// The token, spoilt in one way.
    pub fn twisted(&self, twist: Twist) -> String {
        let (header, claims) = (self.header_json(), self.claims_json());
        let good = self.text();
        let (message, signature) = good.rsplit_once('.').unwrap_or_default();
        match twist {
            Twist::AlgNone => {
                let header = self.clone().header("alg", "none").header_json();
                format!("{}.{}.", base64url(header.as_bytes()), base64url(claims.as_bytes()))
            }
            Twist::HmacWithPublicKey => self.hmac(&self.key.public_bytes()),
            Twist::DoubledClaim => {
                let twice = claims.replacen('{', "{\"sub\":\"mallory\",", 1);
                raw(&header, &twice, self.key)
            }
            Twist::AlteredClaims => {
                let altered = self.clone().claim("sub", "mallory").claims_json();
                format!("{}.{}.{signature}", base64url(header.as_bytes()), base64url(altered.as_bytes()))
            }
            Twist::AlteredSignature => {
                let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
                if let Some(first) = bytes.first_mut() {
                    *first ^= 1;
                }
                format!("{message}.{}", base64url(&bytes))
            }
            Twist::ZeroSignature => {
                let length = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default().len();
                format!("{message}.{}", base64url(&vec![0; length]))
            }
            Twist::HmacWithoutSecret => self.hmac(b""),
            Twist::WithoutSignature => format!("{message}."),
            Twist::Cut => good.get(..good.len().saturating_sub(1)).unwrap_or_default().to_owned(),
            Twist::Padded => format!("{good}="),
        }
    }

    /// The token under HS256 with this secret.
    fn hmac(&self, secret: &[u8]) -> String {
        let header = self.clone().header("alg", "HS256").header_json();
        let message =
            format!("{}.{}", base64url(header.as_bytes()), base64url(self.claims_json().as_bytes()));
        let mac = Hmac::<Sha256>::new_from_slice(secret);
        let mac = mac.map(|mac| mac.chain_update(&message).finalize().into_bytes().to_vec());
        format!("{message}.{}", base64url(&mac.unwrap_or_default()))
    }

    fn header_json(&self) -> String {
        Value::Object(self.header.clone()).to_string()
    }

    fn claims_json(&self) -> String {
        Value::Object(self.claims.clone()).to_string()
    }
}

/// What an attacker does to a good token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Twist {
    /// `alg: none`, without a signature.
    AlgNone,
    /// `alg: HS256`, with the public key for a secret.
    HmacWithPublicKey,
    /// `sub` stands twice; signed by the issuer.
    DoubledClaim,
    /// Other claims under the old signature.
    AlteredClaims,
    /// Another signature.
    AlteredSignature,
    /// A signature of nothing but zeros, as long as a good one.
    ZeroSignature,
    /// `alg: HS256`, with an empty secret.
    HmacWithoutSecret,
    /// No signature.
    WithoutSignature,
    /// The last character is missing.
    Cut,
    /// Base64 padding at the end.
    Padded,
}

/// A token of any two texts, signed: what neither header nor claims should be can be put there.
pub fn raw(header: &str, claims: &str, key: &Key) -> String {
    let message = format!("{}.{}", base64url(header.as_bytes()), base64url(claims.as_bytes()));
    let signature = base64url(&key.sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
