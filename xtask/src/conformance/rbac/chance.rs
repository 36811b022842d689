//! Chance that can be repeated: one seed gives the same choices on every machine.

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
pub(super) struct Chance {
    state: u64,
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl Chance {
    /// One of the many streams of a seed; they have nothing to do with each other.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut chance = Self { state: seed };
        chance.state = chance.next() ^ stream.wrapping_mul(GOLDEN);
        chance.next();
        chance
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 where there is none.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX);
        let number = self.next().checked_rem(end).unwrap_or(0);
        usize::try_from(number).unwrap_or(0)
    }

    /// A number of `from..=to`.
    pub(super) fn between(&mut self, from: usize, to: usize) -> usize {
        from.saturating_add(self.below(to.saturating_sub(from).saturating_add(1)))
    }

    /// True in so many of a hundred cases.
    pub(super) fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    /// One of these; `None` where there is none.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    /// One of these words.
    pub(super) fn word(&mut self, from: &[&'static str]) -> String {
        self.pick(from).map_or_else(String::new, |word| (*word).to_owned())
    }

    /// Another order.
    pub(super) fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            list.swap(at, self.below(at.saturating_add(1)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn a_seed_repeats_itself_and_its_streams_differ() {
        let draw = |seed, stream| {
            let mut chance = Chance::new(seed, stream);
            (0..20).map(|_| chance.below(1000)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7, 3), draw(7, 3));
        assert_ne!(draw(7, 3), draw(7, 4));
        assert_ne!(draw(7, 3), draw(8, 3));
    }

    #[test]
    fn every_number_of_a_small_range_comes_up() {
        let mut chance = Chance::new(1, 1);
        let mut seen = [false; 6];
        for _ in 0..200 {
            let number = chance.between(1, 5);
            seen.get_mut(number).into_iter().for_each(|seen| *seen = true);
        }
        assert_eq!(seen, [false, true, true, true, true, true]);
    }
}
