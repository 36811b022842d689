//! What the configuration says of the peer: where it is seen, and who verified it.

use meshward_model::Needs;

/// Where the peer's name is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Sidecar and gateway: the certificate of the TLS connection, `connection.uri_san_peer_certificate`.
    Connection,
    /// Ambient waypoint, and a sidecar reached through HBONE: `filter_state["io.istio.peer_principal"]`, which the proxy's own
    /// outer listener records. The inner listener, on which plugins run, has no TLS.
    FilterState,
}

/// Who says that the peer's certificate was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VerifiedBy {
    /// The listener admits no certificate that was not verified; a name that is seen is a verified name.
    Transport,
    /// The proxy says so of each connection: `connection.peer_certificate_valid`. Envoy 1.40 says false of every resumed TLS
    /// session, and older ones do not say.
    Connection,
}

/// Where the peer is seen and who verified it; a pair that cannot work cannot be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Settings {
    source: Source,
    verified_by: VerifiedBy,
}

/// Why a pair of source and verifier cannot work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// [`Source::FilterState`] with [`VerifiedBy::Connection`].
    #[error(
        "the peer is read from filter state, where there is no TLS connection to say that it was verified"
    )]
    NothingVerifiesFilterState,
}

impl Settings {
    /// Takes the pair, if it can work.
    ///
    /// # Errors
    /// [`SettingsError`] when nothing could verify the peer.
    pub const fn new(source: Source, verified_by: VerifiedBy) -> Result<Self, SettingsError> {
        match (source, verified_by) {
            (Source::FilterState, VerifiedBy::Connection) => Err(SettingsError::NothingVerifiesFilterState),
            (Source::Connection, VerifiedBy::Transport | VerifiedBy::Connection)
            | (Source::FilterState, VerifiedBy::Transport) => Ok(Self { source, verified_by }),
        }
    }

    /// Where the peer's name is seen.
    pub const fn source(&self) -> Source {
        self.source
    }

    /// Who says that it was verified.
    pub const fn verified_by(&self) -> VerifiedBy {
        self.verified_by
    }

    /// What [`resolve`](crate::resolve) looks at under these settings, and nothing else.
    pub fn needs(&self) -> Needs {
        match (self.source, self.verified_by) {
            (Source::Connection, VerifiedBy::Transport) => Needs { uri_san: true, ..Needs::default() },
            (Source::Connection, VerifiedBy::Connection) => {
                Needs { uri_san: true, certificate_valid: true, ..Needs::default() }
            }
            (Source::FilterState, VerifiedBy::Transport | VerifiedBy::Connection) => {
                Needs { principal_state: true, ..Needs::default() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn filter_state_cannot_be_verified_by_a_connection_without_tls() {
        assert_eq!(
            Settings::new(Source::FilterState, VerifiedBy::Connection),
            Err(SettingsError::NothingVerifiesFilterState)
        );
    }

    #[test]
    fn the_refusal_says_why() {
        assert_eq!(
            SettingsError::NothingVerifiesFilterState.to_string(),
            "the peer is read from filter state, where there is no TLS connection to say that it was verified"
        );
    }

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn each_pair_reads_what_it_decides_by_and_nothing_else() {
        let rows = [
            (Source::Connection, VerifiedBy::Transport, Needs { uri_san: true, ..Needs::default() }),
            (
                Source::Connection,
                VerifiedBy::Connection,
                Needs { uri_san: true, certificate_valid: true, ..Needs::default() },
            ),
            (Source::FilterState, VerifiedBy::Transport, Needs { principal_state: true, ..Needs::default() }),
        ];
        for (source, verified_by, needs) in rows {
            let settings = Settings::new(source, verified_by).unwrap();
            assert_eq!(settings.needs(), needs, "{source:?}, {verified_by:?}");
            assert_eq!((settings.source(), settings.verified_by()), (source, verified_by));
        }
    }
}
