//! Faults on demand.

use meshward_host::{Fault, FaultKind, Faults, Status};

use crate::wat::{Outcome, proxy, request, said};

const LOOK: &str = r#"
    (i32.store (i32.const 68) (i32.const 0))
    (call $show (call $get (i32.const 0) @":authority" (i32.const 64) (i32.const 68)))
    (call $show (call $get (i32.const 0) @":path" (i32.const 64) (i32.const 68)))"#;

#[test]
fn the_nth_call_of_a_function_fails() -> Outcome {
    let mut proxy = proxy(&[("proxy_on_request_headers", LOOK)])?;
    let fault = FaultKind::Status(Status::InternalFailure);
    proxy.set_faults(Faults::nth_of("proxy_get_header_map_value", 2, fault));
    request(&mut proxy);
    request(&mut proxy);
    assert_eq!(said(&mut proxy), ["a", "10", "a", "/"]);
    assert_eq!(proxy.faults_happened(), ["proxy_get_header_map_value"]);
    Ok(())
}

#[test]
fn the_nth_call_of_all_fails_and_what_fails_does_nothing() -> Outcome {
    let mut proxy = proxy(&[("proxy_on_request_headers", LOOK)])?;
    proxy.reset_counts();
    request(&mut proxy);
    assert_eq!(proxy.total_calls(), 4);
    said(&mut proxy);
    proxy.set_faults(Faults::nth(2, FaultKind::Status(Status::BadArgument)));
    request(&mut proxy);
    assert_eq!(said(&mut proxy), ["/"], "the first line was not logged");
    Ok(())
}

#[test]
fn answers_can_be_cut_and_garbled() -> Outcome {
    let mut proxy = proxy(&[("proxy_on_request_headers", LOOK)])?;
    proxy.set_faults(Faults::nth(1, FaultKind::Cut(0)));
    request(&mut proxy);
    assert_eq!(said(&mut proxy), ["", "/"]);
    let every = Fault { function: Some("proxy_get_header_map_value"), nth: 0, kind: FaultKind::Garble(7) };
    proxy.set_faults(Faults { faults: vec![every] });
    request(&mut proxy);
    let lines = said(&mut proxy);
    assert!(lines.len() == 2 && lines != ["a", "/"], "{lines:?}");
    Ok(())
}
