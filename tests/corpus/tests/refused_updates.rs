//! "A bad policy (misspelt field, bad template, unknown key): a clear error with path and remedy; Envoy refuses the update and
//! keeps serving the last good policy; at first start it does not serve."

#![expect(clippy::expect_used, clippy::panic, reason = "a test says what it expected and stops")]

use meshward_corpus::broken::{self, Broken};
use meshward_corpus::stand::{ACCESS_LOG, Stand};
use meshward_corpus::{engines, files};
use meshward_harness::client::{Client, RawRequest};
use meshward_harness::config::{Http, Listener};
use meshward_harness::envoy::{Pushed, StartError};
use meshward_harness::ports::Reserved;
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(10);
const MISTAKES: [&str; 3] = [
    "policies/default-deny/broken/misspelt-field.yaml",
    "policies/default-deny/broken/template-inside-a-segment.yaml",
    "policies/health-and-cors/broken/header-without-a-name.yaml",
];

fn stand() -> Stand {
    Stand::new().unwrap_or_else(|remedy| panic!("{remedy}"))
}

fn mistake(file: &str) -> Broken {
    broken::read(&files::root().join(file)).expect("a broken configuration")
}

fn listener(stand: &Stand, port: &Reserved, configuration: &str) -> Listener {
    stand.listener(port.address(), Http::default(), configuration)
}

#[test]
fn a_bad_update_is_refused_with_path_and_remedy_and_the_last_good_policy_keeps_serving() {
    let stand = stand();
    let binary = engines::main().unwrap_or_else(|remedy| panic!("{remedy}"));
    let good = files::policy(&files::root().join("policies/health-and-cors/policy.yaml")).expect("a policy");
    let port = Reserved::loopback().expect("a port");
    let bootstrap = stand.bootstrap(vec![listener(&stand, &port, &good.json)]).watched();
    let mut envoy = stand.envoy(&binary, &bootstrap).start().expect("Envoy starts");
    let statuses = || {
        let mut client = Client::plain(port.address());
        let mut status = |path: &str| client.send(&RawRequest::get(path)).expect("an answer").status;
        (status("/healthz"), status("/api/orders"))
    };
    assert_eq!(statuses(), (200, 403));
    for file in MISTAKES {
        let broken = mistake(file);
        let mark = envoy.log_mark();
        let pushed =
            envoy.push_listeners(&[listener(&stand, &port, &broken.policy.json)]).expect("an outcome");
        assert!(matches!(pushed, Pushed::Rejected { .. }), "{file}: {pushed:?}");
        for problem in &broken.problems {
            envoy
                .wait_log_since(mark, |line| line.contains(problem), WITHIN)
                .expect("path and remedy in the log");
        }
        assert_eq!(statuses(), (200, 403), "after {file}");
    }
    let open = good.json.replace("/healthz", "/livez");
    let pushed = envoy.push_listeners(&[listener(&stand, &port, &open)]).expect("an outcome");
    assert_eq!(pushed, Pushed::Accepted);
    assert_eq!(statuses(), (403, 403));
    assert!(
        envoy.access_log(ACCESS_LOG).iter().all(|line| !line.contains(" 503 ")),
        "no request found no policy"
    );
}

#[test]
fn a_bad_first_policy_does_not_serve() {
    let stand = stand();
    for binary in [engines::main(), engines::second()] {
        let binary = binary.unwrap_or_else(|remedy| panic!("{remedy}"));
        for file in MISTAKES {
            let broken = mistake(file);
            let port = Reserved::loopback().expect("a port");
            let bootstrap = stand.bootstrap(vec![listener(&stand, &port, &broken.policy.json)]);
            match stand.envoy(&binary, &bootstrap).start() {
                Err(StartError::Exited { code, log, .. }) => {
                    assert_eq!(code, Some(1), "{file}");
                    let told = |problem: &String| log.iter().any(|line| line.contains(problem));
                    assert!(broken.problems.iter().all(told), "{file}: {}", log.join("\n"));
                }
                Err(other) => panic!("{file}: {other}"),
                Ok(_) => panic!("{file}: Envoy serves"),
            }
            assert!(Client::plain(port.address()).connect().is_err(), "somebody listens");
        }
    }
}

#[test]
fn no_configuration_at_all_does_not_serve() {
    let stand = stand();
    let binary = engines::main().unwrap_or_else(|remedy| panic!("{remedy}"));
    let port = Reserved::loopback().expect("a port");
    let bootstrap = stand.bootstrap(vec![listener(&stand, &port, "")]);
    match stand.envoy(&binary, &bootstrap).start() {
        Err(StartError::Exited { log, .. }) => {
            let told = log.iter().any(|line| line.contains("there is no configuration"));
            assert!(told, "{}", log.join("\n"));
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("Envoy serves without a policy"),
    }
}
