//! Regular expressions, held to the `regex` crate.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says why and fails")]

use proptest::prelude::*;

use super::compile;

fn matches(pattern: &str, text: &str) -> bool {
    compile(pattern).unwrap().matches(text).unwrap()
}

#[test]
fn the_whole_value_matches_or_nothing_does() {
    for (pattern, good, bad) in [
        ("a|ab", "ab", "abc"),
        ("(?:a|ab)c", "abc", "ac "),
        ("(foo|foobar)", "foobar", "foobarx"),
        ("foo", "foo", "xfoo"),
        ("fo*", "f", "fx"),
        ("", "", "a"),
        ("(|a)b", "b", ""),
        ("[a-c]{2,3}", "abc", "abca"),
        ("[^a-c]+", "xyz", "xaz"),
        (r"\d{3}-\w+", "123-a_9", "12a-b"),
        (r"a\.b", "a.b", "axb"),
        ("[-a]+", "-a-", "b"),
        ("é.", "éü", "é"),
        ("(a{2}){3}", "aaaaaa", "aaaaa"),
        ("(ab?)*", "aab", "b"),
        (r"[\w.-]+@shop\.example", "a.b-c@shop.example", "a@b@shop.example"),
    ] {
        assert!(matches(pattern, good), "{pattern} {good}");
        assert!(!matches(pattern, bad), "{pattern} {bad}");
    }
}

#[test]
fn a_line_feed_ends_nothing() {
    assert!(!matches("admin", "admin\n") && !matches("a.", "a\n") && matches(r"a\s", "a\n"));
}

#[test]
fn what_is_not_known_is_refused_with_a_remedy() {
    for (pattern, said) in [
        ("^a$", "`^` in an expression"),
        ("a$|b", "`$` in an expression"),
        ("(?i)a", "`(?` begins a flag"),
        ("(?=a)", "look around"),
        ("(?P<n>a)", "a name"),
        ("a)|(b", "a `)` without"),
        ("(a", "a `(` without"),
        ("[a", "a `[` without"),
        ("[]", "a set without characters"),
        ("[^]", "a set without characters"),
        ("[z-a]", "a range whose end"),
        ("[a-\\d]", "a range up to a set"),
        ("[[:alpha:]]", "a set inside a set"),
        ("[a&&b]", "a set inside a set"),
        ("*a", "`*` repeats nothing"),
        ("a|{2}", "`{` repeats nothing"),
        ("a{2", "a `{` without"),
        ("a{,2}", "does not say how often"),
        ("a{3,2}", "does not say how often"),
        ("a{1001}", "does not say how often"),
        ("a*?", "a repetition of a repetition"),
        ("a{2}+", "a repetition of a repetition"),
        (r"\bx", r"`\b` is not known"),
        (r"\p{L}", r"`\p` is not known"),
        (r"(a)\1", r"`\1` is not known"),
        ("\\", r"a `\` at the end"),
    ] {
        let (message, help) = compile(pattern).unwrap_err();
        assert!(message.contains(said), "{pattern}: {message}");
        assert!(!help.is_empty(), "{pattern}");
    }
}

#[test]
fn what_would_grow_without_bound_is_refused() {
    for pattern in ["(a|b)*a(a|b){14}", "(((a{100}){100}){100}){100}", "((a?){1000}){1000}", ".*x.{999}"] {
        let (message, _) = compile(pattern).unwrap_err();
        assert!(message.contains("too large an automaton"), "{pattern}: {message}");
    }
    let long = "a".repeat(1025);
    assert!(compile(&long).unwrap_err().0.contains("1025 bytes long"));
    assert!(compile(&"a".repeat(1000)).is_ok());
    assert!(compile(&"((".repeat(20)).unwrap_err().0.contains("more than 32 deep"));
    assert!(compile("(((){1000}){1000}){1000}").unwrap().matches("") == Some(true));
}

#[test]
fn of_a_text_that_is_too_long_nothing_is_said() {
    let any = compile(".*").unwrap();
    assert_eq!(any.matches(&"a".repeat(8192)), Some(true));
    assert_eq!(any.matches(&"a".repeat(8193)), None);
}

fn pattern() -> impl Strategy<Value = String> {
    let atom = prop_oneof![
        "[abé]",
        Just(".".to_owned()),
        Just("[a-b]".to_owned()),
        Just("[^b]".to_owned()),
        Just("[^aé-]".to_owned()),
        Just(r"\w".to_owned()),
        Just(r"\D".to_owned()),
        Just(r"[\d.b]".to_owned()),
        Just(r"\.".to_owned()),
    ];
    atom.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("({})", parts.join("|"))),
            (
                inner.clone(),
                prop_oneof![Just("*"), Just("+"), Just("?"), Just("{2}"), Just("{1,}"), Just("{0,2}")]
            )
                .prop_map(|(part, how)| format!("(?:{part}){how}")),
            inner.prop_map(|part| format!("(|{part})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn it_says_what_the_regex_crate_says(
        pattern in pattern(),
        texts in prop::collection::vec("[abé.1\n]{0,6}", 16),
    ) {
        let oracle = regex::RegexBuilder::new(&format!(r"\A(?:{pattern})\z")).build().unwrap();
        // What is too large is refused, which the test above shows; here that is not looked at.
        if let Ok(ours) = compile(&pattern) {
            for text in texts {
                // The crate's classes are Unicode's; ours are ASCII's, and the texts hold no other digit.
                let expected = oracle.is_match(&text);
                let word_differs = pattern.contains(r"\w") && text.contains('é');
                prop_assert!(word_differs || ours.matches(&text) == Some(expected), "{} of {:?}", pattern, text);
            }
        }
    }
}
