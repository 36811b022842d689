//! What an upstream or a callout's target answers: written in the query of the path that it is asked.
//!
//! `/any?status=404&h=x-a:1&h=x-a:2&body=no&t=x-t:1&after=20`: status (200), header lines, body (`up`), trailers, and how many
//! milliseconds it takes. `never` answers nothing, `reset` closes the connection, `cut` does so after half of an
//! answer. `empty` is an answer without a body.

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// When.
    pub after_ms: u64,
    /// What.
    pub kind: Kind,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// An answer.
    Http {
        /// The status.
        status: u16,
        /// Header lines.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
        /// Trailers.
        trailers: Vec<(String, String)>,
    },
    /// Nothing, ever.
    Never,
    /// The connection is closed.
    Reset,
    /// Headers and half of a body, then the connection is closed.
    Cut,
}

impl Answer {
    /// The answer that a path asks for.
    #[must_use]
    pub fn to(path: &str) -> Self {
        let query = path.split_once('?').map_or("", |(_, query)| query);
        let (mut status, mut body, mut after_ms) = (200, b"up".to_vec(), 0);
        let (mut headers, mut trailers, mut other) = (Vec::new(), Vec::new(), None);
        for part in query.split('&') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match name {
                "status" => status = value.parse().unwrap_or(500),
                "body" => body = value.as_bytes().to_vec(),
                "size" => body = vec![b'b'; value.parse().unwrap_or_default()],
                "empty" => body.clear(),
                "h" => headers.extend(pair(value)),
                "t" => trailers.extend(pair(value)),
                "after" => after_ms = value.parse().unwrap_or_default(),
                "never" => other = Some(Kind::Never),
                "reset" => other = Some(Kind::Reset),
                "cut" => other = Some(Kind::Cut),
                _ => {}
            }
        }
        let kind = other.unwrap_or(Kind::Http { status, headers, body, trailers });
        Self { after_ms, kind }
    }
}

fn pair(text: &str) -> Option<(String, String)> {
    text.split_once(':').map(|(name, value)| (name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Answer, Kind};

    #[test]
    fn a_path_says_what_is_answered() {
        let answer = Answer::to("/a?status=404&h=x-a:1&h=x-a:2&body=no&t=x-t:1&after=20");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let kind = Kind::Http {
            status: 404,
            headers: vec![pair("x-a", "1"), pair("x-a", "2")],
            body: b"no".to_vec(),
            trailers: vec![pair("x-t", "1")],
        };
        assert_eq!(answer, Answer { after_ms: 20, kind });
        assert_eq!(Answer::to("/?never").kind, Kind::Never);
    }
}
