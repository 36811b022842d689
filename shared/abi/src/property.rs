//! Property paths and values: how Envoy writes them.

use crate::{AbiError, pairs};

/// The path of a property: its segments joined by a zero byte, as Envoy splits it.
///
/// A constant, so that a path costs nothing at run time:
///
/// ```
/// use meshward_abi::property::Path;
/// assert_eq!(Path::URI_SAN_PEER_CERTIFICATE.bytes(), b"connection\0uri_san_peer_certificate");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path(&'static [u8]);

impl Path {
    /// The first URI SAN of the peer's certificate, a string.
    pub const URI_SAN_PEER_CERTIFICATE: Self = Self(b"connection\0uri_san_peer_certificate");
    /// Whether the peer presented a certificate, a boolean.
    pub const MTLS: Self = Self(b"connection\0mtls");
    /// Whether this connection's handshake verified the peer's certificate, a boolean (Envoy 1.40).
    pub const PEER_CERTIFICATE_VALID: Self = Self(b"connection\0peer_certificate_valid");
    /// The caller as an Istio waypoint's outer listener recorded it, a string.
    pub const PEER_PRINCIPAL_STATE: Self = Self(b"filter_state\0io.istio.peer_principal");
    /// The port of the local address, an integer.
    pub const DESTINATION_PORT: Self = Self(b"destination\0port");
    /// The address that the connection came from, with its port, a string.
    pub const SOURCE_ADDRESS: Self = Self(b"source\0address");
    /// The status that the caller got, an integer.
    pub const RESPONSE_CODE: Self = Self(b"response\0code");
    /// Who answered and why, a string.
    pub const RESPONSE_CODE_DETAILS: Self = Self(b"response\0code_details");
    /// What `authn` hands over (`wasm.meshward_authn` in filter state), bytes.
    pub const HANDOVER: Self = Self(b"meshward_authn");
    /// What our plugins note (`wasm.meshward` in filter state), a string.
    pub const NOTE: Self = Self(b"meshward");
    /// The proxy's own name, a string.
    pub const NODE_ID: Self = Self(b"xds\0node\0id");
    /// The proxy's namespace, as Istio sets it, a string.
    pub const NODE_NAMESPACE: Self = Self(b"xds\0node\0metadata\0NAMESPACE");
    /// The proxy's workload, as Istio sets it, a string.
    pub const NODE_WORKLOAD: Self = Self(b"xds\0node\0metadata\0WORKLOAD_NAME");

    /// The workload's labels, as Istio sets them, a map of strings.
    pub const NODE_LABELS: Self = Self(b"xds\0node\0metadata\0LABELS");

    /// The encoded path.
    pub const fn bytes(self) -> &'static [u8] {
        self.0
    }
}

/// Reads a boolean: one byte, 0 or 1.
///
/// # Errors
/// [`AbiError::Number`] for anything else.
pub fn boolean(bytes: &[u8]) -> Result<bool, AbiError> {
    match bytes {
        [0] => Ok(false),
        [1] => Ok(true),
        _ => Err(AbiError::Number),
    }
}

/// Reads a TCP port out of a 64-bit little-endian integer.
///
/// # Errors
/// [`AbiError::Number`] for another width or a number over 65535.
pub fn port(bytes: &[u8]) -> Result<u16, AbiError> {
    let number: [u8; 8] = bytes.try_into().map_err(|_| AbiError::Number)?;
    u16::try_from(u64::from_le_bytes(number)).map_err(|_| AbiError::Number)
}

/// Reads a map of texts. Envoy writes other values with no word on what they are: what could be a number, a list or a text is none, and
/// so is a map whose every value is empty, which a list cannot be told from.
pub fn labels(bytes: Vec<u8>) -> Option<Vec<(String, String)>> {
    const COUNT: usize = 4;
    const ALL_BUT_TEXT: usize = 10;
    let length = bytes.len();
    if length < COUNT {
        return None;
    }
    let map = pairs::decode(bytes).ok()?;
    let mut labels = Vec::with_capacity(map.len());
    let mut expected = COUNT;
    for (name, value) in map.iter() {
        let pair = name.len().checked_add(value.len())?.checked_add(ALL_BUT_TEXT)?;
        expected = expected.checked_add(pair)?;
        let text = |bytes: &[u8]| core::str::from_utf8(bytes).map(str::to_owned).ok();
        labels.push((text(name)?, text(value)?));
    }
    let is_list = !labels.is_empty() && labels.iter().all(|(_, value)| value.is_empty());
    Some(labels).filter(|_| expected == length && !is_list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_a_map_of_texts_and_nothing_that_looks_like_one() {
        let encoded = |pairs: &[(&[u8], &[u8])]| pairs::encode(pairs).unwrap_or_default();
        let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let both = encoded(&[(b"App", b"orders"), (b"tier", b"")]);
        assert_eq!(labels(both), Some(vec![label("App", "orders"), label("tier", "")]));
        assert_eq!(labels(encoded(&[])), Some(Vec::new()));
        for other in [
            Vec::new(),
            vec![1],
            b"app=orders".to_vec(),
            7.0_f64.to_le_bytes().to_vec(),
            0.0_f64.to_le_bytes().to_vec(),
            encoded(&[(b"app=orders", b"")]),
            encoded(&[(b"app", b"\xff")]),
            [encoded(&[(b"a", b"b")]), vec![0]].concat(),
        ] {
            assert_eq!(labels(other.clone()), None, "{other:?}");
        }
    }

    #[test]
    fn a_port_is_eight_bytes_and_fits_sixteen_bits() {
        assert_eq!(port(&[0x90, 0x1f, 0, 0, 0, 0, 0, 0]), Ok(8080));
        assert_eq!(port(&[0, 0, 1, 0, 0, 0, 0, 0]), Err(AbiError::Number));
        assert_eq!(port(&[0x90, 0x1f]), Err(AbiError::Number));
        assert_eq!(port(&[]), Err(AbiError::Number));
    }

    #[test]
    fn a_boolean_is_one_byte_of_zero_or_one() {
        assert_eq!((boolean(&[0]), boolean(&[1])), (Ok(false), Ok(true)));
        assert_eq!(
            (boolean(&[2]), boolean(&[]), boolean(&[1, 0])),
            (Err(AbiError::Number), Err(AbiError::Number), Err(AbiError::Number))
        );
    }
}
