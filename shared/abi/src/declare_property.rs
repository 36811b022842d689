//! The argument of Envoy's foreign function `declare_property`: a `DeclarePropertyArguments` message (Envoy
//! `source/extensions/common/wasm/ext/declare_property.proto`).

use crate::property::Path;

/// The function's name.
pub const FUNCTION: &str = "declare_property";

/// Field 1, length-delimited: the property's name.
const NAME: u8 = 0x0a;
/// Field 2, a varint: whether it may be written once only.
const READ_ONLY: u8 = 0x10;

/// A property that the first write settles, bytes, for the life of a filter chain (the message's defaults).
pub fn read_only(path: Path) -> Vec<u8> {
    let name = path.bytes();
    // Our own names are shorter than a varint's first byte counts.
    let length = u8::try_from(name.len()).unwrap_or(u8::MAX) & 0x7f;
    let mut message = vec![NAME, length];
    message.extend(name);
    message.extend([READ_ONLY, 1]);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_names_the_property_and_makes_it_read_only() {
        assert_eq!(read_only(Path::HANDOVER), b"\x0a\x0emeshward_authn\x10\x01");
    }
}
