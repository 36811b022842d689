//! What of a request may be written down: an allow-list. What is not on it has a stand-in, or is left out.
//!
//! A caller chooses its path, host, method and request ID, and any of them may hold a secret: a password-reset link has one in its
//! path. So a path is written with the words that the configuration itself names and with `{*}` for every other segment:
//! `/v1/orders/{*}`, which can be copied into a policy as it stands. The whole path is in the access log, which is the operator's, under
//! the same request ID. Query, fragment, headers, cookies, bodies and claims have no field in an event at all.

use core::net::Ipv6Addr;
use std::collections::BTreeSet;

use crate::text::printable;

/// The most segments of a path that are written; the rest is `{**}`.
const MAX_SEGMENTS: usize = 24;
/// The longest path that is written where whole paths are.
const MAX_PATH: usize = 256;
/// The longest request ID that is written: a UUID's length.
const MAX_ID: usize = 36;

/// The methods that OCSF knows, in the order of their numbers, from 1.
const METHODS: [&str; 9] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE", "PATCH"];

/// What of a request may be written down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    whole_paths: bool,
    words: BTreeSet<String>,
    hosts: BTreeSet<String>,
}

impl Shown {
    /// Nothing but shapes.
    pub const NOTHING: Self = Self { whole_paths: false, words: BTreeSet::new(), hosts: BTreeSet::new() };

    /// Whole paths, without query and fragment, whatever stands in them.
    #[must_use]
    pub fn with_whole_paths(mut self, whole: bool) -> Self {
        self.whole_paths = whole;
        self
    }

    /// The segments of a path or a path template that are neither operators nor patterns may be written.
    pub fn add_path(&mut self, template: &str) {
        self.words.extend(words(template).map(str::to_owned));
    }

    /// This host may be written; a pattern is none, and with a port none is.
    pub fn add_host(&mut self, host: &str) {
        if is_host(host) {
            self.hosts.insert(host.to_ascii_lowercase());
        }
    }

    /// A path as it is written down; `None` where there is none.
    pub(crate) fn path(&self, path: &[u8]) -> Option<String> {
        if path.is_empty() {
            return None;
        }
        if self.whole_paths {
            return Some(printable(path, MAX_PATH));
        }
        let mut shown = String::new();
        let segments = path.strip_prefix(b"/").unwrap_or(path);
        for (at, segment) in segments.split(|byte| *byte == b'/').enumerate() {
            shown.push('/');
            if at >= MAX_SEGMENTS {
                shown.push_str("{**}");
                break;
            }
            let word = core::str::from_utf8(segment).ok().filter(|word| self.words.contains(*word));
            shown.push_str(match word {
                Some(word) => word,
                None if segment.is_empty() => "",
                None => "{*}",
            });
        }
        Some(shown)
    }

    /// A host as it is written down: without its port, if the configuration names it.
    pub(crate) fn host(&self, authority: &[u8]) -> Option<&str> {
        let text = core::str::from_utf8(authority).ok()?;
        let host = match text.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            Some(_) | None => text,
        };
        self.hosts.get(&host.to_ascii_lowercase()).map(String::as_str)
    }
}

/// The segments of a path or a path template that are neither operators nor patterns.
pub fn words(template: &str) -> impl Iterator<Item = &str> {
    template.split('/').filter(|word| !word.is_empty() && !word.contains(['{', '}', '*', '?', '#']))
}

/// Whether this can be written where paths are that events show.
pub fn is_path(path: &str) -> bool {
    path.starts_with('/') && !path.contains(['?', '#'])
}

/// Whether this can be written where hosts are that events show: a whole name or address, without port.
pub fn is_host(host: &str) -> bool {
    match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
        None => {
            let is_name = |byte: u8| byte.is_ascii_graphic() && !b"*/?#@:[]{}\\".contains(&byte);
            !host.is_empty() && host.bytes().all(is_name)
        }
    }
}

