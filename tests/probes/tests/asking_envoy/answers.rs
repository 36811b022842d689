//! What answers make of requests.

use crate::setup::{Wanted, asking, engines};
use meshward_harness::upstream::{GrpcReply, Reply};
use std::time::Duration;

#[test]
fn an_answer_lets_a_request_go_edits_its_headers_or_refuses_it() {
    for (engine, binary) in engines() {
        let running = Wanted::default().start(&binary);
        running.answers.always("/allow", Reply::status(200).body("allow"));
        running.answers.always("/edit", Reply::status(200).body("allow x-user=anna"));
        running.answers.always("/deny", Reply::status(200).body("deny").after(Duration::from_millis(20)));
        running.answers.always("/broken", Reply::status(500).body("allow"));

        assert_eq!(running.send(&asking("/1", "http", "/allow")).status, 200, "{engine}");
        let edited = asking("/2", "http", "/edit").header("x-secret", "a").header("x-user", "eve");
        assert_eq!(running.send(&edited).status, 200, "{engine}");
        let seen = running.echo.last().expect("it arrived").to_string();
        assert!(seen.contains(r#"["x-user","anna"]"#), "{engine}: {seen}");
        assert!(!seen.contains("x-secret") && !seen.contains("eve"), "{engine}: {seen}");
        let refused = running.send(&asking("/3", "http", "/deny"));
        assert_eq!((refused.status, refused.text().as_str()), (403, "meshward: access denied"), "{engine}");
        assert_eq!(running.why("/3"), "403 meshward_denied[authz.deny_rule]", "{engine}");
        assert_eq!(running.send(&asking("/4", "http", "/broken")).status, 403, "{engine}");
        assert_eq!(running.echo.count(), 2, "{engine}");
    }
}

#[test]
fn a_grpc_message_decides_and_a_grpc_failure_refuses() {
    for (engine, binary) in engines() {
        let running = Wanted::default().start(&binary);
        let replies = [
            ("Allow", GrpcReply::message("allow"), 200),
            ("Deny", GrpcReply::message("deny"), 403),
            ("Status", GrpcReply::status(8, "exhausted"), 503),
            ("Late", GrpcReply::message_then_status("allow", 13), 503),
            ("NoGrpc", GrpcReply::http(500), 503),
            ("Reset", GrpcReply::reset(), 503),
        ];
        for (method, reply, status) in replies {
            running.grpc.always(&format!("/probe.Answers/{method}"), reply);
            let request = asking(&format!("/{method}"), "grpc", method).header("x-message", "who");
            assert_eq!(running.send(&request).status, status, "{engine} {method}");
        }
        let first = running.grpc.seen().into_iter().next().expect("a call");
        assert_eq!(first.message, b"who", "{engine}");
        assert_eq!(running.why("/Status"), "503 meshward_denied[plugin.cannot_ask]", "{engine}");
        assert_eq!(running.echo.count(), 1, "{engine}");
    }
}
