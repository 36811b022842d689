//! Pausing, going on, bodies, chains, and the end of a stream.

use meshward_host::{Attributes, Plugin, Progress, Proxy};

use crate::wat::{Outcome, get, headers, is_forwarded, module, plugin, proxy, request, said};

/// A plugin that pauses requests and lets the last one go on at its next tick.
const PAUSE: [(&str, &str); 3] = [
    ("proxy_on_configure", "(drop (call $tick (i32.const 10)))"),
    ("proxy_on_request_headers", "(global.set $seen (local.get $id)) -> (i32.const 1)"),
    (
        "proxy_on_tick",
        r#"(if (global.get $seen) (then
            (call $number (call $as (global.get $seen)))
            (call $show (call $get (i32.const 0) @":path" (i32.const 64) (i32.const 68)))
            (drop (call $add (i32.const 0) @"x-late" @"1"))
            (call $number (call $continue (i32.const 0)))
            (call $show (call $get (i32.const 0) @":path" (i32.const 64) (i32.const 68)))
            (global.set $seen (i32.const 0))))"#,
    ),
];

#[test]
fn a_paused_request_goes_on_with_what_came_meanwhile() -> Outcome {
    let mut proxy = proxy(&PAUSE)?;
    let stream = proxy.open(0, Attributes::plaintext());
    proxy.request_headers(stream, get(&[]), false);
    proxy.request_body(stream, b"one ", false);
    proxy.request_body(stream, b"two", true);
    assert_eq!(proxy.progress(stream), Progress::Paused);
    proxy.advance(core::time::Duration::from_millis(10));
    assert_eq!(said(&mut proxy), ["0", "/", "0", "2"], "after going on the map is null");
    let Progress::Forwarded(request) = proxy.progress(stream) else { return Err("not forwarded".into()) };
    assert_eq!(request.body, b"one two");
    assert!(request.complete && request.header("x-late").is_some());
    Ok(())
}

#[test]
fn a_client_that_has_gone_cannot_be_acted_for() -> Outcome {
    let mut proxy = proxy(&PAUSE)?;
    let stream = request(&mut proxy);
    proxy.reset(stream);
    proxy.advance(core::time::Duration::from_millis(10));
    assert_eq!(said(&mut proxy).first().map(String::as_str), Some("2"), "no such context any more");
    assert_eq!(proxy.progress(stream), Progress::Gone);
    Ok(())
}

#[test]
fn a_body_is_buffered_while_its_callback_pauses() -> Outcome {
    let body = r#"
        (call $number (local.get $a))
        (if (local.get $end) (then
            (call $show (call $buffer (i32.const 0) (i32.const 0) (i32.const 100) (i32.const 64) (i32.const 68)))
            (call $number (call $set_buffer (i32.const 0) (i32.const 2) (i32.const 1) @"x"))
            (call $number (call $set_buffer (i32.const 0) (i32.const 0) (i32.const 100) @"new"))
            (call $number (call $set_buffer (i32.const 0) (i32.const 3) (i32.const 0) @"er"))))
        -> (i32.eqz (local.get $end))"#;
    let mut proxy = proxy(&[("proxy_on_request_headers", ""), ("proxy_on_request_body", body)])?;
    let stream = proxy.open(0, Attributes::plaintext());
    proxy.request_headers(stream, get(&[]), false);
    proxy.request_body(stream, b"one ", false);
    proxy.request_body(stream, b"two", true);
    assert_eq!(said(&mut proxy), ["4", "7", "one two", "2", "0", "0"]);
    assert_eq!(proxy.forwarded(stream).map(|request| request.body.as_slice()), Some(&b"newer"[..]));
    Ok(())
}

