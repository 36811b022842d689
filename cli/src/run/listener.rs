//! Who is let in, and who they are: one fixed caller in plaintext, or whoever a verified certificate names.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use meshward_cases::case;
use meshward_host::{Attributes, Tls};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::mint::Minted;
use super::service::{Caller, Service};
use super::tls;
use super::told::Told;
use crate::caller;
use crate::failure::Failure;

/// Connections that are served at once; more wait to be accepted.
const MAX_CONNECTIONS: usize = 1024;
/// A request's head, as Envoy has it: 60 KiB, and a little for the line.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// How many headers a request may have: Envoy's default.
const MAX_HEADERS: usize = 100;
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
const HEAD_WITHIN: Duration = Duration::from_secs(60);

/// How callers come by their identity.
pub(super) enum Identity {
    /// All are the same one, whom we were told.
    Fixed(Option<Tls>, String),
    /// From their certificates; and what was minted for it.
    Tls(TlsAcceptor, Option<Minted>),
}

impl Identity {
    /// The caller that was named; in plaintext where none was.
    ///
    /// # Errors
    /// [`Failure::Usage`] for what names nobody.
    pub(super) fn fixed(text: Option<&str>) -> Result<Self, Failure> {
        let Some(text) = text else { return Ok(Self::Fixed(None, "plaintext".to_owned())) };
        let (named, transport) = caller::parse(text, caller::DEFAULT_TRUST_DOMAIN)?;
        Ok(match (named, transport) {
            (case::Caller::Named(name), _) => {
                let name = String::from_utf8_lossy(&name).into_owned();
                Self::Fixed(Attributes::mutual_tls(&name).tls, name)
            }
            (case::Caller::Nameless, case::Transport::Plaintext) => Self::Fixed(None, "plaintext".to_owned()),
            // The command line has no word for a certificate without a name.
            (case::Caller::Nameless | case::Caller::Unnamed, _) => {
                Self::Fixed(Some(Tls::default()), "anonymous".to_owned())
            }
        })
    }
}

/// An open port.
pub(super) struct Listening {
    listener: TcpListener,
    address: SocketAddr,
    identity: Identity,
}

impl Listening {
    /// Opens it, on loopback only.
    ///
    /// # Errors
    /// [`Failure::Usage`] for another address, [`Failure::Input`] where it is taken.
    pub(super) async fn bind(address: SocketAddr, identity: Identity) -> Result<Self, Failure> {
        if !address.ip().is_loopback() {
            let message =
                format!("`{address}` can be reached from elsewhere, and callers would be whom `--as` says");
            return Err(Failure::usage(message, "listen on loopback: `--listen 127.0.0.1:8080`"));
        }
        let taken = |error| {
            Failure::input(
                format!("cannot listen on {address}: {error}"),
                "take another port: `--listen 127.0.0.1:0` finds one",
            )
        };
        let listener = TcpListener::bind(address).await.map_err(taken)?;
        let address = listener.local_addr().map_err(taken)?;
        Ok(Self { listener, address, identity })
    }

    /// Where.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a person types.
    pub(super) fn url(&self) -> String {
        format!("{}://{}", if self.is_tls() { "https" } else { "http" }, self.address)
    }

    /// Whether certificates say who calls.
    pub(super) fn is_tls(&self) -> bool {
        matches!(self.identity, Identity::Tls(..))
    }

    /// What was minted for it.
    pub(super) fn minted(&self) -> Option<&Minted> {
        match &self.identity {
            Identity::Tls(_, minted) => minted.as_ref(),
            Identity::Fixed(..) => None,
        }
    }

    /// Who callers are, in words.
    pub(super) fn describe(&self) -> String {
        match &self.identity {
            Identity::Fixed(_, name) => format!("all `{name}`"),
            Identity::Tls(..) => "who their certificates say".to_owned(),
        }
    }

    /// Serves until the end.
    pub(super) async fn serve(self, service: Rc<Service>) {
        let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let identity = Rc::new(self.identity);
        loop {
            let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
            let (stream, from) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    service.driver.tell(Told::Trouble(format!("a connection was not accepted: {error}")));
                    // Out of descriptors, mostly: trying again at once would only spin.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let (service, identity) = (Rc::clone(&service), Rc::clone(&identity));
            tokio::task::spawn_local(async move {
                if let Err(trouble) = connection(stream, from, &identity, &service).await {
                    service.driver.tell(Told::Trouble(format!("{from}: {trouble}")));
                }
                drop(permit);
            });
        }
    }
}

async fn connection(
    stream: TcpStream,
    from: SocketAddr,
    identity: &Identity,
    service: &Rc<Service>,
) -> Result<(), String> {
    // Without it answers are only slower.
    drop(stream.set_nodelay(true));
    let caller = |tls: Option<Tls>, name: String, scheme| Caller {
        attributes: Attributes {
            source_address: from.to_string(),
            destination_address: format!("127.0.0.1:{}", service.port),
            tls,
            ..Attributes::default()
        },
        name,
        scheme,
    };
    match identity {
        Identity::Fixed(tls, name) => serve(stream, caller(tls.clone(), name.clone(), "http"), service).await,
        Identity::Tls(acceptor, _) => {
            let shaken = tokio::time::timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)).await;
            let stream = shaken
                .map_err(|_| "no TLS handshake in time".to_owned())?
                .map_err(|error| format!("no TLS: {error}"))?;
            let peer = tls::peer(stream.get_ref().1)?;
            let name = peer.uri_san_peer_certificate.clone().unwrap_or_else(|| "anonymous".to_owned());
            serve(stream, caller(Some(peer), name, "https"), service).await
        }
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    caller: Caller,
    service: &Rc<Service>,
) -> Result<(), String> {
    let caller = Rc::new(caller);
    let answer = service_fn(move |request| {
        let (service, caller) = (Rc::clone(service), Rc::clone(&caller));
        async move { Ok::<_, Infallible>(service.answer(&caller, request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), answer)
        .await;
    match served {
        // A caller that leaves, or never says anything, is nobody's trouble.
        Err(error) if !(error.is_incomplete_message() || error.is_timeout() || error.is_canceled()) => {
            Err(error.to_string())
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
