//! One Envoy for many sets: each has a listener of its own, on one port of many loopback addresses. In every chain stand
//! jwt_authn as istiod writes it, istiod's RBAC filters, and our module.
//!
//! istiod's filters only say what they would do (`shadow_rules` instead of `rules`: the same engine over the same policies), so
//! that one request asks both and neither hides it from the other.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::{Context, Result};
use meshward_cases::mint::{Key, jwks};
use meshward_harness::certs::{Ca, Identity, Leaf};
use meshward_harness::client::{Client, TlsOptions};
use meshward_harness::config::{
    AccessLog, Bootstrap, ClientCert, DownstreamTls, Filter, Http, Listener, LogFormat, Node, Wasm,
};
use meshward_harness::envoy::Envoy;
use meshward_harness::ports::Reserved;
use serde_json::{Map, Value, json};

use super::claims::Claims;
use super::facts::{Caller, Connection};
use super::field::METADATA;
use super::set::{NAMESPACE, Set};
use super::translator::Translated;
use crate::modules::Plugin;
use crate::paths;

/// The access log's name.
pub(super) const ACCESS_LOG: &str = "access";
/// Names a request in the access log.
pub(super) const ID: &str = "x-pair";
/// What these headers say, the filter [`metadata`] writes into its metadata: as text, or as a list.
pub(super) const WRITTEN: &str = "x-written";
pub(super) const WRITTEN_LIST: &str = "x-written-list";
/// Before the keys of what a filter would have done.
const PREFIXES: [(&str, &str); 2] = [("DENY", "deny_"), ("ALLOW", "allow_")];
/// Before the number of a rule that was asked by itself.
pub(super) const RULE: &str = "rule_";
const JWT: &str = "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";

/// What all Envoys of a run have in common.
pub(super) struct Scene {
    ca: Ca,
    server: Identity,
    issued: BTreeMap<Caller, Identity>,
    pub(super) claims: Claims,
    pub(super) key: Key,
}

impl Scene {
    pub(super) fn new(claims: Claims) -> Result<Self> {
        let ca = Ca::new("mesh").context("no certificate authority")?;
        let leaf = Leaf::uri("spiffe://cluster.local/ns/foo/sa/httpbin").and_dns("meshward.test");
        let server = ca.issue(&leaf).context("no certificate for the server")?;
        let key = Key::named("ec-1").context("no test key `ec-1`")?;
        Ok(Self { ca, server, issued: BTreeMap::new(), claims, key })
    }

    /// One address for each set, all on one port.
    pub(super) fn addresses(sets: &[usize]) -> Result<(Reserved, Vec<Ipv4Addr>)> {
        let addresses: Vec<Ipv4Addr> = sets.iter().map(|set| address(*set)).collect();
        let all: Vec<IpAddr> = addresses.iter().copied().map(IpAddr::V4).collect();
        let reserved = Reserved::on(&all).context("no port that is free on all of the loopback addresses")?;
        Ok((reserved, addresses))
    }

    /// An Envoy that serves these sets, each at its address.
    pub(super) fn start(&self, binary: &Path, served: &[(&Set, &Translated, SocketAddr)]) -> Result<Envoy> {
        let listeners =
            served.iter().map(|(set, translated, address)| self.listener(set, translated, *address));
        let bootstrap = Bootstrap::new(listeners.collect()).node(Node::workload(NAMESPACE, "httpbin"));
        Envoy::builder(binary).bootstrap(&bootstrap).start().context("Envoy does not serve these sets")
    }

    fn listener(&self, set: &Set, translated: &Translated, address: SocketAddr) -> Listener {
        let validated = ClientCert::Optional { root_pem: self.ca.root_pem().to_owned() };
        let tls = DownstreamTls::new(&self.server, validated).without_resumption();
        let listener = Listener::on(address).named(&format!("set-{}", set.number)).tls(tls).http(http());
        let natives = translated.filters.iter().flat_map(only_saying).map(Filter::Raw);
        let filters = [Filter::Raw(metadata()), Filter::Raw(self.jwt())]
            .into_iter()
            .chain(natives)
            .chain(self.claims.authentication(&self.key).map(|text| module(Plugin::Authn, &text)))
            .chain([module(Plugin::Authz, &self.claims.configuration(&set.documents))]);
        filters.fold(listener, Listener::filter).access_log(access_log())
    }

    /// As istiod writes it for a RequestAuthentication, but for any issuer: a token may be missing, and must be good if it is not.
    fn jwt(&self) -> Value {
        let provider = json!({
            "local_jwks": {"inline_string": jwks([&self.key])},
            "payload_in_metadata": "payload",
            "normalize_payload_in_metadata": {"space_delimited_claims": ["scope", "permission"]},
            "forward": true,
        });
        let requires =
            json!({"requires_any": {"requirements": [{"provider_name": "any"}, {"allow_missing": {}}]}});
        json!({"name": "envoy.filters.http.jwt_authn", "typed_config": {
            "@type": JWT,
            "providers": {"any": provider},
            "rules": [{"match": {"prefix": "/"}, "requires": requires}],
            "bypass_cors_preflight": true,
        }})
    }

