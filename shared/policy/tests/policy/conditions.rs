//! Typed conditions on headers, parameters, cookies, the path and its captures, the peer; the same string twice; gRPC methods.

use serde_json::{Value, json};

use crate::specimen::Says::{Maybe, No, Yes};
use crate::specimen::{AccessPolicy, Ask, Says, ask, says, to, when};

#[track_caller]
fn check(rule: &Value, rows: &[(Ask, Says)]) {
    for (ask, expected) in rows {
        assert_eq!(says(AccessPolicy, rule, ask), *expected, "{rule} of {ask:?}");
    }
}

/// What a condition on the parameter `it` says of each of these queries.
#[track_caller]
fn query(test: Value, rows: &[(&str, Says)]) {
    let mut condition = json!({"query": "it"});
    condition.as_object_mut().unwrap().extend(test.as_object().unwrap().clone());
    for (query, expected) in rows {
        check(&when(condition.clone()), &[(ask().path(&format!("/a{query}")), *expected)]);
    }
}

/// What a condition on the header `x-it` says of each of these lists of its values.
#[track_caller]
fn header(test: Value, rows: &[(&[&str], Says)]) {
    let mut condition = json!({"header": "X-It"});
    condition.as_object_mut().unwrap().extend(test.as_object().unwrap().clone());
    for (values, expected) in rows {
        let ask = values.iter().fold(ask(), |ask, value| ask.header("x-it", value));
        check(&when(condition.clone()), &[(ask, *expected)]);
    }
}

#[test]
fn a_text_is_compared_as_what_the_rule_compares() {
    query(json!({"equals": "gold"}), &[("?it=gold", Yes), ("?it=Gold", No), ("?it=golden", No), ("", No)]);
    query(json!({"equals": "7"}), &[("?it=7", Yes), ("?it=7.0", No), ("?it=07", No)]);
    query(
        json!({"equals": 7}),
        &[
            ("?it=7", Yes),
            ("?it=7.0", Yes),
            ("?it=8", No),
            ("?it=-7", No),
            ("?it=07", Maybe),
            ("?it=%2B7", Maybe),
        ],
    );
    query(
        json!({"equals": 7}),
        &[("?it=7e0", Maybe), ("?it=seven", Maybe), ("?it=", Maybe), ("?it=0x7", Maybe)],
    );
    query(
        json!({"equals": true}),
        &[
            ("?it=true", Yes),
            ("?it=false", No),
            ("?it=True", Maybe),
            ("?it=1", Maybe),
            ("?it", Maybe),
            ("", No),
        ],
    );
    query(json!({"in": ["a", "b"]}), &[("?it=a", Yes), ("?it=b", Yes), ("?it=c", No)]);
    query(json!({"in": ["a", 1]}), &[("?it=a", Yes), ("?it=1", Yes), ("?it=01", Maybe), ("?it=2", No)]);
    query(json!({"prefix": "ab"}), &[("?it=abc", Yes), ("?it=ab", Yes), ("?it=xab", No), ("", No)]);
    query(json!({"suffix": "bc"}), &[("?it=abc", Yes), ("?it=bcx", No)]);
    query(json!({"suffix": "@a.b"}), &[("?it=x@a.b", Yes), ("?it=x@c@a.b", Maybe), ("?it=x@a.c", No)]);
    query(
        json!({"contains": "read"}),
        &[("?it=write%20read", Yes), ("?it=reads", No), ("?it=write+read", Maybe)],
    );
    query(
        json!({"gt": 100}),
        &[("?it=101", Yes), ("?it=100", No), ("?it=100.5", Yes), ("?it=-101", No), ("", No)],
    );
    query(
        json!({"lt": 0.5}),
        &[("?it=0.25", Yes), ("?it=0.5", No), ("?it=-1", Yes), ("?it=0.50", No), ("?it=.1", Maybe)],
    );
    query(json!({"gt": 1, "lt": 9}), &[("?it=5", Yes), ("?it=9", No), ("?it=x", Maybe)]);
    query(json!({"lt": 9}), &[("?it=1234567890123456", Maybe), ("?it=123456789012345", No)]);
    query(
        json!({"regex": "[0-9]{1,3}|x"}),
        &[("?it=12", Yes), ("?it=x", Yes), ("?it=1234", No), ("?it=12x", No)],
    );
    query(json!({"regex": "a|ab"}), &[("?it=ab", Yes), ("?it=a", Yes), ("?it=abc", No), ("", No)]);
}

