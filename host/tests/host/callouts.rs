//! HTTP and gRPC callouts.

use core::time::Duration;

use meshward_host::{CalloutAnswer, CalloutKind, Proxy};

use crate::wat::{Outcome, headers, is_forwarded, proxy, request, said};

/// A header map of `:method`, `:path` and `:authority` as a plugin writes it.
const HEADERS: &str = concat!(
    r#"@"\03\00\00\00\07\00\00\00\03\00\00\00\05\00\00\00\02\00\00\00\0a\00\00\00\01\00\00\00"#,
    r#":method\00GET\00:path\00/a\00:authority\00h\00""#
);

fn http(cluster: &str, headers: &str, timeout: u32) -> String {
    format!(
        r#"(call $number (call $http @"{cluster}" {headers} @"body" (i32.const 0) (i32.const 0) (i32.const {timeout}) (i32.const 72)))
           (call $number (i32.load (i32.const 72)))"#
    )
}

const ANSWERED: &str = r#"
    (call $number (local.get $token))
    (call $number (local.get $a))
    (call $show (call $get (i32.const 6) @":status" (i32.const 64) (i32.const 68)))
    (call $number (call $buffer (i32.const 4) (i32.const 0) (i32.const 99) (i32.const 64) (i32.const 68)))
    (drop (call $as (global.get $seen)))
    (drop (call $continue (i32.const 0)))"#;

fn asking(timeout: u32) -> Result<Proxy, Box<dyn std::error::Error>> {
    let ask = format!("(global.set $seen (local.get $id)) {} -> (i32.const 1)", http("c", HEADERS, timeout));
    proxy(&[("proxy_on_request_headers", &ask), ("proxy_on_http_call_response", ANSWERED)])
}

#[test]
fn an_answer_comes_to_the_root_and_the_stream_goes_on() -> Outcome {
    let mut proxy = asking(1000)?;
    let stream = request(&mut proxy);
    assert_eq!(said(&mut proxy), ["0", "4"]);
    let callouts = proxy.callouts();
    let [callout] = callouts.as_slice() else { return Err("not one callout".into()) };
    let CalloutKind::Http { cluster, headers: sent, body, .. } = &callout.kind else {
        return Err("not HTTP".into());
    };
    assert_eq!((cluster.as_str(), body.as_slice()), ("c", &b"body"[..]));
    assert!(sent.contains(&(b"content-length".to_vec(), b"4".to_vec())));
    assert_eq!(callout.deadline, Some(proxy.now() + 1000));
    let answer = CalloutAnswer::Http {
        headers: headers(&[(":status", "200")]),
        body: b"yes".to_vec(),
        trailers: None,
    };
    assert!(proxy.answer(callout.id, answer.clone()));
    assert_eq!(said(&mut proxy), ["4", "1", "200", "0"]);
    assert!(is_forwarded(&proxy, stream));
    assert!(!proxy.answer(callout.id, answer), "it is answered once");
    Ok(())
}

#[test]
fn a_broken_connection_has_no_headers_and_a_status() -> Outcome {
    let ask = format!("{} -> (i32.const 1)", http("c", HEADERS, 0));
    let answered = r#"
        (call $number (local.get $a))
        (call $show (call $get (i32.const 6) @":status" (i32.const 64) (i32.const 68)))
        (drop (call $status (i32.const 72) (i32.const 64) (i32.const 68)))
        (call $number (i32.load (i32.const 72)))
        (call $show (i32.const 0))"#;
    let mut proxy = proxy(&[("proxy_on_request_headers", &ask), ("proxy_on_http_call_response", answered)])?;
    request(&mut proxy);
    let id = proxy.callouts().first().map(|callout| callout.id).ok_or("no callout")?;
    assert!(
        !proxy.answer(id, CalloutAnswer::Grpc { message: Vec::new() }),
        "an answer of another kind is refused"
    );
    proxy.answer(id, CalloutAnswer::Reset);
    assert_eq!(said(&mut proxy), ["0", "4", "0", "2", "11", "reset"]);
    Ok(())
}

