//! Every settings pair against every state of the connection.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

const WEB: &str = "spiffe://cluster.local/ns/shop/sa/web";
const OTHER: &str = "spiffe://cluster.local/ns/shop/sa/other";
const PAIRS: [(Source, VerifiedBy); 3] = [
    (Source::Connection, VerifiedBy::Transport),
    (Source::Connection, VerifiedBy::Connection),
    (Source::FilterState, VerifiedBy::Transport),
];

fn settings(source: Source, verified_by: VerifiedBy) -> Settings {
    Settings::new(source, verified_by).unwrap()
}

fn over_transport() -> Settings {
    settings(Source::Connection, VerifiedBy::Transport)
}

fn over_connection() -> Settings {
    settings(Source::Connection, VerifiedBy::Connection)
}

fn over_filter_state() -> Settings {
    settings(Source::FilterState, VerifiedBy::Transport)
}

fn presented(name: &[u8], certificate_valid: Option<bool>) -> Connection {
    Connection { uri_san: Some(name.to_vec()), certificate_valid, ..Connection::default() }
}

fn recorded(name: &[u8]) -> Connection {
    Connection { principal_state: Some(name.to_vec()), ..Connection::default() }
}

fn spiffe(name: &str) -> Result<Peer, PeerError> {
    Ok(Peer::Spiffe(SpiffeId::parse(name.as_bytes()).unwrap()))
}

