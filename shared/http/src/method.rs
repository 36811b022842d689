//! The request method.

/// Whether `raw` is a method that can be read in one way only: a token (RFC 9110 §5.6.2) without a lower-case letter.
///
/// Methods are case-sensitive (RFC 9110 §9.1) and every registered one is upper case, but not every service knows: some take
/// `get` for `GET`.
///
/// ```
/// use meshward_http::method::is_token;
/// assert!(is_token(b"GET") && is_token(b"M-SEARCH"));
/// assert!(!is_token(b"get") && !is_token(b"GET ") && !is_token(b""));
/// ```
pub fn is_token(raw: &[u8]) -> bool {
    !raw.is_empty() && raw.iter().all(|byte| is_token_byte(*byte))
}

const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_uppercase()
        || byte.is_ascii_digit()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn every_byte_is_a_token_of_its_own_or_breaks_one() {
        let good = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        for byte in 0..=u8::MAX {
            assert_eq!(is_token(&[byte]), good.contains(&byte), "{byte:#04x} alone");
            assert_eq!(is_token(&[b'G', byte]), good.contains(&byte), "{byte:#04x} at the end");
            assert_eq!(is_token(&[byte, b'G']), good.contains(&byte), "{byte:#04x} at the start");
        }
    }

    #[test]
    fn an_empty_method_is_none() {
        assert!(!is_token(b""));
    }

    #[test]
    fn registered_methods_are_tokens() {
        for method in [
            "GET",
            "HEAD",
            "POST",
            "PUT",
            "DELETE",
            "CONNECT",
            "OPTIONS",
            "TRACE",
            "PATCH",
            "VERSION-CONTROL",
        ] {
            assert!(is_token(method.as_bytes()), "{method}");
        }
    }
}
