//! The client's side of TLS: which certificate is presented, which server is believed, which versions, resumption or not.

use crate::certs::Identity;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedProtocolVersion};
use std::sync::Arc;

static TLS12_ONLY: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
static TLS13_ONLY: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// Which TLS versions are offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Versions {
    /// TLS 1.2 only.
    Tls12,
    /// TLS 1.3 only.
    Tls13,
    /// Both; the server chooses.
    #[default]
    Both,
}

/// How a client speaks TLS.
#[derive(Debug, Clone)]
pub struct TlsOptions {
    /// The root (PEM) that the server's certificate must lead to, with [`TlsOptions::server_name`] among its DNS names.
    /// None: any server is believed, for tests that are about the client's certificate only.
    pub root_pem: Option<String>,
    /// The client's certificate; none: none is presented.
    pub identity: Option<Identity>,
    /// Versions offered.
    pub versions: Versions,
    /// Whether sessions are stored and resumed.
    pub resumption: bool,
    /// The name sent as SNI.
    pub server_name: String,
}

impl TlsOptions {
    /// No client certificate, any server, both versions, resumption on, SNI `meshward.test`.
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            root_pem: None,
            identity: None,
            versions: Versions::Both,
            resumption: true,
            server_name: "meshward.test".to_owned(),
        }
    }

    /// As [`TlsOptions::anonymous`], presenting this certificate.
    #[must_use]
    pub fn presenting(identity: &Identity) -> Self {
        Self { identity: Some(identity.clone()), ..Self::anonymous() }
    }

    /// Believes only servers below this root.
    #[must_use]
    pub fn trusting(mut self, root_pem: &str) -> Self {
        self.root_pem = Some(root_pem.to_owned());
        self
    }

    /// Offers these versions only.
    #[must_use]
    pub fn versions(mut self, versions: Versions) -> Self {
        self.versions = versions;
        self
    }

    /// Stores and resumes sessions, or does not.
    #[must_use]
    pub fn resumption(mut self, on: bool) -> Self {
        self.resumption = on;
        self
    }

    pub(super) fn setup(&self) -> Result<Setup, String> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(self.versions.offered())
            .map_err(|error| error.to_string())?;
        let builder = match &self.root_pem {
            Some(pem) => builder.with_root_certificates(roots(pem)?),
            None => builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyServer(provider))),
        };
        let mut config = match &self.identity {
            Some(identity) => builder
                .with_client_auth_cert(chain(&identity.chain_pem)?, key(&identity.key_pem)?)
                .map_err(|error| format!("the client certificate: {error}"))?,
            None => builder.with_no_client_auth(),
        };
        config.resumption =
            if self.resumption { Resumption::in_memory_sessions(64) } else { Resumption::disabled() };
        let name = ServerName::try_from(self.server_name.clone())
            .map_err(|error| format!("the server name `{}`: {error}", self.server_name))?;
        Ok(Setup { config: Arc::new(config), name })
    }
}

impl Versions {
    fn offered(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Self::Tls12 => TLS12_ONLY,
            Self::Tls13 => TLS13_ONLY,
            Self::Both => rustls::ALL_VERSIONS,
        }
    }
}

/// What a TLS connection is made from; clients that share it share the session store.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) config: Arc<ClientConfig>,
    pub(super) name: ServerName<'static>,
}

fn roots(pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for root in chain(pem)? {
        roots.add(root).map_err(|error| format!("the root certificate: {error}"))?;
    }
    Ok(roots)
}

fn chain(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| format!("a certificate in PEM: {error}"))
}

fn key(pem: &str) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|error| format!("a private key in PEM: {error}"))
}

/// Believes any certificate, but checks that the server holds its key.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