    /// A connection to a set, made with the first request.
    pub(super) fn client(&mut self, connection: &Connection, address: SocketAddr) -> Result<Client> {
        let options = match &connection.caller {
            Caller::Nobody => TlsOptions::anonymous(),
            named @ Caller::Names { .. } => TlsOptions::presenting(&self.identity(named)?),
        };
        let mut options = options.resumption(false);
        options.server_name.clone_from(&connection.server_name);
        let client = Client::tls(address, &options).context("the client's certificate cannot be used")?;
        Ok(client.from(IpAddr::V4(connection.from)))
    }

    fn identity(&mut self, caller: &Caller) -> Result<Identity> {
        if let Some(known) = self.issued.get(caller) {
            return Ok(known.clone());
        }
        let Caller::Names { uris, dns, common_name } = caller else {
            anyhow::bail!("nobody has no certificate")
        };
        let leaf = Leaf::nameless().common_name(common_name);
        let leaf = uris.iter().fold(leaf, |leaf, uri| leaf.and_uri(uri.as_bytes()));
        let leaf = dns.iter().fold(leaf, |leaf, name| leaf.and_dns(name));
        let identity =
            self.ca.issue(&leaf).with_context(|| format!("no certificate for {uris:?} {dns:?}"))?;
        self.issued.insert(caller.clone(), identity.clone());
        Ok(identity)
    }
}

/// A set's own address, the same in every run.
fn address(set: usize) -> Ipv4Addr {
    let part = |number: usize| u8::try_from(number).unwrap_or(0);
    let (third, last) = (set.checked_div(200).unwrap_or(0), set.checked_rem(200).unwrap_or(0));
    let (second, third) = (third.checked_div(250).unwrap_or(0), third.checked_rem(250).unwrap_or(0));
    Ipv4Addr::new(127, part(second.saturating_add(8)), part(third), part(last.saturating_add(1)))
}

/// istiod's filter that does nothing but say what it would have done. After one that denies, each of its rules once more by itself,
/// since the filter names only the first that matches.
fn only_saying(filter: &Value) -> Vec<Value> {
    let Some(rules) = filter.pointer("/typedConfig/rules") else { return vec![filter.clone()] };
    let says = |rules: Value, prefix: &str| {
        let mut filter = filter.clone();
        if let Some(config) = filter.get_mut("typedConfig").and_then(Value::as_object_mut) {
            config.remove("rules");
            config.insert("shadowRulesStatPrefix".to_owned(), json!(prefix));
            config.insert("shadowRules".to_owned(), rules);
        }
        filter
    };
    let action = rules.get("action").and_then(Value::as_str).unwrap_or("ALLOW");
    let prefix = PREFIXES.iter().find(|(known, _)| *known == action).map_or("", |(_, prefix)| prefix);
    let alone = denying(filter).into_iter().enumerate().map(|(number, (name, policy))| {
        let rules = json!({"action": action, "policies": {name: policy}});
        says(rules, &format!("{RULE}{number}_"))
    });
    std::iter::once(says(rules.clone(), prefix)).chain(alone).collect()
}

/// The rules of a filter that denies, by their names.
fn denying(filter: &Value) -> Vec<(&String, &Value)> {
    let rules =
        filter.pointer("/typedConfig/rules").filter(|rules| rules.get("action") == Some(&json!("DENY")));
    rules.and_then(|rules| rules.get("policies")?.as_object()).into_iter().flatten().collect()
}

/// The names of the rules that deny, as their keys in the access log are numbered.
pub(super) fn names(translated: &Translated) -> Vec<&str> {
    translated.filters.iter().flat_map(denying).map(|(name, _)| name.as_str()).collect()
}

/// One of ours as a filter.
fn module(plugin: Plugin, configuration: &str) -> Filter {
    let file = paths::modules().join(plugin.name()).with_extension("wasm");
    let mut wasm = Wasm::new(&file, configuration);
    plugin.name().clone_into(&mut wasm.name);
    Filter::Wasm(wasm)
}

/// A filter that writes metadata, for policies that look at it.
fn metadata() -> Value {
    let rule = |header: &str, value: &Value| {
        let mut on_present = json!({"metadata_namespace": METADATA, "key": "tier"});
        if let (Some(all), Some(more)) = (on_present.as_object_mut(), value.as_object()) {
            all.extend(more.clone());
        }
        json!({"header": header, "on_header_present": on_present, "remove": true})
    };
    json!({"name": "metadata", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.header_to_metadata.v3.Config",
        "request_rules": [
            rule(WRITTEN, &json!({"type": "STRING"})),
            rule(WRITTEN_LIST, &json!({"type": "PROTOBUF_VALUE", "encode": "BASE64"})),
        ],
    }})
}

/// As in a sidecar by default: paths are normalised, and any method comes through.
fn http() -> Http {
    let patch = json!({"http_protocol_options": {"allow_custom_methods": true}});
    Http { normalize_path: Some(true), patch, ..Http::default() }
}

fn access_log() -> AccessLog {
    let mut fields = Map::new();
    for (name, format) in [
        ("id", format!("%REQ({ID})%")),
        ("code", "%RESPONSE_CODE%".to_owned()),
        ("details", "%RESPONSE_CODE_DETAILS%".to_owned()),
        ("native", "%DYNAMIC_METADATA(envoy.filters.http.rbac)%".to_owned()),
    ] {
        fields.insert(name.to_owned(), json!(format));
    }
    AccessLog { name: ACCESS_LOG.to_owned(), format: LogFormat::Json(fields) }
}
