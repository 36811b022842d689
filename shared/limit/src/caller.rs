//! Whom a penalty is for: the verified SPIFFE ID, else the address that the connection came from.

use core::net::{IpAddr, Ipv6Addr};

use meshward_model::Request;
use sha2::{Digest, Sha256};

/// Which caller: the first 128 bits of a SHA-256, the same in every worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CallerId(pub(crate) [u8; 16]);

/// A caller that can be told from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) id: CallerId,
    /// As it stands in findings.
    pub(crate) name: String,
}

/// How many bits of an IPv6 address tell callers apart: whoever has a network has at least that much of it.
const IPV6_NETWORK: u32 = 64;

/// What is hashed before an address.
const ADDRESS_KIND: &[u8] = b"address\0";
/// The bit of an id that is set for addresses.
const ADDRESS: u8 = 1;

impl Caller {
    /// The caller of a request; `None` when it has neither a name nor an address: whoever cannot be told from others is not held to
    /// account for them.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        if let Some(id) = request.peer.spiffe_id() {
            return Some(Self::new(b"spiffe\0", id.as_str().to_owned()));
        }
        let name = match request.source_address?.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let network = address.to_bits() & (u128::MAX << IPV6_NETWORK);
                format!("{}/{IPV6_NETWORK}", Ipv6Addr::from_bits(network))
            }
        };
        Some(Self::new(ADDRESS_KIND, name))
    }

    fn new(kind: &[u8], name: String) -> Self {
        let mut hash = Sha256::new();
        hash.update(kind);
        hash.update(name.as_bytes());
        let mut id = half(hash);
        // The first bit says which of the two it is: see `is_address`.
        if let Some(first) = id.first_mut() {
            *first = (*first & !ADDRESS) | if kind == ADDRESS_KIND { ADDRESS } else { 0 };
        }
        Self { id: CallerId(id), name }
    }
}

impl CallerId {
    /// Whether it is an address and no verified name.
    pub(crate) const fn is_address(self) -> bool {
        let [first, ..] = self.0;
        first & ADDRESS != 0
    }

    /// The id of one stay in the penalty box, which began at `since`: 32 hexadecimal digits.
    pub(crate) fn stay(self, since: u64) -> String {
        let mut hash = Sha256::new();
        hash.update(b"stay\0");
        hash.update(self.0);
        hash.update(since.to_le_bytes());
        let digits = |byte: u8| [byte >> 4, byte & 15];
        half(hash)
            .into_iter()
            .flat_map(digits)
            .filter_map(|digit| char::from_digit(digit.into(), 16))
            .collect()
    }
}

fn half(hash: Sha256) -> [u8; 16] {
    let digest: [u8; 32] = hash.finalize().into();
    digest.first_chunk().copied().unwrap_or_default()
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use meshward_model::{Anonymous, Headers, Peer, RequestId, SpiffeId};

    fn from(peer: Peer, address: Option<&str>) -> Option<Caller> {
        let mut request = Request::new(RequestId(1), Headers::default(), peer);
        request.source_address = address.map(|address| address.parse().unwrap());
        Caller::of(&request)
    }

    fn web() -> Peer {
        Peer::Spiffe(SpiffeId::parse(b"spiffe://cluster.local/ns/shop/sa/web").unwrap())
    }

    const NOBODY: Peer = Peer::Anonymous(Anonymous::NoIdentity);

    #[test]
    fn a_verified_name_counts_more_than_an_address() {
        let caller = from(web(), Some("10.0.0.1")).unwrap();
        assert_eq!(caller.name, "spiffe://cluster.local/ns/shop/sa/web");
        assert_eq!(from(web(), Some("10.0.0.2")), Some(caller));
    }

    #[test]
    fn who_has_no_name_is_its_address_and_an_ipv6_network_is_one_caller() {
        for (address, name) in [
            ("10.0.0.1", "10.0.0.1"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ] {
            assert_eq!(from(NOBODY, Some(address)).unwrap().name, name);
        }
        assert_ne!(from(NOBODY, Some("2001:db8:1:2::1")), from(NOBODY, Some("2001:db8:1:3::1")));
    }

    #[test]
    fn who_has_neither_cannot_be_told_from_others() {
        assert_eq!(from(NOBODY, None), None);
    }

    #[test]
    fn a_stay_has_an_id_of_its_own() {
        let id = from(web(), None).unwrap().id;
        assert_eq!(id.stay(1).len(), 32);
        assert_ne!(id.stay(1), id.stay(2));
        assert_eq!(id.stay(1), id.stay(1));
    }
}
