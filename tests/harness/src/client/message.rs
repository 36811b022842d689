//! What is sent and what comes back: bytes on both sides.

/// A request, written as it stands: nothing is escaped, sorted, checked or added, but for `content-length` of a body.
#[derive(Debug, Clone)]
pub struct RawRequest {
    /// Such as `GET`.
    pub method: Vec<u8>,
    /// What stands between method and version: path and query.
    pub path: Vec<u8>,
    /// The host header, written first; none: not written.
    pub host: Option<Vec<u8>>,
    /// Header lines in order; names may repeat.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// The body; `content-length` is written for one that is not empty unless a header of that name (or `transfer-encoding`) is given.
    pub body: Vec<u8>,
}

impl RawRequest {
    /// Any method; the host is `meshward.test`.
    pub fn new(method: impl Into<Vec<u8>>, path: impl Into<Vec<u8>>) -> Self {
        Self {
            method: method.into(),
            path: path.into(),
            host: Some(b"meshward.test".to_vec()),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// `GET path`; the host is `meshward.test`.
    pub fn get(path: impl Into<Vec<u8>>) -> Self {
        Self::new("GET", path)
    }

    /// Another host.
    #[must_use]
    pub fn host(mut self, host: impl Into<Vec<u8>>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// One more header line.
    #[must_use]
    pub fn header(mut self, name: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Appends the request's bytes.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.method);
        out.push(b' ');
        out.extend_from_slice(&self.path);
        out.extend_from_slice(b" HTTP/1.1\r\n");
        if let Some(host) = &self.host {
            put_line(out, b"host", host);
        }
        for (name, value) in &self.headers {
            put_line(out, name, value);
        }
        if !self.body.is_empty() && !self.names("content-length") && !self.names("transfer-encoding") {
            put_line(out, b"content-length", self.body.len().to_string().as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
    }

    pub(super) fn is_head(&self) -> bool {
        self.method == b"HEAD"
    }

    fn names(&self, wanted: &str) -> bool {
        self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes()))
    }
}

fn put_line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header lines in order, names as they came.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// The body, without chunk framing.
    pub body: Vec<u8>,
    /// The connection ends with this answer.
    pub closes: bool,
}

impl Response {
    /// The first value of a header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value.as_slice())
    }

    /// The body as text; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::RawRequest;

    #[test]
    fn bytes_are_written_untouched() {
        let request =
            RawRequest::new("PUT", "/a?b").host("h").header("X-A", vec![0x80, 0xff]).header("X-A", "2");
        let mut out = Vec::new();
        request.body("hey").encode_into(&mut out);
        assert_eq!(
            out,
            b"PUT /a?b HTTP/1.1\r\nhost: h\r\nX-A: \x80\xff\r\nX-A: 2\r\ncontent-length: 3\r\n\r\nhey"
        );
    }

    #[test]
    fn a_length_that_is_given_is_kept_even_if_it_lies() {
        let mut request = RawRequest::get("/").header("Content-Length", "9").body("hey");
        request.host = None;
        let mut out = Vec::new();
        request.encode_into(&mut out);
        assert_eq!(out, b"GET / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhey");
    }
}
