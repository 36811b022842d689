//! What a path may look like, row by row, and then by a generator of traversal spellings.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

/// Paths that are their own canonical form.
const UNCHANGED: &[&str] = &[
    "/",
    "/a",
    "/a/",
    "/a/b.c/d-e_f~g",
    "/...",
    "/.../a",
    "/.well-known/x",
    "/..a/b..",
    "/a.",
    "/.a/.b",
    "/Admin",
    "/0x2e0x2e/admin",
    "/v1/keys:destroy",
    "/user@example.com/a,b",
    "/!\"$&'()*+,-:<=>@[]^_`{|}~",
    "/a%20b",
    "/%25",
    "/100%25/x",
    "/%25%25",
    "/%25g0",
    "/%C3%A9",
    "/%E9t%E9",
    "/%C0",
    "/%FC",
    "/%C0/%AF",
    "/%E0%A0%80",
    "/%F0%90%80%80",
    "/package.Service/Method",
];

/// Paths that are spelled otherwise than their canonical form.
const RESPELLED: &[(&str, &str)] = &[
    ("/caf%c3%a9", "/caf%C3%A9"),
    ("/%C3%a9", "/%C3%A9"),
    ("/%c3%A9", "/%C3%A9"),
    ("/v1/keys%3Adestroy", "/v1/keys:destroy"),
    ("/v1/keys%3adestroy", "/v1/keys:destroy"),
    ("/me%40example.com", "/me@example.com"),
    ("/%21%22%24%26%27%28%29%2A%2B%2C%3C%3D%3E%5B%5D%5E%60%7B%7C%7D", "/!\"$&'()*+,<=>[]^`{|}"),
    ("/%20%3A%25%c3", "/%20:%25%C3"),
    ("/%3A/", "/:/"),
    ("/a?b", "/a"),
    ("/a?", "/a"),
    ("/a?x#y", "/a"),
    ("/a?/../b\\;%00 \u{e9}", "/a"),
    ("/?/", "/"),
    ("/a?b?c", "/a"),
];