#[test]
fn whether_a_part_is_there_is_known() {
    query(
        json!({"exists": true}),
        &[("?it=", Yes), ("?it", Yes), ("?a=1", No), ("", No), ("?it[]=1", Maybe)],
    );
    query(
        json!({"exists": false}),
        &[("?it=", No), ("?a=1", Yes), ("", Yes), ("?IT=1", Maybe), ("?a;it", Maybe)],
    );
    header(json!({"exists": true}), &[(&["a"], Yes), (&[""], Yes), (&[], No)]);
    header(json!({"exists": false}), &[(&["a"], No), (&[], Yes)]);
    let connect = ask().method("CONNECT").without_path();
    check(&when(json!({"query": "it", "exists": false})), &[(connect, Yes)]);
}

#[test]
fn every_reading_of_a_parameter_counts() {
    query(
        json!({"equals": "a"}),
        &[
            ("?it=a&it=a", Maybe),
            ("?it=b&it=c", No),
            ("?it=b&it=a", Maybe),
            ("?it=a;x", Maybe),
            ("?x;it=a", Maybe),
        ],
    );
    query(
        json!({"equals": "a"}),
        &[("?It=a", Maybe), ("?it[]=a", Maybe), ("?it=%2561", Maybe), ("?it=%", Maybe)],
    );
    query(json!({"equals": "a b"}), &[("?it=a%20b", Yes), ("?it=a+b", Maybe), ("?it=a%2Bb", No)]);
    query(
        json!({"prefix": "a", "suffix": "z"}),
        &[("?it=ab&it=yz", Maybe), ("?it=ab&it=zy", No), ("?it=abz&it=acz", Yes)],
    );
}

#[test]
fn every_value_of_a_header_counts_and_space_around_it_does_not() {
    header(
        json!({"equals": "admin"}),
        &[
            (&["admin"], Yes),
            (&[" admin\t"], Yes),
            (&["admin", "user"], Maybe),
            (&["user", "guest"], No),
            (&[], No),
        ],
    );
    header(json!({"equals": "a,b"}), &[(&["a,b"], Yes), (&["a", "b"], No)]);
    header(json!({"gt": 5}), &[(&["6"], Yes), (&["6", "7"], Yes), (&["6", "4"], Maybe), (&["3", "4"], No)]);
    let rule = when(json!({"header": "x-it", "equals": "a"}));
    check(
        &rule,
        &[
            (ask().header("x_it", "a"), Maybe),
            (ask().header("x_it", "b"), No),
            (ask().header("x-it", "a").header("x_it", "a"), Yes),
            (ask().header("x-it", b"\xff"), Maybe),
            (ask().header("x-it", b"\xff").header("x-it", "a"), Maybe),
        ],
    );
}

#[test]
fn a_comma_is_a_repetition_where_a_proxy_may_have_joined_values() {
    let rule = when(json!({"header": "Authorization", "equals": "Bearer a"}));
    check(
        &rule,
        &[
            (ask().header("authorization", "Bearer a"), Yes),
            (ask().header("authorization", "Bearer b, Bearer a"), Maybe),
            (ask().header("authorization", "Bearer b,Bearer c"), No),
        ],
    );
}

#[test]
fn an_element_of_a_list_in_a_header_stands_between_commas() {
    header(
        json!({"contains": "admins"}),
        &[
            (&["admins"], Yes),
            (&["users, admins ,x"], Yes),
            (&["admins x"], No),
            (&["users", "admins"], Maybe),
            (&["admins", "a,admins"], Yes),
            (&["\"a,admins\""], Maybe),
            (&[], No),
        ],
    );
    header(json!({"contains": 7, "prefix": "5"}), &[(&["5,7"], Yes), (&["7,5"], No), (&["5,07"], Maybe)]);
    let rule = when(json!({"header": "accept", "contains": "text/html"}));
    check(&rule, &[(ask().header("accept", "text/html, */*"), Yes), (ask().header("accept", "*/*"), No)]);
}

