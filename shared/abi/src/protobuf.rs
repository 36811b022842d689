//! What little of protobuf the proxy's messages take: length-delimited fields, written; fields of any kind, walked over.

/// The bit that says that another byte follows.
const CONTINUES: u8 = 0x80;
const SEVEN_BITS: u32 = 7;
/// The wire type of strings, bytes and messages.
const LENGTH_DELIMITED: u8 = 2;

/// Writes a string, bytes or a message as field `number` (1 to 15).
pub(crate) fn field(message: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    message.push((number << 3) | LENGTH_DELIMITED);
    let mut rest = bytes.len();
    loop {
        let low = u8::try_from(rest & 0x7f).unwrap_or_default();
        rest >>= SEVEN_BITS;
        if rest == 0 {
            message.push(low);
            break;
        }
        message.push(low | CONTINUES);
    }
    message.extend_from_slice(bytes);
}

/// A field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// A number or a boolean.
    Number(u64),
    /// A string, bytes or a message.
    Bytes(&'a [u8]),
}

/// Takes the next field off `rest`; `None` when there is none, or no such thing.
pub(crate) fn next<'a>(rest: &mut &'a [u8]) -> Option<(u64, Value<'a>)> {
    let key = varint(rest)?;
    let value = match key & 7 {
        0 => Value::Number(varint(rest)?),
        2 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            let (bytes, after) = rest.split_at_checked(length)?;
            *rest = after;
            Value::Bytes(bytes)
        }
        _ => return None,
    };
    Some((key >> 3, value))
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & !CONTINUES).checked_shl(shift)?;
        if byte & CONTINUES == 0 {
            return Some(value);
        }
    }
    None
}