/// Paths that are refused, each with its cause.
const REFUSED: &[(&str, PathRefusal)] = &[
    ("", PathRefusal::NoLeadingSlash),
    ("?x", PathRefusal::NoLeadingSlash),
    ("*", PathRefusal::NoLeadingSlash),
    ("a/b", PathRefusal::NoLeadingSlash),
    ("http://host/x", PathRefusal::NoLeadingSlash),
    ("host:443", PathRefusal::NoLeadingSlash),
    ("package.Service/Method", PathRefusal::NoLeadingSlash),
    ("\\a", PathRefusal::NoLeadingSlash),
    ("%2Fa", PathRefusal::NoLeadingSlash),
    ("/a b", PathRefusal::ControlOrSpace),
    ("/a\tb", PathRefusal::ControlOrSpace),
    ("/a\0", PathRefusal::ControlOrSpace),
    ("/a\r\n", PathRefusal::ControlOrSpace),
    ("/a\u{7f}", PathRefusal::ControlOrSpace),
    ("/caf\u{e9}", PathRefusal::NotAscii),
    ("/a#b", PathRefusal::Fragment),
    ("/a#b?c", PathRefusal::Fragment),
    ("/a\\b", PathRefusal::Backslash),
    ("/a;b=c/d", PathRefusal::Semicolon),
    ("/;/a", PathRefusal::Semicolon),
    ("/..;/a", PathRefusal::Semicolon),
    ("/%", PathRefusal::MalformedEscape),
    ("/%4", PathRefusal::MalformedEscape),
    ("/%g0", PathRefusal::MalformedEscape),
    ("/%0g", PathRefusal::MalformedEscape),
    ("/%%", PathRefusal::MalformedEscape),
    ("/%u002e", PathRefusal::MalformedEscape),
    ("/%+1", PathRefusal::MalformedEscape),
    ("/%2", PathRefusal::MalformedEscape),
    ("/%2?f", PathRefusal::MalformedEscape),
    ("/a%2Fb", PathRefusal::EncodedSlash),
    ("/a%2fb", PathRefusal::EncodedSlash),
    ("/a%5Cb", PathRefusal::EncodedBackslash),
    ("/a%5cb", PathRefusal::EncodedBackslash),
    ("/%2E", PathRefusal::EncodedDot),
    ("/a/.%2e/b", PathRefusal::EncodedDot),
    ("/a%3Bb", PathRefusal::EncodedSemicolon),
    ("/a%3bb", PathRefusal::EncodedSemicolon),
    ("/a%3Fb", PathRefusal::EncodedQuestionMark),
    ("/a%3fb", PathRefusal::EncodedQuestionMark),
    ("/a%23b", PathRefusal::EncodedHash),
    ("/admin%00", PathRefusal::EncodedControl),
    ("/a%0d%0a", PathRefusal::EncodedControl),
    ("/a%1F", PathRefusal::EncodedControl),
    ("/a%7f", PathRefusal::EncodedControl),
    ("/%252e%252e/admin", PathRefusal::DoubleEncoding),
    ("/%2561dmin/export.csv", PathRefusal::DoubleEncoding),
    ("/%2525", PathRefusal::DoubleEncoding),
    ("/%25%2525", PathRefusal::DoubleEncoding),
    ("/%41dmin", PathRefusal::EncodedUnreserved(b'A')),
    ("/%5A", PathRefusal::EncodedUnreserved(b'Z')),
    ("/%61", PathRefusal::EncodedUnreserved(b'a')),
    ("/%7a", PathRefusal::EncodedUnreserved(b'z')),
    ("/%30", PathRefusal::EncodedUnreserved(b'0')),
    ("/%39", PathRefusal::EncodedUnreserved(b'9')),
    ("/%2D", PathRefusal::EncodedUnreserved(b'-')),
    ("/%5F", PathRefusal::EncodedUnreserved(b'_')),
    ("/%7E", PathRefusal::EncodedUnreserved(b'~')),
    ("/%c0%af", PathRefusal::OverlongUtf8),
    ("/%c0%ae%c0%ae/admin", PathRefusal::OverlongUtf8),
    ("/%c1%9c", PathRefusal::OverlongUtf8),
    ("/%e0%80%af", PathRefusal::OverlongUtf8),
    ("/%e0%9f%bf", PathRefusal::OverlongUtf8),
    ("/%f0%80%80%af", PathRefusal::OverlongUtf8),
    ("/%f8%80%80%80%af", PathRefusal::OverlongUtf8),
    ("/%fc%80%80%80%80%af", PathRefusal::OverlongUtf8),
    ("//", PathRefusal::EmptySegment),
    ("//admin", PathRefusal::EmptySegment),
    ("/a//b", PathRefusal::EmptySegment),
    ("/a//", PathRefusal::EmptySegment),
    ("/.", PathRefusal::DotSegment),
    ("/..", PathRefusal::DotSegment),
    ("/./a", PathRefusal::DotSegment),
    ("/a/../b", PathRefusal::DotSegment),
    ("/a/..?b", PathRefusal::DotSegment),
    ("/a/./", PathRefusal::DotSegment),
];

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_canonical_path_is_given_back_without_a_copy() {
    for path in UNCHANGED {
        let text = canonical(path.as_bytes()).unwrap();
        assert_eq!(text, *path);
        assert!(matches!(text, Cow::Borrowed(_)), "{path} was copied");
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn another_spelling_becomes_the_canonical_one() {
    for (raw, expected) in RESPELLED {
        assert_eq!(canonical(raw.as_bytes()).as_deref(), Ok(*expected), "{raw}");
        assert_eq!(canonical(expected.as_bytes()).as_deref(), Ok(*expected), "{expected} again");
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_path_of_two_readings_is_refused_with_its_cause() {
    for (raw, cause) in REFUSED {
        assert_eq!(canonical(raw.as_bytes()), Err(*cause), "{raw}");
    }
}

#[test]
fn every_raw_byte_is_kept_or_has_its_cause() {
    for byte in 0..=u8::MAX {
        let raw = [b'/', b'a', byte, b'a'];
        let expected = match byte {
            0..=b' ' | 0x7f => Err(PathRefusal::ControlOrSpace),
            0x80.. => Err(PathRefusal::NotAscii),
            b'#' => Err(PathRefusal::Fragment),
            b'\\' => Err(PathRefusal::Backslash),
            b';' => Err(PathRefusal::Semicolon),
            b'%' => Err(PathRefusal::MalformedEscape),
            b'?' => Ok("/a".to_owned()),
            _ => Ok(String::from_utf8(raw.to_vec()).unwrap()),
        };
        assert_eq!(canonical(&raw).map(Cow::into_owned), expected, "{byte:#04x}");
    }
}

#[test]
fn every_escape_has_one_canonical_form_or_a_cause_in_both_cases_of_hex() {
    for byte in 0..=u8::MAX {
        let upper = format!("/a%{byte:02X}a");
        let lower = format!("/a%{byte:02x}a");
        let expected = match byte {
            0..=0x1f | 0x7f => Err(PathRefusal::EncodedControl),
            b'/' => Err(PathRefusal::EncodedSlash),
            b'\\' => Err(PathRefusal::EncodedBackslash),
            b'.' => Err(PathRefusal::EncodedDot),
            b';' => Err(PathRefusal::EncodedSemicolon),
            b'?' => Err(PathRefusal::EncodedQuestionMark),
            b'#' => Err(PathRefusal::EncodedHash),
            b' ' | b'%' | 0x80.. => Ok(upper.clone()),
            b'-' | b'_' | b'~' => Err(PathRefusal::EncodedUnreserved(byte)),
            _ if byte.is_ascii_alphanumeric() => Err(PathRefusal::EncodedUnreserved(byte)),
            _ => Ok(format!("/a{}a", char::from(byte))),
        };
        assert_eq!(canonical(upper.as_bytes()).map(Cow::into_owned), expected, "{upper}");
        assert_eq!(canonical(lower.as_bytes()).map(Cow::into_owned), expected, "{lower}");
    }
}

#[test]
fn the_limit_counts_the_path_and_not_the_query() {
    let longest = format!("/{}", "a".repeat(MAX_BYTES - 1));
    assert_eq!(canonical(longest.as_bytes()).as_deref(), Ok(longest.as_str()));
    assert_eq!(canonical(format!("{longest}?{longest}").as_bytes()).as_deref(), Ok(longest.as_str()));
    assert_eq!(canonical(format!("{longest}a").as_bytes()), Err(PathRefusal::TooLong));
}

#[test]
fn an_asterisk_is_a_path_of_options_alone() {
    assert_eq!(canonical_for(b"OPTIONS", b"*").as_deref(), Ok("*"));
    for (method, raw) in
        [("GET", "*"), ("options", "*"), ("", "*"), ("OPTIONS", "**"), ("OPTIONS", "*?a"), ("OPTIONS", "")]
    {
        let refused = canonical_for(method.as_bytes(), raw.as_bytes());
        assert_eq!(refused, Err(PathRefusal::NoLeadingSlash), "{method} {raw}");
    }
    assert_eq!(canonical_for(b"OPTIONS", b"/a%3a").as_deref(), Ok("/a:"));
    assert_eq!(canonical_for(b"GET", b"/*").as_deref(), Ok("/*"));
}

#[test]
fn envoys_url_path_ends_at_query_or_fragment() {
    let rows: [(&[u8], &[u8]); 8] = [
        (b"/a", b"/a"),
        (b"/a?b", b"/a"),
        (b"/a#b", b"/a"),
        (b"/a#b?c", b"/a"),
        (b"/a?b#c", b"/a"),
        (b"?", b""),
        (b"", b""),
        (b"/\xff%2F//..;x", b"/\xff%2F//..;x"),
    ];
    for (raw, expected) in rows {
        assert_eq!(without_query(raw), expected);
    }
}

#[test]
fn a_refusal_says_what_to_write_instead() {
    assert_eq!(PathRefusal::EncodedUnreserved(b'A').to_string(), "the path holds `%41`; write `A` instead");
    assert_eq!(PathRefusal::TooLong.to_string(), "the path is longer than 8192 bytes");
}
