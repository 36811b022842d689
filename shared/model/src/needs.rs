//! What a compiled configuration reads, so that the adapter fetches nothing else.

/// Which facts of a request are read from the proxy. Each `true` is at least one host call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// The whole header map, once, as bytes (method, path and authority are in it).
    pub headers: bool,
    /// `connection.uri_san_peer_certificate`.
    pub uri_san: bool,
    /// `connection.peer_certificate_valid`; Envoy before 1.40 does not have it.
    pub certificate_valid: bool,
    /// `filter_state["io.istio.peer_principal"]`, where a waypoint finds its caller.
    pub principal_state: bool,
    /// `destination.port`, the port of the address that the connection was accepted on.
    pub destination_port: bool,
    /// `source.address`, the address that the connection came from.
    pub source_address: bool,
    /// `wasm.meshward_authn` in filter state: what the plugin before hands over.
    pub handover: bool,
}

impl Needs {
    /// All that either needs.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self {
            headers: self.headers | other.headers,
            uri_san: self.uri_san | other.uri_san,
            certificate_valid: self.certificate_valid | other.certificate_valid,
            principal_state: self.principal_state | other.principal_state,
            destination_port: self.destination_port | other.destination_port,
            source_address: self.source_address | other.source_address,
            handover: self.handover | other.handover,
        }
    }

    /// Whether nothing is needed.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// What is needed here and not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self {
            headers: self.headers & !other.headers,
            uri_san: self.uri_san & !other.uri_san,
            certificate_valid: self.certificate_valid & !other.certificate_valid,
            principal_state: self.principal_state & !other.principal_state,
            destination_port: self.destination_port & !other.destination_port,
            source_address: self.source_address & !other.source_address,
            handover: self.handover & !other.handover,
        }
    }
}
