//! HTTP/1.1 as it is read from a socket: header lines, bodies, trailers; and a client that keeps trailers.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Names and values as they came.
pub type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// An answer with its trailers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Header lines; trailers stand behind them with `trailer ` before their names.
    pub headers: Pairs,
    /// The body.
    pub body: Vec<u8>,
}

/// A connection that requests are written to and answers are read from.
#[derive(Debug)]
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    /// Opens one; nobody waits longer than this for anything.
    ///
    /// # Errors
    /// Nobody listens.
    pub fn open(address: SocketAddr, patience: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, patience)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(patience))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends these bytes and reads one answer; `head` is one that has no body whatever its length says.
    ///
    /// # Errors
    /// No answer in time, or one that breaks off.
    pub fn send(&mut self, bytes: &[u8], head: bool) -> io::Result<Response> {
        self.0.get_mut().write_all(bytes)?;
        let from = &mut self.0;
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("`{line}` is no status line")))?;
        let mut headers = lines(from)?;
        let bare = head || matches!(status, 204 | 304);
        let (body, trailers) = if bare { Default::default() } else { body(from, &headers, true)? };
        headers.extend(marked(trailers));
        Ok(Response { status, headers, body })
    }
}

/// Trailers as they stand among headers in a transcript.
pub fn marked(trailers: Pairs) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    trailers.into_iter().map(|(name, value)| ([b"trailer ", &*name].concat(), value))
}

/// Header lines up to the empty one.
pub(crate) fn lines(from: &mut impl BufRead) -> io::Result<Pairs> {
    let mut all = Vec::new();
    loop {
        let mut line = Vec::new();
        from.read_until(b'\n', &mut line)?;
        let line = line.trim_ascii_end();
        if line.is_empty() {
            return Ok(all);
        }
        let at = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(at);
        all.push((name.to_vec(), value.get(1..).unwrap_or_default().trim_ascii().to_vec()));
    }
}

/// The body and the trailers; one that says nothing of its length lasts until the peer closes, or has none.
pub(crate) fn body(
    from: &mut impl BufRead,
    headers: &Pairs,
    until_closed: bool,
) -> io::Result<(Vec<u8>, Pairs)> {
    let find = |wanted: &str| headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes()));
    let mut body = Vec::new();
    if find("transfer-encoding").is_some() {
        loop {
            let mut line = String::new();
            from.read_line(&mut line)?;
            let size = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
            if size == 0 {
                return Ok((body, lines(from)?));
            }
            let mut chunk = vec![0; size];
            from.read_exact(&mut chunk)?;
            body.extend(chunk);
            from.read_line(&mut String::new())?;
        }
    }
    match find("content-length").and_then(|(_, value)| std::str::from_utf8(value).ok()?.parse().ok()) {
        Some(length) => {
            body.resize(length, 0);
            from.read_exact(&mut body)?;
        }
        None if until_closed => drop(from.read_to_end(&mut body)?),
        None => {}
    }
    Ok((body, Vec::new()))
}
