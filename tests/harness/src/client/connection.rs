//! One connection: bytes out, answers in, and a precise word on how it ended.

use super::message::Response;
use super::{ClientError, tls};
use rustls::{ClientConnection, HandshakeKind, StreamOwned};
use socket2::{Domain, Socket, Type};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const MAX_HEADERS: usize = 256;
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
const CHUNK: usize = 32 * 1024;

#[derive(Debug)]
enum Transport {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// An open connection with what was read ahead of the last answer.
#[derive(Debug)]
pub(super) struct Connection {
    transport: Transport,
    peer: SocketAddr,
    patience: Duration,
    buffer: Vec<u8>,
    /// Everything in `buffer` before this was answered already.
    start: usize,
}

/// An answer's head: where it ends and how its body is framed.
struct Head {
    response: Response,
    bytes: usize,
    framing: Framing,
}

enum Framing {
    Length(usize),
    Chunked,
    UntilClosed,
}

impl Connection {
    pub(super) fn open(
        peer: SocketAddr,
        from: Option<IpAddr>,
        tls: Option<&tls::Setup>,
        patience: Duration,
    ) -> Result<Self, ClientError> {
        let fail = |source| ClientError::Connect { to: peer, source };
        let socket = Socket::new(Domain::for_address(peer), Type::STREAM, None).map_err(fail)?;
        if let Some(from) = from {
            socket.bind(&SocketAddr::new(from, 0).into()).map_err(fail)?;
        }
        socket.connect_timeout(&peer.into(), patience).map_err(fail)?;
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true).map_err(fail)?;
        stream.set_read_timeout(Some(patience)).map_err(fail)?;
        stream.set_write_timeout(Some(patience)).map_err(fail)?;
        let transport = match tls {
            None => Transport::Plain(stream),
            Some(setup) => {
                let session = ClientConnection::new(setup.config.clone(), setup.name.clone())
                    .map_err(|source| ClientError::Tls { with: peer, source })?;
                Transport::Tls(Box::new(StreamOwned::new(session, stream)))
            }
        };
        let mut connection = Self { transport, peer, patience, buffer: Vec::new(), start: 0 };
        connection.shake_hands()?;
        Ok(connection)
    }

    fn shake_hands(&mut self) -> Result<(), ClientError> {
        let Transport::Tls(stream) = &mut self.transport else { return Ok(()) };
        while stream.conn.is_handshaking() {
            if let Err(error) = stream.conn.complete_io(&mut stream.sock) {
                return Err(self.explain(error));
            }
        }
        Ok(())
    }

    pub(super) fn resumed(&self) -> Option<bool> {
        match &self.transport {
            Transport::Plain(_) => None,
            Transport::Tls(stream) => stream.conn.handshake_kind().map(|kind| kind == HandshakeKind::Resumed),
        }
    }

    /// This connection, unless the peer closed it, or said something unasked, since the last answer.
    pub(super) fn if_alive(mut self) -> Option<Self> {
        if self.start < self.buffer.len() || self.socket().set_nonblocking(true).is_err() {
            return None;
        }
        let quiet =
            matches!(self.transport.read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock);
        (quiet && self.socket().set_nonblocking(false).is_ok()).then_some(self)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        let written = self.transport.write_all(bytes).and_then(|()| self.transport.flush());
        written.map_err(|error| self.explain(error))
    }

