//! Blocks and their edges.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn block(text: &str) -> Block {
    let (address, length) = text.split_once('/').unwrap();
    Block::new(address.parse().unwrap(), length.parse().unwrap()).unwrap()
}

fn says(any: &str, address: Option<&str>, strict: bool) -> Truth {
    let field = Field { any: vec![block(any)], none: Vec::new() };
    truth(&field, address.map(|address| address.parse().unwrap()), strict)
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_block_is_its_first_bits() {
    for (text, inside, outside) in [
        ("10.1.2.3/8", ["10.0.0.0", "10.255.255.255"], ["9.255.255.255", "11.0.0.0"]),
        ("192.0.2.128/25", ["192.0.2.128", "192.0.2.255"], ["192.0.2.127", "192.0.3.128"]),
        ("192.0.2.1/32", ["192.0.2.1", "192.0.2.1"], ["192.0.2.0", "192.0.2.2"]),
        ("0.0.0.0/0", ["0.0.0.0", "255.255.255.255"], ["::", "2001:db8::1"]),
        ("2001:db8::/33", ["2001:db8::", "2001:db8:7fff::1"], ["2001:db8:8000::", "2001:db9::"]),
        ("2001:db8::7/128", ["2001:db8::7", "2001:db8::7"], ["2001:db8::6", "2001:db8::8"]),
        ("::/0", ["::1", "ffff::"], ["0.0.0.0", "192.0.2.1"]),
    ] {
        for strict in [true, false] {
            assert!(inside.iter().all(|address| says(text, Some(address), strict) == Truth::Yes), "{text}");
            assert!(outside.iter().all(|address| says(text, Some(address), strict) == Truth::No), "{text}");
        }
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn an_address_inside_another_is_read_by_strict_rules_only() {
    let mapped = Some("::ffff:10.1.2.3");
    assert_eq!(
        (says("10.0.0.0/8", mapped, true), says("10.0.0.0/8", mapped, false)),
        (Truth::Yes, Truth::No)
    );
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn an_address_that_nobody_tells_leaves_strict_rules_open() {
    let not = Field { any: Vec::new(), none: vec![block("10.0.0.0/8")] };
    assert_eq!((says("10.0.0.0/8", None, true), truth(&not, None, true)), (Truth::Maybe, Truth::Maybe));
    assert_eq!((says("10.0.0.0/8", None, false), truth(&not, None, false)), (Truth::No, Truth::Yes));
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn no_block_has_more_bits_than_its_address() {
    let of = |address: &str, length| Block::new(address.parse().unwrap(), length);
    assert!(of("10.0.0.0", 33).is_none() && of("::", 129).is_none());
    assert!(of("10.0.0.0", 32).is_some() && of("::", 128).is_some());
}
