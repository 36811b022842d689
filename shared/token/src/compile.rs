//! The document to settings. Everything that could go wrong goes wrong here, with a place and a remedy.

mod issuer;

use meshward_config::{Place, Problems, own_document};
use meshward_model::{Code, Problem, SpiffeId};

use crate::raw::{RawAuthentication, RawJwt, RawMtls};
use crate::settings::{Issuer, Jwt, MAX_ISSUERS, MAX_SKEW_MILLIS, MAX_VALUES, Mtls, Settings};

/// Istio's annotation for documents that only watch.
const DRY_RUN: &str = "istio.io/dry-run";

/// Compiles an `Authentication`; `path` is where it stands in the configuration.
///
/// # Errors
/// Every problem found.
pub(crate) fn compile(path: &str, json: &str) -> Result<Settings, Vec<Problem>> {
    let mut problems = Problems::default();
    let place = Place::root(path);
    let settings = own_document(&place, "Authentication", json, &mut problems).map(|(metadata, spec)| {
        if metadata.annotations.get(DRY_RUN).is_some() {
            problems.add(
                Code::DryRunOnAccessPolicy,
                &place.field("metadata").field("annotations"),
                format!("`{DRY_RUN}` is for Istio's documents"),
                "take it away; an Authentication always decides",
            );
        }
        let (mtls, jwt) = compile_spec(&place.field("spec"), spec, &mut problems);
        Settings { realm: metadata.name, mtls, jwt }
    });
    match settings {
        Some(settings) if problems.is_empty() => Ok(settings),
        Some(_) | None => Err(problems.into_found()),
    }
}

fn compile_spec(
    at: &Place<'_>,
    spec: RawAuthentication,
    problems: &mut Problems,
) -> (Option<Mtls>, Option<Jwt>) {
    if spec.mtls.is_none() && spec.jwt.is_none() {
        problems.add(
            Code::NothingDemanded,
            at,
            "neither `mtls` nor `jwt`: this would let everybody through",
            "write `mtls: {required: true}`, or `jwt` with `issuers` below it",
        );
    }
    let mtls = spec.mtls.map(|raw| compile_mtls(&at.field("mtls"), raw, problems));
    let jwt = spec.jwt.map(|raw| compile_jwt(&at.field("jwt"), raw, problems));
    (mtls, jwt)
}

fn compile_mtls(at: &Place<'_>, raw: RawMtls, problems: &mut Problems) -> Mtls {
    let RawMtls { required, trust_domains } = raw;
    if !required && trust_domains.is_none() {
        problems.add(
            Code::NothingDemanded,
            at,
            "`required: false` without `trustDomains` demands nothing",
            "write `required: true`, or list the permitted `trustDomains`, or delete `mtls`",
        );
    }
    if let Some(domains) = &trust_domains {
        let at = at.field("trustDomains");
        check_list(&at, domains, problems);
        for (index, domain) in domains.iter().enumerate().filter(|(_, domain)| !is_trust_domain(domain)) {
            problems.add(
                Code::BadTrustDomain,
                &at.index(index),
                format!("`{}` is no trust domain", domain.escape_debug()),
                "write the name alone, in lower case and without `spiffe://`, such as `cluster.local`; there are no patterns",
            );
        }
    }
    Mtls { required, trust_domains }
}

fn is_trust_domain(text: &str) -> bool {
    // An empty text is told as such.
    text.is_empty()
        || SpiffeId::parse(format!("spiffe://{text}").as_bytes())
            .is_ok_and(|id| id.path().is_empty() && id.trust_domain() == text)
}

fn compile_jwt(at: &Place<'_>, raw: RawJwt, problems: &mut Problems) -> Jwt {
    let RawJwt { required, issuers, clock_skew_millis } = raw;
    let at_issuers = at.field("issuers");
    if issuers.is_empty() {
        let help = "name at least one issuer whose tokens are accepted";
        problems.add(Code::EmptyList, &at_issuers, "an empty list", help);
    }
    if issuers.len() > MAX_ISSUERS {
        let message = format!("{} issuers, at most {MAX_ISSUERS} are read", issuers.len());
        problems.add(Code::TooManyValues, &at_issuers, message, "split the configuration by workload");
    }
    let skew = clock_skew_millis.unwrap_or_default();
    if skew > MAX_SKEW_MILLIS {
        problems.add(
            Code::OutOfRange,
            &at.field("clockSkewMillis"),
            format!("{skew} milliseconds, at most {MAX_SKEW_MILLIS} are taken"),
            "set the clocks right that are further apart",
        );
    }
    let mut compiled: Vec<Issuer> = Vec::new();
    for (index, raw) in issuers.into_iter().enumerate().take(MAX_ISSUERS) {
        let at = at_issuers.index(index);
        if compiled.iter().any(|known| known.name == raw.issuer) {
            problems.add(
                Code::BadIssuer,
                &at.field("issuer"),
                format!("`{}` stands twice", raw.issuer.escape_debug()),
                "write one entry for each issuer, with all its audiences",
            );
        }
        compiled.extend(issuer::compile(&at, raw, problems));
    }
    Jwt { required, issuers: compiled, skew_millis: i64::try_from(skew).unwrap_or_default() }
}

/// A list must hold something, not too much, and no empty text.
fn check_list(at: &Place<'_>, values: &[String], problems: &mut Problems) {
    if values.is_empty() {
        problems.add(Code::EmptyList, at, "an empty list", "list at least one value");
    }
    if values.len() > MAX_VALUES {
        let message = format!("{} values, at most {MAX_VALUES} are read", values.len());
        problems.add(Code::TooManyValues, at, message, "list fewer values");
    }
    for (index, _) in values.iter().enumerate().filter(|(_, value)| value.is_empty()) {
        problems.add(Code::EmptyValue, &at.index(index), "an empty value", "write a value");
    }
}
