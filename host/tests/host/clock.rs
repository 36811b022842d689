//! Ticks.

use core::time::Duration;

use crate::wat::{Outcome, proxy, said};

#[test]
fn ticks_come_by_the_clock_and_the_period_may_change_in_between() -> Outcome {
    let mut proxy = proxy(&[
        ("proxy_on_configure", "(drop (call $tick (i32.const 100)))"),
        (
            "proxy_on_tick",
            r#"(drop (call $now (i32.const 64)))
               (call $number (i32.wrap_i64 (i64.rem_u (i64.div_u (i64.load (i32.const 64)) (i64.const 1000000)) (i64.const 100000))))
               (global.set $seen (i32.add (global.get $seen) (i32.const 1)))
               (if (i32.eq (global.get $seen) (i32.const 2)) (then (drop (call $tick (i32.const 1000)))))
               (if (i32.eq (global.get $seen) (i32.const 3)) (then (drop (call $tick (i32.const 0)))))"#,
        ),
    ])?;
    let begin = proxy.now() % 100_000;
    let at = |millis: u64| (begin + millis).to_string();
    proxy.advance(Duration::from_millis(99));
    assert!(said(&mut proxy).is_empty());
    proxy.advance(Duration::from_millis(1101));
    assert_eq!(said(&mut proxy), [at(100), at(200), at(1200)]);
    proxy.advance(Duration::from_secs(3600));
    assert!(said(&mut proxy).is_empty() && proxy.next_event().is_none());
    Ok(())
}
