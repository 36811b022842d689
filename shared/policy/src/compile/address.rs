//! Blocks of addresses: `10.0.0.0/8`, `2001:db8::/32`, or one address.

use core::net::IpAddr;

use meshward_decide::matching::address::Block;
use meshward_model::Code;

use super::document::Context;
use super::values::{Wrong, wrong};

/// Reads a value of `remoteIpBlocks`. Istio's dialect passes over bits behind the block's length, as Envoy does; strict values say
/// what they mean.
pub(super) fn block(context: Context<'_>, value: &str) -> Result<Block, Wrong> {
    let (address, length) = match value.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (value, None),
    };
    let bad = || {
        wrong(
            Code::BadAddress,
            format!("`{value}` is no block of addresses"),
            "write as in `192.0.2.0/24`, `2001:db8::/32`, or one address",
        )
    };
    let Ok(address) = address.parse::<IpAddr>() else { return bad() };
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let length = match length.map(str::parse::<u8>) {
        None => whole,
        Some(Ok(parsed)) if length == Some(parsed.to_string().as_str()) => parsed,
        Some(Ok(_) | Err(_)) => return bad(),
    };
    let Some(block) = Block::new(address, length) else { return bad() };
    let plain = address.to_canonical();
    if context.strict && plain != address {
        let help = match length.checked_sub(96) {
            Some(length) => format!("write `{plain}/{length}`"),
            None => "write the IPv4 block that is meant".to_owned(),
        };
        let message = format!("`{value}` is an IPv4 address inside an IPv6 address, and is matched as IPv4");
        return wrong(Code::BadAddress, message, help);
    }
    if context.strict && block.network() != address {
        let message = format!("`{value}` has bits behind the block's {length}");
        let help = format!("write `{}/{length}`, or `{address}` for this address alone", block.network());
        return wrong(Code::BadAddress, message, help);
    }
    Ok(block)
}
