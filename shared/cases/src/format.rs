//! `cases.yaml` as it is written.
//!
//! ```yaml
//! policies:                       # optional: configurations by name; without a name, `policy.yaml` of the folder
//!   strict: {apiVersion: meshward.io/v1alpha1, kind: PluginConfig, …}
//! cases:
//!   - name: web may read orders   # a sentence; no two of a file are alike
//!     given:
//!       policy: strict            # default: `policy.yaml`
//!       peer: spiffe://cluster.local/ns/shop/sa/web
//!       port: 8080                # default
//!     steps:
//!       - request: {method: GET, path: /orders, host: orders.shop, headers: [[x-role, "reader\xff"]]}
//!         token: {claims: {role: reader, exp: now+60}}
//!         upstream: {status: 200} # default
//!         expect: {verdict: allow, rule: "ns[shop]-policy[orders]-rule[0]"}
//!       - after: 60000            # milliseconds since the step before; the real Envoy's clock cannot be set
//!         token: {claims: {role: reader, exp: now-1}}
//!         expect:
//!           verdict: deny
//!           reason: authn.token_expired
//!           headers: [[www-authenticate, "Bearer realm=\"callers\""]]
//!           absent: [ratelimit]
//!           events: [{class_uid: 2004, metadata: {event_code: penalty.noted}}]
//! ```
//!
//! A policy is a configuration of `guard`; it is run by that plugin, and split up by the plugins apart. The text
//! `jwks(rsa-1, ec-1)` in one stands for a JWKS of these test keys ([`mint`](crate::mint)); with
//! `rsa-2 as rsa-1` a key is given another name.
//!
//! Text that stands for bytes (path, method, host, header values, body, peer) is Latin-1: one character is one byte, so
//! `"\x80"` in double quotes is the byte 0x80, and a character beyond U+00FF is refused.
//!
//! Every type denies unknown fields. The meaning of each field is checked in one place, which makes a
//! [`Case`](crate::case::Case) of it.

use serde::Deserialize;
use std::collections::BTreeMap;

/// A whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFile {
    /// Configurations that `given.policy` names.
    #[serde(default)]
    pub policies: BTreeMap<String, serde_yaml_ng::Value>,
    /// The cases.
    pub cases: Vec<RawCase>,
}

/// One case: state is fresh, then the steps follow one another on one connection.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCase {
    /// What the case shows, as a sentence.
    pub name: String,
    /// What is there before the first step.
    #[serde(default)]
    pub given: RawGiven,
    /// What is asked, in order; at least one.
    pub steps: Vec<RawStep>,
    /// The advisories whose trick the case tries, such as `CVE-2019-9901`. It then has a step that is refused and one that goes on.
    #[serde(default)]
    pub advisories: Vec<String>,
    /// Why the trick works here: the documents are Istio's and decide as Istio does. The case then needs no step that is refused.
    pub differs: Option<String>,
    /// Doors that cannot run the case, and why.
    #[serde(default)]
    pub skip: Vec<RawSkip>,
}

/// What is there before the first step.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawGiven {
    /// A name in `policies`; left out: `policy.yaml` beside the file.
    pub policy: Option<String>,
    /// `anonymous` (TLS without a certificate; the default), `plaintext`, `unnamed` (a certificate without a URI name), or the one URI
    /// name of the certificate that the caller presents, well formed or not.
    pub peer: Option<String>,
    /// Further names in the caller's certificate, which the plugin does not read. With `peer: unnamed`, or left out, they are its only ones.
    pub named: Option<RawNamed>,
    /// Whether the mesh's authority issued the certificate.
    pub certificate: Option<RawCertificate>,
    /// What stands between caller and plugin.
    pub via: Option<RawVia>,
    /// How the proxy rewrites paths before the plugin sees them; not at all when left out.
    pub normalization: Option<RawNormalization>,
    /// The port that is called; 8080 when left out. A door may call another one and put it into the policy.
    pub port: Option<u16>,
    /// The workload whose proxy decides. Left out: `orders`, in the one namespace that the policy's documents are for; its labels are not
    /// known, so that a policy whose documents have selectors is refused.
    pub workload: Option<RawWorkload>,
    /// What stands behind the clusters of the proxy that the policy names; a cluster that is not here is not there.
    #[serde(default)]
    pub servers: Vec<RawServer>,
    /// Plugins that are left out of the chain where they stand apart, such as `authn`. The case then runs in that form only.
    #[serde(default)]
    pub without: Vec<String>,
    /// Plugins that stand twice in the chain where they stand apart. The case then runs in that form only.
    #[serde(default)]
    pub twice: Vec<String>,
    /// What another plugin of the proxy writes where the handover belongs, of every request. The case then runs in that form only.
    pub planted: Option<RawPlanted>,
}

