//! Templates: Istio's own behaviour table, and what is refused.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

#[track_caller]
fn check(template: &str, matching: &[&str], others: &[&str]) {
    for path in matching {
        assert!(matches(template, false, path), "{template} should match {path}");
        assert!(matches(template, true, path), "strict {template} should match {path}");
    }
    for path in others {
        assert!(!matches(template, false, path), "{template} should not match {path}");
    }
}

fn matches(template: &str, strict: bool, path: &str) -> bool {
    Template::new(template, strict).unwrap().matches(path.as_bytes())
}

#[test]
fn a_double_star_at_the_end_wants_the_slash_before_it() {
    check(
        "/allow/admin/{**}",
        &["/allow/admin/", "/allow/admin/temp", "/allow/admin/foo/temp.txt", "/allow/admin//"],
        &["/allow/admin", "/allow/adminx/y", "/allow", "/x/allow/admin/", "allow/admin/"],
    );
}

#[test]
fn a_single_star_is_one_segment_and_not_empty() {
    check(
        "/foo/{*}/bar/{**}",
        &["/foo/buzz/bar/bat", "/foo/buzz/bar/bat/fuzz.txt", "/foo/buzz/bar/"],
        &["/foo//bar/bat.txt", "/foo/bar/bat.txt", "/foo/a/b/bar/bat", "/foo/buzz/bar"],
    );
    check("/v1/{*}", &["/v1/7", "/v1/a*b"], &["/v1/", "/v1/7/", "/v1/7/8", "/v1", "/v1/a\"b", "/v1/\u{e9}"]);
}

#[test]
fn literals_may_follow_a_double_star() {
    check(
        "/store/{**}/cart",
        &["/store//cart", "/store/foo/cart", "/store/foo/bar/cart"],
        &["/store/cart", "/store/foo/cartx", "/store/foo/cart/"],
    );
    check(
        "/{**}/path/template",
        &["/a/path/template", "//path/template", "/a/b/path/template"],
        &["/path/template"],
    );
}

#[test]
fn a_trailing_slash_is_part_of_the_template() {
    check("/a/{*}/", &["/a/b/"], &["/a/b", "/a/b/c", "/a/b//"]);
    check("/{**}/x/", &["/a/x/"], &["/a/x"]);
}

#[test]
fn a_double_star_alone_matches_every_path() {
    check("/{**}", &["/", "/a", "/a/b/"], &["", "a", "/a\"b"]);
}

#[test]
fn strict_operators_match_every_character_but_a_slash_that_one_segment_has_not() {
    for path in ["/v1/a\"b", "/v1/a|b", "/v1/{x}", "/v1/\u{e9}"] {
        assert!(matches("/v1/{*}", true, path) && matches("/{**}", true, path), "{path}");
        assert!(!matches("/v1/{*}", false, path) && !matches("/{**}", false, path), "{path}");
    }
    for path in ["/v1/", "/v1/7/", "/v1/7/8", "/v1", "/v2/7"] {
        assert!(!matches("/v1/{*}", true, path), "{path}");
    }
    assert!(!matches("/a/{**}/z", true, "/a/|") && matches("/a/{**}/z", true, "/a/|/z"));
}

#[test]
fn the_longest_template_is_as_long_as_envoys() {
    let longest = format!("/{{*}}/{}", "a".repeat(MAX_TEMPLATE_BYTES - 5));
    assert!(Template::new(&longest, false).is_ok());
    assert!(
        Template::is_template("/a/{*}") && Template::is_template("/{**}") && !Template::is_template("/a*")
    );
}

#[test]
fn what_is_not_a_template_is_refused() {
    for (template, expected) in [
        ("/a/{**}/{*}", "last operator"),
        ("/a/{**}/{**}", "last operator"),
        ("/a/{*}x", "segment `{*}x`"),
        ("/a/x{**}", "segment `x{**}`"),
        ("/{*}//b", "empty segment"),
        ("{*}/a", "begin with `/`"),
        ("/{*}/{id}", "segment `{id}`"),
        ("/{*}/a b", "segment `a b`"),
    ] {
        let (message, help) = Template::new(template, false).unwrap_err();
        assert!(message.contains(expected) && !help.is_empty(), "{template}: {message}");
    }
    let long = format!("/{{*}}/{}", "a".repeat(MAX_TEMPLATE_BYTES));
    assert!(Template::new(&long, false).unwrap_err().0.contains("261 bytes"));
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_named_segment_is_captured() {
    let template =
        Template::with_captures("/{tenant}/users/{user_id}/{**}").unwrap_or_else(|_| unreachable!());
    assert!(template.captures("tenant") && template.captures("user_id") && !template.captures("user"));
    for (path, tenant, user) in [
        (&b"/acme/users/ann/x/y"[..], Some(&b"acme"[..]), Some(&b"ann"[..])),
        (b"/acme/users/ann/", Some(b"acme"), Some(b"ann")),
        (b"/acme/users/ann", None, None),
        (b"/acme/users//x", None, None),
        (b"/acme/other/ann/x", None, None),
        (b"/a/users/b%20c/", Some(b"a"), Some(b"b%20c")),
    ] {
        assert_eq!(template.captured(path, "tenant"), tenant, "{}", path.escape_ascii());
        assert_eq!(template.captured(path, "user_id"), user, "{}", path.escape_ascii());
        assert_eq!(template.captured(path, "user"), None);
        assert_eq!(template.matches(path), tenant.is_some());
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_capture_has_a_plain_name_of_its_own_and_stands_before_the_rest() {
    for (text, said) in [
        ("/{}", "`{}` is no capture"),
        ("/{a-b}", "`{a-b}` is no capture"),
        ("/{a=**}", "`{a=**}` is no capture"),
        ("/{a}/{a}", "`{a}` stands twice"),
        ("/{**}/{a}", "`{**}` must be the last operator"),
        ("/x{a}", "segment `x{a}` is not valid"),
        ("/{aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}", "is no capture"),
    ] {
        let message = Template::with_captures(text).err().map(|(message, _)| message).unwrap_or_default();
        assert!(message.contains(said), "{text}: {message}");
    }
    assert!(Template::new("/{a}", true).is_err() && Template::new("/{a}", false).is_err());
    assert_eq!(
        (capture("{a}"), capture("{*}"), capture("{**}"), capture("a")),
        (Some("a"), None, None, None)
    );
}
