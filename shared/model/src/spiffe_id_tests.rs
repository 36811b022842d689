//! SPIFFE IDs: the standard's edges as data.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

/// (ID, trust domain, path).
const VALID: &[(&str, &str, &str)] = &[
    ("spiffe://trustdomain", "trustdomain", ""),
    ("spiffe://trustdomain/path", "trustdomain", "/path"),
    ("spiffe://trustdomain/path/element", "trustdomain", "/path/element"),
    ("spiffe://trustdomain/.path", "trustdomain", "/.path"),
    ("spiffe://trustdomain/..path", "trustdomain", "/..path"),
    ("spiffe://trustdomain/...", "trustdomain", "/..."),
    ("spiffe://trustdomain/path.", "trustdomain", "/path."),
    ("spiffe://trustdomain/Path/UPPER", "trustdomain", "/Path/UPPER"),
    ("spiffe://10.0.0.1/a", "10.0.0.1", "/a"),
    ("spiffe://a.b_c-d/e", "a.b_c-d", "/e"),
    ("spiffe://cluster.local/ns/shop/sa/web", "cluster.local", "/ns/shop/sa/web"),
];

const INVALID: &[(&str, SpiffeIdError)] = &[
    ("", SpiffeIdError::Scheme),
    ("s", SpiffeIdError::Scheme),
    ("spiffe", SpiffeIdError::Scheme),
    ("spiffe:/", SpiffeIdError::Scheme),
    ("spiffe:/trustdomain/path", SpiffeIdError::Scheme),
    ("spiffe:trustdomain", SpiffeIdError::Scheme),
    ("Spiffe://trustdomain", SpiffeIdError::Scheme),
    ("SPIFFE://trustdomain", SpiffeIdError::Scheme),
    ("https://trustdomain/path", SpiffeIdError::Scheme),
    (" spiffe://trustdomain", SpiffeIdError::Scheme),
    ("trustdomain/path", SpiffeIdError::Scheme),
    ("spiffe://", SpiffeIdError::TrustDomain),
    ("spiffe:///", SpiffeIdError::TrustDomain),
    ("spiffe:///path", SpiffeIdError::TrustDomain),
    ("spiffe://TrustDomain", SpiffeIdError::TrustDomain),
    ("spiffe://trust$domain", SpiffeIdError::TrustDomain),
    ("spiffe://%F0%9F%A4%AF/path", SpiffeIdError::TrustDomain),
    ("spiffe://%62%61%64/path", SpiffeIdError::TrustDomain),
    ("spiffe://user@trustdomain/path", SpiffeIdError::TrustDomain),
    ("spiffe://user:secret@trustdomain/path", SpiffeIdError::TrustDomain),
    ("spiffe://@trustdomain", SpiffeIdError::TrustDomain),
    ("spiffe://trustdomain:80/path", SpiffeIdError::TrustDomain),
    ("spiffe://trustdomain:", SpiffeIdError::TrustDomain),
    ("spiffe://[::1]/path", SpiffeIdError::TrustDomain),
    ("spiffe://trustdomain?query", SpiffeIdError::TrustDomain),
    ("spiffe://trustdomain?", SpiffeIdError::TrustDomain),
    ("spiffe://trustdomain#fragment", SpiffeIdError::TrustDomain),
    ("spiffe://trustdomain ", SpiffeIdError::TrustDomain),
    ("spiffe://trustdomain\0", SpiffeIdError::TrustDomain),
    ("spiffe://trustdomain\r\n", SpiffeIdError::TrustDomain),
    ("spiffe://trustdomain\\path", SpiffeIdError::TrustDomain),
    ("spiffe://trustdomain,spiffe://other", SpiffeIdError::TrustDomain),
    ("spiffe://trustdomain/", SpiffeIdError::Path),
    ("spiffe://trustdomain//", SpiffeIdError::Path),
    ("spiffe://trustdomain//path", SpiffeIdError::Path),
    ("spiffe://trustdomain/path/", SpiffeIdError::Path),
    ("spiffe://trustdomain/path//other", SpiffeIdError::Path),
    ("spiffe://trustdomain/.", SpiffeIdError::Path),
    ("spiffe://trustdomain/./path", SpiffeIdError::Path),
    ("spiffe://trustdomain/path/.", SpiffeIdError::Path),
    ("spiffe://trustdomain/path/./other", SpiffeIdError::Path),
    ("spiffe://trustdomain/..", SpiffeIdError::Path),
    ("spiffe://trustdomain/../path", SpiffeIdError::Path),
    ("spiffe://trustdomain/path/..", SpiffeIdError::Path),
    ("spiffe://trustdomain/path/../other", SpiffeIdError::Path),
    ("spiffe://trustdomain/%F0%9F%A4%AF", SpiffeIdError::Path),
    ("spiffe://trustdomain/%62%61%64", SpiffeIdError::Path),
    ("spiffe://trustdomain/path$", SpiffeIdError::Path),
    ("spiffe://trustdomain/path?query", SpiffeIdError::Path),
    ("spiffe://trustdomain/path#fragment", SpiffeIdError::Path),
    ("spiffe://trustdomain/path ", SpiffeIdError::Path),
    ("spiffe://trustdomain/path\0", SpiffeIdError::Path),
    ("spiffe://trustdomain/path\r\n", SpiffeIdError::Path),
    ("spiffe://trustdomain/path\t", SpiffeIdError::Path),
    ("spiffe://trustdomain/a:b", SpiffeIdError::Path),
    ("spiffe://trustdomain/a@b", SpiffeIdError::Path),
    ("spiffe://trustdomain/\u{e9}", SpiffeIdError::Path),
    ("spiffe://trustdomain/path,spiffe://other/path", SpiffeIdError::Path),
];

