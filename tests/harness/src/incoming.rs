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
        let end = if chunked { end_of_chunks(buffer)? } else { (buffer.len() >= length).then_some(length) };
        if let Some(end) = end {
            return Ok(buffer.drain(..end).collect());
        }
        if more(stream, buffer)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Where a chunked body ends, trailers and all; `None`: not in these bytes.
fn end_of_chunks(bytes: &[u8]) -> io::Result<Option<usize>> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidData, "a chunk whose length is none");
    let mut at = 0_usize;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Ok(size) = httparse::parse_chunk_size(rest) else { return Err(invalid()) };
        let httparse::Status::Complete((line, size)) = size else { return Ok(None) };
        if size == 0 {
            // The line end before the first trailer belongs to the last chunk's line.
            let from = line.saturating_sub(2);
            let end = rest.get(from..).unwrap_or_default().windows(4).position(|four| four == b"\r\n\r\n");
            return Ok(end.map(|end| at + from + end + 4));
        }
        let size = usize::try_from(size).map_err(|_| invalid())?;
        at = at.checked_add(line).and_then(|at| at.checked_add(size)?.checked_add(2)).ok_or_else(invalid)?;
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

#[cfg(test)]
mod tests {
    use super::end_of_chunks;

    #[test]
    fn a_chunked_body_ends_behind_its_trailers() {
        for (bytes, end) in [
            ("3\r\nabc\r\n0\r\n\r\nGET", Some(13)),
            ("0\r\nx: y\r\n\r\n", Some(11)),
            ("5\r\n0\r\n\r\n\r\n0\r\n\r\n", Some(15)),
            ("0\r\nx: y\r\n", None),
            ("3\r\nab", None),
            ("", None),
        ] {
            assert_eq!(end_of_chunks(bytes.as_bytes()).ok(), Some(end), "{bytes:?}");
        }
        assert!(end_of_chunks(b"x\r\n").is_err());
    }
}
