//! Which headers a proxy may have merged into one.
//!
//! RFC 9110 §5.3 lets a recipient join repeated fields with a comma, and Envoy does so when it adds a value to a header that it
//! keeps in a slot of its own (its "inline" headers). For these names a comma is as good as a repetition: a reader that sees one
//! value cannot tell whether the caller sent two.

/// Lower-case names, sorted: credentials and routing facts that Envoy or a hop before it may join.
const MERGED: [&str; 21] = [
    "accept",
    "accept-encoding",
    "authentication",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-type",
    "expect",
    "forwarded",
    "grpc-timeout",
    "origin",
    "proxy-authorization",
    "te",
    "upgrade",
    "user-agent",
    "via",
    "x-forwarded-client-cert",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

/// Whether values of `name` (lower case) may have been joined with a comma on the way.
pub fn may_be_merged(name: &[u8]) -> bool {
    MERGED.binary_search_by(|known| known.as_bytes().cmp(name)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_so_that_it_can_be_searched() {
        assert!(MERGED.is_sorted());
        for name in MERGED {
            assert!(may_be_merged(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn an_application_header_is_not_on_it() {
        assert!(!may_be_merged(b"x-role") && !may_be_merged(b"") && !may_be_merged(b"Authorization"));
    }
}
