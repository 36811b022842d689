//! `:path`. The bytes up to the first line feed are a path; what comes after it, if anything, is a template.
//!
//! The rules are told a second time, over the decoded bytes of each segment, and slowly; templates are matched a second time by
//! trying everything.

use std::borrow::Cow;

use meshward_http::path::{MAX_BYTES, canonical, canonical_for, without_query};
use meshward_http::template::Template;

/// Holds one input to the properties.
pub fn body(bytes: &[u8]) {
    let (path, template) =
        match bytes.iter().position(|byte| *byte == b'\n').and_then(|at| bytes.split_at_checked(at)) {
            Some((path, rest)) => (path, core::str::from_utf8(rest.get(1..).unwrap_or_default()).ok()),
            None => (bytes, None),
        };
    is_read_in_one_way(path);
    if let Some(template) = template {
        matches_as_it_says(template, path);
    }
}

/// What a path says without its query.
fn before_query(raw: &[u8]) -> &[u8] {
    raw.split(|byte| *byte == b'?').next().unwrap_or_default()
}

fn is_read_in_one_way(raw: &[u8]) {
    let read = canonical(raw);
    assert_eq!(
        read.is_ok(),
        may_be_read(before_query(raw)),
        "accepted and expected differ: {}",
        raw.escape_ascii()
    );
    assert_eq!(canonical(before_query(raw)), read, "the query has a say: {}", raw.escape_ascii());
    assert_eq!(canonical_for(b"GET", raw), read);
    let shown = without_query(raw);
    assert!(raw.starts_with(shown) && !shown.contains(&b'?') && !shown.contains(&b'#'));
    let Ok(form) = read else { return };
    assert_eq!(canonical(form.as_bytes()), Ok(Cow::Borrowed(&*form)), "not its own canonical form");
    assert!(
        matches!(canonical(form.as_bytes()), Ok(Cow::Borrowed(_))),
        "a canonical form is written anew: {form}"
    );
    let meant = decoded(before_query(raw));
    assert_eq!(decoded(form.as_bytes()), meant, "another path: {form}");
    assert_eq!(decoded(&meant), meant, "two decodings differ: {form}");
    hides_nothing(&form, &meant);
    for seed in 0..4 {
        if let Ok(other) = canonical(&respelt(&meant, seed)) {
            assert_eq!(other, form, "two forms of one path");
        }
    }
}

/// Nothing in an accepted path is read in another way by a reader that decodes, once or twice, early or late.
fn hides_nothing(form: &str, meant: &[u8]) {
    assert!(
        form.starts_with('/') && form.len() <= MAX_BYTES && form.bytes().all(|byte| byte.is_ascii_graphic())
    );
    let lower = form.to_ascii_lowercase();
    for hidden in ["//", "/./", "/../", "%2e", "%2f", "%5c", "%3b", "%3f", "%23", "%00", "\\", ";", "#", "?"]
    {
        assert!(!lower.contains(hidden), "{form} holds {hidden}");
    }
    assert!(!lower.ends_with("/.") && !lower.ends_with("/.."), "{form}");
    let slashes = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'/').count();
    assert_eq!(slashes(meant), slashes(form.as_bytes()), "a slash appears or goes by decoding {form}");
    assert!(!meant.iter().any(u8::is_ascii_control), "{form}");
    assert!(!has_overlong(meant), "{form}");
}

/// Whether a path (without query) may be read, by the rules as README and the page of `MW0407` tell them.
fn may_be_read(path: &[u8]) -> bool {
    let Some(body) = path.strip_prefix(b"/") else { return false };
    if path.len() > MAX_BYTES || !path.iter().all(|byte| byte.is_ascii_graphic() && !b"#\\;".contains(byte)) {
        return false;
    }
    let Some(meant) = strictly_decoded(path) else { return false };
    let segments: Vec<&[u8]> = body.split(|byte| *byte == b'/').collect();
    let empty_only_at_the_end = segments.iter().rev().skip(1).all(|segment| !segment.is_empty());
    let no_dots = segments.iter().all(|segment| *segment != b"." && *segment != b"..");
    empty_only_at_the_end && no_dots && !has_overlong(&meant)
}

/// Decodes; `None` for an escape that must not stand in a path.
fn strictly_decoded(path: &[u8]) -> Option<Vec<u8>> {
    let mut meant = Vec::new();
    let mut at = 0_usize;
    while let Some(byte) = path.get(at) {
        if *byte != b'%' {
            meant.push(*byte);
            at = at.checked_add(1)?;
            continue;
        }
        let value = escape(path, at)?;
        let after = at.checked_add(3)?;
        let twice = value == b'%' && {
            let digits = path.get(after..after.checked_add(2)?);
            digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        };
        let plain = value.is_ascii_alphanumeric() || b"-_~./\\;?#".contains(&value);
        if twice || plain || value.is_ascii_control() {
            return None;
        }
        meant.push(value);
        at = after;
    }
    Some(meant)
}

/// The byte that an escape at `at` stands for.
fn escape(path: &[u8], at: usize) -> Option<u8> {
    let digits = path.get(at.checked_add(1)?..at.checked_add(3)?)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()
}

