//! One entry of `from`: who calls.

use meshward_config::{Place, Problems};
use meshward_decide::matching::Field;
use meshward_decide::matching::peer::PeerMatcher;
use meshward_decide::{Pattern, Source, Uses};
use meshward_model::{Code, SpiffeId};

use super::document::Context;
use super::values::{self, Wrong, wrong};
use super::{address, claim};
use crate::raw::{Action, RawSource};

/// Istio's limits on service accounts.
const MAX_SERVICE_ACCOUNTS: usize = 16;
const MAX_SERVICE_ACCOUNT_BYTES: usize = 320;

pub(super) fn compile(
    place: &Place<'_>,
    context: Context<'_>,
    raw: &RawSource,
    uses: &mut Uses,
    problems: &mut Problems,
) -> Source {
    let unsupported = refuse_unsupported(place, raw, problems);
    check_service_accounts(place, raw, problems);
    let pairs = [
        (
            ("principals", raw.principals.as_ref()),
            ("notPrincipals", raw.not_principals.as_ref()),
            Part::Principal,
        ),
        (
            ("namespaces", raw.namespaces.as_ref()),
            ("notNamespaces", raw.not_namespaces.as_ref()),
            Part::Namespace,
        ),
        (
            ("serviceAccounts", raw.service_accounts.as_ref()),
            ("notServiceAccounts", raw.not_service_accounts.as_ref()),
            Part::ServiceAccount,
        ),
        (
            ("trustDomains", raw.trust_domains.as_ref()),
            ("notTrustDomains", raw.not_trust_domains.as_ref()),
            Part::TrustDomain,
        ),
    ];
    let mut fields = Vec::new();
    for (given, not_given, part) in pairs {
        fields.extend(field(place, context, given, not_given, part, problems));
    }
    let given = ("requestPrincipals", raw.request_principals.as_ref());
    let not_given = ("notRequestPrincipals", raw.not_request_principals.as_ref());
    let token = claim::principals(place, context, given, not_given, problems);
    if token.is_some() {
        let (name, _) = if given.1.is_some() { given } else { not_given };
        claim::are_verified(&place.field(name), context, problems);
    }
    let given = ("remoteIpBlocks", raw.remote_ip_blocks.as_ref());
    let not_given = ("notRemoteIpBlocks", raw.not_remote_ip_blocks.as_ref());
    let block = |value: &str| address::block(context, value);
    let remote = values::field(place, context, given, not_given, block, problems);
    if fields.is_empty() && token.is_none() && remote.is_none() && !unsupported {
        problems.add(
            Code::EmptySource,
            place,
            "an empty source",
            "name a caller (without `from` the rule matches EVERY caller)",
        );
    }
    uses.peer |= !fields.is_empty();
    uses.remote |= remote.is_some();
    Source { fields, token, remote }
}

/// Istio's rules on service accounts: by themselves, and few.
fn check_service_accounts(place: &Place<'_>, raw: &RawSource, problems: &mut Problems) {
    let others = [&raw.principals, &raw.not_principals, &raw.namespaces, &raw.not_namespaces];
    for (name, accounts) in
        [("serviceAccounts", &raw.service_accounts), ("notServiceAccounts", &raw.not_service_accounts)]
    {
        let Some(accounts) = accounts else { continue };
        if others.into_iter().any(Option::is_some) {
            problems.add(
                Code::ServiceAccountsNotAlone,
                &place.field(name),
                "service accounts stand beside principals or namespaces",
                "name them in a `from` entry of their own",
            );
        }
        if accounts.len() > MAX_SERVICE_ACCOUNTS {
            problems.add(
                Code::TooManyServiceAccounts,
                &place.field(name),
                format!("{} service accounts, at most {MAX_SERVICE_ACCOUNTS} are read", accounts.len()),
                "split them over several `from` entries",
            );
        }
    }
}

/// Which part of the peer a field speaks of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Principal,
    Namespace,
    ServiceAccount,
    TrustDomain,
}

