//! Whatever happens in whatever order: no stream is lost, none ends twice.

use core::time::Duration;
use std::collections::BTreeMap;

use meshward_host::{
    Attributes, CalloutAnswer, FailurePolicy, FaultKind, Faults, Plugin, Proxy, Status, Stream,
};

use crate::wat::{Outcome, get, headers, module};

fn is_send<T: Send>(_: &T) {}

/// A plugin that does something else each time: pauses, replies, closes, calls out, goes on for the last stream; and says which
/// contexts it sees begin and end.
fn plugin(name: &str, policy: FailurePolicy) -> Result<Plugin, Box<dyn std::error::Error>> {
    let choose = |count: u32| {
        format!(
            "(block (result i32)
                (global.set $seen (i32.add (i32.mul (global.get $seen) (i32.const 1103515245)) (i32.const 12345)))
                (i32.rem_u (i32.shr_u (global.get $seen) (i32.const 16)) (i32.const {count})))"
        )
    };
    let act = format!(
        r#"(local.set $a {})
        (if (i32.eq (local.get $a) (i32.const 1)) (then
            (drop (call $reply (i32.const 403) @"d" @"body" (i32.const 0) (i32.const 0) (i32.const -1)))))
        (if (i32.eq (local.get $a) (i32.const 2)) (then (drop (call $continue (i32.const 0)))))
        (if (i32.eq (local.get $a) (i32.const 3)) (then (drop (call $close (i32.const 0)))))
        (if (i32.eq (local.get $a) (i32.const 4)) (then (drop (call $continue (i32.const 1)))))
        (if (i32.eq (local.get $a) (i32.const 5)) (then
            (drop (call $grpc @"c" @"s" @"m" (i32.const 0) (i32.const 0) @"q" (i32.const 50) (i32.const 72)))))
        (if (i32.eq (local.get $a) (i32.const 6)) (then (drop (call $add (i32.const 0) @"x" @"y"))))
        (if (i32.eq (local.get $a) (i32.const 7)) (then (drop (call $set_buffer (i32.const 0) (i32.const 0) (i32.const 9) @"z"))))"#,
        choose(12)
    );
    let asked = format!("{act} -> (i32.eqz {})", choose(3));
    let root = "(drop (call $as (i32.load (i32.const 96)))) (drop (call $continue (i32.const 0)))";
    let begin =
        r#"(i32.store (i32.const 96) (local.get $id)) (call $say @"begin") (call $number (local.get $id))"#;
    let end = r#"(call $say @"end") (call $number (local.get $id))"#;
    let module = module(&[
        ("proxy_on_configure", "(drop (call $tick (i32.const 30)))"),
        ("proxy_on_context_create", begin),
        ("proxy_on_request_headers", &asked),
        ("proxy_on_request_body", &asked),
        ("proxy_on_request_trailers", &asked),
        ("proxy_on_response_headers", &asked),
        ("proxy_on_response_body", &asked),
        ("proxy_on_tick", root),
        ("proxy_on_grpc_receive", root),
        ("proxy_on_grpc_close", root),
        ("proxy_on_delete", end),
    ])?;
    Ok(Plugin { vm_id: name.to_owned(), failure_policy: policy, ..Plugin::new(module, name) })
}

/// A small generator of numbers.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn step(proxy: &mut Proxy, streams: &mut Vec<Stream>, dice: &mut Dice) {
    let pick = usize::try_from(dice.below(1 + streams.len() as u64)).unwrap_or_default();
    let Some(stream) = streams.get(pick).copied() else {
        streams.push(proxy.open(0, Attributes::plaintext()));
        return;
    };
    let end = dice.below(2) == 0;
    match dice.below(11) {
        0 | 1 => proxy.request_headers(stream, get(&[]), end),
        2 => proxy.request_body(stream, b"part", end),
        3 => proxy.request_trailers(stream, headers(&[("t", "1")])),
        4 | 5 => proxy.response_headers(stream, headers(&[(":status", "200")]), end),
        6 => proxy.response_body(stream, b"part", end),
        7 => proxy.reset(stream),
        8 => proxy.advance(Duration::from_millis(dice.below(40))),
        9 => {
            if let Some(callout) = proxy.callouts().first() {
                proxy.answer(callout.id, CalloutAnswer::Grpc { message: b"m".to_vec() });
            }
        }
        _ => {
            proxy.finish(stream);
            streams.retain(|known| *known != stream);
        }
    }
}

/// How often each context began and ended, by plugin; contexts of roots are left out.
fn lives(proxy: &mut Proxy) -> BTreeMap<(String, String), (usize, usize)> {
    let mut lives: BTreeMap<(String, String), (usize, usize)> = BTreeMap::new();
    let lines: Vec<_> = proxy.take_log().into_iter().filter(|line| line.worker.is_some()).collect();
    for pair in lines.windows(2) {
        let [what, context] = pair else { continue };
        let life = lives.entry((what.plugin.clone(), context.text.clone()));
        match what.text.as_str() {
            "begin" => life.or_default().0 += 1,
            "end" => life.or_default().1 += 1,
            _ => {}
        }
    }
    lives.retain(|(_, context), _| context != "1");
    lives
}

#[test]
fn every_context_that_begins_ends_once_whatever_happens_in_between() -> Outcome {
    let (one, two) = (plugin("one", FailurePolicy::Closed)?, plugin("two", FailurePolicy::Closed)?);
    let mut contexts = 0;
    for seed in 0..300 {
        let mut dice = Dice(seed);
        let mut proxy =
            Proxy::builder().plugin(one.clone()).plugin(two.clone()).cluster("c").seed(seed).start()?;
        is_send(&proxy);
        let mut streams = Vec::new();
        for _ in 0..80 {
            step(&mut proxy, &mut streams, &mut dice);
        }
        for stream in streams {
            proxy.finish(stream);
        }
        for (context, life) in lives(&mut proxy) {
            assert_eq!(life, (1, 1), "seed {seed}, context {context:?}");
            contexts += 1;
        }
    }
    assert!(contexts > 3_000, "only {contexts} contexts were seen");
    Ok(())
}

#[test]
fn the_same_calls_give_the_same_log() -> Outcome {
    let plugin = plugin("one", FailurePolicy::Reload)?;
    let run = |seed| -> Result<_, Box<dyn std::error::Error>> {
        let mut dice = Dice(seed);
        let faults = Faults::nth(7 + seed, FaultKind::Status(Status::InternalFailure));
        let mut proxy = Proxy::builder().plugin(plugin.clone()).cluster("c").faults(faults).start()?;
        let mut streams = Vec::new();
        for _ in 0..100 {
            step(&mut proxy, &mut streams, &mut dice);
        }
        Ok((proxy.take_log(), proxy.fuel(), proxy.calls()))
    };
    for seed in 0..20 {
        assert_eq!(run(seed)?, run(seed)?, "seed {seed}");
    }
    Ok(())
}
