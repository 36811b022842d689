//! "10^6 keys: guest memory constant, the offender still limited." The embedded host plays the flood, with the module that ships;
//! a real Envoy a smaller one.
//!
//! 50,000 keys by default; `MESHWARD_FLOOD_KEYS=1000000` for the million.

use crate::setup::{Wanted, by_header, configuration, module};
use meshward_harness::client::{Client, RawRequest, spread};
use meshward_host::{Attributes, Module, Plugin, Progress, Proxy};
use serde_json::{Value, json};

const MEMORY: &str = "meshward_ratelimit_memory_bytes";

fn keys() -> u32 {
    let wanted = std::env::var("MESHWARD_FLOOD_KEYS").ok();
    wanted.map_or(50_000, |text| text.parse().expect("MESHWARD_FLOOD_KEYS is a number"))
}

/// Whether the request of `key` goes on.
fn admits(proxy: &mut Proxy, key: &str) -> bool {
    let stream = proxy.open(0, Attributes::plaintext());
    let headers =
        [(":method", "GET"), (":path", "/"), (":authority", "a"), (":scheme", "http"), ("x-key", key)];
    let headers = headers.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
    proxy.request_headers(stream, headers.to_vec(), true);
    let goes_on = match proxy.progress(stream) {
        Progress::Replied(reply) => {
            assert_eq!(reply.status, 429);
            false
        }
        _ => true,
    };
    proxy.finish(stream);
    goes_on
}

fn by_header_in(scope: &str) -> Value {
    let limit = json!({
        "name": "per-key",
        "rate": {"requests": 2, "perSeconds": 3_600},
        "key": [{"header": "x-key"}],
        "scope": scope,
    });
    configuration("quota", "RateLimit", &json!({"limits": [limit]}))
}

#[test]
fn a_flood_of_keys_takes_no_memory_and_frees_no_offender() {
    let wasm = std::fs::read(module("ratelimit")).expect("the module");
    let module = Module::new(&wasm).expect("a module");
    for scope in ["worker", "proxy"] {
        let mut configuration = by_header_in(scope);
        // This proxy does not say whose it is.
        configuration["workload"] = serde_json::json!({"namespace": "shop"});
        let plugin = Plugin::new(module.clone(), "ratelimit").configured(configuration.to_string());
        let mut proxy = Proxy::builder().plugin(plugin).start().expect("a proxy");
        assert!(admits(&mut proxy, "offender") && admits(&mut proxy, "offender"));
        let mut held = None;
        let mut admitted = 0;
        for key in 0..keys() {
            admitted += u32::from(admits(&mut proxy, &format!("key-{key}")));
            if key % 1_000 == 0 {
                assert!(!admits(&mut proxy, "offender"), "{scope}: free after {key} keys");
                proxy.take_log();
            }
            if key == 20_000 {
                held = proxy.gauge(MEMORY);
            }
        }
        let memory = proxy.gauge(MEMORY);
        println!("{scope}: {} keys, {admitted} admitted, {memory:?} bytes of memory", keys());
        assert!(
            memory.is_some() && memory == held,
            "{scope}: {held:?} bytes after 20,000 keys, {memory:?} after all"
        );
    }
}

#[test]
fn a_flood_of_keys_in_envoy_frees_no_offender() {
    const KEYS: u32 = 20_000;
    let running = Wanted { direct: true, ..Wanted::new(2, by_header(2, 3_600, 2)) }.start();
    let mut clients: Vec<Client> = (0..32).map(|_| running.client()).collect();
    let request = |key: String| RawRequest::get("/").host("orders").header("x-key", key);
    for _ in 0..2 {
        assert_eq!(running.with_key("offender").status, 200);
    }
    let flood = (0..KEYS)
        .map(|key| request(if key % 10 == 0 { "offender".to_owned() } else { format!("key-{key}") }));
    let mut at = 0_u32;
    spread(&mut clients, flood, |answer| {
        let expected: &[u16] = if at.is_multiple_of(10) { &[429] } else { &[200, 429] };
        assert!(expected.contains(&answer.status), "request {at}: {answer:?}");
        at += 1;
    })
    .expect("answers");
    assert_eq!(at, KEYS);
}
