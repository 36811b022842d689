//! The text of a regular expression to a tree.

use std::borrow::Cow;

use super::Fault;

/// A regular expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// A character of a set: ranges, both ends included.
    Set(Vec<(u32, u32)>),
    /// One after the other.
    All(Vec<Self>),
    /// One of these.
    Any(Vec<Self>),
    /// So many, at least and at most.
    Repeat(Box<Self>, u32, Option<u32>),
}

/// The most repetitions that can be counted.
const MAX_COUNT: u32 = 1000;

/// How deep groups may be nested.
const MAX_DEPTH: usize = 32;

/// The last character there is.
const LAST: u32 = 0x0010_FFFF;

const DIGITS: &[(u32, u32)] = &[(0x30, 0x39)];
const WORDS: &[(u32, u32)] = &[(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)];
const SPACES: &[(u32, u32)] = &[(0x09, 0x0D), (0x20, 0x20)];

const ESCAPE_HELP: &str = "known are `\\d`, `\\w`, `\\s`, their opposites in upper case, and `\\` before a mark that stands for itself";

/// Reads `pattern`.
pub(super) fn parse(pattern: &str) -> Result<Node, Fault> {
    let mut reader = Reader { rest: pattern, depth: 0 };
    let node = reader.alternatives()?;
    match reader.next() {
        None => Ok(node),
        Some(_) => fault("a `)` without its `(`", "write `\\)` for the character"),
    }
}

fn fault<T>(message: impl Into<Cow<'static, str>>, help: &'static str) -> Result<T, Fault> {
    Err((message.into(), help))
}