/// A method, with OCSF's `activity_id` of it; any other than the nine that OCSF knows is not written.
pub(crate) fn method(method: &[u8]) -> (Option<&'static str>, u32) {
    const UNKNOWN: u32 = 0;
    const OTHER: u32 = 99;
    match (1..).zip(METHODS).find(|(_, known)| known.as_bytes() == method) {
        Some((number, known)) => (Some(known), number),
        None if method.is_empty() => (None, UNKNOWN),
        None => (None, OTHER),
    }
}

/// A request ID, if it has an ID's shape: up to 36 hexadecimal digits and hyphens. Empty where it has not.
pub(crate) fn request_id(id: &[u8]) -> &str {
    let is_id = id.len() <= MAX_ID && id.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-');
    if is_id { core::str::from_utf8(id).unwrap_or_default() } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown() -> Shown {
        let mut shown = Shown::default();
        for path in ["/v1/orders/{id}", "/files/*", "/{**}/report.pdf", "*.html"] {
            shown.add_path(path);
        }
        shown.add_host("Orders.Shop");
        shown.add_host("*.example");
        shown
    }

    #[test]
    fn a_path_is_written_in_the_words_of_the_configuration() {
        let shown = shown();
        for (path, expected) in [
            ("/v1/orders/7", "/v1/orders/{*}"),
            ("/v1/orders/7/report.pdf", "/v1/orders/{*}/report.pdf"),
            ("/files/secret", "/files/{*}"),
            ("/V1/orders", "/{*}/orders"),
            ("/v1/orders;jsessionid=secret", "/v1/{*}"),
            ("/", "/"),
            ("//v1/", "//v1/"),
            ("/*", "/{*}"),
            ("/{id}", "/{*}"),
            ("v1", "/v1"),
        ] {
            assert_eq!(shown.path(path.as_bytes()).as_deref(), Some(expected), "{path}");
        }
        assert_eq!(shown.path(b""), None);
        assert_eq!(shown.path(b"/\xff/v1").as_deref(), Some("/{*}/v1"));
        let long = shown.path("/x".repeat(1000).as_bytes()).unwrap_or_default();
        assert!(long.ends_with("/{*}/{**}") && long.len() < 120, "{long}");
    }

    #[test]
    fn a_whole_path_is_written_where_that_is_asked_for() {
        let shown = Shown::default().with_whole_paths(true);
        assert_eq!(shown.path(b"/any/thing\n").as_deref(), Some("/any/thing\u{fffd}"));
    }

    #[test]
    fn a_host_is_written_only_if_the_configuration_names_it() {
        let shown = shown();
        assert_eq!(shown.host(b"ORDERS.shop:8080"), Some("orders.shop"));
        assert_eq!(shown.host(b"orders.shop"), Some("orders.shop"));
        for other in ["a.example", "*.example", "secret.shop", "orders.shop:x", "", "\u{e9}"] {
            assert_eq!(shown.host(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn a_host_is_a_whole_name_or_address_without_port() {
        for host in ["orders.shop", "orders", "10.0.0.1", "[::1]", "a_b.shop"] {
            assert!(is_host(host), "{host}");
        }
        for other in [
            "", "[", "[]", "[::1", "[::1]:80", "[a]", "::1", "a:80", "a b", " ", "a/b", "*.a", "{a}", "a\n",
            "\u{e9}",
        ] {
            assert!(!is_host(other), "{other}");
        }
    }

    #[test]
    fn every_method_of_ocsf_has_its_number_and_no_other_is_written() {
        for (number, name) in (1..).zip(METHODS) {
            assert_eq!(method(name.as_bytes()), (Some(name), number));
        }
        assert_eq!((method(b""), method(b"get"), method(b"SECRET")), ((None, 0), (None, 99), (None, 99)));
    }

    #[test]
    fn a_request_id_is_written_only_in_the_shape_of_one() {
        let uuid = "9ee7ff66-1a7f-41be-9c7c-40adf26298de";
        assert_eq!(request_id(uuid.as_bytes()), uuid);
        let longer = format!("{uuid}0");
        for other in ["secret", "9ee7ff66 ", "{}", "\n", longer.as_str()] {
            assert_eq!(request_id(other.as_bytes()), "", "{other}");
        }
    }
}
