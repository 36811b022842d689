//! Throwaway certificates for trying a policy: an authority, a server, and one for each caller that the policy names.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use crate::caller::DEFAULT_TRUST_DOMAIN;
use crate::failure::Failure;

/// Says that a folder holds nothing but what was minted, so that it may be written over.
const MARK: &str = "minted-by-meshward-run";
/// A policy that names more callers gets certificates for the first ones.
const MAX_CALLERS: usize = 32;

/// What was minted.
pub(super) struct Minted {
    dir: PathBuf,
    /// Files of callers (without their ending) and their SPIFFE IDs.
    callers: Vec<(String, String)>,
    path: String,
}

/// What the server needs.
pub(super) struct Files {
    pub(super) ca: PathBuf,
    pub(super) cert: PathBuf,
    pub(super) key: PathBuf,
}

/// Mints into a folder. The authority's key is never written anywhere.
///
/// # Errors
/// [`Failure::Input`] where the folder holds something else, or cannot be written.
pub(super) fn mint(dir: &Path, json: &str) -> Result<Minted, Failure> {
    let policy: Value = serde_json::from_str(json).unwrap_or_default();
    let callers: Vec<(String, String)> =
        callers(&policy).into_iter().take(MAX_CALLERS).map(|id| (file_name(&id), id)).collect();
    let fail = |error: &dyn std::fmt::Display| {
        Failure::input(
            format!("cannot mint into `{}`: {error}", dir.display()),
            "name a folder that is new or empty",
        )
    };
    claim(dir).map_err(|error| fail(&error))?;
    issue_all(dir, &callers).map_err(|error| fail(&error))?;
    Ok(Minted { dir: dir.to_owned(), callers, path: path(&policy) })
}

impl Minted {
    /// What the server needs.
    pub(super) fn files(&self) -> Files {
        let file = |name: &str| self.dir.join(name);
        Files { ca: file("ca.crt"), cert: file("server.crt"), key: file("server.key") }
    }

    /// Command lines to paste, each with a word about it.
    pub(super) fn curls(&self, port: u16) -> Vec<(String, String)> {
        let quoted = |name: &str| shell_word(&self.dir.join(name).display().to_string());
        let url = shell_word(&format!("https://localhost:{port}{}", self.path));
        let base = format!("curl -i --cacert {}", quoted("ca.crt"));
        let with = |(name, id): &(String, String)| {
            let (cert, key) = (quoted(&format!("{name}.crt")), quoted(&format!("{name}.key")));
            (id.clone(), format!("{base} --cert {cert} --key {key} {url}"))
        };
        let nobody = ("without a certificate".to_owned(), format!("{base} {url}"));
        self.callers.iter().map(with).chain([nobody]).collect()
    }
}

fn claim(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    if fs::read_dir(dir)?.next().is_some() && !dir.join(MARK).exists() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it holds something else"));
    }
    fs::write(dir.join(MARK), "throwaway certificates; delete them at will\n")
}

fn issue_all(dir: &Path, callers: &[(String, String)]) -> Result<(), Box<dyn std::error::Error>> {
    let mut authority = params("meshward run, throwaway");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate()?;
    fs::write(dir.join("ca.crt"), authority.self_signed(&key)?.pem())?;
    let issuer = Issuer::new(authority, key);
    let mut server = params("localhost");
    server.subject_alt_names = vec![
        SanType::DnsName("localhost".try_into()?),
        SanType::IpAddress([127, 0, 0, 1].into()),
        SanType::IpAddress(std::net::Ipv6Addr::LOCALHOST.into()),
    ];
    issue(dir, "server", server, ExtendedKeyUsagePurpose::ServerAuth, &issuer)?;
    for (name, id) in callers {
        let mut caller = params(name);
        caller.subject_alt_names = vec![SanType::URI(id.as_str().try_into()?)];
        issue(dir, name, caller, ExtendedKeyUsagePurpose::ClientAuth, &issuer)?;
    }
    Ok(())
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    let now = OffsetDateTime::now_utc();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = now.saturating_sub(Duration::minutes(1));
    params.not_after = now.saturating_add(Duration::days(1));
    params
}