#[test]
fn a_call_that_is_never_answered_times_out() -> Outcome {
    let mut proxy = asking(250)?;
    let stream = request(&mut proxy);
    said(&mut proxy);
    proxy.advance(Duration::from_millis(249));
    assert!(said(&mut proxy).is_empty());
    assert_eq!(proxy.next_event(), Some(proxy.now() + 1));
    proxy.advance(Duration::from_millis(1));
    assert_eq!(said(&mut proxy), ["4", "3", "504", "0"]);
    assert!(is_forwarded(&proxy, stream) && proxy.callouts().is_empty());
    Ok(())
}

#[test]
fn an_answer_after_the_client_has_gone_still_reaches_the_root() -> Outcome {
    let mut proxy = asking(0)?;
    let stream = request(&mut proxy);
    proxy.reset(stream);
    said(&mut proxy);
    let id = proxy.callouts().first().map(|callout| callout.id).ok_or("no callout")?;
    proxy.answer(
        id,
        CalloutAnswer::Http { headers: headers(&[(":status", "200")]), body: Vec::new(), trailers: None },
    );
    assert_eq!(said(&mut proxy), ["4", "1", "200", "0"]);
    Ok(())
}

#[test]
fn what_envoy_would_not_call_is_a_bad_argument() -> Outcome {
    let empty = "(i32.const 0) (i32.const 0)";
    let ask = [http("nowhere", HEADERS, 0), http("c", empty, 0), http("c", HEADERS, u32::MAX)].join("\n");
    let mut proxy = proxy(&[("proxy_on_request_headers", &ask)])?;
    request(&mut proxy);
    assert_eq!(said(&mut proxy), ["2", "0", "2", "0", "2", "0"]);
    assert!(proxy.callouts().is_empty());
    Ok(())
}

fn grpc(target: &str) -> String {
    format!(
        r#"(call $number (call $grpc @"{target}" @"pkg.Service" @"Ask" (i32.const 0) (i32.const 0) @"question"
            (i32.const 100) (i32.const 72)))"#
    )
}

const GRPC: [(&str, &str); 2] = [
    (
        "proxy_on_grpc_receive",
        r#"(call $number (local.get $token))
           (call $show (call $buffer (i32.const 5) (i32.const 0) (local.get $a) (i32.const 64) (i32.const 68)))"#,
    ),
    (
        "proxy_on_grpc_close",
        r#"(call $number (local.get $a))
           (drop (call $status (i32.const 72) (i32.const 64) (i32.const 68)))
           (call $show (i32.const 0))"#,
    ),
];

fn grpc_proxy(target: &str) -> Result<Proxy, Box<dyn std::error::Error>> {
    let ask = format!("{} -> (i32.const 1)", grpc(target));
    let [receive, close] = GRPC;
    proxy(&[("proxy_on_request_headers", &ask), receive, close])
}

#[test]
fn a_grpc_answer_is_received_and_a_failure_is_closed() -> Outcome {
    // `envoy_grpc { cluster_name: "c" }`
    let mut proxy = grpc_proxy(r"\0a\03\0a\01c")?;
    request(&mut proxy);
    request(&mut proxy);
    request(&mut proxy);
    assert_eq!(said(&mut proxy), ["0", "0", "0"]);
    let ids: Vec<_> = proxy.callouts().iter().map(|callout| callout.id).collect();
    let [first, second, _] = ids.as_slice() else { return Err("not three callouts".into()) };
    assert!(proxy.answer(*first, CalloutAnswer::Grpc { message: b"answer".to_vec() }));
    assert!(proxy.answer(*second, CalloutAnswer::GrpcStatus { code: 5, message: "none".to_owned() }));
    assert_eq!(said(&mut proxy), ["5", "answer", "5", "none"]);
    proxy.advance(Duration::from_millis(100));
    assert_eq!(said(&mut proxy), ["14", "upstream request timeout{response_timeout}"]);
    Ok(())
}

#[test]
fn a_grpc_target_is_a_service_or_the_name_of_a_cluster() -> Outcome {
    let unstarted = ["10", "14", "Cluster not available"];
    let cases: [(&str, &[&str]); 4] = [
        ("c", &["0"]),
        ("nowhere", &["4"]),
        (r"\0a\03\0a\01x", &unstarted),
        ("", &["Envoy 1.40 ends when a gRPC call names no service", "2"]),
    ];
    for (target, expected) in cases {
        let mut proxy = grpc_proxy(target)?;
        request(&mut proxy);
        assert_eq!(said(&mut proxy), expected, "{target}");
    }
    Ok(())
}