#[test]
fn the_chain_runs_forth_and_back() -> Outcome {
    let callbacks = [
        (
            "proxy_on_request_headers",
            r#"(call $show (call $property @"plugin_name" (i32.const 64) (i32.const 68)))"#,
        ),
        (
            "proxy_on_response_headers",
            r#"(call $show (call $property @"plugin_name" (i32.const 64) (i32.const 68)))"#,
        ),
        ("proxy_on_log", r#"(call $show (call $property @"plugin_name" (i32.const 64) (i32.const 68)))"#),
    ];
    let module = module(&callbacks)?;
    let mut proxy = Proxy::builder()
        .plugin(Plugin::new(module.clone(), "one"))
        .plugin(Plugin::new(module, "two"))
        .start()?;
    let stream = request(&mut proxy);
    proxy.response_headers(stream, headers(&[(":status", "200")]), true);
    assert_eq!(said(&mut proxy), ["one", "two", "two", "one", "one", "two"]);
    assert!(matches!(proxy.progress(stream), Progress::Responded(_)));
    Ok(())
}

#[test]
fn a_plugin_behind_one_that_replied_is_only_asked_to_log() -> Outcome {
    let say = r#"(call $say @"second")"#;
    let first = plugin(&[(
        "proxy_on_request_headers",
        r#"(drop (call $reply (i32.const 401) @"" @"" (i32.const 0) (i32.const 0) (i32.const -1))) -> (i32.const 1)"#,
    )])?;
    let second = plugin(&[
        ("proxy_on_request_headers", say),
        ("proxy_on_response_headers", say),
        ("proxy_on_log", say),
    ])?;
    let mut proxy = Proxy::builder().plugin(first).plugin(second).start()?;
    request(&mut proxy);
    assert_eq!(said(&mut proxy), ["second"]);
    Ok(())
}

#[test]
fn a_stream_can_be_closed_by_its_plugin() -> Outcome {
    let mut proxy =
        proxy(&[("proxy_on_request_headers", "(drop (call $close (i32.const 0))) -> (i32.const 1)")])?;
    let stream = request(&mut proxy);
    assert_eq!(proxy.progress(stream), Progress::Gone);
    assert_eq!(proxy.details(stream), Some("wasm_close_stream"));
    Ok(())
}

#[test]
fn a_response_that_its_plugin_closes_never_leaves() -> Outcome {
    let close = "(drop (call $close (i32.const 1)))";
    let mut proxy = proxy(&[("proxy_on_request_headers", ""), ("proxy_on_response_headers", close)])?;
    let stream = request(&mut proxy);
    proxy.response_headers(stream, headers(&[(":status", "200")]), true);
    assert_eq!(proxy.progress(stream), Progress::Gone);
    assert_eq!(proxy.details(stream), Some("via_upstream"));
    Ok(())
}

#[test]
fn a_body_in_which_its_plugin_closes_the_stream_does_not_leave() -> Outcome {
    let say = r#"(call $say @"first")"#;
    let first =
        plugin(&[("proxy_on_request_headers", ""), ("proxy_on_response_body", say), ("proxy_on_log", say)])?;
    let second = plugin(&[
        ("proxy_on_request_headers", ""),
        ("proxy_on_response_body", "(drop (call $close (i32.const 1)))"),
    ])?;
    let mut proxy = Proxy::builder().plugin(first).plugin(second).start()?;
    let stream = request(&mut proxy);
    proxy.response_headers(stream, headers(&[(":status", "200")]), false);
    proxy.response_body(stream, b"body", true);
    assert!(proxy.is_gone(stream));
    assert!(proxy.responded(stream).is_some_and(|response| response.body.is_empty() && !response.complete));
    assert_eq!(said(&mut proxy), ["first"], "once, to log");
    Ok(())
}

#[test]
fn a_filter_that_goes_on_leaves_what_another_one_buffers() -> Outcome {
    let go_on = |millis: u32| {
        [
            ("proxy_on_configure", format!("(drop (call $tick (i32.const {millis})))")),
            ("proxy_on_request_headers", "(global.set $seen (local.get $id))".to_owned()),
            (
                "proxy_on_tick",
                "(drop (call $tick (i32.const 0))) (drop (call $as (global.get $seen))) (drop (call $continue (i32.const 0)))"
                    .to_owned(),
            ),
        ]
    };
    let (first, second) = (go_on(10), go_on(20));
    let mut first: Vec<_> = first.iter().map(|(name, body)| (*name, body.as_str())).collect();
    let mut second: Vec<_> = second.iter().map(|(name, body)| (*name, body.as_str())).collect();
    first.push(("proxy_on_request_body", ""));
    second.push(("proxy_on_request_body", "-> (i32.const 1)"));
    let mut proxy = Proxy::builder().plugin(plugin(&first)?).plugin(plugin(&second)?).start()?;
    let stream = proxy.open(0, Attributes::plaintext());
    proxy.request_headers(stream, get(&[]), false);
    proxy.request_body(stream, b"body", true);
    proxy.advance(core::time::Duration::from_millis(10));
    assert!(proxy.forwarded(stream).is_some_and(|request| request.body.is_empty()));
    proxy.advance(core::time::Duration::from_millis(10));
    let request = proxy.forwarded(stream).cloned().ok_or("not forwarded")?;
    assert_eq!((request.body.as_slice(), request.complete), (&b"body"[..], true));
    Ok(())
}

#[test]
fn an_upstream_that_fails_is_answered_for_and_the_plugin_sees_it() -> Outcome {
    let see = r#"(call $show (call $get (i32.const 2) @":status" (i32.const 64) (i32.const 68)))
        (call $show (call $property @"response\00code_details" (i32.const 64) (i32.const 68)))"#;
    let mut proxy = proxy(&[("proxy_on_request_headers", ""), ("proxy_on_response_headers", see)])?;
    let stream = request(&mut proxy);
    proxy.fail_upstream(stream, 503, "no route", "no_healthy_upstream");
    assert_eq!(said(&mut proxy), ["503", "no_healthy_upstream"]);
    assert_eq!(proxy.replied(stream).map(|reply| reply.body.as_slice()), Some(&b"no route"[..]));
    Ok(())
}

#[test]
fn trailers_pass_and_are_seen() -> Outcome {
    let see = r#"(call $show (call $get (i32.const 1) @"t" (i32.const 64) (i32.const 68)))"#;
    let mut proxy = proxy(&[("proxy_on_request_headers", ""), ("proxy_on_request_trailers", see)])?;
    let stream = proxy.open(0, Attributes::plaintext());
    proxy.request_headers(stream, get(&[]), false);
    proxy.request_body(stream, b"b", false);
    proxy.request_trailers(stream, headers(&[("T", "v")]));
    assert_eq!(said(&mut proxy), ["v"]);
    let request = proxy.forwarded(stream).cloned().ok_or("not forwarded")?;
    assert_eq!((request.complete, request.trailers), (true, Some(headers(&[("t", "v")]))));
    assert!(is_forwarded(&proxy, stream));
    Ok(())
}