fn issue(
    dir: &Path,
    name: &str,
    mut params: CertificateParams,
    usage: ExtendedKeyUsagePurpose,
    issuer: &Issuer<'_, KeyPair>,
) -> Result<(), Box<dyn std::error::Error>> {
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    let key = KeyPair::generate()?;
    fs::write(dir.join(format!("{name}.crt")), params.signed_by(&key, issuer)?.pem())?;
    let mut options = fs::OpenOptions::new();
    let mut file =
        options.write(true).create(true).truncate(true).mode(0o600).open(dir.join(format!("{name}.key")))?;
    Ok(file.write_all(key.serialize_pem().as_bytes())?)
}

/// Every caller that the policy names whole: `principals` and `serviceAccounts`, and their negations, without wildcards.
fn callers(policy: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for document in policy.get("documents").and_then(Value::as_array).into_iter().flatten() {
        let namespace = document.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or("default");
        collect(document, namespace, &mut found);
    }
    found
}

fn collect(value: &Value, namespace: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let texts = || value.as_array().into_iter().flatten().filter_map(Value::as_str);
                match name.as_str() {
                    "principals" | "notPrincipals" => found.extend(texts().filter_map(principal)),
                    "serviceAccounts" | "notServiceAccounts" => {
                        found.extend(texts().filter_map(|text| service_account(text, namespace)));
                    }
                    _ => collect(value, namespace, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, namespace, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn principal(text: &str) -> Option<String> {
    let whole = text.contains('/') && is_whole(text);
    whole.then(|| if text.starts_with("spiffe://") { text.to_owned() } else { format!("spiffe://{text}") })
}

fn service_account(text: &str, namespace: &str) -> Option<String> {
    let (namespace, account) = text.split_once('/').unwrap_or((namespace, text));
    (is_whole(text) && !account.is_empty())
        .then(|| format!("spiffe://{DEFAULT_TRUST_DOMAIN}/ns/{namespace}/sa/{account}"))
}

/// Neither a wildcard nor a template.
fn is_whole(text: &str) -> bool {
    !text.contains(['*', '{', '}'])
}

/// `spiffe://cluster.local/ns/shop/sa/web` as `cluster.local-shop-web`.
fn file_name(id: &str) -> String {
    let rest = id.strip_prefix("spiffe://").unwrap_or(id);
    let rest = rest.replace("/ns/", "-").replace("/sa/", "-");
    rest.chars()
        .map(|one| if one.is_ascii_alphanumeric() || ".-_".contains(one) { one } else { '-' })
        .collect()
}

/// The first path that the policy names whole, for the command lines.
fn path(policy: &Value) -> String {
    fn first(value: &Value) -> Option<String> {
        match value {
            Value::Object(fields) => fields.iter().find_map(|(name, value)| {
                let texts = || value.as_array().into_iter().flatten().filter_map(Value::as_str);
                let named = texts().find(|text| text.starts_with('/') && is_whole(text)).map(str::to_owned);
                if name == "paths" { named } else { first(value) }
            }),
            Value::Array(values) => values.iter().find_map(first),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        }
    }
    policy.get("documents").and_then(first).unwrap_or_else(|| "/".to_owned())
}

/// A word that a shell takes as it is.
fn shell_word(text: &str) -> String {
    let plain = text.chars().all(|one| one.is_ascii_alphanumeric() || "/.:_-%~,".contains(one));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn callers_that_a_policy_names_whole_get_a_certificate() {
        let policy = json!({"documents": [{
            "metadata": {"namespace": "shop"},
            "spec": {"rules": [
                {"from": [{"source": {"principals": ["cluster.local/ns/a/sa/b", "*/sa/x", "*"]}}]},
                {"from": [{"source": {"notServiceAccounts": ["web", "ops/console"]}}], "to": [{"operation": {"paths": ["/x/*", "/y"]}}]},
            ]},
        }]});
        let expected = [
            "spiffe://cluster.local/ns/a/sa/b",
            "spiffe://cluster.local/ns/ops/sa/console",
            "spiffe://cluster.local/ns/shop/sa/web",
        ];
        assert_eq!(callers(&policy).into_iter().collect::<Vec<_>>(), expected);
        assert_eq!(path(&policy), "/y");
        assert_eq!(file_name(expected[2]), "cluster.local-shop-web");
    }

    #[test]
    fn a_path_with_a_quote_stays_one_word() {
        assert_eq!(shell_word("a/b.crt"), "a/b.crt");
        assert_eq!(shell_word("it's; rm"), "'it'\\''s; rm'");
    }
}
