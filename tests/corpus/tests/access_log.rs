//! "A denied request's access log shows policy and rule in `%RESPONSE_CODE_DETAILS%`."

#![expect(clippy::expect_used, clippy::panic, reason = "a test says what it expected and stops")]

use meshward_corpus::stand::{self, ACCESS_LOG, Stand};
use meshward_corpus::{engines, files};
use meshward_harness::client::{Client, RawRequest};
use meshward_harness::config::Http;
use meshward_harness::ports::Reserved;
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(10);

#[test]
fn the_access_log_of_a_denied_request_names_policy_and_rule() {
    for binary in [engines::main(), engines::second()] {
        let binary = binary.unwrap_or_else(|remedy| panic!("{remedy}"));
        let stand = Stand::new().unwrap_or_else(|remedy| panic!("{remedy}"));
        let policy =
            files::policy(&files::root().join("policies/admin-lockdown/policy.yaml")).expect("a policy");
        let port = Reserved::loopback().expect("a port");
        let listener = stand.listener(port.address(), Http::default(), &policy.json);
        let envoy = stand.envoy(&binary, &stand.bootstrap(vec![listener])).start().expect("Envoy starts");
        let mut client = Client::plain(port.address());
        for (id, path, line) in [
            ("rule", "/admin/users", "rule 403 meshward_denied[ns[shop]-policy[admin]-rule[0]]"),
            ("reason", "//admin", "reason 400 meshward_denied[authz.path_refused]"),
            ("allowed", "/orders", "allowed 200 via_upstream"),
        ] {
            let answer = client.send(&RawRequest::get(path).header("x-request-id", id)).expect("an answer");
            let is_mine = |line: &str| line.starts_with(&format!("{id} "));
            let seen = envoy.wait_access_log(ACCESS_LOG, is_mine, WITHIN).expect("a line");
            assert_eq!(seen, line);
            let told = String::from_utf8_lossy(&answer.body).contains("policy[");
            assert!(!told || answer.status == 200, "the caller is told the policy's name");
        }
        assert_eq!(stand::decided(&envoy).expect("counters"), (1, 2));
    }
}
