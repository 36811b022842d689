//! Matching on addresses: blocks in CIDR notation (RFC 4632, RFC 4291 §2.3).

use core::net::IpAddr;

use super::Field;
use crate::truth::Truth;

/// A block of addresses: those whose first `length` bits are the network's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    network: IpAddr,
    length: u8,
}

impl Block {
    /// The block that `address` is in; `None` where the address has fewer bits.
    pub fn new(address: IpAddr, length: u8) -> Option<Self> {
        (length <= bits_of(address)).then(|| Self { network: network_of(address, length), length })
    }

    /// The first address.
    pub const fn network(&self) -> IpAddr {
        self.network
    }

    /// How many bits count.
    pub const fn length(&self) -> u8 {
        self.length
    }

    /// Whether `address` is in it. An IPv6 address that holds an IPv4 address (RFC 4291 §2.5.5.2) is that one where `strict`, and as in
    /// Envoy another where not.
    fn contains(&self, address: IpAddr, strict: bool) -> bool {
        let address = if strict { address.to_canonical() } else { address };
        address.is_ipv4() == self.network.is_ipv4() && network_of(address, self.length) == self.network
    }
}

/// How many bits an address has.
const fn bits_of(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address with all but its first bits cleared.
pub(crate) fn network_of(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(four) => {
            let kept = u32::MAX.checked_shl(32_u32.saturating_sub(length.into())).unwrap_or(0);
            IpAddr::V4((four.to_bits() & kept).into())
        }
        IpAddr::V6(six) => {
            let kept = u128::MAX.checked_shl(128_u32.saturating_sub(length.into())).unwrap_or(0);
            IpAddr::V6((six.to_bits() & kept).into())
        }
    }
}

/// What the field says of `address`; one that the proxy does not tell could be any.
pub(crate) fn truth(field: &Field<Block>, address: Option<IpAddr>, strict: bool) -> Truth {
    match address {
        Some(address) => field.plain(|block| block.contains(address, strict)),
        None if strict => field.truth(|_| Truth::Maybe, |_| Truth::Maybe),
        None => field.plain(|_| false),
    }
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
