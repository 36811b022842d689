//! Clients over TLS: the certificates of one mesh, and of another that it does not trust.

use crate::ProbeError;
use crate::behaviour::Peer;
use crate::wire::Response;
use meshward_harness::certs::{Ca, CertError, Identity, Leaf};
use meshward_harness::client::{Client, TlsOptions};
use meshward_harness::config::{ClientCert, DownstreamTls};
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;

/// The listeners' URI name.
pub(crate) const LOCAL: &str = "spiffe://cluster.local/ns/default/sa/web";
/// The name that clients ask for.
const SERVER_NAME: &str = "meshward.test";

/// Who vouches for whom.
pub(super) struct Peers {
    mesh: Ca,
    foreign: Ca,
    server: Identity,
}

impl Peers {
    pub(super) fn new() -> Result<Self, ProbeError> {
        let make = || -> Result<Self, CertError> {
            let (mesh, foreign) = (Ca::new("mesh")?, Ca::new("foreign")?);
            let server = mesh.issue(&Leaf::uri(LOCAL).and_dns(SERVER_NAME))?;
            Ok(Self { mesh, foreign, server })
        };
        make().map_err(ProbeError::new)
    }

    /// The listener's side.
    pub(super) fn listener(&self, peer: &Peer) -> DownstreamTls {
        let root_pem = self.mesh.root_pem().to_owned();
        let rule = match peer.untrusted {
            true => ClientCert::AcceptUntrusted { root_pem, required: false },
            false => ClientCert::Optional { root_pem },
        };
        DownstreamTls::new(&self.server, rule).without_resumption()
    }

    /// The client's side.
    pub(super) fn client(&self, address: SocketAddr, peer: &Peer) -> Result<Client, String> {
        let options = if peer.anonymous {
            TlsOptions::anonymous()
        } else {
            let mut leaf = Leaf::nameless().common_name(&peer.common_name);
            leaf.uri_sans.extend(peer.uris.iter().map(|uri| uri.clone().into_bytes()));
            leaf.dns_sans.extend(peer.dns.iter().cloned());
            let ca = if peer.untrusted { &self.foreign } else { &self.mesh };
            TlsOptions::presenting(&ca.issue(&leaf).map_err(|error| error.to_string())?)
        };
        let options = options.trusting(self.mesh.root_pem());
        Client::tls(address, &options).map_err(|error| error.to_string())
    }
}

/// Sends these bytes over TLS and reads one answer.
pub(super) fn send(client: &mut Client, bytes: &[u8], head: bool) -> std::io::Result<Response> {
    let answer = client.send_bytes(bytes, head);
    let answer = answer.map_err(|error| match error.refused_below_http() {
        true => Error::from(ErrorKind::UnexpectedEof),
        false => Error::other(error),
    })?;
    Ok(Response { status: answer.status, headers: answer.headers, body: answer.body })
}