/// A workload, as its proxy says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawWorkload {
    /// Its namespace; needed where the policy's documents are for several.
    pub namespace: Option<String>,
    /// Its labels.
    pub labels: Option<BTreeMap<String, String>>,
    /// What kind of proxy of Istio's it is; one that does not say, when left out.
    pub proxy: Option<RawProxy>,
}

/// A kind of proxy, by Istio's name for it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RawProxy {
    /// Beside a workload.
    Sidecar,
    /// A gateway.
    Router,
    /// An ambient waypoint.
    Waypoint,
}

/// What lies where the handover belongs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPlanted {
    /// The bytes, as numbers.
    pub bytes: Vec<u8>,
    /// The plugin before which it is written; `authn` or one behind it.
    pub before: String,
}

/// A path of a server.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawServer {
    /// The cluster, as the policy names it.
    pub cluster: String,
    /// The path.
    pub path: String,
    /// What is answered, one after another; the last one stays.
    pub answers: Vec<RawReply>,
}

/// What a server answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawReply {
    /// 200 when left out.
    pub status: Option<u16>,
    /// Nothing when left out.
    pub body: Option<String>,
    /// The body is a JWKS of these test keys.
    pub keys: Option<Vec<String>>,
    /// Nothing at all: whoever called waits until its time is up.
    #[serde(default)]
    pub never: bool,
    /// The connection is closed without an answer.
    #[serde(default)]
    pub reset: bool,
}

/// Whose certificate it is.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RawCertificate {
    /// The mesh's authority issued it; the default.
    Verified,
    /// A foreign authority issued it, and the listener lets such in (`ACCEPT_UNTRUSTED`).
    Untrusted,
}

/// What stands between caller and plugin.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RawVia {
    /// The caller's connection ends at the plugin's listener; the default.
    Sidecar,
    /// The listener is a waypoint's inner one: plaintext, and the peer's name stands in `io.istio.peer_principal`.
    Waypoint,
}

/// Names in a certificate beside its URI name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RawNamed {
    /// DNS names.
    #[serde(default)]
    pub dns: Vec<String>,
    /// The subject's common name.
    pub common_name: Option<String>,
}

/// How the proxy rewrites paths; see [`Normalization`](crate::case::Normalization).
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the words are those of `Normalization`, which says what they mean")]
pub enum RawNormalization {
    None,
    Base,
    MergeSlashes,
    DecodeAndMergeSlashes,
}

/// One request and what comes of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawStep {
    /// Milliseconds since the step before. A case with a wait cannot run in real Envoy, whose clock cannot be set.
    #[serde(default)]
    pub after: u64,
    /// What is asked.
    #[serde(default)]
    pub request: RawRequest,
    /// The token that the request brings, in an `authorization` header behind the others.
    pub token: Option<RawToken>,
    /// How the upstream answers, should it be asked.
    #[serde(default)]
    pub upstream: RawUpstream,
    /// What comes of it.
    pub expect: RawExpect,
}

/// What is asked.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRequest {
    /// `GET` when left out.
    pub method: Option<String>,
    /// Path and query; `/` when left out.
    pub path: Option<String>,
    /// Path and query as the proxy passes them on; left out: as they are sent. Doors without a proxy start from it, and in Envoy it
    /// is compared with what the proxy wrote down.
    pub arrives: Option<String>,
    /// `orders.shop` when left out.
    pub host: Option<String>,
    /// `[name, value]` pairs in order; names may repeat.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Nothing when left out.
    #[serde(default)]
    pub body: String,
}

