//! An HTTP/1.1 request as an upstream reads it.

use std::io::{self, Read};
use std::net::TcpStream;

const MAX_HEADERS: usize = 4096;
const MAX_HEAD_BYTES: usize = 16 * 1024 * 1024;

/// One request's head, as read. Bytes become the characters of the same number (Latin-1), so nothing is lost.
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    bytes: usize,
}

impl Head {
    /// The first value of a header, whatever its case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// Reads one request, head and body; `None`: the connection ended between requests. What came after stays in `buffer`.
/// Chunked bodies are given with their framing.
pub(crate) fn request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<(Head, Vec<u8>)>> {
    let Some(head) = head(stream, buffer)? else { return Ok(None) };
    buffer.drain(..head.bytes);
    let body = body(stream, buffer, &head)?;
    Ok(Some((head, body)))
}

fn head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Head>> {
    loop {
        if let Some(head) = parse(buffer)? {
            return Ok(Some(head));
        }
        if buffer.len() > MAX_HEAD_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the request head is over 16 MiB"));
        }
        if more(stream, buffer)? == 0 {
            return Ok(None);
        }
    }
}

fn parse(buffer: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = vec![httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    let httparse::Status::Complete(bytes) = request.parse(buffer).map_err(invalid)? else { return Ok(None) };
    Ok(Some(Head {
        method: request.method.unwrap_or_default().to_owned(),
        path: request.path.unwrap_or_default().to_owned(),
        headers: request
            .headers
            .iter()
            .map(|header| (header.name.to_owned(), latin1(header.value)))
            .collect(),
        bytes,
    }))
}

fn body(stream: &mut TcpStream, buffer: &mut Vec<u8>, head: &Head) -> io::Result<Vec<u8>> {
    let chunked = head.header("transfer-encoding").is_some();
    let length = head.header("content-length").and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    loop {
        let end = if chunked {
            buffer.windows(5).position(|window| window == b"0\r\n\r\n").map(|start| start + 5)
        } else {
            (buffer.len() >= length).then_some(length)
        };
        if let Some(end) = end {
            return Ok(buffer.drain(..end).collect());
        }
        if more(stream, buffer)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut chunk = [0_u8; 16 * 1024];
    let count = stream.read(&mut chunk)?;
    buffer.extend(chunk.iter().take(count));
    Ok(count)
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}