/// Decodes every escape that is one, as a lenient reader does.
fn decoded(path: &[u8]) -> Vec<u8> {
    let mut meant = Vec::new();
    let mut at = 0_usize;
    while let Some(byte) = path.get(at) {
        match escape(path, at).filter(|_| *byte == b'%') {
            Some(value) => {
                meant.push(value);
                at = at.saturating_add(3);
            }
            None => {
                meant.push(*byte);
                at = at.saturating_add(1);
            }
        }
    }
    meant
}

/// Whether some lead byte and its continuations, as lenient readers take them, spell a character in more bytes than it needs.
fn has_overlong(bytes: &[u8]) -> bool {
    (0..bytes.len()).any(|at| {
        let rest = bytes.get(at..).unwrap_or_default();
        let (count, mask, least) = match rest.first() {
            Some(0xc0..=0xdf) => (1, 0x1f, 0x80),
            Some(0xe0..=0xef) => (2, 0x0f, 0x800),
            Some(0xf0..=0xf7) => (3, 0x07, 0x1_0000),
            Some(0xf8..=0xfb) => (4, 0x03, 0x20_0000),
            Some(0xfc..=0xfd) => (5, 0x01, 0x400_0000),
            Some(_) | None => return false,
        };
        // What comes first decides: the lowest character that could still follow is in question.
        let mut value = u32::from(rest.first().copied().unwrap_or_default() & mask);
        let Some(next) = rest.get(1).filter(|next| **next & 0xc0 == 0x80) else { return false };
        value = (value << 6) | u32::from(*next & 0x3f);
        let highest = (1..count).fold(value, |value, _| (value << 6) | 0x3f);
        highest < least
    })
}

/// Another spelling of decoded bytes: some stay as they are, some become escapes, in either letter case.
fn respelt(meant: &[u8], seed: u64) -> Vec<u8> {
    let mut spelt = Vec::new();
    for (at, byte) in (0_u64..).zip(meant) {
        let chance = crate::vary::mixed(seed.wrapping_mul(0x1_0001).wrapping_add(at));
        if *byte == b'/' || (chance.is_multiple_of(3) && byte.is_ascii_graphic()) {
            spelt.push(*byte);
        } else if chance.is_multiple_of(2) {
            spelt.extend(format!("%{byte:02x}").into_bytes());
        } else {
            spelt.extend(format!("%{byte:02X}").into_bytes());
        }
    }
    spelt
}

fn matches_as_it_says(template: &str, path: &[u8]) {
    for strict in [false, true] {
        match Template::new(template, strict) {
            Ok(compiled) => {
                let parts = parts(template);
                let canonical = canonical(path).ok();
                let paths = [Some(path), canonical.as_deref().map(str::as_bytes)];
                for path in paths.into_iter().flatten() {
                    let expected = fits(&parts, path, strict);
                    assert_eq!(
                        compiled.matches(path),
                        expected,
                        "{template} on {}, strict: {strict}",
                        path.escape_ascii()
                    );
                }
                assert!(Template::new(template, !strict).is_ok(), "only one dialect takes {template}");
            }
            Err((message, help)) => assert!(!message.is_empty() && !help.is_empty()),
        }
    }
}

/// A part of a template.
enum Part {
    Byte(u8),
    Segment,
    Rest,
}

fn parts(template: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some(first) = rest.bytes().next() {
        if let Some(after) = rest.strip_prefix("{**}") {
            parts.push(Part::Rest);
            rest = after;
        } else if let Some(after) = rest.strip_prefix("{*}") {
            parts.push(Part::Segment);
            rest = after;
        } else {
            parts.push(Part::Byte(first));
            rest = rest.get(1..).unwrap_or_default();
        }
    }
    parts
}

/// Whether some way of cutting the path fits the parts: which suffixes are left after each part.
fn fits(parts: &[Part], path: &[u8], strict: bool) -> bool {
    let may = |byte: u8| strict || byte.is_ascii_alphanumeric() || b"-._~%!$&'()+,;:@=*".contains(&byte);
    let mut left = vec![path];
    for part in parts {
        let mut next = Vec::new();
        for rest in left {
            match part {
                Part::Byte(byte) => next.extend(rest.strip_prefix(&[*byte])),
                Part::Segment => {
                    next.extend(suffixes(rest, |byte| byte != b'/' && may(byte)).into_iter().skip(1))
                }
                Part::Rest => next.extend(suffixes(rest, |byte| byte == b'/' || may(byte))),
            }
        }
        next.sort_by_key(|rest| rest.len());
        next.dedup_by_key(|rest| rest.len());
        left = next;
    }
    left.iter().any(|rest| rest.is_empty())
}

/// What may be left after taking none, one, two … bytes that `may` be taken.
fn suffixes(bytes: &[u8], may: impl Fn(u8) -> bool) -> Vec<&[u8]> {
    let most = bytes.iter().take_while(|byte| may(**byte)).count();
    (0..=most).filter_map(|taken| bytes.get(taken..)).collect()
}