/// Compiles a field that speaks of the peer, wherever it stands.
pub(super) fn field(
    place: &Place<'_>,
    context: Context<'_>,
    given: (&str, Option<&Vec<String>>),
    not_given: (&str, Option<&Vec<String>>),
    part: Part,
    problems: &mut Problems,
) -> Option<Field<PeerMatcher>> {
    let not_name = not_given.0;
    let field =
        values::field(place, context, given, not_given, |value| matcher(context, part, value), problems)?;
    let nobody = field.none.iter().any(|value| {
        matches!(
            value,
            PeerMatcher::Principal(Pattern::Any)
                | PeerMatcher::Namespace(Pattern::Any)
                | PeerMatcher::TrustDomain(Pattern::Any)
        )
    });
    if context.strict && context.action == Action::Allow && nobody {
        values::nobody_is_left(&place.field(not_name), not_name, "identity", problems);
    }
    Some(field)
}

fn matcher(context: Context<'_>, part: Part, value: &str) -> Result<PeerMatcher, Wrong> {
    match (part, context.strict) {
        (Part::Principal, true) => strict_principal(context, value),
        (Part::Principal, false) => Ok(PeerMatcher::Principal(Pattern::new(value))),
        (Part::Namespace, true) => {
            let pattern = values::pattern(context, "namespace", value)?;
            check_bytes(&pattern, value, "namespace", |byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
            })?;
            Ok(PeerMatcher::Namespace(pattern))
        }
        (Part::Namespace, false) => {
            Ok(PeerMatcher::IstioNamespace(format!("/ns/{value}/").split('*').map(Into::into).collect()))
        }
        (Part::ServiceAccount, _) => service_account(context, value),
        (Part::TrustDomain, strict) => trust_domain(context, value, strict),
    }
}

fn strict_principal(context: Context<'_>, value: &str) -> Result<PeerMatcher, Wrong> {
    let value = value.strip_prefix("spiffe://").unwrap_or(value);
    let pattern =
        values::pattern(context, "principal", value).map_err(|wrong| match value.rsplit_once('*') {
            Some((_, end)) if !end.is_empty() => Wrong {
                help: format!(
                    "list each principal in full{} (`*{end}` would take any namespace AND any trust domain)",
                    if value.contains("/ns/*/") {
                        format!(", as `{}`", value.replace("/ns/*/", "/ns/<namespace>/"))
                    } else {
                        String::new()
                    }
                )
                .into(),
                ..wrong
            },
            Some(_) | None => wrong,
        })?;
    let literal = String::from_utf8_lossy(pattern.literal());
    let sample = match pattern {
        Pattern::Any => return Ok(PeerMatcher::Principal(pattern)),
        Pattern::Exact(_) => format!("spiffe://{literal}"),
        Pattern::Prefix(_) => format!("spiffe://{literal}x"),
        Pattern::Suffix(_) => format!("spiffe://x/x{literal}"),
    };
    let help = "write it as `<trust domain>/ns/<namespace>/sa/<service account>`";
    match SpiffeId::parse(sample.as_bytes()) {
        Ok(id) if id.path().is_empty() && matches!(pattern, Pattern::Exact(_)) => wrong(
            Code::PrincipalIsTrustDomain,
            format!("`{value}` is the ID of a trust domain, which no caller has"),
            help,
        ),
        Ok(_) => Ok(PeerMatcher::Principal(pattern)),
        Err(error) => {
            wrong(Code::BadPrincipal, format!("`{value}` is no part of a SPIFFE ID: {error}"), help)
        }
    }
}

