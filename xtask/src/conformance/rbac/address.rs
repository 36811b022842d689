//! IP addresses and blocks of them, as policies write them, and addresses inside and just outside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::chance::Chance;

/// A block around this address, now and then written with bits that do not count.
pub(super) fn block(address: &str, chance: &mut Chance) -> String {
    let lengths: &[u8] = if address.contains(':') {
        &[0, 16, 32, 33, 64, 127, 128]
    } else {
        &[0, 8, 9, 16, 23, 24, 25, 31, 32]
    };
    let length = chance.pick(lengths).copied().unwrap_or(24);
    let Ok(parsed) = address.parse::<IpAddr>() else { return address.to_owned() };
    let (first, _) = ends(parsed, length);
    if chance.percent(30) { format!("{address}/{length}") } else { format!("{first}/{length}") }
}

/// An address of a block (or of a single address): its first, its last, or what it was written with.
pub(super) fn inside(value: &str, chance: &mut Chance) -> String {
    let (address, length) = value.split_once('/').unwrap_or((value, "128"));
    let (Ok(address), Ok(length)) = (address.parse::<IpAddr>(), length.parse::<u8>()) else {
        return value.to_owned();
    };
    let (first, last) = ends(address, length);
    chance.pick(&[first, last, address]).map_or_else(String::new, IpAddr::to_string)
}

/// The address before or behind, or another one that looks alike.
pub(super) fn beside(address: &str, chance: &mut Chance) -> String {
    let step = chance.pick(&[1, 255, 256, 65_536]).copied().unwrap_or(1_u32);
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) if chance.percent(10) => format!("::ffff:{address}"),
        Ok(IpAddr::V4(address)) => {
            let number = u32::from(address);
            let moved =
                if chance.percent(50) { number.wrapping_add(step) } else { number.wrapping_sub(step) };
            Ipv4Addr::from(moved).to_string()
        }
        Ok(IpAddr::V6(address)) => {
            let (number, step) = (u128::from(address), u128::from(step));
            let moved =
                if chance.percent(50) { number.wrapping_add(step) } else { number.wrapping_sub(step) };
            Ipv6Addr::from(moved).to_string()
        }
        Err(_) => address.to_owned(),
    }
}

/// The first and the last address of a block.
fn ends(address: IpAddr, length: u8) -> (IpAddr, IpAddr) {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(length.into())).unwrap_or(0);
            let number = u32::from(address);
            (IpAddr::V4(Ipv4Addr::from(number & mask)), IpAddr::V4(Ipv4Addr::from(number | !mask)))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(length.into())).unwrap_or(0);
            let number = u128::from(address);
            (IpAddr::V6(Ipv6Addr::from(number & mask)), IpAddr::V6(Ipv6Addr::from(number | !mask)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Chance, beside, ends, inside};

    #[test]
    fn a_block_ends_where_its_bits_end() {
        let of = |address: &str, length| {
            let (first, last) = ends(address.parse().expect("an address"), length);
            format!("{first} {last}")
        };
        assert_eq!(of("10.1.2.3", 8), "10.0.0.0 10.255.255.255");
        assert_eq!(of("10.1.2.3", 32), "10.1.2.3 10.1.2.3");
        assert_eq!(of("10.1.2.3", 0), "0.0.0.0 255.255.255.255");
        assert_eq!(of("2001:db8::1", 127), "2001:db8:: 2001:db8::1");
    }

    #[test]
    fn what_is_beside_is_another_address() {
        let mut chance = Chance::new(1, 1);
        for _ in 0..100 {
            assert_ne!(beside("10.0.0.1", &mut chance), "10.0.0.1");
            let inside = inside("10.1.0.0/16", &mut chance);
            assert!(inside.starts_with("10.1."), "{inside}");
        }
    }
}
