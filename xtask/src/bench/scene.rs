//! What every configuration has in common: mTLS as in production, the request, the clients.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use meshward_harness::certs::{Ca, Identity, Leaf};
use meshward_harness::client::{Client, RawRequest, TlsOptions};
use meshward_harness::config::{DownstreamTls, Filter, Listener};

use super::stages::TOKEN;

/// The caller's certificate says so.
pub(super) const CALLER: &str = "spiffe://cluster.local/ns/shop/sa/web";
const SERVER: &str = "spiffe://cluster.local/ns/shop/sa/shop";
/// The host that is asked.
pub(super) const HOST: &str = "shop.shop.svc.cluster.local";
/// What is asked for: the last of the ten rules allows it.
pub(super) const PATH: &str = "/api/v1/refunds/8412?expand=items&page=2";

/// Certificates of one run.
pub(super) struct Scene {
    server: DownstreamTls,
    client: TlsOptions,
    stranger: TlsOptions,
}

impl Scene {
    /// A new authority, a server below it and a client.
    pub(super) fn new() -> Result<Self> {
        let ca = Ca::new("bench").context("no certificate authority")?;
        let issue = |name: &str| -> Result<Identity> { Ok(ca.issue(&Leaf::uri(name))?) };
        Ok(Self {
            server: DownstreamTls::mutual(&issue(SERVER)?, ca.root_pem()),
            client: TlsOptions::presenting(&issue(CALLER)?),
            stranger: TlsOptions::presenting(&issue("spiffe://cluster.local/ns/else/sa/where")?),
        })
    }

    /// A listener with mTLS and these filters that answers everything by itself.
    pub(super) fn listener(&self, address: SocketAddr, filters: Vec<Filter>) -> Listener {
        filters.into_iter().fold(Listener::on(address).tls(self.server.clone()), Listener::filter)
    }

    /// A client that the policies know.
    pub(super) fn client(&self, address: SocketAddr) -> Result<Client> {
        Ok(Client::tls(address, &self.client)?)
    }

    /// A client that no policy knows.
    pub(super) fn stranger(&self, address: SocketAddr) -> Result<Client> {
        Ok(Client::tls(address, &self.stranger)?)
    }
}

/// A request as browsers and services send it: 12 ordinary headers and a bearer token.
pub(super) fn request() -> RawRequest {
    let headers = [
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        ("accept", "application/json, text/plain, */*"),
        ("accept-language", "en-GB,en;q=0.8,de;q=0.6"),
        ("accept-encoding", "gzip, deflate, br"),
        ("cache-control", "no-cache"),
        ("referer", "https://shop.example/account/refunds"),
        ("origin", "https://shop.example"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("x-forwarded-for", "198.51.100.24"),
        ("x-tenant", "umbrella"),
        ("cookie", "session=6f1c0e7a9d3b4c52; theme=dark"),
    ];
    let request = RawRequest::get(PATH).host(HOST);
    let request = headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
    request.header("authorization", format!("Bearer {}", TOKEN.trim()))
}