struct Reader<'p> {
    rest: &'p str,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let next = characters.next();
        self.rest = characters.as_str();
        next
    }

    fn skip(&mut self, text: &str) -> bool {
        let after = self.rest.strip_prefix(text);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn alternatives(&mut self) -> Result<Node, Fault> {
        let mut branches = vec![self.sequence()?];
        while self.skip("|") {
            branches.push(self.sequence()?);
        }
        Ok(Node::Any(branches))
    }

    fn sequence(&mut self) -> Result<Node, Fault> {
        let mut parts = Vec::new();
        while let Some(next) = self.peek().filter(|next| !matches!(next, '|' | ')')) {
            let part = self.atom(next)?;
            parts.push(self.repeated(part)?);
        }
        Ok(Node::All(parts))
    }

    /// One character, set or group; it begins with `first`, which is not read yet.
    fn atom(&mut self, first: char) -> Result<Node, Fault> {
        self.next();
        Ok(match first {
            '(' => return self.group(),
            '[' => return self.set(),
            '.' => Node::Set(without(&[(0x0A, 0x0A)])),
            '\\' => Node::Set(self.escape()?),
            '^' | '$' => {
                return fault(
                    format!("`{first}` in an expression that is compared with the whole value"),
                    "take it away; write `.*` where anything may stand before or behind, and `\\` before the character itself",
                );
            }
            '*' | '+' | '?' | '{' => {
                return fault(
                    format!("`{first}` repeats nothing"),
                    "put it behind what it repeats; write `\\` before the character itself",
                );
            }
            other => Node::Set(vec![(other.into(), other.into())]),
        })
    }

    fn group(&mut self) -> Result<Node, Fault> {
        if self.rest.starts_with('?') && !self.skip("?:") {
            return fault(
                "`(?` begins a flag, a name or a look around, which there are not here",
                "write plain groups, `(…)`; for letter case a set, as in `[Aa]`",
            );
        }
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            return fault(format!("groups are nested more than {MAX_DEPTH} deep"), "split the rule");
        }
        let node = self.alternatives()?;
        self.depth = self.depth.saturating_sub(1);
        if self.skip(")") {
            Ok(node)
        } else {
            fault("a `(` without its `)`", "write `\\(` for the character")
        }
    }

    /// What stands behind a `\`.
    fn escape(&mut self) -> Result<Vec<(u32, u32)>, Fault> {
        Ok(match self.next() {
            Some('d') => DIGITS.to_vec(),
            Some('w') => WORDS.to_vec(),
            Some('s') => SPACES.to_vec(),
            Some('D') => without(DIGITS),
            Some('W') => without(WORDS),
            Some('S') => without(SPACES),
            Some(mark) if mark.is_ascii_punctuation() => vec![(mark.into(), mark.into())],
            Some(other) => return fault(format!("`\\{other}` is not known here"), ESCAPE_HELP),
            None => return fault("a `\\` at the end", "write `\\\\` for the character"),
        })
    }

    /// What stands behind a `[`.
    fn set(&mut self) -> Result<Node, Fault> {
        let is_negated = self.skip("^");
        let mut ranges = Vec::new();
        loop {
            if ["[", "&&", "--", "~~"].iter().any(|special| self.rest.starts_with(special)) {
                return fault(
                    "a set inside a set",
                    "write `\\` before a `[`, `&`, `-` or `~` that stands for itself",
                );
            }
            let Some(first) = self.next() else {
                return fault("a `[` without its `]`", "write `\\[` for the character");
            };
            match first {
                ']' if ranges.is_empty() => {
                    return fault("a set without characters", "write `\\]` for the character in a set");
                }
                ']' => break,
                '\\' => {
                    let escaped = self.escape()?;
                    match escaped.as_slice() {
                        [(one, end)] if one == end => ranges.push(self.range(*one)?),
                        _ => ranges.extend(escaped),
                    }
                }
                first => ranges.push(self.range(first.into())?),
            }
        }
        Ok(Node::Set(if is_negated { without(&ranges) } else { ranges }))
    }

    /// The range that begins with `first`, or that one alone.
    fn range(&mut self, first: u32) -> Result<(u32, u32), Fault> {
        if !self.rest.starts_with('-') || self.rest.starts_with("-]") || self.rest.starts_with("--") {
            return Ok((first, first));
        }
        self.next();
        let last = match self.next() {
            Some('\\') => match self.escape()?.as_slice() {
                [(one, end)] if one == end => *one,
                _ => return fault("a range up to a set", "write `\\-` for a `-` that stands for itself"),
            },
            Some('[') | None => return fault("a range without its end", "write as in `[a-z]`"),
            Some(last) => last.into(),
        };
        if last < first {
            return fault("a range whose end comes before its beginning", "write as in `[a-z]`");
        }
        Ok((first, last))
    }

    /// `node`, and how often.
    fn repeated(&mut self, node: Node) -> Result<Node, Fault> {
        let (least, most) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                self.next();
                return self.counted(node);
            }
            Some(_) | None => return Ok(node),
        };
        self.next();
        self.once(Node::Repeat(Box::new(node), least, most))
    }

    fn counted(&mut self, node: Node) -> Result<Node, Fault> {
        const HELP: &str = "write `{3}`, `{3,}` or `{3,5}`, and `\\{` for the character";
        let Some((counts, rest)) = self.rest.split_once('}') else {
            return fault("a `{` without its `}`", HELP);
        };
        self.rest = rest;
        let count = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u32>().ok().filter(|count| digits && *count <= MAX_COUNT)
        };
        let (least, most) = match counts.split_once(',') {
            None => (count(counts), Some(count(counts))),
            Some((least, "")) => (count(least), None),
            Some((least, most)) => (count(least), Some(count(most))),
        };
        match (least, most) {
            (Some(least), None) => self.once(Node::Repeat(Box::new(node), least, None)),
            (Some(least), Some(Some(most))) if least <= most => {
                self.once(Node::Repeat(Box::new(node), least, Some(most)))
            }
            (None, _) | (_, Some(_)) => fault(
                format!(
                    "`{{{counts}}}` does not say how often (whole numbers up to {MAX_COUNT}, the lower one first)"
                ),
                HELP,
            ),
        }
    }

    /// What is repeated must not be repeated again.
    fn once(&self, node: Node) -> Result<Node, Fault> {
        if matches!(self.peek(), Some('*' | '+' | '?' | '{')) {
            return fault(
                "a repetition of a repetition",
                "lazy and possessive repeats say nothing about a whole value: take the second mark away, or put a group around the first",
            );
        }
        Ok(node)
    }
}

/// Every character that is in none of `ranges`.
fn without(ranges: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut left = Vec::new();
    let mut from = 0;
    while from <= LAST {
        // The first range that is not behind, by where it begins.
        let next = ranges.iter().filter(|(_, last)| *last >= from).min();
        let (first, last) = next.copied().unwrap_or((LAST.saturating_add(1), LAST));
        if first > from {
            left.push((from, first.saturating_sub(1)));
        }
        from = last.saturating_add(1);
    }
    left
}
