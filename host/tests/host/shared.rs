//! Shared data, queues and metrics.

use meshward_host::{Plugin, Proxy};

use crate::wat::{Outcome, module, proxy, request, said};

#[test]
fn shared_data_is_compared_and_set() -> Outcome {
    let mut proxy = proxy(&[(
        "proxy_on_request_headers",
        r#"(call $number (call $get_shared @"k" (i32.const 64) (i32.const 68) (i32.const 72)))
           (call $number (call $set_shared @"k" @"one" (i32.const 77)))
           (call $show (call $get_shared @"k" (i32.const 64) (i32.const 68) (i32.const 72)))
           (call $number (call $set_shared @"k" @"two" (i32.add (i32.load (i32.const 72)) (i32.const 1))))
           (call $number (call $set_shared @"k" @"two" (i32.load (i32.const 72))))"#,
    )])?;
    request(&mut proxy);
    assert_eq!(said(&mut proxy), ["1", "0", "one", "8", "0"]);
    assert_eq!(proxy.shared_data("", b"k").map(|(value, _)| value), Some(b"two".to_vec()));
    Ok(())
}

#[test]
fn what_the_builder_put_there_is_seen() -> Outcome {
    let module = module(&[(
        "proxy_on_configure",
        r#"(call $show (call $get_shared @"k" (i32.const 64) (i32.const 68) (i32.const 72)))"#,
    )])?;
    let plugin = Plugin { vm_id: "vm".to_owned(), ..Plugin::new(module, "p") };
    let mut proxy = Proxy::builder().plugin(plugin).shared_data("vm", "k", "before").start()?;
    assert_eq!(said(&mut proxy), ["before", "before"], "canary and worker");
    Ok(())
}

#[test]
fn who_registered_last_is_told_of_an_item() -> Outcome {
    let module = module(&[
        ("proxy_on_configure", r#"(drop (call $register @"q" (i32.const 80)))"#),
        (
            "proxy_on_request_headers",
            r#"(call $number (call $enqueue (i32.load (i32.const 80)) @"item")) (call $say @"put")"#,
        ),
        (
            "proxy_on_queue_ready",
            r#"(call $show (call $dequeue (local.get $a) (i32.const 64) (i32.const 68)))
               (call $show (call $dequeue (local.get $a) (i32.const 64) (i32.const 68)))
               (call $show (call $dequeue (i32.const 99) (i32.const 64) (i32.const 68)))"#,
        ),
    ])?;
    let mut proxy = Proxy::builder().plugin(Plugin::new(module, "p")).workers(2).start()?;
    request(&mut proxy);
    let lines: Vec<_> = proxy.log().iter().map(|line| (line.worker, line.text.as_str())).collect();
    let expected = [(Some(0), "0"), (Some(0), "put"), (Some(1), "item"), (Some(1), "7"), (Some(1), "1")];
    assert_eq!(lines, expected);
    Ok(())
}

#[test]
fn counters_only_go_up_and_gauges_go_both_ways() -> Outcome {
    let mut proxy = proxy(&[(
        "proxy_on_request_headers",
        r#"(drop (call $define (i32.const 0) @"c" (i32.const 72)))
           (call $number (call $increment (i32.load (i32.const 72)) (i64.const 2)))
           (call $number (call $increment (i32.load (i32.const 72)) (i64.const -1)))
           (drop (call $define (i32.const 1) @"g" (i32.const 72)))
           (call $number (call $increment (i32.load (i32.const 72)) (i64.const 5)))
           (call $number (call $increment (i32.load (i32.const 72)) (i64.const -2)))
           (call $number (call $increment (i32.const 4000) (i64.const 1)))
           (call $number (call $define (i32.const 3) @"x" (i32.const 72)))"#,
    )])?;
    request(&mut proxy);
    assert_eq!(said(&mut proxy), ["0", "2", "0", "0", "1", "2"]);
    assert_eq!((proxy.counter("c"), proxy.gauge("g"), proxy.counter("x")), (Some(2), Some(3), None));
    Ok(())
}