/// (path, namespace, service account).
const KUBERNETES: &[(&str, Option<&str>, Option<&str>)] = &[
    ("/ns/shop/sa/web", Some("shop"), Some("web")),
    ("/ns/sa/sa/ns", Some("sa"), Some("ns")),
    ("/ns/ns/sa/sa", Some("ns"), Some("sa")),
    ("/ns/a/dc/b/svc/c", Some("a"), None),
    ("/ns/dc/dc/svc/svc/dc", Some("dc"), None),
    ("", None, None),
    ("/ns", None, None),
    ("/ns/a", None, None),
    ("/ns/a/sa", None, None),
    ("/ns/a/sa/b/c", None, None),
    ("/ns/a/sa/b/sa/c", None, None),
    ("/ns/a/b/sa/c", None, None),
    ("/x/ns/a/sa/b", None, None),
    ("/ns/x/ns/a/sa/b", None, None),
    ("/sa/b/ns/a", None, None),
    ("/NS/a/sa/b", None, None),
    ("/ns/a/SA/b", None, None),
    ("/ns/a/xx/b", None, None),
    ("/xx/a/sa/b", None, None),
    ("/nsa/a/sa/b", None, None),
    ("/ns/a/dc/b/svc", None, None),
    ("/ns/a/dc/b", None, None),
    ("/ns/a/dc/b/svc/c/d", None, None),
    ("/ns/a/dc/b/sa/c", None, None),
    ("/ns/a/xx/b/svc/c", None, None),
    ("/xx/a/dc/b/svc/c", None, None),
    ("/ap/x/ns/a/dc/b/svc/c", None, None),
    ("/agent/client/dc/b/id/c", None, None),
];

