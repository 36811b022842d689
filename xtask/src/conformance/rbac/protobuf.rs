//! A list of strings as Envoy's `header_to_metadata` takes it from a header: a `google.protobuf.Value`, in base64.

/// Wire type 2: bytes with their length before them.
const BYTES: u8 = 2;
/// Fields of `Value` and of `ListValue` (google/protobuf/struct.proto).
const STRING_VALUE: u8 = 3;
const LIST_VALUE: u8 = 6;
const VALUES: u8 = 1;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The list.
pub(super) fn list(items: &[String]) -> String {
    let values = items.iter().flat_map(|item| field(VALUES, &field(STRING_VALUE, item.as_bytes())));
    base64(&field(LIST_VALUE, &values.collect::<Vec<u8>>()))
}

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![(number << 3) | BYTES];
    let mut length = bytes.len();
    while length > 0x7f {
        out.push(u8::try_from(length & 0x7f).unwrap_or(0) | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).unwrap_or(0));
    out.extend_from_slice(bytes);
    out
}

fn base64(bytes: &[u8]) -> String {
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for at in 0..4_usize {
            let index = (bits >> 18_usize.saturating_sub(at.saturating_mul(6))) & 0x3f;
            let letter = usize::try_from(index).ok().and_then(|index| ALPHABET.get(index)).copied();
            out.push(if at <= three.len() { char::from(letter.unwrap_or(b'=')) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{base64, list};

    #[test]
    fn bytes_become_base64_with_its_padding() {
        assert_eq!(
            ["", "f", "fo", "foo", "foob"].map(|text| base64(text.as_bytes())),
            ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]
        );
    }

    #[test]
    fn a_list_is_a_value_of_values() {
        // 32 07 | 0a 05 | 1a 03 'a' 'b' 'c'
        assert_eq!(list(&["abc".to_owned()]), base64(&[0x32, 7, 0x0a, 5, 0x1a, 3, b'a', b'b', b'c']));
    }
}
