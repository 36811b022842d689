//! Foreign functions: `verify_signature`, `declare_property`.

use meshward_host::Proxy;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

use crate::wat::{Outcome, proxy, request, said};

fn call(name: &str, arguments: &[u8]) -> String {
    let arguments: String = arguments.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!(r#"(call $show (call $foreign @"{name}" @"{arguments}" (i32.const 64) (i32.const 68)))"#)
}

fn field(number: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    // All values here are shorter than 128 bytes.
    bytes.push(u8::try_from(value.len()).unwrap_or(127));
    bytes.extend_from_slice(value);
    bytes
}

/// The start of a P-256 `SubjectPublicKeyInfo`; the point follows.
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

fn verified(hash: &str, flip: bool, key: Option<&[u8]>) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let random = SystemRandom::new();
    let document =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).map_err(|_| "no key")?;
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random)
        .map_err(|_| "no key")?;
    let mut text = b"text".to_vec();
    let signature = pair.sign(&random, &text).map_err(|_| "not signed")?;
    if flip {
        text.push(b'!');
    }
    let spki = [&P256[..], pair.public_key().as_ref()].concat();
    let arguments = [
        field(1, hash.as_bytes()),
        field(2, key.unwrap_or(&spki)),
        field(3, signature.as_ref()),
        field(4, &text),
    ]
    .concat();
    let mut proxy = proxy(&[("proxy_on_request_headers", &call("verify_signature", &arguments))])?;
    request(&mut proxy);
    Ok(said(&mut proxy))
}

#[test]
fn a_good_signature_verifies_and_a_flipped_one_does_not() -> Outcome {
    assert_eq!(verified("sha256", false, None)?, ["\u{8}\u{1}"], "result: true");
    let said = verified("sha256", true, None)?;
    assert!(said.first().is_some_and(|line| line.contains("Failed to verify digest")), "{said:?}");
    let said = verified("md5", false, None)?;
    assert!(said.first().is_some_and(|line| line.contains("md5 is not supported.")), "{said:?}");
    let said = verified("sha256", false, Some(b"no key"))?;
    assert!(
        said.first().is_some_and(|line| line.contains("Failed to initialize digest verify.")),
        "{said:?}"
    );
    assert_eq!(verified("sha256", false, Some(b""))?, ["2"], "no key at all is a bad argument");
    Ok(())
}

#[test]
fn an_unknown_function_is_not_found() -> Outcome {
    let mut proxy = proxy(&[("proxy_on_request_headers", &call("fly", b""))])?;
    request(&mut proxy);
    assert_eq!(said(&mut proxy), ["1"]);
    Ok(())
}

/// Declares `k` read-only where `declare` says, and sets it twice on a request.
fn declared(at: &str) -> Result<(Proxy, Vec<String>), Box<dyn std::error::Error>> {
    let declare = call("declare_property", &[field(1, b"k"), vec![0x10, 1]].concat());
    let set = r#"(call $number (call $set_property @"k" @"one")) (call $number (call $set_property @"k" @"two"))
        (call $show (call $property @"k" (i32.const 64) (i32.const 68)))"#;
    let quiet = "(i32.store (i32.const 68) (i32.const 0))";
    let mut proxy = match at {
        "root" => proxy(&[
            ("proxy_on_configure", &format!("{quiet} {declare} {declare}")),
            ("proxy_on_request_headers", set),
        ])?,
        _ => proxy(&[("proxy_on_request_headers", &format!("{quiet} {declare} {set}"))])?,
    };
    let stream = request(&mut proxy);
    assert!(proxy.filter_state(stream, "k").is_some());
    let said = said(&mut proxy);
    Ok((proxy, said))
}

#[test]
fn a_property_that_a_root_declared_read_only_keeps_its_first_value() -> Outcome {
    assert_eq!(declared("root")?.1, ["0", "2", "one"]);
    Ok(())
}

#[test]
fn a_declaration_from_a_stream_answers_ok_and_does_nothing() -> Outcome {
    assert_eq!(declared("stream")?.1, ["", "0", "0", "two"]);
    Ok(())
}
