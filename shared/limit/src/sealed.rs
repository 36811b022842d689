//! Bytes in shared data: any plugin of the proxy may have written them, so that they carry their version and a checksum.
//!
//! The checksum finds rubbish and other people's data. It keeps nobody out who means to forge: shared data has no owner.

/// How long the seal is, in bytes: a magic number with the layout's version in front, a checksum behind.
const MAGIC_BYTES: usize = 4;
const CHECKSUM_BYTES: usize = 8;

/// Puts `magic` in front of `body` and a checksum behind.
pub(crate) fn seal(magic: [u8; MAGIC_BYTES], body: &[u8]) -> Vec<u8> {
    let mut sealed =
        Vec::with_capacity(body.len().saturating_add(MAGIC_BYTES).saturating_add(CHECKSUM_BYTES));
    sealed.extend_from_slice(&magic);
    sealed.extend_from_slice(body);
    let sum = checksum(&sealed);
    sealed.extend_from_slice(&sum.to_le_bytes());
    sealed
}

/// What was sealed; `None` when it is of another version, or nothing of ours.
pub(crate) fn open(magic: [u8; MAGIC_BYTES], sealed: &[u8]) -> Option<&[u8]> {
    let (content, sum) = sealed.split_last_chunk::<CHECKSUM_BYTES>()?;
    let body = content.strip_prefix(&magic)?;
    (checksum(content) == u64::from_le_bytes(*sum)).then_some(body)
}

/// FNV-1a, 64 bits.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// Takes numbers off the front of bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    /// The next `count` bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    /// The next number.
    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// The next number.
    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// The next number.
    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "tests")]
    use super::*;

    const MAGIC: [u8; 4] = *b"mwt1";

    #[test]
    fn what_was_sealed_opens_again() {
        for body in [&b""[..], b"x", b"0123456789"] {
            assert_eq!(open(MAGIC, &seal(MAGIC, body)), Some(body));
        }
    }

    #[test]
    fn no_flipped_bit_and_no_cut_goes_unseen() {
        let sealed = seal(MAGIC, b"some buckets");
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut flipped = sealed.clone();
                flipped[at] ^= 1 << bit;
                assert_eq!(open(MAGIC, &flipped), None, "bit {bit} of byte {at}");
            }
            assert_eq!(open(MAGIC, &sealed[..at]), None, "cut at {at}");
        }
        assert_eq!(open(*b"mwt2", &sealed), None);
    }
}