fn service_account(context: Context<'_>, value: &str) -> Result<PeerMatcher, Wrong> {
    if value.len() > MAX_SERVICE_ACCOUNT_BYTES || value.contains('*') {
        return wrong(
            Code::BadServiceAccount,
            format!(
                "`{value}`: a service account has no `*` and at most {MAX_SERVICE_ACCOUNT_BYTES} characters"
            ),
            "write `<namespace>/<name>`, each by itself; for a whole namespace use `namespaces`",
        );
    }
    let (namespace, name) = match (value.split_once('/'), context.namespace) {
        (Some((namespace, name)), _) => (namespace, name),
        (None, Some(own)) => (own, value),
        (None, None) => {
            return wrong(
                Code::ServiceAccountWithoutNamespace,
                format!("`{value}` is in the document's own namespace, and the document names none"),
                "write `<namespace>/<name>`, or set `metadata.namespace`",
            );
        }
    };
    if namespace.is_empty() || name.is_empty() || name.contains('/') {
        return wrong(
            Code::BadServiceAccount,
            format!("`{value}` is no service account"),
            "write `<namespace>/<name>`",
        );
    }
    Ok(if context.strict {
        PeerMatcher::ServiceAccount { namespace: namespace.into(), name: name.into() }
    } else {
        PeerMatcher::IstioServiceAccount {
            namespace: format!("/ns/{namespace}/").into(),
            account: format!("sa/{name}").into(),
        }
    })
}

fn trust_domain(context: Context<'_>, value: &str, strict: bool) -> Result<PeerMatcher, Wrong> {
    let pattern = Pattern::new(value);
    if pattern.literal().contains(&b'*') || value.contains('/') {
        return wrong(
            Code::BadTrustDomain,
            format!("`{value}`: a trust domain has no `/`, and at most one `*`, at an end"),
            match value.trim_start_matches("spiffe://").split('/').next() {
                Some(plain) if !plain.is_empty() && !plain.contains('*') => format!("write `{plain}`"),
                Some(_) | None => "write it as in `cluster.local`".to_owned(),
            },
        );
    }
    if strict {
        let pattern = values::pattern(context, "trust domain", value)?;
        check_bytes(&pattern, value, "trust domain", |byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte)
        })?;
        return Ok(PeerMatcher::TrustDomain(pattern));
    }
    Ok(match value.split_once('*') {
        Some(("", "")) => PeerMatcher::Principal(Pattern::Any),
        Some((before, after)) => {
            PeerMatcher::IstioTrustDomain { before: before.into(), after: after.into(), open: true }
        }
        None => PeerMatcher::IstioTrustDomain { before: value.into(), after: "".into(), open: false },
    })
}

/// A strict value with a byte that the thing never has could never match: that is a mistake, not a rule.
fn check_bytes(pattern: &Pattern, value: &str, what: &str, good: impl Fn(u8) -> bool) -> Result<(), Wrong> {
    match pattern.literal().iter().find(|byte| !good(**byte)) {
        Some(byte) => {
            let shown = char::from(*byte).escape_debug();
            wrong(
                Code::ImpossibleNamespace,
                format!("`{value}`: no {what} has `{shown}` in it"),
                "the value could never match; correct it",
            )
        }
        None => Ok(()),
    }
}

pub(super) const PEER_ADDRESS: &str = "the direct peer's address";

/// (message, help) for a field or an attribute that takes what the plugin does not see.
pub(super) fn unseen(name: &str, what: &str) -> (String, &'static str) {
    (
        format!("`{name}` cannot be decided: meshward's authz plugin does not see {what}"),
        "enforce the whole rule by an AuthorizationPolicy that is applied to Istio; then remove the rule, and not only this field, from what meshward is given",
    )
}

/// Refuses what cannot be decided here; whether there was any.
fn refuse_unsupported(place: &Place<'_>, raw: &RawSource, problems: &mut Problems) -> bool {
    let mut any = false;
    for (field, given) in
        [("ipBlocks", raw.ip_blocks.is_some()), ("notIpBlocks", raw.not_ip_blocks.is_some())]
    {
        if given {
            let (message, help) = unseen(field, PEER_ADDRESS);
            problems.add(Code::DirectAddress, &place.field(field), message, help);
            any = true;
        }
    }
    any
}
