//! The demo's programs for containers: `serve` is the application, an upstream that says what it saw, and `relay` speaks for it;
//! `issuer` hands out what an issuer publishes, `collector` takes events.

use meshward_harness::collector::Collector;
use meshward_harness::echo::Echo;
use meshward_harness::upstream::HttpUpstream;
use std::error::Error;
use std::fs::OpenOptions;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::path::Path;

const USAGE: &str = "usage: demo-app serve ADDRESS RECORD.jsonl | relay ADDRESS | issuer ADDRESS FOLDER | collector ADDRESS RECORDS.jsonl";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve", address, record] => {
            let record = OpenOptions::new().create(true).append(true).open(record)?;
            Echo::listen(*address, Some(record))?.forever();
            Ok(())
        }
        ["relay", address] => Ok(relay(&TcpStream::connect(*address)?)?),
        ["issuer", address, folder] => {
            HttpUpstream::serving(*address, Path::new(folder))?.forever();
            Ok(())
        }
        ["collector", address, records] => {
            Collector::listen(*address, Path::new(records))?.forever();
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}

/// Standard input goes out, what comes back goes to standard output: a call from where this program runs.
fn relay(there: &TcpStream) -> io::Result<()> {
    there.set_nodelay(true)?;
    let (mut out, mut back) = (there.try_clone()?, there.try_clone()?);
    // Ends with the process: reading standard input cannot be interrupted.
    std::thread::spawn(move || {
        drop(io::copy(&mut io::stdin(), &mut out));
        drop(out.shutdown(Shutdown::Write));
    });
    // A pipe of standard output is line-buffered, and an answer's last line has no end.
    let mut stdout = io::stdout();
    let mut chunk = [0_u8; 16 * 1024];
    loop {
        use io::{Read, Write};
        let count = back.read(&mut chunk)?;
        if count == 0 {
            return Ok(());
        }
        stdout.write_all(chunk.get(..count).unwrap_or_default())?;
        stdout.flush()?;
    }
}
