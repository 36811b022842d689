//! What a trap does, under each failure policy.

use core::time::Duration;

use meshward_host::{FailurePolicy, LogLevel, Plugin, Proxy, VmState};

use crate::wat::{Outcome, is_forwarded, module, request};

/// Traps on every second request.
const SECOND: &str = r#"
    (global.set $seen (i32.add (global.get $seen) (i32.const 1)))
    (if (i32.eq (global.get $seen) (i32.const 2)) (then (unreachable)))"#;

fn trapping(policy: FailurePolicy) -> Result<Proxy, Box<dyn std::error::Error>> {
    let module = module(&[("proxy_on_request_headers", SECOND), ("proxy_on_log", r#"(call $say @"log")"#)])?;
    let plugin = Plugin { failure_policy: policy, ..Plugin::new(module, "p") };
    let mut proxy = Proxy::builder().plugin(plugin).workers(2).start()?;
    let first = request(&mut proxy);
    assert!(is_forwarded(&proxy, first));
    Ok(proxy)
}

#[test]
fn closed_refuses_this_request_and_all_after_it_on_this_worker() -> Outcome {
    let mut proxy = trapping(FailurePolicy::Closed)?;
    for _ in 0..2 {
        let stream = request(&mut proxy);
        let reply = proxy.replied(stream).cloned().ok_or("no reply")?;
        assert_eq!((reply.status, reply.details.as_str()), (503, "wasm_fail_stream"));
        assert!(reply.body.is_empty());
    }
    assert_eq!((proxy.vm_state(0, 0), proxy.vm_state(1, 0)), (VmState::Failed, VmState::Running));
    let failed: Vec<_> = proxy.log().iter().filter(|line| line.level == LogLevel::Error).collect();
    let [line] = failed.as_slice() else { return Err("not one line".into()) };
    assert!(
        line.text == "Function: proxy_on_request_headers failed: Uncaught RuntimeError: unreachable",
        "{}",
        line.text
    );
    assert!(!proxy.log().iter().any(|line| line.text == "log"), "a failed VM is not called");
    let other = proxy.open(1, meshward_host::Attributes::plaintext());
    proxy.request_headers(other, crate::wat::get(&[]), true);
    assert!(is_forwarded(&proxy, other));
    Ok(())
}

#[test]
fn open_lets_later_requests_skip_the_plugin() -> Outcome {
    let mut proxy = trapping(FailurePolicy::Open)?;
    let stream = request(&mut proxy);
    assert_eq!(proxy.replied(stream).map(|reply| reply.status), Some(503), "the one that trapped");
    for _ in 0..2 {
        let stream = request(&mut proxy);
        assert!(is_forwarded(&proxy, stream));
    }
    Ok(())
}

#[test]
fn reload_gives_a_new_vm_after_the_back_off() -> Outcome {
    let mut proxy = trapping(FailurePolicy::Reload)?;
    proxy.advance(Duration::from_millis(500));
    for _ in 0..2 {
        let stream = request(&mut proxy);
        assert_eq!(proxy.replied(stream).map(|reply| reply.status), Some(503));
    }
    assert_eq!(proxy.counter("wasm.p.vm_reload_backoff"), Some(1));
    proxy.advance(Duration::from_millis(500));
    let stream = request(&mut proxy);
    assert!(is_forwarded(&proxy, stream));
    assert_eq!(proxy.counter("wasm.p.vm_reload_success"), Some(1));
    assert_eq!(proxy.vm_state(0, 0), VmState::Running);
    Ok(())
}

#[test]
fn a_trap_after_the_response_has_begun_resets_the_stream() -> Outcome {
    let mut proxy =
        crate::wat::proxy(&[("proxy_on_request_headers", ""), ("proxy_on_response_body", "(unreachable)")])?;
    let stream = request(&mut proxy);
    proxy.response_headers(stream, crate::wat::headers(&[(":status", "200")]), false);
    proxy.response_body(stream, b"body", true);
    assert!(proxy.is_gone(stream));
    assert_eq!(proxy.details(stream), Some("wasm_fail_stream"));
    assert!(proxy.responded(stream).is_some_and(|response| response.body.is_empty()));
    Ok(())
}

#[test]
fn a_trap_wins_over_the_reply_before_it_but_not_over_its_details() -> Outcome {
    let body = r#"(drop (call $reply (i32.const 401) @"first" @"no" (i32.const 0) (i32.const 0) (i32.const -1))) (unreachable)"#;
    let mut proxy = crate::wat::proxy(&[("proxy_on_request_headers", body)])?;
    let stream = request(&mut proxy);
    let reply = proxy.replied(stream).cloned().ok_or("no reply")?;
    assert_eq!((reply.status, reply.details.as_str()), (503, "first"));
    Ok(())
}

#[test]
fn a_trap_before_configuring_starts_and_fails_every_request() -> Outcome {
    let mut proxy = crate::wat::proxy(&[("proxy_on_context_create", "(unreachable)")])?;
    let stream = request(&mut proxy);
    assert_eq!(proxy.replied(stream).map(|reply| reply.status), Some(503));
    Ok(())
}

#[test]
fn a_loop_without_end_runs_out_of_fuel() -> Outcome {
    let module = module(&[("proxy_on_request_headers", "(loop $for_ever (br $for_ever))")])?;
    let mut proxy = Proxy::builder().plugin(Plugin::new(module, "p")).fuel_per_call(100_000).start()?;
    let stream = request(&mut proxy);
    assert_eq!(proxy.replied(stream).map(|reply| reply.status), Some(503));
    assert!(proxy.fuel() >= 100_000);
    Ok(())
}

#[test]
fn a_trap_in_one_plugin_fails_those_that_share_its_vm() -> Outcome {
    let module = module(&[("proxy_on_request_headers", SECOND)])?;
    let plugin = |name, vm_id: &str| Plugin { vm_id: vm_id.to_owned(), ..Plugin::new(module.clone(), name) };
    let proxy = |second| Proxy::builder().plugin(plugin("one", "a")).plugin(plugin("two", second)).start();
    let mut shared = proxy("a")?;
    let stream = request(&mut shared);
    assert!(shared.replied(stream).is_some(), "the counter is in one memory");
    assert_eq!((shared.vm_state(0, 0), shared.vm_state(0, 1)), (VmState::Failed, VmState::Failed));
    let mut apart = proxy("b")?;
    let stream = request(&mut apart);
    assert!(is_forwarded(&apart, stream));
    Ok(())
}
