//! The address that a request came from: blocks, both dialects, and what is refused.

use serde_json::{Value, json};

use crate::refused::{BOTH, ISTIO, STRICT, accepted, one, refused};
use crate::specimen::Says::{Maybe, No, Yes};
use crate::specimen::{AccessPolicy, AuthorizationPolicy, ask, from, says, when};

fn rules(field: &str, key: &str, blocks: &[&str]) -> [Value; 2] {
    [from(json!({field: blocks})), when(json!({"key": "remote.ip", key: blocks}))]
}

#[test]
fn a_block_and_its_opposite_say_the_contrary() {
    for (blocks, address, inside) in [
        (&["10.0.0.0/8", "192.0.2.1"][..], "10.255.0.1", true),
        (&["10.0.0.0/8", "192.0.2.1"], "192.0.2.1", true),
        (&["10.0.0.0/8", "192.0.2.1"], "192.0.2.2", false),
        (&["2001:db8::/32"], "2001:db8:ffff::1", true),
        (&["2001:db8::/32"], "2001:db9::1", false),
        (&["0.0.0.0/0"], "::1", false),
        (&["::/0"], "127.0.0.1", false),
    ] {
        let ask = ask().at_address(address);
        for kind in BOTH {
            let (yes, no) = if inside { (Yes, No) } else { (No, Yes) };
            for rule in rules("remoteIpBlocks", "values", blocks) {
                assert_eq!(says(kind, &rule, &ask), yes, "{kind:?} {rule} {address}");
            }
            for rule in rules("notRemoteIpBlocks", "notValues", blocks) {
                assert_eq!(says(kind, &rule, &ask), no, "{kind:?} {rule} {address}");
            }
        }
    }
}

#[test]
fn an_address_that_the_proxy_does_not_tell_is_open_to_strict_rules_only() {
    for rule in rules("remoteIpBlocks", "values", &["10.0.0.0/8"]) {
        assert_eq!(
            (says(AccessPolicy, &rule, &ask()), says(AuthorizationPolicy, &rule, &ask())),
            (Maybe, No)
        );
    }
    for rule in rules("notRemoteIpBlocks", "notValues", &["10.0.0.0/8"]) {
        assert_eq!(
            (says(AccessPolicy, &rule, &ask()), says(AuthorizationPolicy, &rule, &ask())),
            (Maybe, Yes)
        );
    }
}

#[test]
fn an_ipv4_address_inside_an_ipv6_address_is_one_to_strict_rules() {
    let ask = ask().at_address("::ffff:10.1.2.3");
    let [rule, _] = rules("remoteIpBlocks", "values", &["10.0.0.0/8"]);
    assert_eq!((says(AccessPolicy, &rule, &ask), says(AuthorizationPolicy, &rule, &ask)), (Yes, No));
}

#[test]
fn bits_behind_a_block_do_not_count_for_istio() {
    let [rule, _] = rules("remoteIpBlocks", "values", &["10.1.2.3/8"]);
    assert_eq!(says(AuthorizationPolicy, &rule, &ask().at_address("10.9.9.9")), Yes);
}

#[test]
fn what_is_no_block_is_refused() {
    let place = "documents[0].spec.rules[0].from[0].source.remoteIpBlocks[0]";
    let block = |value: &str| from(json!({"remoteIpBlocks": [value]}));
    for kind in BOTH {
        for bad in [
            "10.0.0",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "::/129",
            "fe80::1%eth0",
            "*",
            "a",
        ] {
            let message = format!("`{bad}` is no block of addresses");
            refused(&one(kind, block(bad)), place, &message, "`192.0.2.0/24`");
        }
        let condition = when(json!({"key": "remote.ip", "notValues": ["10.0.0.0/8", "x"]}));
        let place = "documents[0].spec.rules[0].when[0].notValues[1]";
        refused(&one(kind, condition), place, "`x` is no block", "one address");
    }
    for (value, message, help) in [
        ("10.1.2.3/8", "bits behind the block's 8", "write `10.0.0.0/8`, or `10.1.2.3`"),
        ("2001:db8::1/32", "bits behind the block's 32", "write `2001:db8::/32`"),
        ("::ffff:10.0.0.0/104", "is matched as IPv4", "write `10.0.0.0/8`"),
        ("::ffff:10.0.0.1", "is matched as IPv4", "write `10.0.0.1/32`"),
    ] {
        for kind in STRICT {
            refused(&one(kind, block(value)), place, message, help);
        }
        for kind in ISTIO {
            accepted(&one(kind, block(value)));
        }
    }
}