#[test]
fn cookies_are_read_in_every_way() {
    let rule = when(json!({"cookie": "tier", "in": ["gold", "silver"]}));
    for (lines, expected) in [
        (&["a=1; tier=gold"][..], Yes),
        (&["tier=\"gold\""], Maybe),
        (&["tier=bronze"], No),
        (&["tier=gold; tier=bronze"], Maybe),
        (&["tier=gold; tier=gold"], Yes),
        (&["a=\"x; tier=gold\""], Maybe),
        (&["tier=gold", "a=1"], Maybe),
        (&["Tier=gold"], Maybe),
        (&["a=1"], No),
        (&[], No),
    ] {
        let ask = lines.iter().fold(ask(), |ask, line| ask.header("cookie", line));
        check(&rule, &[(ask, expected)]);
    }
}

#[test]
fn the_path_is_compared_in_its_one_form() {
    let rule = when(json!({"request": "path", "regex": "/v[0-9]+/orders/[^/]+"}));
    check(
        &rule,
        &[
            (ask().path("/v12/orders/7?x=/"), Yes),
            (ask().path("/v12/orders/7/items"), No),
            (ask().path("/v/orders/7"), No),
            (ask().path("/v1/orders/a%3ab"), Yes),
        ],
    );
    let colon = when(json!({"request": "path", "suffix": "a:b"}));
    check(&colon, &[(ask().path("/a%3ab"), Yes), (ask().path("/a%20b"), No)]);
}

#[test]
fn a_part_of_the_peer_is_compared_and_a_missing_one_leaves_it_open() {
    let web = || ask().by("cluster.local/ns/shop/sa/web");
    let odd = || ask().by("cluster.local/workload");
    for (part, equals) in [
        ("principal", "cluster.local/ns/shop/sa/web"),
        ("namespace", "shop"),
        ("serviceAccount", "web"),
        ("trustDomain", "cluster.local"),
    ] {
        let open = if matches!(part, "namespace" | "serviceAccount") { Maybe } else { No };
        let rule = when(json!({"peer": part, "equals": equals}));
        let odd_says = if part == "trustDomain" { Yes } else { open };
        check(&rule, &[(web(), Yes), (ask(), Maybe), (odd(), odd_says)]);
        check(&when(json!({"peer": part, "equals": "x"})), &[(web(), No)]);
    }
    let rule = when(json!({"peer": "serviceAccount", "regex": "web(-[a-z]+)?"}));
    check(
        &rule,
        &[(web(), Yes), (ask().by("c.l/ns/shop/sa/web-blue"), Yes), (ask().by("c.l/ns/shop/sa/webx"), No)],
    );
}

/// A rule on these paths with one condition.
fn on(paths: Value, condition: Value) -> Value {
    json!({"to": [{"operation": {"paths": paths}}], "when": [condition]})
}

#[test]
fn a_capture_is_the_segment_decoded() {
    let rule = on(json!(["/users/{id}", "/{**}"]), json!({"query": "x", "exists": false}));
    check(&rule, &[(ask().path("/users/7"), Yes), (ask().path("/other"), Yes)]);
    let rule = on(json!(["/users/{id}/{**}"]), json!({"capture": "id", "gt": 100}));
    check(
        &rule,
        &[
            (ask().path("/users/101/x"), Yes),
            (ask().path("/users/99/x"), No),
            (ask().path("/users/me/x"), Maybe),
            (ask().path("/users/101"), No),
            (ask().path("/other/101/x"), No),
        ],
    );
    let rule = on(json!(["/files/{name}"]), json!({"capture": "name", "equals": "a b é"}));
    check(&rule, &[(ask().path("/files/a%20b%20%c3%a9"), Yes), (ask().path("/files/%ff"), Maybe)]);
    let two = on(json!(["/{a}/x", "/y/{a}"]), json!({"capture": "a", "equals": "y"}));
    check(&two, &[(ask().path("/y/z"), No), (ask().path("/y/x"), Maybe), (ask().path("/y/y"), Yes)]);
}

