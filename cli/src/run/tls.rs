//! TLS: what is presented, whom it believes, and who a verified certificate says its holder is.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ProtocolVersion, RootCertStore, ServerConfig, ServerConnection};
use tokio_rustls::TlsAcceptor;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

use crate::failure::Failure;

/// A server that presents this certificate. A client's is verified by `client_ca` where it presents one: a bad one ends the handshake,
/// none leaves it anonymous.
///
/// # Errors
/// [`Failure::Input`] for files that cannot be read or do not go together.
pub(super) fn acceptor(cert: &Path, key: &Path, client_ca: Option<&Path>) -> Result<TlsAcceptor, Failure> {
    let chain = certificates(cert)?;
    let key_der =
        PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, &error, "give a key in PEM"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::Bug(error.to_string()))?;
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let mut roots = RootCertStore::empty();
            for root in certificates(file)? {
                roots
                    .add(root)
                    .map_err(|error| unusable(file, &error, "give certificates of authorities"))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .allow_unauthenticated()
                .build()
                .map_err(|error| unusable(file, &error, "give certificates of authorities"))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder
        .with_single_cert(chain, key_der)
        .map_err(|error| unusable(key, &error, "give the key of that certificate"))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let help = "give a file of certificates in PEM";
    let read = CertificateDer::pem_file_iter(file).map_err(|error| unusable(file, &error, help))?;
    let all: Vec<_> = read.collect::<Result<_, _>>().map_err(|error| unusable(file, &error, help))?;
    if all.is_empty() {
        return Err(unusable(file, &"there is no certificate in it", help));
    }
    Ok(all)
}

fn unusable(file: &Path, why: &dyn std::fmt::Display, help: &str) -> Failure {
    Failure::input(format!("`{}` cannot be used: {why}", file.display()), help)
}

/// What a proxy says of the peer. rustls has verified what is here: where nobody is believed, no certificate was asked for.
pub(super) fn peer(connection: &ServerConnection) -> Result<meshward_host::Tls, String> {
    let mut tls = meshward_host::Tls {
        requested_server_name: connection.server_name().map(str::to_owned),
        tls_version: match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => Some("TLSv1.2".to_owned()),
            Some(ProtocolVersion::TLSv1_3) => Some("TLSv1.3".to_owned()),
            Some(_) | None => None,
        },
        ..meshward_host::Tls::default()
    };
    let Some(leaf) = connection.peer_certificates().and_then(<[_]>::first) else { return Ok(tls) };
    let (_, certificate) =
        parse_x509_certificate(leaf).map_err(|error| format!("its certificate cannot be read: {error}"))?;
    let names = certificate
        .subject_alternative_name()
        .map_err(|error| format!("its names cannot be read: {error}"))?;
    let names = names.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
    tls.uri_san_peer_certificate = names
        .iter()
        .find_map(|name| if let GeneralName::URI(uri) = name { Some((*uri).to_owned()) } else { None });
    tls.dns_san_peer_certificate = names
        .iter()
        .find_map(|name| if let GeneralName::DNSName(dns) = name { Some((*dns).to_owned()) } else { None });
    tls.peer_certificate_presented = true;
    tls.peer_certificate_valid = Some(true);
    tls.subject_peer_certificate =
        Some(certificate.subject().to_string()).filter(|subject| !subject.is_empty());
    let digest = ring::digest::digest(&ring::digest::SHA256, leaf);
    tls.sha256_peer_certificate_digest =
        Some(digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect());
    Ok(tls)
}
