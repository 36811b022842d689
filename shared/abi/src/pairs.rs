//! The proxy-wasm encoding of a list of (name, value) pairs.
//!
//! `u32` count, then per pair `u32` name length and `u32` value length, then per pair the name, a zero byte, the value, a zero
//! byte; all numbers little-endian. An empty buffer is an empty list.

use meshward_model::{Headers, HeadersBuilder};

use crate::AbiError;

/// The most pairs that are read of one map. Envoy's own limit on headers is 100 unless it is raised.
pub const MAX_PAIRS: usize = 16_384;

const COUNT_BYTES: usize = 4;
const SIZES_BYTES: usize = 8;

/// Takes over an encoded header map.
///
/// # Errors
/// [`AbiError::Truncated`] when a length points outside the buffer, [`AbiError::TooManyPairs`] over [`MAX_PAIRS`].
pub fn decode(bytes: Vec<u8>) -> Result<Headers, AbiError> {
    if bytes.is_empty() {
        return Ok(Headers::default());
    }
    let count = read_u32(&bytes, 0)?;
    if count > MAX_PAIRS {
        return Err(AbiError::TooManyPairs);
    }
    let sizes_end = count
        .checked_mul(SIZES_BYTES)
        .and_then(|sizes| sizes.checked_add(COUNT_BYTES))
        .ok_or(AbiError::Truncated)?;
    let sizes = bytes.get(COUNT_BYTES..sizes_end).ok_or(AbiError::Truncated)?;
    let mut at = sizes_end;
    let mut ranges = Vec::with_capacity(count);
    for pair in sizes.chunks_exact(SIZES_BYTES) {
        let name_end = at.checked_add(read_u32(pair, 0)?).ok_or(AbiError::Truncated)?;
        let value_start = name_end.checked_add(1).ok_or(AbiError::Truncated)?;
        let value_end = value_start.checked_add(read_u32(pair, COUNT_BYTES)?).ok_or(AbiError::Truncated)?;
        ranges.push((at..name_end, value_start..value_end));
        at = value_end.checked_add(1).ok_or(AbiError::Truncated)?;
    }
    if at > bytes.len() {
        return Err(AbiError::Truncated);
    }
    HeadersBuilder::from_ranges(bytes, ranges).ok_or(AbiError::Truncated)
}

/// Encodes pairs for the host.
///
/// # Errors
/// [`AbiError::TooManyPairs`] over [`MAX_PAIRS`], [`AbiError::Number`] when a name or value is 4 GiB or longer.
pub fn encode(pairs: &[(&[u8], &[u8])]) -> Result<Vec<u8>, AbiError> {
    if pairs.len() > MAX_PAIRS {
        return Err(AbiError::TooManyPairs);
    }
    let mut bytes = Vec::new();
    bytes.extend(length(pairs.len())?);
    for (name, value) in pairs {
        bytes.extend(length(name.len())?);
        bytes.extend(length(value.len())?);
    }
    for (name, value) in pairs {
        bytes.extend_from_slice(name);
        bytes.push(0);
        bytes.extend_from_slice(value);
        bytes.push(0);
    }
    Ok(bytes)
}

fn length(len: usize) -> Result<[u8; 4], AbiError> {
    u32::try_from(len).map(u32::to_le_bytes).map_err(|_| AbiError::Number)
}

fn read_u32(bytes: &[u8], at: usize) -> Result<usize, AbiError> {
    let word = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()).ok_or(AbiError::Truncated)?;
    usize::try_from(u32::from_le_bytes(*word)).map_err(|_| AbiError::Truncated)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn what_is_encoded_decodes_to_itself() {
        let pairs: [(&[u8], &[u8]); 3] = [(b":path", b"/a"), (b"x", b"\xff\x00"), (b"x", b"")];
        let headers = decode(encode(&pairs).unwrap()).unwrap();
        assert_eq!(headers.iter().collect::<Vec<_>>(), pairs);
    }

    #[test]
    fn the_bytes_are_those_of_the_specification() {
        let bytes = encode(&[(b"ab", b"c")]).unwrap();
        assert_eq!(bytes, [1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, b'a', b'b', 0, b'c', 0]);
    }

    #[test]
    fn an_empty_buffer_is_an_empty_map() {
        assert!(decode(Vec::new()).unwrap().is_empty());
    }

    #[test]
    fn every_cut_of_a_good_buffer_is_truncated() {
        let bytes = encode(&[(b"name", b"value"), (b"x", b"y")]).unwrap();
        for cut in 1..bytes.len() {
            let short = bytes.get(..cut).unwrap().to_vec();
            assert_eq!(decode(short), Err(AbiError::Truncated), "cut at {cut}");
        }
    }

    #[test]
    fn a_count_or_a_length_that_lies_is_refused() {
        assert_eq!(decode(vec![0xff; 4]), Err(AbiError::TooManyPairs));
        let mut bytes = encode(&[(b"a", b"b")]).unwrap();
        if let Some(byte) = bytes.get_mut(7) {
            *byte = 0xff;
        }
        assert_eq!(decode(bytes), Err(AbiError::Truncated));
        assert_eq!(decode(vec![1, 0]), Err(AbiError::Truncated));
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = decode(bytes);
        }
    }
}
