//! What is kept, and what makes room.

use super::*;
use crate::key::Public;

fn verified(issuer: usize, bytes: usize) -> Verified {
    let key = Key { name: None, public: Public::Ed25519(vec![u8::try_from(issuer).unwrap_or_default()]) };
    let token = Token { issuer: String::new(), subject: None, claims: Vec::new() };
    let times = Times { expires: 0, not_before: None };
    Verified { issuer, key: Arc::new(key), times, bytes, token: Arc::new(token) }
}

fn print(number: usize) -> Print {
    let mut print = [0; 32];
    for (byte, of) in print.iter_mut().zip(number.to_be_bytes()) {
        *byte = of;
    }
    print
}

/// The parts say the same of each other.
fn is_sound(cache: &Cache) -> bool {
    let bytes: usize = cache.tokens.values().map(|verified| verified.bytes).sum();
    let ordered = cache.order.iter().all(|print| cache.tokens.contains_key(print));
    ordered && cache.order.len() == cache.tokens.len() && bytes == cache.bytes && bytes <= MAX_BYTES
}

#[test]
fn the_oldest_tokens_make_room_by_number_and_by_size() {
    let mut cache = Cache::default();
    for number in 0..2000 {
        cache.put(print(number), verified(0, 10));
        assert!(is_sound(&cache));
    }
    assert_eq!(cache.tokens.len(), MAX_TOKENS);
    assert!(cache.get(&print(975)).is_none() && cache.get(&print(976)).is_some());
    for number in 0..200 {
        cache.put(print(5000 + number), verified(0, 8192));
        assert!(is_sound(&cache));
    }
    assert_eq!(cache.tokens.len(), 128);
}

#[test]
fn a_token_that_is_put_twice_is_there_once() {
    let mut cache = Cache::default();
    for bytes in [10, 20, 30] {
        cache.put(print(1), verified(0, bytes));
        assert!(is_sound(&cache));
    }
    assert_eq!((cache.tokens.len(), cache.bytes), (1, 30));
    cache.remove(&print(1));
    cache.remove(&print(1));
    assert!(is_sound(&cache) && cache.tokens.is_empty());
}

#[test]
fn what_is_not_to_be_kept_goes() {
    let mut cache = Cache::default();
    for number in 0..100 {
        cache.put(print(number), verified(number % 2, number));
    }
    cache.retain(|verified| verified.issuer == 1);
    assert!(is_sound(&cache));
    assert_eq!(cache.tokens.len(), 50);
    assert!(cache.get(&print(2)).is_none() && cache.get(&print(3)).is_some());
}
