//! What is kept, and what makes room.

use super::*;
use crate::key::Public;
use meshward_model::Written;

fn verified(issuer: usize, bytes: usize) -> Verified {
    let key = Key { name: None, public: Public::Ed25519(vec![u8::try_from(issuer).unwrap_or_default()]) };
    let token =
        Token { issuer: String::new(), subject: None, claims: Vec::new(), written: Written::default() };
    let times = Times { expires: 0, not_before: None };
    let sent = vec![b'x'; bytes].into_boxed_slice();
    Verified { issuer, key: Arc::new(key), times, sent, token: Arc::new(token) }
}

fn print(number: usize) -> Print {
    Print(u64::try_from(number).unwrap_or_default())
}

fn has(cache: &Cache, number: usize, bytes: usize) -> bool {
    cache.get(print(number), &vec![b'x'; bytes]).is_some()
}

/// The parts say the same of each other.
fn is_sound(cache: &Cache) -> bool {
    let bytes: usize = cache.tokens.values().map(|verified| verified.sent.len()).sum();
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
    assert!(!has(&cache, 975, 10) && has(&cache, 976, 10));
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
    cache.remove(print(1));
    cache.remove(print(1));
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
    assert!(!has(&cache, 2, 2) && has(&cache, 3, 3));
}

#[test]
fn another_token_in_the_same_place_is_not_known() {
    let mut cache = Cache::default();
    cache.put(print(1), verified(0, 10));
    for other in
        [&b"xxxxxxxxxX"[..], b"Xxxxxxxxxx", b"xxxxxxxXxx", b"xxxxxxxxx", b"xxxxxxxxxxx", b"xxxxxxxx", b""]
    {
        assert!(cache.get(print(1), other).is_none());
    }
    assert!(has(&cache, 1, 10));
}

#[test]
fn the_place_of_a_token_is_the_workers_own_secret() {
    let [one, other] = [1, 2].map(|seed| Cache::new(Seed(seed)).print(b"a.b.c"));
    assert_ne!(one, other);
    assert_eq!(one, Cache::new(Seed(1)).print(b"a.b.c"));
}
