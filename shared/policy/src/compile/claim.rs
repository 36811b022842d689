//! What a rule says of the caller's verified token: `requestPrincipals`, `request.auth.…`, and the names of claims.

use meshward_decide::Pattern;
use meshward_decide::matching::Field;
use meshward_decide::matching::claim::RequestPrincipal;
use meshward_model::Code;

use super::Tokens;
use super::document::Context;
use super::values::{self, Wrong, wrong};
use crate::raw::Action;
use meshward_config::{Place, Problems};

/// The most names that lead to a claim.
const MAX_NAMES: usize = 16;

/// Whether somebody verifies tokens; where nobody does, `place` looks at one in vain.
pub(super) fn are_verified(place: &Place<'_>, context: Context<'_>, problems: &mut Problems) -> bool {
    if context.tokens == Tokens::Unverified {
        problems.add(
            Code::NothingVerifiesTokens,
            place,
            "this looks at the caller's token, and nothing here verifies tokens",
            "for the `authz` plugin write `claims: {from: handover}` into the PluginConfig and put the `authn` plugin before it; for `guard` add an Authentication document",
        );
    }
    context.tokens == Tokens::Verified
}

/// `requestPrincipals` and its opposite, wherever they stand.
pub(super) fn principals(
    place: &Place<'_>,
    context: Context<'_>,
    given: (&str, Option<&Vec<String>>),
    not_given: (&str, Option<&Vec<String>>),
    problems: &mut Problems,
) -> Option<Field<RequestPrincipal>> {
    let read =
        |value: &str| if context.strict { strict_principal(value) } else { Ok(istio_principal(value)) };
    let field = values::field(place, context, given, not_given, read, problems)?;
    if context.strict
        && context.action == Action::Allow
        && field.none.iter().any(RequestPrincipal::is_anybody)
    {
        values::nobody_is_left(&place.field(not_given.0), not_given.0, "token", problems);
    }
    Some(field)
}

/// Istio's reading: the last slash parts issuer and subject, whatever they are.
fn istio_principal(value: &str) -> RequestPrincipal {
    let exact = |text: &str| Pattern::Exact(text.as_bytes().into());
    let (issuer, subject) = match value.rsplit_once('/') {
        _ if value == "*" => (Pattern::Any, Pattern::Any),
        Some((issuer, subject)) if value.starts_with('*') => (Pattern::new(issuer), exact(subject)),
        Some((issuer, "*")) => (exact(issuer), Pattern::Any),
        Some((issuer, subject)) => match subject.strip_suffix('*') {
            Some(beginning) => (exact(issuer), Pattern::Prefix(beginning.as_bytes().into())),
            None => (exact(issuer), exact(subject)),
        },
        None if value.starts_with('*') => (Pattern::Any, Pattern::new(value)),
        None if value.ends_with('*') => (Pattern::new(value), Pattern::Any),
        None => (exact(value), exact("")),
    };
    RequestPrincipal { issuer, subject }
}

/// The same, without what can match no token.
fn strict_principal(value: &str) -> Result<RequestPrincipal, Wrong> {
    const HELP: &str = "write `<issuer>/<subject>`, `<issuer>/*` for each subject of an issuer, or `*` for any token that names both";
    let principal = istio_principal(value);
    let bad = |why: &str, help: String| {
        wrong(Code::BadRequestPrincipal, format!("`{value}` could never match: {why}"), help)
    };
    let issuer = principal.issuer.literal();
    if issuer.ends_with(b"/") {
        // `https://issuer.example*`: the last slash is that of the scheme.
        let plain = value.trim_end_matches('*').trim_end_matches('/');
        return bad(
            "the last `/` parts issuer and subject",
            format!("write `{plain}/<subject>` or `{plain}/*`"),
        );
    }
    if value.contains('/') || matches!(principal.subject, Pattern::Any) || value.starts_with('*') {
        let is_empty = |pattern: &Pattern| *pattern != Pattern::Any && pattern.literal().is_empty();
        if is_empty(&principal.issuer) || is_empty(&principal.subject) {
            return bad("issuer or subject is empty", HELP.to_owned());
        }
        if issuer.contains(&b'*') || principal.subject.literal().contains(&b'*') {
            return bad(
                "a `*` stands at one end of the whole, or alone behind the last `/`",
                HELP.to_owned(),
            );
        }
        return Ok(principal);
    }
    bad(
        "it names no subject",
        format!("write `{value}/<subject>`, or `{value}/*` for each subject of this issuer"),
    )
}

/// The names in `[a][b]`. Where the brackets do not pair, Istio takes all that is between the outermost for one name.
pub(super) fn names(context: Context<'_>, brackets: &str) -> Option<Vec<Box<str>>> {
    let inner = brackets.strip_prefix('[')?.strip_suffix(']')?;
    let names: Vec<&str> = inner.split("][").collect();
    let paired = names.iter().all(|name| !name.contains(['[', ']']));
    let names = match (paired, context.strict) {
        (true, _) => names,
        (false, false) => vec![inner],
        (false, true) => return None,
    };
    let good = names.len() <= MAX_NAMES && names.iter().all(|name| !name.is_empty());
    good.then(|| names.into_iter().map(Into::into).collect())
}

/// The names that lead to a claim, as `claim:` lists them.
pub(super) fn path(
    place: &Place<'_>,
    context: Context<'_>,
    names: &[String],
    problems: &mut Problems,
) -> Option<Vec<Box<str>>> {
    are_verified(&place.field("claim"), context, problems);
    if names.is_empty() || names.len() > MAX_NAMES || names.iter().any(String::is_empty) {
        problems.add(
            Code::BadClaimName,
            &place.field("claim"),
            "this leads to no claim",
            "name the claim, and before it the claims that it lies in, as in `[realm_access, roles]`",
        );
        return None;
    }
    Some(names.iter().map(|name| name.as_str().into()).collect())
}
