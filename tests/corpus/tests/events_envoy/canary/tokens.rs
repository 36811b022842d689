//! Tokens with the secret in every place that a token has, most of them validly signed.

use super::SECRET;
use meshward_cases::mint::{Key, Mint, Twist, jwks, raw};
use meshward_harness::client::RawRequest;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// Whose tokens are taken, with keys in the configuration.
pub(super) const ISSUER: &str = "https://id.example";
/// Whose keys are fetched; the set's text is no JSON and holds the secret.
pub(super) const BROKEN: &str = "https://broken.example";
/// Whose keys are fetched; the secret is what the keys are called.
pub(super) const FETCHED: &str = "https://fetched.example";
const AUDIENCE: &str = "shop";

/// The issuer's keys and the time.
pub(super) struct Tokens {
    key: Key,
    /// The same, which is called as the secret is.
    called: Key,
    unknown: Key,
    now: i64,
}

/// The secret in a name that a JSON object may have twice.
fn doubled() -> String {
    format!(r#"{{"sub": "{SECRET}", "sub": "{SECRET}"}}"#)
}

impl Tokens {
    pub(super) fn new() -> Self {
        let key = |name: &str| Key::named(name).expect("a test key");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let now = i64::try_from(now).expect("before 292 billion");
        Self {
            key: key("ec-1"),
            called: key("ec-1").called(SECRET),
            unknown: key("ec-2").called(&format!("{SECRET}-2")),
            now,
        }
    }

    /// The keys that the configuration holds.
    pub(super) fn keys(&self) -> Value {
        json!(jwks([&self.key, &self.called]))
    }

    /// A set of which one key can be used, one is called wrongly, and one is too weak.
    pub(super) fn fetched() -> String {
        let named = |name: &str| Key::named(name).expect("a test key").called(SECRET).jwk();
        let mut odd = named("ec-1");
        let mut strange = named("ec-2");
        for (field, key) in [("crv", &mut odd), ("kty", &mut strange)] {
            key.as_object_mut().expect("a key").insert(field.to_owned(), json!(SECRET));
        }
        json!({"keys": [named("ec-1"), named("rsa-weak"), odd, strange], SECRET: SECRET}).to_string()
    }

    fn mint(&self) -> Mint<'_> {
        Self::secretive(Mint::new(&self.key, ISSUER, AUDIENCE, self.now))
    }

    /// Claims of every kind hold the secret.
    fn secretive(mint: Mint<'_>) -> Mint<'_> {
        mint.claim("sub", SECRET)
            .claim("jti", SECRET)
            .claim("email", format!("{SECRET}@example.com"))
            .claim("realm", json!({"roles": [SECRET, {SECRET: SECRET}]}))
            .claim(SECRET, true)
    }

    /// One that is good.
    pub(super) fn good(&self) -> String {
        self.mint().text()
    }

    /// All of them: what is special, the token.
    pub(super) fn all(&self) -> Vec<(&'static str, String)> {
        let mint = || self.mint();
        let by = |issuer: &str| Self::secretive(Mint::new(&self.called, issuer, AUDIENCE, self.now)).text();
        let of = |key| Self::secretive(Mint::new(key, ISSUER, AUDIENCE, self.now)).text();
        let (header, claims) = (r#"{"alg": "ES256", "kid": "ec-1"}"#, format!(r#"{{"{SECRET}": 1}}"#));
        let mut tokens = vec![
            ("claims", mint().text()),
            ("kid", of(&self.called)),
            ("unknown kid", of(&self.unknown)),
            ("header", mint().header("x", SECRET).header(SECRET, 1).text()),
            ("type", mint().header("typ", SECRET).text()),
            ("algorithm", mint().header("alg", SECRET).text()),
            ("critical", mint().header("crit", json!([SECRET])).header(SECRET, 1).text()),
            (
                "key's address",
                mint().header("jku", format!("https://{SECRET}/")).header("x5u", SECRET).text(),
            ),
            ("issuer", Self::secretive(Mint::new(&self.key, SECRET, AUDIENCE, self.now)).text()),
            ("audience", Self::secretive(Mint::new(&self.key, ISSUER, SECRET, self.now)).text()),
            ("audiences", mint().claim("aud", json!([AUDIENCE, SECRET])).text()),
            ("expired", mint().claim("exp", self.now.saturating_sub(3_600)).text()),
            ("not yet", mint().claim("nbf", self.now.saturating_add(3_600)).text()),
            ("time", mint().claim("exp", SECRET).text()),
            ("subject's type", mint().claim("sub", json!([SECRET])).text()),
            ("binding", mint().claim("cnf", json!({"x5t#S256": SECRET})).text()),
            ("doubled", raw(header, &doubled(), &self.key)),
            ("bare claims", raw(header, &claims, &self.key)),
            ("no JSON in the claims", raw(header, SECRET, &self.key)),
            ("no JSON in the header", raw(SECRET, &claims, &self.key)),
            ("broken keys", by(BROKEN)),
            ("fetched keys", by(FETCHED)),
            ("signature", format!("{}.{SECRET}", self.good().rsplit_once('.').unwrap_or_default().0)),
            ("plain", format!("{SECRET}.{SECRET}.{SECRET}")),
        ];
        let twists = [
            ("no algorithm", Twist::AlgNone),
            ("HMAC", Twist::HmacWithPublicKey),
            ("altered", Twist::AlteredClaims),
            ("altered signature", Twist::AlteredSignature),
            ("unsigned", Twist::WithoutSignature),
            ("padded", Twist::Padded),
        ];
        tokens.extend(twists.map(|(name, twist)| (name, mint().twisted(twist))));
        tokens
    }
}

/// The same request with a token.
pub(super) fn carrying(request: RawRequest, token: &str) -> RawRequest {
    request.header("authorization", format!("Bearer {token}"))
}

/// What is looked for: the secret in lower case, and what Base64 makes of it at each of its three places.
pub(super) fn needles() -> Vec<String> {
    let key = Key::named("ec-1").expect("a test key");
    let mut needles = vec![SECRET.to_lowercase()];
    // Only digits that depend on nothing but the secret: the first and the last ones may be of its neighbours, too.
    for (before, digits) in [("", 0..17), ("x", 2..18), ("xy", 3..20)] {
        let encoded = raw(&format!("{before}{SECRET}zzz"), "", &key);
        needles.push(encoded.get(digits).expect("digits").to_owned());
    }
    needles
}
