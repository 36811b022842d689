//! What goes where, and that nothing is lost on the way.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;

fn document(kind: &str, name: &str) -> String {
    format!(
        r#"{{"apiVersion":"meshward.io/v1alpha1","kind":"{kind}","metadata":{{"name":"{name}"}},"spec":{{"n":1e400}}}}"#
    )
}

fn whole(documents: &[String], more: &str) -> String {
    format!(
        r#"{{"apiVersion":"meshward.io/v1alpha1","kind":"PluginConfig","peerVerifiedBy":"transport"{more},"documents":[{}]}}"#,
        documents.join(",")
    )
}

fn parts(documents: &[(&str, &str)]) -> Vec<Part> {
    let documents: Vec<_> = documents.iter().map(|(kind, name)| document(kind, name)).collect();
    split(&whole(&documents, "")).unwrap()
}

/// The part of a plugin: its documents' names and a field.
fn field(parts: &[Part], plugin: Plugin, field: &str) -> Option<String> {
    let part = parts.iter().find(|part| part.plugin == plugin).expect("the plugin has a part");
    let fields: Fields = serde_json::from_str(&part.configuration).unwrap();
    fields.get(field).map(|value| value.get().to_owned())
}

#[test]
fn each_document_goes_to_the_plugin_that_reads_its_kind() {
    let parts = parts(&[
        ("RateLimit", "r"),
        ("AccessPolicy", "a"),
        ("Authentication", "w"),
        ("Detection", "d"),
        ("EventSink", "e"),
        ("AuthorizationPolicy", "i"),
    ]);
    assert_eq!(parts.iter().map(|part| part.plugin).collect::<Vec<_>>(), Plugin::ALL);
    let documents = |plugin| field(&parts, plugin, "documents").unwrap();
    assert_eq!(documents(Plugin::Quota), format!("[{}]", document("RateLimit", "r")));
    assert_eq!(documents(Plugin::Penalty), format!("[{}]", document("Detection", "d")));
    assert_eq!(
        documents(Plugin::Sentinel),
        format!("[{},{}]", document("Detection", "d"), document("EventSink", "e"))
    );
    assert_eq!(
        documents(Plugin::Authz),
        format!("[{},{}]", document("AccessPolicy", "a"), document("AuthorizationPolicy", "i"))
    );
}

#[test]
fn the_plugins_are_told_of_one_another() {
    let all = parts(&[("RateLimit", "r"), ("Authentication", "w"), ("Detection", "d")]);
    for plugin in [Plugin::Penalty, Plugin::Authn, Plugin::Authz, Plugin::Quota] {
        assert_eq!(field(&all, plugin, "events").as_deref(), Some(r#""handover""#), "{plugin:?}");
    }
    assert_eq!(field(&all, Plugin::Sentinel, "events"), None);
    assert_eq!(field(&all, Plugin::Authz, "claims").as_deref(), Some(r#"{"from":"handover"}"#));
    assert_eq!(field(&all, Plugin::Penalty, "role").as_deref(), Some(r#""penalty""#));
    assert_eq!(field(&all, Plugin::Quota, "role").as_deref(), Some(r#""quota""#));
}

fn policy(spec: &str) -> String {
    format!(
        r#"{{"apiVersion":"meshward.io/v1alpha1","kind":"AccessPolicy","metadata":{{"name":"a"}},"spec":{spec}}}"#
    )
}

#[test]
fn who_writes_events_is_told_what_may_be_shown() {
    let operation = r#"{"rules":[{"to":[{"operation":{"paths":["/v1/orders/{id}","*.html","/a?b/c","{**}"],"hosts":["A.b","*.c","d:80"]}}]}]}"#;
    let documents = [policy(operation), document("Authentication", "w")];
    let written = r#","named":["/files/{*}","e.f"]"#;
    let shown = r#"["/c","/files/{*}","/v1/orders","A.b","e.f"]"#;
    let parts = split(&whole(&documents, written)).unwrap();
    for plugin in [Plugin::Authn, Plugin::Authz] {
        assert_eq!(field(&parts, plugin, "named").as_deref(), Some(shown), "{plugin:?}");
    }
    // Where the sentinel stands nobody else writes events.
    let parts = split(&whole(&[policy(operation), document("EventSink", "e")], "")).unwrap();
    let shown = r#"["/c","/v1/orders","A.b"]"#;
    assert_eq!(field(&parts, Plugin::Sentinel, "named").as_deref(), Some(shown));
    assert_eq!(field(&parts, Plugin::Authz, "named"), None);
}

#[test]
fn authz_alone_is_told_of_nobody() {
    let parts = parts(&[]);
    assert_eq!(parts.iter().map(|part| part.plugin).collect::<Vec<_>>(), [Plugin::Authz]);
    for name in ["events", "claims", "role"] {
        assert_eq!(field(&parts, Plugin::Authz, name), None, "{name}");
    }
    assert_eq!(field(&parts, Plugin::Authz, "peerVerifiedBy").as_deref(), Some(r#""transport""#));
}

#[test]
fn a_problem_of_a_part_is_told_with_its_place_in_the_whole() {
    let parts = parts(&[("RateLimit", "r"), ("AccessPolicy", "a"), ("RateLimit", "s")]);
    let quota = parts.iter().find(|part| part.plugin == Plugin::Quota).unwrap();
    let path = |path: &str| quota.place(problem(Code::WrongType, path, "", "")).path;
    assert_eq!(path("documents[1].spec.limits[0].rate"), "documents[2].spec.limits[0].rate");
    assert_eq!(path("documents[0]"), "documents[0]");
    assert_eq!(path("documents[9]"), "documents[9]");
    assert_eq!(path("peerFrom"), "peerFrom");
    assert_eq!(path(""), "");
}

#[test]
fn what_guard_would_not_take_is_refused() {
    for (configuration, told) in [
        (whole(&[document("RateLimits", "r")], ""), "did you mean `RateLimit`?"),
        (whole(&[document("Pod", "r")], ""), "`guard` reads EventSink"),
        (whole(&[], r#","role":"quota""#), "only the `ratelimit` plugin has roles"),
        (whole(&[], r#","claims":{"from":"handover"}"#), "only the `authz` plugin reads it"),
        (whole(&["{}".to_owned()], ""), "missing field `kind`"),
        (whole(&[], r#","sidecar":1"#), "unknown field `sidecar`"),
        (whole(&[], r#","named":["/a?b"]"#), "`/a?b` is no path"),
        (whole(&[], r#","named":["*.shop"]"#), "`*.shop` is no path and no host"),
        ("{".to_owned(), "EOF"),
    ] {
        let told_words = split(&configuration).unwrap_err().to_string();
        assert!(told_words.contains(told), "{told}: {told_words}");
    }
}