const NO_IDENTITY: Result<Peer, PeerError> = Ok(Peer::Anonymous(Anonymous::NoIdentity));
const UNVERIFIED: Result<Peer, PeerError> = Ok(Peer::Anonymous(Anonymous::Unverified));
const ANY_VALIDITY: [Option<bool>; 3] = [None, Some(false), Some(true)];

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_peer_that_the_transport_verified_has_its_name_whatever_the_connection_says() {
    for valid in ANY_VALIDITY {
        assert_eq!(resolve(presented(WEB.as_bytes(), valid), &over_transport()), spiffe(WEB), "{valid:?}");
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_peer_that_the_connection_verifies_has_its_name_only_when_it_says_so() {
    assert_eq!(resolve(presented(WEB.as_bytes(), Some(true)), &over_connection()), spiffe(WEB));
    assert_eq!(resolve(presented(WEB.as_bytes(), Some(false)), &over_connection()), UNVERIFIED);
    assert_eq!(resolve(presented(WEB.as_bytes(), None), &over_connection()), UNVERIFIED);
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_peer_behind_a_waypoint_has_the_name_that_was_recorded() {
    assert_eq!(resolve(recorded(WEB.as_bytes()), &over_filter_state()), spiffe(WEB));
}

#[test]
fn an_unverified_name_is_not_even_parsed() {
    for valid in [None, Some(false)] {
        for name in [&b"https://foreign.example/"[..], b"\xff\x00", b"-"] {
            assert_eq!(resolve(presented(name, valid), &over_connection()), UNVERIFIED, "{valid:?}");
        }
    }
}

#[test]
fn a_connection_without_a_name_has_no_identity_even_if_its_certificate_is_valid() {
    for valid in ANY_VALIDITY {
        let absent = Connection { certificate_valid: valid, ..Connection::default() };
        for connection in [absent, presented(b"", valid)] {
            assert_eq!(resolve(connection.clone(), &over_transport()), NO_IDENTITY, "{valid:?}");
            assert_eq!(resolve(connection.clone(), &over_connection()), NO_IDENTITY, "{valid:?}");
        }
    }
}

#[test]
fn a_waypoint_that_recorded_nothing_has_no_identity() {
    assert_eq!(resolve(Connection::default(), &over_filter_state()), NO_IDENTITY);
    assert_eq!(resolve(recorded(b""), &over_filter_state()), NO_IDENTITY);
    assert_eq!(resolve(recorded(b"-"), &over_filter_state()), NO_IDENTITY);
}

#[test]
fn a_dash_is_nothing_in_filter_state_and_a_bad_name_in_a_certificate() {
    let refused = Err(PeerError::NotSpiffe(SpiffeIdError::Scheme));
    assert_eq!(resolve(presented(b"-", None), &over_transport()), refused);
    assert_eq!(resolve(presented(b"-", Some(true)), &over_connection()), refused);
    assert_eq!(resolve(recorded(b"--"), &over_filter_state()), refused);
}

#[test]
fn several_recorded_names_are_refused() {
    for names in
        [format!("{WEB},{OTHER}"), format!("{WEB},"), format!(",{WEB}"), ",".to_owned(), format!("{WEB},-")]
    {
        assert_eq!(
            resolve(recorded(names.as_bytes()), &over_filter_state()),
            Err(PeerError::Several),
            "{names}"
        );
    }
}

#[test]
fn a_certificate_without_a_name_is_not_taken_for_no_certificate() {
    for uri_san in [None, Some(Vec::new())] {
        let nameless = |valid| Connection {
            uri_san: uri_san.clone(),
            certificate_presented: Some(true),
            certificate_valid: valid,
            ..Connection::default()
        };
        assert_eq!(resolve(nameless(None), &over_transport()), Err(PeerError::Nameless));
        assert_eq!(resolve(nameless(Some(true)), &over_connection()), Err(PeerError::Nameless));
        assert_eq!(resolve(nameless(Some(false)), &over_connection()), UNVERIFIED);
        assert_eq!(resolve(nameless(Some(true)), &over_filter_state()), NO_IDENTITY);
    }
    let nothing = Connection { certificate_presented: Some(false), ..Connection::default() };
    assert_eq!(resolve(nothing, &over_transport()), NO_IDENTITY);
}

#[test]
fn only_the_configured_source_is_read() {
    let connection = Connection {
        uri_san: Some(WEB.into()),
        certificate_valid: Some(true),
        principal_state: Some(OTHER.into()),
        destination_port: Some(443),
        ..Connection::default()
    };
    assert_eq!(resolve(connection.clone(), &over_transport()), spiffe(WEB));
    assert_eq!(resolve(connection.clone(), &over_connection()), spiffe(WEB));
    assert_eq!(resolve(connection.clone(), &over_filter_state()), spiffe(OTHER));
    assert_eq!(resolve(presented(WEB.as_bytes(), Some(true)), &over_filter_state()), NO_IDENTITY);
    assert_eq!(resolve(recorded(WEB.as_bytes()), &over_transport()), NO_IDENTITY);
    assert_eq!(resolve(recorded(WEB.as_bytes()), &over_connection()), NO_IDENTITY);
}

#[test]
fn a_verified_name_that_no_caller_can_have_is_an_error_and_never_anonymous() {
    let rows = [
        ("https://cluster.local/ns/shop/sa/web", PeerError::NotSpiffe(SpiffeIdError::Scheme)),
        ("cluster.local/ns/shop/sa/web", PeerError::NotSpiffe(SpiffeIdError::Scheme)),
        ("spiffe://Cluster.local/ns/shop/sa/web", PeerError::NotSpiffe(SpiffeIdError::TrustDomain)),
        ("spiffe://cluster.local/ns/shop/sa/web/", PeerError::NotSpiffe(SpiffeIdError::Path)),
        ("spiffe://cluster.local/ns/../sa/web", PeerError::NotSpiffe(SpiffeIdError::Path)),
        (" spiffe://cluster.local/ns/shop/sa/web", PeerError::NotSpiffe(SpiffeIdError::Scheme)),
        ("spiffe://cluster.local", PeerError::TrustDomainAlone),
    ];
    for (name, error) in rows {
        for (source, verified_by) in PAIRS {
            let mut connection = presented(name.as_bytes(), Some(true));
            connection.principal_state = Some(name.into());
            assert_eq!(
                resolve(connection.clone(), &settings(source, verified_by)),
                Err(error),
                "{name}, {source:?}"
            );
        }
    }
}

#[test]
fn an_over_long_name_is_an_error() {
    let name = format!("{WEB}/{}", "a".repeat(SpiffeId::MAX_BYTES));
    let error = Err(PeerError::NotSpiffe(SpiffeIdError::TooLong));
    assert_eq!(resolve(presented(name.as_bytes(), None), &over_transport()), error);
    assert_eq!(resolve(recorded(name.as_bytes()), &over_filter_state()), error);
}

#[test]
fn an_error_says_what_is_wrong_and_does_not_repeat_the_name() {
    assert_eq!(
        PeerError::NotSpiffe(SpiffeIdError::Scheme).to_string(),
        "the verified peer's name is not a SPIFFE ID: does not begin with `spiffe://`"
    );
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use super::*;
    use proptest::prelude::*;

    fn name() -> impl Strategy<Value = Option<Vec<u8>>> {
        prop::option::of(prop_oneof![
            Just(Vec::new()),
            Just(b"-".to_vec()),
            Just(WEB.into()),
            Just(format!("{WEB},{OTHER}").into_bytes()),
            "spiffe://[a-z]{0,3}(/[a-z.%,]{0,3}){0,3}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..20),
        ])
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(5_000) })]

        #[test]
        fn a_name_is_given_only_as_it_stands_in_the_source_and_only_when_verified(
            uri_san in name(), principal_state in name(), certificate_valid in any::<Option<bool>>(),
            certificate_presented in any::<Option<bool>>(), pair in 0_usize..3,
        ) {
            let (source, verified_by) = PAIRS.get(pair).copied().unwrap();
            let connection = Connection {
                uri_san, certificate_presented, certificate_valid, principal_state, ..Connection::default()
            };
            let seen = match source {
                Source::Connection => connection.uri_san.as_deref(),
                Source::FilterState => connection.principal_state.as_deref(),
            };
            match resolve(connection.clone(), &settings(source, verified_by)) {
                Ok(Peer::Spiffe(id)) => {
                    prop_assert_eq!(seen, Some(id.as_str().as_bytes()));
                    prop_assert!(verified_by == VerifiedBy::Transport || certificate_valid == Some(true));
                }
                Ok(Peer::Anonymous(Anonymous::NoIdentity)) => prop_assert!(matches!(seen, None | Some(b"" | b"-"))),
                Ok(Peer::Anonymous(Anonymous::Unverified)) => {
                    prop_assert!(verified_by == VerifiedBy::Connection && certificate_valid != Some(true));
                }
                Ok(Peer::Anonymous(Anonymous::Unread)) => prop_assert!(false, "resolve always reads"),
                Err(PeerError::Nameless) => {
                    prop_assert!(seen.is_none_or(<[u8]>::is_empty) && certificate_presented == Some(true));
                }
                Err(_) => prop_assert!(seen.is_some_and(|name| !name.is_empty())),
            }
        }

        #[test]
        fn what_is_not_in_needs_changes_nothing(
            uri_san in name(), principal_state in name(), certificate_valid in any::<Option<bool>>(), pair in 0_usize..3,
        ) {
            let (source, verified_by) = PAIRS.get(pair).copied().unwrap();
            let settings = settings(source, verified_by);
            let needs = settings.needs();
            let whole = Connection {
                uri_san,
                certificate_valid,
                principal_state,
                destination_port: Some(1),
                ..Connection::default()
            };
            let needed = Connection {
                uri_san: whole.uri_san.clone().filter(|_| needs.uri_san),
                certificate_valid: whole.certificate_valid.filter(|_| needs.certificate_valid),
                principal_state: whole.principal_state.clone().filter(|_| needs.principal_state),
                ..Connection::default()
            };
            prop_assert_eq!(resolve(whole.clone(), &settings), resolve(needed.clone(), &settings));
        }
    }
}
