//! The subject-alternative-name extension, written by hand so that a name may hold any bytes.
//!
//! RFC 5280, section 4.2.1.6: a sequence of context-tagged names; 6 is a URI, 2 a DNS name, both IA5 strings. No check is
//! made that the bytes are IA5: presenting such a certificate is the point.

use rcgen::CustomExtension;

const SUBJECT_ALT_NAME: [u64; 4] = [2, 5, 29, 17];
const SEQUENCE: u8 = 0x30;
const URI: u8 = 0x86;
const DNS: u8 = 0x82;

/// The extension, or nothing when there is no name.
pub(super) fn extension(uris: &[Vec<u8>], dns: &[String]) -> Option<CustomExtension> {
    if uris.is_empty() && dns.is_empty() {
        return None;
    }
    let mut names = Vec::new();
    for uri in uris {
        put(&mut names, URI, uri);
    }
    for name in dns {
        put(&mut names, DNS, name.as_bytes());
    }
    let mut content = Vec::new();
    put(&mut content, SEQUENCE, &names);
    Some(CustomExtension::from_oid_content(&SUBJECT_ALT_NAME, content))
}

/// One DER element: tag, shortest length, value.
fn put(out: &mut Vec<u8>, tag: u8, value: &[u8]) {
    out.push(tag);
    let bytes = value.len().to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    match u8::try_from(value.len()) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let used = bytes.len() - zeros;
            out.push(0x80 | u8::try_from(used).unwrap_or(u8::MAX));
            out.extend(bytes.iter().skip(zeros));
        }
    }
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::{extension, put};

    #[test]
    fn lengths_take_the_shortest_form() {
        for (length, head) in
            [(5_usize, vec![0x86, 5]), (200, vec![0x86, 0x81, 200]), (300, vec![0x86, 0x82, 1, 44])]
        {
            let mut out = Vec::new();
            put(&mut out, 0x86, &vec![b'x'; length]);
            assert_eq!(out.get(..head.len()), Some(head.as_slice()), "length {length}");
            assert_eq!(out.len(), head.len() + length);
        }
    }

    #[test]
    fn no_name_is_no_extension() {
        assert!(extension(&[], &[]).is_none());
        let one = extension(&[b"a\xff".to_vec()], &[]);
        assert_eq!(one.map(|one| one.content().to_vec()), Some(vec![0x30, 4, 0x86, 2, b'a', 0xff]));
    }
}
