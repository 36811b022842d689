//! The handover, there and back, and cut at every byte.

use super::*;

fn token() -> Token {
    let claims = [
        ("null", Claim::Null),
        ("yes", Claim::Bool(true)),
        ("no", Claim::Bool(false)),
        ("exp", Claim::Integer(-1_767_225_600)),
        ("ratio", Claim::Real(0.25)),
        ("groups", Claim::List(vec![Claim::Text("a".to_owned()), Claim::List(Vec::new())])),
        ("realm", Claim::Map(vec![("roles".to_owned(), Claim::Text("ü".to_owned()))])),
    ];
    Token {
        issuer: "https://issuer.example".to_owned(),
        subject: Some("alice".to_owned()),
        claims: claims.into_iter().map(|(name, claim)| (name.to_owned(), claim)).collect(),
        written: Written::default(),
    }
}

#[test]
fn what_is_handed_over_arrives() {
    let without_subject = Token { subject: None, ..token() };
    for token in [None, Some(token()), Some(without_subject)] {
        assert_eq!(decode(&encode(token.as_ref())), Ok(token));
    }
}

#[test]
fn a_handover_that_is_cut_or_has_more_behind_it_is_none() {
    let whole = encode(Some(&token()));
    for end in 0..whole.len() {
        assert_eq!(decode(whole.get(..end).unwrap_or_default()), Err(Unreadable), "{end}");
    }
    assert_eq!(decode(&[whole.as_slice(), &[0]].concat()), Err(Unreadable));
}

#[test]
fn another_version_is_not_read() {
    let mut bytes = encode(Some(&token()));
    for version in [0, 2, 255] {
        if let Some(first) = bytes.first_mut() {
            *first = version;
        }
        assert_eq!(decode(&bytes), Err(Unreadable));
    }
}

#[test]
fn lists_are_read_to_a_bounded_depth() {
    let nested = |depth: u32| (1..depth).fold(Claim::Null, |inner, _| Claim::List(vec![inner]));
    let of = |depth| Token { claims: vec![("deep".to_owned(), nested(depth))], ..token() };
    assert!(decode(&encode(Some(&of(MAX_DEPTH)))).is_ok());
    assert_eq!(decode(&encode(Some(&of(MAX_DEPTH.saturating_add(1))))), Err(Unreadable));
}

#[cfg(not(target_arch = "wasm32"))]
proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _ = decode(&bytes);
        bytes.splice(0..0, [VERSION, MAP]);
        let _ = decode(&bytes);
    }
}
