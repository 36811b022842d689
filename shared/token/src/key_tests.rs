//! JSON Web Keys: which are taken, and why others are not.

#![expect(clippy::arithmetic_side_effects, reason = "tests")]

use super::*;
use crate::json;

const ED: &str = r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;
const EC: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;

fn read(members: &str) -> Result<Key, KeyError> {
    let object = json::object(format!("{{{members}}}").as_bytes(), 1000).ok_or(KeyError::Malformed)?;
    Key::of_jwk(&Claim::Map(object))
}

fn rsa_of(modulus: &[u8], exponent: &[u8]) -> Result<Key, KeyError> {
    let (n, e) = (base64url::encode(modulus), base64url::encode(exponent));
    read(&format!(r#""kty":"RSA","n":"{n}","e":"{e}""#))
}

/// A number of so many bits, odd.
fn modulus(bits: usize) -> Vec<u8> {
    let mut bytes = vec![0xff; bits.div_ceil(8)];
    let spare = bytes.len() * 8 - bits;
    if let Some(first) = bytes.first_mut() {
        *first >>= spare;
    }
    bytes
}

#[test]
fn the_keys_of_the_standards_examples_are_taken() {
    assert_eq!(read(ED).map(|key| key.public.algorithm()), Ok(Algorithm::EdDsa));
    assert_eq!(read(EC).map(|key| key.public.algorithm()), Ok(Algorithm::Es256));
    let named = read(&format!(
        r#"{ED},"kid":"a","use":"sig","alg":"EdDSA","key_ops":["verify"],"x5c":["a"],"oth":{{}}"#
    ));
    assert_eq!(named.map(|key| key.name), Ok(Some("a".to_owned())));
    assert!(read(&format!(r#"{EC},"use":"jwt-svid""#)).is_ok());
}

#[test]
fn an_rsa_key_is_strong_enough_or_not_taken() {
    let f4 = [1, 0, 1];
    for bits in [2048, 2049, 3072, 4096] {
        assert!(rsa_of(&modulus(bits), &f4).is_ok(), "{bits}");
    }
    for bits in [8, 512, 1024, 2040, 2047, 4097, 16_384] {
        assert_eq!(rsa_of(&modulus(bits), &f4), Err(KeyError::RsaSize), "{bits}");
    }
    // Zeros in front are no bits.
    let padded = [vec![0; 128], modulus(1024)].concat();
    assert_eq!(rsa_of(&padded, &f4), Err(KeyError::RsaSize));
    assert_eq!(rsa_of(&[vec![0], modulus(2048)].concat(), &[0, 1, 0, 1]), rsa_of(&modulus(2048), &f4));
    for exponent in
        [&[][..], &[0], &[1], &[3], &[17], &[1, 0, 0], &[0xff, 0xff], &[1, 0, 2], &[1, 0, 0, 0, 1]]
    {
        assert_eq!(rsa_of(&modulus(2048), exponent), Err(KeyError::RsaExponent), "{exponent:?}");
    }
    let mut even = modulus(2048);
    if let Some(last) = even.last_mut() {
        *last = 0xfe;
    }
    assert_eq!(rsa_of(&even, &f4), Err(KeyError::NotOnCurve));
}

#[test]
fn a_key_for_something_else_is_not_taken() {
    for (members, wanted) in [
        (r#""kty":"oct","k":"c2VjcmV0""#.to_owned(), KeyError::Symmetric),
        (r#""kty":"AKP","alg":"ML-DSA-44""#.to_owned(), KeyError::Unused),
        (r#""kty":"okp""#.to_owned(), KeyError::Unused),
        (r#""kty":7"#.to_owned(), KeyError::Malformed),
        (r#""kid":"a""#.to_owned(), KeyError::Malformed),
        (format!(r#"{ED},"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A""#), KeyError::Private),
        (format!(r#"{ED},"d":null"#), KeyError::Private),
        (format!(r#"{ED},"use":"enc""#), KeyError::Purpose),
        (format!(r#"{ED},"use":"""#), KeyError::Purpose),
        (format!(r#"{ED},"use":["sig"]"#), KeyError::Malformed),
        (format!(r#"{ED},"key_ops":["sign"]"#), KeyError::Purpose),
        (format!(r#"{ED},"key_ops":[]"#), KeyError::Purpose),
        (format!(r#"{ED},"key_ops":"sign, verify""#), KeyError::Purpose),
        (format!(r#"{ED},"alg":"ES256""#), KeyError::Unused),
        (format!(r#"{ED},"alg":"none""#), KeyError::Unused),
        (format!(r#"{ED},"alg":null"#), KeyError::Malformed),
        (format!(r#"{ED},"kid":7"#), KeyError::Malformed),
        (format!(r#"{ED},"kid":"{}""#, "x".repeat(1025)), KeyError::Malformed),
        (format!(r#"{EC},"alg":"ES384""#), KeyError::Unused),
        (format!(r#"{EC},"alg":"HS256""#), KeyError::Unused),
        (ED.replace("Ed25519", "X25519"), KeyError::Unused),
        (ED.replace("Ed25519", "Ed448"), KeyError::Unused),
        (EC.replace("P-256", "P-384"), KeyError::Unused),
        (EC.replace("P-256", "secp256k1"), KeyError::Unused),
    ] {
        assert_eq!(read(&members), Err(wanted), "{members:.200}");
    }
    assert_eq!(Key::of_jwk(&Claim::Null), Err(KeyError::Malformed));
}

#[test]
fn numbers_that_are_no_key_are_not_taken() {
    for (members, wanted) in [
        (EC.replace("f83O", "f83P"), KeyError::NotOnCurve),
        (EC.replace("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", ""), KeyError::NotOnCurve),
        (EC.replace("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "AAAA"), KeyError::NotOnCurve),
        (EC.replace("RVEU\"", "RVEU=\""), KeyError::Malformed),
        (EC.replace("\"x\"", "\"X\""), KeyError::Malformed),
        (ED.replace("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", ""), KeyError::NotOnCurve),
        (ED.replace("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "AAAA"), KeyError::NotOnCurve),
        // The point of order one: every signature would fit.
        (
            ED.replace(
                "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            ),
            KeyError::NotOnCurve,
        ),
        (
            ED.replace(
                "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            ),
            KeyError::NotOnCurve,
        ),
        // Two more bytes after a good key.
        (ED.replace("HURo\"", "HURoAAA\""), KeyError::NotOnCurve),
    ] {
        assert_eq!(read(&members), Err(wanted), "{members}");
    }
}
