//! The pages, one heading each, as they stand in `cli/pages`.

/// All pages of all files.
const FILES: [&str; 11] = [
    include_str!("../../pages/mw01.md"),
    include_str!("../../pages/mw02.md"),
    include_str!("../../pages/mw03.md"),
    include_str!("../../pages/mw04.md"),
    include_str!("../../pages/mw05.md"),
    include_str!("../../pages/mw06.md"),
    include_str!("../../pages/mw07.md"),
    include_str!("../../pages/mw08.md"),
    include_str!("../../pages/mw09.md"),
    include_str!("../../pages/mw10.md"),
    include_str!("../../pages/reasons.md"),
];

/// The text below the heading `name`.
pub(super) fn find(name: &str) -> Option<&'static str> {
    pages().find(|(heading, _)| *heading == name).map(|(_, text)| text)
}

/// (heading, text) of every page.
pub(super) fn pages() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.into_iter().flat_map(|file| {
        // A heading stands at the start of the file or after an empty line.
        let file = file.strip_prefix("# ").unwrap_or(file);
        file.split("\n\n# ")
            .filter_map(|page| page.split_once('\n'))
            .map(|(heading, text)| (heading, text.trim()))
    })
}

/// A line as it is shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    Text(&'a str),
    Example(&'a str),
}

/// Tells text from examples, line by line; the fences around examples are not shown.
pub(super) struct Shower {
    inside: bool,
}

impl Shower {
    pub(super) const fn new() -> Self {
        Self { inside: false }
    }

    pub(super) fn line<'a>(&mut self, line: &'a str) -> Option<Line<'a>> {
        if line.starts_with("```") {
            self.inside = !self.inside;
            return None;
        }
        Some(if self.inside { Line::Example(line) } else { Line::Text(line) })
    }
}

/// An example of a page: the words behind its opening fence, and its text.
#[cfg(test)]
pub(super) fn examples(page: &str) -> Vec<(String, String)> {
    let mut examples = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(words), None) => open = Some((words.to_owned(), String::new())),
            (Some(_), Some(example)) => examples.push(example),
            (None, Some((words, text))) => open = Some((words, format!("{text}{line}\n"))),
            (None, None) => {}
        }
    }
    examples
}
