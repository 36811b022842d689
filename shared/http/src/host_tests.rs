//! What a host may look like, row by row.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

const READ: &[(&str, &str, Option<u16>)] = &[
    ("a", "a", None),
    ("secret.com", "secret.com", None),
    ("Secret.COM", "secret.com", None),
    ("secret.com.", "secret.com", None),
    ("Secret.com.:443", "secret.com", Some(443)),
    ("httpbin.foo:80", "httpbin.foo", Some(80)),
    ("a:1", "a", Some(1)),
    ("a:65535", "a", Some(65535)),
    ("outbound_.80_._.svc", "outbound_.80_._.svc", None),
    ("xn--bcher-kva.example", "xn--bcher-kva.example", None),
    ("-a-.b", "-a-.b", None),
    ("0-9.z", "0-9.z", None),
    ("AZ.az", "az.az", None),
    ("10.0.0.1:8080", "10.0.0.1", Some(8080)),
    ("127.1", "127.1", None),
    ("[::1]", "[::1]", None),
    ("[::1]:8080", "[::1]", Some(8080)),
    ("[0:0:0:0:0:0:0:1]", "[::1]", None),
    ("[FE80::1]", "[fe80::1]", None),
    ("[::ffff:10.0.0.1]", "[::ffff:10.0.0.1]", None),
];

const REFUSED: &[(&str, HostRefusal)] = &[
    ("", HostRefusal::Empty),
    (".", HostRefusal::Empty),
    (":80", HostRefusal::Empty),
    (".:80", HostRefusal::Empty),
    ("::1", HostRefusal::Empty),
    ("fe80::1", HostRefusal::Port),
    ("caf\u{e9}.com", HostRefusal::NotAscii),
    ("a b", HostRefusal::ControlOrSpace),
    (" a", HostRefusal::ControlOrSpace),
    ("a\t", HostRefusal::ControlOrSpace),
    ("a\0b", HostRefusal::ControlOrSpace),
    ("a\r\nb", HostRefusal::ControlOrSpace),
    ("a\u{7f}", HostRefusal::ControlOrSpace),
    ("user@a", HostRefusal::UserInfo),
    ("@a", HostRefusal::UserInfo),
    ("user:1@a", HostRefusal::Port),
    ("a%2eb", HostRefusal::Percent),
    ("[fe80::1%eth0]", HostRefusal::Percent),
    ("fe80::1%eth0", HostRefusal::Port),
    ("a/b", HostRefusal::Character(b'/')),
    ("a,b", HostRefusal::Character(b',')),
    ("a\\b", HostRefusal::Character(b'\\')),
    ("a?b", HostRefusal::Character(b'?')),
    ("a#b", HostRefusal::Character(b'#')),
    ("*.a", HostRefusal::Character(b'*')),
    ("a[::1]", HostRefusal::Character(b'[')),
    ("http://a", HostRefusal::Port),
    ("a..", HostRefusal::EmptyLabel),
    ("a..:80", HostRefusal::EmptyLabel),
    ("..", HostRefusal::EmptyLabel),
    ("a..b", HostRefusal::EmptyLabel),
    (".a", HostRefusal::EmptyLabel),
    ("[", HostRefusal::Address),
    ("[]", HostRefusal::Address),
    ("[a]", HostRefusal::Address),
    ("[::1", HostRefusal::Address),
    ("[10.0.0.1]", HostRefusal::Address),
    ("[[::1]]", HostRefusal::Address),
    ("[::1]]", HostRefusal::Port),
    ("[::1]a", HostRefusal::Port),
    ("[::1].", HostRefusal::Port),
    ("[::1]:", HostRefusal::Port),
    ("a:", HostRefusal::Port),
    ("a:0", HostRefusal::Port),
    ("a:080", HostRefusal::Port),
    ("a:65536", HostRefusal::Port),
    ("a:99999999999999999999", HostRefusal::Port),
    ("a:+80", HostRefusal::Port),
    ("a:-1", HostRefusal::Port),
    ("a:80 ", HostRefusal::Port),
    ("a:80.", HostRefusal::Port),
    ("a:80:80", HostRefusal::Port),
    ("a:\u{661}", HostRefusal::Port),
];

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_host_is_read_in_its_canonical_form() {
    for (raw, name, port) in READ {
        let host = canonical(raw.as_bytes()).unwrap();
        assert_eq!((host.name.as_ref(), host.port), (*name, *port), "{raw}");
        assert_eq!(canonical(name.as_bytes()).unwrap().name, *name, "{name} again");
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_host_of_two_readings_is_refused_with_its_cause() {
    for (raw, cause) in REFUSED {
        assert_eq!(canonical(raw.as_bytes()), Err(*cause), "{raw}");
    }
}

#[test]
fn every_byte_is_part_of_a_name_or_has_its_cause() {
    for byte in 0..=u8::MAX {
        let raw = [b'a', byte, b'a'];
        let expected = match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'A'..=b'Z' => {
                Ok(String::from_utf8(raw.to_ascii_lowercase()).unwrap())
            }
            b':' => Err(HostRefusal::Port),
            b'@' => Err(HostRefusal::UserInfo),
            b'%' => Err(HostRefusal::Percent),
            0..=b' ' | 0x7f => Err(HostRefusal::ControlOrSpace),
            0x80.. => Err(HostRefusal::NotAscii),
            _ => Err(HostRefusal::Character(byte)),
        };
        assert_eq!(canonical(&raw).map(|host| host.name.into_owned()), expected, "{byte:#04x}");
    }
}

#[test]
fn a_host_in_lower_case_is_given_back_without_a_copy() {
    for raw in ["secret.com", "secret.com.", "secret.com:80"] {
        assert!(matches!(canonical(raw.as_bytes()).unwrap().name, Cow::Borrowed("secret.com")), "{raw}");
    }
}

#[test]
fn the_limit_counts_the_whole_authority() {
    let longest = format!("{}:80", "a".repeat(MAX_BYTES - 3));
    assert!(canonical(longest.as_bytes()).is_ok());
    assert_eq!(canonical(format!("{longest}8").as_bytes()), Err(HostRefusal::TooLong));
    assert_eq!(canonical("a".repeat(MAX_BYTES).as_bytes()).unwrap().name.len(), MAX_BYTES);
    assert_eq!(canonical("a".repeat(MAX_BYTES + 1).as_bytes()), Err(HostRefusal::TooLong));
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use super::super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(5_000) })]

        #[test]
        fn what_is_read_is_its_own_canonical_form(raw in "(\\[[0-9a-fA-F:.%]{0,12}\\]|[a-zA-Z0-9._@%-]{0,12})(:[0-9a]{0,6})?") {
            if let Ok(host) = canonical(raw.as_bytes()) {
                let again = canonical(host.name.as_bytes());
                prop_assert_eq!(again, Ok(Host { name: host.name.clone(), port: None }));
                prop_assert!(!host.name.ends_with('.') && !host.name.bytes().any(|byte| byte.is_ascii_uppercase()));
            }
        }

        #[test]
        fn any_bytes_get_an_answer(raw in prop::collection::vec(any::<u8>(), 0..64)) {
            let _answer = canonical(&raw);
        }
    }
}
