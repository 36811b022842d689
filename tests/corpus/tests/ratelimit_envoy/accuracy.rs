//! "Real Envoy with 1, 2 and 4 workers, 1,000/s, burst 100, 20 s at 5 × overload: `proxy` scope admits within [0.97, 1.03] ×
//! (rate·T + burst)."
//!
//! Three seconds each by default; `MESHWARD_ACCURACY_SECONDS=20` for as long as the sentence says.

use crate::setup::{Wanted, by_header};
use meshward_harness::client::{Client, RawRequest, spread};
use std::time::{Duration, Instant};

const BURST: u64 = 100;
/// Connections: enough that the kernel gives every worker some, and that all of them always have a request on its way.
const CONNECTIONS: usize = 48;

fn seconds() -> u64 {
    let wanted = std::env::var("MESHWARD_ACCURACY_SECONDS").ok();
    wanted.map_or(3, |text| text.parse().expect("MESHWARD_ACCURACY_SECONDS is a number"))
}

/// What came of an overload.
struct Measured {
    sent: u64,
    admitted: u64,
    /// What one bucket would have admitted of the same requests: less than `rate · T + burst` where the machine stood still for longer
    /// than the burst lasts.
    due: u64,
    time: Duration,
}

fn overload(workers: u32, rate: u64) -> Measured {
    let running = Wanted { direct: true, ..Wanted::new(workers, by_header(rate, 1, BURST)) }.start();
    let mut clients: Vec<Client> = (0..CONNECTIONS).map(|_| running.client()).collect();
    for client in &mut clients {
        client.connect().expect("a connection");
    }
    let request = RawRequest::get("/").host("orders").header("x-key", "one");
    let begin = Instant::now();
    let length = Duration::from_secs(seconds());
    let requests = std::iter::from_fn(|| (begin.elapsed() < length).then(|| request.clone()));
    let (mut admitted, mut due) = (0, 0);
    // One bucket, in millionths of a request.
    let (mut level, mut filled) = (BURST * 1_000_000, Duration::ZERO);
    let sent = spread(&mut clients, requests, |answer| {
        let now = begin.elapsed();
        let drops = u64::try_from((now - filled).as_micros()).unwrap_or_default() * rate;
        level = (level + drops).min(BURST * 1_000_000);
        filled = now;
        if level >= 1_000_000 {
            level -= 1_000_000;
            due += 1;
        }
        match answer.status {
            200 => admitted += 1,
            429 => {}
            other => panic!("{other}: {}", answer.text()),
        }
    })
    .expect("answers");
    Measured { sent, admitted, due, time: begin.elapsed() }
}

/// How many a second this machine can send here, by a bucket that is never empty.
fn capacity() -> u64 {
    let Measured { sent, time, .. } = overload(2, 1_000_000);
    u64::try_from(u128::from(sent) * 1_000 / time.as_millis().max(1)).unwrap_or_default()
}

#[test]
fn the_workers_of_a_proxy_admit_what_one_bucket_admits() {
    // On a machine that cannot send five times as much, less is limited to keep the overload.
    let rate = (capacity() / 5).clamp(50, 1_000);
    for workers in [1, 2, 4] {
        let Measured { sent, admitted, due, time } = overload(workers, rate);
        let most = u128::from(rate) * time.as_millis() / 1_000 + u128::from(BURST);
        let share = u128::from(admitted) * 10_000 / most;
        println!(
            "{workers} workers, {rate}/s: {admitted} of {sent} admitted in {} ms, {most} expected: {}.{:02} %",
            time.as_millis(),
            share / 100,
            share % 100
        );
        assert!(sent * 2 > admitted * 3, "no overload: {sent} sent, {admitted} admitted");
        assert!(share <= 10_300, "{workers} workers admit {admitted}, at most {most} are due");
        assert!(admitted * 100 >= due * 97, "{workers} workers admit {admitted} where {due} are due");
    }
}
