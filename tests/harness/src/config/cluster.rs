//! Where Envoy sends requests: one address, plaintext or mTLS.

use super::merge;
use super::tls::{TlsVersion, certificate, inline};
use crate::certs::Identity;
use serde_json::{Value, json};
use std::net::IpAddr;

/// A cluster of one address.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// The name that routes use.
    pub name: String,
    /// Where it is: `127.0.0.1:8080`, or `host:8080` whose name is looked up again and again.
    pub address: String,
    /// None: plaintext.
    pub tls: Option<UpstreamTls>,
    /// HTTP/2 (gRPC needs it) instead of HTTP/1.1.
    pub http2: bool,
    /// Merged over the cluster, for what has no field here.
    pub patch: Value,
}

/// How Envoy speaks TLS to a cluster.
#[derive(Debug, Clone)]
pub struct UpstreamTls {
    /// What Envoy presents; none: nothing.
    pub identity: Option<Identity>,
    /// The root that the other side must lead to.
    pub root_pem: String,
    /// URI names of which the other side must have one; empty: any certificate below the root.
    pub expected_uris: Vec<String>,
    /// The name sent as SNI.
    pub server_name: String,
    /// The only version, when given.
    pub version: Option<TlsVersion>,
}

impl Cluster {
    /// Plaintext.
    #[must_use]
    pub fn plain(name: &str, address: impl ToString) -> Self {
        Self {
            name: name.to_owned(),
            address: address.to_string(),
            tls: None,
            http2: false,
            patch: Value::Null,
        }
    }

    /// mTLS: presents this identity, believes who leads to this root and has this URI name.
    #[must_use]
    pub fn mtls(
        name: &str,
        address: impl ToString,
        identity: &Identity,
        root_pem: &str,
        expected_uri: &str,
    ) -> Self {
        let tls = UpstreamTls {
            identity: Some(identity.clone()),
            root_pem: root_pem.to_owned(),
            expected_uris: vec![expected_uri.to_owned()],
            server_name: "meshward.test".to_owned(),
            version: None,
        };
        Self {
            name: name.to_owned(),
            address: address.to_string(),
            tls: Some(tls),
            http2: false,
            patch: Value::Null,
        }
    }

    /// Speaks HTTP/2 to it.
    #[must_use]
    pub fn http2(mut self) -> Self {
        self.http2 = true;
        self
    }

    /// Merges JSON over the cluster.
    #[must_use]
    pub fn patched(mut self, patch: Value) -> Self {
        self.patch = patch;
        self
    }

    pub(super) fn to_json(&self) -> Value {
        // From the right: an IPv6 address has colons of its own.
        let (host, port) = self.address.rsplit_once(':').unwrap_or((&self.address, ""));
        let host = host.trim_matches(['[', ']']);
        let port = port.parse::<u16>().map_or_else(|_| json!(port), |port| json!(port));
        let mut cluster = json!({
            "name": self.name,
            "type": "STATIC",
            "connect_timeout": "2s",
            "load_assignment": {"cluster_name": self.name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {
                "socket_address": {"address": host, "port_value": port},
            }}}]}]},
        });
        if host.parse::<IpAddr>().is_err() {
            let looked_up =
                json!({"type": "STRICT_DNS", "dns_lookup_family": "V4_ONLY", "dns_refresh_rate": "1s"});
            merge(&mut cluster, &looked_up);
        }
        if let (Some(tls), Some(fields)) = (&self.tls, cluster.as_object_mut()) {
            fields.insert("transport_socket".to_owned(), tls.to_json());
        }
        if self.http2 {
            merge(
                &mut cluster,
                &json!({"typed_extension_protocol_options": {
                    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                        "explicit_http_config": {"http2_protocol_options": {}},
                    },
                }}),
            );
        }
        merge(&mut cluster, &self.patch);
        cluster
    }
}

impl UpstreamTls {
    fn to_json(&self) -> Value {
        let names: Vec<_> = self
            .expected_uris
            .iter()
            .map(|uri| json!({"san_type": "URI", "matcher": {"exact": uri}}))
            .collect();
        let mut common = json!({"validation_context": {"trusted_ca": inline(&self.root_pem)}});
        if let Some(context) = common.pointer_mut("/validation_context").and_then(Value::as_object_mut)
            && !names.is_empty()
        {
            context.insert("match_typed_subject_alt_names".to_owned(), json!(names));
        }
        if let Some(fields) = common.as_object_mut() {
            if let Some(identity) = &self.identity {
                fields.insert("tls_certificates".to_owned(), json!([certificate(identity)]));
            }
            if let Some(version) = self.version {
                let only = json!({
                    "tls_minimum_protocol_version": version.name(),
                    "tls_maximum_protocol_version": version.name(),
                });
                fields.insert("tls_params".to_owned(), only);
            }
        }
        json!({"name": "envoy.transport_sockets.tls", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            "sni": self.server_name,
            "common_tls_context": common,
        }})
    }
}

#[cfg(test)]
mod tests {
    use super::Cluster;
    use serde_json::json;

    #[test]
    fn an_address_is_taken_as_it_is_and_a_name_is_looked_up() {
        for (address, kind, host) in [
            ("127.0.0.1:80", "STATIC", "127.0.0.1"),
            ("[::1]:80", "STATIC", "::1"),
            ("orders:80", "STRICT_DNS", "orders"),
        ] {
            let cluster = Cluster::plain("it", address).to_json();
            assert_eq!(cluster.get("type"), Some(&json!(kind)), "{address}");
            let endpoint = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";
            assert_eq!(cluster.pointer(endpoint), Some(&json!({"address": host, "port_value": 80})));
        }
    }
}
