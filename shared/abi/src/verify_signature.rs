//! The messages of Envoy's foreign function `verify_signature` (envoyproxy/envoy,
//! `source/extensions/common/wasm/ext/verify_signature.proto`; called in `foreign.cc`).

use crate::AbiError;
use crate::protobuf::{Value, field, next};

/// The function's name.
pub const FUNCTION: &str = "verify_signature";

/// What is to be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arguments<'a> {
    /// The hash function: `sha256` and its like.
    pub hash: &'a str,
    /// The public key: a DER `SubjectPublicKeyInfo`.
    pub public_key: &'a [u8],
    /// The signature; of ECDSA in ASN.1 DER.
    pub signature: &'a [u8],
    /// What was signed.
    pub text: &'a [u8],
}

impl Arguments<'_> {
    /// The encoded `VerifySignatureArguments`.
    pub fn encode(&self) -> Vec<u8> {
        let parts = [self.hash.as_bytes(), self.public_key, self.signature, self.text];
        let mut message = Vec::with_capacity(parts.iter().map(|part| part.len().saturating_add(4)).sum());
        for (number, part) in (1..).zip(parts) {
            field(&mut message, number, part);
        }
        message
    }
}

/// Reads a `VerifySignatureResult`: whether the signature is good. Its `error`, a text for people, is passed over.
///
/// # Errors
/// [`AbiError::Truncated`] when it is no such message.
pub fn result(bytes: &[u8]) -> Result<bool, AbiError> {
    let mut rest = bytes;
    let mut good = false;
    while !rest.is_empty() {
        match next(&mut rest).ok_or(AbiError::Truncated)? {
            (1, Value::Number(number)) if number <= 1 => good = number == 1,
            (2, Value::Bytes(_)) => {}
            (_, Value::Number(_) | Value::Bytes(_)) => return Err(AbiError::Truncated),
        }
    }
    Ok(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_the_fields_of_the_message_in_their_order() {
        let key = [7; 300];
        let bytes = Arguments { hash: "sha256", public_key: &key, signature: b"s", text: b"" }.encode();
        let mut wanted = b"\x0a\x06sha256\x12\xac\x02".to_vec();
        wanted.extend(key);
        wanted.extend(b"\x1a\x01s\x22\x00");
        assert_eq!(bytes, wanted);
    }

    #[test]
    fn a_result_is_good_only_when_it_says_so() {
        assert_eq!(result(b"\x08\x01"), Ok(true));
        assert_eq!(result(b"\x08\x01\x12\x00"), Ok(true));
        assert_eq!(result(b"\x12\x05wrong"), Ok(false));
        assert_eq!(result(b"\x08\x00"), Ok(false));
        assert_eq!(result(b""), Ok(false));
    }

    #[test]
    fn what_is_no_result_is_refused() {
        for wrong in [
            &b"\x08"[..],
            b"\x08\x02",
            b"\x08\x81",
            b"\x12\x05ab",
            b"\x0a\x01a",
            b"\x10\x01",
            b"\x18\x01",
            b"\x0d\x01\x00\x00\x00",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ] {
            assert_eq!(result(wrong), Err(AbiError::Truncated), "{wrong:?}");
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..40)) {
            let _ = result(&bytes);
        }
    }
}
