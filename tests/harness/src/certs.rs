//! Throw-away certificates: a [`Ca`], what a certificate shall say ([`Leaf`]), and what came out ([`Identity`]).
//!
//! URI names are bytes and are written into the certificate untouched, so malformed SPIFFE IDs can be presented to a real
//! Envoy. A foreign authority is just another [`Ca`].

mod names;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use std::path::{Path, PathBuf};
use std::{fs, io};
use time::{Duration, OffsetDateTime};

/// A certificate could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the certificate of `{of}`: {source}")]
pub struct CertError {
    /// The common name of the certificate.
    pub of: String,
    /// What rcgen said.
    pub source: rcgen::Error,
}

/// Tolerance for clocks: certificates start this many seconds ago unless told otherwise.
const HEAD_START: i64 = 60;
const ONE_DAY: i64 = 86_400;

/// A certificate authority, self-signed or below another one.
#[derive(Debug)]
pub struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    /// Certificates between a leaf and the root, nearest first; empty for a root.
    between: String,
    root_pem: String,
}

/// What a certificate shall say. Times are seconds relative to now.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// Subject common name; empty: no subject.
    pub common_name: String,
    /// URI subject alternative names, in this order, byte for byte.
    pub uri_sans: Vec<Vec<u8>>,
    /// DNS subject alternative names, after the URI names.
    pub dns_sans: Vec<String>,
    /// Valid from, in seconds from now; negative is the past.
    pub starts: i64,
    /// Valid until, in seconds from now; negative is the past.
    pub ends: i64,
}

/// A certificate with its key, as PEM.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate alone.
    pub cert_pem: String,
    /// The private key, PKCS #8.
    pub key_pem: String,
    /// The certificate and what leads from it to the root, without the root: what is presented.
    pub chain_pem: String,
}

/// Where [`Identity::write_to`] put the two files.
#[derive(Debug, Clone)]
pub struct Written {
    /// The chain, `NAME.crt`.
    pub chain: PathBuf,
    /// The key, `NAME.key`, readable by its owner only.
    pub key: PathBuf,
}

impl Leaf {
    /// No names at all, valid from a minute ago for a day.
    #[must_use]
    pub fn nameless() -> Self {
        Self {
            common_name: String::new(),
            uri_sans: Vec::new(),
            dns_sans: Vec::new(),
            starts: -HEAD_START,
            ends: ONE_DAY,
        }
    }

    /// One URI name, such as `spiffe://cluster.local/ns/shop/sa/web`; any bytes are taken.
    #[must_use]
    pub fn uri(name: impl Into<Vec<u8>>) -> Self {
        Self::nameless().and_uri(name)
    }

    /// One more URI name.
    #[must_use]
    pub fn and_uri(mut self, name: impl Into<Vec<u8>>) -> Self {
        self.uri_sans.push(name.into());
        self
    }

    /// One more DNS name.
    #[must_use]
    pub fn and_dns(mut self, name: &str) -> Self {
        self.dns_sans.push(name.to_owned());
        self
    }

    /// The subject's common name.
    #[must_use]
    pub fn common_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.common_name);
        self
    }

    /// Valid since yesterday, over for a minute.
    #[must_use]
    pub fn expired(mut self) -> Self {
        self.starts = -ONE_DAY;
        self.ends = -HEAD_START;
        self
    }

    /// Valid for this many seconds from now.
    #[must_use]
    pub fn ends_in(mut self, seconds: i64) -> Self {
        self.ends = seconds;
        self
    }
}

