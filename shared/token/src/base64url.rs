//! Base64url as JSON Web Tokens use it (RFC 7515 §2): no padding, no white space, and no bits left over, so that there is one
//! spelling of each value.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Decodes a part of a token; `None` for anything that is not the one spelling of some bytes.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Encodes bytes.
#[cfg(test)]
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn there_is_one_spelling_of_each_value() {
        assert_eq!(decode(b"-_8"), Some(vec![0xfb, 0xff]));
        assert_eq!(decode(b""), Some(Vec::new()));
        for wrong in [&b"-_8="[..], b"-_9", b"+/8", b"-_ 8", b"-_8\n", b"-", b"-_8?", b"\xff\xff"] {
            assert_eq!(decode(wrong), None, "{}", String::from_utf8_lossy(wrong));
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn what_decodes_is_what_the_bytes_encode_to(text in "[A-Za-z0-9_-]{0,12}") {
            if let Some(bytes) = decode(text.as_bytes()) {
                proptest::prop_assert_eq!(encode(&bytes), text);
            }
        }
    }
}
