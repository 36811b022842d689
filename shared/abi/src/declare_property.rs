//! The argument of Envoy's foreign function `declare_property`: a `DeclarePropertyArguments` message (Envoy
//! `source/extensions/common/wasm/ext/declare_property.proto`).

use crate::property::Path;
use crate::protobuf::field;

/// The function's name.
pub const FUNCTION: &str = "declare_property";

/// Field 2, a varint: whether it may be written once only.
const READ_ONLY: u8 = 0x10;

/// A property that the first write settles, bytes, for the life of a filter chain (the message's defaults).
pub fn read_only(path: Path) -> Vec<u8> {
    let mut message = Vec::new();
    // The property's name.
    field(&mut message, 1, path.bytes());
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