impl Ca {
    /// A new root, with a key of its own, valid for ten days around now.
    pub fn new(name: &str) -> Result<Self, CertError> {
        let fail = |source| CertError { of: name.to_owned(), source };
        let params = ca_params(name);
        let key = KeyPair::generate().map_err(fail)?;
        let pem = params.self_signed(&key).map_err(fail)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), root_pem: pem.clone(), pem, between: String::new() })
    }

    /// An authority below this one. Its leaves present it in their chain; the trusted root stays this one's.
    pub fn intermediate(&self, name: &str) -> Result<Self, CertError> {
        let fail = |source| CertError { of: name.to_owned(), source };
        let params = ca_params(name);
        let key = KeyPair::generate().map_err(fail)?;
        let pem = params.signed_by(&key, &self.issuer).map_err(fail)?.pem();
        let between = format!("{pem}{}", self.between);
        Ok(Self { issuer: Issuer::new(params, key), root_pem: self.root_pem.clone(), pem, between })
    }

    /// Issues a certificate with a fresh P-256 key, usable as client and as server.
    pub fn issue(&self, leaf: &Leaf) -> Result<Identity, CertError> {
        let fail = |source| CertError { of: leaf.common_name.clone(), source };
        let key = KeyPair::generate().map_err(fail)?;
        let cert_pem = leaf_params(leaf).signed_by(&key, &self.issuer).map_err(fail)?.pem();
        let chain_pem = format!("{cert_pem}{}", self.between);
        Ok(Identity { cert_pem, key_pem: key.serialize_pem(), chain_pem })
    }

    /// This authority's own certificate.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The root that a verifier must trust.
    #[must_use]
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// Writes the root to `NAME.crt` in this directory, which must exist.
    pub fn write_to(&self, dir: &Path, name: &str) -> io::Result<PathBuf> {
        let path = dir.join(format!("{name}.crt"));
        fs::write(&path, &self.root_pem)?;
        Ok(path)
    }
}

impl Identity {
    /// Writes `NAME.crt` (the chain) and `NAME.key` in this directory, which must exist.
    pub fn write_to(&self, dir: &Path, name: &str) -> io::Result<Written> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let written =
            Written { chain: dir.join(format!("{name}.crt")), key: dir.join(format!("{name}.key")) };
        fs::write(&written.chain, &self.chain_pem)?;
        let mut options = fs::OpenOptions::new();
        let mut key = options.write(true).create(true).truncate(true).mode(0o600).open(&written.key)?;
        key.write_all(self.key_pem.as_bytes())?;
        Ok(written)
    }
}

fn subject(common_name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    if !common_name.is_empty() {
        subject.push(DnType::CommonName, common_name);
    }
    subject
}

fn ca_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    let now = OffsetDateTime::now_utc();
    params.distinguished_name = subject(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = now - Duration::days(5);
    params.not_after = now + Duration::days(5);
    params
}

fn leaf_params(leaf: &Leaf) -> CertificateParams {
    let mut params = CertificateParams::default();
    let now = OffsetDateTime::now_utc();
    params.distinguished_name = subject(&leaf.common_name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.not_before = now + Duration::seconds(leaf.starts);
    params.not_after = now + Duration::seconds(leaf.ends);
    params.custom_extensions.extend(names::extension(&leaf.uri_sans, &leaf.dns_sans));
    params
}

#[cfg(test)]
mod tests {
    use super::{Ca, Leaf};
    use std::error::Error;

    #[test]
    fn a_leaf_below_an_intermediate_presents_both() -> Result<(), Box<dyn Error>> {
        let root = Ca::new("root")?;
        let below = root.intermediate("below")?;
        let identity = below.issue(&Leaf::uri("spiffe://cluster.local/ns/a/sa/b"))?;
        assert_eq!(identity.chain_pem.matches("BEGIN CERTIFICATE").count(), 2);
        assert_eq!(below.root_pem(), root.pem());
        assert_ne!(below.pem(), root.pem());
        Ok(())
    }

    #[test]
    fn files_are_written_and_the_key_is_private() -> Result<(), Box<dyn Error>> {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir()?;
        let written = Ca::new("root")?.issue(&Leaf::nameless().expired())?.write_to(dir.path(), "web")?;
        assert!(std::fs::read_to_string(written.chain)?.contains("BEGIN CERTIFICATE"));
        assert_eq!(std::fs::metadata(written.key)?.permissions().mode() & 0o777, 0o600);
        Ok(())
    }
}
