//! One issuer: its name, whom its tokens are for, where its keys are.

use meshward_config::{Place, Problems};
use meshward_model::Code;
use serde_json::value::RawValue;

use super::check_list;
use crate::Algorithm;
use crate::jwks::KeySet;
use crate::raw::{RawIssuer, RawJwks};
use crate::settings::{Issuer, Keys, Remote};

/// Nothing where the keys cannot be had; the problem says so.
pub(super) fn compile(at: &Place<'_>, raw: RawIssuer, problems: &mut Problems) -> Option<Issuer> {
    refuse_unsupported(at, &raw, problems);
    if raw.issuer.is_empty() {
        let help = "write `iss` exactly as it stands in the tokens";
        problems.add(Code::BadIssuer, &at.field("issuer"), "an issuer without a name", help);
    }
    check_list(&at.field("audiences"), &raw.audiences, problems);
    let at_algorithms = at.field("algorithms");
    if raw.algorithms.is_empty() {
        let help = "list what the issuer signs with: `RS256`, `ES256`, `EdDSA`";
        problems.add(Code::EmptyList, &at_algorithms, "an empty list", help);
    }
    let keys = match (raw.keys, raw.jwks) {
        (Some(keys), None) => {
            let keys = inline(&at.field("keys"), &keys, problems)?;
            check_algorithms(&at_algorithms, &raw.algorithms, &keys, problems);
            Keys::Inline(keys)
        }
        (None, Some(jwks)) => Keys::Remote(remote(&at.field("jwks"), jwks, problems)),
        (both, _) => {
            let message = if both.is_some() { "both `keys` and `jwks`" } else { "neither `keys` nor `jwks`" };
            let help =
                "write `keys` with the issuer's public JWKS, or `jwks` with the cluster that serves it";
            problems.add(Code::KeysUnclear, at, message, help);
            return None;
        }
    };
    Some(Issuer { name: raw.issuer, audiences: raw.audiences, algorithms: raw.algorithms, keys })
}

fn refuse_unsupported(at: &Place<'_>, raw: &RawIssuer, problems: &mut Problems) {
    let elsewhere = "tokens are read of `Authorization: Bearer` only; take it away, and have clients send the token there";
    let there = [
        (
            "jwksUri",
            raw.jwks_uri.is_some(),
            "write `jwks` with the `cluster` of the proxy that leads there, `host` and `path`",
        ),
        ("fromHeaders", raw.from_headers.is_some(), elsewhere),
        ("fromParams", raw.from_params.is_some(), elsewhere),
        ("fromCookies", raw.from_cookies.is_some(), elsewhere),
        (
            "forwardOriginalToken",
            raw.forward_original_token.is_some(),
            "take it away; the token goes on as it came",
        ),
    ];
    for (field, _, help) in there.into_iter().filter(|(_, there, _)| *there) {
        let message = format!("`{field}` is not supported");
        problems.add(Code::IssuerFieldUnsupported, &at.field(field), message, help);
    }
}

/// A JWKS in the configuration. Every key must be usable: whoever wrote it there meant it.
fn inline(at: &Place<'_>, raw: &RawValue, problems: &mut Problems) -> Option<KeySet> {
    let text = if raw.get().starts_with('"') {
        serde_json::from_str::<String>(raw.get()).ok()?
    } else {
        raw.get().to_owned()
    };
    let (keys, unusable) = match KeySet::read(text.as_bytes()) {
        Ok(read) => read,
        Err(error) => {
            let help = "paste the issuer's JWKS: `{\"keys\": […]}`, as an object or as its text";
            problems.add(Code::BadKeySet, at, format!("this is no JWKS: {error}"), help);
            return None;
        }
    };
    for (index, error) in &unusable {
        problems.add(
            Code::BadKey,
            &at.field("keys").index(*index),
            format!("the key cannot be used: {error}"),
            "take the key out, or give the issuer one that can be used",
        );
    }
    if keys.len() == 0 && unusable.is_empty() {
        problems.add(Code::EmptyList, &at.field("keys"), "an empty list", "list at least one key");
    }
    Some(keys)
}

/// What is listed and what is there must be the same, or one of the two is not what was meant.
fn check_algorithms(at: &Place<'_>, listed: &[Algorithm], keys: &KeySet, problems: &mut Problems) {
    if keys.len() == 0 {
        return;
    }
    for algorithm in Algorithm::ALL {
        let name = algorithm.name();
        let (message, help) =
            match (listed.contains(&algorithm), keys.algorithms().any(|there| there == algorithm)) {
                (true, false) => (
                    format!("`{name}` is listed, and none of the keys is for it"),
                    format!("delete `{name}`, or add such a key"),
                ),
                (false, true) => (
                    format!("a key is for `{name}`, which is not listed"),
                    format!("add `{name}`, or delete the key"),
                ),
                (true, true) | (false, false) => continue,
            };
        problems.add(Code::AlgorithmWithoutKey, at, message, help);
    }
}

fn remote(at: &Place<'_>, raw: RawJwks, problems: &mut Problems) -> Remote {
    let wrong = [
        (
            "cluster",
            raw.cluster.is_empty(),
            "write the name of a cluster of the proxy (Istio: `outbound|443||id.example`)",
        ),
        (
            "host",
            !is_host(&raw.host),
            "write the host that serves the keys, as `:authority` shall say it, such as `id.example`",
        ),
        ("path", !is_path(&raw.path), "write the path on that host, such as `/.well-known/jwks.json`"),
    ];
    for (field, _, help) in wrong.into_iter().filter(|(_, wrong, _)| *wrong) {
        let message = format!("keys cannot be fetched with this `{field}`");
        problems.add(Code::BadKeyAddress, &at.field(field), message, help);
    }
    let mut time = |field: &str, given: Option<u64>, default: u64, least: u64, most: u64| {
        let millis = given.unwrap_or(default);
        if !(least..=most).contains(&millis) {
            problems.add(
                Code::OutOfRange,
                &at.field(field),
                format!("{millis} milliseconds; it must be {least} to {most}"),
                format!("left out, it is {default}"),
            );
        }
        millis
    };
    let timeout = time("timeoutMillis", raw.timeout_millis, 5_000, 100, 30_000);
    let refresh = time("refreshMillis", raw.refresh_millis, 300_000, 1_000, DAY);
    let min_interval =
        time("minIntervalMillis", raw.min_interval_millis, refresh.min(10_000), 100, refresh.max(100));
    let expire = time("expireMillis", raw.expire_millis, refresh.max(DAY), refresh, DAY.saturating_mul(30));
    let timeout = u32::try_from(timeout).unwrap_or(u32::MAX);
    let RawJwks { cluster, path, host, .. } = raw;
    Remote { cluster, path, host, timeout, refresh, min_interval, expire }
}

/// A day, in milliseconds.
const DAY: u64 = 86_400_000;

fn is_host(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    !text.is_empty() && text.len() <= 255 && text.bytes().all(known)
}

fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && text.len() <= 2048
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}
