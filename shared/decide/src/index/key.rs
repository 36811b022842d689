//! Keys: what a rule is filed under, and what a request is looked up by. A key is a hash; two things with one key cost a look at
//! a rule that does not match, never a verdict.

use core::net::IpAddr;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// What a key speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// The whole path.
    Path,
    /// A path's beginning.
    PathPrefix,
    /// A path's end.
    PathSuffix,
    /// One segment of a path, with its place.
    PathSegment,
    /// The whole host, in lower case.
    Host,
    /// A host's beginning.
    HostPrefix,
    /// A host's end.
    HostSuffix,
    /// The whole SPIFFE ID.
    Principal,
    /// A SPIFFE ID's beginning.
    PrincipalPrefix,
    /// A SPIFFE ID's end.
    PrincipalSuffix,
    /// What stands behind a segment `ns`.
    Namespace,
    /// What stands behind a segment `ns`, and what behind a later segment `sa`.
    Account,
    /// The trust domain.
    TrustDomain,
    /// A header's name and value.
    Header,
    /// A token's issuer.
    Issuer,
    /// A token's issuer and subject.
    RequestPrincipal,
    /// The names that lead to a claim, and a string that it is or holds.
    Claim,
    /// A block of addresses.
    Block,
}

/// How many kinds there are.
pub(super) const KINDS: usize = Kind::Block as usize + 1;

/// The kinds that speak of the caller's name.
pub(super) const CALLERS: &[Kind] = &[
    Kind::Principal,
    Kind::PrincipalPrefix,
    Kind::PrincipalSuffix,
    Kind::Namespace,
    Kind::Account,
    Kind::TrustDomain,
];

/// A key.
pub(super) type Key = u64;

/// A running hash (FNV-1a), which gives a key at any point: the beginnings of a text cost one walk over it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Running(u64);

impl Running {
    /// Of nothing yet.
    pub(super) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// With one more byte.
    pub(super) const fn byte(self, byte: u8) -> Self {
        Self((self.0 ^ byte as u64).wrapping_mul(0x0000_0100_0000_01b3))
    }

    /// With more bytes.
    pub(super) fn bytes<'b>(self, bytes: impl IntoIterator<Item = &'b u8>) -> Self {
        bytes.into_iter().fold(self, |running, byte| running.byte(*byte))
    }

    /// The key of what has been read, as a `kind`. Every bit of it depends on every bit before, since the map takes it as it is.
    pub(super) const fn key(self, kind: Kind) -> Key {
        let mixed = self.byte(kind as u8).0;
        let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 29)
    }
}

/// The key of `text`, whole.
pub(super) fn whole(kind: Kind, text: &[u8]) -> Key {
    Running::new().bytes(text).key(kind)
}

/// The key of `text`, which is read from its end.
pub(super) fn backwards(kind: Kind, text: &[u8]) -> Key {
    Running::new().bytes(text.iter().rev()).key(kind)
}

/// The key of the segment that stands at `place` of a path.
pub(super) fn segment(place: usize, text: &[u8]) -> Key {
    #[expect(clippy::cast_possible_truncation, reason = "places 256 apart may share a key")]
    let place = place as u8;
    Running::new().byte(place).bytes(text).key(Kind::PathSegment)
}

/// The key of two texts, of which the first holds no NUL byte.
pub(super) fn both(kind: Kind, first: &[u8], second: &[u8]) -> Key {
    Running::new().bytes(first).byte(0).bytes(second).key(kind)
}

/// The key of a claim, which these names lead to, and a string.
pub(super) fn claim(path: &[Box<str>], text: &[u8]) -> Key {
    let named = path.iter().fold(Running::new(), |running, name| running.bytes(name.as_bytes()).byte(0));
    named.bytes(text).key(Kind::Claim)
}

/// A block's size: how many bits count, told apart by how many there are.
pub(super) fn block_size(network: IpAddr, length: u8) -> usize {
    usize::from(length).saturating_add(if network.is_ipv6() { FIRST_OF_SIX } else { 0 })
}

/// How many bits of an address count in blocks of this size; `None` where there are none of its kind.
pub(super) fn block_length(address: IpAddr, size: usize) -> Option<u8> {
    let length = if address.is_ipv6() { size.checked_sub(FIRST_OF_SIX)? } else { size };
    u8::try_from(length).ok().filter(|length| address.is_ipv6() || *length <= 32)
}

/// The least size of an IPv6 block: the greatest of an IPv4 block is 32.
const FIRST_OF_SIX: usize = 33;

/// The key of a block.
pub(super) fn block(network: IpAddr, size: usize) -> Key {
    #[expect(clippy::cast_possible_truncation, reason = "33 and 128 are the most there is")]
    let running = Running::new().byte(size as u8);
    match network {
        IpAddr::V4(four) => running.bytes(&four.octets()),
        IpAddr::V6(six) => running.bytes(&six.octets()),
    }
    .key(Kind::Block)
}

/// The key of two keys of different dimensions, the lower dimension's first.
pub(super) const fn pair(first: Key, second: Key) -> Key {
    let mixed = (first.rotate_left(23) ^ second).wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed ^ (mixed >> 32)
}

/// A map by keys, which are hashes already.
pub(super) type ByKey<V> = HashMap<Key, V, BuildHasherDefault<AsItIs>>;

/// Takes a key for its own hash.
#[derive(Default)]
pub(super) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = Running(self.0).bytes(bytes).0;
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}
