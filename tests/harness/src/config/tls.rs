//! A listener's side of TLS: whose certificates it asks for, whom it believes, versions, resumption.

use crate::certs::Identity;
use serde_json::{Value, json};

/// A TLS version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2
    V1_2,
    /// TLS 1.3
    V1_3,
}

/// What a listener does with client certificates. Roots are PEM.
#[derive(Debug, Clone)]
pub enum ClientCert {
    /// None is asked for.
    Ignored,
    /// One may be presented; a bad one ends the handshake.
    Optional {
        /// Whom to believe.
        root_pem: String,
    },
    /// One must be presented and verified: mutual TLS.
    Required {
        /// Whom to believe.
        root_pem: String,
    },
    /// One is verified but a bad one is let in (`ACCEPT_UNTRUSTED`): presented is not verified.
    AcceptUntrusted {
        /// Whom to believe.
        root_pem: String,
        /// Whether one must be presented at all.
        required: bool,
    },
}

/// TLS on a listener.
#[derive(Debug, Clone)]
pub struct DownstreamTls {
    /// What the listener presents.
    pub identity: Identity,
    /// What it does with client certificates.
    pub client_cert: ClientCert,
    /// Oldest version; none: Envoy's default.
    pub oldest: Option<TlsVersion>,
    /// Newest version; none: Envoy's default.
    pub newest: Option<TlsVersion>,
    /// Sessions kept in tickets may be resumed.
    pub stateless_resumption: bool,
    /// Sessions kept in Envoy may be resumed (TLS 1.2 session IDs).
    pub stateful_resumption: bool,
}

impl DownstreamTls {
    /// This identity and client-certificate rule; Envoy's defaults for the rest (1.2 and 1.3, both resumptions on).
    #[must_use]
    pub fn new(identity: &Identity, client_cert: ClientCert) -> Self {
        Self {
            identity: identity.clone(),
            client_cert,
            oldest: None,
            newest: None,
            stateless_resumption: true,
            stateful_resumption: true,
        }
    }

    /// Mutual TLS: a certificate below this root is required.
    #[must_use]
    pub fn mutual(identity: &Identity, root_pem: &str) -> Self {
        Self::new(identity, ClientCert::Required { root_pem: root_pem.to_owned() })
    }

    /// This version only.
    #[must_use]
    pub fn only(mut self, version: TlsVersion) -> Self {
        self.oldest = Some(version);
        self.newest = Some(version);
        self
    }

    /// No session is ever resumed.
    #[must_use]
    pub fn without_resumption(mut self) -> Self {
        self.stateless_resumption = false;
        self.stateful_resumption = false;
        self
    }

    pub(super) fn to_json(&self) -> Value {
        let mut common = json!({"tls_certificates": [certificate(&self.identity)], "tls_params": {}});
        let (context, required) = self.client_cert.validation();
        if let Some(fields) = common.as_object_mut() {
            fields.extend(context.map(|context| ("validation_context".to_owned(), context)));
        }
        if let Some(params) = common.pointer_mut("/tls_params").and_then(Value::as_object_mut) {
            let bounds = [
                ("tls_minimum_protocol_version", self.oldest),
                ("tls_maximum_protocol_version", self.newest),
            ];
            for (name, version) in bounds {
                params.extend(version.map(|version| (name.to_owned(), json!(version.name()))));
            }
        }
        let mut config = json!({
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "require_client_certificate": required,
            "disable_stateful_session_resumption": !self.stateful_resumption,
            "common_tls_context": common,
        });
        if let (false, Some(fields)) = (self.stateless_resumption, config.as_object_mut()) {
            fields.insert("disable_stateless_session_resumption".to_owned(), json!(true));
        }
        json!({"name": "envoy.transport_sockets.tls", "typed_config": config})
    }
}

impl ClientCert {
    /// The validation context, and whether a certificate is required.
    fn validation(&self) -> (Option<Value>, bool) {
        match self {
            Self::Ignored => (None, false),
            Self::Optional { root_pem } => (Some(json!({"trusted_ca": inline(root_pem)})), false),
            Self::Required { root_pem } => (Some(json!({"trusted_ca": inline(root_pem)})), true),
            Self::AcceptUntrusted { root_pem, required } => {
                let context =
                    json!({"trusted_ca": inline(root_pem), "trust_chain_verification": "ACCEPT_UNTRUSTED"});
                (Some(context), *required)
            }
        }
    }
}

impl TlsVersion {
    /// Envoy's name of it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::V1_2 => "TLSv1_2",
            Self::V1_3 => "TLSv1_3",
        }
    }
}

pub(super) fn inline(text: &str) -> Value {
    json!({"inline_string": text})
}

pub(super) fn certificate(identity: &Identity) -> Value {
    json!({"certificate_chain": inline(&identity.chain_pem), "private_key": inline(&identity.key_pem)})
}
