//! What is written wrongly is refused, and told with its case.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

const POLICY: &str = "{apiVersion: a, kind: b}";

fn read(cases: &str) -> Result<Vec<Case>, String> {
    let text = format!("policies: {{p: {POLICY}}}\ncases:\n{cases}");
    let raw: RawFile = serde_yaml_ng::from_str(&text).map_err(|error| error.to_string())?;
    cases_of(raw)
}

fn cases_of(raw: RawFile) -> Result<Vec<Case>, String> {
    super::cases("f.yaml", raw, None).map_err(|error| error.to_string())
}

fn one(given: &str, step: &str, rest: &str) -> Result<Vec<Case>, String> {
    read(&format!("  - {{name: n, given: {{policy: p{given}}}, steps: [{step}]{rest}}}"))
}

const DENY: &str = "{expect: {verdict: deny, reason: authz.otherwise}}";

#[test]
fn defaults_are_filled_in() {
    let cases = one("", "{expect: {verdict: allow, rule: r}, upstream: {status: 201}}", "").unwrap();
    let case = cases.first().unwrap();
    assert_eq!((case.port, case.transport, &case.peer), (8080, Transport::Tls, &Caller::Nameless));
    let step = case.steps.first().unwrap();
    assert_eq!((step.request.method.as_slice(), step.request.path.as_slice()), (&b"GET"[..], &b"/"[..]));
    let Expect::Verdict(expected) = &step.expect else { unreachable!() };
    assert_eq!((expected.status, expected.reason.as_str()), (201, "authz.allow_rule"));
}

#[test]
fn what_envoy_answers_may_have_beside_it_what_the_plugin_would() {
    let step = "{request: {path: '/a#b', arrives: /a}, expect: {envoy: 400, verdict: deny, reason: authz.path_refused}}";
    let cases = one(", normalization: base", step, ", advisories: [X-1], differs: because").unwrap();
    let case = cases.first().unwrap();
    assert_eq!(
        (case.normalization, case.advisories.as_slice()),
        (Normalization::Base, &["X-1".to_owned()][..])
    );
    assert_eq!(case.differs.as_deref(), Some("because"));
    let step = case.steps.first().unwrap();
    assert!(matches!(step.expect, Expect::Envoy { status: 400, .. }));
    assert_eq!(step.decided().map(|expected| (expected.allowed, expected.status)), Some((false, 400)));
    assert_eq!(step.request.arrives.as_deref(), Some(&b"/a"[..]));
    let alone = one("", "{expect: {envoy: 404}}", "").unwrap();
    assert!(alone.first().unwrap().steps.first().unwrap().decided().is_none());
}

#[test]
fn text_is_bytes_one_character_each() {
    let step = r#"{request: {path: "/\xff", headers: [[a, "\x80é"]]}, expect: {envoy: 400}}"#;
    let cases = one("", step, "").unwrap();
    let asked = &cases.first().unwrap().steps.first().unwrap().request;
    assert_eq!(
        (asked.path.as_slice(), asked.headers.as_slice()),
        (&b"/\xff"[..], &[(b"a".to_vec(), b"\x80\xe9".to_vec())][..])
    );
    let euro = one("", r#"{request: {path: "/€"}, expect: {envoy: 400}}"#, "").unwrap_err();
    assert!(euro.contains("`€` is no byte"), "{euro}");
}

#[test]
fn what_is_written_wrongly_is_told() {
    for (given, step, rest, told) in [
        (", pear: x", DENY, "", "unknown field `pear`"),
        ("", "{expect: {verdict: deny}}", "", "say the `reason`"),
        ("", "{expect: {verdict: deny, reason: authz.nonsense}}", "", "is no reason's code"),
        ("", "{expect: {envoy: 400, reason: authz.otherwise}}", "", "and no `verdict`"),
        ("", "{expect: {reason: authz.otherwise}}", "", "wants `verdict`"),
        ("", "", "", "no step"),
        (", peer: plaintext, certificate: untrusted", DENY, "", "plaintext has no certificate"),
        (", peer: plaintext, via: waypoint", DENY, "", "through a waypoint"),
        (", peer: plaintext, named: {dns: [a]}", DENY, "", "`named` is of a certificate"),
        (", normalization: some", DENY, "", "unknown variant `some`"),
        ("", DENY, ", skip: [{door: envoy, reason: ''}]", "a skip says why"),
        ("", DENY, ", skip: [{door: envoy, before: new, reason: x}]", "write it as in"),
        ("", "{after: 5, expect: {verdict: deny, reason: authz.otherwise}}", "", "clock cannot be set"),
    ] {
        let error = one(given, step, rest).unwrap_err();
        assert!(error.contains(told), "{told}: {error}");
    }
}

#[test]
fn a_wait_is_taken_where_the_door_that_cannot_wait_is_skipped() {
    let step = "{after: 5, expect: {verdict: deny, reason: authz.otherwise}}";
    let cases = one("", step, ", skip: [{door: envoy, reason: its clock cannot be set}]").unwrap();
    let case = cases.first().unwrap();
    assert_eq!(case.skipped_by(Door::Envoy(1, 40)), Some("its clock cannot be set"));
    assert_eq!(case.skipped_by(Door::Native), None);
}

#[test]
fn a_skip_may_be_for_older_envoys_only() {
    let cases = one("", DENY, r#", skip: [{door: envoy, before: "1.40", reason: x}]"#).unwrap();
    let case = cases.first().unwrap();
    assert_eq!(case.skipped_by(Door::Envoy(1, 36)), Some("x"));
    assert_eq!(case.skipped_by(Door::Envoy(1, 40)), None);
}

#[test]
fn names_stand_once_and_policies_are_used() {
    let twice = format!("  - {{name: n, given: {{policy: p}}, steps: [{DENY}]}}\n").repeat(2);
    assert!(read(&twice).unwrap_err().contains("a second case of this name"));
    let unused = RawFile {
        policies: [("q".to_owned(), serde_yaml_ng::from_str(POLICY).unwrap())].into(),
        cases: Vec::new(),
    };
    assert!(cases_of(unused).unwrap_err().contains("used by no case"));
    assert!(read(&format!("  - {{name: n, steps: [{DENY}]}}")).unwrap_err().contains("no `policy.yaml`"));
}

#[test]
fn something_is_planted_before_a_plugin_that_the_chain_has() {
    let read = |before: &str| {
        let policy = "{apiVersion: meshward.io/v1alpha1, kind: PluginConfig, peerVerifiedBy: transport, documents: [{apiVersion: \
                      meshward.io/v1alpha1, kind: AccessPolicy, metadata: {name: all, namespace: shop}, spec: {rules: [{}]}}]}";
        let given = format!("{{policy: p, planted: {{before: {before}, bytes: [1]}}}}");
        let text =
            format!("policies: {{p: {policy}}}\ncases: [{{name: n, given: {given}, steps: [{DENY}]}}]");
        cases_of(serde_yaml_ng::from_str(&text).unwrap())
    };
    assert_eq!(read("authz").unwrap().len(), 1);
    let told = read("authn").unwrap_err();
    assert!(told.contains("`planted` before `authn`, of which the policy's chain has none"), "{told}");
}
