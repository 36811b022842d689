//! How `authz` gets to know what the token says.

use clap::ValueEnum;
use meshward_cases::mint::{Key, jwks};
use meshward_model::Plugin as _;
use serde_json::{Map, Value, json};

use super::value::ISSUERS;

/// Whom every token is for, where `authn` verifies it: without an audience it takes none.
const AUDIENCE: &str = "conformance";

/// Who verifies tokens for `authz`. Envoy's filter always has them from jwt_authn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Claims {
    /// Envoy's jwt_authn, by its metadata.
    JwtAuthn,
    /// Our `authn`, by its handover; what that refuses is not compared.
    Handover,
}

impl Claims {
    /// From jwt_authn, where `authz` can read that.
    pub(super) fn usual() -> Self {
        let configuration = Self::JwtAuthn.configuration(&[]);
        let read = meshward_pipeline::Authz::configure(configuration.as_bytes(), &super::node());
        if read.is_ok() { Self::JwtAuthn } else { Self::Handover }
    }

    /// What `authz` is given for these documents.
    pub(super) fn configuration(self, documents: &[Value]) -> String {
        let from = match self {
            Self::JwtAuthn => "jwt_authn",
            Self::Handover => "handover",
        };
        envelope(&json!({"whenNothingApplies": "allow", "claims": {"from": from}, "documents": documents}))
    }

    /// What `authn` is given; `None` where it is not there.
    pub(super) fn authentication(self, key: &Key) -> Option<String> {
        if self == Self::JwtAuthn {
            return None;
        }
        let keys = jwks([key]);
        let issuers = ISSUERS.iter().map(|issuer| {
            json!({"issuer": issuer, "audiences": [AUDIENCE], "algorithms": [key.algorithm()], "keys": keys})
        });
        let jwt = json!({"required": false, "issuers": issuers.collect::<Vec<_>>()});
        Some(envelope(&json!({"documents": [{
            "apiVersion": "meshward.io/v1alpha1",
            "kind": "Authentication",
            "metadata": {"name": "callers", "namespace": super::set::NAMESPACE},
            "spec": {"jwt": jwt},
        }]})))
    }

    /// The claims as they must be for whoever verifies them.
    pub(super) fn fit(self, claims: &Map<String, Value>) -> Map<String, Value> {
        let mut claims = claims.clone();
        if self == Self::Handover {
            let audience = match claims.remove("aud") {
                Some(Value::Array(mut list)) => {
                    list.push(json!(AUDIENCE));
                    json!(list)
                }
                Some(one) => json!([one, AUDIENCE]),
                None => json!(AUDIENCE),
            };
            claims.insert("aud".to_owned(), audience);
        }
        claims
    }
}

fn envelope(more: &Value) -> String {
    let mut envelope = json!({
        "apiVersion": "meshward.io/v1alpha1",
        "kind": "PluginConfig",
        "peerVerifiedBy": "transport",
    });
    if let (Some(envelope), Some(more)) = (envelope.as_object_mut(), more.as_object()) {
        envelope.extend(more.clone());
    }
    envelope.to_string()
}
