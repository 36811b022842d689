//! Matching on what the caller's verified token says.
//!
//! Two dialects. Istio's (`AuthorizationPolicy`): the metadata matchers that istiod writes; only strings and the strings of a list
//! match, and what is missing satisfies every negative match. Strict (`AccessPolicy`): a token that is missing, a claim that is
//! missing, and one of another type than the rule speaks of leave the rule open.

use core::cmp::Ordering;

use meshward_model::{Claim, Token};
use meshward_reading::Scalar;
use meshward_reading::regex::Regex;

use super::Field;
use crate::pattern::Pattern;
use crate::truth::Truth;

/// One value of `requestPrincipals`: issuer and subject, matched apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestPrincipal {
    /// What the issuer must be.
    pub issuer: Pattern,
    /// What the subject must be.
    pub subject: Pattern,
}

impl RequestPrincipal {
    /// Whether it is `*`: anybody whose token names issuer and subject.
    pub fn is_anybody(&self) -> bool {
        self.issuer == Pattern::Any && self.subject == Pattern::Any
    }

    /// `None` where the token would have to have a subject and has none.
    fn matches(&self, token: &Token, strict: bool) -> Option<bool> {
        if !is_like(&self.issuer, &token.issuer, strict) {
            return Some(false);
        }
        token.subject.as_deref().map(|subject| is_like(&self.subject, subject, strict))
    }

    /// What a value says of a caller without token or subject: it surely is not "anybody with one".
    fn where_missing(&self) -> Truth {
        if self.subject == Pattern::Any { Truth::No } else { Truth::Maybe }
    }
}

/// What `requestPrincipals` says of the token.
pub(crate) fn principal_truth(field: &Field<RequestPrincipal>, token: Option<&Token>, strict: bool) -> Truth {
    let matches = |value: &RequestPrincipal| token.and_then(|token| value.matches(token, strict));
    if !strict {
        return field.plain(|value| matches(value) == Some(true));
    }
    field.truth(
        |value| match (matches(value), token) {
            (Some(matches), _) => matches.into(),
            (None, Some(_)) => value.where_missing(),
            (None, None) if value.is_anybody() => Truth::No,
            (None, None) => Truth::Maybe,
        },
        |value| matches(value).map_or(Truth::Maybe, |matches| (!matches).into()),
    )
}

/// `request.auth.claims[a][b]` and its likes: strings, or lists of strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimStrings {
    /// The names that lead to the claim.
    pub path: Vec<Box<str>>,
    /// What its strings must be.
    pub values: Field<Pattern>,
}

impl ClaimStrings {
    /// What the condition says of the token.
    pub(crate) fn truth(&self, token: Option<&Token>, strict: bool) -> Truth {
        let claim = claim_at(token, &self.path);
        let some = |pattern: &Pattern| match claim {
            Some(Claim::Text(text)) if self.is_spaced() => {
                words(text).any(|word| is_like(pattern, word, strict))
            }
            Some(Claim::Text(text)) => is_like(pattern, text, strict),
            Some(Claim::List(elements)) => {
                elements.iter().filter_map(Claim::text).any(|text| is_like(pattern, text, strict))
            }
            Some(Claim::Null | Claim::Bool(_) | Claim::Integer(_) | Claim::Real(_) | Claim::Map(_))
            | None => false,
        };
        if !strict {
            return self.values.plain(some);
        }
        let is_open = match claim {
            Some(Claim::Text(_)) => false,
            Some(Claim::List(elements)) => elements.iter().any(|element| element.text().is_none()),
            Some(Claim::Null | Claim::Bool(_) | Claim::Integer(_) | Claim::Real(_) | Claim::Map(_))
            | None => true,
        };
        let texts: &[Claim] = match claim {
            Some(Claim::List(elements)) => elements,
            Some(one) => core::slice::from_ref(one),
            None => &[],
        };
        let is_unclear = |pattern: &Pattern| match pattern {
            Pattern::Suffix(suffix) => {
                texts.iter().filter_map(Claim::text).any(|text| has_two_domains(suffix, text))
            }
            Pattern::Any | Pattern::Exact(_) | Pattern::Prefix(_) => false,
        };
        self.values.truth(
            |pattern| match some(pattern) {
                _ if is_unclear(pattern) => Truth::Maybe,
                true => Truth::Yes,
                false if !is_open || (claim.is_none() && *pattern == Pattern::Any) => Truth::No,
                false => Truth::Maybe,
            },
            |pattern| match some(pattern) {
                _ if is_unclear(pattern) => Truth::Maybe,
                true => Truth::No,
                false if is_open => Truth::Maybe,
                false => Truth::Yes,
            },
        )
    }