#[test]
fn the_same_string_twice_is_what_same_as_asks_for() {
    let own = on(json!(["/users/{user}/{**}"]), json!({"claim": ["sub"], "sameAs": {"capture": "user"}}));
    let token = |claims: Value| {
        let mut all = json!({"iss": "https://id.example"});
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        ask().path("/users/ann/orders").token(all)
    };
    check(
        &own,
        &[
            (token(json!({"sub": "ann"})), Yes),
            (token(json!({"sub": "bob"})), No),
            (token(json!({"sub": "Ann"})), No),
            (token(json!({"sub": "ann"})).path("/users/bob/orders"), No),
            (token(json!({"sub": "a/b"})).path("/users/a/b"), No),
            (token(json!({})), Maybe),
            (token(json!({"sub": 7})).path("/users/7/x"), Maybe),
            (token(json!({"sub": ["ann"]})), Maybe),
            (token(json!({"sub": ""})), Maybe),
            (ask().path("/users/ann/orders"), Maybe),
            (ask().path("/other"), No),
        ],
    );
    let tenant = when(json!({"header": "x-tenant", "prefix": "t-", "sameAs": {"query": "tenant"}}));
    let both =
        |header: &str, query: &str| ask().header("x-tenant", header).path(&format!("/a?tenant={query}"));
    check(
        &tenant,
        &[
            (both("t-1", "t-1"), Yes),
            (both("t-1", "t%2D1"), Yes),
            (both("t-1", "t-2"), No),
            (both("u-1", "u-1"), No),
            (both("t-1", "t-1&tenant=t-1"), Maybe),
            (both("t-1", "t-1").header("x-tenant", "t-2"), Maybe),
            (both("t-1", "t-1").header("x-tenant", "t-1"), Yes),
            (ask().header("x-tenant", "t-1"), Maybe),
            (ask().path("/a?tenant=t-1"), No),
        ],
    );
    let namespace = when(json!({"peer": "namespace", "sameAs": {"cookie": "ns"}}));
    let caller = |cookie: &str| ask().by("c.l/ns/shop/sa/web").header("cookie", cookie);
    check(
        &namespace,
        &[
            (caller("ns=shop"), Yes),
            (caller("ns=pay"), No),
            (caller("a=1"), Maybe),
            (ask().header("cookie", "ns=shop"), Maybe),
        ],
    );
}

#[test]
fn a_regular_expression_speaks_of_the_strings_of_claims() {
    let rule = when(json!({"claim": ["email"], "regex": r"[a-z.]+@shop\.example"}));
    let token = |email: Value| ask().token(json!({"iss": "a", "email": email}));
    check(
        &rule,
        &[
            (token(json!("ann.b@shop.example")), Yes),
            (token(json!("ann@shop.example.evil")), No),
            (token(json!("x\nann@shop.example")), No),
            (token(json!(7)), Maybe),
            (token(json!(["ann@shop.example"])), Maybe),
            (ask(), Maybe),
        ],
    );
    let long = format!("{}@shop.example", "a".repeat(8192));
    check(&rule, &[(token(json!(long)), Maybe)]);
}

#[test]
fn a_grpc_method_is_called_by_post_with_its_content_type() {
    let call = |path: &str| ask().method("POST").path(path).header("content-type", "application/grpc");
    let rule =
        to(json!({"grpc": [{"service": "shop.v1.Orders", "method": "Get*"}, {"service": "shop.v1.Carts"}]}));
    check(
        &rule,
        &[
            (call("/shop.v1.Orders/GetOrder"), Yes),
            (call("/shop.v1.Orders/Get"), Yes),
            (call("/shop.v1.Carts/Put"), Yes),
            (call("/shop.v1.Orders/Delete"), No),
            (call("/shop.v1.Order/GetOrder"), No),
            (call("/shop.v1.Orders/GetOrder/x"), No),
            (call("/shop.v1.Orders"), No),
            (call("/shop.v1.Orders/GetOrder").method("GET"), Maybe),
            (ask().method("POST").path("/shop.v1.Carts/Put"), Maybe),
        ],
    );
    let kind = |kind: &str| ask().method("POST").path("/shop.v1.Carts/Put").header("content-type", kind);
    for (text, expected) in [
        ("application/grpc+proto", Yes),
        ("Application/GRPC; charset=utf-8", Yes),
        ("application/grpc-web", Maybe),
        ("application/json", Maybe),
        ("application/grpcx", Maybe),
        ("application/grpc, application/json", Maybe),
    ] {
        check(&rule, &[(kind(text), expected)]);
    }
    let any = to(json!({"grpc": [{"service": "shop.*"}], "hosts": ["shop.example"]}));
    check(
        &any,
        &[(call("/shop.v2.X/Y"), Yes), (call("/shops.v2.X/Y"), No), (call("/shop.v2.X/Y").host("a.b"), No)],
    );
}
