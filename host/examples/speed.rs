//! Measures how fast a proxy starts and decides: `cargo run -p meshward-host --example speed -- MODULE CONFIG`.
#![expect(clippy::print_stdout, reason = "this is what it is for")]

use std::error::Error;
use std::time::Instant;

use meshward_host::{Attributes, Module, Plugin, Proxy};

const ROUNDS: u32 = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let module = std::fs::read(arguments.next().ok_or("which module?")?)?;
    let configuration = std::fs::read(arguments.next().ok_or("which configuration?")?)?;
    let begin = Instant::now();
    let module = Module::new(&module)?;
    println!("compile: {:?}", begin.elapsed());
    let start = || {
        Proxy::builder().plugin(Plugin::new(module.clone(), "p").configured(configuration.clone())).start()
    };
    let mut proxy = start()?;
    for line in proxy.log() {
        println!("{line:?}");
    }
    println!("start: {} host calls, {} fuel", proxy.total_calls(), proxy.fuel());
    let begin = Instant::now();
    for _ in 0..ROUNDS {
        proxy = start()?;
    }
    println!("start: {:?}", begin.elapsed().checked_div(ROUNDS).unwrap_or_default());
    proxy.reset_counts();
    let begin = Instant::now();
    for _ in 0..ROUNDS {
        let stream = proxy.open(0, Attributes::mutual_tls("spiffe://cluster.local/ns/shop/sa/web"));
        let headers = [(":method", "GET"), (":path", "/"), (":authority", "a"), (":scheme", "http")];
        let headers = headers.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        proxy.request_headers(stream, headers.to_vec(), true);
        proxy.finish(stream);
    }
    println!("request: {:?}", begin.elapsed().checked_div(ROUNDS).unwrap_or_default());
    println!("calls of {ROUNDS} requests: {:?}, fuel {}", proxy.calls(), proxy.fuel());
    if let Some(line) = proxy.log().last() {
        println!("{line:?}");
    }
    Ok(())
}
