//! As much of protobuf's encoding as foreign functions and gRPC targets need.

/// A field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    /// A variable-length or fixed-size number.
    Number(u64),
    /// Bytes, text or a message.
    Bytes(&'a [u8]),
}

/// All fields of a message with their numbers, in order; `None` when it is no message.
pub(crate) fn fields(bytes: &[u8]) -> Option<Vec<(u64, Field<'_>)>> {
    let mut rest = bytes;
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        let number = key >> 3;
        if number == 0 {
            return None;
        }
        let field = match key & 7 {
            0 => Field::Number(varint(&mut rest)?),
            1 => Field::Number(u64::from_le_bytes(*chunk::<8>(&mut rest)?)),
            2 => {
                let size = usize::try_from(varint(&mut rest)?).ok()?;
                let (value, more) = rest.split_at_checked(size)?;
                rest = more;
                Field::Bytes(value)
            }
            5 => Field::Number(u64::from(u32::from_le_bytes(*chunk::<4>(&mut rest)?))),
            _ => return None,
        };
        fields.push((number, field));
    }
    Some(fields)
}

/// The last value of a field that holds bytes.
pub(crate) fn bytes<'a>(fields: &[(u64, Field<'a>)], number: u64) -> Option<&'a [u8]> {
    fields.iter().rev().find_map(|(known, field)| match field {
        Field::Bytes(value) if *known == number => Some(*value),
        Field::Bytes(_) | Field::Number(_) => None,
    })
}

/// The last value of a field that holds a number; 0 when it is not there.
pub(crate) fn number(fields: &[(u64, Field<'_>)], number: u64) -> u64 {
    let found = fields.iter().rev().find_map(|(known, field)| match field {
        Field::Number(value) if *known == number => Some(*value),
        Field::Bytes(_) | Field::Number(_) => None,
    });
    found.unwrap_or_default()
}

/// Writes a field that holds bytes.
pub(crate) fn write_bytes(into: &mut Vec<u8>, number: u64, value: &[u8]) {
    write_varint(into, (number << 3) | 2);
    write_varint(into, u64::try_from(value.len()).unwrap_or(u64::MAX));
    into.extend_from_slice(value);
}

/// Writes a field that holds a number.
pub(crate) fn write_number(into: &mut Vec<u8>, number: u64, value: u64) {
    write_varint(into, number << 3);
    write_varint(into, value);
}

fn write_varint(into: &mut Vec<u8>, value: u64) {
    let mut rest = value;
    loop {
        let low = u8::try_from(rest & 0x7f).unwrap_or_default();
        rest >>= 7;
        if rest == 0 {
            into.push(low);
            return;
        }
        into.push(low | 0x80);
    }
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, more) = rest.split_first()?;
        *rest = more;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn chunk<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (chunk, more) = rest.split_first_chunk::<N>()?;
    *rest = more;
    Some(chunk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut message = Vec::new();
        write_bytes(&mut message, 1, b"key");
        write_number(&mut message, 300, u64::MAX);
        let fields = fields(&message).unwrap_or_default();
        assert_eq!(bytes(&fields, 1), Some(&b"key"[..]));
        assert_eq!(number(&fields, 300), u64::MAX);
        assert_eq!((bytes(&fields, 2), number(&fields, 2)), (None, 0));
    }

    #[test]
    fn a_cluster_name_is_no_message() {
        assert!(fields(b"asking").is_none());
        assert!(fields(b"\x0a\x05ab").is_none());
    }
}
