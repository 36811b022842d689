//! What Envoy's `verify_signature` wants in ASN.1 DER: the public key (RFC 5280 `SubjectPublicKeyInfo`) and an ECDSA signature
//! (RFC 3279 §2.2.3).

use crate::key::Public;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;
/// `rsaEncryption` with its NULL parameters, as an `AlgorithmIdentifier`.
const RSA: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
/// `id-ecPublicKey` on `prime256v1`, as an `AlgorithmIdentifier`.
const P256: [u8; 21] = [
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07,
];
/// Half of an ES256 signature (RFC 7518 §3.4), in bytes.
const NUMBER_BYTES: usize = 32;

/// The key, where Envoy can verify with its kind.
pub(crate) fn public_key(key: &Public) -> Option<Vec<u8>> {
    match key {
        Public::Rsa { modulus, exponent } => {
            let numbers = [integer(modulus), integer(exponent)].concat();
            Some(info(&RSA, &element(SEQUENCE, &numbers)))
        }
        Public::P256(point) => Some(info(&P256, point)),
        Public::Ed25519(_) => None,
    }
}

/// An ES256 signature as it stands in a token, two numbers of 32 bytes, as a sequence of two integers.
pub(crate) fn ecdsa_signature(raw: &[u8]) -> Option<Vec<u8>> {
    if raw.len() != NUMBER_BYTES.saturating_mul(2) {
        return None;
    }
    let (r, s) = raw.split_at_checked(NUMBER_BYTES)?;
    Some(element(SEQUENCE, &[integer(r), integer(s)].concat()))
}

fn info(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    // No bit of the last byte is unused.
    let bits = element(BIT_STRING, &[&[0], key].concat());
    element(SEQUENCE, &[algorithm, &bits].concat())
}

/// A number that is not negative, in its shortest form: no zero in front, but where the highest bit is set.
fn integer(big_endian: &[u8]) -> Vec<u8> {
    let zeros = big_endian.iter().take_while(|byte| **byte == 0).count();
    let digits = big_endian.get(zeros..).unwrap_or_default();
    match digits.first() {
        Some(first) if *first < 0x80 => element(INTEGER, digits),
        Some(_) | None => element(INTEGER, &[&[0], digits].concat()),
    }
}

fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len().to_be_bytes();
    let zeros = length.iter().take_while(|byte| **byte == 0).count();
    let digits = length.get(zeros..).unwrap_or_default();
    let mut bytes = vec![tag];
    match digits {
        [] => bytes.push(0),
        [short] if *short < 0x80 => bytes.push(*short),
        // As many as a length has bytes: eight at the most.
        _ => {
            bytes.push(0x80 | u8::try_from(digits.len()).unwrap_or_default());
            bytes.extend(digits);
        }
    }
    bytes.extend(contents);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_in_their_shortest_form() {
        for (number, wanted) in [
            (&[][..], &[2, 1, 0][..]),
            (&[0, 0], &[2, 1, 0]),
            (&[0, 1], &[2, 1, 1]),
            (&[0x7f], &[2, 1, 0x7f]),
            (&[0x80], &[2, 2, 0, 0x80]),
            (&[1, 0, 1], &[2, 3, 1, 0, 1]),
        ] {
            assert_eq!(integer(number), wanted);
        }
    }

    #[test]
    fn lengths_over_127_say_how_long_they_are() {
        assert_eq!(element(4, &[1; 127]).get(..2), Some(&[4, 127][..]));
        assert_eq!(element(4, &[1; 128]).get(..3), Some(&[4, 0x81, 128][..]));
        assert_eq!(element(4, &[1; 256]).get(..4), Some(&[4, 0x82, 1, 0][..]));
    }

    #[test]
    fn a_signature_of_another_length_is_none() {
        for length in [0, 32, 63, 65, 96, 128] {
            assert_eq!(ecdsa_signature(&vec![1; length]), None, "{length}");
        }
        assert_eq!(ecdsa_signature(&[0; 64]), Some(vec![0x30, 6, 2, 1, 0, 2, 1, 0]));
    }
}
