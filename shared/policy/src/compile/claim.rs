//! What a rule says of the caller's verified token: `requestPrincipals`, `request.auth.…`, and typed conditions on claims.

use core::cmp::Ordering;

use meshward_decide::Pattern;
use meshward_decide::matching::Field;
use meshward_decide::matching::claim::{ClaimCondition, ClaimTest, RequestPrincipal};
use meshward_model::Code;

use super::Tokens;
use super::document::Context;
use super::values::{self, Wrong, wrong};
use crate::raw::{Action, RawCondition, Scalar};
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

/// A condition on a claim, typed.
pub(super) fn condition(
    place: &Place<'_>,
    context: Context<'_>,
    raw: &RawCondition,
    problems: &mut Problems,
) -> ClaimCondition {
    let names = raw.claim.as_deref().unwrap_or_default();
    are_verified(&place.field("claim"), context, problems);
    if names.is_empty() || names.len() > MAX_NAMES || names.iter().any(String::is_empty) {
        problems.add(
            Code::BadClaimName,
            &place.field("claim"),
            "this leads to no claim",
            "name the claim, and before it the claims that it lies in, as in `[realm_access, roles]`",
        );
    }
    if raw.key.is_some() || raw.values.is_some() || raw.not_values.is_some() {
        problems.add(
            Code::MixedCondition,
            place,
            "`claim` does not go together with `key`, `values` and `notValues`",
            "say what the claim must be by `equals`, `in`, `prefix`, `suffix`, `contains`, `gt`, `lt` or `exists`; write another condition for the key",
        );
    }
    if raw.regex.is_some() {
        problems.add(
            Code::UnknownField,
            &place.field("regex"),
            "there are no regular expressions here",
            "write `in`, `prefix`, `suffix` or `contains`, or several rules",
        );
    }
    let tests = tests(place, raw, problems);
    if tests.is_empty() && raw.regex.is_none() {
        problems.add(
            Code::ConditionWithoutValues,
            place,
            "a condition that does not say what the claim must be says nothing",
            "give `equals`, `in`, `prefix`, `suffix`, `contains`, `gt`, `lt` or `exists`",
        );
    }
    if raw.exists == Some(false) && tests.len() > 1 {
        problems.add(
            Code::MixedCondition,
            &place.field("exists"),
            "a claim that does not exist can be nothing else",
            "take `exists: false` or the rest away",
        );
    }
    ClaimCondition { path: names.iter().map(|name| name.as_str().into()).collect(), tests }
}

fn tests(place: &Place<'_>, raw: &RawCondition, problems: &mut Problems) -> Vec<ClaimTest> {
    let mut tests = Vec::new();
    tests.extend(raw.equals.iter().map(|value| ClaimTest::In(vec![value.clone().into()])));
    if let Some(values) = &raw.r#in {
        if values.is_empty() {
            values::empty_list(&place.field("in"), problems);
        }
        tests.push(ClaimTest::In(values.iter().cloned().map(Into::into).collect()));
    }
    for (name, text) in [("prefix", &raw.prefix), ("suffix", &raw.suffix)] {
        let Some(text) = text else { continue };
        if text.is_empty() {
            values::empty_value(&place.field(name), problems);
        }
        let text = text.as_str().into();
        tests.push(if name == "prefix" { ClaimTest::Prefix(text) } else { ClaimTest::Suffix(text) });
    }
    if let Some(value) = &raw.contains {
        if *value == Scalar::Text(String::new()) {
            values::empty_value(&place.field("contains"), problems);
        }
        tests.push(ClaimTest::Contains(value.clone().into()));
    }
    for (name, side, number) in [("gt", Ordering::Greater, &raw.gt), ("lt", Ordering::Less, &raw.lt)] {
        let Some(number) = number else { continue };
        if !number.is_number() {
            problems.add(
                Code::NotOneNumber,
                &place.field(name),
                "only numbers are compared",
                "write a number, without quotes",
            );
        }
        tests.push(ClaimTest::Compared(side, number.clone().into()));
    }
    tests.extend(raw.exists.map(ClaimTest::Exists));
    tests
}
