//! A floor is a module with the plugin's exports; what cannot be written down is an error.

use super::*;
use crate::bench::life::Request;
use crate::bench::trace::Given;
use crate::interface;

const PLUGIN: &str = r#"(module
    (import "env" "proxy_log" (func (param i32 i32 i32) (result i32)))
    (import "env" "proxy_continue_stream" (func (param i32) (result i32)))
    (import "env" "proxy_get_property" (func (param i32 i32 i32 i32) (result i32)))
    (import "env" "proxy_define_metric" (func (param i32 i32 i32 i32) (result i32)))
    (import "env" "proxy_increment_metric" (func (param i32 i64) (result i32)))
    (memory (export "memory") 1)
    (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 0))
    (func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 1))
    (func (export "proxy_on_tick") (param i32))
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (i32.const 0)))"#;
const EXPORTS: [&str; 5] =
    ["memory", "proxy_on_memory_allocate", "proxy_on_configure", "proxy_on_tick", "proxy_on_request_headers"];

fn given(bytes: &[u8]) -> Vec<Given> {
    vec![Given { bytes: bytes.to_vec(), varies: false }]
}

fn callback(name: &str, calls: Vec<HostCall>) -> Callback {
    Callback { name: name.to_owned(), arguments: vec![2], calls, returned: Some(0) }
}

fn define() -> HostCall {
    let arguments = vec![0, 70_000, 7, 70_100];
    let name = "proxy_define_metric".to_owned();
    HostCall { name, arguments, given: given(b"a_total"), defined: Some(20), ..HostCall::default() }
}

fn increment(id: i64) -> HostCall {
    HostCall { name: "proxy_increment_metric".to_owned(), arguments: vec![id, 1], ..HostCall::default() }
}

fn property() -> HostCall {
    let name = "proxy_get_property".to_owned();
    let nested = vec![callback(ALLOCATE, Vec::new())];
    HostCall {
        name,
        arguments: vec![70_000, 4, 70_100, 70_104],
        given: given(b"path"),
        nested,
        ..HostCall::default()
    }
}

fn life(request: Vec<HostCall>) -> Life {
    Life {
        beginning: vec![callback("proxy_on_configure", vec![define()])],
        request: Request { callbacks: vec![callback("proxy_on_request_headers", request)] },
        ticks: vec![callback("proxy_on_tick", vec![increment(20)]), callback("proxy_on_tick", Vec::new())],
    }
}

fn made(life: &Life) -> Result<Vec<u8>> {
    of(&Outline::of(&wat::parse_str(PLUGIN)?)?, life)
}

#[test]
fn a_floor_has_the_plugins_exports_and_the_imports_that_it_calls() -> Result<()> {
    let floor = made(&life(vec![property(), increment(20)]))?;
    interface::check(&floor, Some(&EXPORTS))?;
    let outline = Outline::of(&floor)?;
    let imports: Vec<&str> = outline.imports.iter().map(|import| import.name.as_str()).collect();
    assert_eq!(imports, [LOG, "proxy_get_property", "proxy_define_metric", "proxy_increment_metric"]);
    for constant in [&b"path"[..], b"a_total"] {
        assert!(floor.windows(constant.len()).any(|bytes| bytes == constant));
    }
    Ok(())
}

#[test]
fn a_floor_can_have_a_witness_in_its_turn() -> Result<()> {
    let floor = made(&life(vec![property()]))?;
    interface::check(&super::super::witness::add(&floor)?, Some(&EXPORTS))
}

#[test]
fn what_was_not_traced_whole_makes_no_floor() {
    let cut = HostCall { given: given(b"pat"), ..property() };
    let unheard = HostCall { given: Vec::new(), ..property() };
    let calls_back =
        HostCall { nested: vec![callback("proxy_on_response_headers", Vec::new())], ..property() };
    let short = HostCall { arguments: vec![20], ..increment(20) };
    let elsewhere =
        HostCall { name: "proxy_get_buffer_bytes".to_owned(), arguments: vec![0; 5], ..property() };
    for call in [cut, unheard, increment(24), calls_back, short, elsewhere] {
        let name = call.name.clone();
        assert!(made(&life(vec![call])).is_err(), "{name}");
    }
}

#[test]
fn numbers_fit_into_what_the_host_takes() -> Result<()> {
    let mut function = Function::new([]);
    let mut code = function.instructions();
    for (value, of) in [(-1, ValType::I32), (4_294_967_295, ValType::I32), (i64::MIN, ValType::I64)] {
        number(value, of, &mut code)?;
    }
    assert!(number(4_294_967_296, ValType::I32, &mut code).is_err());
    assert!(number(0, ValType::F64, &mut code).is_err());
    Ok(())
}