/// A token of the test issuer `https://id.example` for the audience `shop`, of subject `alice`, valid from now for five minutes, unless
/// it says otherwise.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RawToken {
    /// The test key that signs it: one of [`Key::NAMES`](crate::mint::Key::NAMES); `rsa-1` when left out.
    pub key: Option<String>,
    /// What the token calls the key; its own name when left out.
    pub kid: Option<String>,
    /// `Bearer` when left out.
    pub scheme: Option<String>,
    /// `iss`.
    pub issuer: Option<String>,
    /// `aud`.
    pub audience: Option<serde_json::Value>,
    /// Further members of the header, or others.
    #[serde(default)]
    pub header: BTreeMap<String, serde_json::Value>,
    /// Further claims, or others; see [`credential`](crate::credential) for times.
    #[serde(default)]
    pub claims: BTreeMap<String, serde_json::Value>,
    /// Claims that are left out.
    #[serde(default)]
    pub without: Vec<String>,
    /// Members of the header that are left out.
    #[serde(default)]
    pub without_header: Vec<String>,
    /// What an attacker has done to it.
    pub twist: Option<RawTwist>,
    /// The two texts that are signed, whatever they are; all but the key then counts for nothing.
    pub raw: Option<RawTexts>,
}

/// Header and claims as texts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawTexts {
    /// The header's JSON.
    pub header: String,
    /// The claims' JSON.
    pub claims: String,
}

/// What an attacker does to a good token; see [`Twist`](crate::mint::Twist).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the words are those of `Twist`, which says what they mean")]
pub enum RawTwist {
    AlgNone,
    HmacWithPublicKey,
    DoubledClaim,
    AlteredClaims,
    AlteredSignature,
    ZeroSignature,
    HmacWithoutSecret,
    WithoutSignature,
    Cut,
    Padded,
}

/// How the upstream answers.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawUpstream {
    /// 200 when left out.
    pub status: Option<u16>,
}

/// What comes of a step: `verdict` with what belongs to it, or `envoy`, or both.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawExpect {
    /// Envoy itself answers with this status and the plugin never sees the request. Doors without Envoy skip the step, unless it has
    /// a `verdict` beside, which then is theirs.
    pub envoy: Option<u16>,
    /// What the plugin decides.
    pub verdict: Option<RawVerdict>,
    /// The reason's code. Left out with a rule: `authz.allow_rule` or `authz.deny_rule`.
    pub reason: Option<String>,
    /// The rule that decided, such as `ns[shop]-policy[orders]-rule[0]`; left out: none did.
    pub rule: Option<String>,
    /// The status that the caller sees. Left out: the upstream's, or the reason's own for a denial.
    pub status: Option<u16>,
    /// What the shadow documents would have done: their refusal; left out: they would not have refused.
    pub shadow: Option<RawShadow>,
    /// `[name, value]` pairs that the answer must hold.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Names of headers that the answer must not hold.
    #[serde(default)]
    pub absent: Vec<String>,
    /// What is written down beside the decision itself, in order: each is a part of an OCSF record, and no other record is there.
    /// Of a refusal (or one that shadow documents would have given) one record is expected anyway.
    #[serde(default)]
    pub events: Vec<serde_json::Value>,
}

/// Allow or deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RawVerdict {
    /// The request goes on.
    Allow,
    /// It ends.
    Deny,
}

/// The refusal that shadow documents would have given.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawShadow {
    /// The reason's code. Left out with a rule: `authz.deny_rule`.
    pub reason: Option<String>,
    /// The rule that would have refused.
    pub rule: Option<String>,
}

/// A door that cannot run the case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawSkip {
    /// Which.
    pub door: RawDoor,
    /// Only where Envoy is older than this, such as `1.40`.
    pub before: Option<String>,
    /// Why, as a sentence.
    pub reason: String,
}

/// A door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RawDoor {
    /// The core alone.
    Native,
    /// The module in the embedded host.
    Host,
    /// The module in a real Envoy.
    Envoy,
}
