//! Local replies: deferred, sent once, and seen by the response callbacks.

use meshward_host::{Attributes, Progress};

use crate::wat::{Outcome, get, headers, proxy, request, said};

const REPLY: &str = r#"
    (call $number (call $reply (i32.const 403) @"why\20not" @"no" (i32.const 0) (i32.const 0) (i32.const -1)))
    (call $say @"still here")"#;

#[test]
fn a_reply_happens_when_the_callback_has_returned_and_passes_the_response_callbacks() -> Outcome {
    let response = r#"
        (call $show (call $get (i32.const 2) @":status" (i32.const 64) (i32.const 68)))
        (drop (call $add (i32.const 2) @"x-by" @"p"))"#;
    let mut proxy = proxy(&[
        ("proxy_on_request_headers", REPLY),
        ("proxy_on_response_headers", response),
        ("proxy_on_response_body", r#"(call $say @"body")"#),
        ("proxy_on_log", r#"(call $say @"log")"#),
        ("proxy_on_done", r#"(call $say @"done")"#),
        ("proxy_on_delete", r#"(call $say @"delete")"#),
    ])?;
    let stream = request(&mut proxy);
    let order = ["0", "still here", "403", "body", "log", "done", "delete"];
    assert_eq!(said(&mut proxy), order);
    let Progress::Replied(reply) = proxy.progress(stream) else { return Err("no reply".into()) };
    assert_eq!((reply.status, reply.details.as_str()), (403, "why_not"));
    assert_eq!(reply.body, b"no");
    let expected =
        [(":status", "403"), ("content-length", "2"), ("content-type", "text/plain"), ("x-by", "p")];
    assert_eq!(reply.headers, headers(&expected));
    assert!(proxy.forwarded(stream).is_none());
    Ok(())
}

#[test]
fn a_second_reply_is_ignored() -> Outcome {
    let second =
        r#"(drop (call $reply (i32.const 500) @"second" @"" (i32.const 0) (i32.const 0) (i32.const -1)))"#;
    let mut proxy = proxy(&[("proxy_on_request_headers", &format!("{REPLY} {second}"))])?;
    let stream = request(&mut proxy);
    let reply = proxy.replied(stream).cloned().ok_or("no reply")?;
    assert_eq!((reply.status, reply.body.as_slice()), (403, &b"no"[..]));
    assert_eq!(reply.details, "second", "but its details are the last");
    Ok(())
}

#[test]
fn a_reply_to_a_reply_replaces_it() -> Outcome {
    let again = r#"(call $say @"again")
        (drop (call $reply (i32.const 402) @"again" @"pay" (i32.const 0) (i32.const 0) (i32.const -1)))"#;
    let mut proxy = proxy(&[("proxy_on_request_headers", REPLY), ("proxy_on_response_headers", again)])?;
    let stream = request(&mut proxy);
    let reply = proxy.replied(stream).cloned().ok_or("no reply")?;
    assert_eq!((reply.status, reply.body.as_slice(), reply.details.as_str()), (402, &b"pay"[..], "again"));
    assert_eq!(said(&mut proxy), ["0", "still here", "again"]);
    Ok(())
}

#[test]
fn a_reply_after_the_response_has_begun_resets_the_stream() -> Outcome {
    let mut proxy = proxy(&[("proxy_on_request_headers", ""), ("proxy_on_response_body", REPLY)])?;
    let stream = request(&mut proxy);
    proxy.response_headers(stream, headers(&[(":status", "200")]), false);
    proxy.response_body(stream, b"body", true);
    assert!(proxy.is_gone(stream) && proxy.replied(stream).is_none());
    assert_eq!(proxy.details(stream), Some("why_not"));
    Ok(())
}

#[test]
fn a_grpc_caller_gets_a_grpc_status() -> Outcome {
    let mut proxy = proxy(&[("proxy_on_request_headers", REPLY)])?;
    let stream = proxy.open(0, Attributes::plaintext());
    proxy.request_headers(stream, get(&[("content-type", "application/grpc+proto")]), false);
    let reply = proxy.replied(stream).cloned().ok_or("no reply")?;
    assert_eq!((reply.status, reply.grpc_status), (200, Some(7)));
    assert!(reply.headers.contains(&(b"grpc-message".to_vec(), b"no".to_vec())));
    assert!(reply.body.is_empty());
    Ok(())
}

#[test]
fn a_reply_from_the_response_goes_past_the_filters() -> Outcome {
    let mut proxy = proxy(&[("proxy_on_request_headers", ""), ("proxy_on_response_headers", REPLY)])?;
    let stream = request(&mut proxy);
    proxy.response_headers(stream, headers(&[(":status", "200"), ("x-secret", "s")]), true);
    let reply = proxy.replied(stream).cloned().ok_or("no reply")?;
    assert_eq!(reply.status, 403);
    assert!(!reply.headers.iter().any(|(name, _)| name == b"x-secret"));
    assert_eq!(said(&mut proxy), ["0", "still here"], "the callback does not see its own reply");
    Ok(())
}

#[test]
fn a_root_s_reply_goes_nowhere() -> Outcome {
    let tick = format!("{REPLY} (drop (call $tick (i32.const 0)))");
    let mut proxy = proxy(&[
        ("proxy_on_configure", "(drop (call $tick (i32.const 10)))"),
        ("proxy_on_tick", &tick),
        ("proxy_on_request_headers", ""),
    ])?;
    proxy.advance(core::time::Duration::from_millis(50));
    assert_eq!(said(&mut proxy), ["0", "still here"]);
    let stream = request(&mut proxy);
    assert!(crate::wat::is_forwarded(&proxy, stream));
    Ok(())
}