    /// Whether the claim is one of those whose words Istio always takes apart.
    fn is_spaced(&self) -> bool {
        matches!(self.path.as_slice(), [name] if matches!(&**name, "scope" | "permission"))
    }
}

/// What a claim must be, or another part of a request: typed, and strict.
#[derive(Debug, Clone, PartialEq)]
pub enum ClaimTest {
    /// One of these, and of the same type.
    In(Vec<Scalar>),
    /// A string that begins with this.
    Prefix(Box<str>),
    /// A string that ends with this; an address with two domains leaves open whether it does.
    Suffix(Box<str>),
    /// A list with this element, or a string with this word.
    Contains(Scalar),
    /// A number on this side of that one.
    Compared(Ordering, Scalar),
    /// There, or not.
    Exists(bool),
    /// A string that matches this, whole.
    Regex(Regex),
}

impl ClaimTest {
    /// What the test says of a claim.
    #[inline(never)]
    pub(crate) fn truth(&self, claim: Option<&Claim>, has_token: bool) -> Truth {
        if let Self::Exists(wanted) = self {
            return match claim {
                Some(Claim::Null) => Truth::Maybe,
                // Without a token nobody knows what it would have said; that it does not say this is certain.
                None if !*wanted && !has_token => Truth::Maybe,
                there => (there.is_some() == *wanted).into(),
            };
        }
        claim.and_then(|claim| self.holds(claim)).map_or(Truth::Maybe, Truth::from)
    }

    /// `None` where the claim is of another type than the test speaks of, or can be read in two ways.
    fn holds(&self, claim: &Claim) -> Option<bool> {
        match self {
            Self::In(values) => one_of(values.iter().map(|value| value.equals(claim))),
            Self::Prefix(prefix) => claim.text().map(|text| text.starts_with(&**prefix)),
            Self::Suffix(suffix) => {
                let text = claim.text().filter(|text| !has_two_domains(suffix.as_bytes(), text));
                text.map(|text| text.ends_with(&**suffix))
            }
            Self::Contains(wanted) => match (claim, wanted) {
                (Claim::List(elements), _) if elements.is_empty() => Some(false),
                (Claim::List(elements), _) => {
                    let mut found = elements.iter().map(|element| wanted.equals(element));
                    // An element of another type may be anything, and so the list.
                    let any = found.clone().any(|equal| equal == Some(true));
                    if any || found.all(|equal| equal.is_some()) { Some(any) } else { None }
                }
                (Claim::Text(text), Scalar::Text(wanted)) => Some(words(text).any(|word| word == wanted)),
                (_, _) => None,
            },
            Self::Compared(side, than) => than.compare(claim).map(|found| found == *side),
            Self::Exists(wanted) => Some(*wanted),
            Self::Regex(regex) => claim.text().and_then(|text| regex.matches(text)),
        }
    }
}

/// Whether any of the comparisons holds; `None` where none of them could be made.
fn one_of(comparisons: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    comparisons.fold(None, |so_far, next| match (so_far, next) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), _) | (_, Some(false)) => Some(false),
        (None, None) => None,
    })
}

/// The claim that these names lead to.
pub(crate) fn claim_at<'t>(token: Option<&'t Token>, path: &[Box<str>]) -> Option<&'t Claim> {
    token?.claim_at(path.iter().map(|name| &**name))
}

/// The words of a string: what is separated by spaces (RFC 6749 §3.3).
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

/// Whether a suffix asks for the domain of an address, and the address has two: some readers take the first `@`, some the last.
pub(crate) fn has_two_domains(suffix: &[u8], text: &str) -> bool {
    suffix.first() == Some(&b'@') && text.bytes().filter(|byte| *byte == b'@').count() > 1
}

/// Whether the text matches; `*` is any but the empty one. Istio writes `*` as the regular expression `.+`, whose dot is no line feed.
fn is_like(pattern: &Pattern, text: &str, strict: bool) -> bool {
    match pattern {
        Pattern::Any => !text.is_empty() && (strict || !text.contains('\n')),
        Pattern::Exact(_) | Pattern::Prefix(_) | Pattern::Suffix(_) => pattern.matches(text.as_bytes()),
    }
}
