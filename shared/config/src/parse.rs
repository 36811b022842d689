//! JSON text to a raw type, or the first problem with its path.

use core::fmt::Arguments;

use meshward_model::{Code, Problem};
use serde::de::{Deserialize, DeserializeOwned, Deserializer};

use crate::locate::path_at;

/// The longest configuration that is read, in bytes.
pub const MAX_CONFIGURATION_BYTES: usize = 8 * 1024 * 1024;

/// Parses `json` into a raw type. `base` is the path at which the text stands in the whole configuration.
///
/// # Errors
/// The first problem, with its path: syntax, a type, an unknown or a doubled field.
pub fn parse<T: DeserializeOwned>(json: &str, base: &str) -> Result<T, Problem> {
    serde_json::from_str(json).map_err(|error| {
        let path = join(base, &path_at(json, error.line(), error.column()));
        // Where a word of a choice should stand, serde's own enums make a syntax error of it; the text is known to be JSON.
        if !base.is_empty() && error.is_syntax() {
            return no_word(&path);
        }
        translate(&path, &error.to_string())
    })
}

/// Reads a field that may be left out but not be null: YAML makes null of a field with nothing behind its colon, and nobody means
/// "everyone" by that. For `#[serde(default, deserialize_with = "given")]`.
///
/// # Errors
/// What reading a `T` gives; null is a wrong type.
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A problem at `path`.
pub fn problem(
    code: Code,
    path: impl Into<String>,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Problem {
    let [path, message, help] = [path.into(), message.into(), help.into()].map(in_one_line);
    Problem { code, path, message, help }
}

/// Names and values of the configuration are repeated in problems, and a problem is a line of the proxy's log: what would end the line
/// is written as an escape, or whoever writes a document could write lines of their own.
fn in_one_line(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
    line
}

/// A problem at `path`; stands once in a module, and not at every place where something may be wrong.
#[cold]
#[inline(never)]
pub(crate) fn fault(code: Code, path: Arguments<'_>, message: Arguments<'_>, help: &str) -> Problem {
    Problem { code, path: path.to_string(), message: message.to_string(), help: help.to_owned() }
}

/// The candidate that is most like `word`, if one is like it at all: what a "did you mean" proposes.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let furthest = word.chars().count().div_ceil(3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= furthest)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn join(base: &str, path: &str) -> String {
    match (base, path) {
        (base, "") => base.to_owned(),
        ("", path) => path.to_owned(),
        (base, path) if path.starts_with('[') => format!("{base}{path}"),
        (base, path) => format!("{base}.{path}"),
    }
}

/// Puts serde's message into our words: the place in the text is dropped (the path says it), a misspelt name gets a proposal, and a
/// wrong type what to write instead.
fn translate(path: &str, message: &str) -> Problem {
    let text = match message.rfind(" at line ") {
        Some(at) => message.get(..at).unwrap_or(message),
        None => message,
    };
    let code = code_of(text);
    if code == Code::WrongType && text.ends_with(", expected a word") {
        return no_word(path);
    }
    let mut words = text.split('`');
    let known: Vec<&str> = words.by_ref().skip(1).step_by(2).collect();
    if code == Code::WrongType {
        return problem(code, path, plain(text), right_type(text, field_of(path)));
    }
    match known.split_first() {
        Some((word, candidates)) if matches!(code, Code::UnknownField | Code::UnknownValue) => {
            let message = plain(text.split(',').next().unwrap_or(text));
            let (message, help) = unknown(message, word, candidates, field_of(path));
            problem(code, path, message, help)
        }
        Some(_) | None => problem(code, path, plain(text), ""),
    }
}

fn no_word(path: &str) -> Problem {
    let help = "give it one of the words it takes; left out, it has its default";
    problem(Code::WrongType, path, "invalid type: expected a word", help)
}

/// What is read only to be refused, or is written by machines: nobody is told to write it.
const UNOFFERED: [&str; 17] = [
    "targetRef",
    "AUDIT",
    "CUSTOM",
    "provider",
    "ipBlocks",
    "notIpBlocks",
    "remoteIpBlocks",
    "notRemoteIpBlocks",
    "status",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "managedFields",
    "ownerReferences",
    "finalizers",
    "selfLink",
];

/// (message, help) for a word that is none of the candidates: what it was most likely meant to be, else what there is.
fn unknown(message: String, word: &str, candidates: &[&str], field: &str) -> (String, String) {
    // Of a choice between letting in and refusing, none is proposed by itself.
    let is_switch = matches!(field, "whenNothingApplies" | "otherwise");
    let near = closest(word, candidates.iter().copied()).filter(|_| !is_switch);
    if let Some(near) = near {
        return (message, format!("did you mean `{near}`?"));
    }
    let offered: Vec<String> = candidates
        .iter()
        .filter(|candidate| !UNOFFERED.contains(candidate))
        .map(|candidate| format!("`{candidate}`"))
        .collect();
    let help = if message.starts_with("unknown field") {
        "check its spelling, and how far it is indented"
    } else if is_switch {
        "write `deny` to refuse such requests, `allow` to let all of them through"
    } else {
        "write one of those"
    };
    let expected = match offered.as_slice() {
        [] => String::new(),
        [_] | [_, _] => format!(", expected {}", offered.join(" or ")),
        _ => format!(", expected one of {}", offered.join(", ")),
    };
    (message + &expected, help.to_owned())
}

