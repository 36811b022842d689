//! Plugins in WebAssembly text: a body per callback, and a few functions that every plugin has.

use meshward_host::{Attributes, Headers, Module, Plugin, Progress, Proxy, Stream};

pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

const IMPORTS: &str = r#"
  (import "env" "proxy_log" (func $proxy_log (param i32 i32 i32) (result i32)))
  (import "env" "proxy_get_header_map_value" (func $get (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_add_header_map_value" (func $add (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_replace_header_map_value" (func $replace (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_remove_header_map_value" (func $remove (param i32 i32 i32) (result i32)))
  (import "env" "proxy_get_header_map_pairs" (func $pairs (param i32 i32 i32) (result i32)))
  (import "env" "proxy_get_header_map_size" (func $map_size (param i32 i32) (result i32)))
  (import "env" "proxy_get_property" (func $property (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_property" (func $set_property (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_get_buffer_bytes" (func $buffer (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_buffer_bytes" (func $set_buffer (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_send_local_response" (func $reply (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_continue_stream" (func $continue (param i32) (result i32)))
  (import "env" "proxy_close_stream" (func $close (param i32) (result i32)))
  (import "env" "proxy_set_effective_context" (func $as (param i32) (result i32)))
  (import "env" "proxy_done" (func $done (result i32)))
  (import "env" "proxy_set_tick_period_milliseconds" (func $tick (param i32) (result i32)))
  (import "env" "proxy_get_current_time_nanoseconds" (func $now (param i32) (result i32)))
  (import "env" "proxy_get_shared_data" (func $get_shared (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_shared_data" (func $set_shared (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_register_shared_queue" (func $register (param i32 i32 i32) (result i32)))
  (import "env" "proxy_enqueue_shared_queue" (func $enqueue (param i32 i32 i32) (result i32)))
  (import "env" "proxy_dequeue_shared_queue" (func $dequeue (param i32 i32 i32) (result i32)))
  (import "env" "proxy_http_call" (func $http (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_grpc_call" (func $grpc (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_get_status" (func $status (param i32 i32 i32) (result i32)))
  (import "env" "proxy_call_foreign_function" (func $foreign (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_define_metric" (func $define (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_increment_metric" (func $increment (param i32 i64) (result i32)))
"#;

/// `$say` logs text, `$number` a number, `$show` what a call handed over to 64 and 68 or its status.
const FUNCTIONS: &str = r#"
  (memory (export "memory") 4)
  (global $free (mut i32) (i32.const 131072))
  (global $seen (mut i32) (i32.const 0))
  (func (export "proxy_abi_version_0_2_1"))
  (func $allocate (export "proxy_on_memory_allocate") (param $size i32) (result i32) (local $at i32)
    (local.set $at (global.get $free))
    (global.set $free (i32.add (global.get $free) (local.get $size)))
    (local.get $at))
  (func $say (param i32 i32)
    (drop (call $proxy_log (i32.const 2) (local.get 0) (local.get 1))))
  (func $number (param $n i32) (local $at i32)
    (local.set $at (i32.const 48))
    (loop $more
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
      (local.set $n (i32.div_u (local.get $n) (i32.const 10)))
      (br_if $more (local.get $n)))
    (call $say (local.get $at) (i32.sub (i32.const 48) (local.get $at))))
  (func $show (param $status i32)
    (if (local.get $status)
      (then (call $number (local.get $status)))
      (else (call $say (i32.load (i32.const 64)) (i32.load (i32.const 68))))))
"#;

/// The parameters of a callback, and what it answers by itself.
fn shape(callback: &str) -> (&'static str, Option<&'static str>) {
    match callback {
        "_initialize" => ("", None),
        "proxy_on_context_create" | "proxy_on_queue_ready" => ("(param $id i32) (param $a i32)", None),
        "proxy_on_tick" | "proxy_on_log" | "proxy_on_delete" => ("(param $id i32)", None),
        "proxy_on_done" => ("(param $id i32)", Some("(i32.const 1)")),
        "proxy_on_vm_start" | "proxy_on_configure" => {
            ("(param $id i32) (param $a i32)", Some("(i32.const 1)"))
        }
        "proxy_on_request_trailers" | "proxy_on_response_trailers" => {
            ("(param $id i32) (param $a i32)", Some("(i32.const 0)"))
        }
        "proxy_on_http_call_response" => {
            ("(param $id i32) (param $token i32) (param $a i32) (param $b i32) (param $c i32)", None)
        }
        "proxy_on_grpc_receive" | "proxy_on_grpc_close" => {
            ("(param $id i32) (param $token i32) (param $a i32)", None)
        }
        _ => ("(param $id i32) (param $a i32) (param $end i32)", Some("(i32.const 0)")),
    }
}

/// A module of callbacks. In a body, `@"text"` is the address and the length of that text; a body that answers something must
/// leave it on the stack, after a line `->`.
pub(crate) fn text(callbacks: &[(&str, &str)]) -> String {
    let mut data = String::new();
    let mut at = 4096;
    let mut functions = String::new();
    for (name, body) in callbacks {
        let (parameters, default) = shape(name);
        let (body, answer) =
            body.split_once("->").map_or((*body, default), |(body, answer)| (body, Some(answer)));
        let result = if default.is_some() { "(result i32)" } else { "" };
        let whole = format!("{body}\n{}", answer.unwrap_or_default());
        let mut rest = whole.as_str();
        let mut filled = String::new();
        while let Some((before, after)) = rest.split_once("@\"") {
            let (text, after) = after.split_once('"').unwrap_or((after, ""));
            let length = text.len() - 2 * text.matches('\\').count();
            data.push_str(&format!("(data (i32.const {at}) \"{text}\")\n"));
            filled.push_str(&format!("{before}(i32.const {at}) (i32.const {length})"));
            at += length + 1;
            rest = after;
        }
        filled.push_str(rest);
        functions.push_str(&format!("(func (export \"{name}\") {parameters} {result}\n{filled})\n"));
    }
    format!("(module {IMPORTS} {FUNCTIONS} {data} {functions})")
}

/// The same, compiled.
pub(crate) fn module(callbacks: &[(&str, &str)]) -> Result<Module, Box<dyn std::error::Error>> {
    Ok(Module::new(&wat::parse_str(text(callbacks))?)?)
}

/// A plugin `p` of these callbacks.
pub(crate) fn plugin(callbacks: &[(&str, &str)]) -> Result<Plugin, Box<dyn std::error::Error>> {
    Ok(Plugin::new(module(callbacks)?, "p"))
}

/// A proxy with one plugin of these callbacks and a cluster `c`.
pub(crate) fn proxy(callbacks: &[(&str, &str)]) -> Result<Proxy, Box<dyn std::error::Error>> {
    let mut proxy = Proxy::builder().plugin(plugin(callbacks)?).cluster("c").start()?;
    proxy.take_log();
    Ok(proxy)
}

/// Headers out of text.
pub(crate) fn headers(pairs: &[(&str, &str)]) -> Headers {
    pairs.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

/// `GET /` with further headers.
pub(crate) fn get(more: &[(&str, &str)]) -> Headers {
    let mut all = vec![(":method", "GET"), (":path", "/"), (":authority", "a"), (":scheme", "http")];
    all.extend_from_slice(more);
    headers(&all)
}

/// A stream whose request is `GET /`.
pub(crate) fn request(proxy: &mut Proxy) -> Stream {
    let stream = proxy.open(0, Attributes::plaintext());
    proxy.request_headers(stream, get(&[]), true);
    stream
}

/// What the plugins said since the last time.
pub(crate) fn said(proxy: &mut Proxy) -> Vec<String> {
    proxy.take_log().into_iter().map(|line| line.text).collect()
}

/// Whether the request has reached the upstream.
pub(crate) fn is_forwarded(proxy: &Proxy, stream: Stream) -> bool {
    matches!(proxy.progress(stream), Progress::Forwarded(_))
}
