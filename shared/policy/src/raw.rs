//! The documents as they are written.
//!
//! Fields that this version does not decide by are read all the same, so that their refusal can say why and what to do
//! instead of `unknown field`. A field that is there must hold something: an empty `from:` would match every caller, so null is
//! refused like any other wrong type.

#[cfg(feature = "schema")]
use meshward_config::{RawSelector, RawTargetRef};
use meshward_config::{given, words};
use serde::de::{DeserializeSeed, IgnoredAny};
use serde::{Deserialize, Deserializer};

use crate::shape::{Kind, Shape};

mod condition;
mod operation;
#[cfg(feature = "schema")]
mod schema;
mod source;

pub use condition::RawCondition;
pub(crate) use condition::at;
pub use operation::{RawGrpc, RawOperation};
pub use source::RawSource;

pub use crate::scalar::Scalar;

/// `spec` of an `AccessPolicy`: a superset of Istio's `AuthorizationPolicy`, matched strictly.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "the spec of an AccessPolicy")]
pub struct RawAccessPolicy {
    /// What a matching rule does; `ALLOW` when left out.
    #[serde(default, deserialize_with = "given")]
    pub action: Option<Action>,
    /// Whether the document decides or only counts; `enforce` when left out.
    #[serde(default, deserialize_with = "given")]
    pub mode: Option<Mode>,
    /// What happens to a request that no rule matches, where only DENY documents apply.
    #[serde(default, deserialize_with = "given")]
    pub otherwise: Option<Otherwise>,
    /// The rules; a request matches the document when it matches any of them.
    #[serde(default, deserialize_with = "given")]
    pub rules: Option<Vec<RawRule>>,
    /// Which workloads of the namespace the document is for; all, when left out.
    #[cfg_attr(feature = "schema", schemars(with = "Option<RawSelector>"))]
    #[serde(default, deserialize_with = "given")]
    pub selector: Option<IgnoredAny>,
    /// Which gateways the document is for, in the place of `selector`.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<RawTargetRef>>"))]
    #[serde(default, deserialize_with = "given")]
    pub target_refs: Option<IgnoredAny>,
}

/// `spec` of Istio's `AuthorizationPolicy` (`security.istio.io/v1`).
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "the spec of an AuthorizationPolicy")]
pub struct RawAuthorizationPolicy {
    /// What a matching rule does; `ALLOW` when left out.
    #[serde(default, deserialize_with = "given")]
    pub action: Option<Action>,
    /// The rules; a request matches the document when it matches any of them. None at all: nothing matches.
    #[serde(default, deserialize_with = "given")]
    pub rules: Option<Vec<RawRule>>,
    /// Which workloads of the namespace the document is for; all, when left out.
    #[cfg_attr(feature = "schema", schemars(with = "Option<RawSelector>"))]
    #[serde(default, deserialize_with = "given")]
    pub selector: Option<IgnoredAny>,
    /// One of `targetRefs`, as Istio wrote it once.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(default, deserialize_with = "given")]
    pub target_ref: Option<IgnoredAny>,
    /// Which gateways the document is for, in the place of `selector`.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<RawTargetRef>>"))]
    #[serde(default, deserialize_with = "given")]
    pub target_refs: Option<IgnoredAny>,
    /// Goes with `CUSTOM`, which is refused.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(default, deserialize_with = "given")]
    pub provider: Option<IgnoredAny>,
}

/// What a matching rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "UPPERCASE"))]
pub enum Action {
    /// Lets the request through, unless a DENY rule matches too.
    #[default]
    Allow,
    /// Refuses the request.
    Deny,
    /// Not supported yet.
    #[cfg_attr(feature = "schema", schemars(skip))]
    Audit,
    /// Not supported: an HTTP filter cannot call Istio's external authorizer.
    #[cfg_attr(feature = "schema", schemars(skip))]
    Custom,
}

words!(Action { Allow = "ALLOW", Deny = "DENY", Audit = "AUDIT", Custom = "CUSTOM" });

/// Whether a document decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase"))]
pub enum Mode {
    /// It decides.
    #[default]
    Enforce,
    /// It refuses nothing; what it would have refused is counted and written down.
    Shadow,
}

words!(Mode { Enforce = "enforce", Shadow = "shadow" });

/// What happens to a request that no rule of a DENY-only set matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase"))]
pub enum Otherwise {
    /// It goes on.
    Allow,
    /// It is refused.
    Deny,
}

words!(Otherwise { Allow = "allow", Deny = "deny" });

/// A rule: any of `from` (or none given) AND any of `to` (or none given) AND all of `when`. `{}` matches every request.
#[derive(Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
pub struct RawRule {
    /// Who calls.
    pub from: Option<Vec<RawFrom>>,
    /// What is asked for.
    pub to: Option<Vec<RawTo>>,
    /// Further conditions.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<schema::Condition>>"))]
    pub when: Option<Vec<RawCondition>>,
}

/// One entry of `from`.
#[derive(Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
pub struct RawFrom {
    /// The caller.
    pub source: RawSource,
}

/// One entry of `to`.
#[derive(Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
pub struct RawTo {
    /// The operation.
    pub operation: RawOperation,
}

const FROM: Shape = Shape {
    what: "an entry of `from` (`source: …`)",
    names: &["source"],
    kinds: &[Kind::One(&source::SOURCE)],
    whole: true,
};

const TO: Shape = Shape {
    what: "an entry of `to` (`operation: …`)",
    names: &["operation"],
    kinds: &[Kind::One(&operation::OPERATION)],
    whole: true,
};

const RULE: Shape = Shape {
    what: "a rule",
    names: &["from", "to", "when"],
    kinds: &[Kind::Many(&FROM), Kind::Many(&TO), Kind::Many(&condition::CONDITION)],
    whole: false,
};

impl<'de> Deserialize<'de> for RawRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = (&RULE).deserialize(deserializer)?;
        Ok(Self {
            from: fields.take_many(0, |mut entry| RawFrom { source: entry.take_one(0).into() }),
            to: fields.take_many(1, |mut entry| RawTo { operation: entry.take_one(0).into() }),
            when: fields.take_many(2, RawCondition),
        })
    }
}