/// The last field on a path; empty for the whole and for an entry of a list.
fn field_of(path: &str) -> &str {
    path.rsplit('.').next().filter(|field| !field.ends_with(']')).unwrap_or_default()
}

/// serde's words for people who write YAML.
fn plain(text: &str) -> String {
    text.replace("unknown variant", "unknown value")
        .replace("expected a sequence", "expected a list")
        .replace("invalid type: sequence", "invalid type: a list")
        .replace("invalid type: map", "invalid type: a mapping")
        .replace("invalid type: null", "invalid type: nothing")
}

/// What to write instead of a value of the wrong type.
fn right_type(text: &str, field: &str) -> String {
    let (found, expected) = text.rsplit_once(", expected ").unwrap_or_default();
    let found = found.strip_prefix("invalid type: ").unwrap_or_default();
    // serde quotes numbers and words with backticks, text with quotation marks.
    let value = found.split_once(['`', '"']).map(|(_, value)| value.trim_end_matches(['`', '"']));
    match (expected, value) {
        _ if found == "null" => filled(expected, field),
        ("a string", Some(value)) => format!("put it in quotes: `\"{value}\"`"),
        ("a sequence", Some(value)) if field.is_empty() => {
            format!("it is a list: write `[\"{value}\"]`, or each value behind a `- `")
        }
        ("a sequence", Some(value)) => {
            format!("it is a list: write `{field}: [\"{value}\"]`, or each value behind a `- `")
        }
        ("a sequence", None) => "it is a list: begin each entry with `- `".to_owned(),
        (_, None) if found == "sequence" => "it is not a list here: take the `- ` away".to_owned(),
        ("a string", None) => "write one value, in quotes".to_owned(),
        _ if expected.starts_with("a gRPC method") => {
            "write as in `{service: shop.v1.Orders, method: GetOrder}`".to_owned()
        }
        _ if expected.starts_with("an attribute") => "write as in `{capture: user}`".to_owned(),
        ("a boolean", _) => "write `true` or `false`, without quotes".to_owned(),
        _ if expected.ends_with("2^53)") => {
            "larger numbers are not the same to every reader: let it be a string, in quotes".to_owned()
        }
        (_, Some(_) | None) => String::new(),
    }
}

/// What to put where nothing stands. To delete the field would be no remedy: what it restricts would be restricted no more.
fn filled(expected: &str, field: &str) -> String {
    let entries = match field {
        "from" => "list callers below it, as `- source:`; deleting `from` would let EVERY caller match",
        "to" => "list operations below it, as `- operation:`; deleting `to` would let EVERY operation match",
        "when" => "list conditions below it, as `- key:`; deleting `when` would take them away",
        "rules" | "documents" => "list them below it, each behind a `- `",
        "" => "write a value, or delete this entry if the list has others",
        _ if expected == "a sequence" => "",
        _ => "give it a value, indented below it",
    };
    if entries.is_empty() {
        format!("list values below it; deleting `{field}` would take its restriction away")
    } else {
        entries.to_owned()
    }
}

/// What kind of problem a message of serde's is.
fn code_of(text: &str) -> Code {
    const BEGINNINGS: [(&str, Code); 6] = [
        ("unknown field", Code::UnknownField),
        ("missing field", Code::MissingField),
        ("duplicate field", Code::DoubledField),
        ("unknown variant", Code::UnknownValue),
        ("invalid type", Code::WrongType),
        ("invalid ", Code::WrongType),
    ];
    let known = BEGINNINGS.iter().find(|(beginning, _)| text.starts_with(beginning));
    known.map_or(Code::Syntax, |(_, code)| *code)
}

