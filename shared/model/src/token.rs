//! A verified token, as policies see it.

use core::fmt;
use std::sync::OnceLock;

/// A token whose signature and claims were verified: nothing else becomes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// `iss`, as the issuer is configured.
    pub issuer: String,
    /// `sub`, where there is one.
    pub subject: Option<String>,
    /// Every claim, the registered ones included, in the order of the token.
    pub claims: Vec<(String, Claim)>,
    /// What the token was written as; a token that is seen again is not written again.
    pub written: Written,
}

/// Bytes that were made of a token and lie with it. They say nothing that the token does not say: any two are equal.
#[derive(Default)]
pub struct Written(OnceLock<Box<[u8]>>);

impl Clone for Written {
    /// Nothing yet: what is copied may be changed before it is written.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Written {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Written")
    }
}

/// The value of a claim (RFC 8259's values; an object keeps its order).
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number without fraction and exponent that fits.
    Integer(i64),
    /// Any other finite number.
    Real(f64),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Self>),
    /// An object; no two of its names are alike.
    Map(Vec<(String, Self)>),
}

impl Token {
    /// The token in bytes; `write` is called the first time, and is the same each time.
    pub fn written(&self, write: impl FnOnce(&Self) -> Vec<u8>) -> &[u8] {
        self.written.0.get_or_init(|| write(self).into_boxed_slice())
    }

    /// The value of a top-level claim.
    pub fn claim(&self, name: &str) -> Option<&Claim> {
        self.claims.iter().find(|(known, _)| known == name).map(|(_, claim)| claim)
    }

    /// The value that lies below these names, one inside another.
    pub fn claim_at<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Option<&Claim> {
        let mut names = names.into_iter();
        let mut claim = self.claim(names.next()?)?;
        for name in names {
            claim = claim.member(name)?;
        }
        Some(claim)
    }
}

impl Claim {
    /// The value of an object's member.
    pub fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(members) => members.iter().find(|(known, _)| known == name).map(|(_, claim)| claim),
            Self::Null | Self::Bool(_) | Self::Integer(_) | Self::Real(_) | Self::Text(_) | Self::List(_) => {
                None
            }
        }
    }

    /// The string, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Integer(_) | Self::Real(_) | Self::List(_) | Self::Map(_) => {
                None
            }
        }
    }

    /// What kind of value it is, in words.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) | Self::Real(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "an object",
        }
    }
}

impl fmt::Display for Token {
    /// Only who says so and of whom: claims are never written down.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.issuer, self.subject.as_deref().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        let realm =
            Claim::Map(vec![("roles".to_owned(), Claim::List(vec![Claim::Text("admin".to_owned())]))]);
        Token {
            issuer: "https://issuer.example".to_owned(),
            subject: Some("alice".to_owned()),
            claims: vec![("realm".to_owned(), realm), ("sub".to_owned(), Claim::Text("alice".to_owned()))],
            written: Written::default(),
        }
    }

    #[test]
    fn a_claim_is_found_below_the_names_that_lead_to_it() {
        let token = token();
        assert_eq!(token.claim("sub").and_then(Claim::text), Some("alice"));
        assert_eq!(token.claim_at(["realm", "roles"]).map(Claim::kind), Some("a list"));
        assert_eq!(token.claim_at(["realm", "none"]), None);
        assert_eq!(token.claim_at(["sub", "roles"]), None);
        assert_eq!(token.claim_at([]), None);
    }

    #[test]
    fn a_token_is_written_once_and_equals_one_that_was_not() {
        let token = token();
        assert_eq!(token.written(|token| token.issuer.clone().into_bytes()), b"https://issuer.example");
        assert_eq!(token.written(|_| Vec::new()), b"https://issuer.example");
        assert_eq!(token, self::token());
    }

    #[test]
    fn a_token_prints_as_issuer_and_subject() {
        assert_eq!(token().to_string(), "https://issuer.example/alice");
    }
}
