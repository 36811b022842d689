//! Spellings of traversal, generated, against an oracle that decodes whatever can be decoded.
#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]

use proptest::prelude::*;

use super::*;

const SEPARATORS: &[&str] = &[
    "/",
    "\\",
    "%2f",
    "%2F",
    "%5c",
    "%252f",
    "%255c",
    "%c0%af",
    "%c1%9c",
    "%e0%80%af",
    "%ef%bc%8f",
    "//",
    "/./",
    "/;/",
    "/%20/",
    "/%2e/",
];
const DOTS: &[&str] =
    &["..", "%2e%2e", ".%2e", "%2E.", "%252e%252e", "%c0%ae%c0%ae", "..;", "...", ".", "..%00", "%u002e"];
const SUFFIXES: &[&str] = &["", "?", "#", "%00", ";x", "%20", ".", "/", "%3f", "%23", "%09", "?/../x"];
const PREFIXES: &[&str] = &["/", "", "/public/", "/public", "//"];
const TARGETS: &[&str] = &["admin", "%61dmin", "%2561dmin", "keys%3adestroy"];

/// One decoding as the most lenient reader would do it: percent escapes, then overlong UTF-8; what does not decode stays.
fn decode_once(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let escaped = text
            .get(at..at + 3)
            .filter(|_| *byte == b'%')
            .and_then(|three| core::str::from_utf8(three.get(1..)?).ok())
            .filter(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    bytes
}

/// Replaces overlong spellings of ASCII by the ASCII.
fn shorten(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while let Some((first, tail)) = rest.split_first() {
        let zeros = match first {
            0xc0 | 0xc1 => 0,
            0xe0 => 1,
            0xf0 => 2,
            0xf8 => 3,
            0xfc => 4,
            _ => usize::MAX,
        };
        let continuation = tail.iter().take_while(|byte| (0x80..=0xbf).contains(*byte)).count();
        let high = if zeros == 0 {
            Some(first & 1)
        } else {
            tail.get(zeros.wrapping_sub(1)).map(|byte| byte & 0x3f)
        };
        let padded = zeros < 2 || tail.iter().take(zeros - 1).all(|byte| *byte == 0x80);
        match (high, tail.get(zeros)) {
            (Some(high @ 0..=1), Some(low)) if continuation > zeros && padded => {
                out.push((high << 6) | (low & 0x3f));
                rest = tail.get(zeros + 1..).unwrap();
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

/// The path as a service sees it that decodes until nothing changes, takes `\` for `/`, cuts parameters and resolves dots.
fn oracle(raw: &[u8]) -> Vec<u8> {
    let mut path = raw.split(|byte| *byte == b'?' || *byte == b'#').next().unwrap().to_vec();
    loop {
        let next = shorten(&decode_once(&path));
        if next == path {
            break;
        }
        path = next;
    }
    path.retain(|byte| *byte >= b' ');
    let mut segments: Vec<&[u8]> = Vec::new();
    let mut ends_in_directory = true;
    for segment in path.split(|byte| *byte == b'/' || *byte == b'\\') {
        let segment = segment.split(|byte| *byte == b';').next().unwrap();
        ends_in_directory = matches!(segment, b"" | b"." | b"..");
        match segment {
            b"" | b"." => {}
            b".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    let mut resolved = Vec::new();
    for segment in &segments {
        resolved.push(b'/');
        resolved.extend_from_slice(segment);
    }
    if ends_in_directory {
        resolved.push(b'/');
    }
    resolved
}

#[test]
fn the_oracle_sees_through_every_disguise_it_is_meant_to() {
    let rows: [(&[u8], &[u8]); 17] = [
        (b"/", b"/"),
        (b"/a/b", b"/a/b"),
        (b"/a/b/", b"/a/b/"),
        (b"/a/../b?x", b"/b"),
        (b"/../..//b/.#x", b"/b/"),
        (b"/a/b/..", b"/a/"),
        (b"/a/%2e%2e/b", b"/b"),
        (b"/a/%252e%25252e\\b", b"/b"),
        (b"/a%5c..;x=y/b", b"/b"),
        (b"/a/..%00/b", b"/b"),
        (b"/a/%c0%ae%c0%ae%c0%afb", b"/b"),
        (b"/a%c1%9c..%c1%9cb", b"/b"),
        (b"/a/..%e0%80%afb", b"/b"),
        (b"/a/..%f0%80%80%afb", b"/b"),
        (b"/a/..%f8%80%80%80%afb", b"/b"),
        (b"/a/..%fc%80%80%80%80%afb", b"/b"),
        (b"/%c3%a9/%e0%a0%80/%c0/%e0%81", b"/\xc3\xa9/\xe0\xa0\x80/\xc0/\xe0\x81"),
    ];
    for (raw, expected) in rows {
        assert_eq!(
            oracle(raw).escape_ascii().to_string(),
            expected.escape_ascii().to_string(),
            "{}",
            raw.escape_ascii()
        );
    }
}

/// What must hold of every path, accepted or not.
fn holds(raw: &[u8]) -> Result<(), String> {
    let Ok(path) = canonical(raw) else { return Ok(()) };
    if decode_once(path.as_bytes()) != oracle(raw) {
        return Err(format!(
            "{:?} passes as {path:?} and means {:?}",
            raw.escape_ascii(),
            oracle(raw).escape_ascii()
        ));
    }
    if canonical(path.as_bytes()) != Ok(Cow::Borrowed(path.as_ref())) {
        return Err(format!("{path:?} is not its own canonical form"));
    }
    Ok(())
}

#[test]
fn no_generated_traversal_passes_that_a_lenient_service_reads_otherwise() {
    let (mut tried, mut accepted) = (0_u32, 0_u32);
    for prefix in PREFIXES {
        for (separator, dots) in SEPARATORS.iter().flat_map(|one| DOTS.iter().map(move |two| (one, two))) {
            for depth in 1..=8 {
                let climb = format!("{dots}{separator}").repeat(depth);
                for (target, suffix) in
                    TARGETS.iter().flat_map(|one| SUFFIXES.iter().map(move |two| (one, two)))
                {
                    let raw = format!("{prefix}{climb}{target}{suffix}");
                    holds(raw.as_bytes()).unwrap();
                    tried += 1;
                    accepted += u32::from(canonical(raw.as_bytes()).is_ok());
                }
            }
        }
    }
    assert!(tried > 300_000, "{tried} spellings");
    assert!(accepted > 0 && accepted < tried / 20, "{accepted} of {tried} pass");
}

/// Istio's `pathNormalization`: what comes out of NONE, BASE, MERGE_SLASHES and DECODE_AND_MERGE_SLASHES.
const LEVELS: &[(&str, [&str; 4])] = &[
    ("/app#foo", ["/app"; 4]),
    ("/app/../admin", ["/app/../admin", "/admin", "/admin", "/admin"]),
    ("/app//", ["/app//", "/app//", "/app/", "/app/"]),
    ("/app/%2f", ["/app/%2f", "/app/%2f", "/app/%2f", "/app/"]),
    ("/xyz%30..//abc", ["/xyz%30..//abc", "/xyz0..//abc", "/xyz0../abc", "/xyz0../abc"]),
    ("/app/%2E./admin", ["/app/%2E./admin", "/admin", "/admin", "/admin"]),
    ("/app\\admin", ["/app\\admin", "/app/admin", "/app/admin", "/app/admin"]),
    ("/app/\\/\\/\\admin", ["/app/\\/\\/\\admin", "/app//////admin", "/app/admin", "/app/admin"]),
    (
        "/%2Fapp%5cadmin%5Cabc",
        ["/%2Fapp%5cadmin%5Cabc", "/%2Fapp%5cadmin%5Cabc", "/%2Fapp%5cadmin%5Cabc", "/app/admin/abc"],
    ),
    ("/app//../admin", ["/app//../admin", "/app/admin", "/app/admin", "/app/admin"]),
    ("/app//../../admin", ["/app//../../admin", "/admin", "/admin", "/admin"]),
    ("/.../admin", ["/.../admin"; 4]),
    ("/0x2e0x2e/admin", ["/0x2e0x2e/admin"; 4]),
    ("/Admin", ["/Admin"; 4]),
    ("/a%20b/%C3%A9/", ["/a%20b/%C3%A9/"; 4]),
];

#[test]
fn what_istios_normalization_would_change_at_any_level_is_refused() {
    for (raw, levels) in LEVELS {
        let unchanged = levels.iter().all(|level| level == raw);
        assert_eq!(canonical(raw.as_bytes()).as_deref().ok(), unchanged.then_some(*raw), "{raw}");
    }
}

#[test]
fn what_istio_leaves_alone_and_a_service_might_not_is_refused() {
    for raw in
        ["/%252e%252e/admin", "/%c0%ae%c0%ae/admin", "/..;/admin", "/;/admin", "/admin;a=b", "/admin%00"]
    {
        assert!(canonical(raw.as_bytes()).is_err(), "{raw}");
    }
}

/// Text that is dense in what matters to a path.
fn spicy() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => prop::sample::select(&b"/.%;\\#?2eEfF5cC03abAZ:@ \x00\xc3\xa9"[..]).prop_map(|byte| vec![byte]),
        3 => any::<u8>().prop_map(|byte| format!("%{byte:02x}").into_bytes()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| [b"/".to_vec(), pieces.concat()].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]

    #[test]
    fn whatever_passes_has_one_reading(raw in spicy()) {
        prop_assert_eq!(holds(&raw), Ok(()));
    }

    #[test]
    fn two_spellings_of_the_same_bytes_have_one_form(raw in spicy(), flips in prop::collection::vec(any::<bool>(), 64)) {
        let one = before(&raw, |byte| byte == b'?');
        // The same bytes otherwise: hex digits in the other case, reserved bytes escaped, here and there.
        let (mut two, mut digits) = (Vec::new(), 0_u8);
        for (byte, flip) in one.iter().copied().zip(flips.iter().copied().cycle()) {
            let inside = digits > 0;
            digits = if byte == b'%' { 2 } else { digits.saturating_sub(1) };
            match byte {
                _ if flip && inside && byte.is_ascii_lowercase() => two.push(byte.to_ascii_uppercase()),
                _ if flip && inside => two.push(byte.to_ascii_lowercase()),
                b':' | b'@' | b'!' if flip => two.extend_from_slice(format!("%{byte:02x}").as_bytes()),
                _ => two.push(byte),
            }
        }
        if canonical(one).is_ok() {
            prop_assert_eq!(canonical(one), canonical(&two));
        }
    }

    #[test]
    fn any_bytes_get_an_answer(raw in prop::collection::vec(any::<u8>(), 0..64)) {
        prop_assert_eq!(holds(&raw), Ok(()));
    }
}