    /// Reads one answer; interim ones (1xx) are passed over.
    pub(super) fn read(&mut self, head_only: bool) -> Result<Response, ClientError> {
        let until = Instant::now() + self.patience;
        let mut head = loop {
            match parse_head(self.unread(), head_only)? {
                None => self.fill(until)?,
                Some(head) if head.response.status < 200 => self.start += head.bytes,
                Some(head) => break head,
            }
        };
        self.start += head.bytes;
        head.response.body = match head.framing {
            Framing::Length(length) => self.take(length, until)?,
            Framing::Chunked => self.take_chunks(until)?,
            Framing::UntilClosed => self.take_all(until)?,
        };
        self.forget_answered();
        Ok(head.response)
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    fn forget_answered(&mut self) {
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        } else if self.start > CHUNK {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
    }

    fn take(&mut self, length: usize, until: Instant) -> Result<Vec<u8>, ClientError> {
        if length > MAX_ANSWER_BYTES {
            return Err(too_long());
        }
        while self.unread().len() < length {
            self.fill(until)?;
        }
        let body = self.unread().iter().take(length).copied().collect();
        self.start += length;
        Ok(body)
    }

    fn take_chunks(&mut self, until: Instant) -> Result<Vec<u8>, ClientError> {
        let mut body = Vec::new();
        loop {
            match httparse::parse_chunk_size(self.unread()) {
                Err(error) => return Err(ClientError::Unreadable(format!("a chunk: {error:?}"))),
                Ok(httparse::Status::Partial) => self.fill(until)?,
                Ok(httparse::Status::Complete((line, size))) => {
                    let size = usize::try_from(size).map_err(|_| too_long())?;
                    self.start += line;
                    if size == 0 {
                        self.pass_trailers(until)?;
                        return Ok(body);
                    }
                    body.extend(self.take(size, until)?);
                    if self.take(2, until)? != b"\r\n" {
                        return Err(ClientError::Unreadable("a chunk without its end".to_owned()));
                    }
                }
            }
        }
    }

    /// Reads what follows the last chunk up to the empty line; nobody here looks at trailers.
    fn pass_trailers(&mut self, until: Instant) -> Result<(), ClientError> {
        let mut line = Vec::new();
        loop {
            line.extend(self.take(1, until)?);
            match line.as_slice() {
                b"\r\n" => return Ok(()),
                [.., b'\r', b'\n'] => line.clear(),
                long if long.len() > CHUNK => return Err(too_long()),
                _ => {}
            }
        }
    }

    fn take_all(&mut self, until: Instant) -> Result<Vec<u8>, ClientError> {
        loop {
            match self.fill(until) {
                Ok(()) => {}
                Err(ClientError::Closed { .. }) => break,
                Err(error) => return Err(error),
            }
        }
        let body = self.unread().to_vec();
        self.start = self.buffer.len();
        Ok(body)
    }

    /// Reads some more, or fails: an end here is never expected.
    fn fill(&mut self, until: Instant) -> Result<(), ClientError> {
        if self.buffer.len() > MAX_ANSWER_BYTES {
            return Err(too_long());
        }
        if Instant::now() >= until {
            return Err(ClientError::TimedOut { from: self.peer, waited: self.patience });
        }
        let mut chunk = [0_u8; CHUNK];
        match self.transport.read(&mut chunk) {
            Ok(0) => Err(ClientError::Closed { by: self.peer, bytes: self.unread().len() }),
            Ok(count) => {
                self.buffer.extend_from_slice(chunk.get(..count).unwrap_or_default());
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(self.explain(error)),
        }
    }

    fn socket(&self) -> &TcpStream {
        match &self.transport {
            Transport::Plain(stream) => stream,
            Transport::Tls(stream) => &stream.sock,
        }
    }

    fn explain(&self, error: io::Error) -> ClientError {
        if let Some(source) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return ClientError::Tls { with: self.peer, source: source.clone() };
        }
        let kind = error.kind();
        if matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut) {
            return ClientError::TimedOut { from: self.peer, waited: self.patience };
        }
        let ends = [
            ErrorKind::UnexpectedEof,
            ErrorKind::ConnectionReset,
            ErrorKind::ConnectionAborted,
            ErrorKind::BrokenPipe,
        ];
        if ends.contains(&kind) {
            return ClientError::Closed { by: self.peer, bytes: self.unread().len() };
        }
        ClientError::Io { with: self.peer, source: error }
    }
}

impl Read for Transport {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(into),
            Self::Tls(stream) => stream.read(into),
        }
    }
}

impl Write for Transport {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

fn too_long() -> ClientError {
    ClientError::Unreadable(format!("it is over {MAX_ANSWER_BYTES} bytes"))
}

fn parse_head(bytes: &[u8], head_only: bool) -> Result<Option<Head>, ClientError> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    let status =
        parsed.parse(bytes).map_err(|error| ClientError::Unreadable(format!("its head: {error}")))?;
    let httparse::Status::Complete(length) = status else { return Ok(None) };
    let headers =
        parsed.headers.iter().map(|header| (header.name.as_bytes().to_vec(), header.value.to_vec()));
    let mut response = Response {
        status: parsed.code.unwrap_or(0),
        headers: headers.collect(),
        body: Vec::new(),
        closes: false,
    };
    let framing = framing(&response, head_only)?;
    let says_close = response.header("connection").is_some_and(|value| value.eq_ignore_ascii_case(b"close"));
    response.closes = says_close || matches!(framing, Framing::UntilClosed);
    Ok(Some(Head { response, bytes: length, framing }))
}

fn framing(response: &Response, head_only: bool) -> Result<Framing, ClientError> {
    if head_only || response.status < 200 || matches!(response.status, 204 | 304) {
        return Ok(Framing::Length(0));
    }
    if response.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case(b"chunked")) {
        return Ok(Framing::Chunked);
    }
    let Some(length) = response.header("content-length") else { return Ok(Framing::UntilClosed) };
    let length = std::str::from_utf8(length).ok().and_then(|text| text.parse().ok());
    length.map(Framing::Length).ok_or_else(|| ClientError::Unreadable("its content-length".to_owned()))
}