fn parse(text: &str) -> Result<SpiffeId, SpiffeIdError> {
    SpiffeId::parse(text.as_bytes())
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_valid_id_is_kept_as_it_is_and_taken_apart() {
    for (text, trust_domain, path) in VALID {
        let id = parse(text).unwrap();
        assert_eq!((id.as_str(), id.trust_domain(), id.path()), (*text, *trust_domain, *path));
        assert_eq!(id.principal(), format!("{trust_domain}{path}"));
        assert_eq!((format!("{id}"), format!("{id:?}")), ((*text).to_owned(), (*text).to_owned()));
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn what_breaks_the_standard_is_refused_with_the_part_that_does() {
    for (text, error) in INVALID {
        assert_eq!(parse(text), Err(*error), "{text:?}");
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn namespace_and_service_account_come_from_the_whole_form_and_from_no_near_miss() {
    for (path, namespace, service_account) in KUBERNETES {
        let id = parse(&format!("spiffe://cluster.local{path}")).unwrap();
        assert_eq!((id.namespace(), id.service_account()), (*namespace, *service_account), "{path:?}");
    }
}

#[test]
fn an_empty_namespace_or_service_account_is_no_id_at_all() {
    for path in ["/ns//sa/b", "/ns/a/sa/", "/ns/a/sa//", "/ns/a//sa/b", "/ns//dc/b/svc/c"] {
        assert_eq!(parse(&format!("spiffe://cluster.local{path}")), Err(SpiffeIdError::Path), "{path}");
    }
}

/// Raw bytes 0 to 255, and code points 128 to 255 as UTF-8 writes them.
fn every_character() -> impl Iterator<Item = Vec<u8>> {
    let bytes = (0..=u8::MAX).map(|byte| vec![byte]);
    bytes.chain((0x80..=u8::MAX).map(|point| char::from(point).to_string().into_bytes()))
}

#[test]
fn every_byte_in_every_position_of_a_trust_domain_is_in_its_charset_or_refused() {
    let charset = b"abcdefghijklmnopqrstuvwxyz0123456789._-";
    for character in every_character() {
        for (before, after) in [("", ""), ("", "bc/p"), ("b", "c/p"), ("bc", "/p"), ("bc", "")] {
            if character == b"/" {
                continue;
            }
            let id = [b"spiffe://", before.as_bytes(), &character, after.as_bytes()].concat();
            let valid = character.iter().all(|byte| charset.contains(byte));
            let expected = if valid { None } else { Some(SpiffeIdError::TrustDomain) };
            assert_eq!(SpiffeId::parse(&id).err(), expected, "{}", id.escape_ascii());
        }
    }
}

#[test]
fn every_byte_in_every_position_of_a_segment_is_in_its_charset_or_refused() {
    let charset = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    for character in every_character() {
        for (before, after) in [("", "bc/p"), ("b", "c/p"), ("bc", "/p"), ("p/bc", "")] {
            let id = [b"spiffe://td/", before.as_bytes(), &character, after.as_bytes()].concat();
            let slash_inside =
                character == b"/" && !before.is_empty() && !after.is_empty() && !after.starts_with('/');
            let valid = slash_inside || character.iter().all(|byte| charset.contains(byte));
            let expected = if valid { None } else { Some(SpiffeIdError::Path) };
            assert_eq!(SpiffeId::parse(&id).err(), expected, "{}", id.escape_ascii());
        }
    }
}

#[test]
fn a_trust_domain_has_at_most_255_bytes() {
    for suffix in ["", "/path"] {
        let longest = parse(&format!("spiffe://{}{suffix}", "a".repeat(255))).unwrap();
        assert_eq!(longest.trust_domain().len(), 255);
        let over = format!("spiffe://{}{suffix}", "a".repeat(256));
        assert_eq!(parse(&over), Err(SpiffeIdError::TrustDomain));
    }
}

#[test]
fn an_id_has_at_most_2048_bytes() {
    let longest = format!("{:a<2048}", "spiffe://trustdomain/");
    assert_eq!(parse(&longest).unwrap().as_str().len(), 2048);
    assert_eq!(parse(&format!("{longest}a")), Err(SpiffeIdError::TooLong));
    assert_eq!(parse(&"\0".repeat(2049)), Err(SpiffeIdError::TooLong));
}

#[test]
fn an_error_says_what_is_allowed() {
    assert_eq!(SpiffeIdError::TooLong.to_string(), "longer than 2048 bytes");
    assert!(SpiffeIdError::TrustDomain.to_string().contains("1 to 255 characters"));
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use super::*;
    use proptest::prelude::*;

    fn sound() -> impl Strategy<Value = (String, Vec<String>)> {
        let segment = "[A-Za-z0-9_-][A-Za-z0-9._-]{0,9}|\\.{3,5}|\\.\\.?[A-Za-z0-9_-]";
        ("[a-z0-9._-]{1,20}", prop::collection::vec(segment, 0..7))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(5_000) })]

        #[test]
        fn whatever_is_built_by_the_grammar_is_taken_apart_again((trust_domain, segments) in sound()) {
            let path: String = segments.iter().map(|segment| format!("/{segment}")).collect();
            let id = parse(&format!("spiffe://{trust_domain}{path}")).unwrap();
            prop_assert_eq!(id.trust_domain(), trust_domain);
            prop_assert_eq!(id.path(), path);
        }

        #[test]
        fn whatever_is_read_follows_the_grammar(raw in "(spiffe://)?[a-zA-Z0-9./:@%?#,; _-]{0,30}") {
            if let Ok(id) = parse(&raw) {
                prop_assert_eq!(id.as_str(), raw.as_str());
                let rest = raw.strip_prefix("spiffe://").unwrap();
                let mut parts = rest.split('/');
                let trust_domain = parts.next().unwrap();
                prop_assert!(!trust_domain.is_empty());
                prop_assert!(!trust_domain.contains(|c: char| !matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-')));
                for segment in parts {
                    prop_assert!(!matches!(segment, "" | "." | ".."));
                    prop_assert!(!segment.contains(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_' | '-')));
                }
            }
        }

        #[test]
        fn any_bytes_get_an_answer(raw in prop::collection::vec(any::<u8>(), 0..40)) {
            let _plain = SpiffeId::parse(&raw);
            let _with_scheme = SpiffeId::parse(&[b"spiffe://", raw.as_slice()].concat());
        }
    }
}
