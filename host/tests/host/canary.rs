//! How plugins are configured: base, canary, workers; updates; what a refusal does.

use core::time::Duration;

use meshward_host::{Proxy, StartError};

use crate::wat::{Outcome, is_forwarded, plugin, request, said};

/// Says its configuration, and refuses one that begins with `b`.
const CONFIGURE: (&str, &str) = (
    "proxy_on_configure",
    r#"(drop (call $buffer (i32.const 7) (i32.const 0) (local.get $a) (i32.const 64) (i32.const 68)))
       (call $show (i32.const 0))
       -> (i32.ne (i32.load8_u (i32.load (i32.const 64))) (i32.const 98))"#,
);

#[test]
fn the_canary_configures_first_then_each_worker() -> Outcome {
    let plugin = plugin(&[
        ("_initialize", r#"(call $say @"init")"#),
        ("proxy_on_context_create", r#"(call $say @"create")"#),
        ("proxy_on_vm_start", r#"(call $say @"start")"#),
        CONFIGURE,
    ])?;
    let mut proxy = Proxy::builder().plugin(plugin.configured("good")).workers(2).start()?;
    let lines: Vec<_> = proxy.log().iter().map(|line| (line.worker, line.text.clone())).collect();
    let mut expected = vec![(None, "init".to_owned())];
    for worker in [None, Some(0), Some(1)] {
        for text in ["init", "create", "start", "good"] {
            expected.push((worker, text.to_owned()));
        }
    }
    assert_eq!(lines, expected);
    said(&mut proxy);
    Ok(())
}

#[test]
fn the_main_thread_configures_between_canary_and_workers_and_ticks_too() -> Outcome {
    let plugin = plugin(&[
        ("proxy_on_configure", r#"(call $say @"configure") (drop (call $tick (i32.const 10)))"#),
        ("proxy_on_tick", r#"(call $say @"tick")"#),
        ("proxy_on_delete", r#"(call $say @"delete")"#),
    ])?;
    let mut proxy = Proxy::builder().plugin(plugin).main_thread(true).start()?;
    proxy.advance(Duration::from_millis(10));
    proxy.configure(0, b"new")?;
    let lines: Vec<_> = proxy.log().iter().map(|line| (line.worker, line.text.as_str())).collect();
    let expected = [
        (None, "configure"),
        (Some(1), "configure"),
        (Some(0), "configure"),
        (Some(1), "tick"),
        (Some(0), "tick"),
        (None, "configure"),
        (Some(1), "configure"),
        (Some(0), "configure"),
        (Some(1), "delete"),
        (Some(0), "delete"),
    ];
    assert_eq!(lines, expected);
    Ok(())
}

#[test]
fn a_refused_first_configuration_does_not_start() -> Outcome {
    let refused = Proxy::builder().plugin(plugin(&[CONFIGURE])?.configured("bad")).start().err();
    assert_eq!(refused, Some(StartError::Refused { plugin: "p".to_owned() }));
    let trapped = plugin(&[("proxy_on_configure", "(unreachable)")])?;
    let refused = Proxy::builder().plugin(trapped).start().err().map(|error| error.to_string());
    assert!(refused.is_some_and(|refused| refused.contains("`p` failed to start") && refused.contains("unreachable")));
    Ok(())
}

#[test]
fn a_refused_update_keeps_the_last_good_and_is_remembered() -> Outcome {
    let look = r#"(call $say @"asked")"#;
    let plugin = plugin(&[CONFIGURE, ("proxy_on_request_headers", look)])?.configured("good");
    let mut proxy = Proxy::builder().plugin(plugin).start()?;
    said(&mut proxy);
    assert!(proxy.configure(0, b"bad").is_err());
    assert_eq!(said(&mut proxy), ["bad", "Wasm VM failed Failed to configure base Wasm plugin"]);
    assert!(proxy.configure(0, b"bad").is_err());
    assert!(said(&mut proxy).is_empty(), "the canary is not asked twice");
    let stream = request(&mut proxy);
    assert!(is_forwarded(&proxy, stream));
    assert!(proxy.configure(7, b"good").is_err(), "there is no such plugin");
    Ok(())
}

#[test]
fn an_update_gets_a_root_of_its_own_and_the_old_one_ends_with_its_last_stream() -> Outcome {
    let plugin = plugin(&[
        CONFIGURE,
        ("proxy_on_request_headers", "-> (i32.const 1)"),
        ("proxy_on_done", r#"(call $say @"done") (call $number (local.get $id))"#),
        ("proxy_on_delete", r#"(call $say @"delete") (call $number (local.get $id))"#),
    ])?;
    let mut proxy = Proxy::builder().plugin(plugin.configured("good")).start()?;
    let stream = request(&mut proxy);
    said(&mut proxy);
    proxy.configure(0, b"new")?;
    assert_eq!(said(&mut proxy), ["new", "new"], "canary and worker; the old root is in use");
    proxy.reset(stream);
    assert_eq!(said(&mut proxy), ["done", "2", "delete", "2", "done", "1", "delete", "1"]);
    Ok(())
}

#[test]
fn a_root_that_is_not_done_is_deleted_when_it_says_so() -> Outcome {
    let plugin = plugin(&[
        ("proxy_on_configure", "(drop (call $tick (i32.const 10)))"),
        ("proxy_on_done", r#"(call $say @"not yet") (global.set $seen (local.get $id)) -> (i32.const 0)"#),
        (
            "proxy_on_tick",
            r#"(if (i32.eq (global.get $seen) (local.get $id)) (then
                (call $number (call $done)) (call $say @"said so") (call $number (call $done))))"#,
        ),
        ("proxy_on_delete", r#"(call $say @"delete")"#),
    ])?;
    let mut proxy = Proxy::builder().plugin(plugin).start()?;
    proxy.configure(0, b"new")?;
    assert_eq!(said(&mut proxy), ["not yet"]);
    proxy.advance(Duration::from_millis(10));
    assert_eq!(said(&mut proxy), ["0", "said so", "1", "delete"]);
    Ok(())
}

#[test]
fn a_worker_that_refuses_what_the_canary_took_lets_requests_skip_the_plugin() -> Outcome {
    // The canary is the first to write the key.
    let plugin = plugin(&[
        (
            "proxy_on_configure",
            r#"(global.set $seen (call $get_shared @"k" (i32.const 64) (i32.const 68) (i32.const 72)))
               (drop (call $set_shared @"k" @"v" (i32.const 0)))
               -> (global.get $seen)"#,
        ),
        ("proxy_on_request_headers", "(unreachable)"),
    ])?;
    let mut proxy = Proxy::builder().plugin(plugin).start()?;
    let stream = request(&mut proxy);
    assert!(is_forwarded(&proxy, stream));
    assert!(proxy.configure(0, b"new").is_err(), "the module is poisoned");
    Ok(())
}
