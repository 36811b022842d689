//! Whose turn it is: rows of a balanced Latin square (Williams 1949).
//!
//! Over as many rounds as there are configurations, or twice as many where their number is odd, each takes each place and follows each
//! other one equally often: what one leaves behind in the machine meets all others alike.

/// The order of `count` configurations in a round.
pub(super) fn of(round: u32, count: usize) -> Vec<usize> {
    let round = usize::try_from(round).unwrap_or_default();
    let mut left = 0..count;
    // 0, 1, n-1, 2, n-2, …: between neighbours lies each distance once.
    let mut row: Vec<usize> = left.next().into_iter().collect();
    while let Some(next) = if row.len() % 2 == 1 { left.next() } else { left.next_back() } {
        row.push(next);
    }
    for place in &mut row {
        *place = place.saturating_add(round).checked_rem(count).unwrap_or_default();
    }
    // An odd number takes the rows backwards as well.
    let cycle = round.checked_div(count).unwrap_or_default();
    if count % 2 == 1 && cycle % 2 == 1 {
        row.reverse();
    }
    row
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::of;

    #[test]
    fn each_takes_each_place_and_follows_each_other_equally_often() {
        for count in [2_usize, 3, 6, 11, 17, 18] {
            let times = if count % 2 == 0 { 1 } else { 2 };
            let rounds = u32::try_from(count).expect("few").saturating_mul(times);
            let (mut places, mut followers) = (BTreeMap::new(), BTreeMap::new());
            for row in (0..rounds).map(|round| of(round, count)) {
                for place in row.iter().enumerate() {
                    *places.entry((place.0, *place.1)).or_insert(0) += 1;
                }
                for pair in row.iter().zip(row.iter().skip(1)) {
                    *followers.entry((*pair.0, *pair.1)).or_insert(0) += 1;
                }
            }
            assert_eq!(places.len(), count.pow(2), "{count}");
            assert_eq!(followers.len(), count.pow(2).saturating_sub(count), "{count}");
            assert!(places.values().chain(followers.values()).all(|found| *found == times), "{count}");
        }
    }
}
