//! Header maps as the ABI carries them: a count, the sizes, then the strings, each with a zero behind it.

/// Puts pairs into bytes.
pub(crate) fn encode(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut out = size(pairs.len()).to_vec();
    for (name, value) in pairs {
        out.extend(size(name.len()));
        out.extend(size(value.len()));
    }
    for (name, value) in pairs {
        for part in [name, value] {
            out.extend_from_slice(part);
            out.push(0);
        }
    }
    out
}

fn size(count: usize) -> [u8; 4] {
    u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes()
}

/// Takes bytes apart; nothing when they are not as they should be. No bytes are no pairs.
pub(crate) fn decode(bytes: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let mut rest = bytes;
    let count = number(&mut rest)?;
    let mut sizes = Vec::new();
    for _ in 0..count {
        sizes.push((number(&mut rest)?, number(&mut rest)?));
    }
    let mut pairs = Vec::new();
    for (name, value) in sizes {
        pairs.push((string(&mut rest, name)?, string(&mut rest, value)?));
    }
    rest.is_empty().then_some(pairs)
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    let (four, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    usize::try_from(u32::from_le_bytes(*four)).ok()
}

fn string(rest: &mut &[u8], size: usize) -> Option<Vec<u8>> {
    let (text, after) = rest.split_at_checked(size)?;
    let (zero, after) = after.split_first()?;
    *rest = after;
    (*zero == 0).then(|| text.to_vec())
}
