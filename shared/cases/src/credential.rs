//! The token of a step, made when it is sent.
//!
//! Times are relative: a claim whose value is the text `now`, `now+60` or `now-1` is a number of seconds since 1970. In the texts of
//! `raw`, `{now+60}` is.

use meshward_model::UnixMillis;
use serde_json::Value;

use crate::format::{RawToken, RawTwist};
use crate::mint::{Key, Mint, Twist, raw};

const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "shop";
const KEY: &str = "rsa-1";

/// How a step's token is made.
#[derive(Debug, Clone)]
pub struct Credential {
    key: Key,
    scheme: String,
    issuer: String,
    audience: Value,
    header: Vec<(String, Value)>,
    claims: Vec<(String, Value)>,
    without: Vec<String>,
    without_header: Vec<String>,
    twist: Option<Twist>,
    raw: Option<(String, String)>,
}

impl Credential {
    /// Checks what is written.
    ///
    /// # Errors
    /// A key that there is none of.
    pub(crate) fn new(raw: RawToken) -> Result<Self, String> {
        let name = raw.key.as_deref().unwrap_or(KEY);
        let key = Key::named(name)
            .ok_or_else(|| format!("there is no key `{name}`; there are {}", Key::NAMES.join(", ")))?;
        Ok(Self {
            key: raw.kid.iter().fold(key, |key, kid| key.called(kid)),
            scheme: raw.scheme.unwrap_or_else(|| "Bearer".to_owned()),
            issuer: raw.issuer.unwrap_or_else(|| ISSUER.to_owned()),
            audience: raw.audience.unwrap_or_else(|| AUDIENCE.into()),
            header: raw.header.into_iter().collect(),
            claims: raw.claims.into_iter().collect(),
            without: raw.without,
            without_header: raw.without_header,
            twist: raw.twist.map(twist),
            raw: raw.raw.map(|raw| (raw.header, raw.claims)),
        })
    }

    /// The value of `authorization` at this time.
    pub(crate) fn at(&self, now: UnixMillis) -> Vec<u8> {
        let seconds = i64::try_from(now.0 / 1000).unwrap_or(i64::MAX);
        format!("{} {}", self.scheme, self.text(seconds)).into_bytes()
    }

    fn text(&self, now: i64) -> String {
        if let Some((header, claims)) = &self.raw {
            return raw(&timed_text(header, now), &timed_text(claims, now), &self.key);
        }
        let mint = Mint::new(&self.key, &self.issuer, "", now).claim("aud", self.audience.clone());
        let mint = self.header.iter().fold(mint, |mint, (name, value)| mint.header(name, timed(value, now)));
        let mint = self.claims.iter().fold(mint, |mint, (name, value)| mint.claim(name, timed(value, now)));
        let mint = self.without.iter().fold(mint, |mint, name| mint.without(name));
        let mint = self.without_header.iter().fold(mint, |mint, name| mint.without_header(name));
        self.twist.map_or_else(|| mint.text(), |twist| mint.twisted(twist))
    }
}

fn timed(value: &Value, now: i64) -> Value {
    value.as_str().and_then(|text| time(text, now)).map_or_else(|| value.clone(), Value::from)
}

/// `now`, `now+60`, `now-1`; anything else is no time.
fn time(text: &str, now: i64) -> Option<i64> {
    match text.strip_prefix("now")? {
        "" => Some(now),
        offset => now.checked_add(offset.parse().ok()?),
    }
}

/// The text with every `{now…}` replaced.
fn timed_text(text: &str, now: i64) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{now") {
        out.push_str(before);
        let time = after
            .split_once('}')
            .and_then(|(offset, after)| Some((time(&format!("now{offset}"), now)?, after)));
        match time {
            Some((time, after)) => {
                out.push_str(&time.to_string());
                rest = after;
            }
            None => {
                out.push_str("{now");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

const fn twist(raw: RawTwist) -> Twist {
    match raw {
        RawTwist::AlgNone => Twist::AlgNone,
        RawTwist::HmacWithPublicKey => Twist::HmacWithPublicKey,
        RawTwist::DoubledClaim => Twist::DoubledClaim,
        RawTwist::AlteredClaims => Twist::AlteredClaims,
        RawTwist::AlteredSignature => Twist::AlteredSignature,
        RawTwist::ZeroSignature => Twist::ZeroSignature,
        RawTwist::HmacWithoutSecret => Twist::HmacWithoutSecret,
        RawTwist::WithoutSignature => Twist::WithoutSignature,
        RawTwist::Cut => Twist::Cut,
        RawTwist::Padded => Twist::Padded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_relative_to_now() {
        for (text, expected) in
            [("now", Some(10)), ("now+60", Some(70)), ("now-1", Some(9)), ("nowhere", None), ("8", None)]
        {
            assert_eq!(time(text, 10), expected, "{text}");
        }
        assert_eq!(
            timed_text("{\"exp\":{now+5},\"a\":\"{nowhere}{now\"}", 10),
            "{\"exp\":15,\"a\":\"{nowhere}{now\"}"
        );
    }
}
