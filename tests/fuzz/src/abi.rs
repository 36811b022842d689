//! The proxy-wasm boundary, as bytes from a host.

use meshward_abi::pairs::{MAX_PAIRS, decode, encode};
use meshward_abi::property::{boolean, port};
use meshward_abi::verify_signature::{Arguments, result};
use meshward_abi::{AbiError, grpc_service};
use meshward_model::{Headers, NotSingle};

/// Holds one input to the properties.
pub fn body(bytes: &[u8]) {
    is_the_map_that_was_meant(bytes);
    comes_back(bytes);
    assert_eq!(port(bytes).ok(), expected_port(bytes), "{bytes:?}");
    assert_eq!(boolean(bytes).ok(), [false, true].into_iter().find(|flag| bytes == [u8::from(*flag)]));
    assert_eq!(result(bytes).ok(), expected_result(bytes), "{bytes:?}");
    messages_say_what_they_are_given(bytes);
}

type Pair = (Vec<u8>, Vec<u8>);

/// The map as the specification tells it, pair by pair.
fn expected_pairs(bytes: &[u8]) -> Option<Vec<Pair>> {
    let mut sizes = bytes;
    let number = |sizes: &mut &[u8]| {
        let (word, rest) = sizes.split_first_chunk::<4>()?;
        *sizes = rest;
        usize::try_from(u32::from_le_bytes(*word)).ok()
    };
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let count = number(&mut sizes).filter(|count| *count <= MAX_PAIRS)?;
    let mut lengths = Vec::new();
    for _ in 0..count {
        lengths.push((number(&mut sizes)?, number(&mut sizes)?));
    }
    let mut texts = sizes;
    let mut text = |length: usize| {
        let (text, rest) = texts.split_at_checked(length)?;
        // One byte ends it, whichever it is.
        texts = rest.get(1..)?;
        Some(text.to_vec())
    };
    lengths.into_iter().map(|(name, value)| Some((text(name)?, text(value)?))).collect()
}

fn is_the_map_that_was_meant(bytes: &[u8]) {
    let read = decode(bytes.to_vec());
    let expected = expected_pairs(bytes);
    let pairs = |headers: &Headers| -> Vec<Pair> {
        headers.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
    };
    assert_eq!(read.as_ref().ok().map(pairs), expected);
    let Ok(headers) = read else { return };
    is_looked_up_as_it_is_listed(&headers);
    let listed: Vec<(&[u8], &[u8])> = headers.iter().collect();
    let Ok(written) = encode(&listed) else { unreachable!("what was read is not too long to be written") };
    assert_eq!(
        decode(written.clone()).as_ref().ok().map(pairs),
        expected,
        "what is written is not read again"
    );
    assert!(written.len() <= bytes.len().max(4), "more is written than was read");
    every_cut_is_refused(&written);
}

/// A good map without its end, wherever it is cut; of long ones, some cuts.
fn every_cut_is_refused(written: &[u8]) {
    let step = written.len().div_ceil(64).max(1);
    for cut in (1..written.len()).step_by(step).chain(written.len().checked_sub(1).filter(|cut| *cut > 0)) {
        let short = written.get(..cut).unwrap_or_default().to_vec();
        assert_eq!(decode(short), Err(AbiError::Truncated), "cut at {cut}");
    }
}

fn is_looked_up_as_it_is_listed(headers: &Headers) {
    let all = |name: &[u8]| -> Vec<Vec<u8>> {
        headers.iter().filter(|(known, _)| *known == name).map(|(_, value)| value.to_vec()).collect()
    };
    let names: Vec<Vec<u8>> = headers.iter().map(|(name, _)| name.to_vec()).collect();
    assert_eq!((names.len(), names.is_empty()), (headers.len(), headers.is_empty()));
    let pseudo = [&b":method"[..], b":path", b":authority"];
    for name in names.iter().map(Vec::as_slice).take(32).chain(pseudo) {
        let listed = all(name);
        assert_eq!(headers.all(name).map(<[u8]>::to_vec).collect::<Vec<_>>(), listed);
        let single = match listed.as_slice() {
            [] => Err(NotSingle::Missing),
            [one] => Ok(one.as_slice()),
            [_, _, ..] => Err(NotSingle::Repeated),
        };
        assert_eq!(headers.single(name), single);
        match name {
            b":method" => assert_eq!(headers.method(), single),
            b":path" => assert_eq!(headers.path(), single),
            b":authority" => assert_eq!(headers.authority(), single),
            _ => {}
        }
    }
}

/// Pairs made of the bytes: what is written is read as it was.
fn comes_back(bytes: &[u8]) {
    let pieces: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').take(200).collect();
    let pairs: Vec<(&[u8], &[u8])> =
        pieces.chunks_exact(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?))).collect();
    let Ok(written) = encode(&pairs) else { unreachable!("two hundred pairs are not too many") };
    match decode(written.clone()) {
        Ok(headers) => assert_eq!(headers.iter().collect::<Vec<_>>(), pairs),
        Err(error) => unreachable!("what was written is refused: {error}"),
    }
    every_cut_is_refused(&written);
}

fn expected_port(bytes: &[u8]) -> Option<u16> {
    let number = u64::from_le_bytes(*bytes.first_chunk::<8>().filter(|_| bytes.len() == 8)?);
    u16::try_from(number).ok()
}

/// A field of a protobuf message: its number, and its value as a number or as bytes.
type Field<'a> = (u128, Result<u128, &'a [u8]>);

/// A protobuf message whose fields are varints and bytes, by the encoding's specification.
fn fields(mut rest: &[u8]) -> Option<Vec<Field<'_>>> {
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        let value = match key & 7 {
            0 => Ok(varint(&mut rest)?),
            2 => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                let (bytes, after) = rest.split_at_checked(length)?;
                rest = after;
                Err(bytes)
            }
            _ => return None,
        };
        fields.push((key >> 3, value));
    }
    Some(fields)
}

/// Up to ten bytes, of which 64 bits count.
fn varint(rest: &mut &[u8]) -> Option<u128> {
    let length = rest.iter().take(10).position(|byte| *byte < 0x80)?.checked_add(1)?;
    let (bytes, after) = rest.split_at_checked(length)?;
    *rest = after;
    let value = bytes.iter().rev().fold(0_u128, |value, byte| (value << 7) | u128::from(*byte & 0x7f));
    Some(value & u128::from(u64::MAX))
}

fn expected_result(bytes: &[u8]) -> Option<bool> {
    let fields = fields(bytes)?;
    let known = fields.iter().all(|field| matches!(field, (1, Ok(0 | 1)) | (2, Err(_))));
    known.then(|| fields.iter().rfind(|(number, _)| *number == 1).is_some_and(|(_, value)| *value == Ok(1)))
}

fn messages_say_what_they_are_given(bytes: &[u8]) {
    let (key, text) = bytes.split_at_checked(bytes.len() / 2).unwrap_or_default();
    let hash = core::str::from_utf8(key).unwrap_or("sha256");
    let written = Arguments { hash, public_key: key, signature: text, text: bytes }.encode();
    let expected = vec![(1, Err(hash.as_bytes())), (2, Err(key)), (3, Err(text)), (4, Err(bytes))];
    assert_eq!(fields(&written), Some(expected));
    let service = grpc_service::of_cluster(hash);
    let inner = fields(&service).and_then(|outer| match outer.as_slice() {
        [(1, Err(inner))] => fields(inner),
        _ => None,
    });
    assert_eq!(inner, Some(vec![(1, Err(hash.as_bytes()))]));
}
