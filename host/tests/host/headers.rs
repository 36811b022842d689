//! Header maps: when they are there, and what the getters give.

use meshward_host::Attributes;

use crate::wat::{Outcome, get, headers, is_forwarded, proxy, request, said};

const LOOK: &str = r#"(call $show (call $get (i32.const 0) @"x-role" (i32.const 64) (i32.const 68)))"#;

#[test]
fn a_getter_gives_the_first_value_and_not_found_when_there_is_none() -> Outcome {
    let mut proxy = proxy(&[("proxy_on_request_headers", LOOK)])?;
    let stream = proxy.open(0, Attributes::plaintext());
    proxy.request_headers(stream, get(&[("x-role", "1"), ("X-Role", "2")]), true);
    request(&mut proxy);
    assert_eq!(said(&mut proxy), ["1", "1"], "the first value, then the status NotFound");
    Ok(())
}

#[test]
fn request_headers_are_gone_after_continue_and_back_in_the_log_phase() -> Outcome {
    let mut proxy = proxy(&[
        ("proxy_on_request_headers", ""),
        ("proxy_on_request_body", LOOK),
        ("proxy_on_response_headers", LOOK),
        ("proxy_on_log", LOOK),
    ])?;
    let stream = proxy.open(0, Attributes::plaintext());
    proxy.request_headers(stream, get(&[("x-role", "admin")]), false);
    proxy.request_body(stream, b"body", true);
    proxy.response_headers(stream, headers(&[(":status", "200")]), true);
    assert_eq!(said(&mut proxy), ["2", "2", "admin"], "BadArgument twice, then the value");
    Ok(())
}

#[test]
fn a_null_map_has_no_pairs_and_no_size() -> Outcome {
    let look = r#"
        (i32.store (i32.const 68) (i32.const 9))
        (call $number (call $pairs (i32.const 2) (i32.const 64) (i32.const 68)))
        (call $number (i32.load (i32.const 68)))
        (call $number (call $map_size (i32.const 2) (i32.const 64)))
        (call $number (call $map_size (i32.const 8) (i32.const 64)))
        (call $number (call $map_size (i32.const 0) (i32.const 64)))
        (call $number (i32.load (i32.const 64)))"#;
    let mut proxy = proxy(&[("proxy_on_request_headers", look)])?;
    request(&mut proxy);
    let bytes: usize = get(&[]).iter().map(|(name, value)| name.len() + value.len()).sum();
    assert_eq!(said(&mut proxy), ["0", "0", "2", "2", "0", bytes.to_string().as_str()]);
    Ok(())
}

#[test]
fn edits_reach_the_upstream() -> Outcome {
    let edit = r#"
        (drop (call $add (i32.const 0) @"x-new" @"1"))
        (drop (call $replace (i32.const 0) @"x-role" @"user"))
        (drop (call $remove (i32.const 0) @"x-secret"))
        (call $number (call $add (i32.const 2) @"x-new" @"1"))"#;
    let mut proxy = proxy(&[("proxy_on_request_headers", edit)])?;
    let stream = proxy.open(0, Attributes::plaintext());
    let sent = [("x-role", "admin"), ("x-role", "root"), ("x-secret", "s")];
    proxy.request_headers(stream, get(&sent), true);
    assert!(is_forwarded(&proxy, stream));
    let seen = proxy.forwarded(stream).map(|message| message.headers.clone()).unwrap_or_default();
    assert_eq!(seen, get(&[("x-new", "1"), ("x-role", "user")]));
    assert_eq!(said(&mut proxy), ["2"], "response headers cannot be written yet");
    Ok(())
}

#[test]
fn headers_that_must_not_leave_are_answered_in_the_upstream_s_place() -> Outcome {
    let cases = [
        (r#"(drop (call $add (i32.const 0) @"x-a" @"b\0a"))"#, "invalid header value for: x-a"),
        (r#"(drop (call $add (i32.const 0) @"x a" @"b"))"#, "invalid header name: x a"),
        (r#"(drop (call $remove (i32.const 0) @":path"))"#, "missing required header: :path"),
    ];
    for (edit, problem) in cases {
        let mut proxy = proxy(&[("proxy_on_request_headers", edit)])?;
        let stream = request(&mut proxy);
        let reply = proxy.replied(stream).cloned().ok_or(problem)?;
        assert_eq!((reply.status, reply.body.as_slice()), (503, problem.as_bytes()));
        let details = format!("filter_removed_required_request_headers{{{}}}", problem.replace(' ', "_"));
        assert_eq!(reply.details, details);
        assert!(proxy.forwarded(stream).is_none());
    }
    let mut proxy =
        proxy(&[("proxy_on_response_headers", r#"(drop (call $remove (i32.const 2) @":status"))"#)])?;
    let stream = request(&mut proxy);
    proxy.response_headers(stream, headers(&[(":status", "200")]), true);
    assert_eq!(proxy.replied(stream).map(|reply| reply.status), Some(502));
    Ok(())
}

#[test]
fn the_request_s_headers_as_a_property_are_joined() -> Outcome {
    let look = r#"(call $show (call $property @"request\00headers\00x-role" (i32.const 64) (i32.const 68)))
        (call $show (call $property @"request\00url_path" (i32.const 64) (i32.const 68)))
        (call $show (call $property @"connection\00uri_san_peer_certificate" (i32.const 64) (i32.const 68)))
        (call $show (call $property @"plugin_name" (i32.const 64) (i32.const 68)))
        (call $show (call $property @"nothing" (i32.const 64) (i32.const 68)))
        (call $number (call $property (i32.const 0) (i32.const 0) (i32.const 64) (i32.const 68)))"#;
    let mut proxy = proxy(&[("proxy_on_request_headers", look)])?;
    let stream = proxy.open(0, Attributes::mutual_tls("spiffe://td/ns/a/sa/b"));
    let mut sent = get(&[("x-role", "1"), ("x-role", "2")]);
    sent.retain(|(name, _)| name != b":path");
    sent.insert(0, (b":path".to_vec(), b"/a?b".to_vec()));
    proxy.request_headers(stream, sent, true);
    assert_eq!(said(&mut proxy), ["1,2", "/a", "spiffe://td/ns/a/sa/b", "p", "1", "3"]);
    Ok(())
}
