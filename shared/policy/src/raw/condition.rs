//! A further condition of a rule, as it is written.

use crate::shape::{Fields, Kind, Shape};

/// A further condition: its fields by their places; what each of them is stands in `schema.rs`.
#[derive(Debug)]
pub struct RawCondition(pub(crate) Fields);

/// The words for parts of the peer, in the order of `PeerPart`.
const PEER: &[&str] = &["principal", "namespace", "serviceAccount", "trustDomain"];

const ATTRIBUTE: Shape = Shape {
    what: "an attribute (such as `capture: user`)",
    names: &["claim", "header", "query", "cookie", "capture", "peer", "request"],
    kinds: &[
        Kind::Texts,
        Kind::Text,
        Kind::Text,
        Kind::Text,
        Kind::Text,
        Kind::Word(PEER),
        Kind::Word(&["path"]),
    ],
    whole: false,
};

/// What a condition may hold: `key` and its values, the attributes of `ATTRIBUTE`, and what they must be.
pub(crate) const CONDITION: Shape = Shape {
    what: "a condition (`key` and `values`)",
    names: &[
        "key",
        "values",
        "notValues",
        "claim",
        "header",
        "query",
        "cookie",
        "capture",
        "peer",
        "request",
        "equals",
        "in",
        "prefix",
        "suffix",
        "contains",
        "gt",
        "lt",
        "regex",
        "exists",
        "sameAs",
    ],
    kinds: &[
        Kind::Text,
        Kind::Texts,
        Kind::Texts,
        Kind::Texts,
        Kind::Text,
        Kind::Text,
        Kind::Text,
        Kind::Text,
        Kind::Word(PEER),
        Kind::Word(&["path"]),
        Kind::Scalar,
        Kind::Scalars,
        Kind::Text,
        Kind::Text,
        Kind::Scalar,
        Kind::Scalar,
        Kind::Scalar,
        Kind::Text,
        Kind::Flag,
        Kind::One(&ATTRIBUTE),
    ],
    whole: false,
};

/// Places of fields.
pub(crate) mod at {
    use core::ops::Range;

    /// `key`.
    pub(crate) const KEY: usize = 0;
    /// `values`.
    pub(crate) const VALUES: usize = 1;
    /// `notValues`.
    pub(crate) const NOT_VALUES: usize = 2;
    /// The attributes, of which the first is `claim`; in `sameAs` they begin at 0.
    pub(crate) const ATTRIBUTES: Range<usize> = 3..10;
    /// `equals`, with which those begin that say what an attribute must be.
    pub(crate) const EQUALS: usize = 10;
    /// `in`.
    pub(crate) const IN: usize = 11;
    /// `prefix`.
    pub(crate) const PREFIX: usize = 12;
    /// `suffix`.
    pub(crate) const SUFFIX: usize = 13;
    /// `contains`.
    pub(crate) const CONTAINS: usize = 14;
    /// `gt`.
    pub(crate) const GT: usize = 15;
    /// `lt`.
    pub(crate) const LT: usize = 16;
    /// `exists`.
    pub(crate) const EXISTS: usize = 18;
    /// `sameAs`, the last one.
    pub(crate) const SAME_AS: usize = 19;
}

impl RawCondition {
    /// The name of the first field among these places that is there.
    pub(crate) fn first(&self, places: impl IntoIterator<Item = usize>) -> Option<&'static str> {
        let first = places.into_iter().find(|at| self.0.has(*at))?;
        CONDITION.names.get(first).copied()
    }
}
