//! Chance that comes out alike each time: variations of inputs, for tests without an engine.

/// A number that looks like no other number's (the last step of splitmix64).
pub const fn mixed(number: u64) -> u64 {
    let mut word = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// Bytes that look like chance.
pub fn bytes(seed: u64, length: usize) -> Vec<u8> {
    (0_u64..).map(|at| mixed(seed ^ at.rotate_left(32))).flat_map(u64::to_le_bytes).take(length).collect()
}

/// A variation of `input`: up to four bytes replaced, taken out or put in, or a piece of `other` put in.
pub fn vary(input: &[u8], other: &[u8], seed: u64) -> Vec<u8> {
    let mut varied = input.to_vec();
    let times = mixed(seed) & 3;
    for step in 0..=times {
        let [what, byte, ..] = mixed(seed ^ (step.wrapping_add(1) << 32)).to_le_bytes();
        let at = place(mixed(seed.wrapping_add(step)), varied.len());
        match what & 7 {
            0 | 1 => {
                if let Some(old) = varied.get_mut(at) {
                    *old = byte;
                }
            }
            2 => {
                if let Some(old) = varied.get_mut(at) {
                    *old ^= 1 << (byte & 7);
                }
            }
            3 => varied.truncate(at),
            4 if at < varied.len() => {
                varied.remove(at);
            }
            5 => {
                let from = place(mixed(seed ^ 77), other.len());
                let piece: Vec<u8> = other.iter().skip(from).take(usize::from(byte & 31)).copied().collect();
                varied.splice(at..at, piece);
            }
            _ => varied.insert(at, byte),
        }
    }
    varied
}

/// A place in something of this length, its end included.
fn place(chance: u64, length: usize) -> usize {
    usize::try_from(chance).unwrap_or_default().checked_rem(length.saturating_add(1)).unwrap_or_default()
}
