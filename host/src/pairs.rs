//! Header maps as bytes, on the host's side of the boundary.
//!
//! A number of pairs, the lengths of every name and value, then names and values, each followed by a zero byte; all numbers are
//! 32-bit little-endian (cpp-host `src/pairs_util.cc`, `PairsUtil`).

use crate::Headers;

/// The longest map that a plugin may hand over, in bytes (cpp-host `limits.h`, `PROXY_WASM_HOST_PAIRS_MAX_BYTES`).
const MAX_BYTES: usize = 1_048_576;
/// The most pairs that a plugin may hand over (cpp-host `limits.h`, `PROXY_WASM_HOST_PAIRS_MAX_COUNT`).
const MAX_PAIRS: u32 = 1024;

/// Writes pairs (`PairsUtil::marshalPairs`).
pub(crate) fn encode<N: AsRef<[u8]>, V: AsRef<[u8]>>(pairs: &[(N, V)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&length(pairs.len()));
    for (name, value) in pairs {
        bytes.extend_from_slice(&length(name.as_ref().len()));
        bytes.extend_from_slice(&length(value.as_ref().len()));
    }
    for (name, value) in pairs {
        for part in [name.as_ref(), value.as_ref()] {
            bytes.extend_from_slice(part);
            bytes.push(0);
        }
    }
    bytes
}

/// Reads what a plugin hands over; whatever is wrong with it, nothing comes of it (`PairsUtil::toPairs`).
pub(crate) fn decode(bytes: &[u8]) -> Headers {
    checked(bytes).unwrap_or_default()
}

fn checked(bytes: &[u8]) -> Option<Headers> {
    if bytes.len() > MAX_BYTES {
        return None;
    }
    let mut rest = bytes;
    let count = number(&mut rest)?;
    if count > MAX_PAIRS {
        return None;
    }
    let mut sizes = Vec::new();
    for _ in 0..count {
        sizes.push((number(&mut rest)?, number(&mut rest)?));
    }
    let mut pairs = Vec::new();
    for (name, value) in sizes {
        pairs.push((text(&mut rest, name)?, text(&mut rest, value)?));
    }
    rest.is_empty().then_some(pairs)
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (number, more) = rest.split_first_chunk::<4>()?;
    *rest = more;
    Some(u32::from_le_bytes(*number))
}

fn text(rest: &mut &[u8], size: u32) -> Option<Vec<u8>> {
    let (text, more) = rest.split_at_checked(usize::try_from(size).ok()?)?;
    let (end, more) = more.split_first()?;
    *rest = more;
    (*end == 0).then(|| text.to_vec())
}

fn length(size: usize) -> [u8; 4] {
    u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let pairs = vec![(b"a".to_vec(), b"".to_vec()), (b"".to_vec(), b"\x80\xff".to_vec())];
        assert_eq!(decode(&encode(&pairs)), pairs);
        assert_eq!(encode::<Vec<u8>, Vec<u8>>(&[]), [0, 0, 0, 0]);
    }

    #[test]
    fn anything_wrong_makes_it_empty() {
        let good = encode(&[("a", "b")]);
        for cut in 0..good.len() {
            assert!(decode(good.get(..cut).unwrap_or_default()).is_empty(), "cut at {cut}");
        }
        let mut long = good.clone();
        long.push(0);
        assert!(decode(&long).is_empty());
        let many: Vec<(String, String)> = (0..1025).map(|n| (n.to_string(), String::new())).collect();
        assert!(decode(&encode(&many)).is_empty());
        assert_eq!(decode(&encode(many.get(..1024).unwrap_or_default())).len(), 1024);
    }
}