/// Levenshtein distance, letter case aside.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().map(|letter| letter.to_ascii_lowercase()).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, letter) in left.chars().map(|letter| letter.to_ascii_lowercase()).enumerate() {
        let mut diagonal = at;
        let mut before = at.saturating_add(1);
        let mut next = vec![before];
        for (other, above) in right.iter().zip(row.iter().skip(1)) {
            let replace = diagonal.saturating_add(usize::from(letter != *other));
            before = replace.min(above.saturating_add(1)).min(before.saturating_add(1));
            next.push(before);
            diagonal = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        inner: Vec<Inner>,
    }

    #[derive(Debug, serde::Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        methods: Vec<String>,
    }

    fn error(json: &str) -> String {
        parse::<Outer>(json, "spec").err().map(|problem| problem.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_misspelt_field_is_named_with_its_path_and_a_proposal() {
        assert_eq!(
            error(r#"{"inner":[{"method":[]}]}"#),
            "MW0103 `spec.inner[0].method`: unknown field `method`; did you mean `methods`?"
        );
    }

    #[test]
    fn a_wrong_type_is_named_with_its_path() {
        assert_eq!(
            error(r#"{"inner":[{"methods":["GET", 7]}]}"#),
            "MW0105 `spec.inner[0].methods[1]`: invalid type: integer `7`, expected a string; put it in quotes: `\"7\"`"
        );
    }

    #[test]
    fn a_value_that_should_be_a_list_is_told_how_to_be_one() {
        for (json, help) in [
            (
                r#"{"inner":[{"methods":"GET"}]}"#,
                r#"it is a list: write `methods: ["GET"]`, or each value behind a `- `"#,
            ),
            (
                r#"{"inner":[{"methods":null}]}"#,
                "list values below it; deleting `methods` would take its restriction away",
            ),
            (r#"{"inner":{"methods":[]}}"#, "it is a list: begin each entry with `- `"),
            (r#"{"inner":[{"methods":[["GET"]]}]}"#, "it is not a list here: take the `- ` away"),
            (r#"{"inner":[{"methods":[{}]}]}"#, "write one value, in quotes"),
        ] {
            assert_eq!(
                parse::<Outer>(json, "").err().map(|problem| problem.help).as_deref(),
                Some(help),
                "{json}"
            );
        }
    }

    #[test]
    fn what_is_refused_anyway_is_not_offered() {
        let unlike =
            unknown("unknown field `colour`".to_owned(), "colour", &["paths", "ipBlocks", "ports"], "");
        assert_eq!(unlike.0, "unknown field `colour`, expected `paths` or `ports`");
        let alike = unknown("unknown field `ipBlock`".to_owned(), "ipBlock", &["ipBlocks"], "");
        assert_eq!(alike.1, "did you mean `ipBlocks`?");
    }

    #[test]
    fn a_switch_that_opens_is_never_proposed_by_itself() {
        let (message, help) =
            unknown("unknown value `alow`".to_owned(), "alow", &["deny", "allow"], "otherwise");
        assert_eq!(message, "unknown value `alow`, expected `deny` or `allow`");
        assert!(help.contains("`deny`") && help.contains("`allow`"), "{help}");
    }

    #[test]
    fn an_empty_field_is_filled_and_not_deleted() {
        for field in ["from", "to", "when", "namespaces"] {
            let help = filled("a sequence", field);
            assert!(
                help.starts_with("list ") && help.contains(&format!("deleting `{field}` would")),
                "{help}"
            );
        }
    }

    #[test]
    fn a_name_or_a_value_cannot_end_the_line_that_a_problem_is() {
        assert_eq!(
            error(r#"{"inner":[],"a\nMW0000 \u001b[2J":1}"#),
            r"MW0103 `spec.a\nMW0000 \u{1b}[2J`: unknown field `a\nMW0000 \u{1b}[2J`, expected `inner`; check its spelling, and how far it is indented"
        );
        let value = error(r#"{"inner":"\r\n\u0085"}"#);
        assert!(value.starts_with("MW0105 `spec.inner`") && !value.contains(char::is_control), "{value:?}");
    }

    #[derive(Debug, serde::Deserialize, PartialEq)]
    struct Sparse {
        #[serde(default, deserialize_with = "given")]
        inner: Option<Vec<Inner>>,
    }

    #[test]
    fn a_field_may_be_left_out_but_not_be_null() {
        assert_eq!(parse::<Sparse>("{}", ""), Ok(Sparse { inner: None }));
        assert_eq!(parse::<Sparse>(r#"{"inner":[]}"#, ""), Ok(Sparse { inner: Some(Vec::new()) }));
        let problem = parse::<Sparse>(r#"{"inner":null}"#, "").err();
        assert_eq!(
            problem.map(|problem| (problem.code, problem.path)),
            Some((Code::WrongType, "inner".to_owned()))
        );
    }

    #[test]
    fn a_doubled_field_and_trailing_text_are_problems() {
        assert!(error(r#"{"inner":[],"inner":[]}"#).contains("duplicate field `inner`"));
        assert!(parse::<Outer>(r#"{"inner":[]} x"#, "").is_err_and(|problem| problem.code == Code::Syntax));
    }

    #[test]
    fn a_proposal_is_only_made_for_something_alike() {
        assert_eq!(closest("principal", ["principals", "namespaces"]), Some("principals"));
        assert_eq!(closest("colour", ["principals", "namespaces"]), None);
    }

    #[test]
    fn distance_counts_insertions_deletions_and_replacements() {
        assert_eq!((distance("kitten", "sitting"), distance("", "abc"), distance("Abc", "aBC")), (3, 3, 0));
    }
}
