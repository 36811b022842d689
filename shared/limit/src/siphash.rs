//! SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF") over whole slices.
//!
//! The standard library has it for hash maps, as a hasher that takes its input in pieces of any length; over a key that lies there
//! whole it is one loop, and a request runs through an eighth of the code.

/// A hash that nobody can aim at who does not know the seed, which is hashed before the bytes.
pub(crate) fn of(seed: u64, bytes: &[u8]) -> u64 {
    let mut state =
        State([0x736f_6d65_7073_6575, 0x646f_7261_6e64_6f6d, 0x6c79_6765_6e65_7261, 0x7465_6462_7974_6573]);
    let (mut word, mut rest) = (seed, bytes);
    loop {
        state.take(word);
        let Some((next, more)) = rest.split_first_chunk::<8>() else { break };
        (word, rest) = (u64::from_le_bytes(*next), more);
    }
    // The last word holds what is left, and in its upper byte how much there was, of which only the lowest byte counts.
    let len = u64::try_from(bytes.len()).unwrap_or_default().wrapping_add(8) << 56;
    state.take(rest.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte)) | len);
    state.finish()
}

struct State([u64; 4]);

impl State {
    fn take(&mut self, word: u64) {
        let [a, b, c, d] = self.0;
        self.0 = [a, b, c, d ^ word];
        self.round();
        let [a, b, c, d] = self.0;
        self.0 = [a ^ word, b, c, d];
    }

    fn finish(mut self) -> u64 {
        let [a, b, c, d] = self.0;
        self.0 = [a, b, c ^ 0xff, d];
        for _ in 0..3 {
            self.round();
        }
        let [a, b, c, d] = self.0;
        a ^ b ^ c ^ d
    }

    fn round(&mut self) {
        let [mut a, mut b, mut c, mut d] = self.0;
        a = a.wrapping_add(b);
        b = b.rotate_left(13) ^ a;
        a = a.rotate_left(32);
        c = c.wrapping_add(d);
        d = d.rotate_left(16) ^ c;
        a = a.wrapping_add(d);
        d = d.rotate_left(21) ^ a;
        c = c.wrapping_add(b);
        b = b.rotate_left(17) ^ c;
        c = c.rotate_left(32);
        self.0 = [a, b, c, d];
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use core::hash::Hasher;
    use std::hash::DefaultHasher;

    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_what_the_standard_library_hashes(seed: u64, bytes: Vec<u8>) {
            let mut hasher = DefaultHasher::new();
            hasher.write_u64(seed);
            hasher.write(&bytes);
            prop_assert_eq!(of(seed, &bytes), hasher.finish());
        }
    }
}
