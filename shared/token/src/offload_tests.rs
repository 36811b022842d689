//! The known-answer test tells what it says it tells, and what goes to the proxy is what the proxy expects.

#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::arithmetic_side_effects, clippy::panic, reason = "tests")]

use meshward_cases::mint::Key as TestKey;

use super::*;
use crate::key::Key;

fn public_of(name: &str) -> Option<(TestKey, Public)> {
    let key = TestKey::named(name)?;
    let jwk = crate::json::object(key.jwk().to_string().as_bytes(), 100)?;
    let public = Key::of_jwk(&meshward_model::Claim::Map(jwk)).ok()?.public;
    Some((key, public))
}

/// The fields of a `VerifySignatureArguments`, read back.
fn fields(question: &Question) -> Vec<Vec<u8>> {
    let Question::Call { argument, .. } = question else { return Vec::new() };
    let mut rest = argument.as_slice();
    let mut fields = Vec::new();
    while let [_, after @ ..] = rest {
        let (mut length, mut shift, mut at) = (0, 0, after);
        while let [byte, more @ ..] = at {
            length |= usize::from(byte & 0x7f) << shift;
            (shift, at) = (shift + 7, more);
            if byte & 0x80 == 0 {
                break;
            }
        }
        let (field, more) = at.split_at_checked(length).unwrap_or_default();
        fields.push(field.to_vec());
        rest = more;
    }
    fields
}

#[test]
fn the_known_answers_differ_in_one_bit_of_the_signature() {
    for pair in Known::ALL.chunks(2) {
        let [good, bad] = pair else { continue };
        assert!(good.good && !bad.good && good.algorithm == bad.algorithm);
        let (good, bad) = (fields(&good.question()), fields(&bad.question()));
        assert_eq!(
            (good.len(), good.first(), good.get(1), good.get(3)),
            (4, bad.first(), bad.get(1), bad.get(3))
        );
        let (good, bad) = (good.get(2).cloned().unwrap_or_default(), bad.get(2).cloned().unwrap_or_default());
        let bits: u32 = good.iter().zip(&bad).map(|(one, other)| (one ^ other).count_ones()).sum();
        assert_eq!((good.len(), bits), (bad.len(), 1));
    }
}

#[test]
fn keys_are_written_as_other_tools_write_them() {
    // Made by another tool: DER of the same kind, byte for byte of the same length and head.
    let known = |bytes: &[u8]| (bytes.len(), bytes.get(..24).map(<[u8]>::to_vec));
    for (name, made) in
        [("rsa-1", &include_bytes!("../known/rs256.key")[..]), ("ec-1", include_bytes!("../known/es256.key"))]
    {
        let ours = public_of(name).and_then(|(_, public)| der::public_key(&public)).unwrap_or_default();
        assert_eq!(known(&ours), known(made), "{name}");
    }
}

#[test]
fn a_question_holds_the_message_and_the_signature_of_the_token() {
    for name in ["rsa-1", "ec-1"] {
        let Some((key, public)) = public_of(name) else { continue };
        let signature = base64url::encode(&key.sign(b"a.b"));
        let fields =
            question(&public, "a.b", &signature).map(|question| fields(&question)).unwrap_or_default();
        let [hash, public_key, signature, text] = fields.as_slice() else { panic!("{name}: {fields:?}") };
        assert_eq!((hash.as_slice(), text.as_slice()), (&b"sha256"[..], &b"a.b"[..]));
        assert_eq!(Some(public_key), der::public_key(&public).as_ref());
        let raw = key.sign(b"a.b");
        let wanted = if name == "ec-1" { der::ecdsa_signature(&raw).unwrap_or_default() } else { raw };
        assert_eq!(signature, &wanted);
    }
}

#[test]
fn what_cannot_be_a_signature_or_is_not_for_the_proxy_is_no_question() {
    let Some((_, ec)) = public_of("ec-1") else { panic!("a test key") };
    assert_eq!(question(&ec, "a.b", &base64url::encode(&[1; 63])), None);
    assert_eq!(question(&ec, "a.b", "?"), None);
    let Some((key, ed)) = public_of("ed-1") else { panic!("a test key") };
    assert_eq!(question(&ed, "a.b", &base64url::encode(&key.sign(b"a.b"))), None);
}
