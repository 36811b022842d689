//! What is asked for, as people write it: a URL, or only a path. Nothing of it is decoded or tidied: the policy decides by what
//! would arrive.

use crate::failure::Failure;

const DEFAULT_HOST: &str = "localhost";
const HELP: &str = "write `http://orders.shop:8080/v1/orders/7`, or only the path: `/v1/orders/7`";

/// Host, port and path of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The `:authority`, with its port where one was written.
    pub(crate) authority: String,
    /// The port that is called.
    pub(crate) port: u16,
    /// Path and query, as they were written.
    pub(crate) path: String,
}

/// Reads a URL or a path. A path goes to `localhost` unless a `host` header says otherwise.
///
/// # Errors
/// [`Failure::Usage`] for what is neither.
pub(crate) fn parse(text: &str) -> Result<Target, Failure> {
    if text.starts_with('/') || text == "*" {
        return Ok(Target { authority: DEFAULT_HOST.to_owned(), port: 80, path: text.to_owned() });
    }
    let wrong = |what: &str| Failure::usage(format!("`{text}` is no URL: {what}"), HELP);
    let (default_port, rest) = match text.split_once("://") {
        Some(("http" | "grpc", rest)) => (80, rest),
        Some(("https" | "grpcs", rest)) => (443, rest),
        Some((scheme, _)) => return Err(wrong(&format!("scheme `{scheme}`, expected `http` or `https`"))),
        None => return Err(wrong("it has no scheme and is no path")),
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    if authority.is_empty() {
        return Err(wrong("it has no host"));
    }
    let port = match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && !port.contains(']') && !host.is_empty() => {
            port.parse().map_err(|_| wrong(&format!("`{port}` is no port")))?
        }
        Some(_) | None => default_port,
    };
    let path = match path.as_bytes().first() {
        None => "/".to_owned(),
        Some(b'?') => format!("/{path}"),
        Some(_) => path.to_owned(),
    };
    Ok(Target { authority: authority.to_owned(), port, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<(String, u16, String)> {
        parse(text).ok().map(|target| (target.authority, target.port, target.path))
    }

    fn expected(authority: &str, port: u16, path: &str) -> Option<(String, u16, String)> {
        Some((authority.to_owned(), port, path.to_owned()))
    }

    #[test]
    fn a_url_is_taken_apart_and_nothing_in_it_is_decoded() {
        assert_eq!(
            parsed("http://orders.shop:8080/v1/%2e%2e//x?q=/#f"),
            expected("orders.shop:8080", 8080, "/v1/%2e%2e//x?q=/#f")
        );
        assert_eq!(parsed("https://orders.shop"), expected("orders.shop", 443, "/"));
        assert_eq!(parsed("http://orders.shop?q=1"), expected("orders.shop", 80, "/?q=1"));
        assert_eq!(parsed("http://[::1]/a"), expected("[::1]", 80, "/a"));
        assert_eq!(parsed("http://[::1]:81/a"), expected("[::1]:81", 81, "/a"));
    }

    #[test]
    fn a_path_alone_goes_to_localhost() {
        assert_eq!(parsed("/a/b"), expected("localhost", 80, "/a/b"));
    }

    #[test]
    fn what_is_neither_is_a_mistake() {
        for wrong in ["", "orders", "ftp://a/b", "http:///a", "http://a:x/"] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }
}
