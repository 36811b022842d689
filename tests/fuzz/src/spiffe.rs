//! SPIFFE IDs, and who the peer is. The first byte says how the connection is, the rest is what it presents.

use meshward_identity::{Settings, Source, VerifiedBy, resolve};
use meshward_model::{Anonymous, Connection, Peer, SpiffeId};

/// Holds one input to the properties.
pub fn body(bytes: &[u8]) {
    let Some((how, name)) = bytes.split_first() else { return };
    follows_the_grammar(name);
    for (source, verified_by) in [
        (Source::Connection, VerifiedBy::Transport),
        (Source::Connection, VerifiedBy::Connection),
        (Source::FilterState, VerifiedBy::Transport),
    ] {
        if let Ok(settings) = Settings::new(source, verified_by) {
            is_who_was_verified(*how, name, &settings);
        }
    }
}

/// The parts of an ID by the SPIFFE-ID standard's grammar (§2), told by cutting text: trust domain and path.
fn expected(bytes: &[u8]) -> Option<(&str, &str)> {
    let text = core::str::from_utf8(bytes).ok().filter(|text| text.len() <= 2048)?;
    let rest = text.strip_prefix("spiffe://")?;
    let (domain, path) = rest.find('/').and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, ""));
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
    if domain.is_empty() || domain.len() > 255 || !domain.chars().all(lower) {
        return None;
    }
    let good = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))
    };
    path.split('/').skip(1).all(good).then_some((domain, path))
}

fn follows_the_grammar(bytes: &[u8]) {
    let read = SpiffeId::parse(bytes);
    assert_eq!(read, SpiffeId::from_bytes(bytes.to_vec()));
    let expected = expected(bytes);
    let parts = read.as_ref().ok().map(|id| (id.trust_domain(), id.path()));
    assert_eq!(parts, expected, "{}", bytes.escape_ascii());
    let Ok(id) = read else { return };
    assert_eq!(id.as_str().as_bytes(), bytes, "not what was read");
    assert_eq!(format!("spiffe://{}", id.principal()), id.as_str());
    assert_eq!(id.principal(), format!("{}{}", id.trust_domain(), id.path()));
    assert_eq!(
        SpiffeId::parse(id.to_string().as_bytes()),
        Ok(id.clone()),
        "what is printed is not read again"
    );
    let segments: Vec<&str> = id.path().split('/').skip(1).collect();
    let parts = match segments.as_slice() {
        ["ns", namespace, "sa", account] => (Some(*namespace), Some(*account)),
        ["ns", namespace, "dc", _, "svc", _] => (Some(*namespace), None),
        _ => (None, None),
    };
    assert_eq!((id.namespace(), id.service_account()), parts, "{id}");
}

/// Presented is not verified, and what is verified is named by all of its bytes or refused.
fn is_who_was_verified(how: u8, name: &[u8], settings: &Settings) {
    let certificate_valid = match how & 3 {
        0 => None,
        1 => Some(false),
        _ => Some(true),
    };
    let other = b"spiffe://mesh.example/ns/shop/sa/admin".to_vec();
    let (uri_san, principal_state) = match (settings.source(), how & 4 == 0) {
        (Source::Connection, true) => (Some(name.to_vec()), None),
        (Source::Connection, false) => (Some(name.to_vec()), Some(other)),
        (Source::FilterState, true) => (None, Some(name.to_vec())),
        (Source::FilterState, false) => (Some(other), Some(name.to_vec())),
    };
    let connection = Connection { uri_san, certificate_valid, principal_state, ..Connection::default() };
    let vouched = settings.verified_by() == VerifiedBy::Transport || certificate_valid == Some(true);
    let nothing = name.is_empty() || (settings.source() == Source::FilterState && name == b"-");
    match resolve(connection, settings) {
        Ok(Peer::Spiffe(id)) => {
            assert!(vouched && id.as_str().as_bytes() == name && !id.path().is_empty(), "{id}");
        }
        Ok(Peer::Anonymous(Anonymous::NoIdentity)) => assert!(nothing, "{}", name.escape_ascii()),
        Ok(Peer::Anonymous(Anonymous::Unverified)) => assert!(!vouched && !nothing),
        Ok(Peer::Anonymous(Anonymous::Unread)) => unreachable!("the peer is always read here"),
        Err(_) => {
            let names_a_caller = expected(name).is_some_and(|(_, path)| !path.is_empty());
            assert!(vouched && !nothing && !names_a_caller, "{}", name.escape_ascii());
        }
    }
}
