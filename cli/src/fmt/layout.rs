//! The layout of policies, and the proof that it changes nothing.

use pretty_yaml::config::{FormatOptions, LanguageOptions, LayoutOptions, LineBreak};
use pretty_yaml::format_text;
use serde_json::Value;
use yaml_parser::SyntaxKind;

use crate::failure::Failure;
use crate::input::Input;
use crate::yaml;

/// The width at which lines are broken where they can be.
const WIDTH: usize = 160;

/// How often a text is formatted until it stays as it is.
const MAX_ROUNDS: usize = 4;

/// The text in our layout.
///
/// # Errors
/// [`Failure::Input`] for what is not YAML; [`Failure::Bug`] if formatting would change what it says or lose a comment.
pub(super) fn format(input: &Input) -> Result<String, Failure> {
    let before = values(&input.text).ok_or_else(|| not_yaml(input))?;
    let options = options(&input.text);
    let mut text = input.text.clone();
    for _ in 0..MAX_ROUNDS {
        let next = format_text(&text, &options).map_err(|_| not_yaml(input))?;
        if next == text {
            return proved(input, &before, text);
        }
        text = next;
    }
    Err(Failure::Bug(format!("formatting `{}` comes to no end", input.name)))
}

fn proved(input: &Input, before: &[Value], text: String) -> Result<String, Failure> {
    if values(&text).as_deref() != Some(before) {
        return Err(Failure::Bug(format!(
            "formatting would change what `{}` says; it is left as it is",
            input.name
        )));
    }
    if comments(&input.text) != comments(&text) {
        return Err(Failure::Bug(format!(
            "formatting would lose a comment of `{}`; it is left as it is",
            input.name
        )));
    }
    Ok(text)
}

fn options(text: &str) -> FormatOptions {
    let line_break = if text.contains("\r\n") { LineBreak::Crlf } else { LineBreak::Lf };
    FormatOptions {
        layout: LayoutOptions { print_width: WIDTH, indent_width: 2, line_break },
        language: LanguageOptions {
            trailing_comma: false,
            brace_spacing: false,
            ..LanguageOptions::default()
        },
    }
}

/// What all documents say; `None` where one cannot be read.
fn values(text: &str) -> Option<Vec<Value>> {
    let texts = yaml::read(text);
    texts.broken.is_empty().then(|| texts.documents.iter().map(|document| document.root.to_json()).collect())
}

/// All comments, in their order.
fn comments(text: &str) -> Vec<String> {
    let Ok(root) = yaml_parser::parse(text) else { return Vec::new() };
    root.descendants_with_tokens()
        .filter_map(|element| element.into_token())
        .filter(|token| token.kind() == SyntaxKind::COMMENT)
        .map(|token| token.text().trim_end().to_owned())
        .collect()
}

fn not_yaml(input: &Input) -> Failure {
    let name = if input.path.is_some() { input.name.as_str() } else { "-" };
    Failure::input(
        format!("`{}` is not YAML, so it cannot be formatted", input.name),
        format!("`meshward lint {name}` shows the place"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formatted(text: &str) -> Result<String, String> {
        let input = Input { name: "x".to_owned(), path: None, text: text.to_owned(), named: true };
        format(&input).map_err(|failure| failure.to_string())
    }

    #[test]
    fn layout_is_made_one_and_comments_stay_where_they_are() {
        let text = "# who\nspec:\n    rules:\n    -   from: [ {source:   {namespaces: ['web']}} ] # the shop\n\n    # all\n    - {}\n";
        let expected = "# who\nspec:\n  rules:\n    - from: [{source: {namespaces: [\"web\"]}}] # the shop\n\n    # all\n    - {}\n";
        assert_eq!(formatted(text).as_deref(), Ok(expected));
        assert_eq!(formatted(expected).as_deref(), Ok(expected));
    }

    #[test]
    fn comments_are_told_from_text_that_looks_like_one() {
        let text = "# one\na: 'x # no' # two\nb: |\n  # no\n# three\n";
        assert_eq!(comments(text), ["# one", "# two", "# three"]);
    }

    #[test]
    fn what_a_text_says_stays_the_same() {
        for text in [
            "a: 'it''s'\nb: \"\\u00e9\\n\"\nc: |\n  x\n   y\nd: >-\n  one\n  two\n",
            "a: 'no'\nb: no\nc: '8080'\nd: 8080\n",
            "---\na: 1\n---\n# second\nb: [1, 2]\n...\n",
            "a: &x {k: v}\nb: *x\n",
            "a: '\\d+'\nb: 'say \"hi\"'\nc: \"it's\"\n",
            "\"/orders/*\": x\n? y\n: z\n",
        ] {
            let once = formatted(text);
            assert_eq!(once.as_deref().ok().and_then(values), values(text), "{text}");
            assert_eq!(formatted(once.as_deref().unwrap_or_default()), once, "{text}");
        }
    }

    #[test]
    fn line_ends_stay_what_they_are() {
        assert_eq!(formatted("a:   1\r\nb: 2\r\n").as_deref(), Ok("a: 1\r\nb: 2\r\n"));
    }

    #[test]
    fn what_is_not_yaml_is_left_alone() {
        assert!(formatted("a: [1\n").is_err_and(|said| said.contains("is not YAML")));
    }
}
