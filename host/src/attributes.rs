//! What a stream's connection says: the properties that do not come from its headers.

/// A property's value before it is written as bytes (Envoy `context.cc`, `serializeValue`).
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text, as it is.
    String(String),
    /// Bytes, as they are.
    Bytes(Vec<u8>),
    /// A signed number, eight bytes little-endian.
    Int(i64),
    /// An unsigned number, eight bytes little-endian.
    Uint(u64),
    /// A floating-point number, eight bytes little-endian.
    Double(f64),
    /// A truth value, one byte.
    Bool(bool),
    /// A duration or a moment in nanoseconds, eight bytes little-endian.
    Nanos(i64),
    /// Keys and values, as a header map.
    Map(Vec<(String, Value)>),
    /// Values, as a header map with empty values.
    List(Vec<Value>),
    /// A protobuf message: its bytes, and its fields by name.
    Message(Vec<u8>, Vec<(String, Value)>),
}

/// The TLS side of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// `connection.mtls`: whether the peer presented a certificate.
    pub peer_certificate_presented: bool,
    /// `connection.peer_certificate_valid`: Envoy 1.40, which says false of plaintext; `None` where Envoy does not have it.
    pub peer_certificate_valid: Option<bool>,
    /// `connection.uri_san_peer_certificate`: the first URI SAN.
    pub uri_san_peer_certificate: Option<String>,
    /// `connection.uri_san_local_certificate`.
    pub uri_san_local_certificate: Option<String>,
    /// `connection.dns_san_peer_certificate`: the first DNS SAN.
    pub dns_san_peer_certificate: Option<String>,
    /// `connection.subject_peer_certificate`.
    pub subject_peer_certificate: Option<String>,
    /// `connection.sha256_peer_certificate_digest`: lower-case hex.
    pub sha256_peer_certificate_digest: Option<String>,
    /// `connection.requested_server_name`.
    pub requested_server_name: Option<String>,
    /// `connection.tls_version`.
    pub tls_version: Option<String>,
}

/// What a stream's connection says.
#[derive(Debug, Clone, PartialEq)]
pub struct Attributes {
    /// `source.address`: address and port of the peer.
    pub source_address: String,
    /// `destination.address`: address and port that the connection was accepted on; `destination.port` is taken from it.
    pub destination_address: String,
    /// The connection's TLS side; `None` is plaintext.
    pub tls: Option<Tls>,
    /// `connection.id`; streams of one connection share filter state that was declared for its life.
    pub connection_id: u64,
    /// `request.protocol`.
    pub protocol: String,
    /// `filter_state`: objects by name, as text.
    pub filter_state: Vec<(String, Vec<u8>)>,
    /// `metadata`: dynamic metadata, text by namespace and key.
    pub metadata: Vec<(String, Vec<(String, Value)>)>,
    /// Further properties by their path's segments; they win over everything else.
    pub more: Vec<(Vec<String>, Value)>,
}

impl Default for Attributes {
    fn default() -> Self {
        Self {
            source_address: "127.0.0.1:50000".to_owned(),
            destination_address: "127.0.0.1:8080".to_owned(),
            tls: None,
            connection_id: 0,
            protocol: "HTTP/1.1".to_owned(),
            filter_state: Vec::new(),
            metadata: Vec::new(),
            more: Vec::new(),
        }
    }
}

impl Attributes {
    /// A plaintext connection.
    #[must_use]
    pub fn plaintext() -> Self {
        Self::default()
    }

    /// A connection on which the peer presented a certificate that was verified, with this URI SAN (a SPIFFE ID, mostly).
    #[must_use]
    pub fn mutual_tls(uri_san: &str) -> Self {
        let tls = Tls {
            peer_certificate_presented: true,
            peer_certificate_valid: Some(true),
            uri_san_peer_certificate: Some(uri_san.to_owned()),
            ..Tls::default()
        };
        Self { tls: Some(tls), ..Self::default() }
    }
}
