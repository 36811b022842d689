//! How many requests wait, for how many answers, and what becomes of the rest.

use crate::setup::{Running, WITHIN, Wanted, asking, engines};
use meshward_harness::client::RawRequest;
use meshward_harness::envoy::Pushed;
use meshward_harness::poll;
use meshward_harness::upstream::Reply;
use std::collections::BTreeMap;
use std::thread::ScopedJoinHandle;

const MOST: usize = 256;

fn spawn<'scope, 'env>(
    scope: &'scope std::thread::Scope<'scope, 'env>,
    running: &'env Running,
    request: &'env RawRequest,
    count: usize,
) -> Vec<ScopedJoinHandle<'scope, u16>> {
    (0..count).map(|_| scope.spawn(|| running.send(request).status)).collect()
}

fn statuses(all: Vec<ScopedJoinHandle<'_, u16>>) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for one in all {
        *counts.entry(one.join().expect("no panic")).or_default() += 1;
    }
    counts
}

fn asked(running: &Running, path: &str, count: usize) {
    let reached = || (running.answers.count(path) == count).then_some(());
    poll::until("the questions", WITHIN, reached).expect("all are asked");
}

#[test]
fn of_300_requests_256_wait_and_44_are_refused_at_once() {
    for (engine, binary) in engines() {
        let running = Wanted::default().start(&binary);
        running.answers.always("/held", Reply::status(200).body("allow").held());
        let request = asking("/full", "http", "/held");
        std::thread::scope(|scope| {
            let all = spawn(scope, &running, &request, 300);
            asked(&running, "/held", MOST);
            let refused = || (all.iter().filter(|one| one.is_finished()).count() == 300 - MOST).then_some(());
            poll::until("44 refusals", WITHIN, refused).expect("44 are refused while 256 wait");
            running.answers.release();
            assert_eq!(statuses(all), BTreeMap::from([(200, MOST), (503, 300 - MOST)]), "{engine}");
        });
        assert_eq!(running.answers.count("/held"), MOST, "{engine}");
        let refused = "/full 503 meshward_denied[plugin.too_many_parked]";
        let lines = || {
            let log = running.envoy.access_log(crate::setup::WHY);
            (log.iter().filter(|line| *line == refused).count() == 300 - MOST).then_some(())
        };
        poll::until("44 lines", WITHIN, lines).expect("the access log says why");
    }
}

#[test]
fn clients_that_go_away_make_room_and_are_not_let_through() {
    for (engine, binary) in engines() {
        let running = Wanted::default().start(&binary);
        running.answers.always("/held", Reply::status(200).body("allow").held());
        let request = asking("/gone", "http", "/held");
        let mut bytes = Vec::new();
        request.encode_into(&mut bytes);
        let clients: Vec<_> = (0..MOST)
            .map(|_| {
                let mut stream = std::net::TcpStream::connect(running.address).expect("a connection");
                std::io::Write::write_all(&mut stream, &bytes).expect("it is sent");
                stream
            })
            .collect();
        asked(&running, "/held", MOST);
        assert_eq!(running.send(&request).status, 503, "{engine}: it is full");
        drop(clients);
        running
            .envoy
            .wait_stat("http.inbound.downstream_rq_active", |active| active == 0, WITHIN)
            .expect("they are gone");
        std::thread::scope(|scope| {
            let all = spawn(scope, &running, &request, MOST);
            asked(&running, "/held", MOST * 2);
            running.answers.release();
            assert_eq!(statuses(all), BTreeMap::from([(200, MOST)]), "{engine}");
        });
        assert_eq!(running.echo.count(), u64::try_from(MOST).unwrap_or_default(), "{engine}");
    }
}

#[test]
fn many_requests_share_one_question() {
    for (engine, binary) in engines() {
        let running = Wanted::default().start(&binary);
        running.answers.always("/shared", Reply::status(200).body("allow x-user=anna").held());
        let request = asking("/share", "share", "/shared");
        std::thread::scope(|scope| {
            let all = spawn(scope, &running, &request, 50);
            running
                .envoy
                .wait_stat("http.inbound.downstream_rq_active", |active| active == 50, WITHIN)
                .expect("all are there");
            running.answers.release();
            assert_eq!(statuses(all), BTreeMap::from([(200, 50)]), "{engine}");
        });
        assert_eq!(running.answers.count("/shared"), 1, "{engine}");
        for (name, count) in [("parked", 50), ("questions", 1), ("allowed", 50)] {
            let counter = format!("wasmcustom.meshward_probe_{name}_total");
            running.envoy.wait_stat(&counter, |value| value == count, WITHIN).expect("it is counted");
        }
        assert_eq!(running.echo.count(), 50, "{engine}");
    }
}

#[test]
fn a_request_is_parked_eight_times_and_not_once_more() {
    for (engine, binary) in engines() {
        let running = Wanted::default().start(&binary);
        running.answers.always("/again", Reply::status(200).body("again"));
        assert_eq!(running.send(&asking("/loop", "http", "/again")).status, 503, "{engine}");
        assert_eq!(running.why("/loop"), "503 meshward_denied[plugin.too_many_questions]", "{engine}");
        assert_eq!(running.answers.count("/again"), 8, "{engine}");
        for _ in 0..7 {
            running.answers.once("/seven", Reply::status(200).body("again"));
        }
        running.answers.always("/seven", Reply::status(200).body("allow"));
        assert_eq!(running.send(&asking("/8", "http", "/seven")).status, 200, "{engine}");
    }
}

#[test]
fn a_new_configuration_neither_loses_nor_frees_who_is_parked() {
    for (engine, binary) in engines() {
        let wanted = Wanted::default();
        let mut running = wanted.start(&binary);
        running.answers.always("/held", Reply::status(200).body("allow").held());
        running.answers.always("/refuse", Reply::status(200).body("deny").held());
        let listener = Wanted { deadline_millis: 9_000, ..wanted }.listener(&running.address.to_string());
        let (allowed, denied) = (asking("/a", "http", "/held"), asking("/d", "http", "/refuse"));
        let parked: Vec<_> = [&allowed, &denied]
            .map(|request| {
                let mut client = running.client();
                let request = request.clone();
                std::thread::spawn(move || client.send(&request).map(|answer| answer.status).ok())
            })
            .into_iter()
            .collect();
        asked(&running, "/held", 1);
        asked(&running, "/refuse", 1);
        assert_eq!(running.envoy.push_listeners(&[listener]).expect("an outcome"), Pushed::Accepted);
        running.answers.release();
        let ends: Vec<_> = parked.into_iter().map(|one| one.join().expect("no panic")).collect();
        assert_eq!(ends, [Some(200), Some(403)], "{engine}");
        assert_eq!(running.send(&allowed).status, 200, "{engine}");
    }
}
